#include "engine/broker/partition.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/check.h"
#include "engine/record/recompress.h"

namespace odradek::broker {
namespace {

using protocol::ErrorCode;

ErrorCode FromAppendError(storage::AppendError error) {
  switch (error) {
    case storage::AppendError::kNone:
      return ErrorCode::kNone;
    case storage::AppendError::kOffline:
      return ErrorCode::kKafkaStorageError;
    case storage::AppendError::kStaleLeaderEpoch:
      return ErrorCode::kNotLeaderOrFollower;
    case storage::AppendError::kCorruptMessage:
      return ErrorCode::kCorruptMessage;
    case storage::AppendError::kMessageTooLarge:
      return ErrorCode::kMessageTooLarge;
    case storage::AppendError::kRecordListTooLarge:
      return ErrorCode::kRecordListTooLarge;
    case storage::AppendError::kOffsetsOutOfOrder:
      return ErrorCode::kUnknownServerError;
    case storage::AppendError::kOutOfOrderSequence:
      return ErrorCode::kOutOfOrderSequenceNumber;
    case storage::AppendError::kInvalidProducerEpoch:
      return ErrorCode::kInvalidProducerEpoch;
    case storage::AppendError::kInvalidTxnState:
      return ErrorCode::kInvalidTxnState;
    case storage::AppendError::kCoordinatorFenced:
      return ErrorCode::kTransactionCoordinatorFenced;
  }
  return ErrorCode::kUnknownServerError;
}

ErrorCode FromReadError(storage::ReadError error) {
  switch (error) {
    case storage::ReadError::kNone:
      return ErrorCode::kNone;
    case storage::ReadError::kOutOfRange:
      return ErrorCode::kOffsetOutOfRange;
    case storage::ReadError::kOffline:
      return ErrorCode::kKafkaStorageError;
  }
  return ErrorCode::kUnknownServerError;
}

// Kafka's answers to a batch that cannot be taken as a whole.
ErrorCode FromBatchError(record::BatchError error) {
  switch (error) {
    case record::BatchError::kNone:
      return ErrorCode::kNone;
    case record::BatchError::kTooLarge:
      return ErrorCode::kMessageTooLarge;
    case record::BatchError::kUnsupportedCodec:
      return ErrorCode::kUnsupportedCompressionType;
    case record::BatchError::kBadCrc:
    case record::BatchError::kTruncated:
    case record::BatchError::kBadLength:
    case record::BatchError::kUnknownMagic:
      return ErrorCode::kCorruptMessage;
    default:
      return ErrorCode::kInvalidRecord;
  }
}

// The errors of an append that say nothing of the log: the others carry its start, so that a producer whose state was
// deleted with its records can tell (KIP-360).
bool TellsNoLogStart(ErrorCode error) {
  return error == ErrorCode::kCorruptMessage || error == ErrorCode::kMessageTooLarge ||
         error == ErrorCode::kRecordListTooLarge || error == ErrorCode::kKafkaStorageError ||
         error == ErrorCode::kNotLeaderOrFollower || error == ErrorCode::kUnknownTopicOrPartition;
}

constexpr Timestamp kLatest{-1};
constexpr Timestamp kEarliest{-2};
constexpr Timestamp kMaxTimestamp{-3};
constexpr Timestamp kEarliestLocal{-4};
constexpr Timestamp kLatestTiered{-5};
constexpr Timestamp kEarliestPendingUpload{-6};

}  // namespace

Partition::Partition(env::Env& env, std::shared_ptr<storage::Log> log, const TopicId& topic_id)
    : env_(env), log_(std::move(log)), topic_id_(topic_id) {
  REQUIRES(log_ != nullptr);
}

storage::LogError Partition::Lead(fiber::Fiber& self, LeaderEpoch epoch) {
  REQUIRES(epoch >= leader_epoch_);
  if (epoch == leader_epoch_) return storage::LogError::kNone;
  if (const storage::LogError error = log_->StartEpoch(self, epoch); error != storage::LogError::kNone) return error;
  if (log_->config().flushes_every_append()) {
    // The end of a recovered log may stand in the page cache only.
    if (const storage::LogError error = log_->Flush(self); error != storage::LogError::kNone) return error;
  }
  leader_epoch_ = epoch;
  RaiseHighWatermark(log_->log_end_offset());
  TellWatches();
  return storage::LogError::kNone;
}

void Partition::Retire() {
  retired_ = true;
  TellWatches();
}

PartitionAppend Partition::Refuse(const record::ValidationResult& validation) const {
  PartitionAppend refused;
  if (validation.problem.error != record::BatchError::kNone) {
    refused.error = FromBatchError(validation.problem.error);
    refused.message = validation.problem.what;
    return refused;
  }
  refused.error = ErrorCode::kInvalidRecord;
  for (const record::RecordProblem& problem : validation.record_problems) {
    if (problem.error == record::RecordError::kTimestamp) {
      refused.error = ErrorCode::kInvalidTimestamp;
      refused.record_problems.push_back(
          {problem.index, fmt::format("timestamp {} is outside the range that message.timestamp.before.max.ms and "
                                      "message.timestamp.after.max.ms allow",
                                      problem.timestamp.value())});
    } else {
      refused.record_problems.push_back({problem.index, "a compacted topic needs a key for every record"});
    }
  }
  refused.message =
      fmt::format("{} of {} records are not acceptable", validation.record_problem_count, validation.record_count);
  return refused;
}

void Partition::SetConfig(const PartitionConfig& config) {
  log_->SetConfig(config.log);
  compression_ = config.compression;
}

record::ValidateOptions Partition::WhatIsAccepted(WallTime now) const {
  const storage::LogConfig& config = log_->config();
  record::ValidateOptions options;
  if (config.cleanup_compact && !MUTATION(env_.context, CP19)) options.keys = record::KeyRule::kRequired;
  options.batch_bytes_max = config.max_message_bytes;
  if (config.timestamp_type == record::TimestampType::kLogAppendTime) return options;
  if (config.timestamp_before_max != Duration::kMax) {
    options.timestamp_min = Timestamp(now.unix_millis() - config.timestamp_before_max.millis());
  }
  if (config.timestamp_after_max != Duration::kMax) {
    options.timestamp_max = Timestamp(now.unix_millis() + config.timestamp_after_max.millis());
  }
  return options;
}

std::optional<ByteBuffer> Partition::Recompress(const record::BatchHeader& header, Bytes batch) const {
  if (!compression_ || header.codec() == compression_->codec) return std::nullopt;
  record::RecompressResult result = record::RecompressBatch(batch, {.compression = *compression_});
  // The batch was unpacked once when it was validated.
  INVARIANT(result.ok());
  REACHED(env_.context, "broker.produce.recompressed");
  return std::move(result.batch);
}

PartitionTraffic& PartitionTraffic::operator+=(const PartitionTraffic& other) {
  records_in += other.records_in;
  bytes_in += other.bytes_in;
  bytes_rejected += other.bytes_rejected;
  bytes_out += other.bytes_out;
  produce_requests += other.produce_requests;
  produce_failures += other.produce_failures;
  fetch_requests += other.fetch_requests;
  fetch_failures += other.fetch_failures;
  return *this;
}

PartitionAppend Partition::Append(fiber::Fiber& self, MutableBytes batch) {
  PartitionAppend done = TryAppend(self, batch);
  const auto size_bytes = static_cast<int64_t>(batch.size());
  ++traffic_.produce_requests;
  if (done.error != ErrorCode::kNone) {
    ++traffic_.produce_failures;
    traffic_.bytes_rejected += size_bytes;
    return done;
  }
  traffic_.bytes_in += size_bytes;
  traffic_.records_in += done.next_offset.value() - done.base_offset.value();
  return done;
}

PartitionAppend Partition::TryAppend(fiber::Fiber& self, MutableBytes batch) {
  PartitionAppend done;
  if (retired_) {
    done.error = ErrorCode::kUnknownTopicOrPartition;
    return done;
  }
  if (leader_epoch_ == kNoLeaderEpoch) {
    done.error = ErrorCode::kKafkaStorageError;
    return done;
  }
  const WallTime now = env_.clock.WallNow();
  const record::ValidationResult validation = record::ValidateBatch(batch, WhatIsAccepted(now));
  const bool ignores_crc = validation.problem.error == record::BatchError::kBadCrc && MUTATION(env_.context, LG27);
  if (!validation.ok() && !ignores_crc) {
    REACHED(env_.context, "broker.produce.refused_batch");
    done = Refuse(validation);
    if (!TellsNoLogStart(done.error)) done.log_start_offset = log_->log_start_offset();
    return done;
  }
  std::optional<ByteBuffer> recompressed = Recompress(validation.header, batch);
  if (recompressed) batch = *recompressed;
  const bool stamps = log_->config().timestamp_type == record::TimestampType::kLogAppendTime;
  if (stamps) {
    record::SetLogAppendTime(batch, now.timestamp());
    done.log_append_time = now.timestamp();
  } else if (!ignores_crc && (validation.max_timestamp != validation.header.max_timestamp ||
                              validation.header.timestamp_type() != record::TimestampType::kCreateTime)) {
    record::SetMaxTimestamp(batch, record::TimestampType::kCreateTime, validation.max_timestamp);
  }
  const storage::AppendResult appended = log_->Append(self, batch,
                                                      {.origin = storage::AppendOrigin::kClient,
                                                       .leader_epoch = leader_epoch_,
                                                       .sync = storage::AppendOptions::Sync::kByCaller});
  done.error = FromAppendError(appended.error);
  done.message = appended.problem;
  done.base_offset = appended.base_offset;
  done.next_offset = appended.next_offset;
  done.must_flush = appended.must_flush;
  if (appended.is_duplicate) {
    REACHED(env_.context, "broker.produce.duplicate");
    // Of a duplicate Kafka tells the time that the log has, whoever set it.
    done.log_append_time = appended.duplicate_timestamp;
  }
  if (!TellsNoLogStart(done.error)) done.log_start_offset = log_->log_start_offset();
  return done;
}

protocol::ErrorCode Partition::Commit(fiber::Fiber& self, const PartitionAppend& append) {
  if (append.must_flush && log_->FlushTo(self, append.next_offset) != storage::LogError::kNone) {
    TellWatches();
    return ErrorCode::kKafkaStorageError;
  }
  RaiseHighWatermark(append.next_offset);
  return ErrorCode::kNone;
}

void Partition::RaiseHighWatermark(Offset offset) {
  if (offset <= log_->high_watermark()) return;
  log_->SetHighWatermark(offset);
  TellWatches();
}

Offset Partition::VisibleEnd(Isolation isolation) const {
  return isolation == Isolation::kReadCommitted ? log_->last_stable_offset() : log_->high_watermark();
}

protocol::ErrorCode Partition::CheckLeaderEpoch(LeaderEpoch epoch) const {
  if (retired_) return ErrorCode::kUnknownTopicOrPartition;
  // The log went offline before this leader could begin: there is no epoch to compare with.
  if (leader_epoch_ == kNoLeaderEpoch) return ErrorCode::kKafkaStorageError;
  if (epoch == kNoLeaderEpoch || epoch == leader_epoch_) return ErrorCode::kNone;
  return epoch < leader_epoch_ ? ErrorCode::kFencedLeaderEpoch : ErrorCode::kUnknownLeaderEpoch;
}

void Partition::ReportOutOfRange(Offset fetch_offset) const {
  env_.observer.On(env::FetchOutOfRange{.partition = {log_->name().topic, log_->name().partition},
                                        .fetch_offset = fetch_offset,
                                        .log_start_offset = log_->log_start_offset(),
                                        .log_end_offset = log_->log_end_offset()});
}

PartitionFetch Partition::Fetch(fiber::Fiber& self, const PartitionFetchRequest& request) {
  PartitionFetch fetch = TryFetch(self, request);
  ++traffic_.fetch_requests;
  if (fetch.error != ErrorCode::kNone) ++traffic_.fetch_failures;
  traffic_.bytes_out += fetch.records.size_bytes;
  return fetch;
}

PartitionFetch Partition::TryFetch(fiber::Fiber& self, const PartitionFetchRequest& request) {
  PartitionFetch fetch;
  // Of a Fetch, any negative epoch is none.
  fetch.error = CheckLeaderEpoch(std::max(request.current_leader_epoch, kNoLeaderEpoch));
  if (fetch.error != ErrorCode::kNone) return fetch;
  const auto failed = [](ErrorCode error) {
    PartitionFetch out;
    out.error = error;
    return out;
  };
  // Sampled before the read (SEMANTICS 28): what is read may be newer, what is said may not.
  fetch.high_watermark = log_->high_watermark();
  fetch.last_stable_offset = log_->last_stable_offset();
  fetch.log_start_offset = log_->log_start_offset();
  const Offset upper_bound = VisibleEnd(request.isolation);
  if (request.last_fetched_epoch >= LeaderEpoch(0)) {
    const storage::EpochEnd end = log_->EndOffsetForEpoch(request.last_fetched_epoch);
    if (end.end_offset == kNoOffset || request.fetch_offset < fetch.log_start_offset) {
      return failed(ErrorCode::kOffsetOutOfRange);
    }
    if (end.epoch < request.last_fetched_epoch || end.end_offset < request.fetch_offset) {
      fetch.diverging = end;
      return fetch;
    }
  }
  if (request.fetch_offset > fetch.high_watermark && MUTATION(env_.context, RT12)) {
    ReportOutOfRange(request.fetch_offset);
    return failed(ErrorCode::kOffsetOutOfRange);
  }
  fetch.records = log_->Read(self, {.from = request.fetch_offset,
                                    .bytes_max = request.bytes_max,
                                    .upper_bound = upper_bound,
                                    .first_batch = request.first_batch});
  if (fetch.records.error == storage::ReadError::kOutOfRange) ReportOutOfRange(request.fetch_offset);
  // An answer with an error tells nothing of the partition.
  if (const ErrorCode error = FromReadError(fetch.records.error); error != ErrorCode::kNone) return failed(error);
  if (request.isolation == Isolation::kReadCommitted && fetch.records.size_bytes > 0) {
    storage::AbortedTxnsResult aborted = log_->AbortedTxns(self, request.fetch_offset, fetch.records.next_offset);
    if (const ErrorCode error = FromReadError(aborted.error); error != ErrorCode::kNone) return failed(error);
    fetch.aborted = std::move(aborted.txns);
  }
  return fetch;
}

OffsetLookup Partition::LookUp(fiber::Fiber& self, Timestamp wanted, Isolation isolation) {
  OffsetLookup found;
  const Offset end = VisibleEnd(isolation);
  // All of a log is local, and nothing is tiered or waits for it: those two have no offset.
  if (wanted == kLatestTiered || wanted == kEarliestPendingUpload) return found;
  if (wanted == kLatest || wanted == kEarliest || wanted == kEarliestLocal) {
    found.offset = wanted == kLatest ? end : log_->log_start_offset();
    found.leader_epoch = wanted == kLatest ? leader_epoch_ : log_->EpochAt(found.offset);
    return found;
  }
  if (wanted < kEarliestPendingUpload) {
    found.error = ErrorCode::kUnsupportedVersion;
    return found;
  }
  const storage::TimestampResult result =
      wanted == kMaxTimestamp ? log_->FindMaxTimestamp(self, end) : log_->FindByTimestamp(self, wanted, end);
  found.error = FromReadError(result.error);
  if (found.error != ErrorCode::kNone) return found;
  found.offset = result.found.offset;
  found.timestamp = result.found.timestamp;
  found.leader_epoch = result.found.leader_epoch;
  return found;
}

storage::EpochEnd Partition::EndOfEpoch(LeaderEpoch epoch) const {
  return log_->EndOffsetForEpoch(epoch);
}

Partition::Deletion Partition::DeleteRecords(fiber::Fiber& self, Offset before) {
  constexpr Offset kUpToHighWatermark{-1};
  Deletion done;
  if (log_->config().cleanup_compact && !log_->config().cleanup_delete) {
    done.error = ErrorCode::kPolicyViolation;
    return done;
  }
  if (before < kUpToHighWatermark) {
    done.error = ErrorCode::kOffsetOutOfRange;
    return done;
  }
  const Offset target = before == kUpToHighWatermark ? log_->high_watermark() : before;
  switch (log_->DeleteRecordsBefore(self, target)) {
    case storage::LogError::kNone:
      break;
    case storage::LogError::kOffline:
      done.error = ErrorCode::kKafkaStorageError;
      return done;
    case storage::LogError::kOutOfRange:
      done.error = ErrorCode::kOffsetOutOfRange;
      return done;
  }
  done.low_watermark = log_->log_start_offset();
  TellWatches();
  return done;
}

void Partition::AddWatch(std::shared_ptr<Watch> watch) {
  // Polls that were answered for another reason leave their watch behind: drop those that nobody else holds.
  if (watches_.size() >= 16) std::erase_if(watches_, [](const auto& held) { return held.use_count() == 1; });
  watches_.push_back(std::move(watch));
}

void Partition::TellWatches() {
  std::vector<std::shared_ptr<Watch>> told;
  told.swap(watches_);
  for (std::shared_ptr<Watch>& watch : told) {
    if (watch->home() == env_.shards.self()) {
      watch->Signal();
    } else {
      const ShardId home = watch->home();
      env_.shards.Post(home, [watch = std::move(watch)] { watch->Signal(); });
    }
  }
}

}  // namespace odradek::broker
