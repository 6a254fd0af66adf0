// What the machine knows of its replica's log: where it starts and ends, what is committed as far as this replica
// knows, where each leader epoch begins. The log itself is the shell's; both stay in step because every change is an
// effect of the machine or an event that the shell tells at once. A value; nothing suspends.
//
//  1. 0 <= start <= high_watermark <= end (PROPERTIES R11).
//  2. Every record lies in an epoch; what was compacted away may lie in front of the first one. No epoch begins above
//  the
//     end; one that begins there is that of a leader that has appended nothing yet (R12).
//  3. The high watermark falls only when the log is truncated below it.
#pragma once

#include <optional>
#include <vector>

#include "engine/replication/epoch_cache.h"

namespace odradek::replication {

class LogFacts {
 public:
  // An empty log.
  LogFacts() = default;
  // A log as recovery found it. nullopt: the parts contradict each other (invariant 2); they come from a disk. The high
  // watermark is brought into the log's bounds: a checkpoint may be older or younger than the log (BUG_ZOO RP29).
  struct Parts {
    Offset start{0};
    Offset end{0};
    Offset high_watermark{0};
    std::vector<EpochEntry> epochs;
  };
  static std::optional<LogFacts> FromParts(const Parts& parts);

  Offset start() const { return start_; }
  Offset end() const { return end_; }
  Offset high_watermark() const { return high_watermark_; }
  const EpochCache& epochs() const { return epochs_; }
  LeaderEpoch latest_epoch() const { return epochs_.latest(); }
  EpochEndOffset EndOffsetFor(LeaderEpoch epoch) const { return epochs_.EndOffsetFor(epoch, end_); }
  bool is_empty() const { return start_ == end_; }

  // Where to truncate if the leader's log and ours have parted and it says that `leaders` is how far its own goes in
  // the epoch that we asked about (SEMANTICS 26). Never below start. `is_final`: what is left is a prefix of the
  // leader's; otherwise we did not know that epoch either and have to ask once more (KIP-279, BUG_ZOO RP10).
  struct TruncationPoint {
    Offset end;
    bool is_final = true;
    friend bool operator==(const TruncationPoint&, const TruncationPoint&) = default;
  };
  TruncationPoint TruncationFor(const EpochEndOffset& leaders) const;

  // A batch, behind a gap perhaps. REQUIRES: no earlier epoch than the last one, end() <= base < next.
  void Append(LeaderEpoch epoch, Offset base, Offset next);
  // A leader begins: nothing of `epoch` is in the log yet. REQUIRES: later than all epochs of the log.
  void BeginEpoch(LeaderEpoch epoch);
  // REQUIRES: start <= end <= ours. Also at the end of the log, for the epochs (RP13).
  void TruncateTo(Offset end);
  // An empty log at `start`.
  void RestartAt(Offset start);
  // The high watermark is at least `start` afterwards: only what is committed is deleted. REQUIRES: in the log.
  void RaiseStart(Offset start);
  // Whether it rose; brought into the log's bounds.
  bool RaiseHighWatermark(Offset to);

  friend bool operator==(const LogFacts&, const LogFacts&) = default;

 private:
  bool IsConsistent() const;

  Offset start_{0};
  Offset end_{0};
  Offset high_watermark_{0};
  EpochCache epochs_;
};

}  // namespace odradek::replication
