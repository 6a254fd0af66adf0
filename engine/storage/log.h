// The log of one partition: segments on an env::Disk in Kafka's layout, its leader epochs and its producers' state.
// Owned by the LogManager as a shared_ptr; belongs to one shard. Every function that takes a Fiber may suspend, the
// others do not. Any number of fibers may call at the same time.
//
//  1. log_start_offset <= last_stable_offset <= high_watermark <= log_end_offset at every instant.
//  2. Appends happen one at a time, in the order of the calls. The log end moves only after the bytes are written, so a
//     reader never sees bytes that are not there; no offset is given out twice in the life of an object.
//  3. An append answers after what the flush policy of the configuration promises (promises.h). Appends that wait for a
//     sync share it and do not hold up the next append.
//  4. Everything below recovery_point() was written before a sync of its files and folders that succeeded.
//  5. After a failed write or sync of any of its files the log is offline for good: appends, truncations and deletions
//     answer an error and change nothing. Reads below the high watermark go on: those bytes were written whole. A
//     failed sync is never tried again: the pages may be marked clean although they are lost.
//  6. The log start is durable before a file below it is removed; a file that a reader holds stays readable.
//  7. producers() and epochs() are the fold of the batches in [log start, log end) over the newest producer snapshot.
//
// Kafka's counterparts: UnifiedLog, LocalLog, LogSegments. Sources: FEATURES 3.2 and 3.3, KIP-101, KIP-107, KIP-279.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/ids.h"
#include "engine/env/env.h"
#include "engine/fiber/fiber.h"
#include "engine/fiber/sync.h"
#include "engine/storage/config.h"
#include "engine/storage/log_types.h"

namespace odradek::storage {

class EpochCache;
class LogState;
class OpenFiles;
class Segment;

// Where the start of a log is kept durably; the data directory's log-start-offset-checkpoint.
class LogStartStore {
 public:
  virtual ~LogStartStore() = default;
  // Returns when the file says at least `start` for the log. False: it could not be written.
  virtual bool Persist(fiber::Fiber& self, const TopicPartition& name, Offset start) = 0;
};

struct LogPlace {
  TopicPartition name;
  std::string directory;  // of the partition; exists
};

// What the data directory's checkpoints say about the log; kNoOffset where they say nothing.
struct LogCheckpoints {
  Offset recovery_point = kNoOffset;
  Offset log_start_offset = kNoOffset;
  Offset high_watermark = kNoOffset;
  Offset cleaned_until = kNoOffset;  // compaction may have left gaps between segments below
  env::ShutdownKind previous_shutdown = env::ShutdownKind::kUnclean;
};

class Log : public std::enable_shared_from_this<Log> {
 public:
  // Reads the folder: after a clean shutdown only the end of the last segment, after an unclean one also every batch
  // from the recovery point on; what is torn is cut off. An empty folder is an empty log that starts at the
  // checkpoint's log start or 0. An error names the file. `start_store` may be null: then the start lives in the files
  // alone.
  static absl::StatusOr<std::shared_ptr<Log>> Open(fiber::Fiber& self, env::Env& env, OpenFiles& files,
                                                   LogStartStore* start_store, const LogPlace& place,
                                                   const LogConfig& config, const LogCheckpoints& checkpoints);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // --- Appending. `batches`: whole batches one after the other; for kClient and kCoordinator they were validated
  // (record/validate.h) and get base offset and leader epoch written into them in place.
  AppendResult Append(fiber::Fiber& self, MutableBytes batches, const AppendOptions& options);
  // A leader epoch begins at the log end; durable on return.
  LogError StartEpoch(fiber::Fiber& self, LeaderEpoch epoch);
  // Ends the active segment if it is not empty.
  LogError Roll(fiber::Fiber& self);

  // --- Reading.
  ReadResult Read(fiber::Fiber& self, const ReadOptions& options);
  // The bytes of a Read, copied: for readers that do not send file ranges.
  ReadError ReadBytes(fiber::Fiber& self, const ReadResult& range, ByteBuffer& into);
  // The first record at or above the log start and below `upper_bound` with timestamp >= `at_least`.
  TimestampResult FindByTimestamp(fiber::Fiber& self, Timestamp at_least, Offset upper_bound);
  // The earliest record below `upper_bound` that has the largest timestamp.
  TimestampResult FindMaxTimestamp(fiber::Fiber& self, Offset upper_bound);
  // Aborted transactions that overlap [from, upper_bound), by last offset.
  AbortedTxnsResult AbortedTxns(fiber::Fiber& self, Offset from, Offset upper_bound);
  // KIP-101, KIP-279: the largest epoch at most `epoch` and where it ends.
  EpochEnd EndOffsetForEpoch(LeaderEpoch epoch) const;
  // Epoch of the record at `offset`; kNoLeaderEpoch if not known.
  LeaderEpoch EpochAt(Offset offset) const;

  // --- Shortening.
  // Drops all records at and above `offset`; at or above the log end it only trims the epochs. An offset inside a batch
  // drops the whole batch. Durable on return.
  LogError TruncateTo(fiber::Fiber& self, Offset offset);
  // Drops everything; the next record gets `offset`.
  LogError TruncateFullyAndStartAt(fiber::Fiber& self, Offset offset);
  // Raises the log start, durably, and drops the segments below; DeleteRecords. kOutOfRange: above the high watermark.
  // An offset at or below the start changes nothing.
  LogError DeleteRecordsBefore(fiber::Fiber& self, Offset offset);
  // Drops old segments by retention.ms and retention.bytes, never past the high watermark.
  RetentionResult ApplyRetention(fiber::Fiber& self);
  // Removes the files of dropped segments whose file.delete.delay.ms has passed.
  void RemoveDeletedFiles(fiber::Fiber& self);
  // Forgets producers that wrote nothing for producer.id.expiration.ms and have no open transaction.
  void ExpireProducers();

  // --- Durability.
  // Returns when everything below `offset` (at most the log end) is durable. Callers at the same time share a sync.
  LogError FlushTo(fiber::Fiber& self, Offset offset);
  LogError Flush(fiber::Fiber& self) { return FlushTo(self, log_end_offset()); }
  // Whether flush.ms has passed since the first byte that is not synced, or a rolled segment waits for its sync.
  bool IsFlushDue() const;
  // Clean shutdown: everything durable, indexes whole, producer snapshot at the log end. Nothing may be called after.
  LogError Close(fiber::Fiber& self);
  // The folder was renamed to be deleted: files are closed, everything answers kOffline.
  void Abandon();

  // --- Offsets.
  Offset log_start_offset() const;
  Offset log_end_offset() const;
  Offset high_watermark() const;
  Offset last_stable_offset() const;
  Offset recovery_point() const;
  LeaderEpoch latest_epoch() const;
  // Clamped to [log start, log end]; may go down on a follower.
  void SetHighWatermark(Offset offset);

  bool is_offline() const;
  std::string_view offline_reason() const;
  const TopicPartition& name() const;
  const std::string& directory() const;
  const LogConfig& config() const;
  void SetConfig(const LogConfig& config);
  int64_t size_bytes() const;

  // --- For monitors and tests.
  LogView Inspect() const;
  LogFold FoldFiles(fiber::Fiber& self);

 private:
  explicit Log(std::unique_ptr<LogState> state);
  std::unique_ptr<LogState> state_;
};

}  // namespace odradek::storage
