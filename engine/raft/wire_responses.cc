#include "engine/base/check.h"
#include "engine/raft/control_batches.h"
#include "engine/raft/wire.h"

namespace odradek::raft {
namespace {

// A code that a later Kafka has and we do not is an error all the same.
ErrorCode ErrorOf(int16_t wire) {
  return protocol::ErrorFromWire(wire).value_or(ErrorCode::kUnknownServerError);
}

Standing WholeRequestFailed(int16_t wire) {
  return {ErrorOf(wire), kNoLeaderEpoch, kNoNode, {}};
}

template <typename Node>
Endpoints EndpointsOfLeader(const std::vector<Node>& nodes, NodeId leader, const Identity& identity) {
  for (const Node& node : nodes) {
    if (node.node_id != leader.value()) continue;
    return {{identity.listener, node.host, static_cast<uint16_t>(node.port)}};
  }
  return {};
}

template <typename Node>
void WriteLeader(const Standing& standing, const Identity& identity, std::vector<Node>& nodes) {
  const Endpoint* endpoint = EndpointOf(standing.leader_endpoints, identity.listener);
  if (standing.leader == kNoNode || endpoint == nullptr) return;
  Node& node = nodes.emplace_back();
  node.node_id = standing.leader.value();
  node.host = endpoint->host;
  node.port = endpoint->port;
}

// Vote, BeginQuorumEpoch and EndQuorumEpoch say the standing in the same fields.
template <typename Message>
std::optional<Standing> ReadStanding(const Message& response, const Identity& identity) {
  if (response.error_code != 0) return WholeRequestFailed(response.error_code);
  if (response.topics.size() != 1 || response.topics[0].partitions.size() != 1) return std::nullopt;
  const auto& partition = response.topics[0].partitions[0];
  if (response.topics[0].topic_name != kMetadataTopic || partition.partition_index != 0) return std::nullopt;
  const NodeId leader(partition.leader_id < 0 ? -1 : partition.leader_id);
  return Standing{ErrorOf(partition.error_code), LeaderEpoch(partition.leader_epoch), leader,
                  EndpointsOfLeader(response.node_endpoints, leader, identity)};
}

template <typename Message>
auto& WriteStanding(const Standing& standing, const Identity& identity, int16_t version, Message& response) {
  constexpr int16_t kEndpointsFrom = 1;
  auto& topic = response.topics.emplace_back();
  topic.topic_name = kMetadataTopic;
  auto& partition = topic.partitions.emplace_back();
  partition.error_code = ToWire(standing.error);
  partition.leader_id = standing.leader.value();
  partition.leader_epoch = standing.epoch.value();
  if (version >= kEndpointsFrom) WriteLeader(standing, identity, response.node_endpoints);
  return partition;
}

}  // namespace

std::optional<VoteResponse> Read(const protocol::VoteResponse& response, const Identity& identity) {
  const std::optional<Standing> standing = ReadStanding(response, identity);
  if (!standing) return std::nullopt;
  const bool is_granted = response.error_code == 0 && response.topics[0].partitions[0].vote_granted;
  return VoteResponse{*standing, is_granted};
}

protocol::VoteResponse Write(const VoteResponse& response, const Identity& identity, int16_t version) {
  protocol::VoteResponse message;
  WriteStanding(response.standing, identity, version, message).vote_granted = response.granted;
  return message;
}

std::optional<BeginQuorumEpochResponse> Read(const protocol::BeginQuorumEpochResponse& response,
                                             const Identity& identity) {
  const std::optional<Standing> standing = ReadStanding(response, identity);
  if (!standing) return std::nullopt;
  return BeginQuorumEpochResponse{*standing};
}

protocol::BeginQuorumEpochResponse Write(const BeginQuorumEpochResponse& response, const Identity& identity,
                                         int16_t version) {
  protocol::BeginQuorumEpochResponse message;
  WriteStanding(response.standing, identity, version, message);
  return message;
}

std::optional<EndQuorumEpochResponse> Read(const protocol::EndQuorumEpochResponse& response, const Identity& identity) {
  const std::optional<Standing> standing = ReadStanding(response, identity);
  if (!standing) return std::nullopt;
  return EndQuorumEpochResponse{*standing};
}

protocol::EndQuorumEpochResponse Write(const EndQuorumEpochResponse& response, const Identity& identity,
                                       int16_t version) {
  protocol::EndQuorumEpochResponse message;
  WriteStanding(response.standing, identity, version, message);
  return message;
}

std::optional<FetchResponse> Read(const protocol::FetchResponse& response, const Identity& identity) {
  FetchResponse message;
  if (response.error_code != 0) {
    message.standing = WholeRequestFailed(response.error_code);
    return message;
  }
  if (response.responses.size() != 1 || response.responses[0].partitions.size() != 1) return std::nullopt;
  const auto& topic = response.responses[0];
  const auto& partition = topic.partitions[0];
  const bool is_ours = topic.topic == kMetadataTopic || topic.topic_id == kMetadataTopicId;
  if (!is_ours || partition.partition_index != 0 || partition.records.is_external()) return std::nullopt;
  const NodeId leader(partition.current_leader.leader_id < 0 ? -1 : partition.current_leader.leader_id);
  message.standing = {ErrorOf(partition.error_code), LeaderEpoch(partition.current_leader.leader_epoch), leader,
                      EndpointsOfLeader(response.node_endpoints, leader, identity)};
  if (partition.high_watermark >= 0) message.high_watermark = Offset(partition.high_watermark);
  message.log_start = Offset(partition.log_start_offset);
  if (partition.diverging_epoch.epoch >= 0) {
    message.diverging = {LeaderEpoch(partition.diverging_epoch.epoch), Offset(partition.diverging_epoch.end_offset)};
  }
  if (partition.snapshot_id.epoch >= 0 || partition.snapshot_id.end_offset >= 0) {
    message.snapshot = {LeaderEpoch(partition.snapshot_id.epoch), Offset(partition.snapshot_id.end_offset)};
  }
  message.batches = ScanBatches(partition.records.bytes()).batches;
  return message;
}

protocol::FetchResponse Write(const FetchResponse& response, const Identity& identity, int16_t version) {
  constexpr int16_t kEndpointsFrom = 16;
  REQUIRES(version >= protocol::FetchResponse::kMinVersion);
  protocol::FetchResponse message;
  auto& topic = message.responses.emplace_back();
  topic.topic = kMetadataTopic;
  topic.topic_id = kMetadataTopicId;
  auto& partition = topic.partitions.emplace_back();
  partition.error_code = ToWire(response.standing.error);
  partition.high_watermark = response.high_watermark ? response.high_watermark->value() : -1;
  partition.log_start_offset = response.log_start.value();
  partition.current_leader.leader_id = response.standing.leader.value();
  partition.current_leader.leader_epoch = response.standing.epoch.value();
  if (response.diverging) {
    partition.diverging_epoch.epoch = response.diverging->epoch.value();
    partition.diverging_epoch.end_offset = response.diverging->offset.value();
  }
  if (response.snapshot) {
    partition.snapshot_id.epoch = response.snapshot->epoch.value();
    partition.snapshot_id.end_offset = response.snapshot->offset.value();
  }
  if (version >= kEndpointsFrom) WriteLeader(response.standing, identity, message.node_endpoints);
  return message;
}

std::optional<FetchSnapshotResponse> Read(const protocol::FetchSnapshotResponse& response, const Identity& identity) {
  FetchSnapshotResponse message;
  if (response.error_code != 0) {
    message.standing = WholeRequestFailed(response.error_code);
    return message;
  }
  if (response.topics.size() != 1 || response.topics[0].partitions.size() != 1) return std::nullopt;
  const auto& partition = response.topics[0].partitions[0];
  const bool is_ours = response.topics[0].name == kMetadataTopic && partition.index == 0;
  if (!is_ours || partition.unaligned_records.is_external()) return std::nullopt;
  const NodeId leader(partition.current_leader.leader_id < 0 ? -1 : partition.current_leader.leader_id);
  message.standing = {ErrorOf(partition.error_code), LeaderEpoch(partition.current_leader.leader_epoch), leader,
                      EndpointsOfLeader(response.node_endpoints, leader, identity)};
  message.snapshot = {LeaderEpoch(partition.snapshot_id.epoch), Offset(partition.snapshot_id.end_offset)};
  message.size_bytes = partition.size;
  message.position_bytes = partition.position;
  const Bytes bytes = partition.unaligned_records.bytes();
  message.bytes.assign(bytes.begin(), bytes.end());
  return message;
}

protocol::FetchSnapshotResponse Write(const FetchSnapshotResponse& response, const Identity& identity,
                                      int16_t version) {
  constexpr int16_t kEndpointsFrom = 1;
  protocol::FetchSnapshotResponse message;
  auto& topic = message.topics.emplace_back();
  topic.name = kMetadataTopic;
  auto& partition = topic.partitions.emplace_back();
  partition.error_code = ToWire(response.standing.error);
  partition.snapshot_id.end_offset = response.snapshot.offset.value();
  partition.snapshot_id.epoch = response.snapshot.epoch.value();
  partition.current_leader.leader_id = response.standing.leader.value();
  partition.current_leader.leader_epoch = response.standing.epoch.value();
  partition.size = response.size_bytes;
  partition.position = response.position_bytes;
  partition.unaligned_records = protocol::RecordsField(Bytes());
  if (version >= kEndpointsFrom) WriteLeader(response.standing, identity, message.node_endpoints);
  return message;
}

VoterChangeResponse Read(const protocol::UpdateRaftVoterResponse& response, const Identity& identity) {
  VoterChangeResponse message;
  message.error = ErrorOf(response.error_code);
  message.epoch = LeaderEpoch(response.current_leader.leader_epoch);
  message.leader = NodeId(response.current_leader.leader_id < 0 ? -1 : response.current_leader.leader_id);
  if (message.leader != kNoNode && !response.current_leader.host.empty()) {
    message.leader_endpoints = {
        {identity.listener, response.current_leader.host, static_cast<uint16_t>(response.current_leader.port)}};
  }
  return message;
}

protocol::UpdateRaftVoterResponse WriteUpdate(const VoterChangeResponse& response, const Identity& identity) {
  protocol::UpdateRaftVoterResponse message;
  message.error_code = ToWire(response.error);
  message.current_leader.leader_id = response.leader.value();
  message.current_leader.leader_epoch = response.epoch.value();
  const Endpoint* endpoint = EndpointOf(response.leader_endpoints, identity.listener);
  if (endpoint != nullptr) {
    message.current_leader.host = endpoint->host;
    message.current_leader.port = endpoint->port;
  }
  return message;
}

protocol::AddRaftVoterResponse WriteAdd(const VoterChangeResponse& response) {
  protocol::AddRaftVoterResponse message;
  message.error_code = ToWire(response.error);
  if (!response.message.empty()) message.error_message = response.message;
  return message;
}

protocol::RemoveRaftVoterResponse WriteRemove(const VoterChangeResponse& response) {
  protocol::RemoveRaftVoterResponse message;
  message.error_code = ToWire(response.error);
  if (!response.message.empty()) message.error_message = response.message;
  return message;
}

namespace {

protocol::DescribeQuorumResponse::ReplicaState WriteReplica(const ReplicaDescription& replica, Timestamp now) {
  const auto at = [now](std::optional<Duration> age) { return age ? now.value() - age->nanos() / 1'000'000 : -1; };
  protocol::DescribeQuorumResponse::ReplicaState state;
  state.replica_id = replica.replica.id.value();
  state.replica_directory_id = replica.replica.directory_id;
  state.log_end_offset = replica.log_end.value_or(kNoOffset).value();
  state.last_fetch_timestamp = at(replica.fetch_age);
  state.last_caught_up_timestamp = at(replica.caught_up_age);
  return state;
}

void WriteDescribed(const QuorumDescription& description, Timestamp now,
                    protocol::DescribeQuorumResponse::PartitionData& partition) {
  partition.leader_id = description.leader.value();
  partition.leader_epoch = description.epoch.value();
  partition.high_watermark = description.high_watermark.value_or(kNoOffset).value();
  for (const ReplicaDescription& voter : description.voters)
    partition.current_voters.push_back(WriteReplica(voter, now));
  for (const ReplicaDescription& one : description.observers) partition.observers.push_back(WriteReplica(one, now));
}

}  // namespace

protocol::DescribeQuorumResponse WriteDescription(const protocol::DescribeQuorumRequest& request, const Raft& quorum,
                                                  const std::optional<QuorumDescription>& description, Timestamp now) {
  protocol::DescribeQuorumResponse message;
  message.error_message.reset();
  for (const auto& asked : request.topics) {
    auto& topic = message.topics.emplace_back();
    topic.topic_name = asked.topic_name;
    for (const auto& one : asked.partitions) {
      auto& partition = topic.partitions.emplace_back();
      partition.partition_index = one.partition_index;
      partition.error_message.reset();
      if (asked.topic_name != kMetadataTopic || one.partition_index != 0) {
        partition.error_code = ToWire(ErrorCode::kUnknownTopicOrPartition);
      } else if (description) {
        WriteDescribed(*description, now, partition);
      } else {
        partition.error_code = ToWire(ErrorCode::kNotLeaderOrFollower);
        partition.leader_id = quorum.leader().value();
        partition.leader_epoch = quorum.epoch().value();
      }
    }
  }
  for (const Voter& voter : quorum.voters().voters().voters()) {
    auto& node = message.nodes.emplace_back();
    node.node_id = voter.key.id.value();
    for (const Endpoint& endpoint : voter.endpoints) {
      node.listeners.push_back({endpoint.listener, endpoint.host, endpoint.port});
    }
  }
  return message;
}

}  // namespace odradek::raft
