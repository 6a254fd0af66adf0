// Long random runs of three to five replicas: messages lost, delayed, duplicated and reordered, links cut, crashes that
// lose what was not flushed, reconfiguration, snapshots. Then the faults end and the quorum must come together.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "tests/engine/raft/world.h"

namespace odradek::raft {
namespace {

class RandomRun {
 public:
  explicit RandomRun(uint64_t seed) : random_(seed), world_(Draw(seed)) {
    due_.reserve(64);
    for (NodeModel& node : world_.nodes()) Tick(node);
  }

  // The whole life of the quorum; empty: all was well.
  std::string Play() {
    for (int i = 0; i < kFaultySteps && world_.ok(); ++i) FaultyStep();
    if (!world_.ok()) return world_.checker().violation();
    if (world_.faults() > 0) return "a fault was said";
    return Heal();
  }

  const World& world() const { return world_; }

 private:
  static constexpr int kFaultySteps = 3000;

  static WorldOptions Draw(uint64_t seed) {
    base::Prng random(base::Mix64(seed));
    WorldOptions options;
    options.voters = static_cast<int32_t>(random.Between(3, 5));
    options.is_dynamic = random.Below(4) != 0;
    options.observers = options.is_dynamic ? static_cast<int32_t>(random.Below(3)) : 0;
    options.entries_per_fetch = static_cast<int32_t>(random.Between(1, 5));
    options.seed = seed;
    return options;
  }

  NodeModel& AnyNode() { return world_.nodes()[random_.Below(world_.nodes().size())]; }

  void Tick(NodeModel& node) {
    node.now = now_;
    if (node.machine) world_.Step(node, LogFlushed{FlushId(-1)});
  }

  bool IsCut(const Wire& wire) const { return cut_ != kNoNode && (wire.from == cut_) != (wire.to == cut_); }

  // Gives every new message a time at which it arrives.
  void Schedule() {
    while (due_.size() < world_.wires().size()) {
      const bool is_slow = random_.Below(20) == 0 && loss_ppm_ > 0;
      due_.push_back(now_ + Duration::Micros(random_.Between(200, is_slow ? 3000000 : 5000)));
    }
  }

  void DeliverDue() {
    for (size_t i = 0; i < due_.size() && world_.ok();) {
      if (due_[i] > now_) {
        ++i;
        continue;
      }
      const Wire wire = world_.wires()[i];
      due_.erase(due_.begin() + static_cast<std::ptrdiff_t>(i));
      if (IsCut(wire) || random_.PartsPerMillion(loss_ppm_)) {
        world_.Lose(i);
        continue;
      }
      NodeModel& node = world_.Node(wire.to);
      node.now = now_;
      const bool dies = crash_ppm_ > 0 && random_.PartsPerMillion(crash_ppm_);
      world_.Deliver(i, dies ? random_.Below(4) : World::kNoCut);
      if (random_.PartsPerMillion(loss_ppm_)) world_.wires().push_back(wire);  // a duplicate
      Schedule();
      i = 0;
    }
  }

  void Advance(Duration by) {
    now_ = now_ + by;
    DeliverDue();
    for (NodeModel& node : world_.nodes()) {
      if (!node.machine || !world_.ok()) continue;
      node.now = now_;
      if (node.flush && random_.Below(2) == 0) world_.FinishFlush(node);
      if (node.machine && node.install && random_.Below(3) == 0) world_.FinishInstall(node);
      if (node.machine && world_.ok() && node.machine->next_deadline() <= now_) world_.Wait(node);
      Schedule();
    }
  }

  void FaultyStep() {
    Advance(Duration::Micros(random_.Between(100, 20000)));
    if (!world_.ok()) return;
    NodeModel& node = AnyNode();
    switch (random_.Below(60)) {
      case 0:
        if (node.machine) world_.Crash(node, random_.Between(0, 3));
        break;
      case 1:
      case 2:
      case 3:
        if (!node.machine) Restart(node);
        break;
      case 4:
        cut_ = random_.Below(2) == 0 ? AnyNode().options.self.id : kNoNode;
        break;
      case 5:
        loss_ppm_ = random_.Below(3) == 0 ? 200000 : 5000;
        crash_ppm_ = random_.Below(8) == 0 ? 20000 : 0;
        break;
      case 6:
        if (node.machine) world_.TakeSnapshot(node);
        break;
      case 7:
        if (node.machine) world_.Trim(node);
        break;
      case 8:
      case 9:
        ChangeVoters();
        break;
      case 10:
        if (node.machine && random_.Below(10) == 0) world_.Step(node, Resign{node.machine->epoch()});
        break;
      case 11:
        if (node.machine) world_.Step(node, PeerRefused{AnyNode().options.self.id});
        break;
      default:
        if (node.machine && node.machine->is_leader()) world_.Propose(node);
    }
    Schedule();
  }

