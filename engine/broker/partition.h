// One partition as its leader sees it: the log, the high watermark, and who waits for more. Belongs to one shard; every
// call happens on that shard.
//
//  1. With one replica the high watermark is the log end, or, where every append is synced (flush.messages = 1), the
//  end
//     of what is durable: nothing becomes visible that could still be lost within the promise.
//  2. A watch is told once, after anything changed that a Fetch could answer with; who still waits registers again.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/uuid.h"
#include "engine/broker/log_config.h"
#include "engine/env/env.h"
#include "engine/fiber/fiber.h"
#include "engine/protocol/errors.h"
#include "engine/record/validate.h"
#include "engine/storage/log.h"

namespace odradek::broker {

// Where a long poll sleeps. Shared by the poll and the partitions that it watches, perhaps of several shards.
class Watch {
 public:
  explicit Watch(ShardId home) : home_(home) {}
  ShardId home() const { return home_; }

  // On the home shard only.
  void Signal() {
    signalled_ = true;
    queue_.WakeAll();
  }
  void WaitUntil(fiber::Fiber& self, MonoTime deadline) {
    while (!signalled_) {
      if (queue_.WaitUntil(self, deadline) == fiber::Wake::kTimeout) return;
    }
  }

 private:
  const ShardId home_;
  bool signalled_ = false;
  fiber::WaitQueue queue_;
};

struct RecordProblemText {
  int32_t index = 0;
  std::string what;
};

struct PartitionAppend {
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  std::string message;
  std::vector<RecordProblemText> record_problems;
  Offset base_offset = kNoOffset;
  Offset next_offset = kNoOffset;
  bool must_flush = false;  // Commit syncs first
  Timestamp log_append_time = kNoTimestamp;
  Offset log_start_offset = kNoOffset;
};

enum class Isolation : uint8_t { kReadUncommitted, kReadCommitted };

struct PartitionFetchRequest {
  Offset fetch_offset;
  LeaderEpoch current_leader_epoch = kNoLeaderEpoch;
  LeaderEpoch last_fetched_epoch = kNoLeaderEpoch;
  int64_t bytes_max = 0;
  storage::ReadOptions::FirstBatch first_batch = storage::ReadOptions::FirstBatch::kAlways;
  Isolation isolation = Isolation::kReadUncommitted;
};

struct PartitionFetch {
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  Offset high_watermark = kNoOffset;
  Offset last_stable_offset = kNoOffset;
  Offset log_start_offset = kNoOffset;
  std::optional<storage::EpochEnd> diverging;
  std::vector<storage::AbortedTxn> aborted;
  storage::ReadResult records;
};

struct OffsetLookup {
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  Timestamp timestamp = kNoTimestamp;
  Offset offset = kNoOffset;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
};

// What clients did with a partition since it was led; failures are answers with an error.
struct PartitionTraffic {
  int64_t records_in = 0;
  int64_t bytes_in = 0;
  int64_t bytes_rejected = 0;
  int64_t bytes_out = 0;
  int64_t produce_requests = 0;
  int64_t produce_failures = 0;
  int64_t fetch_requests = 0;
  int64_t fetch_failures = 0;
  PartitionTraffic& operator+=(const PartitionTraffic& other);
};

class Partition {
 public:
  Partition(env::Env& env, std::shared_ptr<storage::Log> log, const TopicId& topic_id);

  void SetConfig(const PartitionConfig& config);

  // Leads from `epoch` on: the epoch's start is durable, and what is in the log is visible, when this returns.
  storage::LogError Lead(fiber::Fiber& self, LeaderEpoch epoch);
  // The topic is gone: everything answers UNKNOWN_TOPIC_OR_PARTITION, and nobody waits any longer.
  void Retire();

  // Validates a produced batch and writes it; visible after Commit. `batch` is patched in place.
  PartitionAppend Append(fiber::Fiber& self, MutableBytes batch);
  // Waits until what an append wrote may be acknowledged and read.
  protocol::ErrorCode Commit(fiber::Fiber& self, const PartitionAppend& append);

  PartitionFetch Fetch(fiber::Fiber& self, const PartitionFetchRequest& request);
  // `wanted` is Kafka's: a timestamp, −1 latest, −2 earliest, −3 largest timestamp, −4 earliest local, −5 latest
  // tiered, −6 earliest pending upload. No offset and no error: there is none.
  OffsetLookup LookUp(fiber::Fiber& self, Timestamp wanted, Isolation isolation);
  // KIP-101. Both are "none" if the epoch is not known.
  storage::EpochEnd EndOfEpoch(LeaderEpoch epoch) const;
  // −1 deletes up to the high watermark. Returns the new log start.
  struct Deletion {
    protocol::ErrorCode error = protocol::ErrorCode::kNone;
    Offset low_watermark = kNoOffset;
  };
  Deletion DeleteRecords(fiber::Fiber& self, Offset before);

  // kNone if a client that knows `epoch` may be answered.
  protocol::ErrorCode CheckLeaderEpoch(LeaderEpoch epoch) const;
  void AddWatch(std::shared_ptr<Watch> watch);
  void TellWatches();

  LeaderEpoch leader_epoch() const { return leader_epoch_; }
  const TopicId& topic_id() const { return topic_id_; }
  storage::Log& log() const { return *log_; }
  const PartitionTraffic& traffic() const { return traffic_; }
  env::PartitionName name() const { return {log_->name().topic, log_->name().partition}; }

 private:
  PartitionAppend TryAppend(fiber::Fiber& self, MutableBytes batch);
  PartitionFetch TryFetch(fiber::Fiber& self, const PartitionFetchRequest& request);
  // Bytes of the batch as they are to be stored, if they are others than those that came.
  std::optional<ByteBuffer> Recompress(const record::BatchHeader& header, Bytes batch) const;
  record::ValidateOptions WhatIsAccepted(WallTime now) const;
  PartitionAppend Refuse(const record::ValidationResult& problem) const;
  void RaiseHighWatermark(Offset offset);
  void ReportOutOfRange(Offset fetch_offset) const;
  Offset VisibleEnd(Isolation isolation) const;

  env::Env& env_;
  const std::shared_ptr<storage::Log> log_;
  const TopicId topic_id_;
  LeaderEpoch leader_epoch_ = kNoLeaderEpoch;
  std::optional<record::CompressionOptions> compression_;
  bool retired_ = false;
  PartitionTraffic traffic_;
  std::vector<std::shared_ptr<Watch>> watches_;
};

}  // namespace odradek::broker
