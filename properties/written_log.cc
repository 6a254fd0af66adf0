#include "properties/written_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "engine/base/crc32c.h"

namespace odradek::properties {
namespace written_log_internal {

// Record batch v2, byte positions.
constexpr size_t kLengthAt = 8;
constexpr size_t kEpochAt = 12;
constexpr size_t kMagicAt = 16;
constexpr size_t kCrcAt = 17;
constexpr size_t kAttributesAt = 21;
constexpr size_t kLastDeltaAt = 23;
constexpr size_t kMaxTimestampAt = 35;
constexpr size_t kProducerIdAt = 43;
constexpr size_t kProducerEpochAt = 51;
constexpr size_t kBaseSequenceAt = 53;
constexpr size_t kCountAt = 57;
constexpr size_t kHeaderBytes = 61;
constexpr size_t kCountedFrom = 12;  // the length field counts what follows it
constexpr int kTransactionalBit = 1 << 4;
constexpr int kControlBit = 1 << 5;

constexpr size_t kNameDigits = 20;
constexpr size_t kSnapshotHeaderBytes = 10;
constexpr size_t kSnapshotEntryBytes = 46;
constexpr size_t kSnapshotPlaceBytes = 12;  // Kafka's have none

// Empty: `batch` is one, whole.
std::string ReadBatch(Bytes bytes, WrittenBatch& batch, size_t& size) {
  if (bytes.size() < kHeaderBytes) return fmt::format("{} bytes are no batch", bytes.size());
  const std::byte* at = bytes.data();
  const auto length = LoadBigEndian<int32_t>(at + kLengthAt);
  if (length < static_cast<int32_t>(kHeaderBytes - kCountedFrom)) return fmt::format("a batch length of {}", length);
  size = kCountedFrom + static_cast<size_t>(length);
  if (size > bytes.size()) return fmt::format("a batch of {} bytes in the last {}", size, bytes.size());
  const auto magic = LoadBigEndian<int8_t>(at + kMagicAt);
  if (magic != 2) return fmt::format("magic {}", magic);
  const auto attributes = LoadBigEndian<int16_t>(at + kAttributesAt);
  batch.base_offset = Offset(LoadBigEndian<int64_t>(at));
  batch.last_offset = batch.base_offset + LoadBigEndian<int32_t>(at + kLastDeltaAt);
  batch.leader_epoch = LeaderEpoch(LoadBigEndian<int32_t>(at + kEpochAt));
  batch.crc = LoadBigEndian<uint32_t>(at + kCrcAt);
  batch.crc_check =
      base::Crc32c(bytes.subspan(kAttributesAt, size - kAttributesAt)) == batch.crc ? Crc::kFits : Crc::kWrong;
  batch.is_plain = (attributes & (kTransactionalBit | kControlBit)) == 0;
  batch.producer_id = ProducerId(LoadBigEndian<int64_t>(at + kProducerIdAt));
  batch.producer_epoch = ProducerEpoch(LoadBigEndian<int16_t>(at + kProducerEpochAt));
  batch.base_sequence = LoadBigEndian<int32_t>(at + kBaseSequenceAt);
  batch.record_count = LoadBigEndian<int32_t>(at + kCountAt);
  batch.max_timestamp = Timestamp(LoadBigEndian<int64_t>(at + kMaxTimestampAt));
  return {};
}

template <typename T>
std::optional<T> Number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Cuts the next line off.
std::string_view Line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  return line;
}

}  // namespace written_log_internal

namespace internal = written_log_internal;

int32_t WrittenBatch::SequenceAfter(int32_t sequence, int32_t step) {
  constexpr int64_t kSequences = int64_t{1} << 31;
  return static_cast<int32_t>((int64_t{sequence} + step) % kSequences);
}

void WrittenLog::Add(std::string_view file_name, Bytes bytes) {
  if (file_name.size() < internal::kNameDigits) return;
  const auto offset = internal::Number<int64_t>(file_name.substr(0, internal::kNameDigits));
  const std::string_view suffix = file_name.substr(internal::kNameDigits);
  if (!offset.has_value()) return;
  if (suffix == ".log" && Offset(*offset) >= swapped_until_) AddSegment(Offset(*offset), bytes);
  if (suffix == ".log.swap") AddSwap(Offset(*offset), bytes);
  if (suffix == ".snapshot") AddSnapshot(Offset(*offset), bytes);
}

