// Names of files and folders in a data directory (FEATURES 3.2; Kafka's LogFileUtils, LocalLog). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/ids.h"
#include "engine/base/uuid.h"

namespace odradek::storage {

enum class SegmentFileKind : uint8_t { kLog, kOffsetIndex, kTimeIndex, kTxnIndex, kProducerSnapshot };

// What a file is waiting for.
enum class FileSuffix : uint8_t {
  kNone,
  kDeleted,  // removal
  kCleaned,  // being written by compaction: worth nothing
  kSwap,     // whole result of a compaction, about to take the place of the originals
  kTmp,      // half of a replacement: worth nothing
};

struct SegmentFileName {
  Offset base_offset;
  SegmentFileKind kind = SegmentFileKind::kLog;
  FileSuffix suffix = FileSuffix::kNone;
  friend bool operator==(const SegmentFileName&, const SegmentFileName&) = default;
};

// "00000000000000000042.timeindex.deleted"
std::string ToString(const SegmentFileName& name);
// nullopt: not a segment's file.
std::optional<SegmentFileName> ParseSegmentFileName(std::string_view name);

enum class FolderKind : uint8_t { kPartition, kDelete, kStray, kFuture };

struct FolderName {
  TopicPartition partition;  // of "-delete", "-stray": as far as the name tells, it may have been cut
  FolderKind kind = FolderKind::kPartition;
};

// nullopt: not a partition's folder.
std::optional<FolderName> ParseFolderName(std::string_view name);
// "topic-0.<32 hex digits>-delete", cut to what a file system takes. `kind` is not kPartition.
std::string MarkedFolderName(const TopicPartition& partition, const Uuid& unique, FolderKind kind);

std::string Join(std::string_view folder, std::string_view name);
// The folder part; "." if there is none.
std::string_view ParentOf(std::string_view path);

inline constexpr std::string_view kEpochCheckpointName = "leader-epoch-checkpoint";
inline constexpr std::string_view kPartitionMetadataName = "partition.metadata";
// Beside the segments of the metadata partition.
inline constexpr std::string_view kQuorumStateName = "quorum-state";
inline constexpr std::string_view kMetadataSnapshotSuffix = ".checkpoint";
inline constexpr std::string_view kRecoveryPointCheckpointName = "recovery-point-offset-checkpoint";
inline constexpr std::string_view kLogStartCheckpointName = "log-start-offset-checkpoint";
inline constexpr std::string_view kHighWatermarkCheckpointName = "replication-offset-checkpoint";
inline constexpr std::string_view kCleanerCheckpointName = "cleaner-offset-checkpoint";
inline constexpr std::string_view kMetaPropertiesName = "meta.properties";
inline constexpr std::string_view kCleanShutdownName = ".kafka_cleanshutdown";
inline constexpr std::string_view kLockName = ".lock";
inline constexpr std::string_view kTmpSuffix = ".tmp";

}  // namespace odradek::storage
