// Every order of events of small quorums, as far as some counts of faults reach: deliver, lose or repeat any message,
// let any node's next deadline pass, finish its flush, propose, or let it die between any two effects and start again
// with what was on its disk. A state that was seen before is not entered again. After every effect the checker judges.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <unordered_set>

#include "tests/engine/raft/fingerprint.h"

namespace odradek::raft {
namespace {

// How often each kind of event may still happen.
struct Budget {
  int deadlines = 0;
  int crashes = 0;
  int losses = 0;
  int repeats = 0;
  int proposals = 0;
  size_t states = 15000;  // not more than so many
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
  static constexpr size_t kEffectsMax = 6;  // that one step has here at most

  void Enter(World& next, const Budget& budget, const std::string& action) {
    if (!violation_.empty()) return;
    for (NodeModel& node : next.nodes()) {
      if (node.machine) continue;
      next.Boot(node);
      next.Wait(node);
    }
    path_.push_back(action);
    if (!next.ok() || next.faults() > 0) {
      violation_ = next.ok() ? "a fault was said" : next.checker().violation();
      for (const std::string& step : path_) violation_ += "\n  " + step;
      violation_ += next.Text();
    } else {
      Visit(next, budget);
    }
    path_.pop_back();
  }

  void Visit(World& world, const Budget& left) {
    committed_max_ = std::max(committed_max_, world.checker().committed_end());
    leaders_max_ = std::max(leaders_max_, world.checker().leaders());
    Hasher hasher;
    hasher.Add(Fingerprint(world));
    const int counts[] = {left.deadlines, left.crashes, left.losses, left.repeats, left.proposals};
    for (const int count : counts) hasher.Add(static_cast<uint64_t>(count));
    if (seen_.size() >= budget_.states || !seen_.insert(hasher.value()).second) return;
    for (size_t i = 0; i < world.wires().size(); ++i) Message(world, i, left);
    for (size_t i = 0; i < world.nodes().size(); ++i) Local(world, i, left);
  }

  // The step as it is, and if somebody may still die, with the node dying behind each of its effects.
  template <typename Act>
  void Try(const World& world, const Budget& budget, const std::string& action, Act act) {
    World next = world;
    act(next, World::kNoCut);
    Enter(next, budget, action);
    if (budget.crashes == 0) return;
    Budget after = budget;
    --after.crashes;
    for (size_t cut = 0; cut < kEffectsMax; ++cut) {
      World dying = world;
      act(dying, cut);
      const auto is_down = [](const NodeModel& node) { return !node.machine; };
      if (std::none_of(dying.nodes().begin(), dying.nodes().end(), is_down)) break;  // it has no more effects
      Enter(dying, after, action + fmt::format(", dies behind effect {}", cut));
    }
  }

  void Message(const World& world, size_t index, Budget budget) {
    const Wire& wire = world.wires()[index];
    const std::string name =
        fmt::format("{} {} of {} to {}", wire.response ? "answer" : "request",
                    wire.response ? wire.response->index() : wire.request.index(), wire.from.value(), wire.to.value());
    Try(world, budget, name, [index](World& next, size_t cut) { next.Deliver(index, cut); });
    if (budget.losses > 0) {
      World next = world;
      next.Lose(index);
      Budget after = budget;
      --after.losses;
      Enter(next, after, name + " is lost");
    }
    if (budget.repeats > 0) {
      World next = world;
      next.wires().push_back(wire);
      next.Deliver(index);
      Budget after = budget;
      --after.repeats;
      Enter(next, after, name + ", and again");
    }
  }

