#include "engine/metadata/snapshot.h"

#include <fmt/format.h>

#include <charconv>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "engine/protocol/generated/control_records.h"
#include "engine/protocol/reader.h"
#include "engine/protocol/writer.h"

namespace odradek::metadata {
namespace {

constexpr size_t kOffsetDigits = 20;
constexpr size_t kEpochDigits = 10;

template <typename T>
std::optional<T> ParseDigits(std::string_view text) {
  T number = 0;
  if (text.front() == '-') return std::nullopt;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && stop == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

template <typename Message>
ByteBuffer MessageBytes(const Message& message) {
  protocol::Writer writer;
  message.Encode(writer, Message::kMaxVersion);
  INVARIANT(!writer.error().has_value());
  return writer.buffer();
}

absl::Status BadSnapshot(int64_t at_byte, std::string_view what) {
  return base::DataLoss(fmt::format("snapshot: {} in the batch at byte {}", what, at_byte));
}

// Reads the batches of a snapshot in order: header, then anything, then footer, then nothing.
class SnapshotReader {
 public:
  absl::Status Take(Bytes batch, int64_t at_byte);
  bool is_complete() const { return stage_ == Stage::kEnded; }
  Snapshot Finish() && {
    out_.image = fold_.image();
    return std::move(out_);
  }

 private:
  enum class Stage : uint8_t { kStart, kContent, kEnded };
  absl::Status TakeControl(const ControlRecord& control, int64_t at_byte);
  absl::Status TakeHeader(const ControlRecord& control, int64_t at_byte);

  Stage stage_ = Stage::kStart;
  Fold fold_;
  Snapshot out_;
};

absl::Status SnapshotReader::TakeHeader(const ControlRecord& control, int64_t at_byte) {
  if (!control.key.Is(record::ControlType::kSnapshotHeader)) return BadSnapshot(at_byte, "no snapshot header");
  protocol::SnapshotHeaderRecord header;
  protocol::Reader reader(control.value);
  if (!protocol::DecodeWhole(reader, protocol::SnapshotHeaderRecord::kMaxVersion, header)) {
    return BadSnapshot(at_byte, fmt::format("snapshot header: {}", reader.error().ToString()));
  }
  out_.last_contained_timestamp = Timestamp(header.last_contained_log_timestamp);
  stage_ = Stage::kContent;
  return absl::OkStatus();
}

absl::Status SnapshotReader::TakeControl(const ControlRecord& control, int64_t at_byte) {
  if (stage_ == Stage::kStart) return TakeHeader(control, at_byte);
  if (control.key.Is(record::ControlType::kSnapshotFooter)) {
    stage_ = Stage::kEnded;
  } else if (control.key.Is(record::ControlType::kKraftVersion)) {
    out_.kraft_version = control.value;
  } else if (control.key.Is(record::ControlType::kKraftVoters)) {
    out_.kraft_voters = control.value;
  } else {
    return BadSnapshot(at_byte, fmt::format("control record of type {}", control.key.type));
  }
  return absl::OkStatus();
}

absl::Status SnapshotReader::Take(Bytes bytes, int64_t at_byte) {
  const absl::StatusOr<DecodedBatch> batch = DecodeBatch(bytes);
  if (!batch.ok()) return BadSnapshot(at_byte, base::SV(batch.status().message()));
  if (stage_ == Stage::kEnded) return BadSnapshot(at_byte, "more after the footer");
  for (const ControlRecord& control : batch->controls) {
    const absl::Status status = TakeControl(control, at_byte);
    if (!status.ok()) return status;
  }
  if (stage_ == Stage::kStart) return BadSnapshot(at_byte, "no snapshot header");
  for (const Record& record : batch->records) {
    const absl::Status status = fold_.Apply(record);
    if (!status.ok()) return BadSnapshot(at_byte, base::SV(status.message()));
  }
  return absl::OkStatus();
}

}  // namespace

std::string SnapshotFileName(const SnapshotId& id) {
  REQUIRES(id.end_offset >= Offset(0));
  REQUIRES(id.epoch >= LeaderEpoch(0));
  return fmt::format("{:020}-{:010}{}", id.end_offset.value(), id.epoch.value(), kSnapshotSuffix);
}

std::optional<SnapshotId> ParseSnapshotFileName(std::string_view name) {
  if (name.size() != kOffsetDigits + 1 + kEpochDigits + kSnapshotSuffix.size()) return std::nullopt;
  if (!name.ends_with(kSnapshotSuffix) || name[kOffsetDigits] != '-') return std::nullopt;
  const auto offset = ParseDigits<int64_t>(name.substr(0, kOffsetDigits));
  const auto epoch = ParseDigits<int32_t>(name.substr(kOffsetDigits + 1, kEpochDigits));
  if (!offset || !epoch) return std::nullopt;
  return SnapshotId{Offset(*offset), LeaderEpoch(*epoch)};
}

ByteBuffer EncodeSnapshot(const Image& image, const SnapshotOptions& options) {
  record::ControlBatchOptions control;
  control.leader_epoch = options.id.epoch;
  control.timestamp = options.last_contained_timestamp;
  control.type = record::ControlType::kSnapshotHeader;
  protocol::SnapshotHeaderRecord header;
  header.last_contained_log_timestamp = options.last_contained_timestamp.value();
  ByteBuffer out = record::BuildControlBatch(control, MessageBytes(header));

  const MetadataVersion level = image.metadata_version().value_or(kMetadataVersionMax);
  const std::vector<Record> records = image.ToRecords(level);
  BatchesOptions batches;
  batches.base_offset = Offset(1);
  if (!options.quorum_batch.empty()) {
    const record::HeaderResult quorum = record::ParseHeader(options.quorum_batch);
    REQUIRES(quorum.ok() && quorum.header.base_offset == batches.base_offset);
    batches.base_offset = quorum.header.next_offset();
    AppendBytes(out, options.quorum_batch);
  }
  batches.leader_epoch = options.id.epoch;
  batches.timestamp = options.last_contained_timestamp;
  batches.level = level;
  batches.batch_bytes_max = options.batch_bytes_max;
  for (const ByteBuffer& batch : EncodeBatches(records, batches)) AppendBytes(out, batch);

  control.base_offset = batches.base_offset + static_cast<int64_t>(records.size());
  control.type = record::ControlType::kSnapshotFooter;
  AppendBytes(out, record::BuildControlBatch(control, MessageBytes(protocol::SnapshotFooterRecord())));
  return out;
}

absl::StatusOr<Snapshot> DecodeSnapshot(Bytes bytes) {
  SnapshotReader reader;
  record::BatchCursor cursor(bytes);
  while (true) {
    const int64_t at_byte = cursor.position_bytes();
    const record::BatchCursor::Step step = cursor.Next();
    if (step.found == record::BatchCursor::Found::kProblem) return BadSnapshot(at_byte, step.problem.what);
    if (step.found == record::BatchCursor::Found::kEnd) {
      if (!reader.is_complete()) return base::DataLoss(fmt::format("snapshot: no footer before byte {}", at_byte));
      return std::move(reader).Finish();
    }
    const absl::Status status = reader.Take(step.batch, at_byte);
    if (!status.ok()) return status;
  }
}

}  // namespace odradek::metadata
