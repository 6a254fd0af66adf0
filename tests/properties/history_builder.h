// Hand-written histories: partition t-0, times in steps of one nanosecond as they are given.
#pragma once

#include <utility>
#include <vector>

#include "properties/property.h"
#include "sim/history/history.h"

namespace odradek::properties {

class HistoryBuilder {
 public:
  HistoryBuilder() { history_.converged = true; }

  // An acknowledged send of an idempotent producer.
  history::Send& Acked(history::Value value, int64_t offset, int64_t at_ns) {
    history::Send& send = Sent(value, at_ns, history::Outcome::kOk);
    send.offset = Offset(offset);
    send.acked_timestamp = send.timestamp;
    return send;
  }
  // Of a compacted topic; see Compacted().
  history::Send& AckedKey(history::Value value, history::Key key, int64_t offset, int64_t at_ns) {
    history::Send& send = Acked(value, offset, at_ns);
    send.key = key;
    return send;
  }
  history::Send& AckedTombstone(history::Value value, history::Key key, int64_t offset, int64_t at_ns) {
    history::Send& send = AckedKey(value, key, offset, at_ns);
    send.is_tombstone = true;
    return send;
  }
  void Compacted(int64_t delete_retention_ms) {
    history_.compaction_rules.push_back({kPartition.topic, delete_retention_ms});
  }
  // Where compaction left gaps: offsets and values.
  void CompactedInTheEnd(int64_t end, const std::vector<std::pair<int64_t, history::Value>>& records) {
    history::FinalRead& read = history_.final_reads.emplace_back();
    read.partition = kPartition;
    read.log_start_offset = Offset(0);
    read.end_offset = Offset(end);
    for (const auto& [offset, value] : records) read.records.push_back(Records(offset, {value}).front());
  }
  history::Send& Sent(history::Value value, int64_t at_ns, history::Outcome outcome) {
    history::Send& send = history_.sends.emplace_back();
    send.span = {at_ns, at_ns + 1};
    send.client = 1;
    send.idempotent = true;
    send.partition = kPartition;
    send.value = value;
    send.timestamp = Timestamp(static_cast<int64_t>(value) * 10);
    send.outcome = outcome;
    return send;
  }
  // Values at consecutive offsets.
  history::Poll& Polled(int64_t from, const std::vector<history::Value>& values, int64_t at_ns) {
    history::Poll& poll = history_.polls.emplace_back();
    poll.span = {at_ns, at_ns + 1};
    poll.client = 2;
    poll.partition = kPartition;
    poll.position_before = Offset(from);
    poll.records = Records(from, values);
    poll.position_after = Offset(from + static_cast<int64_t>(values.size()));
    return poll;
  }
  void InTheEnd(int64_t from, const std::vector<history::Value>& values) {
    const int64_t end = from + static_cast<int64_t>(values.size());
    history_.final_reads.push_back({{}, kPartition, Offset(from), Offset(end), Records(from, values)});
  }
  void Lost(int64_t recovered_end, int64_t durable_end, int64_t at_ns) {
    history_.losses.push_back({at_ns, kPartition, Offset(recovered_end), Offset(durable_end), Offset(1000)});
  }
  history::ListOffsets& Listed(history::OffsetQuery query, int64_t offset, int64_t at_ns) {
    history::ListOffsets& call = history_.list_offsets.emplace_back();
    call.span = {at_ns, at_ns + 1};
    call.partition = kPartition;
    call.query = query;
    call.outcome = history::Outcome::kOk;
    call.offset = Offset(offset);
    return call;
  }
  // A search that found the record at `offset`, whose timestamp is `found`.
  history::ListOffsets& Searched(history::OffsetQuery query, int64_t offset, int64_t found, int64_t at_ns) {
    history::ListOffsets& call = Listed(query, offset, at_ns);
    call.found_timestamp = Timestamp(found);
    return call;
  }
  void Deleted(int64_t before, int64_t at_ns) {
    history_.delete_records.push_back({.span = {at_ns, at_ns + 1},
                                       .client = 3,
                                       .partition = kPartition,
                                       .before = Offset(before),
                                       .outcome = history::Outcome::kOk,
                                       .low_watermark = Offset(before)});
  }
  void VisibleTo(int64_t offset, int64_t at_ns) {
    history_.high_watermarks.push_back({at_ns, kPartition, Offset(offset)});
  }
  void StartsAt(int64_t offset, int64_t at_ns, const std::string& node = {}) {
    history_.log_starts.push_back({at_ns, kPartition, Offset(offset), node});
  }
  void BeginsAnewAt(int64_t offset, int64_t at_ns) {
    StartsAt(offset, at_ns);
    history_.log_starts.back().is_new_replica = true;
  }

  history::History& history() { return history_; }

 private:
  static std::vector<history::PolledRecord> Records(int64_t from, const std::vector<history::Value>& values) {
    std::vector<history::PolledRecord> records;
    for (const history::Value value : values) {
      records.push_back({Offset(from++), value, Timestamp(static_cast<int64_t>(value) * 10), ProducerId(7)});
    }
    return records;
  }

  inline static const TopicPartition kPartition{"t", PartitionIndex(0)};
  history::History history_;
};

// A run in which nothing went wrong: two records, both read.
inline HistoryBuilder Good() {
  HistoryBuilder run;
  run.Acked(1, 0, 10);
  run.Acked(2, 1, 20);
  run.Polled(0, {1, 2}, 30);
  run.InTheEnd(0, {1, 2});
  return run;
}

inline bool Holds(Findings (*check)(const Evidence&), HistoryBuilder& run) {
  return check(Evidence(run.history())).holds();
}

}  // namespace odradek::properties
