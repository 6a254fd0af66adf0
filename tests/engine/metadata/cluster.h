// A controller with registered brokers, for tests: what it decides is replayed at once and counted like log offsets.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/metadata/controller.h"

namespace odradek::metadata {

// A cluster that keeps eligible leader replicas.
inline ControllerOptions WithElr(const std::string& min_insync_replicas = "2") {
  ControllerOptions options;
  options.bootstrap_features = {{"eligible.leader.replicas.version", 1}};
  options.static_properties = {{"min.insync.replicas", min_insync_replicas}};
  return options;
}

inline std::vector<NodeId> Ids(std::initializer_list<int32_t> numbers) {
  std::vector<NodeId> out;
  for (const int32_t n : numbers) out.emplace_back(n);
  return out;
}

class Cluster {
 public:
  explicit Cluster(int broker_count, ControllerOptions options = {}) : controller_(Options(options), Fold(), context_) {
    Write(controller_.Activate());
    for (int i = 1; i <= broker_count; ++i) Start(NodeId(i));
  }

  // A new process of a node registers and is unfenced. `previous`: the proof that the earlier one stopped cleanly.
  BrokerEpoch Start(NodeId id, BrokerEpoch previous = BrokerEpoch(-1)) {
    const BrokerEpoch epoch = Register(id, Session::kExpired, previous).response.epoch;
    Write(controller_.UnfenceBroker(id, epoch).records);
    return epoch;
  }
  Outcome<RegistrationResult> Register(NodeId id, Session session, BrokerEpoch previous = BrokerEpoch(-1)) {
    BrokerRegistration registration = Registration(id, ++incarnations_);
    registration.previous_epoch = previous;
    auto outcome = controller_.RegisterBroker(registration, end_, session);
    Write(outcome.records);
    return outcome;
  }
  void Fence(NodeId id) { Write(controller_.FenceBroker(id, controller_.image().FindBroker(id)->epoch).records); }

  static BrokerRegistration Registration(NodeId id, uint64_t incarnation) {
    BrokerRegistration r;
    r.id = id;
    r.cluster_id = "c";
    r.incarnation_id = {7, incarnation};
    r.listeners = {{"PLAINTEXT", "host" + std::to_string(id.value()), 9092, 0}};
    r.features = {{"metadata.version", {7, 30}}, {"eligible.leader.replicas.version", {0, 1}}};
    r.log_dirs = {Uuid{9, static_cast<uint64_t>(id.value())}};
    return r;
  }

  void Write(const std::vector<Record>& records) {
    for (const Record& record : records) {
      const absl::Status status = controller_.Replay(record);
      ASSERT_TRUE(status.ok()) << status;
      log_.push_back(record);
      ++end_;
    }
  }
  template <typename Response>
  Response Do(Outcome<Response> outcome) {
    Write(outcome.records);
    return std::move(outcome.response);
  }

  // Creates a topic and expects that to work.
  const TopicState& Topic(const std::string& name, int partitions = 1, int16_t replicas = 1) {
    protocol::CreateTopicsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = partitions;
    topic.replication_factor = replicas;
    const auto response = Do(controller_.CreateTopics(request, draws_));
    EXPECT_EQ(response.topics.at(0).error_code, 0) << response.topics.at(0).error_message.value_or("");
    return *image().FindTopic(name);
  }

  // The same with these replicas of partition 0.
  const TopicState& Assigned(const std::string& name, const std::vector<int32_t>& replicas) {
    protocol::CreateTopicsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = -1;
    topic.replication_factor = -1;
    topic.assignments.push_back({0, replicas});
    const auto response = Do(controller_.CreateTopics(request, draws_));
    EXPECT_EQ(response.topics.at(0).error_code, 0) << response.topics.at(0).error_message.value_or("");
    return *image().FindTopic(name);
  }
  void SetTopicConfig(const std::string& topic, const std::string& name, const std::string& value) {
    protocol::IncrementalAlterConfigsRequest request;
    request.resources.push_back({static_cast<int8_t>(ResourceType::kTopic), topic, {{name, 0, value}}});
    EXPECT_EQ(Do(controller_.IncrementalAlterConfigs(request)).responses.at(0).error_code, 0);
  }

  const PartitionState& Partition(const std::string& topic, int index = 0) const {
    return *image().FindPartition(topic, PartitionIndex(index));
  }
  BrokerEpoch EpochOf(NodeId id) const { return image().FindBroker(id)->epoch; }
  const Controller& controller() const { return controller_; }
  const Image& image() const { return controller_.image(); }
  const std::vector<Record>& log() const { return log_; }
  Offset end() const { return end_; }
  base::Prng& draws() { return draws_; }

 private:
  static ControllerOptions Options(ControllerOptions options) {
    options.node_id = NodeId(1);
    options.cluster_id = "c";
    return options;
  }

  base::NullContext context_;
  base::Prng draws_{1};
  Controller controller_;
  std::vector<Record> log_;
  Offset end_{0};
  uint64_t incarnations_ = 0;
};

}  // namespace odradek::metadata
