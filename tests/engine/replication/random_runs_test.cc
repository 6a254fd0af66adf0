// Long random runs of three to five brokers: questions and answers lost, delayed, repeated and reordered, metadata that
// comes late and in leaps, fencing, crashes that lose what was not flushed (fewer at a time than min.insync.replicas),
// clean stops, reassignments that delete logs. Then the faults end and the partition must come together.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "engine/base/prng.h"
#include "tests/engine/replication/world_text.h"

namespace odradek::replication {
namespace {

class RandomRun {
 public:
  explicit RandomRun(uint64_t seed) : random_(seed), options_(Draw(seed)), world_(options_) {
    crash_ppm_ = random_.Below(3) == 0 ? 10000 : 0;
    is_moving_ = random_.Below(2) == 0;
    is_unsettled_ = random_.Below(3) == 0;
  }

  // The whole life of the partition; empty: all was well.
  std::string Play() {
    for (int i = 0; i < kFaultySteps && world_.ok(); ++i) {
      FaultyStep();
      if (world_.ok()) world_.CheckAll();
    }
    if (!world_.ok()) return world_.checker().violation();
    return Heal();
  }

  const World& world() const { return world_; }

 private:
  static constexpr int kFaultySteps = 1200;

  static ReplicationOptions Draw(uint64_t seed) {
    base::Prng random(base::Mix64(seed));
    ReplicationOptions options;
    options.replicas = static_cast<int32_t>(random.Between(2, 4));
    options.brokers = options.replicas + static_cast<int32_t>(random.Below(2));
    options.min_isr = static_cast<int32_t>(random.Between(1, std::min(options.replicas, 3)));
    options.entries_per_fetch = random.Between(1, 4);
    options.truncation = random.Below(4) == 0 ? Truncation::kByEpochRequest : Truncation::kOnFetch;
    options.own_end = random.Below(4) == 0 ? OwnEnd::kFlushed : OwnEnd::kAppended;
    return options;
  }

  BrokerNode& AnyNode() { return world_.nodes()[random_.Below(world_.nodes().size())]; }

  // A few steps end with the node dying between two effects.
  size_t DrawCut(const BrokerNode& node) {
    if (crash_ppm_ == 0 || !random_.PartsPerMillion(crash_ppm_) || !MayLose(node)) return World::kNoCut;
    return random_.Below(4);
  }
  // The assumption: fewer replicas than min.insync.replicas have lost something and are not back.
  bool MayLose(const BrokerNode& node) const {
    size_t lossy = world_.checker().lossy().size();
    if (!world_.checker().lossy().contains(node.id)) ++lossy;
    return lossy < world_.controller().effective_min_isr();
  }

  void Message() {
    if (!world_.wires().empty()) {
      const size_t at = random_.Below(random_.Below(3) == 0 ? world_.wires().size() : 1);
      const Wire wire = world_.wires()[at];
      if (random_.Below(40) == 0) return world_.Lose(at);
      world_.Deliver(at, DrawCut(world_.Node(wire.to)));
      if (random_.Below(25) == 0) world_.wires().push_back(wire);  // and again, later
    }
  }

  void ControllerMessage() {
    BrokerNode& node = AnyNode();
    if (!node.alters.empty() && random_.Below(3) != 0) {
      if (random_.Below(8) == 0) return node.alters.pop_front();
      return world_.DeliverAlter(node);
    }
    if (world_.controller_wires().empty()) return;
    const size_t at = random_.Below(world_.controller_wires().size());
    const ControllerWire wire = world_.controller_wires()[at];
    if (random_.Below(8) == 0) {
      world_.controller_wires().erase(world_.controller_wires().begin() + static_cast<std::ptrdiff_t>(at));
      return;
    }
    world_.DeliverAlterAnswer(at, DrawCut(world_.Node(wire.to)));
    if (random_.Below(8) == 0) world_.controller_wires().push_back(wire);
  }

  void Metadata() {
    BrokerNode& node = AnyNode();
    const size_t last = world_.controller().log().size() - 1;
    if (!node.machine || node.view >= last) return;
    const size_t at_least = std::max(node.view + 1, node.registered);
    const bool leaps = random_.Below(3) == 0;
    const size_t to = leaps ? at_least + random_.Below(last - at_least + 1) : at_least;
    world_.TakeIn(node, to, DrawCut(node));
  }

  void Life() {
    BrokerNode& node = AnyNode();
    if (!node.machine) return world_.Restart(node);
    switch (random_.Below(6)) {
      case 0:
        if (MayLose(node)) world_.Crash(node, random_.Between(0, 2));
        break;
      case 1:
        world_.Stop(node);
        break;
      case 2:
      case 3:
        if (!world_.controller().brokers().at(node.id).fenced) world_.controller().Fence(node.id);
        break;
      default:
        Unfence(node);
    }
  }

  void Unfence(BrokerNode& node) {
    const bool is_fenced = world_.controller().brokers().at(node.id).fenced;
    if (is_fenced && world_.HasTakenInItself(node)) world_.controller().Unfence(node.id);
  }

  void Operator() {
    ControllerModel& controller = world_.controller();
    if (random_.Below(2) == 0 || world_.nodes().size() == static_cast<size_t>(options_.replicas)) {
      const NodeIds isr = controller.partition().isr;
      if (!isr.empty()) controller.MoveLeader(isr[random_.Below(isr.size())]);
    } else if (!controller.is_reassigning()) {
      NodeIds target = controller.partition().replicas;
      target[random_.Below(target.size())] = AnyNode().id;
      std::ranges::sort(target);
      const bool is_set = std::ranges::adjacent_find(target) == target.end();
      if (is_set) controller.Reassign(target);
    }
  }

