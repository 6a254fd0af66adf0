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

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "engine/base/ids.h"
#include "engine/env/env.h"
#include "engine/fiber/fiber.h"
#include "engine/fiber/sync.h"
#include "engine/storage/clean_types.h"
#include "engine/storage/config.h"
#include "engine/storage/epoch_cache.h"
#include "engine/storage/log_marks.h"
#include "engine/storage/log_types.h"
#include "engine/storage/open_files.h"
#include "engine/storage/producer_store.h"
#include "engine/storage/segment.h"

namespace odradek::storage {

class Log : public std::enable_shared_from_this<Log> {
 public:
  // Reads the folder, which exists: after a clean shutdown only the end of the last segment, after an unclean one also
  // every batch from the recovery point on; what is torn is cut off. An empty folder is an empty log that starts at the
  // checkpoint's log start or 0. An error names the file. `marks` may be null: then only what the folder itself says is
  // durable.
  static absl::StatusOr<std::shared_ptr<Log>> Open(fiber::Fiber& self, env::Env& env, OpenFiles& files, LogMarks* marks,
                                                   const LogPlace& place, const LogConfig& config,
                                                   const LogCheckpoints& checkpoints);
  // A new log of that topic, without a folder until the first append: an idle partition costs no file. REQUIRES: the
  // folder is not there; `place.directory` stands in a folder that is.
  static std::shared_ptr<Log> StartUnborn(env::Env& env, OpenFiles& files, LogMarks* marks, const LogPlace& place,
                                          const LogConfig& config, const TopicId& topic_id);
  // Makes the folder now, durably, with what belongs into it before the first batch.
  LogError MakeFolder(fiber::Fiber& self);
  bool has_folder() const { return !unborn_.has_value(); }
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // --- Appending. `batches`: whole batches one after the other; for kClient and kCoordinator they were validated
  // (record/validate.h) and get base offset and leader epoch written into them in place.
  AppendResult Append(fiber::Fiber& self, MutableBytes batches, const AppendOptions& options);
  // A leader epoch begins at the log end; durable on return, or, without a folder, before the first batch.
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
  // drops the whole batch; the log then ends with its last batch. Durable on return.
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

  // --- Compaction (cleaner.h says when).
  CleanRange FindCleanable(fiber::Fiber& self);
  CleanResult Clean(fiber::Fiber& self, const CleanRange& range, CleanTools& tools);
  // Returns when no cleaning runs: one that has begun is waited for, and ends soon if the log is offline.
  void AwaitCleaningEnd(fiber::Fiber& self);

  // --- Durability.
  // Returns when everything below `offset` (at most the log end) is durable. Callers at the same time share a sync.
  LogError FlushTo(fiber::Fiber& self, Offset offset);
  LogError Flush(fiber::Fiber& self) { return FlushTo(self, log_end_offset()); }
  // Whether flush.ms has passed since the first byte that is not synced, or a rolled segment waits for its sync.
  bool IsFlushDue() const;
  // Clean shutdown: everything durable, indexes whole, producer snapshot at the log end. Nothing may be called after.
  LogError Close(fiber::Fiber& self);
  // The folder is about to be renamed to be deleted: files are closed, everything answers kOffline.
  void Abandon();
  void TakeOffline(std::string_view why);  // the disk does not answer
  // After Abandon: waits for a folder that is being made.
  void AwaitFolder(fiber::Fiber& self) { const fiber::MutexLock lock(self, lock_); }

  // --- Offsets.
  Offset log_start_offset() const { return log_start_; }
  Offset log_end_offset() const { return log_end_; }
  Offset high_watermark() const { return high_watermark_; }
  Offset last_stable_offset() const;
  Offset recovery_point() const { return flush_.recovery_point; }
  LeaderEpoch latest_epoch() const { return epochs_.list().latest(); }
  // Clamped to [log start, log end]; may go down on a follower.
  void SetHighWatermark(Offset offset);

  bool is_offline() const { return !offline_reason_.empty(); }
  std::string_view offline_reason() const { return offline_reason_; }
  const TopicPartition& name() const { return place_.name; }
  const std::string& directory() const { return place_.directory; }
  const LogConfig& config() const { return config_; }
  void SetConfig(const LogConfig& config) { config_ = config; }
  int64_t size_bytes() const;
  const producers::ProducerStates& producers() const { return producers_.states(); }

