// A record of the metadata log, or of __remote_log_metadata, in the frame that both have: unsigned varints for frame
// version (1), record key and version, then the message (FEATURES.md 3.4, 3.5, KIP-631, KIP-405). Pure functions over
// bytes; never suspends.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/protocol/generated/metadata_record_types.h"
#include "engine/protocol/generated/remote_log_record_types.h"
#include "engine/protocol/reader.h"
#include "engine/protocol/writer.h"

namespace odradek::protocol {

inline constexpr uint32_t kMetadataFrameVersion = 1;

struct VersionedMetadataRecord {
  MetadataRecord record;
  int16_t version = 0;
  friend bool operator==(const VersionedMetadataRecord&, const VersionedMetadataRecord&) = default;
};

// The whole value of a record. False: reader.error() says why; an unknown key or version is an error too.
bool DecodeMetadataRecord(Reader& reader, VersionedMetadataRecord& out);
void EncodeMetadataRecord(const VersionedMetadataRecord& record, Writer& writer);

struct VersionedRemoteLogRecord {
  RemoteLogRecord record;
  int16_t version = 0;
  friend bool operator==(const VersionedRemoteLogRecord&, const VersionedRemoteLogRecord&) = default;
};

// As above.
bool DecodeRemoteLogRecord(Reader& reader, VersionedRemoteLogRecord& out);
void EncodeRemoteLogRecord(const VersionedRemoteLogRecord& record, Writer& writer);

// For instance PartitionChangeRecord.
std::string_view NameOf(const MetadataRecord& record);
int16_t KeyOf(const MetadataRecord& record);

}  // namespace odradek::protocol
