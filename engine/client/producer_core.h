// What a Producer's fibers share. It lives until the last of them has left. Fibers: one sender, one per request in
// flight, one that gets a producer id.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/client/cluster.h"
#include "engine/client/partition_queue.h"
#include "engine/client/partitioner.h"
#include "engine/client/producer.h"
#include "engine/fiber/sync.h"
#include "engine/protocol/generated/produce.h"

namespace odradek::client {

class ProducerCore : public std::enable_shared_from_this<ProducerCore> {
 public:
  ProducerCore(env::Env& env, const ProducerConfig& config);
  void Start();
  // No callback is called any more.
  void Stop();

  void Send(fiber::Fiber& self, const ProducerRecord& record, SendCallback callback);
  void Flush(fiber::Fiber& self, MonoTime deadline);
  void Close(fiber::Fiber& self, MonoTime deadline);
  std::optional<Trouble> trouble() const;
  ProducerMetrics metrics() const;

 private:
  struct Topic {
    StickyPartitioner sticky;
    std::map<PartitionIndex, PartitionQueue> queues;
  };
  struct Taken {
    TopicPartition tp;
    TopicId topic_id;
    BatchPtr batch;
  };
  struct Request {
    NodeId node;
    int16_t version = 0;
    std::vector<Taken> batches;
    ConnectionPtr connection;
    net::PendingCallPtr call;
    MonoTime sent_at;
  };
  // How one attempt of one batch ended.
  struct Attempt {
    protocol::ErrorCode error = protocol::ErrorCode::kNone;
    Offset base_offset = kNoOffset;
    Timestamp log_append_time = kNoTimestamp;
    std::string what;
    bool is_unsent = false;    // its bytes never left
    bool is_hopeless = false;  // trying again cannot help
  };
  using PartitionResponse = protocol::ProduceResponse::PartitionProduceResponse;
  class Counted;

  // Send's steps.
  void Accept(fiber::Fiber& self, const ProducerRecord& record, SendCallback callback);
  void Refuse(const ProducerRecord& record, SendCallback& callback, protocol::ErrorCode error, std::string what);
  const TopicInfo* WaitForTopic(fiber::Fiber& self, const ProducerRecord& record, MonoTime deadline,
                                SendCallback& callback);
  PartitionIndex ChoosePartition(const ProducerRecord& record, const TopicInfo& info, Topic& topic);
  // Not one that has been blocked for longer than partitioner.availability.timeout.ms.
  bool TakesBatches(NodeId node) const;
  PartitionIndex NextSticky(const TopicInfo& info, const Topic& topic);
  bool Reserve(fiber::Fiber& self, int64_t size_bytes, MonoTime deadline);
  PartitionQueue& QueueOf(Topic& topic, PartitionIndex partition);
  void NoteAppended(const ProducerRecord& record, Topic& topic, const PartitionQueue& queue, int64_t record_bytes);

  // The sender fiber.
  void RunSender(fiber::Fiber& self);
  void ExpireBatches(MonoTime now);
  PartitionQueue::Hurry CurrentHurry() const;
  using ReadyNodes = std::map<NodeId, std::vector<TopicPartition>>;
  ReadyNodes FindReady(MonoTime now, MonoTime& wake_at);
  // kBlocked: the node has no connection, wants a pause, or has as many requests as it may have.
  enum class Sent : uint8_t { kYes, kNothing, kBlocked };
  Sent SendTo(NodeId node, const std::vector<TopicPartition>& partitions, MonoTime& wake_at);
  void NoteSent(const ProducerBatch& batch, int64_t sent_bytes, int64_t uncompressed_bytes);
  std::vector<Taken> TakeBatches(const std::vector<TopicPartition>& partitions);
  protocol::ProduceRequest MakeRequest(const std::vector<Taken>& batches, int16_t version) const;
  void RunRequest(fiber::Fiber& self, const Request& request);
  void SettleAnswered(const Request& request, const protocol::ProduceResponse& response);
  void SettleAttempt(const Taken& taken, const Attempt& attempt);
  bool SettleSequenceError(const Taken& taken, PartitionQueue& queue, const Attempt& attempt);
  bool TrySplit(const Taken& taken, PartitionQueue& queue);
  bool MayRetry(const ProducerBatch& batch, const Attempt& attempt) const;
  void Retry(const Taken& taken, PartitionQueue& queue);
  void Fail(const TopicPartition& tp, const BatchPtr& batch, protocol::ErrorCode error, std::string what);
  void Complete(const TopicPartition& tp, const BatchPtr& batch, const ProducerBatch::Completion& completion);
  void FailAll(protocol::ErrorCode error, const std::string& what);

  std::optional<Trouble> TroubleOf(const TopicPartition& tp, const ProducerBatch& batch) const;

  // Producer ids.
  void WantProducerId();
  void RunProducerId(fiber::Fiber& self);

  env::Env& env_;
  const ProducerConfig config_;
  std::shared_ptr<Cluster> cluster_;
  std::map<std::string, Topic, std::less<>> topics_;
  fiber::Semaphore memory_;
  uint64_t last_record_number_ = 0;
  std::multiset<uint64_t> incomplete_;  // ids of batches that are not complete
  std::map<NodeId, int32_t> in_flight_counts_;
  std::map<NodeId, MonoTime> blocked_since_;  // nodes with something to take that take nothing
  ProducerIdentity identity_;
  bool getting_producer_id_ = false;
  std::string producer_id_problem_;
  int64_t memory_waiter_count_ = 0;
  int64_t flusher_count_ = 0;
  bool closing_ = false;
  bool stopped_ = false;
  protocol::ErrorCode fatal_error_ = protocol::ErrorCode::kNone;
  std::string fatal_what_;
  uint64_t drain_turn_ = 0;
  ProducerMetrics metrics_;
  fiber::WaitQueue wake_;      // the sender
  fiber::WaitQueue progress_;  // flushers
};

}  // namespace odradek::client
