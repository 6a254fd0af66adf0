#include "engine/protocol/metadata_record.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

namespace odradek::protocol {
namespace {

// Makes `out` the record type of this key. False: there is none.
template <typename Record, size_t... kIndices>
bool EmplaceByKey(uint32_t key, Record& out, std::index_sequence<kIndices...>) {
  const auto try_one = [&]<size_t kIndex>(std::integral_constant<size_t, kIndex>) {
    if (std::variant_alternative_t<kIndex, Record>::kRecordKey != static_cast<int64_t>(key)) return false;
    out.template emplace<kIndex>();
    return true;
  };
  return (try_one(std::integral_constant<size_t, kIndices>()) || ...);
}

template <typename Record>
std::string_view NameOfAny(const Record& record) {
  return std::visit([](const auto& message) { return message.kName; }, record);
}

template <typename Versioned>
bool DecodeFramed(Reader& reader, Versioned& out) {
  using Record = decltype(out.record);
  uint32_t frame_version = 0;
  uint32_t key = 0;
  uint32_t version = 0;
  if (!reader.UnsignedVarint(frame_version)) return reader.At("frame_version");
  if (frame_version != kMetadataFrameVersion) {
    reader.Fail(fmt::format("{}, expected {}", frame_version, kMetadataFrameVersion));
    return reader.At("frame_version");
  }
  if (!reader.UnsignedVarint(key)) return reader.At("record_key");
  if (!reader.UnsignedVarint(version)) return reader.At("version");
  if (version > static_cast<uint32_t>(std::numeric_limits<int16_t>::max())) {
    reader.Fail(fmt::format("{} is too large", version));
    return reader.At("version");
  }
  if (!EmplaceByKey(key, out.record, std::make_index_sequence<std::variant_size_v<Record>>())) {
    reader.Fail(fmt::format("{} is unknown", key));
    return reader.At("record_key");
  }
  out.version = static_cast<int16_t>(version);
  const auto decode = [&](auto& record) { return DecodeWhole(reader, out.version, record); };
  return std::visit(decode, out.record) || reader.At(NameOfAny(out.record));
}

template <typename Versioned>
void EncodeFramed(const Versioned& record, Writer& writer) {
  const auto key = std::visit([](const auto& message) { return message.kRecordKey; }, record.record);
  writer.UnsignedVarint(kMetadataFrameVersion);
  writer.UnsignedVarint(static_cast<uint32_t>(key));
  writer.UnsignedVarint(static_cast<uint32_t>(record.version));
  std::visit([&](const auto& message) { message.Encode(writer, record.version); }, record.record);
}

}  // namespace

bool DecodeMetadataRecord(Reader& reader, VersionedMetadataRecord& out) {
  return DecodeFramed(reader, out);
}

void EncodeMetadataRecord(const VersionedMetadataRecord& record, Writer& writer) {
  EncodeFramed(record, writer);
}

bool DecodeRemoteLogRecord(Reader& reader, VersionedRemoteLogRecord& out) {
  return DecodeFramed(reader, out);
}

void EncodeRemoteLogRecord(const VersionedRemoteLogRecord& record, Writer& writer) {
  EncodeFramed(record, writer);
}

std::string_view NameOf(const MetadataRecord& record) {
  return NameOfAny(record);
}

int16_t KeyOf(const MetadataRecord& record) {
  return std::visit([](const auto& message) { return message.kRecordKey; }, record);
}

}  // namespace odradek::protocol
