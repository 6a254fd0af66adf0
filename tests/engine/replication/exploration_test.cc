// Every order of events of small partitions, as far as some counts of faults reach: deliver, lose or repeat any
// message, let a broker take in the next version of the metadata or leap to the last, produce, fence, let time pass, or
// let a broker die between any two effects and start again with what was on its disk. A state that was seen before is
// not entered again. After every event the checker judges.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <unordered_set>

#include "tests/engine/replication/fingerprint.h"
#include "tests/engine/replication/world_text.h"

namespace odradek::replication {
namespace {

// How often each kind of event may still happen.
struct Budget {
  int produced = 0;
  int moves = 0;  // fencing, another leader
  int crashes = 0;
  int losses = 0;  // also of requests to the controller
  int repeats = 0;
  int waits = 0;  // longer than replica.lag.time.max.ms
  size_t states = 15000;
};

class Exploration {
 public:
  explicit Exploration(const Budget& budget) : budget_(budget) {}
  void Run(World world) { Visit(world, budget_); }

  const std::string& violation() const { return violation_; }
  size_t states() const { return seen_.size(); }
  int64_t committed_max() const { return committed_max_; }
  int64_t leaders_max() const { return leaders_max_; }
  bool is_complete() const { return seen_.size() < budget_.states; }

 private:
  static constexpr size_t kEffectsMax = 4;  // that one step has here at most

  void Enter(World& next, const Budget& budget, const std::string& action) {
    if (!violation_.empty()) return;
    for (BrokerNode& node : next.nodes()) {
      if (!node.machine) next.Restart(node);
      // Its fetcher never waits by itself; what it says may be under way for as long as one likes.
      if (next.MayAsk(node)) next.Ask(node);
    }
    next.CheckAll();
    path_.push_back(action);
    if (next.ok()) {
      Visit(next, budget);
    } else {
      violation_ = next.checker().violation();
      for (const std::string& step : path_) violation_ += "\n  " + step;
      violation_ += TextOf(next);
    }
    path_.pop_back();
  }

  void Visit(World& world, const Budget& left) {
    committed_max_ = std::max(committed_max_, world.checker().committed_end().value());
    leaders_max_ = std::max(leaders_max_, world.checker().leaders());
    Hasher hasher;
    hasher.Add(Fingerprint(world));
    for (const int count : {left.produced, left.moves, left.crashes, left.losses, left.repeats, left.waits}) {
      hasher.Add(count);
    }
    if (seen_.size() >= budget_.states || !seen_.insert(hasher.value()).second) return;
    for (size_t i = 0; i < world.wires().size(); ++i) Message(world, i, left);
    for (size_t i = 0; i < world.controller_wires().size(); ++i) {
      Try(world, left, "answer of the controller", [i](World& next, size_t cut) { next.DeliverAlterAnswer(i, cut); });
    }
    for (size_t i = 0; i < world.nodes().size(); ++i) {
      Local(world, i, left);
      Controller(world, i, left);
      Faults(world, i, left);
    }
    if (left.waits == 0) return;
    Budget after = left;
    --after.waits;
    World next = world;
    next.Advance(Duration::Millis(301));
    for (BrokerNode& node : next.nodes()) next.Tick(node);
    Enter(next, after, "time passes");
  }

  template <typename Act>
  void Once(const World& world, const Budget& budget, const std::string& action, Act act) {
    if (!is_complete()) return;
    World next = world;
    act(next);
    Enter(next, budget, action);
  }

  static bool MayLose(const World& world) {
    return world.checker().lossy().size() + 1 < world.controller().effective_min_isr();
  }

  // The step as it is, and if somebody may still die, with the broker dying behind each of its effects.
  template <typename Act>
  void Try(const World& world, const Budget& budget, const std::string& action, Act act) {
    Once(world, budget, action, [&act](World& next) { act(next, World::kNoCut); });
    if (budget.crashes == 0 || !MayLose(world) || !is_complete()) return;
    Budget after = budget;
    --after.crashes;
    for (size_t cut = 0; cut < kEffectsMax; ++cut) {
      World dying = world;
      act(dying, cut);
      const auto is_down = [](const BrokerNode& node) { return !node.machine; };
      if (std::ranges::none_of(dying.nodes(), is_down)) break;  // it has no more effects
      Enter(dying, after, action + fmt::format(", dies behind effect {}", cut));
    }
  }

  void Message(const World& world, size_t index, Budget budget) {
    const Wire& wire = world.wires()[index];
    const std::string name =
        fmt::format("{} of {} to {}", wire.answer ? "answer" : "question", wire.from.value(), wire.to.value());
    Try(world, budget, name, [index](World& next, size_t cut) { next.Deliver(index, cut); });
    if (budget.losses > 0) {
      Budget after = budget;
      --after.losses;
      Once(world, after, name + " is lost", [index, &wire](World& next) {
        next.Lose(index);
        BrokerNode& asker = next.Node(wire.answer ? wire.to : wire.from);
        if (asker.machine && asker.incarnation == wire.incarnation && asker.asked) next.GiveUp(asker);
      });
    }
    if (budget.repeats > 0) {
      Budget after = budget;
      --after.repeats;
      Once(world, after, name + ", and again", [index, &wire](World& next) {
        next.wires().push_back(wire);
        next.Deliver(index);
      });
    }
  }

