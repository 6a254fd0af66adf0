// All decisions in any order over a small cluster, replayed: what must hold after each of them.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "engine/metadata/controller.h"
#include "engine/metadata/node_ids.h"
#include "engine/metadata/snapshot.h"
#include "tests/engine/metadata/cluster.h"

namespace odradek::metadata {
namespace {

constexpr int kBrokers = 4;
constexpr std::string_view kTopicNames[] = {"a", "b", "c"};

using Partitions = std::map<std::pair<TopicId, PartitionIndex>, PartitionState>;

Partitions PartitionsOf(const Image& image) {
  Partitions out;
  for (const auto& [name, topic] : image.topics()) {
    for (const auto& [index, partition] : topic->partitions) out[{topic->id, index}] = partition;
  }
  return out;
}

// What a step may do that others may not.
enum class Step : uint8_t { kOther, kCancels, kEndsElr };

class World {
 public:
  World(ControllerOptions options, uint64_t seed) : cluster_(0, options), options_(std::move(options)), choices_(seed) {
    options_.node_id = NodeId(1);
    options_.cluster_id = "c";
  }

  int Below(int end) { return static_cast<int>(choices_.Below(static_cast<uint64_t>(end))); }
  bool OneIn(int n) { return Below(n) == 0; }
  NodeId AnyBroker() { return NodeId(1 + Below(kBrokers)); }
  std::string AnyTopic() { return std::string(kTopicNames[Below(3)]); }
  std::vector<int32_t> AnyBrokers() {
    std::vector<int32_t> out;
    const int first = Below(kBrokers);
    for (int i = 0; i < kBrokers; ++i) {
      if (i == 0 || OneIn(2)) out.push_back(1 + (first + i) % kBrokers);
    }
    return out;
  }

  const Image& image() const { return cluster_.image(); }
  const Cluster& cluster() const { return cluster_; }
  Heartbeats& heartbeats() { return heartbeats_; }
  MonoTime now() const { return now_; }
  void Pass(Duration time) { now_ = now_ + time; }
  void Write(const std::vector<Record>& records) { cluster_.Write(records); }

  // Decides, checks that the decision follows from what a snapshot holds, replays, and checks what it led to.
  template <typename Decide>
  auto Take(Decide decide, Step step = Step::kOther) {
    const Image before = image();
    base::Prng draws(seed_);
    auto outcome = decide(cluster_.controller(), draws);
    CheckFollowsFromSnapshot(decide, outcome);
    RC_ASSERT(image() == before);  // M6
    ++seed_;
    cluster_.Write(outcome.records);
    CheckChange(before, step);
    CheckState();
    CheckNeverTwice(outcome.records);
    return outcome.response;
  }
  void CheckReplay() const;

 private:
  template <typename Decide, typename Out>
  void CheckFollowsFromSnapshot(Decide decide, const Out& outcome) {
    const auto snapshot = DecodeSnapshot(EncodeSnapshot(image(), SnapshotOptions()));
    RC_ASSERT(snapshot.ok());
    RC_ASSERT(snapshot->image == image());
    const Controller other(options_, Fold(snapshot->image), context_);
    base::Prng draws(seed_);
    RC_ASSERT(decide(other, draws).records == outcome.records);
  }
  void CheckState() const;
  void CheckChange(const Image& before, Step step) const;
  void CheckNeverTwice(const std::vector<Record>& records);

