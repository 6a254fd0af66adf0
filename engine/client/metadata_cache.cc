#include "engine/client/metadata_cache.h"

#include <algorithm>
#include <utility>

namespace odradek::client {
namespace {

std::vector<NodeId> NodesOf(const std::vector<int32_t>& ids) {
  std::vector<NodeId> nodes;
  nodes.reserve(ids.size());
  for (const int32_t id : ids) nodes.emplace_back(id);
  return nodes;
}

PartitionInfo PartitionOf(const protocol::MetadataResponse::Partition& from) {
  return {.partition = PartitionIndex(from.partition_index),
          .error = static_cast<protocol::ErrorCode>(from.error_code),
          .leader = NodeId(from.leader_id),
          .leader_epoch = LeaderEpoch(from.leader_epoch),
          .replicas = NodesOf(from.replica_nodes),
          .isr = NodesOf(from.isr_nodes),
          .offline_replicas = NodesOf(from.offline_replicas)};
}

const PartitionInfo* FindPartition(const TopicInfo* topic, PartitionIndex partition) {
  const auto index = static_cast<size_t>(partition.value());
  if (topic == nullptr || partition.value() < 0 || index >= topic->partitions.size()) return nullptr;
  return &topic->partitions[index];
}

// The partitions of an answer by index; what the answer leaves out has no leader.
std::vector<PartitionInfo> PartitionsOf(const protocol::MetadataResponse::Topic& from, const TopicInfo* before) {
  std::vector<PartitionInfo> partitions(from.partitions.size());
  for (size_t i = 0; i < partitions.size(); ++i) partitions[i].partition = PartitionIndex(static_cast<int32_t>(i));
  for (const auto& partition : from.partitions) {
    const auto index = static_cast<size_t>(partition.partition_index);
    if (partition.partition_index < 0 || index >= partitions.size()) continue;
    PartitionInfo fresh = PartitionOf(partition);
    const PartitionInfo* known = FindPartition(before, fresh.partition);
    const bool is_older =
        known != nullptr && fresh.leader_epoch != kNoLeaderEpoch && known->leader_epoch > fresh.leader_epoch;
    partitions[index] = is_older ? *known : std::move(fresh);
  }
  return partitions;
}

}  // namespace

void MetadataCache::Apply(const protocol::MetadataResponse& response, const std::vector<std::string>& asked) {
  // An answer without brokers says nothing about them: a starting broker may give it.
  if (!response.brokers.empty()) brokers_.clear();
  for (const auto& broker : response.brokers) {
    ApplyBroker({NodeId(broker.node_id), {broker.host, broker.port}, broker.rack});
  }
  controller_ = NodeId(response.controller_id);
  cluster_id_ = response.cluster_id.value_or("");
  for (const auto& from : response.topics) {
    if (!from.name) continue;
    const auto found = topics_.find(*from.name);
    const bool is_same = found != topics_.end() && found->second.id == from.topic_id;
    TopicInfo topic{.name = *from.name,
                    .id = from.topic_id,
                    .error = static_cast<protocol::ErrorCode>(from.error_code),
                    .partitions = PartitionsOf(from, is_same ? &found->second : nullptr)};
    topics_.insert_or_assign(*from.name, std::move(topic));
  }
  for (const std::string& name : asked) {
    const auto is_it = [&name](const auto& topic) { return topic.name == name; };
    if (std::ranges::any_of(response.topics, is_it)) continue;
    topics_.insert_or_assign(
        name,
        TopicInfo{.name = name, .id = {}, .error = protocol::ErrorCode::kUnknownTopicOrPartition, .partitions = {}});
  }
}

bool MetadataCache::ApplyLeader(const TopicPartition& tp, Leader leader) {
  const auto found = topics_.find(tp.topic);
  if (found == topics_.end() || leader.node.value() < 0) return false;
  const auto index = static_cast<size_t>(tp.partition.value());
  if (tp.partition.value() < 0 || index >= found->second.partitions.size()) return false;
  PartitionInfo& partition = found->second.partitions[index];
  if (leader.epoch <= partition.leader_epoch || !brokers_.contains(leader.node)) return false;
  partition.leader = leader.node;
  partition.leader_epoch = leader.epoch;
  partition.error = protocol::ErrorCode::kNone;
  return true;
}

void MetadataCache::ApplyBroker(BrokerInfo broker) {
  const NodeId id = broker.id;
  brokers_.insert_or_assign(id, std::move(broker));
}

void MetadataCache::ForgetTopic(std::string_view topic) {
  if (const auto found = topics_.find(topic); found != topics_.end()) topics_.erase(found);
}

const BrokerInfo* MetadataCache::FindBroker(NodeId id) const {
  const auto found = brokers_.find(id);
  return found == brokers_.end() ? nullptr : &found->second;
}

const TopicInfo* MetadataCache::FindTopic(std::string_view topic) const {
  const auto found = topics_.find(topic);
  return found == topics_.end() ? nullptr : &found->second;
}

const TopicInfo* MetadataCache::FindTopicById(TopicId id) const {
  for (const auto& [name, topic] : topics_) {
    if (topic.id == id) return &topic;
  }
  return nullptr;
}

Leader MetadataCache::LeaderOf(const TopicPartition& tp) const {
  const PartitionInfo* partition = FindPartition(FindTopic(tp.topic), tp.partition);
  if (partition == nullptr || partition->leader.value() < 0) return {};
  return {partition->leader, partition->leader_epoch};
}

}  // namespace odradek::client
