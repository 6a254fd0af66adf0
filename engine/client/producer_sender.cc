// The producer's sender: what becomes of a batch from its first attempt to its last.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/check.h"
#include "engine/client/producer_core.h"
#include "engine/protocol/generated/init_producer_id.h"

namespace odradek::client {
namespace {

using protocol::ErrorCode;
using protocol::ProduceRequest;
using protocol::ProduceResponse;

// From this version on topics go by id.
constexpr int16_t kProduceByTopicIdFrom = 13;

bool IsSequenceError(ErrorCode error) {
  return error == ErrorCode::kOutOfOrderSequenceNumber || error == ErrorCode::kUnknownProducerId ||
         error == ErrorCode::kInvalidProducerEpoch;
}

}  // namespace

void ProducerCore::RunSender(fiber::Fiber& self) {
  while (!stopped_) {
    const MonoTime now = self.Now();
    ExpireBatches(now);
    MonoTime wake_at = MonoTime::Never();
    const ReadyNodes ready = FindReady(now, wake_at);
    std::erase_if(blocked_since_, [&ready](const auto& blocked) { return !ready.contains(blocked.first); });
    for (const auto& [node, partitions] : ready) {
      Sent sent = SendTo(node, partitions, wake_at);
      if (sent != Sent::kBlocked) blocked_since_.erase(node);
      while (sent == Sent::kYes) sent = SendTo(node, partitions, wake_at);
      if (sent == Sent::kBlocked) blocked_since_.try_emplace(node, now);
    }
    if (stopped_) break;
    wake_.WaitUntil(self, wake_at);
  }
}

void ProducerCore::ExpireBatches(MonoTime now) {
  const MonoTime created_before = now - config_.delivery_timeout;
  for (auto& [name, topic] : topics_) {
    for (auto& [partition, queue] : topic.queues) {
      if (queue.OldestCreatedAt() > created_before) continue;
      const TopicPartition tp{name, partition};
      for (const BatchPtr& batch : queue.Expire(created_before)) {
        env_.context.Reached("client.producer.delivery_timeout");
        ++metrics_.expired_batch_count;
        const bool was_sent = batch->attempt_count > 0;
        std::string what = fmt::format("Expiring {} record(s) for {}:{} ms has passed since batch creation",
                                       batch->record_count(), ToString(tp), config_.delivery_timeout.millis());
        if (was_sent && !batch->last_what.empty()) what += "; last error: " + batch->last_what;
        // An attempt that is in flight may still be carried out.
        const bool in_flight = was_sent && batch->last_error == ErrorCode::kNone;
        batch->maybe_appended = batch->maybe_appended || in_flight;
        Fail(tp, batch, ErrorCode::kRequestTimedOut, std::move(what));
      }
    }
  }
}

PartitionQueue::Hurry ProducerCore::CurrentHurry() const {
  const bool is_in_a_hurry = closing_ || flusher_count_ > 0 || memory_waiter_count_ > 0;
  return is_in_a_hurry ? PartitionQueue::Hurry::kYes : PartitionQueue::Hurry::kNo;
}

ProducerCore::ReadyNodes ProducerCore::FindReady(MonoTime now, MonoTime& wake_at) {
  ReadyNodes nodes;
  for (const auto& [name, topic] : topics_) {
    for (const auto& [partition, queue] : topic.queues) {
      if (const MonoTime oldest = queue.OldestCreatedAt(); oldest != MonoTime::Never()) {
        wake_at = std::min(wake_at, oldest + config_.delivery_timeout);
      }
      if (queue.needs_new_producer_id()) WantProducerId();
      const MonoTime ready_at = queue.ReadyAt(now, CurrentHurry());
      if (ready_at > now) {
        wake_at = std::min(wake_at, ready_at);
        continue;
      }
      const TopicPartition tp{name, partition};
      const Leader leader = cluster_->metadata().LeaderOf(tp);
      if (leader.node == kNoNode) {
        cluster_->RequestUpdate();
      } else {
        nodes[leader.node].push_back(tp);
      }
    }
  }
  return nodes;
}

ProducerCore::Sent ProducerCore::SendTo(NodeId node, const std::vector<TopicPartition>& partitions, MonoTime& wake_at) {
  if (in_flight_counts_[node] >= config_.max_in_flight) return Sent::kBlocked;
  const ConnectionPtr connection = cluster_->TryConnect(node, Purpose::kRequests, wake_at);
  if (connection == nullptr) return Sent::kBlocked;
  Request request{.node = node, .batches = TakeBatches(partitions), .connection = connection};
  if (request.batches.empty()) return Sent::kNothing;
  request.version = connection->PickVersion<ProduceRequest>();
  const bool knows_ids = std::ranges::none_of(request.batches, [](const Taken& t) { return t.topic_id.is_zero(); });
  if (request.version >= kProduceByTopicIdFrom && !knows_ids) request.version = kProduceByTopicIdFrom - 1;
  auto payloads = std::make_shared<std::vector<std::shared_ptr<const ByteBuffer>>>();
  for (const Taken& taken : request.batches) {
    const int64_t uncompressed_bytes = taken.batch->size_estimate_bytes();
    payloads->push_back(taken.batch->Bytes());
    taken.batch->last_error = ErrorCode::kNone;
    taken.batch->sent_at = env_.clock.Now();
    NoteSent(*taken.batch, static_cast<int64_t>(payloads->back()->size()), uncompressed_bytes);
  }
  ++metrics_.request_count;
  ++metrics_.requests_in_flight_count;
  ++in_flight_counts_[node];
  request.sent_at = env_.clock.Now();
  const auto answer = config_.acks == Acks::kNone ? net::Answer::kNone : net::Answer::kExpected;
  request.call = connection->Start(MakeRequest(request.batches, request.version), request.version,
                                   {.answer = answer, .keep_alive = std::move(payloads)});
  env_.scheduler.Spawn("produce request", [me = shared_from_this(), request = std::move(request)](fiber::Fiber& self) {
    me->RunRequest(self, request);
  });
  return Sent::kYes;
}

void ProducerCore::NoteSent(const ProducerBatch& batch, int64_t sent_bytes, int64_t uncompressed_bytes) {
  ++metrics_.sent_batch_count;
  metrics_.sent_batch_bytes += sent_bytes;
  if (batch.attempt_count > 1) return;
  metrics_.batch_bytes.Add(sent_bytes);
  metrics_.batch_uncompressed_bytes.Add(uncompressed_bytes);
  metrics_.batch_record_count.Add(batch.record_count());
  metrics_.queue_time_micros.Add((env_.clock.Now() - batch.created_at()).micros());
}

std::vector<ProducerCore::Taken> ProducerCore::TakeBatches(const std::vector<TopicPartition>& partitions) {
  std::vector<Taken> taken;
  int64_t size_bytes = 0;
  // Begins with another partition each time, so that none starves behind large neighbours.
  ++drain_turn_;
  const MonoTime now = env_.clock.Now();
  for (size_t i = 0; i < partitions.size(); ++i) {
    const TopicPartition& tp = partitions[(i + drain_turn_) % partitions.size()];
    PartitionQueue& queue = QueueOf(topics_.find(tp.topic)->second, tp.partition);
    if (queue.ReadyAt(now, CurrentHurry()) > now) continue;
    if (!taken.empty() && size_bytes + queue.front()->size_estimate_bytes() > config_.request_bytes_max) continue;
    const ProducerIdentity before = queue.identity();
    BatchPtr batch = queue.TakeForSend(identity_);
    if (queue.identity() != before && before.id != kNoProducerId) ++metrics_.epoch_bump_count;
    if (batch == nullptr) continue;
    size_bytes += batch->size_estimate_bytes();
    const TopicInfo* info = cluster_->metadata().FindTopic(tp.topic);
    taken.push_back({tp, info == nullptr ? TopicId{} : info->id, std::move(batch)});
  }
  return taken;
}

ProduceRequest ProducerCore::MakeRequest(const std::vector<Taken>& batches, int16_t version) const {
  ProduceRequest request;
  request.acks = static_cast<int16_t>(config_.acks);
  request.timeout_ms = static_cast<int32_t>(config_.common.request_timeout.millis());
  std::map<std::string_view, size_t> topics;
  for (const Taken& taken : batches) {
    const auto [at, is_new] = topics.try_emplace(taken.tp.topic, request.topic_data.size());
    if (is_new) {
      request.topic_data.emplace_back();
      if (version >= kProduceByTopicIdFrom) {
        request.topic_data.back().topic_id = taken.topic_id;
      } else {
        request.topic_data.back().name = taken.tp.topic;
      }
    }
    auto& partition = request.topic_data[at->second].partition_data.emplace_back();
    partition.index = taken.tp.partition.value();
    partition.records = protocol::RecordsField(*taken.batch->Bytes());
  }
  return request;
}

void ProducerCore::RunRequest(fiber::Fiber& self, const Request& request) {
  const auto result = request.connection->Await<ProduceResponse>(self, request.call);
  --in_flight_counts_[request.node];
  --metrics_.requests_in_flight_count;
  if (stopped_) return;
  if (result.ok() && config_.acks != Acks::kNone) {
    metrics_.request_latency_micros.Add((self.Now() - request.sent_at).micros());
    if (result.response.throttle_time_ms > 0) metrics_.throttle_millis.Add(result.response.throttle_time_ms);
    SettleAnswered(request, result.response);
  } else {
    Attempt attempt;
    if (!result.ok()) {
      attempt = {.error = ErrorCode::kNetworkException,
                 .what = result.what,
                 .is_unsent = result.delivery == net::Delivery::kNotSent,
                 .is_hopeless = result.error == net::CallError::kUnsupportedVersion ||
                                result.error == net::CallError::kNotEncodable};
      if (result.error == net::CallError::kUnsupportedVersion) attempt.error = ErrorCode::kUnsupportedVersion;
    }
    for (const Taken& taken : request.batches) SettleAttempt(taken, attempt);
  }
  wake_.WakeAll();
}

void ProducerCore::SettleAnswered(const Request& request, const ProduceResponse& response) {
  for (const auto& endpoint : response.node_endpoints) {
    cluster_->metadata().ApplyBroker({NodeId(endpoint.node_id), {endpoint.host, endpoint.port}, endpoint.rack});
  }
  for (const Taken& taken : request.batches) {
    const PartitionResponse* answer = nullptr;
    for (const auto& topic : response.responses) {
      const bool is_it =
          request.version >= kProduceByTopicIdFrom ? topic.topic_id == taken.topic_id : topic.name == taken.tp.topic;
      if (!is_it) continue;
      for (const auto& partition : topic.partition_responses) {
        if (partition.index == taken.tp.partition.value()) answer = &partition;
      }
    }
    if (answer == nullptr) {
      SettleAttempt(taken, {.error = ErrorCode::kUnknownServerError, .what = "the answer leaves the partition out"});
      continue;
    }
    const auto error = static_cast<ErrorCode>(answer->error_code);
    cluster_->metadata().ApplyLeader(
        taken.tp, {NodeId(answer->current_leader.leader_id), LeaderEpoch(answer->current_leader.leader_epoch)});
    std::string what(error == ErrorCode::kNone ? "" : protocol::ErrorName(error));
    if (answer->error_message) what += ": " + *answer->error_message;
    for (const auto& record : answer->record_errors) {
      if (!record.batch_index_error_message) continue;
      what += fmt::format(" (record {}: {})", record.batch_index, *record.batch_index_error_message);
      break;
    }
    SettleAttempt(taken, {.error = error,
                          .base_offset = Offset(answer->base_offset),
                          .log_append_time = Timestamp(answer->log_append_time_ms),
                          .what = std::move(what)});
  }
}

void ProducerCore::SettleAttempt(const Taken& taken, const Attempt& attempt) {
  PartitionQueue& queue = QueueOf(topics_.find(taken.tp.topic)->second, taken.tp.partition);
  const BatchPtr& batch = taken.batch;
  if (batch->is_complete()) {
    queue.OnDiscarded(batch);
    return;
  }
  // The broker remembers the batch from an earlier attempt, but not its offset.
  const bool is_duplicate = attempt.error == ErrorCode::kDuplicateSequenceNumber;
  if (attempt.error == ErrorCode::kNone || is_duplicate) {
    queue.OnSuccess(batch);
    const bool is_known = config_.acks != Acks::kNone;
    Complete(taken.tp, batch,
             {.outcome = is_known ? Outcome::kOk : Outcome::kUnknown,
              .base_offset = is_known && !is_duplicate ? attempt.base_offset : kNoOffset,
              .log_append_time = attempt.log_append_time});
    return;
  }
  batch->last_error = attempt.error;
  batch->last_what = attempt.what;
  if (!attempt.is_unsent && !ProvesNoAppend(attempt.error)) batch->maybe_appended = true;
  if (CallsForMetadata(attempt.error)) cluster_->RequestUpdate();
  if (attempt.error == ErrorCode::kClusterAuthorizationFailed) {
    fatal_error_ = attempt.error;
    fatal_what_ = attempt.what;
  }
  if (attempt.error == ErrorCode::kMessageTooLarge && TrySplit(taken, queue)) return;
  if (SettleSequenceError(taken, queue, attempt)) return;
  if (MayRetry(*batch, attempt)) {
    Retry(taken, queue);
    return;
  }
  queue.OnFailure(batch);
  Fail(taken.tp, batch, attempt.error, attempt.what);
}

// OUT_OF_ORDER_SEQUENCE_NUMBER behind a batch that is being retried is the broker keeping order; otherwise the broker
// has lost or never had what we think it has, and the chain starts anew with what was certainly not appended.
bool ProducerCore::SettleSequenceError(const Taken& taken, PartitionQueue& queue, const Attempt& attempt) {
  const BatchPtr& batch = taken.batch;
  if (!batch->sequence() || !IsSequenceError(attempt.error)) return false;
  const bool is_waiting = attempt.error == ErrorCode::kOutOfOrderSequenceNumber && !queue.IsFirstOutstanding(*batch);
  if (!is_waiting) {
    env_.context.Reached("client.producer.sequence_gap");
    queue.BreakChain();
  }
  if ((is_waiting || !batch->maybe_appended) && batch->attempt_count <= config_.retries) {
    Retry(taken, queue);
  } else {
    queue.OnFailure(batch);
    Fail(taken.tp, batch, attempt.error, attempt.what);
  }
  return true;
}

bool ProducerCore::TrySplit(const Taken& taken, PartitionQueue& queue) {
  if (taken.batch->record_count() < 2 || taken.batch->maybe_appended) return false;
  ++metrics_.split_batch_count;
  auto parts = taken.batch->Split(config_.batch_bytes);
  incomplete_.erase(incomplete_.find(taken.batch->id()));
  for (const auto& part : parts) incomplete_.insert(part->id());
  queue.OnSplit(taken.batch, std::move(parts));
  return true;
}

bool ProducerCore::MayRetry(const ProducerBatch& batch, const Attempt& attempt) const {
  if (attempt.is_hopeless || fatal_error_ != ErrorCode::kNone) return false;
  return protocol::IsRetriable(attempt.error) && batch.attempt_count <= config_.retries;
}

void ProducerCore::Retry(const Taken& taken, PartitionQueue& queue) {
  const BatchPtr& batch = taken.batch;
  ++metrics_.retried_batch_count;
  env_.context.Reached("client.producer.retry");
  const MonoTime retry_at = env_.clock.Now() + cluster_->RetryBackoff(batch->attempt_count);
  batch->retry_at = retry_at;
  if (MUTATION(env_.context, CL07) && batch->record_count() > 1) {
    auto parts = batch->Split(config_.batch_bytes);
    incomplete_.erase(incomplete_.find(batch->id()));
    for (const auto& part : parts) {
      incomplete_.insert(part->id());
      part->retry_at = retry_at;
    }
    queue.OnSplit(batch, std::move(parts));
    return;
  }
  queue.OnRetry(batch);
}

void ProducerCore::Fail(const TopicPartition& tp, const BatchPtr& batch, ErrorCode error, std::string what) {
  Complete(
      tp, batch,
      {.outcome = batch->maybe_appended ? Outcome::kUnknown : Outcome::kFail, .error = error, .what = std::move(what)});
}

void ProducerCore::Complete(const TopicPartition& tp, const BatchPtr& batch,
                            const ProducerBatch::Completion& completion) {
  int64_t* count = &metrics_.ok_record_count;
  if (completion.outcome == Outcome::kFail) count = &metrics_.failed_record_count;
  if (completion.outcome == Outcome::kUnknown) count = &metrics_.unknown_record_count;
  *count += batch->record_count();
  const auto found = incomplete_.find(batch->id());
  INVARIANT(found != incomplete_.end());
  incomplete_.erase(found);
  if (batch->reserved_bytes() > 0) memory_.Release(batch->reserved_bytes());
  batch->Complete(tp, completion);
  progress_.WakeAll();
}

void ProducerCore::FailAll(ErrorCode error, const std::string& what) {
  for (auto& [name, topic] : topics_) {
    for (auto& [partition, queue] : topic.queues) {
      for (const BatchPtr& batch : queue.DrainAll()) {
        const bool in_flight = batch->attempt_count > 0 && batch->last_error == ErrorCode::kNone;
        batch->maybe_appended = batch->maybe_appended || in_flight;
        Fail({name, partition}, batch, error, what);
      }
    }
  }
}

void ProducerCore::WantProducerId() {
  if (std::exchange(getting_producer_id_, true)) return;
  env_.scheduler.Spawn("producer id", [me = shared_from_this()](fiber::Fiber& self) { me->RunProducerId(self); });
}

void ProducerCore::RunProducerId(fiber::Fiber& self) {
  using protocol::InitProducerIdRequest;
  using protocol::InitProducerIdResponse;
  int64_t failure_count = 0;
  while (!stopped_) {
    const Cluster::Reached broker = cluster_->ConnectAny(self, self.Now() + config_.common.request_timeout);
    auto error = ErrorCode::kNetworkException;
    std::string what = broker.what;
    if (broker.connection != nullptr) {
      InitProducerIdRequest request;
      request.transactional_id.reset();
      request.transaction_timeout_ms = std::numeric_limits<int32_t>::max();
      const int16_t version =
          broker.connection->PickVersion(protocol::ApiKey::kInitProducerId, {InitProducerIdRequest::kMinVersion, 5});
      const auto result =
          broker.connection->Call<InitProducerIdRequest, InitProducerIdResponse>(self, request, version);
      what = result.what;
      if (result.ok()) error = static_cast<ErrorCode>(result.response.error_code);
      if (result.error == net::CallError::kUnsupportedVersion) error = ErrorCode::kUnsupportedVersion;
      if (error == ErrorCode::kNone) {
        identity_ = {ProducerId(result.response.producer_id), ProducerEpoch(result.response.producer_epoch)};
        producer_id_problem_.clear();
        break;
      }
    }
    if (!protocol::IsRetriable(error) && !stopped_) {
      fatal_error_ = error;
      fatal_what_ = fmt::format("InitProducerId: {} {}", protocol::ErrorName(error), what);
      FailAll(fatal_error_, fatal_what_);
      break;
    }
    producer_id_problem_ = what.empty() ? std::string(protocol::ErrorName(error)) : what;
    ++failure_count;
    fiber::SleepFor(self, cluster_->RetryBackoff(failure_count));
  }
  getting_producer_id_ = false;
  wake_.WakeAll();
}

}  // namespace odradek::client
