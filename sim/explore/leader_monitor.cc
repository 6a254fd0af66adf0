#include "sim/explore/leader_monitor.h"

#include <algorithm>
#include <memory>
#include <string>
#include <variant>

#include "sim/explore/broker_program.h"

namespace odradek::explore {
namespace {

std::vector<NodeId> CandidatesOf(const metadata::PartitionState& partition) {
  std::vector<NodeId> all = partition.isr;
  const std::vector<NodeId>& elr = partition.eligible_leader_replicas;
  all.insert(all.end(), elr.begin(), elr.end());
  return all;
}

bool Has(const std::vector<NodeId>& ids, NodeId id) {
  return std::ranges::find(ids, id) != ids.end();
}

TopicPartition NameOf(const env::PartitionName& partition) {
  return {std::string(partition.topic), partition.partition};
}

// nullptr: the node serves nobody.
broker::Node* ServingNode(sim::Node& node) {
  if (node.state() != sim::Node::State::kRunning) return nullptr;
  BrokerProcess* process = BrokerOf(node);
  return process != nullptr && process->is_serving() && process->node().has_quorum() ? &process->node() : nullptr;
}

}  // namespace

const ServerSetup* LeaderMonitor::SetupOf(sim::NodeIndex node) const {
  const auto at = std::ranges::find(servers_, cluster_.node(node).name(), &ServerSetup::name);
  return at == servers_.end() ? nullptr : &*at;
}

sim::Node* LeaderMonitor::FindNode(NodeId id) {
  for (const ServerSetup& server : servers_) {
    if (server.node.config.node_id == id) return cluster_.FindNode(server.name);
  }
  return nullptr;
}

const metadata::PartitionState* LeaderMonitor::StateIn(const metadata::Image& image, const TopicPartition& name) {
  const metadata::TopicState* topic = image.FindTopic(name.topic);
  if (topic == nullptr) return nullptr;
  const auto at = topic->partitions.find(name.partition);
  return at == topic->partitions.end() ? nullptr : &at->second;
}

bool LeaderMonitor::HasLost(const Key& replica, const metadata::Image& image) {
  const auto lost = lost_.find(replica);
  if (lost == lost_.end()) return false;
  const metadata::BrokerState* broker = image.FindBroker(SetupOf(replica.first)->node.config.node_id);
  if (broker == nullptr || broker->epoch <= lost->second) return true;
  lost_.erase(lost);
  return false;
}

const metadata::Image* LeaderMonitor::NewestImage() {
  const Offset end = view_.NewestEnd(cluster_);
  if (end < newest_end_) return nullptr;
  newest_end_ = end;
  return view_.NewestImage(cluster_);
}

void LeaderMonitor::OnObservation(sim::NodeIndex node, ShardId shard, const env::Observation& observation) {
  if (const auto* moved = std::get_if<env::HighWatermarkMoved>(&observation)) {
    OnHighWatermark(node, shard, *moved);
  } else if (const auto* truncating = std::get_if<env::LogTruncating>(&observation)) {
    OnTruncating(node, *truncating);
  } else if (const auto* truncated = std::get_if<env::LogTruncated>(&observation)) {
    touched_.insert(NameOf(truncated->partition));
  } else if (const auto* answered = std::get_if<env::FetchOutOfRange>(&observation)) {
    OnOutOfRange(node, shard, *answered);
  } else if (const auto* recovered = std::get_if<env::LogRecovered>(&observation)) {
    const TopicPartition name = NameOf(recovered->partition);
    touched_.insert(name);
    if (replicas_.HasLostItsEnd(node, name)) lost_[{node, name}] = epochs_[SetupOf(node)->node.config.node_id];
  }
}

void LeaderMonitor::OnHighWatermark(sim::NodeIndex index, ShardId shard, const env::HighWatermarkMoved& moved) {
  const TopicPartition name = NameOf(moved.partition);
  touched_.insert(name);
  sim::Node& node = cluster_.node(index);
  broker::Node* serving = ServingNode(node);
  const metadata::Image* newest = NewestImage();
  if (serving == nullptr || newest == nullptr || !SetupOf(index)->is_broker()) return;
  const std::shared_ptr<broker::Partition> partition = serving->shard(shard).Find(name);
  if (partition == nullptr) return;
  const std::optional<properties::LeaderState> leader = LeaderStateOf(node, partition->replica(), *newest);
  if (!leader) return;
  book_.Judge(*leader, ToString(name));
  properties::LeaderCommit commit{.at_ns = NowNanos(),
                                  .node = node.name(),
                                  .partition = name,
                                  .high_watermark = moved.high_watermark,
                                  .isr_count = static_cast<int32_t>(leader->isr.size()),
                                  .min_isr = leader->min_isr};
  for (const NodeId id : leader->candidates) {
    sim::Node* member = FindNode(id);
    if (member == nullptr || member == &node || HasLost({member->index(), name}, *newest)) continue;
    const std::optional<Offset> end = replicas_.EndOf(member->index(), name);
    if (!end) continue;
    commit.in_sync.push_back(
        {member->name(), *end, replicas_.FirstDifference(member->index(), name, moved.high_watermark)});
  }
  book_.Judge(commit, ToString(name));
}

void LeaderMonitor::OnTruncating(sim::NodeIndex index, const env::LogTruncating& truncating) {
  const TopicPartition name = NameOf(truncating.partition);
  const metadata::Image* newest = NewestImage();
  const metadata::PartitionState* partition = newest == nullptr ? nullptr : StateIn(*newest, name);
  const std::optional<Offset> end = replicas_.EndOf(index, name);
  if (partition == nullptr || !end || HasLost({index, name}, *newest)) return;
  if (!Has(CandidatesOf(*partition), SetupOf(index)->node.config.node_id)) return;
  properties::CandidateTruncation truncation{.at_ns = NowNanos(),
                                             .node = cluster_.node(index).name(),
                                             .partition = name,
                                             .end = truncating.log_end_offset,
                                             .end_before = *end,
                                             .committed_end = replicas_.CommittedEnd(name)};
  book_.Judge(truncation, ToString(name));
}

void LeaderMonitor::OnOutOfRange(sim::NodeIndex index, ShardId shard, const env::FetchOutOfRange& answered) {
  const TopicPartition name = NameOf(answered.partition);
  sim::Node& node = cluster_.node(index);
  broker::Node* serving = ServingNode(node);
  const metadata::Image* newest = NewestImage();
  if (serving == nullptr || newest == nullptr || !replicas_.EndOf(index, name)) return;
  const std::shared_ptr<broker::Partition> partition = serving->shard(shard).Find(name);
  if (partition == nullptr) return;
  const broker::PartitionReplica& replica = partition->replica();
  const bool leads = replica.machine().role() == replication::Role::kLeader;
  if (leads && !LeaderStateOf(node, replica, *newest)) return;
  properties::OutOfRangeAnswer answer{.at_ns = NowNanos(),
                                      .node = node.name(),
                                      .partition = name,
                                      .fetch_offset = answered.fetch_offset,
                                      .log_start_offset = answered.log_start_offset,
                                      .committed_end = replicas_.CommittedEnd(name)};
  book_.Judge(answer, ToString(name));
}

// A question that changes nothing.
void LeaderMonitor::LookAtRedirections(sim::Node& node, const replication::Replica& machine, const TopicPartition& name,
                                       const Racks& racks) {
  properties::Redirection redirection{.at_ns = NowNanos(),
                                      .node = node.name(),
                                      .partition = name,
                                      .isr = std::get<replication::Leader>(machine.state()).isr.committed(),
                                      .inactive = racks.inactive};
  for (const std::string& rack : racks.names) {
    redirection.rack = rack;
    const replication::ConsumerFetch fetch{.position = {.fetch_offset = machine.log().start()}, .rack = rack};
    const replication::Surroundings around{.now = cluster_.kernel().Now(), .brokers = racks.brokers};
    redirection.to = machine.AnswerTo(fetch, around).preferred_read_replica;
    book_.Judge(redirection, ToString(name));
  }
}

void LeaderMonitor::Look() {
  const metadata::Image* newest = NewestImage();
  if (newest == nullptr) return;
  for (const auto& [id, broker] : newest->brokers()) epochs_[id] = std::max(epochs_[id], broker.epoch);
  for (const auto& [name, topic] : newest->topics()) {
    for (const auto& [index, partition] : topic->partitions) {
      const TopicPartition at{name, index};
      if (newest_end_ > judged_end_ || touched_.contains(at)) LookAtCandidates(*newest, at, partition);
    }
  }
  judged_end_ = newest_end_;
  touched_.clear();
  for (const ServerSetup& server : servers_) {
    if (server.is_broker()) LookAtLeaders(*cluster_.FindNode(server.name), *newest);
  }
}

void LeaderMonitor::LookAtCandidates(const metadata::Image& image, const TopicPartition& name,
                                     const metadata::PartitionState& partition) {
  if (partition.replicas.size() < 2) return;
  for (const NodeId id : CandidatesOf(partition)) {
    sim::Node* node = FindNode(id);
    if (node == nullptr || HasLost({node->index(), name}, image)) continue;
    const std::optional<Offset> end = replicas_.EndOf(node->index(), name);
    if (!end) continue;
    const Offset committed_end = replicas_.CommittedEnd(name);
    properties::CandidateState candidate{.at_ns = NowNanos(),
                                         .node = node->name(),
                                         .partition = name,
                                         .end = *end,
                                         .committed_end = committed_end,
                                         .differs_at = replicas_.FirstDifference(node->index(), name, committed_end)};
    book_.Judge(candidate, ToString(name));
  }
}

std::optional<properties::LeaderState> LeaderMonitor::LeaderStateOf(sim::Node& node,
                                                                    const broker::PartitionReplica& replica,
                                                                    const metadata::Image& newest) {
  const replication::Replica& machine = replica.machine();
  const metadata::TopicState* topic = newest.FindTopicById(replica.topic_id());
  const auto* leader = std::get_if<replication::Leader>(&machine.state());
  if (topic == nullptr || leader == nullptr) return std::nullopt;
  const metadata::PartitionState& state = topic->partitions.at(replica.name().partition);
  if (state.leader != machine.leader() || state.leader_epoch != machine.leader_epoch()) return std::nullopt;
  return properties::LeaderState{.at_ns = NowNanos(),
                                 .node = node.name(),
                                 .partition = replica.name(),
                                 .isr = leader->isr.committed(),
                                 .maximal_isr = leader->isr.Maximal(),
                                 .candidates = CandidatesOf(state),
                                 .min_isr = static_cast<int32_t>(machine.effective_min_isr())};
}

bool LeaderMonitor::IsHeldBack(const replication::Replica& machine, const metadata::Image& own_image) {
  const auto& leader = std::get<replication::Leader>(machine.state());
  if (leader.isr.committed().size() < machine.effective_min_isr()) return false;
  const bool is_flushed = machine.options().own_end == replication::OwnEnd::kFlushed;
  Offset lowest = is_flushed ? std::min(leader.flushed_end, machine.log().end()) : machine.log().end();
  for (const auto& [id, progress] : leader.followers.all()) {
    const metadata::BrokerState* broker = own_image.FindBroker(id);
    if (leader.isr.MaximalHas(id)) {
      if (!progress.end) return false;
      lowest = std::min(lowest, *progress.end);
    } else if (progress.end && broker != nullptr && broker->is_active()) {
      return false;  // it may be about to join
    }
  }
  return machine.high_watermark() < lowest;
}

LeaderMonitor::Racks LeaderMonitor::RacksIn(const metadata::Image& image) {
  Racks racks;
  for (const auto& [id, broker] : image.brokers()) {
    if (broker.rack) racks.names.insert(*broker.rack);
    if (!broker.is_active()) racks.inactive.push_back(id);
    racks.brokers[id] = {.epoch = broker.epoch,
                         .fenced = broker.fenced,
                         .in_controlled_shutdown = broker.in_controlled_shutdown,
                         .rack = broker.rack.value_or(std::string())};
  }
  return racks;
}

void LeaderMonitor::LookAtLeaders(sim::Node& node, const metadata::Image& newest) {
  broker::Node* serving = ServingNode(node);
  if (serving == nullptr) {
    std::erase_if(held_since_, [&](const auto& entry) { return entry.first.first == node.index(); });
    return;
  }
  const metadata::Image& own_image = serving->controller().image();
  const Racks racks = RacksIn(own_image);
  for (int32_t i = 0; i < serving->shard_count(); ++i) {
    for (const auto& partition : serving->shard(ShardId(i)).Partitions()) {
      const replication::Replica& machine = partition->replica().machine();
      const Key key{node.index(), partition->replica().name()};
      std::optional<properties::LeaderState> leader = LeaderStateOf(node, partition->replica(), newest);
      if (!leader || !IsHeldBack(machine, own_image)) held_since_.erase(key);
      if (!leader) continue;
      if (IsHeldBack(machine, own_image)) {
        leader->held_back_ns = NowNanos() - held_since_.emplace(key, NowNanos()).first->second;
      }
      book_.Judge(*leader, ToString(key.second));
      LookAtRedirections(node, machine, key.second, racks);
    }
  }
}

}  // namespace odradek::explore