  Cluster cluster_;
  ControllerOptions options_;
  Heartbeats heartbeats_{Duration::Seconds(9)};
  MonoTime now_;
  base::NullContext context_;
  base::Prng choices_;
  uint64_t seed_ = 1;
  std::set<TopicId> topic_ids_;
  ProducerId next_producer_id_{0};
};

void World::CheckState() const {
  for (const auto& [name, topic] : image().topics()) {
    const TopicRules rules = RulesOf(image(), {NodeId(1), &options_.static_properties}, *topic);
    for (const auto& [index, partition] : topic->partitions) {
      const auto problem = StructureProblem(partition, rules.partition.min_isr);  // R8
      if (problem) RC_FAIL(*problem);
      if (partition.leader == kNoNode) continue;
      const BrokerState* const leader = image().FindBroker(partition.leader);
      RC_ASSERT(leader != nullptr);
      RC_ASSERT(leader->is_active());  // M3
    }
  }
}

void World::CheckChange(const Image& before, Step step) const {
  const Partitions old = PartitionsOf(before);
  for (const auto& [key, partition] : PartitionsOf(image())) {
    const auto at = old.find(key);
    if (at == old.end()) continue;
    const PartitionState& was = at->second;
    RC_ASSERT(partition.leader_epoch >= was.leader_epoch);  // R14
    RC_ASSERT(partition.partition_epoch >= was.partition_epoch);
    if (partition.leader != was.leader) RC_ASSERT(partition.leader_epoch > was.leader_epoch);
    if (partition.leader_epoch != was.leader_epoch) RC_ASSERT(partition.partition_epoch > was.partition_epoch);
    const bool was_moving = !was.adding_replicas.empty() || !was.removing_replicas.empty();
    const bool is_moving = !partition.adding_replicas.empty() || !partition.removing_replicas.empty();
    // R16. A move to the replicas that are there already takes nobody in and lets nobody go: it ends at once.
    const bool changes_replicas = !was.adding_replicas.empty() || !Without(was.replicas, partition.replicas).empty();
    if (was_moving && !is_moving && step != Step::kCancels && changes_replicas) {
      RC_ASSERT(ContainsAll(partition.isr, partition.replicas));
    }
    const bool was_elected = partition.leader != was.leader && partition.leader != kNoNode;
    // As a move ends, who leads from now on may have joined the ISR by the same AlterPartition.
    const bool was_in_sync = Contains(was.isr, partition.leader) || (was_moving && !is_moving);
    if (was_elected && !was_in_sync && !Contains(was.eligible_leader_replicas, partition.leader)) {  // SEMANTICS.md 31
      RC_ASSERT(partition.isr == std::vector<NodeId>{partition.leader});
      RC_ASSERT(partition.recovery == LeaderRecovery::kRecovering);
      RC_ASSERT(partition.eligible_leader_replicas.empty());
    }
    if (step == Step::kEndsElr) continue;
    for (const NodeId id : Without(partition.isr, was.isr)) {
      RC_ASSERT(image().FindBroker(id) != nullptr);
      RC_ASSERT(image().FindBroker(id)->is_active());  // R8: newly added
    }
  }
  for (const auto& [id, broker] : image().brokers()) {
    if (const BrokerState* const was = before.FindBroker(id)) RC_ASSERT(broker.epoch >= was->epoch);
  }
}

void World::CheckNeverTwice(const std::vector<Record>& records) {  // M7
  for (const Record& record : records) {
    if (const auto* const topic = std::get_if<protocol::TopicRecord>(&record)) {
      RC_ASSERT(topic_ids_.insert(topic->topic_id).second);
    }
  }
  RC_ASSERT(image().producer_ids().next >= next_producer_id_);
  next_producer_id_ = image().producer_ids().next;
}

void World::CheckReplay() const {  // M1
  Fold fold;
  for (const Record& record : cluster_.log()) RC_ASSERT(fold.Apply(record).ok());
  RC_ASSERT(fold.image() == image());
  RC_ASSERT(Fingerprint(fold.image()) == Fingerprint(image()));
}

void StepRegister(World& world) {
  const NodeId id = world.AnyBroker();
  const BrokerState* const existing = world.image().FindBroker(id);
  BrokerRegistration request = Cluster::Registration(id, static_cast<uint64_t>(1 + world.Below(1000000)));
  const bool is_proven = existing != nullptr && world.OneIn(2);
  if (is_proven) request.previous_epoch = existing->epoch;
  if (existing != nullptr && world.OneIn(4)) request.incarnation_id = existing->incarnation_id;
  const bool is_same = existing != nullptr && request.incarnation_id == existing->incarnation_id;
  const Session session =
      existing == nullptr ? Session::kExpired : world.heartbeats().SessionOf({id, existing->epoch}, world.now());
  const Offset next = world.cluster().end();
  const std::optional<BrokerEpoch> old_epoch = existing == nullptr ? std::nullopt : std::optional(existing->epoch);
  const RegistrationResult result =
      world.Take([&](const Controller& c, base::Prng&) { return c.RegisterBroker(request, next, session); });
  if (result.failure) {
    RC_ASSERT(session == Session::kLive && !is_same);
    return;
  }
  if (is_same) RC_ASSERT(result.epoch == *old_epoch);  // CT06
  if (!is_same && old_epoch) RC_ASSERT(result.epoch > *old_epoch);
  world.heartbeats().Registered({id, result.epoch}, world.now());
  if (is_same || is_proven || !IsElrEnabled(world.image())) return;
  for (const auto& [key, partition] : PartitionsOf(world.image())) {  // R15
    RC_ASSERT(!Contains(partition.isr, id) && !Contains(partition.eligible_leader_replicas, id));
  }
}

void StepHeartbeat(World& world) {
  const NodeId id = world.AnyBroker();
  const BrokerState* const broker = world.image().FindBroker(id);
  if (broker == nullptr) return;
  protocol::BrokerHeartbeatRequest request;
  request.broker_id = id.value();
  request.broker_epoch = broker->epoch.value() - (world.OneIn(10) ? 1 : 0);
  request.current_metadata_offset = world.cluster().end().value() - 1 - (world.OneIn(3) ? world.Below(20) : 0);
  request.want_fence = world.OneIn(8);
  request.want_shut_down = world.OneIn(4);
  if (world.OneIn(8)) request.offline_log_dirs = broker->log_dirs;
  if (world.OneIn(8)) request.cordoned_log_dirs = broker->log_dirs;
  const BrokerIdentity identity{id, BrokerEpoch(request.broker_epoch)};
  world.heartbeats().Received(identity, Offset(request.current_metadata_offset), world.now());
  const bool was_fenced = broker->fenced;
  const BrokerEpoch epoch = broker->epoch;
  const HeartbeatResult result =
      world.Take([&](const Controller& c, base::Prng&) { return c.Heartbeat(request, world.heartbeats()); });
  if (result.failure) {
    RC_ASSERT(identity.epoch != epoch);
    return;
  }
  RC_ASSERT(world.image().FindBroker(id)->fenced == result.is_fenced());
  if (was_fenced && !result.is_fenced()) RC_ASSERT(request.current_metadata_offset >= epoch.value());
  if (result.should_shut_down()) RC_ASSERT(!HasLeaderships(world.image(), id));
  world.heartbeats().Decided(identity, result.control, world.cluster().end() - 1);
}

void StepFenceSilent(World& world) {
  world.Pass(Duration::Seconds(world.Below(6)));
  while (const auto expired = world.heartbeats().FindExpired(world.image(), world.now())) {
    const MaybeFailure failure =
        world.Take([&](const Controller& c, base::Prng&) { return c.FenceBroker(expired->id, expired->epoch); });
    RC_ASSERT(!failure.has_value());
    world.heartbeats().Fenced(*expired);
  }
}

void StepUnregister(World& world) {
  protocol::UnregisterBrokerRequest request;
  request.broker_id = world.AnyBroker().value();
  world.Take([&](const Controller& c, base::Prng&) { return c.UnregisterBroker(request); });
  world.heartbeats().Unregistered(NodeId(request.broker_id));
}

void StepTopics(World& world) {
  const std::string name = world.AnyTopic();
  if (world.image().FindTopic(name) == nullptr) {
    protocol::CreateTopicsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    const bool is_manual = world.OneIn(2);
    topic.num_partitions = is_manual ? -1 : 1 + world.Below(3);
    topic.replication_factor = static_cast<int16_t>(is_manual ? -1 : 1 + world.Below(kBrokers));
    if (is_manual) topic.assignments.push_back({0, world.AnyBrokers()});
    world.Take([&](const Controller& c, base::Prng& draws) { return c.CreateTopics(request, draws); });
  } else if (world.OneIn(4)) {
    protocol::DeleteTopicsRequest request;
    request.topics.push_back({name, Uuid()});
    world.Take([&](const Controller& c, base::Prng&) { return c.DeleteTopics(request, 6); });
  } else {
    protocol::CreatePartitionsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.count = 1 + world.Below(4);
    topic.assignments = std::nullopt;
    world.Take([&](const Controller& c, base::Prng& draws) { return c.CreatePartitions(request, draws); });
  }
}

void StepAlterPartition(World& world) {
  const Partitions partitions = PartitionsOf(world.image());
  if (partitions.empty()) return;
  const auto& [key, partition] = *std::next(partitions.begin(), world.Below(static_cast<int>(partitions.size())));
  const NodeId sender = world.OneIn(8) ? world.AnyBroker() : partition.leader;
  const BrokerState* const broker = world.image().FindBroker(sender);
  if (broker == nullptr) return;
  protocol::AlterPartitionRequest request;
  request.broker_id = sender.value();
  request.broker_epoch = broker->epoch.value();
  auto& topic = request.topics.emplace_back();
  topic.topic_id = key.first;
  auto& p = topic.partitions.emplace_back();
  p.partition_index = key.second.value();
  p.leader_epoch = partition.leader_epoch.value() + (world.OneIn(10) ? world.Below(3) - 1 : 0);
  p.partition_epoch = partition.partition_epoch.value() + (world.OneIn(10) ? world.Below(3) - 1 : 0);
  p.leader_recovery_state = world.OneIn(8) ? 1 : 0;
  for (const NodeId id : partition.replicas) {
    const BrokerState* const member = world.image().FindBroker(id);
    if (id != partition.leader && world.OneIn(3)) continue;
    p.new_isr_with_epochs.push_back(
        {id.value(), member == nullptr ? -1 : member->epoch.value() - (world.OneIn(12) ? 1 : 0)});
  }
  world.Take([&](const Controller& c, base::Prng&) { return c.AlterPartition(request, 3); });
}

void StepMove(World& world) {
  const bool cancels = world.OneIn(3);
  protocol::AlterPartitionReassignmentsRequest request;
  request.allow_replication_factor_change = world.OneIn(2);
  request.topics.push_back({world.AnyTopic(), {}});
  request.topics[0].partitions.push_back({world.Below(2), std::nullopt});
  if (!cancels) request.topics[0].partitions[0].replicas = world.AnyBrokers();
  world.Take([&](const Controller& c, base::Prng&) { return c.AlterPartitionReassignments(request); },
             cancels ? Step::kCancels : Step::kOther);
}

void StepElect(World& world) {
  protocol::ElectLeadersRequest request;
  request.election_type = static_cast<int8_t>(world.Below(2));
  request.topic_partitions = std::nullopt;
  switch (world.Below(3)) {
    case 0:
      world.Take([&](const Controller& c, base::Prng&) { return c.ElectLeaders(request, 2); });
      break;
    case 1:
      world.Take([&](const Controller& c, base::Prng&) { return c.BalanceLeaders(); });
      break;
    default:
      world.Take([&](const Controller& c, base::Prng&) { return c.ElectUncleanLeaders(); });
  }
}

void StepConfigs(World& world) {
  protocol::IncrementalAlterConfigsRequest request;
  const bool is_unclean = world.OneIn(2);
  const std::string name = is_unclean ? "unclean.leader.election.enable" : "min.insync.replicas";
  const std::string value = is_unclean ? (world.OneIn(2) ? "true" : "false") : std::to_string(1 + world.Below(3));
  const bool is_topic = is_unclean || world.OneIn(2);
  const ResourceType type = is_topic ? ResourceType::kTopic : ResourceType::kBroker;
  request.resources.push_back({static_cast<int8_t>(type), is_topic ? world.AnyTopic() : "", {{name, 0, value}}});
  world.Take([&](const Controller& c, base::Prng&) { return c.IncrementalAlterConfigs(request); });
}

void StepFeatures(World& world) {
  const bool is_up = world.OneIn(2);
  protocol::UpdateFeaturesRequest request;
  auto& update = request.feature_updates.emplace_back();
  update.feature = "eligible.leader.replicas.version";
  update.max_version_level = is_up ? 1 : 0;
  update.upgrade_type = is_up ? 1 : 2;
  world.Take([&](const Controller& c, base::Prng&) { return c.UpdateFeatures(request, 2); },
             is_up ? Step::kOther : Step::kEndsElr);
}

void StepDirectories(World& world) {
  const NodeId id = world.AnyBroker();
  const BrokerState* const broker = world.image().FindBroker(id);
  if (broker == nullptr || broker->log_dirs.empty()) return;
  protocol::AssignReplicasToDirsRequest request;
  request.broker_id = id.value();
  request.broker_epoch = broker->epoch.value();
  auto& directory = request.directories.emplace_back();
  directory.id = world.OneIn(3) ? kLostDirectory : broker->log_dirs.front();
  const TopicState* const topic = world.image().FindTopic(world.AnyTopic());
  directory.topics.push_back({topic == nullptr ? Uuid{1, 2} : topic->id, {{0}, {1}}});
  world.Take([&](const Controller& c, base::Prng&) { return c.AssignReplicasToDirs(request); });
}

void StepIdsAndQuotas(World& world) {
  const NodeId id = world.AnyBroker();
  const BrokerState* const broker = world.image().FindBroker(id);
  if (broker != nullptr) {
    const BrokerEpoch epoch = broker->epoch;
    world.Take([&](const Controller& c, base::Prng&) { return c.AllocateProducerIds(id, epoch); });
  }
  protocol::AlterClientQuotasRequest request;
  auto& entry = request.entries.emplace_back();
  entry.entity.push_back({"user", world.AnyTopic()});
  entry.ops.push_back({"producer_byte_rate", static_cast<double>(1 + world.Below(3)), world.OneIn(3)});
  world.Take([&](const Controller& c, base::Prng&) { return c.AlterClientQuotas(request); });
}

RC_GTEST_PROP(Decisions, KeepTheInvariantsInAnyOrder, (uint64_t seed)) {
  base::Prng choices(base::Mix64(seed));
  ControllerOptions options;
  const bool with_elr = choices.Below(2) == 0;
  if (with_elr) options.bootstrap_features = {{"eligible.leader.replicas.version", 1}};
  options.static_properties = {{"min.insync.replicas", std::to_string(1 + choices.Below(3))}};
  World world(options, seed);
  protocol::FeatureLevelRecord level;
  level.name = "metadata.version";
  constexpr int16_t kLevels[] = {11, 16, 22, 23, 30, 30, 30};
  level.feature_level = kLevels[choices.Below(std::size(kLevels))];
  if (!with_elr) world.Write({level});
  constexpr void (*kSteps[])(World&) = {StepRegister,       StepHeartbeat,   StepHeartbeat,      StepHeartbeat,
                                        StepHeartbeat,      StepFenceSilent, StepUnregister,     StepTopics,
                                        StepTopics,         StepElect,       StepAlterPartition, StepAlterPartition,
                                        StepAlterPartition, StepMove,        StepMove,           StepConfigs,
                                        StepFeatures,       StepDirectories, StepIdsAndQuotas,   StepRegister};
  for (int id = 1; id <= kBrokers; ++id) StepRegister(world);
  const uint64_t count = choices.Below(200);
  for (uint64_t i = 0; i < count; ++i) kSteps[world.Below(static_cast<int>(std::size(kSteps)))](world);
  world.CheckReplay();
}

}  // namespace
}  // namespace odradek::metadata
