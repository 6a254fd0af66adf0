// Text of the checkpoint files: parsing and formatting, pure. Parsing is total: any bytes give a value or an error that
// names the file and the line. Layouts: FEATURES 3.2; Kafka's CheckpointFile, PartitionMetadataFile, PropertiesUtils,
// CleanShutdownFileHandler.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/bytes.h"
#include "engine/base/ids.h"
#include "engine/base/uuid.h"
#include "engine/storage/log_types.h"

namespace odradek::storage {

// "0", count, then "topic partition offset" lines.
using OffsetCheckpoint = std::map<TopicPartition, Offset>;
std::string FormatOffsetCheckpoint(const OffsetCheckpoint& offsets);
absl::StatusOr<OffsetCheckpoint> ParseOffsetCheckpoint(std::string_view path, Bytes content);

// "0", count, then "epoch start_offset" lines, both rising.
std::string FormatEpochCheckpoint(const std::vector<EpochEntry>& entries);
absl::StatusOr<std::vector<EpochEntry>> ParseEpochCheckpoint(std::string_view path, Bytes content);

// "version: 0" and "topic_id: <22 characters>".
std::string FormatPartitionMetadata(const TopicId& topic_id);
absl::StatusOr<TopicId> ParsePartitionMetadata(std::string_view path, Bytes content);

// {"version":0,"brokerEpoch":N}
std::string FormatCleanShutdown(BrokerEpoch epoch);
// Kafka before 3.7 left the file empty: −1. So does what cannot be read; the file's being there is what counts.
BrokerEpoch ParseCleanShutdown(Bytes content);

}  // namespace odradek::storage
