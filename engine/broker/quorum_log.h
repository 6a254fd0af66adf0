// The metadata log of a quorum of one (KIP-500, KIP-595, KIP-630): __cluster_metadata-0 in the first log directory, in
// Kafka's record formats, with snapshots and quorum-state. Lives on shard 0.
//
//  1. What Append returned an offset for is durable: every append is synced before anybody acts on it.
//  2. Open leaves the fold of the newest snapshot and everything after it; a log that does not fold is an error that
//     names offset and record: a node never starts from a guess. So is a log that lost what was synced.
//  3. An epoch is used by one start only: the next one is in quorum-state, durably, before the first append.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/broker/options.h"
#include "engine/env/env.h"
#include "engine/fiber/fiber.h"
#include "engine/metadata/batches.h"
#include "engine/metadata/image.h"
#include "engine/storage/log_manager.h"

namespace odradek::broker {

class MetadataLog {
 public:
  struct Identity {
    NodeId node;
    Uuid directory_id;
    // A partition's folder that is there; empty: none. A partition is made only after its metadata are durable.
    std::string partition_folder;
  };

  // From its first moment on: a log that is loaded with a partition's settings is retained and recovered by them.
  static storage::LogConfig ConfigOf(const NodeOptions& options);
  static absl::StatusOr<std::unique_ptr<MetadataLog>> Open(fiber::Fiber& self, env::Env& env, storage::LogManager& logs,
                                                           const NodeOptions& options, const Identity& identity);

  // What the log said when it was opened; whoever takes it folds what is appended from then on.
  metadata::Fold TakeFold() { return std::move(fold_); }
  // Of the last record in the log; −1 if it is empty.
  Offset last_offset() const;
  LeaderEpoch epoch() const { return epoch_; }

  // Appends the records in one batch and syncs it. Returns the offset of the last one, or kNoOffset: the log is offline
  // and the node cannot go on. `level` decides the records' versions.
  Offset Append(fiber::Fiber& self, std::span<const metadata::Record> records, metadata::MetadataVersion level);

  // Whether enough was written since the last snapshot for another one.
  bool IsSnapshotDue() const;
  // Writes the image, which holds everything up to last_offset(), as a snapshot.
  absl::Status WriteSnapshot(fiber::Fiber& self, const metadata::Image& image);

 private:
  MetadataLog(env::Env& env, std::shared_ptr<storage::Log> log, const NodeOptions& options, const Identity& identity);

  absl::Status ReadQuorumState(fiber::Fiber& self);
  absl::Status WriteQuorumState(fiber::Fiber& self);
  absl::Status LoadNewestSnapshot(fiber::Fiber& self);
  absl::Status Replay(fiber::Fiber& self);
  // The bytes of `read`.
  absl::Status ReplayBytes(Bytes batches, const storage::ReadResult& read);
  absl::Status BeginEpoch(fiber::Fiber& self);
  metadata::BatchesOptions BatchesOptions() const;
  Offset AppendBatches(fiber::Fiber& self, ByteBuffer batches);
  std::string PathOf(std::string_view file) const;

  env::Env& env_;
  const std::shared_ptr<storage::Log> log_;
  const NodeOptions& options_;
  const Identity identity_;
  metadata::Fold fold_;
  LeaderEpoch epoch_{0};
  Offset replayed_to_{0};
  int64_t bytes_since_snapshot_ = 0;
  MonoTime last_snapshot_;
};

}  // namespace odradek::broker
