// The metadata log on disk (KIP-500, KIP-595, KIP-630): __cluster_metadata-0 in the first log directory, in Kafka's
// formats, with snapshots and quorum-state. It does what the machine of engine/raft says (quorum.h runs it) and decides
// nothing. Lives on shard 0; one fiber at a time writes, any number reads.
//
//  1. Open changes nothing but what recovery repairs: a log that does not fold is an error that names offset and
//     record, so that a node never starts from a guess. So is a log that lost what was synced.
//  2. What Open found is on disk, as far as the log goes.
//  3. A batch is written only when all before it is on disk: a loss of power tears one batch at most, the last one, and
//     whatever else does not fit is damage.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/broker/options.h"
#include "engine/env/env.h"
#include "engine/fiber/fiber.h"
#include "engine/metadata/batches.h"
#include "engine/metadata/image.h"
#include "engine/raft/log_facts.h"
#include "engine/raft/quorum_state.h"
#include "engine/raft/steps.h"
#include "engine/raft/voter_history.h"
#include "engine/storage/log_manager.h"

namespace odradek::broker {

// A place between two batches of the log, and how many bytes of batches were passed on the way to it.
struct LogPosition {
  Offset offset{0};
  int64_t bytes = 0;
};

// The fold of the metadata up to `end`; its bytes are those behind the newest snapshot.
struct MetadataFold {
  metadata::Fold fold;
  LogPosition end;
};

// What is to be done with each record. An error is told with the record's place.
using ApplyRecord = absl::FunctionRef<absl::Status(const metadata::Record&)>;

class QuorumLog {
 public:
  struct Identity {
    Uuid directory_id;
    // A partition's folder that is there; empty: none. A partition is made only after its metadata are durable.
    std::string partition_folder;
    // Who votes as long as the log does not say.
    raft::VoterSet static_voters;
  };
  // What a start found. The high watermark is not known yet: what is committed of the log, others may know better.
  struct Found {
    raft::LogFacts log;
    raft::VoterHistory voters{raft::VoterSet()};
    std::optional<raft::QuorumState> quorum_state;
    MetadataFold at_snapshot;
    MetadataFold at_end;
    // Topics that were deleted in between.
    struct Deleted {
      std::string name;
      TopicId id;
    };
    std::vector<Deleted> deleted;
  };

  // From its first moment on: a log that is loaded with a partition's settings is retained and recovered by them.
  static storage::LogConfig ConfigOf(const NodeOptions& options);
  static absl::StatusOr<std::unique_ptr<QuorumLog>> Open(fiber::Fiber& self, env::Env& env, storage::LogManager& logs,
                                                         const NodeOptions& options, const Identity& identity);
  // Once, after Open.
  Found TakeFound() { return std::move(found_); }

  // What the machine's effects ask for. Errors name the file and what happened to it: the node cannot go on.
  absl::Status WriteQuorumState(fiber::Fiber& self, const raft::QuorumState& state);
  // Whole batches, one after the other. Those of a leader get offsets and epoch written into them.
  absl::Status AppendAsLeader(fiber::Fiber& self, MutableBytes batches, Offset base_offset, LeaderEpoch epoch);
  absl::Status AppendFetched(fiber::Fiber& self, MutableBytes batches);
  absl::Status TruncateTo(fiber::Fiber& self, Offset end);
  absl::Status Flush(fiber::Fiber& self);
  // All below is on disk.
  Offset flushed_end() const { return log_->recovery_point(); }
  void SetHighWatermark(Offset high_watermark) { log_->SetHighWatermark(high_watermark); }

  // Appends to `into` what stands in [from, end), at most bytes_max but at least one batch.
  struct Range {
    Offset from;
    Offset end;
    int64_t bytes_max = 0;
  };
  absl::Status Read(fiber::Fiber& self, const Range& range, ByteBuffer& into);
  // Applies the records in [at, end), and moves `at` on. Error: the log does not say what a metadata log can.
  absl::Status Replay(fiber::Fiber& self, Offset end, LogPosition& at, ApplyRecord apply);
  int64_t size_bytes() const { return log_->size_bytes(); }

  // The image, which holds all below id.offset, as a snapshot. Its size in bytes.
  absl::StatusOr<int64_t> WriteSnapshot(fiber::Fiber& self, const metadata::Image& image, const raft::SnapshotId& id,
                                        const raft::VoterHistory& voters);
  absl::StatusOr<MetadataFold> LoadSnapshot(fiber::Fiber& self, const raft::SnapshotId& id);
  absl::Status ReadSnapshotPiece(fiber::Fiber& self, const raft::SnapshotId& id, int64_t position_bytes,
                                 MutableBytes into);
  // From the leader, the first piece at 0.
  absl::Status WriteSnapshotPiece(fiber::Fiber& self, const raft::WriteSnapshot& piece);
  // The log is replaced by the snapshot whose pieces are all there. nullopt: it is none, and is gone.
  absl::StatusOr<std::optional<raft::InstalledSnapshot>> InstallSnapshot(fiber::Fiber& self,
                                                                         const raft::SnapshotId& id);
  // The log below the snapshot and the snapshots before it.
  absl::Status DeletePrefix(fiber::Fiber& self, const raft::SnapshotId& id);

  std::string_view directory() const { return log_->directory(); }

 private:
  QuorumLog(env::Env& env, std::shared_ptr<storage::Log> log, const Identity& identity);

  absl::Status ReadQuorumState(fiber::Fiber& self);
  absl::Status FindSnapshots(fiber::Fiber& self, std::vector<raft::SnapshotFacts>& snapshots);
  absl::Status FinishInstallation(fiber::Fiber& self, const raft::SnapshotId& id);
  absl::Status SyncPiece(fiber::Fiber& self, const std::string& name);
  absl::Status FoldAll(fiber::Fiber& self);
  // What is told of each batch; `voters`: takes what control records say about the quorum.
  struct Replayer {
    ApplyRecord apply;
    raft::VoterHistory* voters = nullptr;
  };
  absl::Status ReplayRange(fiber::Fiber& self, Offset end, LogPosition& at, const Replayer& replayer);
  // The bytes of `read`; what stands below `at` is passed over.
  absl::Status ReplayBytes(Bytes batches, const storage::ReadResult& read, Offset at, const Replayer& replayer) const;
  absl::Status ReplayBatch(const record::BatchCursor::Step& step, const Replayer& replayer) const;
  absl::Status AppendEach(fiber::Fiber& self, MutableBytes batches, const storage::AppendOptions& options,
                          Offset base_offset);
  absl::Status Problem(std::string_view file, env::DiskError error) const;
  absl::Status Offline() const;
  std::string PathOf(std::string_view file) const;
  std::string PathOf(const raft::SnapshotId& id) const;

  env::Env& env_;
  const std::shared_ptr<storage::Log> log_;
  const Identity identity_;
  Found found_;
};

}  // namespace odradek::broker