  // --- For monitors and tests.
  LogView Inspect() const;
  // Reads every batch: for small logs.
  LogFold FoldFiles(fiber::Fiber& self);

 private:
  class Loader;
  class Compaction;
  using Headers = absl::InlinedVector<record::BatchHeader, 1>;
  using SegmentPtr = std::shared_ptr<Segment>;

  // A dropped segment whose files are renamed and wait for their removal.
  struct Buried {
    SegmentPtr segment;
    MonoTime remove_at;
  };
  struct FlushState {
    Offset recovery_point;
    bool in_flight = false;
    fiber::WaitQueue done;
    int64_t unflushed_records = 0;
    MonoTime first_unflushed_at = MonoTime::Never();
    uint64_t folder_changes = 1;  // how often entries of the folder changed; what an earlier process did counts as one
    uint64_t folder_synced = 0;
    // Bytes from here on were read after a crash: a sync of the dead process may have failed and left their pages
    // clean. They are written once more before a sync counts.
    Offset suspect_from = kNoOffset;
  };

  Log(env::Env& env, OpenFiles& files, LogMarks* marks, const LogPlace& place, const LogConfig& config);

  env::PartitionName observed_name() const { return {place_.name.topic, place_.name.partition}; }
  const SegmentPtr& active() const { return segments_.rbegin()->second; }
  // The segment that holds `offset` if any does; the first one for what lies below it.
  SegmentPtr SegmentFor(Offset offset) const;
  // nullptr: the last one.
  SegmentPtr SegmentAfter(const Segment& segment) const;
  SegmentLimits limits() const;
  void GoOffline(std::string_view doing, env::DiskError error);

  // log.cc; all but the first hold lock_.
  static std::string ParseBatches(Bytes batches, Headers& headers);
  AppendResult AppendLocked(fiber::Fiber& self, MutableBytes batches, const AppendOptions& options,
                            const SegmentPtr& active_at_call);
  AppendResult CheckBatches(Bytes batches, const Headers& headers, const AppendOptions& options);
  AppendResult Admit(Bytes batches, const Headers& headers, AppendOrigin origin);
  void AssignOffsets(MutableBytes batches, Headers& headers, LeaderEpoch epoch) const;
  // Before batches are appended that leave offsets out.
  env::DiskError AnnounceGaps(fiber::Fiber& self, const Headers& headers);
  bool MayHaveBeenCompacted() const { return config_.cleanup_compact || cleaned_until_ != kNoOffset; }
  env::DiskError StartEpochs(fiber::Fiber& self, const Headers& headers);
  AppendResult WriteBatches(fiber::Fiber& self, Bytes batches, const Headers& headers, Segment& segment);
  env::DiskError ApplyToProducers(fiber::Fiber& self, Bytes batches, const Headers& headers, Segment& segment);
  void Published(const Headers& headers);
  bool MustRoll(const Segment& segment, int64_t batches_bytes, const Headers& headers) const;
  env::DiskError MakeFolderLocked(fiber::Fiber& self);
  env::DiskError RollLocked(fiber::Fiber& self, Offset base);
  // Everything below `base` counts as durable, although nothing was written right below it.
  env::DiskError FlushBeforeGap(fiber::Fiber& self, Offset base);
  void FlushInBackground();
  AppendResult Failure(AppendError error, std::string problem) const;