void WrittenLog::AddSegment(Offset base_offset, Bytes bytes) {
  WrittenSegment segment{.base_offset = base_offset, .size_bytes = static_cast<int64_t>(bytes.size())};
  segment.batches_begin = batches.size();
  size_t at = 0;
  while (at < bytes.size()) {
    WrittenBatch batch;
    size_t size = 0;
    segment.problem = internal::ReadBatch(bytes.subspan(at), batch, size);
    if (!segment.problem.empty()) {
      segment.problem += fmt::format(" at byte {}", at);
      break;
    }
    at += size;
    batch.end_position = static_cast<int64_t>(at);
    batches.push_back(batch);
  }
  segment.batches_end = batches.size();
  segments.push_back(std::move(segment));
}

void WrittenLog::AddSwap(Offset base_offset, Bytes bytes) {
  // The original of the same name came before.
  while (!segments.empty() && segments.back().base_offset >= base_offset) {
    batches.resize(segments.back().batches_begin);
    segments.pop_back();
  }
  AddSegment(base_offset, bytes);
  if (segments.back().batches_begin < segments.back().batches_end) swapped_until_ = batches.back().next_offset();
}

void WrittenLog::AddSnapshot(Offset offset, Bytes bytes) {
  WrittenSnapshot& snapshot = snapshots[offset];
  const size_t count = bytes.size() < internal::kSnapshotHeaderBytes ? 0 : LoadBigEndian<uint32_t>(bytes.data() + 6);
  const size_t place_at = internal::kSnapshotHeaderBytes + count * internal::kSnapshotEntryBytes;
  if (bytes.size() != place_at && bytes.size() != place_at + internal::kSnapshotPlaceBytes) {
    snapshot.problem = fmt::format("{} entries in {} bytes", count, bytes.size());
    return;
  }
  const bool has_place = bytes.size() > place_at;
  if (has_place && LoadBigEndian<int64_t>(bytes.data() + place_at) != offset.value()) snapshot.problem = "misplaced";
  if (LoadBigEndian<int16_t>(bytes.data()) != 1) snapshot.problem = "not version 1";
  if (base::Crc32c(bytes.subspan(6)) != LoadBigEndian<uint32_t>(bytes.data() + 2)) snapshot.problem = "wrong CRC";
  if (!snapshot.problem.empty()) return;
  for (size_t i = 0; i < count; ++i) {
    const std::byte* at = bytes.data() + internal::kSnapshotHeaderBytes + i * internal::kSnapshotEntryBytes;
    snapshot.producers.push_back({.id = ProducerId(LoadBigEndian<int64_t>(at)),
                                  .epoch = ProducerEpoch(LoadBigEndian<int16_t>(at + 8)),
                                  .last_sequence = LoadBigEndian<int32_t>(at + 10),
                                  .last_offset = Offset(LoadBigEndian<int64_t>(at + 14)),
                                  .offset_delta = LoadBigEndian<int32_t>(at + 22),
                                  .last_timestamp = Timestamp(LoadBigEndian<int64_t>(at + 26))});
  }
}

Offset WrittenLog::EndOfRun(Offset from, Gaps gaps) const {
  Offset end = from;
  bool begun = false;
  for (const WrittenBatch& batch : batches) {
    if (batch.next_offset() <= end) continue;
    const bool follows = begun ? batch.base_offset == end : batch.base_offset <= from;
    if (!follows && gaps == Gaps::kNone) break;
    if (batch.crc_check == Crc::kWrong) break;
    end = batch.next_offset();
    begun = true;
  }
  return end;
}

WrittenCheckpoint ReadCheckpoint(std::string_view text) {
  WrittenCheckpoint checkpoint;
  const std::string_view version = internal::Line(text);
  const std::string_view count_line = internal::Line(text);
  const auto count = internal::Number<int64_t>(count_line);
  if (version != "0" || !count.has_value()) {
    checkpoint.problem = fmt::format("begins with \"{}\" and \"{}\"", version, count_line);
    return checkpoint;
  }
  int64_t left = *count;
  for (; left > 0 && !text.empty(); --left) {
    const std::string_view line = internal::Line(text);
    const size_t first = line.find(' ');
    const size_t second = line.rfind(' ');
    if (first == std::string_view::npos || first == second) break;
    const auto partition = internal::Number<int32_t>(line.substr(first + 1, second - first - 1));
    const auto offset = internal::Number<int64_t>(line.substr(second + 1));
    if (!partition.has_value() || !offset.has_value()) break;
    checkpoint.offsets[{std::string(line.substr(0, first)), PartitionIndex(*partition)}] = Offset(*offset);
  }
  if (left != 0 || !text.empty()) checkpoint.problem = fmt::format("{} of {} entries are not there", left, *count);
  return checkpoint;
}

}  // namespace odradek::properties
