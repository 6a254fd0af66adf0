#include <limits>

#include "engine/raft/wire.h"

namespace odradek::raft {
namespace {

// No high watermark, in Kafka's Fetch: whatever the leader's is, it is not above this (KIP-1166).
constexpr int64_t kNotSaid = std::numeric_limits<int64_t>::max();

ErrorCode CheckCluster(const std::optional<std::string>& cluster_id, const Identity& identity) {
  const bool is_ours = !cluster_id || *cluster_id == identity.cluster_id;
  return is_ours ? ErrorCode::kNone : ErrorCode::kInconsistentClusterId;
}

// The one partition of the one topic. nullptr: something else.
template <typename Topic>
auto OnlyPartition(const std::vector<Topic>& topics, std::string_view name) -> decltype(&topics[0].partitions[0]) {
  if (topics.size() != 1 || topics[0].partitions.size() != 1) return nullptr;
  if (name != kMetadataTopic) return nullptr;
  return &topics[0].partitions[0];
}

template <typename Topic>
std::string_view NameOf(const std::vector<Topic>& topics) {
  if (topics.empty()) return {};
  if constexpr (requires { topics[0].topic_name; }) return topics[0].topic_name;
  if constexpr (requires { topics[0].name; }) return topics[0].name;
  return {};
}

template <typename WireEndpoint>
Endpoints ReadEndpoints(const std::vector<WireEndpoint>& wire) {
  Endpoints endpoints;
  for (const WireEndpoint& endpoint : wire) endpoints.push_back({endpoint.name, endpoint.host, endpoint.port});
  return endpoints;
}

template <typename WireEndpoint>
void WriteEndpoints(const Endpoints& endpoints, std::vector<WireEndpoint>& wire) {
  for (const Endpoint& endpoint : endpoints) {
    wire.push_back({.name = endpoint.listener, .host = endpoint.host, .port = endpoint.port});
  }
}

// A message about the one partition; its topic list is filled by the caller through the partition that is returned.
template <typename Message>
auto& OpenPartition(Message& message) {
  auto& topic = message.topics.emplace_back();
  if constexpr (requires { topic.topic_name; }) topic.topic_name = kMetadataTopic;
  if constexpr (requires { topic.name; }) topic.name = kMetadataTopic;
  return topic.partitions.emplace_back();
}

}  // namespace

Checked<VoteRequest> Read(const protocol::VoteRequest& request, const Identity& identity) {
  if (const ErrorCode error = CheckCluster(request.cluster_id, identity); error != ErrorCode::kNone) return {error};
  const auto* partition = OnlyPartition(request.topics, NameOf(request.topics));
  if (partition == nullptr || partition->partition_index != 0) return {ErrorCode::kInvalidRequest};
  VoteRequest message;
  message.epoch = LeaderEpoch(partition->replica_epoch);
  message.candidate = {NodeId(partition->replica_id), partition->replica_directory_id};
  if (request.voter_id >= 0) message.voter = {NodeId(request.voter_id), partition->voter_directory_id};
  message.log_end = {LeaderEpoch(partition->last_offset_epoch), Offset(partition->last_offset)};
  message.pre_vote = partition->pre_vote;
  return {ErrorCode::kNone, message};
}

protocol::VoteRequest Write(const VoteRequest& request, const Identity& identity) {
  protocol::VoteRequest message;
  message.cluster_id = identity.cluster_id;
  message.voter_id = request.voter.id.value();
  auto& partition = OpenPartition(message);
  partition.replica_epoch = request.epoch.value();
  partition.replica_id = request.candidate.id.value();
  partition.replica_directory_id = request.candidate.directory_id;
  partition.voter_directory_id = request.voter.directory_id;
  partition.last_offset_epoch = request.log_end.epoch.value();
  partition.last_offset = request.log_end.offset.value();
  partition.pre_vote = request.pre_vote;
  return message;
}

Checked<BeginQuorumEpochRequest> Read(const protocol::BeginQuorumEpochRequest& request, const Identity& identity) {
  if (const ErrorCode error = CheckCluster(request.cluster_id, identity); error != ErrorCode::kNone) return {error};
  const auto* partition = OnlyPartition(request.topics, NameOf(request.topics));
  if (partition == nullptr || partition->partition_index != 0) return {ErrorCode::kInvalidRequest};
  BeginQuorumEpochRequest message;
  message.epoch = LeaderEpoch(partition->leader_epoch);
  message.leader = NodeId(partition->leader_id);
  message.leader_endpoints = ReadEndpoints(request.leader_endpoints);
  if (request.voter_id >= 0) message.voter = {NodeId(request.voter_id), partition->voter_directory_id};
  return {ErrorCode::kNone, std::move(message)};
}

protocol::BeginQuorumEpochRequest Write(const BeginQuorumEpochRequest& request, const Identity& identity) {
  protocol::BeginQuorumEpochRequest message;
  message.cluster_id = identity.cluster_id;
  message.voter_id = request.voter.id.value();
  auto& partition = OpenPartition(message);
  partition.voter_directory_id = request.voter.directory_id;
  partition.leader_id = request.leader.value();
  partition.leader_epoch = request.epoch.value();
  WriteEndpoints(request.leader_endpoints, message.leader_endpoints);
  return message;
}

Checked<EndQuorumEpochRequest> Read(const protocol::EndQuorumEpochRequest& request, const Identity& identity) {
  if (const ErrorCode error = CheckCluster(request.cluster_id, identity); error != ErrorCode::kNone) return {error};
  const auto* partition = OnlyPartition(request.topics, NameOf(request.topics));
  if (partition == nullptr || partition->partition_index != 0) return {ErrorCode::kInvalidRequest};
  EndQuorumEpochRequest message;
  message.epoch = LeaderEpoch(partition->leader_epoch);
  message.leader = NodeId(partition->leader_id);
  message.leader_endpoints = ReadEndpoints(request.leader_endpoints);
  for (const auto& candidate : partition->preferred_candidates) {
    message.successors.push_back({NodeId(candidate.candidate_id), candidate.candidate_directory_id});
  }
  for (const int32_t id : partition->preferred_successors) message.successors.push_back({NodeId(id), Uuid()});
  return {ErrorCode::kNone, std::move(message)};
}

protocol::EndQuorumEpochRequest Write(const EndQuorumEpochRequest& request, const Identity& identity) {
  protocol::EndQuorumEpochRequest message;
  message.cluster_id = identity.cluster_id;
  auto& partition = OpenPartition(message);
  partition.leader_id = request.leader.value();
  partition.leader_epoch = request.epoch.value();
  for (const ReplicaKey& successor : request.successors) {
    // Whichever list the version has; the other one is left out by encoding.
    partition.preferred_successors.push_back(successor.id.value());
    partition.preferred_candidates.push_back(
        {.candidate_id = successor.id.value(), .candidate_directory_id = successor.directory_id});
  }
  WriteEndpoints(request.leader_endpoints, message.leader_endpoints);
  return message;
}

Checked<FetchRequest> Read(const protocol::FetchRequest& request, const Identity& identity, int16_t version) {
  constexpr int16_t kReplicaStateFrom = 15;
  constexpr int16_t kTopicIdFrom = 13;
  constexpr int16_t kHighWatermarkFrom = 18;
  if (const ErrorCode error = CheckCluster(request.cluster_id, identity); error != ErrorCode::kNone) return {error};
  std::string_view name;
  if (!request.topics.empty()) name = request.topics[0].topic;
  const bool has_id = version >= kTopicIdFrom && !request.topics.empty();
  if (has_id) name = request.topics[0].topic_id == kMetadataTopicId ? kMetadataTopic : std::string_view();
  const auto* partition = OnlyPartition(request.topics, name);
  if (partition == nullptr || partition->partition != 0) return {ErrorCode::kInvalidRequest};
  const int32_t replica = version >= kReplicaStateFrom ? request.replica_state.replica_id : request.replica_id;
  FetchRequest message;
  message.epoch = LeaderEpoch(partition->current_leader_epoch);
  message.replica = {NodeId(replica), partition->replica_directory_id};
  message.offset = Offset(partition->fetch_offset);
  message.last_epoch = LeaderEpoch(partition->last_fetched_epoch);
  if (version >= kHighWatermarkFrom && partition->high_watermark != kNotSaid) {
    message.high_watermark = Offset(partition->high_watermark);
  }
  message.wait_max = Duration::Millis(request.max_wait_ms);
  message.bytes_max = request.max_bytes;
  return {ErrorCode::kNone, message};
}

protocol::FetchRequest Write(const FetchRequest& request, const Identity& identity) {
  protocol::FetchRequest message;
  message.cluster_id = identity.cluster_id;
  message.replica_state.replica_id = request.replica.id.value();
  message.max_wait_ms = static_cast<int32_t>(request.wait_max.millis());
  message.max_bytes = request.bytes_max;
  auto& topic = message.topics.emplace_back();
  topic.topic = kMetadataTopic;
  topic.topic_id = kMetadataTopicId;
  auto& partition = topic.partitions.emplace_back();
  partition.current_leader_epoch = request.epoch.value();
  partition.fetch_offset = request.offset.value();
  partition.last_fetched_epoch = request.last_epoch.value();
  partition.replica_directory_id = request.replica.directory_id;
  partition.high_watermark = request.high_watermark ? request.high_watermark->value() : kNotSaid;
  return message;
}

Checked<FetchSnapshotRequest> Read(const protocol::FetchSnapshotRequest& request, const Identity& identity) {
  if (const ErrorCode error = CheckCluster(request.cluster_id, identity); error != ErrorCode::kNone) return {error};
  const auto* partition = OnlyPartition(request.topics, NameOf(request.topics));
  if (partition == nullptr || partition->partition != 0) return {ErrorCode::kInvalidRequest};
  FetchSnapshotRequest message;
  message.epoch = LeaderEpoch(partition->current_leader_epoch);
  message.replica = {NodeId(request.replica_id), partition->replica_directory_id};
  message.snapshot = {LeaderEpoch(partition->snapshot_id.epoch), Offset(partition->snapshot_id.end_offset)};
  message.position_bytes = partition->position;
  message.bytes_max = request.max_bytes;
  return {ErrorCode::kNone, message};
}

protocol::FetchSnapshotRequest Write(const FetchSnapshotRequest& request, const Identity& identity) {
  protocol::FetchSnapshotRequest message;
  message.cluster_id = identity.cluster_id;
  message.replica_id = request.replica.id.value();
  message.max_bytes = request.bytes_max;
  auto& partition = OpenPartition(message);
  partition.current_leader_epoch = request.epoch.value();
  partition.snapshot_id.end_offset = request.snapshot.offset.value();
  partition.snapshot_id.epoch = request.snapshot.epoch.value();
  partition.position = request.position_bytes;
  partition.replica_directory_id = request.replica.directory_id;
  return message;
}

Checked<AddVoterRequest> Read(const protocol::AddRaftVoterRequest& request, const Identity& identity) {
  if (const ErrorCode error = CheckCluster(request.cluster_id, identity); error != ErrorCode::kNone) return {error};
  AddVoterRequest message;
  message.replica = {NodeId(request.voter_id), request.voter_directory_id};
  message.endpoints = ReadEndpoints(request.listeners);
  message.timeout = Duration::Millis(request.timeout_ms);
  message.ack_when_committed = request.ack_when_committed;
  return {ErrorCode::kNone, std::move(message)};
}

Checked<RemoveVoterRequest> Read(const protocol::RemoveRaftVoterRequest& request, const Identity& identity) {
  if (const ErrorCode error = CheckCluster(request.cluster_id, identity); error != ErrorCode::kNone) return {error};
  return {ErrorCode::kNone, {{NodeId(request.voter_id), request.voter_directory_id}}};
}

Checked<UpdateVoterRequest> Read(const protocol::UpdateRaftVoterRequest& request, const Identity& identity) {
  if (const ErrorCode error = CheckCluster(request.cluster_id, identity); error != ErrorCode::kNone) return {error};
  UpdateVoterRequest message;
  message.epoch = LeaderEpoch(request.current_leader_epoch);
  message.voter.key = {NodeId(request.voter_id), request.voter_directory_id};
  message.voter.endpoints = ReadEndpoints(request.listeners);
  message.voter.kraft_versions = {request.kraft_version_feature.min_supported_version,
                                  request.kraft_version_feature.max_supported_version};
  return {ErrorCode::kNone, std::move(message)};
}

protocol::UpdateRaftVoterRequest Write(const UpdateVoterRequest& request, const Identity& identity) {
  protocol::UpdateRaftVoterRequest message;
  message.cluster_id = identity.cluster_id;
  message.current_leader_epoch = request.epoch.value();
  message.voter_id = request.voter.key.id.value();
  message.voter_directory_id = request.voter.key.directory_id;
  WriteEndpoints(request.voter.endpoints, message.listeners);
  message.kraft_version_feature.min_supported_version = request.voter.kraft_versions.min;
  message.kraft_version_feature.max_supported_version = request.voter.kraft_versions.max;
  return message;
}

}  // namespace odradek::raft