  // log_read.cc
  // What a reader saw last may be gone: then it must look again instead of reporting an error.
  struct ReadMark {
    uint64_t changes;
    Offset log_start;
    friend bool operator==(const ReadMark&, const ReadMark&) = default;
  };
  ReadMark mark() const { return {truncations_ + replacements_, log_start_}; }
  bool SameAs(const ReadMark& mark) const { return mark == this->mark(); }
  enum class Attempt : uint8_t { kDone, kAgain };
  Attempt TryRead(fiber::Fiber& self, const ReadOptions& options, ReadResult& result);
  // A reader who asked for `from` was given what stands at `to`, in another segment.
  void NoteGap(Offset from, Offset to);
  Attempt TryFindTimestamp(fiber::Fiber& self, Timestamp at_least, Offset upper_bound, TimestampResult& result);
  Attempt TryFindMax(fiber::Fiber& self, Offset upper_bound, TimestampResult& result);
  struct MaxBatch {
    Timestamp timestamp = kNoTimestamp;
    std::optional<BatchPlace> place;
    SegmentPtr segment;
  };
  // A batch of which all is visible counts with its header's timestamp, another one with that of its visible records.
  SeekError ConsiderForMax(fiber::Fiber& self, const SegmentPtr& segment, const BatchPlace& place, Offset upper_bound,
                           MaxBatch& best);
  SeekError FindMaxBatch(fiber::Fiber& self, const SegmentPtr& segment, Offset upper_bound, MaxBatch& best);
  struct RecordWanted {
    Timestamp at_least;
    Offset from;
    Offset upper_bound;
  };
  SeekError FindRecord(fiber::Fiber& self, Segment& segment, const BatchPlace& place, const RecordWanted& wanted,
                       TimestampOffset& found);
  // The largest timestamp of the records in [from, upper_bound).
  SeekError LargestOf(fiber::Fiber& self, Segment& segment, const BatchPlace& place, const RecordWanted& wanted,
                      Timestamp& largest);
  SeekError ReadBatch(fiber::Fiber& self, Segment& segment, const BatchPlace& place, record::BatchHeader& header,
                      ByteBuffer& batch);
  Attempt ReadFailed(const ReadMark& mark, const Segment& segment, SeekError error, ReadError& result);

  // log_shorten.cc; hold lock_.
  enum class Deletable : uint8_t { kBelowStart, kByRetention };
  std::vector<SegmentPtr> FindDeletable(fiber::Fiber& self, Deletable why, env::DiskError& error);
  bool IsExpired(const Segment& segment) const;
  LogError DropOldest(fiber::Fiber& self, const std::vector<SegmentPtr>& segments, env::LogStartReason reason);
  LogError RaiseStart(fiber::Fiber& self, Offset offset, env::LogStartReason reason);
  env::DiskError Bury(fiber::Fiber& self, const SegmentPtr& segment);
  env::DiskError BuryFiles(fiber::Fiber& self, const SegmentPtr& segment);
  env::DiskError TruncateToLocked(fiber::Fiber& self, Offset offset);
  env::DiskError TruncateLocked(fiber::Fiber& self, Offset offset);
  enum class KnownProducers : uint8_t { kForget, kKeep };
  env::DiskError TruncateFullyLocked(fiber::Fiber& self, Offset offset, KnownProducers known);
  env::DiskError ProducersBelow(fiber::Fiber& self, Offset start, producers::ProducerStates& below);
  env::DiskError FoldProducers(fiber::Fiber& self, Offset end, producers::ProducerStates& states);
  env::DiskError ReplayProducers(fiber::Fiber& self, Offset end);
  env::DiskError PersistMarks(fiber::Fiber& self, const LogMarks::Wish& wish);
  env::DiskError MakeSnapshotDurable(fiber::Fiber& self, Offset start);

  // log_flush.cc
  LogError FlushShared(fiber::Fiber& self, Offset offset);
  env::DiskError SyncFiles(fiber::Fiber& self, Offset target);
  env::DiskError SyncFolder(fiber::Fiber& self);
  env::DiskError RewriteSuspect(fiber::Fiber& self);

  env::Env& env_;
  OpenFiles& files_;
  LogMarks* const marks_;
  const LogPlace place_;
  LogConfig config_;
  std::optional<TopicId> unborn_;  // the folder is not made yet; it will be this topic's

  fiber::Mutex lock_;                      // appends, rolls, truncations, deletions: one at a time
  std::map<Offset, SegmentPtr> segments_;  // by base offset; never empty once open
  std::vector<Buried> buried_;
  ProducerStore producers_;
  EpochCache epochs_;
  Offset log_start_;
  Offset high_watermark_;
  Offset log_end_;
  FlushState flush_;
  uint64_t truncations_ = 0;
  Offset gaps_noted_to_{0};
  uint64_t replacements_ = 0;  // of segments by compaction
  fiber::Mutex cleaning_;
  Offset cleaned_until_ = kNoOffset;
  WallTime producers_expired_at_;
  std::string offline_reason_;
};

}  // namespace odradek::storage