  void Local(const World& world, size_t index, Budget budget) {
    const NodeModel& node = world.nodes()[index];
    const int32_t id = node.options.self.id.value();
    if (node.flush) {
      Try(world, budget, fmt::format("{} has flushed", id),
          [index](World& next, size_t cut) { next.FinishFlush(next.nodes()[index], cut); });
    }
    if (budget.crashes > 0) {
      World next = world;
      next.Crash(next.nodes()[index]);
      Budget after = budget;
      --after.crashes;
      Enter(next, after, fmt::format("{} dies", id));
    }
    if (budget.deadlines > 0 && node.machine->next_deadline() != MonoTime::Never()) {
      Budget after = budget;
      --after.deadlines;
      Try(world, after, fmt::format("{} waits", id),
          [index](World& next, size_t cut) { next.Wait(next.nodes()[index], cut); });
    }
    if (budget.proposals > 0 && node.machine->is_leader()) {
      World next = world;
      next.Propose(next.nodes()[index]);
      Budget after = budget;
      --after.proposals;
      Enter(next, after, fmt::format("{} proposes", id));
    }
  }

  Budget budget_;
  std::unordered_set<uint64_t> seen_;
  std::vector<std::string> path_;
  std::string violation_;
  int64_t committed_max_ = 0;
  int64_t leaders_max_ = 0;
};

// Booted, and nobody has said anything. Whoever has no leader waits to be told: the questions of all to all would hide
// what matters.
World Quiet(const WorldOptions& options) {
  World world(options);
  for (NodeModel& node : world.nodes()) {
    node.options.bootstrap_servers = {{"NONE", "nobody", 0}};
    world.Boot(node);
  }
  return world;
}

WorldOptions Small(int32_t voters) {
  WorldOptions options;
  options.voters = voters;
  // Deadlines in a fixed order, and no retries: what is lost stays lost until somebody's patience ends.
  options.timeouts.election_jitter_max = Duration();
  options.timeouts.boot_jitter_max = Duration();
  options.timeouts.retry_backoff = Duration();
  options.timeouts.request = Duration::Seconds(1000);
  options.timeouts.fetch_wait_max = Duration::Seconds(900);
  return options;
}

// One leader, everybody follows it, nothing is under way.
World Led(const WorldOptions& options) {
  World world = Quiet(options);
  world.Wait(world.nodes()[0]);
  for (int i = 0; i < 200 && world.ok(); ++i) {
    bool flushed = false;
    for (NodeModel& node : world.nodes()) {
      if (!node.flush) continue;
      world.FinishFlush(node);
      flushed = true;
    }
    if (world.wires().empty() && !flushed) break;
    if (!world.wires().empty()) world.Deliver(0);
  }
  return world;
}

void Explore(const std::string& name, World world, Budget budget) {
  // RAFT_STATES=n goes further than what fits into a unit test.
  if (const char* states = std::getenv("RAFT_STATES")) budget.states = std::strtoull(states, nullptr, 10);
  Exploration exploration(budget);
  exploration.Run(std::move(world));
  EXPECT_EQ(exploration.violation(), "") << name;
  std::printf("%s: %zu states%s, %ld records committed, %ld leaders\n", name.c_str(), exploration.states(),
              exploration.is_complete() ? ", all" : "", exploration.committed_max(), exploration.leaders_max());
}

TEST(RaftExploration, TwoVotersElectALeader) {
  Explore("two from boot", Quiet(Small(2)), {.deadlines = 2, .proposals = 1});
  Explore("two from boot, one dies", Quiet(Small(2)), {.deadlines = 2, .crashes = 1});
}

TEST(RaftExploration, TwoVotersAndALeader) {
  Explore("two and a leader, one dies", Led(Small(2)), {.deadlines = 1, .crashes = 1, .proposals = 1});
  Explore("two and a leader, the network fails", Led(Small(2)), {.deadlines = 2, .losses = 1, .repeats = 1});
}

TEST(RaftExploration, ThreeVotersElectALeader) {
  Explore("three from boot", Quiet(Small(3)), {.deadlines = 1});
  Explore("three from boot, one dies", Quiet(Small(3)), {.deadlines = 2, .crashes = 1, .losses = 1});
}

TEST(RaftExploration, ThreeVotersAndALeader) {
  Explore("three and a leader, one dies", Led(Small(3)), {.deadlines = 1, .crashes = 1, .proposals = 1});
  Explore("three and a leader, twice", Led(Small(3)), {.deadlines = 2, .losses = 1, .repeats = 1, .proposals = 1});
}

}  // namespace
}  // namespace odradek::raft