  void Ask() {
    BrokerNode& node = AnyNode();
    if (world_.MayAsk(node)) {
      world_.Ask(node);
    } else if (node.asked && random_.Below(12) == 0) {
      world_.GiveUp(node, DrawCut(node));
    }
  }

  void Client() {
    BrokerNode& node = AnyNode();
    if (!node.machine || node.machine->role() != Role::kLeader) return;
    if (random_.Below(12) == 0) return world_.Delete(node);
    if (random_.Below(2) == 0) world_.Produce(node, random_.Below(4) == 0 ? Acks::kLeader : Acks::kAll);
  }

  void Time() {
    world_.Advance(Duration::Millis(random_.Between(1, is_moving_ ? 20 : 100)));
    for (BrokerNode& node : world_.nodes()) {
      if (node.machine && node.machine->next_deadline() <= world_.now()) world_.Tick(node, DrawCut(node));
    }
  }

  void FaultyStep() {
    switch (random_.Below(32)) {
      case 0:
        return Time();
      case 1:
        if (random_.Below(is_moving_ ? 2 : 5) == 0) Life();
        return;
      case 2:
        if (random_.Below(is_unsettled_ ? 2 : 6) == 0) Operator();
        return;
      case 3: {
        BrokerNode& node = AnyNode();
        if (world_.IsAltering(node) && random_.Below(4) == 0) world_.FailAlter(node, DrawCut(node));
        return;
      }
      case 4:
        return random_.Below(4) == 0 ? world_.Flush(AnyNode()) : Unfence(AnyNode());
      case 5:
      case 6:
      case 7:
        return ControllerMessage();
      case 8:
      case 9:
      case 10:
        return Metadata();
      case 11:
      case 12:
      case 13:
      case 14:
        return Client();
      case 15:
      case 16:
      case 17:
      case 18:
      case 19:
      case 20:
      case 21:
      case 22:
        return Ask();
      default:
        return Message();
    }
  }

  // No more faults: soon all replicas are in sync, have the same log and know it, and a record is acknowledged.
  std::string Heal() {
    for (BrokerNode& node : world_.nodes()) {
      if (!node.machine) world_.Restart(node);
    }
    const int64_t acknowledged = world_.checker().acknowledged();
    for (int round = 0; round < 400 && world_.ok(); ++round) {
      Round();
      BrokerNode* leader = world_.CurrentLeader();
      if (world_.ok()) world_.CheckAll();
      if (leader != nullptr && round % 20 == 5) world_.Produce(*leader, Acks::kAll);
      if (leader != nullptr && world_.checker().acknowledged() > acknowledged && IsTogether(*leader)) return {};
    }
    return world_.ok() ? "the partition does not come together" : world_.checker().violation();
  }

  void Round() {
    world_.Advance(Duration::Millis(25));
    for (BrokerNode& node : world_.nodes()) {
      const size_t last = world_.controller().log().size() - 1;
      if (node.view < last) world_.TakeIn(node, last);
      Unfence(node);
      world_.Flush(node);
      world_.Tick(node);
      if (node.alters.empty() && world_.controller_wires().empty() && world_.IsAltering(node)) world_.FailAlter(node);
      while (!node.alters.empty()) world_.DeliverAlter(node);
      if (node.asked && world_.wires().empty()) world_.GiveUp(node);
    }
    while (!world_.controller_wires().empty()) world_.DeliverAlterAnswer(0);
    for (BrokerNode& node : world_.nodes()) {
      if (world_.MayAsk(node)) world_.Ask(node);
    }
    while (!world_.wires().empty() && world_.ok()) world_.Deliver(0);
  }

  bool IsTogether(const BrokerNode& leader) const {
    const Registration& partition = world_.controller().partition();
    if (world_.controller().is_reassigning() || partition.isr.size() != partition.replicas.size()) return false;
    for (const BrokerNode& node : world_.nodes()) {
      if (!Contains(partition.replicas, node.id)) continue;
      if (node.disk.end() != leader.disk.end() || node.machine->high_watermark() != leader.disk.end()) return false;
    }
    return true;
  }

  base::Prng random_;
  ReplicationOptions options_;
  World world_;
  uint64_t crash_ppm_ = 0;
  bool is_moving_ = false;
  bool is_unsettled_ = false;  // leaders change all the time
};

TEST(ReplicationRandomRuns, KeepWhatIsPromised) {
  // REPLICATION_SEEDS=first..last plays others.
  uint64_t first = 1;
  uint64_t last = 3000;
  if (const char* seeds = std::getenv("REPLICATION_SEEDS")) std::sscanf(seeds, "%lu..%lu", &first, &last);
  int64_t committed = 0;
  int64_t acknowledged = 0;
  int64_t leaders = 0;
  uint64_t playing = first;
  base::SetCheckReporter([](void* seed) { std::fprintf(stderr, "seed %lu\n", *static_cast<uint64_t*>(seed)); },
                         &playing);
  for (uint64_t seed = first; seed <= last; ++seed) {
    playing = seed;
    RandomRun run(seed);
    const std::string failure = run.Play();
    ASSERT_EQ(failure, "") << "seed " << seed << TextOf(run.world());
    committed += run.world().checker().committed_end().value();
    acknowledged += run.world().checker().acknowledged();
    leaders += run.world().checker().leaders();
  }
  base::SetCheckReporter(nullptr, nullptr);
  const auto runs = static_cast<int64_t>(last - first + 1);
  std::printf("%ld runs: %ld records committed, %ld acknowledged, %ld leaders\n", runs, committed, acknowledged,
              leaders);
  EXPECT_GT(committed, runs * 8);
  EXPECT_GT(acknowledged, runs * 4);
  EXPECT_GT(leaders, runs * 4);
}

}  // namespace
}  // namespace odradek::replication
