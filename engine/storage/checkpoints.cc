#include "engine/storage/checkpoints.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "engine/base/absl_compat.h"

namespace odradek::storage {
namespace {

template <typename T>
std::optional<T> ParseInteger(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

// Lines of a text file, counted from 1. A carriage return before the end of a line does not belong to it.
class LineReader {
 public:
  LineReader(std::string_view path, std::string_view text) : path_(path), rest_(text) {}

  bool Next(std::string_view& line) {
    if (rest_.empty()) return false;
    const size_t end = rest_.find('\n');
    line = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++number_;
    return true;
  }
  absl::Status Error(std::string_view what) const {
    return base::DataLoss(fmt::format("{}:{}: {}", path_, number_ == 0 ? 1 : number_, what));
  }

 private:
  std::string_view path_;
  std::string_view rest_;
  int64_t number_ = 0;
};

// At most `count` words; the last takes the rest of the line.
std::vector<std::string_view> Words(std::string_view line, size_t count) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const size_t space = words.size() + 1 < count ? line.find(' ') : std::string_view::npos;
    words.push_back(line.substr(0, space));
    line = space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
  }
  return words;
}

std::string Printable(std::string_view line) {
  constexpr size_t kShownBytes = 80;
  std::string out;
  for (const char c : line.substr(0, kShownBytes)) out += c >= ' ' && c <= '~' ? c : '?';
  return out;
}

// Version and count lines, then exactly `count` lines for `take`.
template <typename Take>
absl::Status ParseCounted(LineReader& reader, const Take& take) {
  std::string_view line;
  if (!reader.Next(line)) return reader.Error("the file is empty");
  if (line != "0") return reader.Error(fmt::format("version 0 expected, found \"{}\"", Printable(line)));
  if (!reader.Next(line)) return reader.Error("the line with the number of entries is missing");
  const auto count = ParseInteger<int64_t>(line);
  if (!count || *count < 0)
    return reader.Error(fmt::format("number of entries expected, found \"{}\"", Printable(line)));
  int64_t found_count = 0;
  while (reader.Next(line)) {
    if (found_count == *count && line.empty()) continue;
    if (found_count == *count) return reader.Error(fmt::format("more lines than the {} announced", *count));
    if (absl::Status status = take(line); !status.ok()) return status;
    ++found_count;
  }
  if (found_count != *count) return reader.Error(fmt::format("{} entries announced, {} found", *count, found_count));
  return absl::OkStatus();
}

}  // namespace

std::string FormatOffsetCheckpoint(const OffsetCheckpoint& offsets) {
  std::string out = fmt::format("0\n{}\n", offsets.size());
  for (const auto& [name, offset] : offsets) {
    out += fmt::format("{} {} {}\n", name.topic, name.partition.value(), offset.value());
  }
  return out;
}

absl::StatusOr<OffsetCheckpoint> ParseOffsetCheckpoint(std::string_view path, Bytes content) {
  LineReader reader(path, AsString(content));
  OffsetCheckpoint offsets;
  // As Kafka makes the file at its first start; the first checkpoint comes a minute later.
  if (content.empty()) return offsets;
  const absl::Status status = ParseCounted(reader, [&](std::string_view line) {
    const std::vector<std::string_view> words = Words(line, 3);
    const auto partition = words.size() == 3 ? ParseInteger<int32_t>(words[1]) : std::nullopt;
    const auto offset = words.size() == 3 ? ParseInteger<int64_t>(words[2]) : std::nullopt;
    if (!partition || !offset || *partition < 0 || *offset < 0) {
      return reader.Error(fmt::format("\"topic partition offset\" expected, found \"{}\"", Printable(line)));
    }
    const TopicPartition name{std::string(words[0]), PartitionIndex(*partition)};
    if (!offsets.emplace(name, Offset(*offset)).second) {
      return reader.Error(fmt::format("{} is listed twice", Printable(ToString(name))));
    }
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return offsets;
}

std::string FormatEpochCheckpoint(const std::vector<EpochEntry>& entries) {
  std::string out = fmt::format("0\n{}\n", entries.size());
  for (const EpochEntry& entry : entries) {
    out += fmt::format("{} {}\n", entry.epoch.value(), entry.start_offset.value());
  }
  return out;
}

absl::StatusOr<std::vector<EpochEntry>> ParseEpochCheckpoint(std::string_view path, Bytes content) {
  LineReader reader(path, AsString(content));
  std::vector<EpochEntry> entries;
  const absl::Status status = ParseCounted(reader, [&](std::string_view line) {
    const std::vector<std::string_view> words = Words(line, 2);
    const auto epoch = words.size() == 2 ? ParseInteger<int32_t>(words[0]) : std::nullopt;
    const auto start = words.size() == 2 ? ParseInteger<int64_t>(words[1]) : std::nullopt;
    if (!epoch || !start || *epoch < 0 || *start < 0) {
      return reader.Error(fmt::format("\"epoch start_offset\" expected, found \"{}\"", Printable(line)));
    }
    if (!entries.empty() && (entries.back().epoch.value() >= *epoch || entries.back().start_offset.value() > *start)) {
      return reader.Error(fmt::format("epoch {} from offset {} does not follow epoch {} from offset {}", *epoch, *start,
                                      entries.back().epoch.value(), entries.back().start_offset.value()));
    }
    entries.push_back({LeaderEpoch(*epoch), Offset(*start)});
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return entries;
}

std::string FormatPartitionMetadata(const TopicId& topic_id) {
  return fmt::format("version: 0\ntopic_id: {}", topic_id.ToString());
}

absl::StatusOr<TopicId> ParsePartitionMetadata(std::string_view path, Bytes content) {
  constexpr std::string_view kVersion = "version: ";
  constexpr std::string_view kTopicId = "topic_id: ";
  LineReader reader(path, AsString(content));
  std::string_view line;
  if (!reader.Next(line)) return reader.Error("the file is empty");
  if (!line.starts_with(kVersion)) {
    return reader.Error(fmt::format("\"version: 0\" expected, found \"{}\"", Printable(line)));
  }
  // Later versions add lines below; what version 0 says stays.
  if (const auto version = ParseInteger<int32_t>(line.substr(kVersion.size())); !version || *version < 0) {
    return reader.Error(fmt::format("\"version: 0\" expected, found \"{}\"", Printable(line)));
  }
  if (!reader.Next(line) || !line.starts_with(kTopicId)) return reader.Error("\"topic_id: …\" expected");
  const std::optional<Uuid> id = Uuid::Parse(line.substr(kTopicId.size()));
  if (!id || id->is_zero()) return reader.Error(fmt::format("\"{}\" is not a topic id", Printable(line)));
  return *id;
}

std::string FormatCleanShutdown(BrokerEpoch epoch) {
  return fmt::format("{{\"version\":0,\"brokerEpoch\":{}}}", epoch.value());
}

BrokerEpoch ParseCleanShutdown(Bytes content) {
  constexpr std::string_view kField = "\"brokerEpoch\":";
  const std::string_view text = AsString(content);
  const size_t at = text.find(kField);
  if (at == std::string_view::npos) return BrokerEpoch(-1);
  const std::string_view tail = text.substr(at + kField.size());
  const size_t begin = tail.find_first_not_of(' ');
  if (begin == std::string_view::npos) return BrokerEpoch(-1);
  const size_t end = tail.find_first_not_of("-0123456789", begin);
  const auto epoch = ParseInteger<int64_t>(tail.substr(begin, end == std::string_view::npos ? end : end - begin));
  return BrokerEpoch(epoch.value_or(-1));
}

}  // namespace odradek::storage
