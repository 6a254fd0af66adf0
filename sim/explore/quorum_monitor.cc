#include "sim/explore/quorum_monitor.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/metadata/topic_name.h"
#include "engine/raft/quorum_state.h"
#include "engine/storage/file_names.h"
#include "sim/disk/sim_node_disk.h"
#include "sim/explore/broker_program.h"

namespace odradek::explore {
namespace {

// Shorter than any election.
constexpr Duration kLookEvery = Duration::Millis(10);
// Reading disks costs more than all else here.
constexpr uint64_t kVotesEvery = 5;

// nullptr: the node is off, or has no quorum yet.
broker::Controller* ControllerOf(sim::Node& node) {
  if (!node.is_up()) return nullptr;
  broker::Node& process = BrokerOf(node)->node();
  return process.has_quorum() ? &process.controller() : nullptr;
}

}  // namespace

void QuorumMonitor::Start() {
  cluster_.kernel().After(kLookEvery, [this] {
    Look();
    Start();
  });
}

void QuorumMonitor::Look() {
  const bool reads_disks = ++look_count_ % kVotesEvery == 0;
  for (const ServerSetup& server : servers_) {
    sim::Node& node = *cluster_.FindNode(server.name);
    LookAtMember(node);
    if (reads_disks) LookAtVote(server, node);
    LookAtImage(node);
  }
  leaders_of_partitions_.Look();
}

void QuorumMonitor::LookAtMember(sim::Node& node) {
  broker::Controller* controller = ControllerOf(node);
  if (controller == nullptr) return;
  const raft::Election& election = controller->quorum().machine().election();
  properties::QuorumMember member{
      .at_ns = NowNanos(), .node = node.name(), .epoch = election.epoch, .leader = election.leader};
  if (election.leader == kNoNode) return;
  const auto [known, is_new] = leaders_.emplace(election.epoch, election.leader);
  if (!is_new) member.known_leader = known->second;
  book_.Judge(member, fmt::format("epoch {}", election.epoch.value()));
}

void QuorumMonitor::LookAtVote(const ServerSetup& server, sim::Node& node) {
  if (!server.votes()) return;
  const sim::DiskModel& disk = static_cast<sim::SimNodeDisk*>(node.disk())->model();
  const std::string folder = fmt::format("{}/{}-0", server.node.config.metadata_log_dir, metadata::kMetadataTopicName);
  std::optional<raft::QuorumState> state;
  disk.VisitFiles(sim::DiskModel::View::kIntactDurable, folder,
                  [&](std::string_view path, const sim::PagedContent& content) {
                    if (path != storage::kQuorumStateName) return;
                    ByteBuffer bytes(static_cast<size_t>(content.size_bytes()));
                    content.Read(bytes, 0);
                    absl::StatusOr<raft::QuorumState> read = raft::DecodeQuorumState(AsString(bytes));
                    if (read.ok()) state = *std::move(read);
                  });
  if (!state) return;
  properties::QuorumVote vote{
      .at_ns = NowNanos(), .node = node.name(), .epoch = state->leader_epoch, .voted = state->voted_id};
  const auto before = votes_.find(node.name());
  if (before != votes_.end()) {
    vote.epoch_before = before->second.epoch;
    vote.voted_before = before->second.voted;
  }
  votes_[node.name()] = {vote.epoch, vote.voted};
  book_.Judge(vote, node.name());
}

void QuorumMonitor::LookAtImage(sim::Node& node) {
  broker::Controller* controller = ControllerOf(node);
  if (controller == nullptr) return;
  const Offset end = controller->applied_end();
  Offset& looked_until = looked_until_[node.name()];
  if (end == looked_until) return;
  looked_until = end;
  properties::ImageState image{
      .at_ns = NowNanos(), .node = node.name(), .end = end, .fingerprint = metadata::Fingerprint(controller->image())};
  const bool is_latest = images_.empty() || end > images_.rbegin()->first;
  const auto [first, is_new] = images_.emplace(end, SeenImage{image.node, image.fingerprint});
  if (!is_new) {
    image.first_node = first->second.node;
    image.first_fingerprint = first->second.fingerprint;
  }
  book_.Judge(image, fmt::format("offset {}", end.value()));
  if (is_latest) LookAtPartitions(node, controller->image());
}

void QuorumMonitor::LookAtPartitions(sim::Node& node, const metadata::Image& image) {
  for (const auto& [name, topic] : image.topics()) {
    for (const auto& [index, state] : topic->partitions) {
      properties::PartitionInImage partition{.at_ns = NowNanos(),
                                             .node = node.name(),
                                             .partition = {name, index},
                                             .leader = state.leader,
                                             .leader_epoch = state.leader_epoch,
                                             .partition_epoch = state.partition_epoch.value(),
                                             .replicas = state.replicas,
                                             .isr = state.isr,
                                             .elr = state.eligible_leader_replicas,
                                             .adding = state.adding_replicas,
                                             .removing = state.removing_replicas};
      for (const NodeId id : state.replicas) {
        const metadata::BrokerState* broker = image.FindBroker(id);
        if (broker == nullptr || !broker->is_active()) partition.inactive.push_back(id);
      }
      const PartitionId id{topic->id, index};
      const auto before = latest_.find(id);
      const bool is_same = before != latest_.end() && before->second.leader_epoch == state.leader_epoch &&
                           before->second.partition_epoch == state.partition_epoch;
      if (is_same) continue;
      if (before != latest_.end()) {
        partition.leader_epoch_before = before->second.leader_epoch;
        partition.partition_epoch_before = before->second.partition_epoch.value();
        partition.replicas_before = before->second.replicas;
        partition.adding_before = before->second.adding_replicas;
        partition.removing_before = before->second.removing_replicas;
        partition.isr_before = partition.candidates_before = before->second.isr;
        const std::vector<NodeId>& elr = before->second.eligible_leader_replicas;
        partition.candidates_before.insert(partition.candidates_before.end(), elr.begin(), elr.end());
      }
      latest_[id] = state;
      if (state.leader != kNoNode) {
        const auto [known, is_new] =
            partition_leaders_.emplace(std::tuple(topic->id, index, state.leader_epoch), state.leader);
        if (!is_new) partition.known_leader = known->second;
      }
      book_.Judge(partition, ToString(partition.partition));
    }
  }
}

properties::ClusterAtRest QuorumMonitor::AtRest() {
  properties::ClusterAtRest rest{.at_ns = NowNanos()};
  const metadata::Image* newest = nullptr;
  Offset end = kNoOffset;
  for (const ServerSetup& server : servers_) {
    sim::Node& node = *cluster_.FindNode(server.name);
    properties::ClusterAtRest::Node& seen = rest.nodes.emplace_back();
    seen.name = node.name();
    broker::Controller* controller = ControllerOf(node);
    if (controller == nullptr || !BrokerOf(node)->is_serving()) continue;
    seen.state = properties::ClusterAtRest::Node::State::kServing;
    seen.fingerprint = metadata::Fingerprint(controller->image());
    if (controller->applied_end() <= end) continue;
    end = controller->applied_end();
    newest = &controller->image();
  }
  if (newest == nullptr) return rest;
  for (const ServerSetup& server : servers_) {
    if (!server.is_broker()) continue;
    const metadata::BrokerState* broker = newest->FindBroker(server.node.config.node_id);
    if (broker == nullptr || broker->fenced) rest.fenced_brokers.push_back(server.node.config.node_id);
  }
  for (const auto& [name, topic] : newest->topics()) {
    for (const auto& [index, partition] : topic->partitions) {
      if (partition.leader == kNoNode) rest.leaderless.push_back({name, index});
      rest.partitions.push_back(
          {.name = {name, index},
           .replica_count = static_cast<int32_t>(partition.replicas.size()),
           .isr_count = static_cast<int32_t>(partition.isr.size()),
           .is_moving = !partition.adding_replicas.empty() || !partition.removing_replicas.empty()});
    }
  }
  return rest;
}

bool QuorumMonitor::HasConverged() {
  properties::Verdicts verdicts;
  properties::MonitorAll(AtRest(), verdicts);
  return verdicts.violations.empty() && IsAllVisible();
}

bool QuorumMonitor::IsAllVisible() {
  for (const ServerSetup& server : servers_) {
    broker::Node& node = BrokerOf(*cluster_.FindNode(server.name))->node();
    for (int32_t i = 0; i < node.shard_count(); ++i) {
      for (const auto& partition : node.shard(ShardId(i)).Partitions()) {
        if (partition->log().high_watermark() != partition->log().log_end_offset()) return false;
      }
    }
  }
  return true;
}

void QuorumMonitor::LookAtRest() {
  Look();
  book_.Judge(AtRest(), "the end");
}

}  // namespace odradek::explore
