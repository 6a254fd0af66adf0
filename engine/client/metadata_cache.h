// What a client knows of the cluster: brokers, and topics with their leaders. Owned by Cluster; pure, nothing suspends.
//
// Invariants:
//  1. The leader epoch of a partition never goes back while its topic id stays: an answer from a broker that lags
//     behind does not undo what is known (KIP-320).
//  2. A topic that an answer reports as missing loses its partitions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/uuid.h"
#include "engine/env/network.h"
#include "engine/protocol/errors.h"
#include "engine/protocol/generated/metadata.h"

namespace odradek::client {

struct BrokerInfo {
  NodeId id = kNoNode;
  env::Address address;
  std::optional<std::string> rack;
};

struct PartitionInfo {
  PartitionIndex partition;
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  NodeId leader = kNoNode;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  std::vector<NodeId> replicas;
  std::vector<NodeId> isr;
  std::vector<NodeId> offline_replicas;
  // Who may lead without loss when nobody is in sync (KIP-966); only Admin::DescribeTopics asks for these.
  std::vector<NodeId> eligible_leader_replicas;
  std::vector<NodeId> last_known_elr;
};

struct TopicInfo {
  std::string name;
  TopicId id;
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  std::vector<PartitionInfo> partitions;  // by index, without gaps
};

struct Leader {
  NodeId node = kNoNode;
  LeaderEpoch epoch = kNoLeaderEpoch;
};

class MetadataCache {
 public:
  // Takes over an answer to a request for the topics in `asked`.
  void Apply(const protocol::MetadataResponse& response, const std::vector<std::string>& asked);
  // What a broker says of a partition that it does not lead (KIP-951). True: this is news.
  bool ApplyLeader(const TopicPartition& tp, Leader leader);
  void ApplyBroker(BrokerInfo broker);
  void ForgetTopic(std::string_view topic);

  const std::map<NodeId, BrokerInfo>& brokers() const { return brokers_; }
  const BrokerInfo* FindBroker(NodeId id) const;
  // nullptr: nothing was ever heard. A view into the cache: not across a suspension.
  const TopicInfo* FindTopic(std::string_view topic) const;
  const TopicInfo* FindTopicById(TopicId id) const;
  // node is kNoNode where there is no leader now.
  Leader LeaderOf(const TopicPartition& tp) const;
  NodeId controller() const { return controller_; }
  const std::string& cluster_id() const { return cluster_id_; }

 private:
  std::map<NodeId, BrokerInfo> brokers_;
  std::map<std::string, TopicInfo, std::less<>> topics_;
  NodeId controller_ = kNoNode;
  std::string cluster_id_;
};

}  // namespace odradek::client
