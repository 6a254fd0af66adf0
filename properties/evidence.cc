#include "properties/evidence.h"

#include <algorithm>

#include "engine/base/check.h"

namespace odradek::properties {

Offset LeftAfter(const history::LogLoss& loss) {
  return std::max(loss.recovered_end, loss.kept_end);
}

std::vector<history::PolledRecord>::const_iterator PartitionHistory::InTheEndFrom(Offset offset) const {
  REQUIRES(final_read != nullptr);
  const std::vector<history::PolledRecord>& records = final_read->records;
  if (records.empty() || offset <= records.front().offset) return records.begin();
  // Offsets ascend: the place is no later than it is in a log without gaps, and mostly it is there.
  const int64_t distance = offset.value() - records.front().offset.value();
  const auto latest = records.begin() + std::min(distance, static_cast<int64_t>(records.size()));
  if (latest != records.end() && latest->offset == offset) return latest;
  return std::lower_bound(records.begin(), latest, offset,
                          [](const auto& record, Offset wanted) { return record.offset < wanted; });
}

const history::PolledRecord* PartitionHistory::InTheEnd(Offset offset) const {
  if (final_read == nullptr) return nullptr;
  const auto at = InTheEndFrom(offset);
  return at == final_read->records.end() || at->offset != offset ? nullptr : &*at;
}

bool PartitionHistory::LostSince(Offset offset, int64_t since_ns, int64_t until_ns) const {
  return std::any_of(losses.begin(), losses.end(), [&](const history::LogLoss* loss) {
    return loss->at_ns >= since_ns && loss->at_ns <= until_ns && LeftAfter(*loss) <= offset;
  });
}

bool PartitionHistory::MayBeCompacted(const history::Send& send, Offset offset) const {
  if (compaction == nullptr || !send.key.has_value()) return false;
  const auto at = keys.find(*send.key);
  if (at == keys.end()) return false;
  const KeyHistory& key = at->second;
  return key.last_in_the_end > offset || key.last_tombstone >= offset || key.has_uncertain_tombstone;
}

bool PartitionHistory::LostLegallySince(Offset offset, int64_t since_ns, const history::Promise& promise) const {
  return std::any_of(losses.begin(), losses.end(), [&](const history::LogLoss* loss) {
    const bool is_legal = loss->cause != history::LossCause::kDeath || !promise.acked_survives_power_loss;
    return is_legal && loss->at_ns >= since_ns && LeftAfter(*loss) <= offset;
  });
}

Evidence::Evidence(const history::History& history) : history_(history), sends_(history.sends.size()) {
  // What follows each other is mostly of one partition.
  std::pair<const TopicPartition, PartitionHistory>* last = nullptr;
  const auto of = [&](const TopicPartition& name) -> PartitionHistory& {
    if (last == nullptr || last->first != name) last = &*partitions_.try_emplace(name).first;
    return last->second;
  };
  for (const auto& op : history.sends) {
    of(op.partition).sends.push_back(&op);
    sends_.Emplace(op.value, &op);
  }
  for (const auto& op : history.polls) of(op.partition).polls.push_back(&op);
  for (const auto& op : history.list_offsets) of(op.partition).list_offsets.push_back(&op);
  for (const auto& op : history.delete_records) of(op.partition).delete_records.push_back(&op);
  for (const auto& event : history.losses) of(event.partition).losses.push_back(&event);
  for (const auto& event : history.log_starts) of(event.partition).log_starts.push_back(&event);
  for (const auto& event : history.high_watermarks) of(event.partition).high_watermarks.push_back(&event);
  for (const auto& read : history.final_reads) of(read.partition).final_read = &read;
  for (auto& [name, partition] : partitions_) {
    FindStartsEverywhere(partition);
    const auto rule = std::find_if(history.compaction_rules.begin(), history.compaction_rules.end(),
                                   [&](const history::CompactionRule& one) { return one.topic == name.topic; });
    if (rule == history.compaction_rules.end()) continue;
    partition.compaction = &*rule;
    NoteKeys(partition);
  }
}

void Evidence::FindStartsEverywhere(PartitionHistory& partition) {
  std::map<std::string, Offset> start_of;
  for (const history::LogStart* start : partition.log_starts) start_of.emplace(start->node, Offset(0));
  for (const history::LogStart* start : partition.log_starts) {
    start_of[start->node] = start->log_start_offset;
    const bool is_last = std::all_of(start_of.begin(), start_of.end(),
                                     [&](const auto& one) { return one.second >= start->log_start_offset; });
    if (is_last) partition.log_starts_everywhere.push_back(start);
  }
}

void Evidence::NoteKeys(PartitionHistory& partition) const {
  const auto note = [&](const history::Send& send, Offset offset, int64_t since_ns) {
    if (!send.key.has_value()) return;
    KeyHistory& key = partition.keys[*send.key];
    const history::PolledRecord* at = partition.InTheEnd(offset);
    const bool is_there = at != nullptr && at->value == send.value;
    if (!is_there && partition.LostSince(offset, since_ns)) return;
    key.last_known = std::max(key.last_known, offset);
    if (send.is_tombstone) key.last_tombstone = std::max(key.last_tombstone, offset);
  };
  for (const history::Send* send : partition.sends) {
    if (send->outcome == history::Outcome::kOk && send->offset != kNoOffset) {
      note(*send, send->offset, send->span.invoked_ns);
    } else if (send->outcome != history::Outcome::kFail && send->is_tombstone) {
      partition.keys[*send->key].has_uncertain_tombstone = true;
    }
  }
  for (const history::Poll* poll : partition.polls) {
    for (const history::PolledRecord& record : poll->records) {
      const history::Send* send = SendOf(record.value);
      if (send != nullptr) note(*send, record.offset, poll->span.invoked_ns);
    }
  }
  if (partition.final_read == nullptr) return;
  for (const history::PolledRecord& record : partition.final_read->records) {
    const history::Send* send = SendOf(record.value);
    if (send == nullptr || !send->key.has_value()) continue;
    note(*send, record.offset, INT64_MAX);
    KeyHistory& key = partition.keys[*send->key];
    key.last_in_the_end = std::max(key.last_in_the_end, record.offset);
  }
}

const history::Send* Evidence::SendOf(history::Value value) const {
  // A log is read in about the order in which it was written: mostly the answer is one of the next few.
  constexpr size_t kTriesMax = 4;
  const size_t end = std::min(hint_ + kTriesMax, history_.sends.size());
  for (size_t i = hint_; i < end; ++i) {
    if (history_.sends[i].value != value) continue;
    hint_ = i + 1;
    return &history_.sends[i];
  }
  const history::Send* const* at = sends_.Find(value);
  if (at == nullptr) return nullptr;
  hint_ = IndexOf(**at) + 1;
  return *at;
}

std::string Place(const TopicPartition& partition, Offset offset) {
  return ToString(partition) + "@" + std::to_string(offset.value());
}

}  // namespace odradek::properties
