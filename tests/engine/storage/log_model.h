// What a log must look like, without any storage: every batch that was ever handed to an append, and what became of it.
// Values are unique, so a batch that is read says which one it is.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/ids.h"
#include "engine/record/batch.h"
#include "engine/storage/log_types.h"

namespace odradek::storage {

enum class BatchState : uint8_t {
  kMaybe,  // handed over, not answered, or answered with an error that says nothing
  kThere,  // in the log at its base offset
  kGone,   // refused, cut off, or lost where that is allowed: must never be seen again
  // Cut off by a truncation that died before it synced anything: like every write that nobody synced, a loss of power
  // may undo it. (A truncation that was answered is durable.)
  kCutUnsynced,
};

struct ModelBatch {
  int64_t id = 0;
  BatchState state = BatchState::kMaybe;
  bool answered = false;            // acknowledged to whoever appended it, not only seen by a reader
  Offset base_offset = kNoOffset;   // once acknowledged or seen
  std::vector<int64_t> timestamps;  // of the records
  ProducerId producer_id = kNoProducerId;
  int32_t base_sequence = record::kNoSequence;
  ByteBuffer bytes;  // as the client has them

  int64_t count() const { return static_cast<int64_t>(timestamps.size()); }
  Offset next_offset() const { return base_offset + count(); }
  int32_t last_sequence() const { return base_sequence + static_cast<int32_t>(count()) - 1; }
};

// The first thing that is wrong; empty: nothing yet.
class Verdict {
 public:
  bool ok() const { return problem_.empty(); }
  const std::string& problem() const { return problem_; }
  void Fail(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
  }

 private:
  std::string problem_;
};

struct NewBatch {
  int64_t count = 1;
  int64_t payload_bytes = 0;
  std::vector<int64_t> timestamps;
  ProducerId producer_id = kNoProducerId;
  int32_t base_sequence = record::kNoSequence;
  // Follower: where the leader put it.
  std::optional<Offset> base_offset;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
};

class LogModel {
 public:
  explicit LogModel(Verdict& verdict) : verdict_(&verdict) {}

  // A batch is about to be appended; its id.
  int64_t Start(const NewBatch& batch);
  const ModelBatch& Get(int64_t id) const { return batches_.at(id); }
  void Acked(int64_t id, Offset base_offset);
  void Refused(int64_t id) { batches_.at(id).state = BatchState::kGone; }

  // Bytes that a reader got for offsets in [from, …).
  void CheckRead(Bytes bytes, Offset from);
  // All of the log after a start. What was acknowledged and ends at or below `answered_below` must be in it, and what
  // was only seen and ends at or below `seen_below`.
  struct Loaded {
    Bytes bytes;
    Offset log_start;
    Offset log_end;
    bool power_lost = false;  // since the last one
    Offset answered_below;
    Offset seen_below;
  };
  void CheckLoaded(const Loaded& loaded);

  // Batches at and above go, the one that holds `offset` as well. Returns the log end that follows.
  Offset Truncate(Offset offset, Offset log_start, Offset log_end);
  // The truncation was not answered.
  void MaybeTruncated(Offset offset) { maybe_truncated_ = std::min(maybe_truncated_.value_or(offset), offset); }

  void TruncationDone() { maybe_truncated_.reset(); }
  // Everything below `end` is on the platter, what was cut off there as well.
  void Synced(Offset end);

  // The first record in [from, end) with at least this timestamp; −1.
  Offset FindTime(int64_t at_least, Offset from, Offset end) const;
  // The earliest record in [from, end) with the largest timestamp; −1.
  Offset FindMax(Offset from, Offset end) const;
  std::optional<int64_t> LargestTimestamp(Offset from, Offset end) const;
  // nullopt: some batch in there is not known for certain.
  bool Knows(Offset from, Offset end) const;

  // The last batch of the producer that is in the log or was; nullptr: none.
  const ModelBatch* LastOf(ProducerId id) const;
  bool MayHave(ProducerId id, int32_t last_sequence) const;

 private:
  // Offset of a record in the batch that it names, and whether it may be there. Moves kMaybe to kThere.
  void Seen(int64_t id, Offset base_offset);
  std::vector<int64_t> IdsIn(Bytes bytes, std::vector<Offset>& offsets);

  Verdict* verdict_;
  std::map<int64_t, ModelBatch> batches_;
  int64_t last_id_ = 0;
  std::optional<Offset> maybe_truncated_;
};

}  // namespace odradek::storage
