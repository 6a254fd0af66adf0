// One record of the metadata log and its bytes: frame version 1, record number and version as unsigned varints, then
// the message (FEATURES.md 3.5). Pure; bytes are input and never asserted on.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"
#include "engine/base/bytes.h"
#include "engine/base/strong.h"
#include "engine/protocol/generated/metadata_record_types.h"

namespace odradek::metadata {

using Record = protocol::MetadataRecord;

// metadata.version: which record versions may be written (KIP-778). 30 is 4.3-IV0.
using MetadataVersion = base::Strong<struct MetadataVersionTag, int16_t>;
inline constexpr MetadataVersion kMetadataVersionMin{7};
inline constexpr MetadataVersion kMetadataVersionMax{30};
// From these levels on, partitions and registrations name log directories, and partitions have eligible leader
// replicas.
inline constexpr MetadataVersion kDirectoriesFrom{17};
inline constexpr MetadataVersion kElrFrom{23};
inline constexpr MetadataVersion kCordonedFrom{30};

inline constexpr std::string_view kMetadataVersionFeature = "metadata.version";

inline constexpr uint32_t kFrameVersion = 1;

// "PartitionRecord".
std::string_view RecordName(const Record& record);
// The version in which a record is written at a level. REQUIRES: the level is within min and max.
int16_t RecordVersion(const Record& record, MetadataVersion level);

// Appends the framed record. REQUIRES: the level can carry what the record says.
void EncodeRecord(const Record& record, MetadataVersion level, ByteBuffer& out);
// Takes all of `bytes`. The error names the record, the field and the byte where it failed.
absl::StatusOr<Record> DecodeRecord(Bytes bytes);

}  // namespace odradek::metadata
