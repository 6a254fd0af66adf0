// One partition as clients see it: what they may append, read and delete, over this node's replica of it. Belongs to
// one shard; every call happens on that shard.
//
//  1. Consumers read up to the high watermark, which is the replica's business (partition_replica.h). Where every
//  append
//     is synced (flush.messages = 1) it is at most the end of what is durable here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/uuid.h"
#include "engine/broker/log_config.h"
#include "engine/broker/partition_replica.h"
#include "engine/env/env.h"
#include "engine/fiber/fiber.h"
#include "engine/protocol/errors.h"
#include "engine/record/validate.h"
#include "engine/storage/log.h"

namespace odradek::broker {

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
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  bool must_flush = false;  // Commit syncs first
  Timestamp log_append_time = kNoTimestamp;
  Offset log_start_offset = kNoOffset;
};

enum class Isolation : uint8_t { kReadUncommitted, kReadCommitted };

// How much of it is read.
struct FetchLimits {
  int64_t bytes_max = 0;
  storage::ReadOptions::FirstBatch first_batch = storage::ReadOptions::FirstBatch::kAlways;
};

struct PartitionFetch {
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  Offset high_watermark = kNoOffset;
  Offset last_stable_offset = kNoOffset;
  Offset log_start_offset = kNoOffset;
  std::optional<storage::EpochEnd> diverging;
  // Of the consumer's rack: nothing is read here (KIP-392).
  NodeId preferred_read_replica = kNoNode;
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

// Whose ListOffsets it is: for others than followers the end is what is visible.
enum class LookUpFor : uint8_t { kConsumer, kFollower };

class Partition {
 public:
  Partition(env::Env& env, std::shared_ptr<PartitionReplica> replica);

  void SetConfig(const PartitionConfig& config);
  // This node has it no more: everything answers `why`, and nobody waits any longer.
  void Retire(fiber::Fiber& self, protocol::ErrorCode why);

  // Validates a produced batch and writes it; visible after Commit. `batch` is patched in place.
  PartitionAppend Append(fiber::Fiber& self, MutableBytes batch, replication::Acks acks);
  // Waits until what an append wrote may be acknowledged.
  struct Acknowledgement {
    replication::Acks acks = replication::Acks::kAll;
    MonoTime until;
  };
  protocol::ErrorCode Commit(fiber::Fiber& self, const PartitionAppend& append, const Acknowledgement& wanted);

  PartitionFetch Fetch(fiber::Fiber& self, const replication::ConsumerFetch& request, const FetchLimits& limits,
                       Isolation isolation);
  // kAgain: the same request was counted as the follower's progress before.
  enum class Counted : uint8_t { kNow, kAgain };
  PartitionFetch FetchAsFollower(fiber::Fiber& self, const replication::FollowerFetch& request,
                                 const FetchLimits& limits, Counted counted);
  // `wanted` is Kafka's: a timestamp, −1 latest, −2 earliest, −3 largest timestamp, −4 earliest local, −5 latest
  // tiered, −6 earliest pending upload. No offset and no error: there is none.
  struct LookUpRequest {
    Timestamp wanted;
    LeaderEpoch current_leader_epoch = kNoLeaderEpoch;
    Isolation isolation = Isolation::kReadUncommitted;
    LookUpFor who = LookUpFor::kConsumer;
  };
  OffsetLookup LookUp(fiber::Fiber& self, const LookUpRequest& request);
  // KIP-101. Both are "none" if the epoch is not known.
  replication::EpochEndAnswer EndOfEpoch(const replication::EpochEndQuestion& question) const;
  // −1 deletes up to the high watermark. The low watermark is what all live replicas have deleted.
  PartitionReplica::Deletion DeleteRecords(fiber::Fiber& self, Offset before, MonoTime until);

  // kNone if this node leads and a client that knows `epoch` may be answered.
  protocol::ErrorCode CheckLeads(LeaderEpoch epoch) const;
  void AddWatch(std::shared_ptr<Watch> watch, PartitionReplica::WatchFor what) {
    replica_->AddWatch(std::move(watch), what);
  }

  const TopicId& topic_id() const { return replica_->topic_id(); }
  storage::Log& log() const { return replica_->log(); }
  PartitionReplica& replica() const { return *replica_; }
  const PartitionTraffic& traffic() const { return traffic_; }
  env::PartitionName name() const { return {log().name().topic, log().name().partition}; }

 private:
  PartitionAppend TryAppend(fiber::Fiber& self, MutableBytes batch, replication::Acks acks);
  PartitionFetch TryFetch(fiber::Fiber& self, const replication::ConsumerFetch& request, const FetchLimits& limits,
                          Isolation isolation);
  // What a machine's answer comes to, without records.
  PartitionFetch Begin(const replication::FetchAnswer& answer, Offset fetch_offset) const;
  // Bytes of the batch as they are to be stored, if they are others than those that came.
  std::optional<ByteBuffer> Recompress(const record::BatchHeader& header, Bytes batch) const;
  record::ValidateOptions WhatIsAccepted(WallTime now) const;
  PartitionAppend Refuse(const record::ValidationResult& problem) const;
  void ReportOutOfRange(Offset fetch_offset) const;
  Offset VisibleEnd(const LookUpRequest& request) const;
  OffsetLookup FindTimestamp(fiber::Fiber& self, const LookUpRequest& request);

  env::Env& env_;
  const std::shared_ptr<PartitionReplica> replica_;
  std::optional<record::CompressionOptions> compression_;
  protocol::ErrorCode retired_ = protocol::ErrorCode::kNone;
  PartitionTraffic traffic_;
};

}  // namespace odradek::broker
