#include "engine/broker/metadata_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "engine/metadata/snapshot.h"
#include "engine/metadata/topic_name.h"
#include "engine/raft/quorum_state.h"
#include "engine/storage/file_names.h"
#include "engine/storage/small_files.h"

namespace odradek::broker {
namespace {

constexpr int64_t kReplayPieceBytes = int64_t{1} << 20;

TopicPartition MetadataPartition() {
  return {std::string(metadata::kMetadataTopicName), PartitionIndex(0)};
}

}  // namespace

storage::LogConfig MetadataLog::ConfigOf(const NodeOptions& options) {
  storage::LogConfig config;
  config.segment_bytes = options.config.metadata_segment_bytes;
  config.segment_ms = options.config.metadata_segment_time;
  config.segment_offsets_max = options.segment_offsets_max;
  config.cleanup_delete = false;
  config.retention_ms = storage::kNoLimit;
  config.retention_bytes = storage::kNoLimit;
  config.max_message_bytes = options.config.metadata_segment_bytes;
  // Every batch is synced before the next is written and before anybody acts on a record: a crash tears the last one at
  // most. What is damaged before it was acted on, and must not be forgotten.
  config.damage = storage::LogConfig::Damage::kRefuseUnlessTorn;
  return config;
}

MetadataLog::MetadataLog(env::Env& env, std::shared_ptr<storage::Log> log, const NodeOptions& options,
                         const Identity& identity)
    : env_(env), log_(std::move(log)), options_(options), identity_(identity), last_snapshot_(env.clock.Now()) {}

absl::StatusOr<std::unique_ptr<MetadataLog>> MetadataLog::Open(fiber::Fiber& self, env::Env& env,
                                                               storage::LogManager& logs, const NodeOptions& options,
                                                               const Identity& identity) {
  absl::StatusOr<std::shared_ptr<storage::Log>> log =
      logs.Create(self, MetadataPartition(), kMetadataTopicId, ConfigOf(options));
  if (!log.ok()) return log.status();
  // More than batches stands in there.
  (*log)->MakeFolder(self);
  if ((*log)->is_offline()) {
    return base::DataLoss(fmt::format("{}: {}", (*log)->directory(), (*log)->offline_reason()));
  }
  std::unique_ptr<MetadataLog> opened(new MetadataLog(env, std::move(*log), options, identity));
  if (absl::Status status = opened->ReadQuorumState(self); !status.ok()) return status;
  if (absl::Status status = opened->LoadNewestSnapshot(self); !status.ok()) return status;
  if (absl::Status status = opened->Replay(self); !status.ok()) return status;
  if (opened->replayed_to_ == Offset(0) && !identity.partition_folder.empty()) {
    return base::DataLoss(
        fmt::format("{}: the metadata log is empty, but there is {}: restore the log, or move the "
                    "folders of partitions away",
                    opened->log_->directory(), identity.partition_folder));
  }
  if (absl::Status status = opened->BeginEpoch(self); !status.ok()) return status;
  return opened;
}

Offset MetadataLog::last_offset() const {
  return log_->log_end_offset() - 1;
}

std::string MetadataLog::PathOf(std::string_view file) const {
  return fmt::format("{}/{}", log_->directory(), file);
}

absl::Status MetadataLog::ReadQuorumState(fiber::Fiber& self) {
  const std::string path = PathOf(storage::kQuorumStateName);
  const storage::SmallFile file = storage::ReadSmallFile(self, env_.disk, path);
  if (file.error == env::DiskError::kNotFound) return absl::OkStatus();
  if (!file.ok()) return base::Unavailable(fmt::format("{}: {}", path, env::ToString(file.error)));
  const absl::StatusOr<raft::QuorumState> state = raft::DecodeQuorumState(AsString(file.content));
  if (!state.ok()) return base::DataLoss(fmt::format("{}: {}", path, base::SV(state.status().message())));
  epoch_ = state->leader_epoch;
  return absl::OkStatus();
}

absl::Status MetadataLog::WriteQuorumState(fiber::Fiber& self) {
  raft::QuorumState state;
  state.leader_id = identity_.node;
  state.leader_epoch = epoch_;
  state.current_voters = {identity_.node};
  const std::string text = raft::EncodeQuorumState(state);
  const std::string path = PathOf(storage::kQuorumStateName);
  const env::DiskError error = storage::ReplaceSmallFile(self, env_.disk, env_.context, path, AsBytes(text));
  if (error == env::DiskError::kNone) return absl::OkStatus();
  return base::Unavailable(fmt::format("{}: {}", path, env::ToString(error)));
}

absl::Status MetadataLog::LoadNewestSnapshot(fiber::Fiber& self) {
  const env::ListResult files = env_.disk.List(self, log_->directory());
  if (files.error != env::DiskError::kNone) {
    return base::Unavailable(fmt::format("{}: {}", log_->directory(), env::ToString(files.error)));
  }
  std::optional<metadata::SnapshotId> newest;
  for (const env::DirectoryEntry& entry : files.entries) {
    const std::optional<metadata::SnapshotId> id = metadata::ParseSnapshotFileName(entry.name);
    if (id && (!newest || id->end_offset > newest->end_offset)) newest = id;
  }
  if (!newest) return absl::OkStatus();
  const std::string path = PathOf(metadata::SnapshotFileName(*newest));
  const storage::SmallFile file = storage::ReadSmallFile(self, env_.disk, path);
  if (!file.ok()) return base::Unavailable(fmt::format("{}: {}", path, env::ToString(file.error)));
  absl::StatusOr<metadata::Snapshot> snapshot = metadata::DecodeSnapshot(file.content);
  if (!snapshot.ok()) return base::DataLoss(fmt::format("{}: {}", path, base::SV(snapshot.status().message())));
  fold_ = metadata::Fold(std::move(snapshot->image));
  replayed_to_ = newest->end_offset;
  REACHED(env_.context, "broker.metadata.snapshot_loaded");
  return absl::OkStatus();
}

absl::Status MetadataLog::Replay(fiber::Fiber& self) {
  replayed_to_ = std::max(replayed_to_, log_->log_start_offset());
  const Offset end = log_->log_end_offset();
  if (replayed_to_ > end) {
    return base::DataLoss(fmt::format("{}: the snapshot ends at {}, the log at {}", log_->directory(),
                                      replayed_to_.value(), end.value()));
  }
  ByteBuffer bytes;
  while (replayed_to_ < end) {
    const storage::ReadResult read =
        log_->Read(self, {.from = replayed_to_, .bytes_max = kReplayPieceBytes, .upper_bound = end});
    if (!read.ok() || log_->ReadBytes(self, read, bytes) != storage::ReadError::kNone) {
      return base::DataLoss(fmt::format("{}: cannot be read at offset {}{}{}", log_->directory(), replayed_to_.value(),
                                        log_->is_offline() ? ": " : "", log_->offline_reason()));
    }
    if (const absl::Status status = ReplayBytes(bytes, read); !status.ok()) return status;
    bytes.clear();
    INVARIANT(read.next_offset > replayed_to_);
    replayed_to_ = read.next_offset;
    bytes_since_snapshot_ += read.size_bytes;
  }
  // What a crash left may never have been synced.
  if (log_->FlushTo(self, end) != storage::LogError::kNone) {
    return base::Unavailable(fmt::format("{}: {}", log_->directory(), log_->offline_reason()));
  }
  log_->SetHighWatermark(end);
  return absl::OkStatus();
}

absl::Status MetadataLog::ReplayBytes(Bytes batches, const storage::ReadResult& read) {
  record::BatchCursor cursor(batches);
  Offset next = read.base_offset;
  while (true) {
    const int64_t at_byte = read.begin + cursor.position_bytes();
    const record::BatchCursor::Step step = cursor.Next();
    if (step.found == record::BatchCursor::Found::kEnd) break;
    // Of a file that was read whole a moment ago: what the disk returns now is something else.
    const bool is_batch = step.found == record::BatchCursor::Found::kBatch;
    if (!is_batch || step.header.base_offset != next) {
      return base::DataLoss(fmt::format(
          "{}: byte {} of the segment at offset {}: {}", log_->directory(), at_byte, next.value(),
          is_batch ? fmt::format("a batch at offset {}", step.header.base_offset.value()) : step.problem.what));
    }
    next = step.header.next_offset();
    epoch_ = std::max(epoch_, step.header.leader_epoch);
    // The snapshot may end inside a piece that was read.
    if (step.header.is_control() || step.header.last_offset() < replayed_to_) continue;
    const absl::StatusOr<metadata::DecodedBatch> decoded = metadata::DecodeBatch(step.batch);
    if (!decoded.ok()) {
      return base::DataLoss(fmt::format("{}: {}", log_->directory(), base::SV(decoded.status().message())));
    }
    for (const metadata::Record& record : decoded->records) {
      const absl::Status applied = fold_.Apply(record);
      if (applied.ok()) continue;
      return base::DataLoss(fmt::format("{}: {} in the batch at offset {}: {}", log_->directory(),
                                        metadata::RecordName(record), step.header.base_offset.value(),
                                        base::SV(applied.message())));
    }
  }
  return absl::OkStatus();
}

absl::Status MetadataLog::BeginEpoch(fiber::Fiber& self) {
  epoch_ = LeaderEpoch(epoch_.value() + 1);
  if (const absl::Status written = WriteQuorumState(self); !written.ok()) return written;
  if (log_->StartEpoch(self, epoch_) != storage::LogError::kNone) {
    return base::Unavailable(fmt::format("{}: {}", log_->directory(), log_->offline_reason()));
  }
  const metadata::LeaderChange change{
      .leader = identity_.node, .voters = {identity_.node}, .granting_voters = {identity_.node}};
  const Offset offset = AppendBatches(self, metadata::EncodeLeaderChangeBatch(change, BatchesOptions()));
  if (offset != kNoOffset) return absl::OkStatus();
  return base::Unavailable(fmt::format("{}: {}", log_->directory(), log_->offline_reason()));
}

Offset MetadataLog::Append(fiber::Fiber& self, std::span<const metadata::Record> records,
                           metadata::MetadataVersion level) {
  REQUIRES(!records.empty());
  metadata::BatchesOptions options = BatchesOptions();
  options.level = level;
  Offset last = kNoOffset;
  for (ByteBuffer& batch : metadata::EncodeBatches(records, options)) {
    last = AppendBatches(self, std::move(batch));
    if (last == kNoOffset) break;
  }
  return last;
}

metadata::BatchesOptions MetadataLog::BatchesOptions() const {
  return {.leader_epoch = epoch_, .timestamp = env_.clock.WallNow().timestamp()};
}

Offset MetadataLog::AppendBatches(fiber::Fiber& self, ByteBuffer batches) {
  const storage::AppendResult appended =
      log_->Append(self, batches, {.origin = storage::AppendOrigin::kCoordinator, .leader_epoch = epoch_});
  if (!appended.ok() || log_->FlushTo(self, appended.next_offset) != storage::LogError::kNone) return kNoOffset;
  log_->SetHighWatermark(appended.next_offset);
  bytes_since_snapshot_ += static_cast<int64_t>(batches.size());
  return appended.next_offset - 1;
}

bool MetadataLog::IsSnapshotDue() const {
  if (bytes_since_snapshot_ == 0) return false;
  if (bytes_since_snapshot_ >= options_.config.snapshot_after_bytes) return true;
  const std::optional<Duration> after = options_.config.snapshot_after_time;
  return after && env_.clock.Now() - last_snapshot_ >= *after;
}

absl::Status MetadataLog::WriteSnapshot(fiber::Fiber& self, const metadata::Image& image) {
  const metadata::SnapshotId id{.end_offset = log_->log_end_offset(), .epoch = epoch_};
  const ByteBuffer content =
      metadata::EncodeSnapshot(image, {.id = id, .last_contained_timestamp = env_.clock.WallNow().timestamp()});
  const std::string path = PathOf(metadata::SnapshotFileName(id));
  const env::DiskError error = storage::ReplaceSmallFile(self, env_.disk, env_.context, path, content);
  if (error != env::DiskError::kNone) {
    return base::Unavailable(fmt::format("{}: {}", path, env::ToString(error)));
  }
  REACHED(env_.context, "broker.metadata.snapshot_written");
  bytes_since_snapshot_ = 0;
  last_snapshot_ = env_.clock.Now();
  return absl::OkStatus();
}

}  // namespace odradek::broker