  void Restart(NodeModel& node) {
    node.now = now_;
    world_.Boot(node);
    Tick(node);
  }

  void ChangeVoters() {
    NodeModel* leader = world_.CurrentLeader();
    if (leader == nullptr) return;
    const NodeModel& other = AnyNode();
    const VoterSet& voters = leader->machine->voters().voters();
    leader->now = now_;
    if (!voters.Has(other.options.self)) {
      world_.Ask(*leader, AddVoterRequest{other.options.self, other.options.endpoints, Duration::Seconds(2), true});
    } else if (voters.size() > 2) {
      world_.Ask(*leader, RemoveVoterRequest{other.options.self});
    }
  }

  // No more faults: within a minute there is one leader, and every replica has and knows all that it appended.
  std::string Heal() {
    cut_ = kNoNode;
    loss_ppm_ = crash_ppm_ = 0;
    for (NodeModel& node : world_.nodes()) {
      if (!node.machine) Restart(node);
    }
    Schedule();
    const int64_t committed = world_.checker().committed_end();
    bool has_proposed = false;
    for (int i = 0; i < 20000; ++i) {
      Advance(Duration::Millis(3));
      if (!world_.ok()) return world_.checker().violation();
      NodeModel* leader = world_.CurrentLeader();
      const bool is_ready = leader != nullptr && std::get<Leader>(leader->machine->role()).high_watermark();
      if (is_ready && i > 1000 && !std::exchange(has_proposed, true)) {
        world_.Propose(*leader);
        Schedule();
      }
      if (has_proposed && IsTogether(committed)) return {};
    }
    return "the quorum does not come together";
  }

  bool IsTogether(int64_t committed_before) const {
    const World& world = world_;
    Offset end(-1);
    for (const NodeModel& node : world.nodes()) {
      if (node.machine->is_leader()) end = node.machine->log().end();
    }
    if (end.value() <= committed_before) return false;
    for (const NodeModel& node : world.nodes()) {
      if (node.machine->high_watermark() != end || node.machine->log().end() != end) return false;
    }
    return true;
  }

  base::Prng random_;
  World world_;
  MonoTime now_;
  std::vector<MonoTime> due_;
  NodeId cut_ = kNoNode;
  uint64_t loss_ppm_ = 5000;
  uint64_t crash_ppm_ = 0;
};

TEST(RaftRandomRuns, KeepWhatIsPromised) {
  // RAFT_SEEDS=first..last plays others.
  uint64_t first = 1;
  uint64_t last = 200;
  if (const char* seeds = std::getenv("RAFT_SEEDS")) std::sscanf(seeds, "%lu..%lu", &first, &last);
  int64_t committed = 0;
  int64_t leaders = 0;
  uint64_t playing = first;
  base::SetCheckReporter([](void* seed) { std::fprintf(stderr, "seed %lu\n", *static_cast<uint64_t*>(seed)); },
                         &playing);
  for (uint64_t seed = first; seed <= last; ++seed) {
    playing = seed;
    RandomRun run(seed);
    const std::string failure = run.Play();
    ASSERT_EQ(failure, "") << "seed " << seed << run.world().Text();
    committed += run.world().checker().committed_end();
    leaders += run.world().checker().leaders();
  }
  base::SetCheckReporter(nullptr, nullptr);
  RecordProperty("committed", static_cast<int>(committed));
  RecordProperty("leaders", static_cast<int>(leaders));
  EXPECT_GT(committed, static_cast<int64_t>(last - first + 1) * 50);
  EXPECT_GT(leaders, static_cast<int64_t>(last - first + 1) * 3);
}

}  // namespace
}  // namespace odradek::raft
