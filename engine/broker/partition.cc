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

Partition::Partition(env::Env& env, std::shared_ptr<PartitionReplica> replica)
    : env_(env), replica_(std::move(replica)) {
  REQUIRES(replica_ != nullptr);
}

void Partition::Retire(fiber::Fiber& self, ErrorCode why) {
  REQUIRES(why != ErrorCode::kNone);
  retired_ = why;
  replica_->Remove(self);
  replica_->TellWatches();
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
  log().SetConfig(config.log);
  compression_ = config.compression;
}

record::ValidateOptions Partition::WhatIsAccepted(WallTime now) const {
  const storage::LogConfig& config = log().config();
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

PartitionAppend Partition::Append(fiber::Fiber& self, MutableBytes batch, replication::Acks acks) {
  PartitionAppend done = TryAppend(self, batch, acks);
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

PartitionAppend Partition::TryAppend(fiber::Fiber& self, MutableBytes batch, replication::Acks acks) {
  PartitionAppend done;
  done.error = retired_ != ErrorCode::kNone ? retired_ : replica_->MayAppend(acks).error;
  if (done.error != ErrorCode::kNone) return done;
  const WallTime now = env_.clock.WallNow();
  const record::ValidationResult validation = record::ValidateBatch(batch, WhatIsAccepted(now));
  const bool ignores_crc = validation.problem.error == record::BatchError::kBadCrc && MUTATION(env_.context, LG27);
  if (!validation.ok() && !ignores_crc) {
    REACHED(env_.context, "broker.produce.refused_batch");
    done = Refuse(validation);
    if (!TellsNoLogStart(done.error)) done.log_start_offset = log().log_start_offset();
    return done;
  }
  std::optional<ByteBuffer> recompressed = Recompress(validation.header, batch);
  if (recompressed) batch = *recompressed;
  const bool stamps = log().config().timestamp_type == record::TimestampType::kLogAppendTime;
  if (stamps) {
    record::SetLogAppendTime(batch, now.timestamp());
    done.log_append_time = now.timestamp();
  } else if (!ignores_crc && (validation.max_timestamp != validation.header.max_timestamp ||
                              validation.header.timestamp_type() != record::TimestampType::kCreateTime)) {
    record::SetMaxTimestamp(batch, record::TimestampType::kCreateTime, validation.max_timestamp);
  }
  const PartitionReplica::Append append = replica_->AppendBatch(self, batch, acks);
  const storage::AppendResult& appended = append.result;
  const bool is_admitted = append.admission.error == ErrorCode::kNone;
  done.error = is_admitted ? FromAppendError(appended.error) : append.admission.error;
  done.leader_epoch = append.admission.leader_epoch;
  done.message = appended.problem;
  done.base_offset = appended.base_offset;
  done.next_offset = appended.next_offset;
  done.must_flush = appended.must_flush;
  if (appended.is_duplicate) {
    REACHED(env_.context, "broker.produce.duplicate");
    // Of a duplicate Kafka tells the time that the log has, whoever set it.
    done.log_append_time = appended.duplicate_timestamp;
  }
  if (!TellsNoLogStart(done.error)) done.log_start_offset = log().log_start_offset();
  return done;
}

protocol::ErrorCode Partition::Commit(fiber::Fiber& self, const PartitionAppend& append,
                                      const Acknowledgement& wanted) {
  const ErrorCode error = replica_->Commit(self, {.leader_epoch = append.leader_epoch,
                                                  .end = append.next_offset,
                                                  .must_flush = append.must_flush,
                                                  .acks = wanted.acks,
                                                  .until = wanted.until});
  return error == ErrorCode::kNotLeaderOrFollower && retired_ != ErrorCode::kNone ? retired_ : error;
}

Offset Partition::VisibleEnd(const LookUpRequest& request) const {
  if (request.who == LookUpFor::kFollower) return replica_->machine().log().end();
  return request.isolation == Isolation::kReadCommitted ? log().last_stable_offset() : log().high_watermark();
}

protocol::ErrorCode Partition::CheckLeads(LeaderEpoch epoch) const {
  if (retired_ != ErrorCode::kNone) return retired_;
  // Where some epoch ends nobody but a leader says.
  return replica_->machine().AnswerTo(replication::EpochEndQuestion{.current_leader_epoch = epoch}).error;
}

void Partition::ReportOutOfRange(Offset fetch_offset) const {
  env_.observer.On(env::FetchOutOfRange{.partition = name(),
                                        .fetch_offset = fetch_offset,
                                        .log_start_offset = log().log_start_offset(),
                                        .log_end_offset = log().log_end_offset()});
}

PartitionFetch Partition::Fetch(fiber::Fiber& self, const replication::ConsumerFetch& request,
                                const FetchLimits& limits, Isolation isolation) {
  PartitionFetch fetch = TryFetch(self, request, limits, isolation);
  ++traffic_.fetch_requests;
  if (fetch.error != ErrorCode::kNone) ++traffic_.fetch_failures;
  traffic_.bytes_out += fetch.records.size_bytes;
  return fetch;
}

PartitionFetch Partition::Begin(const replication::FetchAnswer& answer, Offset fetch_offset) const {
  PartitionFetch fetch;
  fetch.error = answer.error;
  if (answer.error != ErrorCode::kNone) {
    const bool is_outside = fetch_offset < log().log_start_offset() || fetch_offset > log().log_end_offset();
    if (answer.error == ErrorCode::kOffsetOutOfRange && is_outside) ReportOutOfRange(fetch_offset);
    return fetch;
  }
  // Sampled before the read (SEMANTICS 28): what is read may be newer, what is said may not.
  fetch.high_watermark = answer.high_watermark;
  fetch.last_stable_offset = log().last_stable_offset();
  fetch.log_start_offset = std::max(answer.log_start, log().log_start_offset());
  fetch.preferred_read_replica = answer.preferred_read_replica;
  if (!answer.diverging.is_none()) fetch.diverging = {answer.diverging.epoch, answer.diverging.end_offset};
  return fetch;
}

PartitionFetch Partition::TryFetch(fiber::Fiber& self, const replication::ConsumerFetch& request,
                                   const FetchLimits& limits, Isolation isolation) {
  const auto failed = [](ErrorCode error) {
    PartitionFetch out;
    out.error = error;
    return out;
  };
  if (retired_ != ErrorCode::kNone) return failed(retired_);
  const replication::FetchAnswer answer = replica_->Answer(request);
  const Offset from = request.position.fetch_offset;
  PartitionFetch fetch = Begin(answer, from);
  const bool reads = fetch.error == ErrorCode::kNone && !fetch.diverging && fetch.preferred_read_replica == kNoNode;
  if (!reads) return fetch;
  if (from > fetch.high_watermark && MUTATION(env_.context, RT12)) {
    ReportOutOfRange(from);
    return failed(ErrorCode::kOffsetOutOfRange);
  }
  const bool only_stable = isolation == Isolation::kReadCommitted;
  fetch.records = log().Read(self, {.from = from,
                                    .bytes_max = limits.bytes_max,
                                    .upper_bound = only_stable ? fetch.last_stable_offset : answer.read_end,
                                    .first_batch = limits.first_batch});
  if (fetch.records.error == storage::ReadError::kOutOfRange) ReportOutOfRange(from);
  // An answer with an error tells nothing of the partition.
  if (const ErrorCode error = FromReadError(fetch.records.error); error != ErrorCode::kNone) return failed(error);
  if (only_stable && fetch.records.size_bytes > 0) {
    storage::AbortedTxnsResult aborted = log().AbortedTxns(self, from, fetch.records.next_offset);
    if (const ErrorCode error = FromReadError(aborted.error); error != ErrorCode::kNone) return failed(error);
    fetch.aborted = std::move(aborted.txns);
  }
  return fetch;
}

PartitionFetch Partition::FetchAsFollower(fiber::Fiber& self, const replication::FollowerFetch& request,
                                          const FetchLimits& limits, Counted counted) {
  PartitionFetch fetch;
  fetch.error = retired_;
  if (fetch.error != ErrorCode::kNone) return fetch;
  const replication::FetchAnswer answer =
      counted == Counted::kNow ? replica_->Count(self, request) : replica_->Answer(request);
  fetch = Begin(answer, request.position.fetch_offset);
  if (fetch.error != ErrorCode::kNone || fetch.diverging || answer.read_end <= answer.read_from) return fetch;
  fetch.records = log().Read(self, {.from = answer.read_from,
                                    .bytes_max = limits.bytes_max,
                                    .upper_bound = answer.read_end,
                                    .first_batch = limits.first_batch});
  const ErrorCode error = FromReadError(fetch.records.error);
  if (error == ErrorCode::kNone) return fetch;
  PartitionFetch failed;
  failed.error = error;
  return failed;
}

OffsetLookup Partition::LookUp(fiber::Fiber& self, const LookUpRequest& request) {
  OffsetLookup found;
  const Timestamp wanted = request.wanted;
  found.error = CheckLeads(request.current_leader_epoch);
  if (found.error != ErrorCode::kNone) return found;
  // All of a log is local, and nothing is tiered or waits for it: those two have no offset.
  if (wanted == kLatestTiered || wanted == kEarliestPendingUpload) return found;
  if (wanted < kEarliestPendingUpload) {
    found.error = ErrorCode::kUnsupportedVersion;
    return found;
  }
  if (wanted == kEarliest || wanted == kEarliestLocal) {
    found.offset = log().log_start_offset();
    found.leader_epoch = log().EpochAt(found.offset);
    return found;
  }
  if (wanted == kLatest) {
    if (request.who == LookUpFor::kConsumer) found.error = replica_->machine().MayTellLatest(log().high_watermark());
    if (found.error != ErrorCode::kNone) return found;
    found.offset = VisibleEnd(request);
    found.leader_epoch = replica_->machine().leader_epoch();
    return found;
  }
  return FindTimestamp(self, request);
}

OffsetLookup Partition::FindTimestamp(fiber::Fiber& self, const LookUpRequest& request) {
  OffsetLookup found;
  // Both before the search, during which more may become visible.
  const Offset end = VisibleEnd(request);
  const ErrorCode may_tell_latest = replica_->machine().MayTellLatest(log().high_watermark());
  const storage::TimestampResult result = request.wanted == kMaxTimestamp
                                              ? log().FindMaxTimestamp(self, end)
                                              : log().FindByTimestamp(self, request.wanted, end);
  found.error = FromReadError(result.error);
  if (found.error != ErrorCode::kNone) return found;
  // It, or a larger timestamp, may stand above what this leader knows to be committed (SEMANTICS 37).
  const bool may_be_above = result.found.offset == kNoOffset || request.wanted == kMaxTimestamp;
  if (may_be_above && request.who == LookUpFor::kConsumer) found.error = may_tell_latest;
  if (found.error != ErrorCode::kNone) return found;
  found.offset = result.found.offset;
  found.timestamp = result.found.timestamp;
  found.leader_epoch = result.found.leader_epoch;
  return found;
}

replication::EpochEndAnswer Partition::EndOfEpoch(const replication::EpochEndQuestion& question) const {
  if (retired_ != ErrorCode::kNone) return {.error = retired_, .end = {}};
  return replica_->machine().AnswerTo(question);
}

PartitionReplica::Deletion Partition::DeleteRecords(fiber::Fiber& self, Offset before, MonoTime until) {
  if (retired_ != ErrorCode::kNone) return {.error = retired_};
  const ErrorCode error = CheckLeads(kNoLeaderEpoch);
  if (error != ErrorCode::kNone) return {.error = error};
  if (log().config().cleanup_compact && !log().config().cleanup_delete) return {.error = ErrorCode::kPolicyViolation};
  if (log().is_offline()) return {.error = ErrorCode::kKafkaStorageError};
  return replica_->DeleteRecords(self, before, until);
}

}  // namespace odradek::broker
