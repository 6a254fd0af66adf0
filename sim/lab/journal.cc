#include "sim/lab/journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/bytes.h"

namespace odradek::lab {
namespace {

std::optional<std::string> TextOf(const std::optional<Bytes>& bytes) {
  if (!bytes.has_value()) return std::nullopt;
  return std::string(AsString(*bytes));
}

}  // namespace

const std::vector<Record>& Evidence::Topic(std::string_view topic) const {
  const auto at = topics_.find(topic);
  return at == topics_.end() ? nothing_ : at->second;
}

void Journal::Add(Note note) {
  note.at_ns = kernel_.Now().nanos();
  kernel_.FoldBytes(AsBytes(note.node));
  kernel_.FoldBytes(AsBytes(note.what));
  kernel_.FoldBytes(AsBytes(note.key));
  kernel_.Fold(static_cast<uint64_t>(note.at_ns), static_cast<uint64_t>(note.value));
  kernel_.Trace(sim::TraceKind::kClient, [&] { return fmt::format("{} {} {}", note.what, note.key, note.value); });
  evidence_.notes_.push_back(std::move(note));
}

void Journal::SetContents(const TopicPartition& partition, std::span<const client::PartitionRecords> polled,
                          Offset end_offset) {
  std::vector<Record>& topic = evidence_.topics_[partition.topic];
  std::erase_if(topic, [&](const Record& record) { return record.partition == partition.partition; });
  const auto later = std::find_if(topic.begin(), topic.end(),
                                  [&](const Record& record) { return record.partition > partition.partition; });
  std::vector<Record> records;
  for (const client::PartitionRecords& some : polled) {
    for (const client::ConsumerRecord& record : some.records) {
      if (record.offset >= end_offset) continue;
      records.push_back({.partition = partition.partition,
                         .offset = record.offset,
                         .timestamp = record.timestamp,
                         .key = TextOf(record.key),
                         .value = TextOf(record.value)});
      const Record& read = records.back();
      kernel_.Fold(static_cast<uint64_t>(read.offset.value()), static_cast<uint64_t>(read.timestamp.value()));
      kernel_.FoldBytes(AsBytes(read.key.value_or("")));
      kernel_.FoldBytes(AsBytes(read.value.value_or("")));
    }
  }
  kernel_.Trace(sim::TraceKind::kClient, [&] {
    return fmt::format("final read of {} to {}, {} records", ToString(partition), end_offset.value(), records.size());
  });
  topic.insert(later, std::make_move_iterator(records.begin()), std::make_move_iterator(records.end()));
  read_.insert(partition);
}

}  // namespace odradek::lab
