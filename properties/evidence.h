// A history laid out for the checkers of this folder: sorted by partition, with look-ups. Made once per run, owned by
// whoever judges; the history outlives it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "properties/value_map.h"
#include "sim/history/history.h"

namespace odradek::properties {

// What is known of the records of one key in a compacted partition.
struct KeyHistory {
  // kNoOffset: the final read has none of the key.
  Offset last_in_the_end = kNoOffset;
  // Of records that were acknowledged or read, and that no loss of power took.
  Offset last_known = kNoOffset;
  Offset last_tombstone = kNoOffset;
  // Nobody knows whether or where such a one stands.
  bool has_uncertain_tombstone = false;
};

struct PartitionHistory {
  std::vector<const history::Send*> sends;
  std::vector<const history::Poll*> polls;
  std::vector<const history::ListOffsets*> list_offsets;
  std::vector<const history::DeleteRecords*> delete_records;
  std::vector<const history::LogLoss*> losses;
  std::vector<const history::LogStart*> log_starts;
  // Those that no replica of the partition was behind any more: the next leader may be the one that was.
  std::vector<const history::LogStart*> log_starts_everywhere;
  std::vector<const history::HighWatermark*> high_watermarks;
  const history::FinalRead* final_read = nullptr;
  // nullptr: not compacted; then `keys` is empty.
  const history::CompactionRule* compaction = nullptr;
  std::map<history::Key, KeyHistory> keys;

  // The first record of the final read at or behind `offset`. REQUIRES: there was one.
  std::vector<history::PolledRecord>::const_iterator InTheEndFrom(Offset offset) const;
  // nullptr: there was no final read, or it has nothing at `offset`.
  const history::PolledRecord* InTheEnd(Offset offset) const;
  // Whether power was lost from `since_ns` to `until_ns` and took `offset` with it. What stood there before need not
  // stand there afterwards.
  bool LostSince(Offset offset, int64_t since_ns, int64_t until_ns = INT64_MAX) const;
  // Whether compaction may have taken the record of `send`, which stood at `offset` or behind it: a later record of its
  // key exists, or it is a tombstone (C4 judges when that may go), or one came behind it and is gone as well.
  bool MayBeCompacted(const history::Send& send, Offset offset) const;
  // Whether a loss that took `offset` at or after `since_ns` is none that the promise rules out: the flush policy does
  // not cover it, the disk damaged what was promised, or the topic was deleted.
  bool LostLegallySince(Offset offset, int64_t since_ns, const history::Promise& promise) const;
};

class Evidence {
 public:
  explicit Evidence(const history::History& history);
  Evidence(const Evidence&) = delete;
  Evidence& operator=(const Evidence&) = delete;

  const history::History& history() const { return history_; }
  const std::map<TopicPartition, PartitionHistory>& partitions() const { return partitions_; }
  // The send of a value; nullptr if nobody sent it.
  const history::Send* SendOf(history::Value value) const;
  // Its place in the history, for tables that have an entry for every send.
  size_t IndexOf(const history::Send& send) const { return static_cast<size_t>(&send - history_.sends.data()); }

 private:
  void NoteKeys(PartitionHistory& partition) const;
  static void FindStartsEverywhere(PartitionHistory& partition);

  const history::History& history_;
  std::map<TopicPartition, PartitionHistory> partitions_;
  ValueMap<const history::Send*> sends_;
  mutable size_t hint_ = 0;  // behind the send that was asked for last
};

// Where the partition ends for clients after a replica's loss.
Offset LeftAfter(const history::LogLoss& loss);

// "orders-3@17"
std::string Place(const TopicPartition& partition, Offset offset);

}  // namespace odradek::properties