  void Local(const World& world, size_t index, Budget budget) {
    const BrokerNode& node = world.nodes()[index];
    const int32_t id = node.id.value();
    const size_t last = world.controller().log().size() - 1;
    if (node.view < last) {
      const size_t after = std::max(node.view + 1, node.registered);
      Try(world, budget, fmt::format("{} takes in {}", id, after),
          [index, after](World& next, size_t cut) { next.TakeIn(next.nodes()[index], after, cut); });
      if (after < last) {
        Try(world, budget, fmt::format("{} leaps to {}", id, last),
            [index, last](World& next, size_t cut) { next.TakeIn(next.nodes()[index], last, cut); });
      }
    }
    if (budget.produced > 0 && node.machine->role() == Role::kLeader) {
      --budget.produced;
      Once(world, budget, fmt::format("{} produces", id),
           [index](World& next) { next.Produce(next.nodes()[index], Acks::kAll); });
    }
  }

  void Controller(const World& world, size_t index, Budget budget) {
    const BrokerNode& node = world.nodes()[index];
    const int32_t id = node.id.value();
    if (!node.alters.empty()) {
      Once(world, budget, fmt::format("the controller hears {}", id),
           [index](World& next) { next.DeliverAlter(next.nodes()[index]); });
    }
    const bool is_fenced = world.controller().brokers().at(node.id).fenced;
    if (is_fenced && world.HasTakenInItself(node)) {
      Once(world, budget, fmt::format("{} is unfenced", id),
           [&node](World& next) { next.controller().Unfence(node.id); });
    }
    if (budget.losses > 0 && world.IsAltering(node)) {
      Budget after = budget;
      --after.losses;
      Once(world, after, fmt::format("{} gets no answer of the controller", id),
           [index](World& next) { next.FailAlter(next.nodes()[index]); });
    }
    if (budget.moves == 0) return;
    --budget.moves;
    if (!is_fenced) {
      Once(world, budget, fmt::format("{} is fenced", id), [&node](World& next) { next.controller().Fence(node.id); });
    }
    if (world.controller().partition().leader != node.id && Contains(world.controller().partition().isr, node.id)) {
      Once(world, budget, fmt::format("{} is made the leader", id),
           [&node](World& next) { next.controller().MoveLeader(node.id); });
    }
  }

  void Faults(const World& world, size_t index, Budget budget) {
    if (budget.crashes == 0 || !MayLose(world)) return;
    --budget.crashes;
    Once(world, budget, fmt::format("{} dies", world.nodes()[index].id.value()),
         [index](World& next) { next.Crash(next.nodes()[index]); });
  }

  Budget budget_;
  std::unordered_set<uint64_t> seen_;
  std::vector<std::string> path_;
  std::string violation_;
  int64_t committed_max_ = 0;
  int64_t leaders_max_ = 0;
};

void Explore(const std::string& name, const ReplicationOptions& options, Budget budget) {
  // REPLICATION_STATES=n goes further than what fits into a unit test.
  if (const char* states = std::getenv("REPLICATION_STATES")) budget.states = std::strtoull(states, nullptr, 10);
  Exploration exploration(budget);
  exploration.Run(World(options));
  EXPECT_EQ(exploration.violation(), "") << name;
  std::printf("%s: %zu states%s, %ld records committed, %ld leaders\n", name.c_str(), exploration.states(),
              exploration.is_complete() ? ", all" : "", exploration.committed_max(), exploration.leaders_max());
}

ReplicationOptions Small(int32_t replicas, int32_t min_isr) {
  ReplicationOptions options;
  options.brokers = options.replicas = replicas;
  options.min_isr = min_isr;
  return options;
}

TEST(ReplicationExploration, TwoReplicas) {
  Explore("two, leaders change", Small(2, 1), {.produced = 2, .moves = 1});
  Explore("two, leaders change twice", Small(2, 2), {.produced = 1, .moves = 2});
  Explore("two, one dies", Small(2, 2), {.produced = 2, .crashes = 1});
  Explore("two, one is slow", Small(2, 1), {.produced = 1, .moves = 1, .waits = 1});
  Explore("two, the network fails", Small(2, 2), {.produced = 1, .moves = 1, .losses = 1, .repeats = 1});
}

TEST(ReplicationExploration, TwoReplicasOfWhichTheLeaderSpeaksAnOldVersion) {
  ReplicationOptions options = Small(2, 2);
  options.truncation = Truncation::kByEpochRequest;
  Explore("two, an old version", options, {.produced = 1, .moves = 2});
}

TEST(ReplicationExploration, ThreeReplicas) {
  Explore("three, leaders change", Small(3, 2), {.produced = 1, .moves = 1});
  Explore("three, one dies", Small(3, 2), {.produced = 1, .crashes = 1});
  Explore("three, one is slow", Small(3, 2), {.produced = 1, .moves = 1, .losses = 1, .waits = 1});
}

}  // namespace
}  // namespace odradek::replication
