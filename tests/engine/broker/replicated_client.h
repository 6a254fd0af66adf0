// A client of a replicated partition, and how tests look into its replicas.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/record/record_iterator.h"
#include "tests/engine/broker/quorum_world.h"

namespace odradek::broker {
namespace quorum_test {

// nullptr: the node is off, or has no replica of partition 0 yet.
inline PartitionReplica* ReplicaOf(QuorumWorld& world, int32_t id, const std::string& topic) {
  Node* const node = world.BrokerOf(id);
  if (node == nullptr || !node->is_serving()) return nullptr;
  for (int32_t shard = 0; shard < node->shard_count(); ++shard) {
    const auto partition = node->shard(ShardId(shard)).Find(env::PartitionName{topic, PartitionIndex(0)});
    if (partition != nullptr) return &partition->replica();
  }
  return nullptr;
}

// Who leads partition 0, in the latest epoch that anybody knows of; 0: nobody.
inline int32_t LeaderOf(QuorumWorld& world, const std::string& topic) {
  int32_t leader = 0;
  LeaderEpoch latest = kNoLeaderEpoch;
  for (int32_t id = 1; id <= kNodeCount; ++id) {
    const PartitionReplica* const replica = ReplicaOf(world, id, topic);
    if (replica == nullptr || replica->machine().leader_epoch() <= latest) continue;
    latest = replica->machine().leader_epoch();
    leader = 0;
    for (int32_t other = 1; other <= kNodeCount; ++other) {
      const PartitionReplica* const candidate = ReplicaOf(world, other, topic);
      if (candidate == nullptr || candidate->machine().leader_epoch() != latest) continue;
      if (candidate->machine().role() == replication::Role::kLeader) leader = other;
    }
  }
  return leader;
}

inline size_t IsrSizeOf(QuorumWorld& world, const std::string& topic) {
  const int32_t leader = LeaderOf(world, topic);
  if (leader == 0) return 0;
  return std::get<replication::Leader>(ReplicaOf(world, leader, topic)->machine().state()).isr.committed().size();
}

class ReplicatedClient {
 public:
  ReplicatedClient(fiber::Fiber& self, env::Env& env, std::string topic)
      : self_(self), env_(env), topic_(std::move(topic)) {}
  ~ReplicatedClient() {
    for (const auto& [id, connection] : connections_) connection->Close();
  }
  ReplicatedClient(const ReplicatedClient&) = delete;
  ReplicatedClient& operator=(const ReplicatedClient&) = delete;

  // nullptr: not to be reached.
  net::ClientConnection* To(int32_t id) {
    auto& connection = connections_[id];
    if (connection != nullptr && connection->is_open()) return connection.get();
    connection = Connect(self_, env_, id);
    if (connection != nullptr) return connection.get();
    connections_.erase(id);
    return nullptr;
  }

  void CreateTopic(int16_t replicas, const std::vector<std::pair<std::string, std::string>>& configs = {}) {
    protocol::CreateTopicsRequest request;
    request.timeout_ms = 3000;
    auto& topic = request.topics.emplace_back();
    topic.name = topic_;
    topic.num_partitions = 1;
    topic.replication_factor = replicas;
    for (const auto& [key, value] : configs) topic.configs.push_back({key, value});
    for (int attempt = 0; attempt < 100; ++attempt) {
      net::ClientConnection* const connection = To(1 + attempt % kNodeCount);
      if (connection == nullptr) continue;
      const auto answer =
          connection->Call<protocol::CreateTopicsRequest, protocol::CreateTopicsResponse>(self_, request);
      const bool is_there = answer.ok() && (answer.response.topics[0].error_code == 0 ||
                                            answer.response.topics[0].error_code ==
                                                protocol::ToWire(protocol::ErrorCode::kTopicAlreadyExists));
      if (is_there) return;
      fiber::SleepFor(self_, Duration::Millis(50));
    }
    ADD_FAILURE() << "no topic";
  }
  void DeleteTopic() {
    protocol::DeleteTopicsRequest request;
    request.timeout_ms = 3000;
    request.topics.emplace_back().name = topic_;
    const auto answer = To(1)->Call<protocol::DeleteTopicsRequest, protocol::DeleteTopicsResponse>(self_, request);
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(answer.response.responses[0].error_code, 0);
  }

  // 0: nobody who can be reached knows one.
  int32_t FindLeader() {
    protocol::MetadataRequest request;
    request.topics.emplace();
    request.topics->emplace_back().name = topic_;
    request.allow_auto_topic_creation = false;
    int32_t leader = 0;
    int32_t epoch = -1;
    for (int32_t id = 1; id <= kNodeCount; ++id) {
      net::ClientConnection* const connection = To(id);
      if (connection == nullptr) continue;
      const auto answer = connection->Call<protocol::MetadataRequest, protocol::MetadataResponse>(self_, request);
      if (!answer.ok() || answer.response.topics.size() != 1 || answer.response.topics[0].partitions.empty()) continue;
      const auto& partition = answer.response.topics[0].partitions[0];
      if (partition.leader_epoch <= epoch) continue;
      epoch = partition.leader_epoch;
      leader = std::max(0, partition.leader_id);
    }
    return leader;
  }

