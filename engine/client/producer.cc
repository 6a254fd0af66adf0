#include "engine/client/producer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/check.h"
#include "engine/client/interceptor.h"
#include "engine/client/producer_core.h"

namespace odradek::client {
namespace {

using protocol::ErrorCode;

}  // namespace

// Counts a fiber in while it waits, also if it is killed.
class ProducerCore::Counted {
 public:
  explicit Counted(int64_t& count) : count_(count) { ++count_; }
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  int64_t& count_;
};

ProducerCore::ProducerCore(env::Env& env, const ProducerConfig& config)
    : env_(env), config_(config), memory_(config.buffer_memory_bytes) {
  REQUIRES(CheckConfig(config).empty());
}

void ProducerCore::Start() {
  cluster_ = Cluster::Start(env_, config_.common, AutoCreateTopics::kOn);
  cluster_->SetListener([this] { wake_.WakeAll(); });
  env_.scheduler.Spawn("producer", [me = shared_from_this()](fiber::Fiber& self) { me->RunSender(self); });
  if (config_.idempotence == Idempotence::kOn) WantProducerId();
}

void ProducerCore::Stop() {
  if (std::exchange(stopped_, true)) return;
  closing_ = true;
  cluster_->Stop();
  wake_.WakeAll();
  progress_.WakeAll();
}

void ProducerCore::Refuse(const ProducerRecord& record, SendCallback& callback, ErrorCode error, std::string what) {
  ++metrics_.failed_record_count;
  SendResult result{.outcome = Outcome::kFail,
                    .partition = {std::string(record.topic), record.partition.value_or(PartitionIndex(-1))},
                    .error = error,
                    .what = std::move(what)};
  if (callback) callback(result);
}

const TopicInfo* ProducerCore::WaitForTopic(fiber::Fiber& self, const ProducerRecord& record, MonoTime deadline,
                                            SendCallback& callback) {
  cluster_->AddTopic(record.topic);
  while (!closing_) {
    const TopicInfo* info = cluster_->metadata().FindTopic(record.topic);
    const ErrorCode error = info == nullptr ? ErrorCode::kNone : info->error;
    if (error == ErrorCode::kInvalidTopicException || error == ErrorCode::kTopicAuthorizationFailed) {
      Refuse(record, callback, error, fmt::format("{}: {}", record.topic, protocol::ErrorName(error)));
      return nullptr;
    }
    const bool has_partition =
        info != nullptr && !info->partitions.empty() &&
        (!record.partition || record.partition->value() < static_cast<int32_t>(info->partitions.size()));
    if (error == ErrorCode::kNone && has_partition) return info;
    const uint64_t version = cluster_->metadata_version();
    cluster_->RequestUpdate();
    if (cluster_->WaitForUpdate(self, version, deadline) || self.Now() < deadline) continue;
    std::string what =
        fmt::format("topic {} is not in the metadata after {} ms", record.topic, config_.max_block.millis());
    if (info != nullptr && has_partition == false && error == ErrorCode::kNone && record.partition) {
      what = fmt::format("partition {} of topic {} is not in the metadata after {} ms", record.partition->value(),
                         record.topic, config_.max_block.millis());
    }
    if (!cluster_->metadata_problem().empty()) what += ": " + cluster_->metadata_problem();
    Refuse(record, callback, ErrorCode::kRequestTimedOut, std::move(what));
    return nullptr;
  }
  Refuse(record, callback, ErrorCode::kNetworkException, "the producer is closed");
  return nullptr;
}

bool ProducerCore::TakesBatches(NodeId node) const {
  if (config_.adaptive_partitioning == AdaptivePartitioning::kOff) return true;
  const auto blocked = blocked_since_.find(node);
  if (config_.partitioner_availability_timeout == Duration() || blocked == blocked_since_.end()) return true;
  return env_.clock.Now() - blocked->second < config_.partitioner_availability_timeout;
}

PartitionIndex ProducerCore::NextSticky(const TopicInfo& info, const Topic& topic) {
  const bool any_takes_batches = std::ranges::any_of(
      info.partitions, [this](const PartitionInfo& p) { return p.leader.value() >= 0 && TakesBatches(p.leader); });
  std::vector<PartitionLoad> loads;
  for (const PartitionInfo& partition : info.partitions) {
    if (partition.leader.value() < 0 || (any_takes_batches && !TakesBatches(partition.leader))) continue;
    PartitionLoad load{.partition = partition.partition};
    const auto queue = topic.queues.find(partition.partition);
    if (config_.adaptive_partitioning == AdaptivePartitioning::kOn && queue != topic.queues.end()) {
      load.queued_batch_count = static_cast<int64_t>(queue->second.queued_count());
    }
    loads.push_back(load);
  }
  if (loads.empty()) {
    for (const PartitionInfo& partition : info.partitions) loads.push_back({.partition = partition.partition});
  }
  return ChooseByLoad(loads, env_.entropy.Next64());
}

PartitionIndex ProducerCore::ChoosePartition(const ProducerRecord& record, const TopicInfo& info, Topic& topic) {
  if (record.partition) return *record.partition;
  const auto partition_count = static_cast<int32_t>(info.partitions.size());
  if (record.key && config_.key_use == KeyUse::kHash) {
    return PartitionIndex(base::Murmur2Partition(*record.key, partition_count));
  }
  const auto current = topic.sticky.current();
  if (!current || current->value() >= partition_count) topic.sticky.Stick(NextSticky(info, topic));
  return *topic.sticky.current();
}

bool ProducerCore::Reserve(fiber::Fiber& self, int64_t size_bytes, MonoTime deadline) {
  if (memory_.TryAcquire(size_bytes)) return true;
  // Whoever waits for memory makes the sender hurry.
  const Counted waiting(memory_waiter_count_);
  wake_.WakeAll();
  env_.context.Reached("client.producer.buffer_full");
  const MonoTime began_at = self.Now();
  const bool got = memory_.AcquireUntil(self, size_bytes, deadline) == fiber::Wake::kSignalled;
  metrics_.buffer_wait_micros.Add((self.Now() - began_at).micros());
  if (!got) ++metrics_.buffer_exhausted_record_count;
  return got;
}

PartitionQueue& ProducerCore::QueueOf(Topic& topic, PartitionIndex partition) {
  const PartitionQueue::Options options{.idempotence = config_.idempotence,
                                        .max_in_flight = config_.max_in_flight,
                                        .batch_bytes = config_.batch_bytes,
                                        .linger = config_.linger,
                                        .first_sequence = config_.first_sequence};
  return topic.queues.try_emplace(partition, env_.context, options).first->second;
}

void ProducerCore::NoteAppended(const ProducerRecord& record, Topic& topic, const PartitionQueue& queue,
                                int64_t record_bytes) {
  metrics_.record_bytes.Add(record_bytes);
  const MonoTime now = env_.clock.Now();
  const bool is_full = queue.queued_count() > 0 && queue.ReadyAt(now, PartitionQueue::Hurry::kNo) <= now;
  if (!record.partition && !(record.key && config_.key_use == KeyUse::kHash)) {
    using LastBatch = StickyPartitioner::LastBatch;
    topic.sticky.OnAppended(record_bytes, is_full ? LastBatch::kFull : LastBatch::kOpen, config_.batch_bytes);
  }
  if (is_full) wake_.WakeAll();
}

void ProducerCore::Send(fiber::Fiber& self, const ProducerRecord& record, SendCallback callback) {
  if (config_.interceptors.empty()) return Accept(self, record, std::move(callback));
  ProducerRecord changed = record;
  RecordScratch scratch;
  for (const auto& interceptor : config_.interceptors) interceptor->OnSend(changed, scratch);
  Accept(self, changed,
         [interceptors = config_.interceptors, callback = std::move(callback)](const SendResult& result) mutable {
           for (const auto& interceptor : interceptors) interceptor->OnResult(result);
           if (callback) callback(result);
         });
}

void ProducerCore::Accept(fiber::Fiber& self, const ProducerRecord& record, SendCallback callback) {
  ++metrics_.sent_record_count;
  const MonoTime deadline = self.Now() + config_.max_block;
  const record::NewRecord fresh{record.timestamp.value_or(env_.clock.WallNow().timestamp()), record.key, record.value,
                                record.headers};
  const int64_t record_bytes = record::RecordSizeBytesMax(fresh);
  const int64_t alone_bytes = record_bytes + static_cast<int64_t>(record::kBatchOverheadBytes);
  if (alone_bytes > config_.request_bytes_max || alone_bytes > config_.buffer_memory_bytes) {
    Refuse(record, callback, ErrorCode::kMessageTooLarge,
           fmt::format("a record of {} bytes is larger than max.request.size = {} or buffer.memory = {}", alone_bytes,
                       config_.request_bytes_max, config_.buffer_memory_bytes));
    return;
  }
  if (record.partition && record.partition->value() < 0) {
    Refuse(record, callback, ErrorCode::kUnknownTopicOrPartition,
           fmt::format("partition {} is negative", record.partition->value()));
    return;
  }
  if (record.timestamp && record.timestamp->value() < 0) {
    Refuse(record, callback, ErrorCode::kInvalidTimestamp,
           fmt::format("timestamp {} is negative", record.timestamp->value()));
    return;
  }
  int64_t reserved_bytes = 0;
  while (true) {
    const TopicInfo* info = WaitForTopic(self, record, deadline, callback);
    if (info == nullptr || fatal_error_ != ErrorCode::kNone) {
      if (reserved_bytes > 0) memory_.Release(reserved_bytes);
      if (info != nullptr) Refuse(record, callback, fatal_error_, fatal_what_);
      return;
    }
    Topic& topic = topics_.try_emplace(std::string(record.topic)).first->second;
    PartitionQueue& queue = QueueOf(topic, ChoosePartition(record, *info, topic));
    const uint64_t number = ++last_record_number_;
    if (queue.TryAppend(fresh, callback)) {
      if (reserved_bytes > 0) memory_.Release(reserved_bytes);
      NoteAppended(record, topic, queue, record_bytes);
      return;
    }
    if (reserved_bytes > 0) {
      auto batch = std::make_shared<ProducerBatch>(number, config_.compression, reserved_bytes, self.Now());
      const bool appended = batch->TryAppend(fresh, config_.batch_bytes, callback);
      INVARIANT(appended);
      incomplete_.insert(number);
      queue.Push(std::move(batch));
      NoteAppended(record, topic, queue, record_bytes);
      wake_.WakeAll();
      return;
    }
    // Everything may have changed when the memory is there: start over.
    const int64_t wanted_bytes = std::max(config_.batch_bytes, alone_bytes);
    if (!Reserve(self, wanted_bytes, deadline)) {
      Refuse(
          record, callback, ErrorCode::kRequestTimedOut,
          fmt::format("no room in buffer.memory for {} bytes after {} ms", wanted_bytes, config_.max_block.millis()));
      return;
    }
    reserved_bytes = wanted_bytes;
  }
}

void ProducerCore::Flush(fiber::Fiber& self, MonoTime deadline) {
  const uint64_t last = last_record_number_;
  const Counted flushing(flusher_count_);
  wake_.WakeAll();
  while (!incomplete_.empty() && *incomplete_.begin() <= last && !stopped_) {
    if (progress_.WaitUntil(self, deadline) == fiber::Wake::kTimeout) return;
  }
}

void ProducerCore::Close(fiber::Fiber& self, MonoTime deadline) {
  closing_ = true;
  Flush(self, deadline);
  if (stopped_) return;
  FailAll(ErrorCode::kNetworkException, "the producer was closed");
  Stop();
}

std::optional<Trouble> ProducerCore::TroubleOf(const TopicPartition& tp, const ProducerBatch& batch) const {
  const NodeId leader = cluster_->metadata().LeaderOf(tp).node;
  if (leader == kNoNode) return Trouble{ErrorCode::kLeaderNotAvailable, "no leader is known", batch.created_at()};
  const std::string_view unreachable = cluster_->connect_problem(leader, Purpose::kRequests);
  if (!unreachable.empty()) return Trouble{ErrorCode::kNetworkException, std::string(unreachable), batch.created_at()};
  if (!batch.last_what.empty()) {
    const ErrorCode error = batch.last_error == ErrorCode::kNone ? ErrorCode::kNetworkException : batch.last_error;
    return Trouble{error, batch.last_what, batch.created_at()};
  }
  if (batch.attempt_count > 0 && env_.clock.Now() - batch.sent_at > kPatience) {
    return Trouble{ErrorCode::kRequestTimedOut, kNoAnswer, batch.created_at()};
  }
  if (producer_id_problem_.empty()) return std::nullopt;
  return Trouble{ErrorCode::kNetworkException, producer_id_problem_, batch.created_at()};
}

std::optional<Trouble> ProducerCore::trouble() const {
  const ProducerBatch* oldest = nullptr;
  TopicPartition partition;
  for (const auto& [name, topic] : topics_) {
    for (const auto& [index, queue] : topic.queues) {
      const ProducerBatch* batch = queue.Oldest();
      if (batch == nullptr || (oldest != nullptr && oldest->created_at() <= batch->created_at())) continue;
      oldest = batch;
      partition = {name, index};
    }
  }
  if (oldest != nullptr) return TroubleOf(partition, *oldest);
  // A record may wait for its topic.
  const std::string& problem = cluster_->metadata_problem();
  if (problem.empty()) return std::nullopt;
  return Trouble{ErrorCode::kNetworkException, problem, env_.clock.Now() - cluster_->metadata_age()};
}

ProducerMetrics ProducerCore::metrics() const {
  ProducerMetrics metrics = metrics_;
  metrics.incomplete_batch_count = static_cast<int64_t>(incomplete_.size());
  metrics.buffer_total_bytes = config_.buffer_memory_bytes;
  metrics.buffer_free_bytes = memory_.available();
  metrics.buffer_waiter_count = memory_waiter_count_;
  metrics.metadata_age = cluster_->metadata_age();
  return metrics;
}

Producer::Producer(env::Env& env, const ProducerConfig& config) : core_(std::make_shared<ProducerCore>(env, config)) {
  core_->Start();
}

Producer::~Producer() {
  core_->Stop();
}

void Producer::Send(fiber::Fiber& self, const ProducerRecord& record, SendCallback callback) {
  const std::shared_ptr<ProducerCore> core = core_;
  core->Send(self, record, std::move(callback));
}

SendResult Producer::SendAndWait(fiber::Fiber& self, const ProducerRecord& record) {
  struct Waiting {
    std::optional<SendResult> result;
    fiber::WaitQueue changed;
  };
  // The callback may outlive this call, if the fiber is killed.
  const auto waiting = std::make_shared<Waiting>();
  Send(self, record, [waiting](const SendResult& result) {
    waiting->result = result;
    waiting->changed.WakeAll();
  });
  while (!waiting->result) waiting->changed.Wait(self);
  return *waiting->result;
}

void Producer::Flush(fiber::Fiber& self) {
  const std::shared_ptr<ProducerCore> core = core_;
  core->Flush(self, MonoTime::Never());
}

void Producer::Close(fiber::Fiber& self, Duration timeout) {
  const std::shared_ptr<ProducerCore> core = core_;
  core->Close(self, self.Now() + timeout);
}

std::optional<Trouble> Producer::trouble() const {
  return core_->trouble();
}

ProducerMetrics Producer::metrics() const {
  return core_->metrics();
}

}  // namespace odradek::client
