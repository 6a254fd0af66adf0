// What goes into and comes out of a Log: options, results and errors. Values only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/time.h"
#include "engine/env/network.h"

namespace odradek::storage {

// Who made the batches decides which rules hold for them.
enum class AppendOrigin : uint8_t {
  kClient,       // sequence and epoch of the producer are checked, offsets assigned
  kCoordinator,  // transaction markers and coordinators' records: offsets assigned, sequences not checked
  kReplication,  // from a leader: offsets and epochs as they are
};

struct AppendOptions {
  AppendOrigin origin = AppendOrigin::kClient;
  // Written into the batches; of the leader that accepted them. Not used with kReplication.
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  // kByCaller: the sync that the flush policy asks for is left to the caller (AppendResult::must_flush), so that the
  // next append of a connection does not wait for it.
  enum class Sync : uint8_t { kBeforeReturn, kByCaller };
  Sync sync = Sync::kBeforeReturn;
};

enum class AppendError : uint8_t {
  kNone,
  kOffline,               // KAFKA_STORAGE_ERROR; the batches may be in the log or not
  kStaleLeaderEpoch,      // NOT_LEADER_OR_FOLLOWER: a later leader epoch has begun; nothing was appended
  kCorruptMessage,        // CORRUPT_MESSAGE: the bytes are not whole batches
  kMessageTooLarge,       // MESSAGE_TOO_LARGE
  kRecordListTooLarge,    // RECORD_LIST_TOO_LARGE: more bytes than a segment holds
  kOffsetsOutOfOrder,     // kReplication: an offset below the log end, or offsets that fall
  kOutOfOrderSequence,    // OUT_OF_ORDER_SEQUENCE_NUMBER
  kInvalidProducerEpoch,  // INVALID_PRODUCER_EPOCH
  kInvalidTxnState,       // INVALID_TXN_STATE
  kCoordinatorFenced,     // TRANSACTION_COORDINATOR_FENCED
};
std::string_view ToString(AppendError error);

struct AppendResult {
  AppendError error = AppendError::kNone;
  Offset base_offset = kNoOffset;  // of the first batch; of the original if is_duplicate
  Offset next_offset = kNoOffset;  // after the last batch: what the high watermark must reach; of the original likewise
  bool is_duplicate = false;       // nothing was appended: the batch is in the log already
  Timestamp duplicate_timestamp = kNoTimestamp;
  // With Sync::kByCaller: FlushTo(next_offset) must succeed before the append is acknowledged or visible.
  bool must_flush = false;
  std::string problem;  // for the log and the error message
  bool ok() const { return error == AppendError::kNone; }
};

struct ReadOptions {
  Offset from;
  int64_t bytes_max = 0;
  // Nothing at or above is returned: high watermark, last stable offset or log end offset.
  Offset upper_bound;
  // The first batch is returned even if it is larger than bytes_max.
  enum class FirstBatch : uint8_t { kAlways, kIfItFits };
  FirstBatch first_batch = FirstBatch::kAlways;
};

enum class ReadError : uint8_t {
  kNone,
  kOutOfRange,  // OFFSET_OUT_OF_RANGE: below the log start or above the log end
  kOffline,     // KAFKA_STORAGE_ERROR
};

// Whole batches of one segment. The file stays open, whatever happens to the segment, as long as this lives.
struct ReadResult {
  ReadError error = ReadError::kNone;
  std::shared_ptr<env::File> file;  // nullptr: there is nothing to read there yet
  int64_t begin = 0;
  int64_t size_bytes = 0;
  Offset base_offset = kNoOffset;  // of the first batch; may be below `from`
  Offset next_offset = kNoOffset;  // after the last batch; `from` if there is none
  // With FirstBatch::kIfItFits: there is a batch, but it does not fit.
  bool first_batch_too_large = false;

  bool ok() const { return error == ReadError::kNone; }
  env::FileRange range() const;
};

struct TimestampOffset {
  Timestamp timestamp = kNoTimestamp;
  Offset offset = kNoOffset;  // kNoOffset: there is no such record
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  friend bool operator==(const TimestampOffset&, const TimestampOffset&) = default;
};

struct TimestampResult {
  ReadError error = ReadError::kNone;
  TimestampOffset found;
};

// An entry of the transaction index (AbortedTxn.java): offsets of a transaction that was aborted, both inclusive.
struct AbortedTxn {
  ProducerId producer_id;
  Offset first_offset;
  Offset last_offset;  // of the marker
  Offset last_stable_offset;
  friend bool operator==(const AbortedTxn&, const AbortedTxn&) = default;
};

struct AbortedTxnsResult {
  ReadError error = ReadError::kNone;
  std::vector<AbortedTxn> txns;
};

struct EpochEntry {
  LeaderEpoch epoch;
  Offset start_offset;
  friend auto operator<=>(const EpochEntry&, const EpochEntry&) = default;
};

// Answer to OffsetForLeaderEpoch; both "none" if the epoch is not known here.
struct EpochEnd {
  LeaderEpoch epoch = kNoLeaderEpoch;
  Offset end_offset = kNoOffset;
  friend bool operator==(const EpochEnd&, const EpochEnd&) = default;
};

enum class LogError : uint8_t {
  kNone,
  kOffline,     // KAFKA_STORAGE_ERROR
  kOutOfRange,  // DeleteRecords above the high watermark
};

struct RetentionResult {
  LogError error = LogError::kNone;
  int32_t segment_count = 0;
  int64_t size_bytes = 0;
};

// What monitors look at: a copy of the log's state at one instant.
struct LogView {
  Offset log_start_offset;
  Offset last_stable_offset;
  Offset high_watermark;
  Offset log_end_offset;
  Offset recovery_point;  // everything below was synced
  std::vector<EpochEntry> epochs;
  uint64_t producer_fingerprint = 0;
  int64_t segment_count = 0;
  int64_t size_bytes = 0;
  bool offline = false;
  friend bool operator==(const LogView&, const LogView&) = default;
};

// What the files alone say: producer state and epochs folded from the newest producer snapshot and the batches.
struct LogFold {
  bool ok = false;
  std::string problem;
  uint64_t producer_fingerprint = 0;
  std::vector<EpochEntry> epochs;  // of the batches in the log
  Offset log_end_offset;
};

}  // namespace odradek::storage
