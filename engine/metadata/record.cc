#include "engine/metadata/record.h"

#include <fmt/format.h>

#include <type_traits>
#include <utility>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "engine/base/varint.h"
#include "engine/protocol/reader.h"
#include "engine/protocol/writer.h"

namespace odradek::metadata {
namespace {

template <typename T>
int16_t VersionOf([[maybe_unused]] const T& message, [[maybe_unused]] MetadataVersion level) {
  if constexpr (std::is_same_v<T, protocol::RegisterBrokerRecord>) {
    if (level >= kCordonedFrom) return 4;
    if (level >= kDirectoriesFrom) return 3;
    return level >= MetadataVersion(8) ? 2 : 1;
  } else if constexpr (std::is_same_v<T, protocol::BrokerRegistrationChangeRecord>) {
    // As Kafka: the first version that can carry what this record says.
    if (message.cordoned_log_dirs) return 3;
    if (!message.log_dirs.empty()) return 2;
    return message.in_controlled_shutdown != 0 ? 1 : 0;
  } else if constexpr (std::is_same_v<T, protocol::PartitionRecord> ||
                       std::is_same_v<T, protocol::PartitionChangeRecord>) {
    if (level >= kElrFrom) return 2;
    return level >= kDirectoriesFrom ? 1 : 0;
  } else {
    static_assert(T::kMaxVersion == 0);
    return 0;
  }
}

struct Frame {
  uint32_t key = 0;
  uint32_t version = 0;
  Bytes message;
};

absl::StatusOr<Frame> ReadFrame(Bytes bytes) {
  uint32_t numbers[3];
  constexpr std::string_view kNames[] = {"frame version", "record number", "record version"};
  for (size_t i = 0; i < 3; ++i) {
    const auto number = base::ReadUnsignedVarint32(bytes);
    if (!number) return base::DataLoss(fmt::format("metadata record: no {}", kNames[i]));
    numbers[i] = number->value;
    bytes = bytes.subspan(static_cast<size_t>(number->size_bytes));
    if (i == 0 && numbers[0] != kFrameVersion) {
      return base::DataLoss(fmt::format("metadata record: unknown frame version {}", numbers[0]));
    }
  }
  return Frame{numbers[1], numbers[2], bytes};
}

// Decodes the message if T has the frame's number. False: it has not.
template <typename T>
bool DecodeAs(const Frame& frame, absl::StatusOr<Record>& out) {
  if (frame.key != static_cast<uint32_t>(T::kRecordKey)) return false;
  if (frame.version > static_cast<uint32_t>(T::kMaxVersion)) {
    out = base::DataLoss(fmt::format("{}: unknown version {}", T::kName, frame.version));
    return true;
  }
  protocol::Reader reader(frame.message);
  T message;
  if (protocol::DecodeWhole(reader, static_cast<int16_t>(frame.version), message)) {
    out = Record(std::move(message));
  } else {
    out = base::DataLoss(fmt::format("{}: {}", T::kName, reader.error().ToString()));
  }
  return true;
}

template <size_t... kIndex>
bool DecodeAny(const Frame& frame, absl::StatusOr<Record>& out, std::index_sequence<kIndex...>) {
  return (DecodeAs<std::variant_alternative_t<kIndex, Record>>(frame, out) || ...);
}

}  // namespace

std::string_view RecordName(const Record& record) {
  return std::visit([](const auto& message) { return message.kName; }, record);
}

int16_t RecordVersion(const Record& record, MetadataVersion level) {
  REQUIRES(level >= kMetadataVersionMin);
  REQUIRES(level <= kMetadataVersionMax);
  return std::visit([&](const auto& message) { return VersionOf(message, level); }, record);
}

void EncodeRecord(const Record& record, MetadataVersion level, ByteBuffer& out) {
  const int16_t version = RecordVersion(record, level);
  protocol::Writer writer;
  std::visit(
      [&](const auto& message) {
        base::AppendUnsignedVarint(out, kFrameVersion);
        base::AppendUnsignedVarint(out, static_cast<uint64_t>(message.kRecordKey));
        base::AppendUnsignedVarint(out, static_cast<uint64_t>(version));
        message.Encode(writer, version);
      },
      record);
  REQUIRES(!writer.error().has_value());
  AppendBytes(out, writer.buffer());
}

absl::StatusOr<Record> DecodeRecord(Bytes bytes) {
  const absl::StatusOr<Frame> frame = ReadFrame(bytes);
  if (!frame.ok()) return frame.status();
  absl::StatusOr<Record> out = base::DataLoss(fmt::format("metadata record: unknown number {}", frame->key));
  DecodeAny(*frame, out, std::make_index_sequence<std::variant_size_v<Record>>());
  return out;
}

}  // namespace odradek::metadata
