#include "engine/broker/quorum_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "engine/metadata/snapshot.h"
#include "engine/metadata/topic_name.h"
#include "engine/raft/control_batches.h"
#include "engine/storage/file_names.h"
#include "engine/storage/small_files.h"

namespace odradek::broker {
namespace {

constexpr int64_t kReplayPieceBytes = int64_t{1} << 20;

TopicPartition MetadataPartition() {
  return {std::string(metadata::kMetadataTopicName), PartitionIndex(0)};
}

std::string FileNameOf(const raft::SnapshotId& id) {
  return metadata::SnapshotFileName({.end_offset = id.offset, .epoch = id.epoch});
}

std::string PartNameOf(const raft::SnapshotId& id) {
  return FileNameOf(id) + std::string(metadata::kSnapshotPartSuffix);
}

}  // namespace

storage::LogConfig QuorumLog::ConfigOf(const NodeOptions& options) {
  storage::LogConfig config;
  config.segment_bytes = options.config.metadata_segment_bytes;
  config.segment_ms = options.config.metadata_segment_time;
  config.segment_offsets_max = options.segment_offsets_max;
  config.cleanup_delete = false;
  config.retention_ms = storage::kNoLimit;
  config.retention_bytes = storage::kNoLimit;
  config.max_message_bytes = options.config.metadata_segment_bytes;
  // Every batch is synced before anybody acts on a record, and a crash tears the last ones at most. What is damaged
  // before it was acted on, and must not be forgotten.
  config.damage = storage::LogConfig::Damage::kRefuseUnlessTorn;
  return config;
}

QuorumLog::QuorumLog(env::Env& env, std::shared_ptr<storage::Log> log, const Identity& identity)
    : env_(env), log_(std::move(log)), identity_(identity) {}

absl::StatusOr<std::unique_ptr<QuorumLog>> QuorumLog::Open(fiber::Fiber& self, env::Env& env, storage::LogManager& logs,
                                                           const NodeOptions& options, const Identity& identity) {
  absl::StatusOr<std::shared_ptr<storage::Log>> log =
      logs.Create(self, MetadataPartition(), kMetadataTopicId, ConfigOf(options));
  if (!log.ok()) return log.status();
  // More than batches stands in there.
  (*log)->MakeFolder(self);
  std::unique_ptr<QuorumLog> opened(new QuorumLog(env, std::move(*log), identity));
  if (opened->log_->is_offline()) return opened->Offline();
  if (absl::Status status = opened->ReadQuorumState(self); !status.ok()) return status;
  raft::LogFacts::Parts parts;
  if (absl::Status status = opened->FindSnapshots(self, parts.snapshots); !status.ok()) return status;
  if (absl::Status status = opened->FoldAll(self); !status.ok()) return status;
  parts.start = opened->log_->log_start_offset();
  parts.end = opened->log_->log_end_offset();
  // One below the log was left behind by the one at its start.
  std::erase_if(parts.snapshots, [&](const raft::SnapshotFacts& one) { return one.id.offset < parts.start; });
  for (const storage::EpochEntry& entry : opened->log_->Inspect().epochs) {
    // One that was begun and never written in is none.
    if (entry.start_offset < parts.end) parts.epochs.push_back({entry.epoch, entry.start_offset});
  }
  const auto facts = raft::LogFacts::FromParts(parts);
  if (!facts) {
    return base::DataLoss(fmt::format("{}: offsets, leader epochs and snapshots contradict each other: {} to {}",
                                      opened->directory(), parts.start.value(), parts.end.value()));
  }
  opened->found_.log = *facts;
  if (parts.end == Offset(0) && !identity.partition_folder.empty()) {
    return base::DataLoss(
        fmt::format("{}: the metadata log is empty, but there is {}: restore the log, or move the "
                    "folders of partitions away",
                    opened->directory(), identity.partition_folder));
  }
  return opened;
}

std::string QuorumLog::PathOf(std::string_view file) const {
  return fmt::format("{}/{}", log_->directory(), file);
}

std::string QuorumLog::PathOf(const raft::SnapshotId& id) const {
  return PathOf(FileNameOf(id));
}

absl::Status QuorumLog::Problem(std::string_view file, env::DiskError error) const {
  if (error == env::DiskError::kNone) return absl::OkStatus();
  return base::Unavailable(fmt::format("{}: {}", PathOf(file), env::ToString(error)));
}

absl::Status QuorumLog::Offline() const {
  return base::Unavailable(fmt::format("{}: {}", log_->directory(), log_->offline_reason()));
}

absl::Status QuorumLog::ReadQuorumState(fiber::Fiber& self) {
  const storage::SmallFile file = storage::ReadSmallFile(self, env_.disk, PathOf(storage::kQuorumStateName));
  if (file.error == env::DiskError::kNotFound) return absl::OkStatus();
  if (!file.ok()) return Problem(storage::kQuorumStateName, file.error);
  absl::StatusOr<raft::QuorumState> state = raft::DecodeQuorumState(AsString(file.content));
  if (!state.ok()) {
    return base::DataLoss(fmt::format("{}: {}", PathOf(storage::kQuorumStateName), base::SV(state.status().message())));
  }
  found_.quorum_state = *std::move(state);
  return absl::OkStatus();
}

absl::Status QuorumLog::WriteQuorumState(fiber::Fiber& self, const raft::QuorumState& state) {
  const std::string text = raft::EncodeQuorumState(state);
  const env::DiskError error =
      storage::ReplaceSmallFile(self, env_.disk, env_.context, PathOf(storage::kQuorumStateName), AsBytes(text));
  return Problem(storage::kQuorumStateName, error);
}

// Which snapshots there are, and the content of the newest.
absl::Status QuorumLog::FindSnapshots(fiber::Fiber& self, std::vector<raft::SnapshotFacts>& snapshots) {
  found_.voters = raft::VoterHistory(identity_.static_voters);
  const env::ListResult files = env_.disk.List(self, log_->directory());
  if (files.error != env::DiskError::kNone) return Problem("", files.error);
  for (const env::DirectoryEntry& entry : files.entries) {
    const std::optional<metadata::SnapshotId> id = metadata::ParseSnapshotFileName(entry.name);
    if (!id) continue;
    const env::StatResult stat = env_.disk.Stat(self, PathOf(entry.name));
    if (stat.error != env::DiskError::kNone) return Problem(entry.name, stat.error);
    snapshots.push_back({{id->epoch, id->end_offset}, stat.size_bytes});
  }
  if (snapshots.empty()) return absl::OkStatus();
  const raft::SnapshotId newest = snapshots.back().id;
  absl::StatusOr<MetadataFold> loaded = LoadSnapshot(self, newest);
  if (!loaded.ok()) return loaded.status();
  found_.at_snapshot = *std::move(loaded);
  REACHED(env_.context, "broker.metadata.snapshot_loaded");
  const storage::SmallFile file = storage::ReadSmallFile(self, env_.disk, PathOf(newest));
  const std::optional<raft::InstalledSnapshot> content =
      file.ok() ? raft::ScanSnapshot(file.content) : std::optional<raft::InstalledSnapshot>();
  if (!content) return base::DataLoss(fmt::format("{}: not a whole snapshot", PathOf(newest)));
  const Offset last = newest.offset - 1;
  if (content->kraft_version != raft::kStaticVoters) found_.voters.AddKraftVersion(last, content->kraft_version);
  if (content->voters) found_.voters.AddVoters(last, *content->voters);
  return newest.offset > log_->log_end_offset() ? FinishInstallation(self, newest) : absl::OkStatus();
}

// A crash in the middle of InstallSnapshot leaves the leader's file beside the snapshot.
absl::Status QuorumLog::FinishInstallation(fiber::Fiber& self, const raft::SnapshotId& id) {
  const std::string part = PartNameOf(id);
  if (env_.disk.Stat(self, PathOf(part)).error != env::DiskError::kNone) {
    return base::DataLoss(fmt::format("{}: the snapshot ends at {}, the log at {}", directory(), id.offset.value(),
                                      log_->log_end_offset().value()));
  }
  REACHED(env_.context, "broker.metadata.installation_finished");
  if (log_->TruncateFullyAndStartAt(self, id.offset) != storage::LogError::kNone) return Offline();
  return Problem(part, storage::RemoveIfThere(self, env_.disk, PathOf(part)));
}

absl::StatusOr<MetadataFold> QuorumLog::LoadSnapshot(fiber::Fiber& self, const raft::SnapshotId& id) {
  const storage::SmallFile file = storage::ReadSmallFile(self, env_.disk, PathOf(id));
  if (!file.ok()) return Problem(FileNameOf(id), file.error);
  absl::StatusOr<metadata::Snapshot> snapshot = metadata::DecodeSnapshot(file.content);
  if (!snapshot.ok()) {
    return base::DataLoss(fmt::format("{}: {}", PathOf(id), base::SV(snapshot.status().message())));
  }
  return MetadataFold{metadata::Fold(std::move(snapshot->image)), {id.offset}};
}

absl::Status QuorumLog::FoldAll(fiber::Fiber& self) {
  MetadataFold& fold = found_.at_end;
  fold = found_.at_snapshot;
  fold.end.offset = std::max(fold.end.offset, log_->log_start_offset());
  const Offset end = log_->log_end_offset();
  INVARIANT(fold.end.offset <= end);
  const auto apply = [this, &fold](const metadata::Record& record) {
    const auto* removed = std::get_if<protocol::RemoveTopicRecord>(&record);
    const metadata::TopicState* topic =
        removed == nullptr ? nullptr : fold.fold.image().FindTopicById(removed->topic_id);
    if (topic != nullptr) found_.deleted.push_back({topic->name, topic->id});
    return fold.fold.Apply(record);
  };
  if (absl::Status status = ReplayRange(self, end, fold.end, {apply, &found_.voters}); !status.ok()) return status;
  // What a crash left may never have been synced.
  return log_->FlushTo(self, end) == storage::LogError::kNone ? absl::OkStatus() : Offline();
}

absl::Status QuorumLog::Replay(fiber::Fiber& self, Offset end, LogPosition& at, ApplyRecord apply) {
  return ReplayRange(self, end, at, {apply});
}

absl::Status QuorumLog::ReplayRange(fiber::Fiber& self, Offset end, LogPosition& at, const Replayer& replayer) {
  ByteBuffer bytes;
  while (at.offset < end) {
    const storage::ReadResult read =
        log_->Read(self, {.from = at.offset, .bytes_max = kReplayPieceBytes, .upper_bound = end});
    bytes.clear();
    if (!read.ok() || log_->ReadBytes(self, read, bytes) != storage::ReadError::kNone) {
      return base::DataLoss(fmt::format("{}: cannot be read at offset {}{}{}", directory(), at.offset.value(),
                                        log_->is_offline() ? ": " : "", log_->offline_reason()));
    }
    if (absl::Status status = ReplayBytes(bytes, read, at.offset, replayer); !status.ok()) return status;
    INVARIANT(read.next_offset > at.offset);
    at = {read.next_offset, at.bytes + read.size_bytes};
  }
  return absl::OkStatus();
}

absl::Status QuorumLog::ReplayBytes(Bytes batches, const storage::ReadResult& read, Offset at,
                                    const Replayer& replayer) const {
  record::BatchCursor cursor(batches);
  Offset next = read.base_offset;
  while (true) {
    const int64_t at_byte = read.begin + cursor.position_bytes();
    const record::BatchCursor::Step step = cursor.Next();
    if (step.found == record::BatchCursor::Found::kEnd) return absl::OkStatus();
    // Of a file that was read whole a moment ago: what the disk returns now is something else.
    const bool is_batch = step.found == record::BatchCursor::Found::kBatch;
    if (!is_batch || step.header.base_offset != next) {
      return base::DataLoss(fmt::format(
          "{}: byte {} of the segment at offset {}: {}", directory(), at_byte, next.value(),
          is_batch ? fmt::format("a batch at offset {}", step.header.base_offset.value()) : step.problem.what));
    }
    next = step.header.next_offset();
    // The snapshot may end inside a piece that was read.
    if (step.header.last_offset() < at) continue;
    if (absl::Status status = ReplayBatch(step, replayer); !status.ok()) return status;
    if (MUTATION(env_.context, CT12) && replayer.voters == nullptr) return absl::OkStatus();
  }
}

absl::Status QuorumLog::ReplayBatch(const record::BatchCursor::Step& step, const Replayer& replayer) const {
  if (step.header.is_control()) {
    if (replayer.voters == nullptr) return absl::OkStatus();
    const raft::ScannedBatches scanned = raft::ScanBatches(step.batch);
    if (!scanned.problem.empty()) return base::DataLoss(fmt::format("{}: {}", directory(), scanned.problem));
    const raft::BatchFacts& facts = scanned.batches.facts.front();
    if (facts.kraft_version) replayer.voters->AddKraftVersion(facts.kraft_version_offset, *facts.kraft_version);
    if (facts.voters) replayer.voters->AddVoters(facts.voters_offset, *facts.voters);
    return absl::OkStatus();
  }
  const absl::StatusOr<metadata::DecodedBatch> decoded = metadata::DecodeBatch(step.batch);
  if (!decoded.ok()) {
    return base::DataLoss(fmt::format("{}: {}", directory(), base::SV(decoded.status().message())));
  }
  for (const metadata::Record& record : decoded->records) {
    const absl::Status applied = replayer.apply(record);
    if (applied.ok()) continue;
    return base::DataLoss(fmt::format("{}: {} in the batch at offset {}: {}", directory(), metadata::RecordName(record),
                                      step.header.base_offset.value(), base::SV(applied.message())));
  }
  return absl::OkStatus();
}

absl::Status QuorumLog::AppendEach(fiber::Fiber& self, MutableBytes batches, const storage::AppendOptions& options,
                                   Offset base_offset) {
  // One by one: a leader's segments may be larger than ours, and nothing is lost by it.
  record::BatchCursor cursor(batches);
  while (true) {
    const auto from = static_cast<size_t>(cursor.position_bytes());
    const record::BatchCursor::Step step = cursor.Next();
    if (step.found == record::BatchCursor::Found::kEnd) return absl::OkStatus();
    INVARIANT(step.found == record::BatchCursor::Found::kBatch);
    const auto size = static_cast<size_t>(step.header.size_bytes);
    INVARIANT(log_->log_end_offset() == base_offset || log_->is_offline());
    if (flushed_end() < base_offset) {
      if (const absl::Status flushed = Flush(self); !flushed.ok()) return flushed;
    }
    const storage::AppendResult appended = log_->Append(self, batches.subspan(from, size), options);
    if (appended.error == storage::AppendError::kOffline) return Offline();
    if (!appended.ok()) {
      return base::DataLoss(fmt::format("{}: the batch at offset {} cannot be appended: {}", directory(),
                                        base_offset.value(), appended.problem));
    }
    base_offset = appended.next_offset;
  }
}

absl::Status QuorumLog::AppendAsLeader(fiber::Fiber& self, MutableBytes batches, Offset base_offset,
                                       LeaderEpoch epoch) {
  return AppendEach(self, batches, {.origin = storage::AppendOrigin::kCoordinator, .leader_epoch = epoch}, base_offset);
}

absl::Status QuorumLog::AppendFetched(fiber::Fiber& self, MutableBytes batches) {
  return AppendEach(self, batches, {.origin = storage::AppendOrigin::kReplication}, log_->log_end_offset());
}

absl::Status QuorumLog::TruncateTo(fiber::Fiber& self, Offset end) {
  if (log_->TruncateTo(self, end) != storage::LogError::kNone) return Offline();
  INVARIANT(log_->log_end_offset() == end);
  return absl::OkStatus();
}

absl::Status QuorumLog::Flush(fiber::Fiber& self) {
  return log_->Flush(self) == storage::LogError::kNone ? absl::OkStatus() : Offline();
}

absl::Status QuorumLog::Read(fiber::Fiber& self, const Range& range, ByteBuffer& into) {
  if (range.from >= range.end) return absl::OkStatus();
  const storage::ReadResult read =
      log_->Read(self, {.from = range.from, .bytes_max = range.bytes_max, .upper_bound = range.end});
  if (read.ok() && log_->ReadBytes(self, read, into) == storage::ReadError::kNone) return absl::OkStatus();
  return base::Unavailable(fmt::format("{}: cannot be read at offset {}", directory(), range.from.value()));
}

absl::StatusOr<int64_t> QuorumLog::WriteSnapshot(fiber::Fiber& self, const metadata::Image& image,
                                                 const raft::SnapshotId& id, const raft::VoterHistory& voters) {
  const Timestamp now = env_.clock.WallNow().timestamp();
  metadata::SnapshotOptions options{.id = {.end_offset = id.offset, .epoch = id.epoch},
                                    .last_contained_timestamp = now};
  if (voters.KraftVersionAt(id.offset) != raft::kStaticVoters) {
    options.quorum_batch = raft::EncodeControlBatch({.base_offset = Offset(1),
                                                     .epoch = id.epoch,
                                                     .leader_change = std::nullopt,
                                                     .kraft_version = voters.KraftVersionAt(id.offset),
                                                     .voters = voters.VotersAt(id.offset)},
                                                    now);
  }
  const ByteBuffer content = metadata::EncodeSnapshot(image, options);
  const env::DiskError error = storage::ReplaceSmallFile(self, env_.disk, env_.context, PathOf(id), content);
  if (error != env::DiskError::kNone) return Problem(FileNameOf(id), error);
  REACHED(env_.context, "broker.metadata.snapshot_written");
  return static_cast<int64_t>(content.size());
}

absl::Status QuorumLog::ReadSnapshotPiece(fiber::Fiber& self, const raft::SnapshotId& id, int64_t position_bytes,
                                          MutableBytes into) {
  const env::OpenResult opened = env_.disk.Open(self, PathOf(id), env::OpenMode::kReadOnly);
  if (opened.error != env::DiskError::kNone) return Problem(FileNameOf(id), opened.error);
  const env::IoResult read = opened.file->ReadAt(self, into, position_bytes);
  if (!read.ok()) return Problem(FileNameOf(id), read.error);
  if (read.size_bytes == static_cast<int64_t>(into.size())) return absl::OkStatus();
  return base::DataLoss(fmt::format("{}: shorter than it was", PathOf(id)));
}

absl::Status QuorumLog::WriteSnapshotPiece(fiber::Fiber& self, const raft::WriteSnapshot& piece) {
  const std::string name = PartNameOf(piece.id);
  if (piece.position_bytes == 0) {
    const env::DiskError removed = storage::RemoveIfThere(self, env_.disk, PathOf(name));
    if (removed != env::DiskError::kNone) return Problem(name, removed);
  }
  const env::OpenResult opened = env_.disk.Open(self, PathOf(name), env::OpenMode::kCreate);
  if (opened.error != env::DiskError::kNone) return Problem(name, opened.error);
  const Bytes parts[] = {piece.bytes};
  return Problem(name, opened.file->WriteAt(self, parts, piece.position_bytes).error);
}

absl::StatusOr<std::optional<raft::InstalledSnapshot>> QuorumLog::InstallSnapshot(fiber::Fiber& self,
                                                                                  const raft::SnapshotId& id) {
  const std::string part = PartNameOf(id);
  const storage::SmallFile file = storage::ReadSmallFile(self, env_.disk, PathOf(part));
  if (!file.ok()) return Problem(part, file.error);
  std::optional<raft::InstalledSnapshot> content = raft::ScanSnapshot(file.content);
  if (!content || !metadata::DecodeSnapshot(file.content).ok()) {
    REACHED(env_.context, "broker.metadata.bad_snapshot_fetched");
    const env::DiskError removed = storage::RemoveIfThere(self, env_.disk, PathOf(part));
    if (removed != env::DiskError::kNone) return Problem(part, removed);
    return std::optional<raft::InstalledSnapshot>();
  }
  // The snapshot is whole and named before the log forgets what it holds, and the leader's file beside it tells a start
  // after a crash that the log has to go.
  if (const absl::Status synced = SyncPiece(self, part); !synced.ok()) return synced;
  const env::DiskError error = storage::ReplaceSmallFile(self, env_.disk, env_.context, PathOf(id), file.content);
  if (error != env::DiskError::kNone) return Problem(FileNameOf(id), error);
  if (log_->TruncateFullyAndStartAt(self, id.offset) != storage::LogError::kNone) return Offline();
  const env::DiskError removed = storage::RemoveIfThere(self, env_.disk, PathOf(part));
  if (removed != env::DiskError::kNone) return Problem(part, removed);
  REACHED(env_.context, "broker.metadata.snapshot_installed");
  return content;
}

absl::Status QuorumLog::SyncPiece(fiber::Fiber& self, const std::string& name) {
  const env::OpenResult opened = env_.disk.Open(self, PathOf(name), env::OpenMode::kReadWrite);
  if (opened.error != env::DiskError::kNone) return Problem(name, opened.error);
  const env::DiskError error = opened.file->Sync(self);
  if (error != env::DiskError::kNone) return Problem(name, error);
  return Problem(name, env_.disk.SyncDirectory(self, directory()));
}

absl::Status QuorumLog::DeletePrefix(fiber::Fiber& self, const raft::SnapshotId& id) {
  if (log_->DeleteRecordsBefore(self, id.offset) != storage::LogError::kNone) return Offline();
  const env::ListResult files = env_.disk.List(self, log_->directory());
  if (files.error != env::DiskError::kNone) return Problem("", files.error);
  for (const env::DirectoryEntry& entry : files.entries) {
    const std::optional<metadata::SnapshotId> older = metadata::ParseSnapshotFileName(entry.name);
    if (!older || older->end_offset >= id.offset) continue;
    const env::DiskError removed = storage::RemoveIfThere(self, env_.disk, PathOf(entry.name));
    if (removed != env::DiskError::kNone) return Problem(entry.name, removed);
  }
  return absl::OkStatus();
}

}  // namespace odradek::broker