  struct Produced {
    protocol::ErrorCode error = protocol::ErrorCode::kNetworkException;
    int64_t base_offset = -1;
    int32_t current_leader = -1;
    std::vector<int32_t> endpoints;
  };
  Produced ProduceTo(int32_t id, Bytes batch, int16_t acks = -1, int32_t timeout_ms = 2000) {
    net::ClientConnection* const connection = To(id);
    if (connection == nullptr) return {};
    protocol::ProduceRequest request = broker::ProduceTo(topic_, batch, acks);
    request.timeout_ms = timeout_ms;
    // The last version that names topics.
    const auto answer =
        connection->Call<protocol::ProduceRequest, protocol::ProduceResponse>(self_, request, int16_t{12});
    if (!answer.ok()) return {};
    const auto& partition = answer.response.responses.at(0).partition_responses.at(0);
    Produced produced{static_cast<protocol::ErrorCode>(partition.error_code),
                      partition.base_offset,
                      partition.current_leader.leader_id,
                      {}};
    for (const auto& endpoint : answer.response.node_endpoints) produced.endpoints.push_back(endpoint.node_id);
    return produced;
  }
  // To whoever leads.
  Produced Produce(const std::vector<std::string>& values, int16_t acks = -1) {
    const int32_t leader = FindLeader();
    return leader == 0 ? Produced{} : ProduceTo(leader, BatchOf(values), acks);
  }

  std::optional<ProducerId> NewProducerId() {
    for (int32_t id = 1; id <= kNodeCount; ++id) {
      net::ClientConnection* const connection = To(id);
      if (connection == nullptr) continue;
      protocol::InitProducerIdRequest request;
      request.transactional_id = std::nullopt;
      const auto answer = connection->Call<protocol::InitProducerIdRequest, protocol::InitProducerIdResponse>(
          self_, request, int16_t{4});
      if (answer.ok() && answer.response.error_code == 0) return ProducerId(answer.response.producer_id);
    }
    return std::nullopt;
  }

  struct Fetched {
    protocol::ErrorCode error = protocol::ErrorCode::kNetworkException;
    int64_t high_watermark = -1;
    int64_t log_start = -1;
    int32_t preferred_read_replica = -1;
    int64_t next_offset = -1;
    std::vector<std::string> values;
  };
  Fetched FetchFrom(int32_t id, int64_t offset, const std::string& rack = {}) {
    net::ClientConnection* const connection = To(id);
    if (connection == nullptr) return {};
    protocol::FetchRequest request = broker::FetchFrom(topic_, offset);
    request.rack_id = rack;
    const auto answer = connection->Call<protocol::FetchRequest, protocol::FetchResponse>(self_, request, int16_t{12});
    if (!answer.ok() || answer.response.responses.empty()) return {};
    const auto& partition = answer.response.responses[0].partitions.at(0);
    Fetched fetched{static_cast<protocol::ErrorCode>(partition.error_code),
                    partition.high_watermark,
                    partition.log_start_offset,
                    partition.preferred_read_replica,
                    offset,
                    {}};
    record::BatchCursor cursor(partition.records.bytes());
    for (auto step = cursor.Next(); step.found == record::BatchCursor::Found::kBatch; step = cursor.Next()) {
      record::RecordIterator records(step.header, step.batch);
      while (records.Next() == record::RecordIterator::Found::kRecord) {
        if (records.record().offset < Offset(offset)) continue;
        fetched.values.emplace_back(AsString(*records.record().value));
      }
      fetched.next_offset = step.header.next_offset().value();
    }
    return fetched;
  }
  // All that a consumer sees there.
  std::vector<std::string> ReadAll(int32_t id) {
    std::vector<std::string> values;
    int64_t offset = 0;
    while (true) {
      const Fetched fetched = FetchFrom(id, offset);
      if (fetched.error == protocol::ErrorCode::kOffsetOutOfRange && offset == 0) {
        offset = std::max<int64_t>(1, FetchLogStart(id));
        continue;
      }
      EXPECT_EQ(fetched.error, protocol::ErrorCode::kNone) << "node " << id;
      values.insert(values.end(), fetched.values.begin(), fetched.values.end());
      if (fetched.error != protocol::ErrorCode::kNone || fetched.next_offset <= offset) return values;
      offset = fetched.next_offset;
    }
  }
  // −1: it is not to be reached.
  int64_t FetchLogStart(int32_t id) { return ListOffset(id, Timestamp(-2)).offset.value(); }
  // `wanted` is a timestamp, or Kafka's −1 latest, −2 earliest, −3 largest timestamp.
  OffsetLookup ListOffset(int32_t id, Timestamp wanted) {
    protocol::ListOffsetsRequest request;
    request.replica_id = -1;
    auto& topic = request.topics.emplace_back();
    topic.name = topic_;
    topic.partitions.push_back({0, -1, wanted.value()});
    const auto answer = To(id)->Call<protocol::ListOffsetsRequest, protocol::ListOffsetsResponse>(self_, request);
    if (!answer.ok()) return {.error = protocol::ErrorCode::kNetworkException};
    const auto& told = answer.response.topics.at(0).partitions.at(0);
    return {.error = static_cast<protocol::ErrorCode>(told.error_code),
            .timestamp = Timestamp(told.timestamp),
            .offset = Offset(told.offset)};
  }

  fiber::Fiber& self() { return self_; }
  const std::string& topic() const { return topic_; }

 private:
  fiber::Fiber& self_;
  env::Env& env_;
  const std::string topic_;
  std::map<int32_t, std::shared_ptr<net::ClientConnection>> connections_;
};

}  // namespace quorum_test
}  // namespace odradek::broker
