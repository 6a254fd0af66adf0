// The disk of a replica in a test: a log of one entry per offset, and what stands in its checkpoints. What is not
// flushed is lost in a crash, wholly or in part.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "engine/base/check.h"
#include "engine/replication/log_facts.h"

namespace odradek::replication {

struct Entry {
  LeaderEpoch epoch{0};
  int64_t value = 0;
  friend bool operator==(const Entry&, const Entry&) = default;
};

class DiskModel {
 public:
  Offset start() const { return start_; }
  Offset end() const { return base_ + static_cast<int64_t>(entries_.size()); }
  Offset flushed_end() const { return flushed_end_; }
  bool Has(Offset offset) const { return offset >= start_ && offset < end(); }
  const Entry& At(Offset offset) const {
    REQUIRES(offset >= base_ && offset < end());
    return entries_[static_cast<size_t>(offset - base_)];
  }
  // As a restart finds them.
  LogFacts Facts() const {
    const LogFacts::Parts parts{start_, end(), high_watermark_checkpoint_, epochs_.entries()};
    return LogFacts::FromParts(parts).value();
  }

  void BeginEpoch(LeaderEpoch epoch) { epochs_.Assign(epoch, end()); }
  void Append(const Entry& entry) {
    epochs_.Assign(entry.epoch, end());
    entries_.push_back(entry);
  }
  void Truncate(Offset to) {
    REQUIRES(to >= start_ && to <= end());
    entries_.resize(static_cast<size_t>(to - base_));
    epochs_.TruncateFromEnd(to);
    flushed_end_ = std::min(flushed_end_, to);
  }
  void Restart(Offset at) {
    entries_.clear();
    epochs_.Clear();
    start_ = base_ = flushed_end_ = at;
  }
  void RaiseStart(Offset to) {
    REQUIRES(to >= start_ && to <= end());
    start_ = to;
    flushed_end_ = std::max(flushed_end_, to);
    epochs_.TruncateFromStart(to);
  }
  void Flush() { flushed_end_ = end(); }
  void Checkpoint(Offset high_watermark) { high_watermark_checkpoint_ = high_watermark; }
  // Power loss: of what was not flushed, `kept` entries are still there.
  void Crash(int64_t kept) {
    Truncate(std::max(start_, std::min(flushed_end_ + kept, end())));
    flushed_end_ = end();
  }

  friend bool operator==(const DiskModel&, const DiskModel&) = default;

 private:
  Offset base_{0};  // of the first entry that is kept here; the log may start later
  Offset start_{0};
  std::vector<Entry> entries_;
  EpochCache epochs_;
  Offset flushed_end_{0};
  Offset high_watermark_checkpoint_{0};
};

}  // namespace odradek::replication
