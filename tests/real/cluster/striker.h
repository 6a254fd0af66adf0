// Carries a fault plan of the simulator (sim/nemesis/plan.proto) out on real processes and real links: SIGKILL for a
// crash, SIGTERM for a restart, SIGSTOP and SIGCONT for a pause, Wires for links. Owned by the run. What takes a fiber
// suspends.
//
// Invariants: who is struck is drawn from (seed, event id) and the nodes that are fit for the action; after Run no
// fault is left and every server runs. All clients are one member of the cluster, which has the links of all of them
// and is never killed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/env/env.h"
#include "sim/nemesis/nemesis.h"
#include "sim/nemesis/plan.h"
#include "tests/real/cluster/servers.h"
#include "tests/real/cluster/wires.h"

namespace odradek::real_cluster {

enum class Links : uint8_t { kFixed, kWires };
// Why the event cannot be carried out on real processes with such links; empty: it can.
std::string WhatCannotBeDone(const sim::plan::Event& event, Links links);
// Whether a class of faults is about links.
bool IsAboutLinks(const sim::plan::FaultClass& fault);

class Striker {
 public:
  struct Options {
    Wires* wires = nullptr;  // if the plan is about links
    uint64_t seed = 0;
    // Of the history.
    std::function<int64_t()> now_ns;
  };
  // All outlive this.
  Striker(env::Env& env, Servers& servers, Options options)
      : env_(env), servers_(servers), options_(std::move(options)) {}

  // Until `length` is over and everything is taken back. REQUIRES: WhatCannotBeDone() finds nothing in the plan.
  void Run(fiber::Fiber& self, const sim::plan::Plan& plan, Duration length);

  const std::vector<sim::Strike>& strikes() const { return strikes_; }

 private:
  // A server, or the clients.
  using Member = size_t;
  using Members = std::vector<Member>;
  // How many faults hold one way of a link.
  struct LinkHolds {
    int cut = 0;
    int shaped = 0;
    Wires::Link shape;
  };

  Member clients() const { return servers_.count(); }
  std::string NameOf(Member member) const;
  bool IsFit(Member member, const sim::plan::Action& action) const;

  void Fire(fiber::Fiber& self, const sim::plan::Event& event);
  // `targets`: the selector says who stands at the other end of links to them.
  Members Resolve(fiber::Fiber& self, const sim::plan::Selector& selector, const sim::plan::Event& event,
                  const Members* targets);
  // Whom the selector may mean; nullopt: everybody.
  std::optional<Members> Candidates(fiber::Fiber& self, const sim::plan::Selector& selector,
                                    const sim::plan::Event& event);
  Members DrawMinority(const sim::plan::Event& event) const;
  Members ActiveController(fiber::Fiber& self);
  enum class Part : uint8_t { kLeader, kFollowers };
  Members ReplicasOf(fiber::Fiber& self, const sim::plan::Event& event, Part part);
  // The answer of the first server that gives one.
  template <typename Request, typename Response>
  std::optional<Response> Ask(fiber::Fiber& self, const Request& request);

  void Crash(fiber::Fiber& self, const Members& targets, Duration restart_after);
  void Restart(fiber::Fiber& self, const Members& targets, const sim::plan::Restart& restart);
  void Pause(fiber::Fiber& self, const Members& targets, Duration duration);
  void StrikeLinks(fiber::Fiber& self, const sim::plan::Event& event, const Members& targets);
  void Hold(const Wires::Way& way, const sim::plan::Action& action);
  void Release(const Wires::Way& way, const sim::plan::Action& action);
  void Apply(const Wires::Way& way);
  void StartIfOff(Member server, uint64_t incarnation);
  void Heal(fiber::Fiber& self);
  // Those who ended by themselves are started again, as a supervisor would.
  void Supervise(fiber::Fiber& self);

  env::Env& env_;
  Servers& servers_;
  const Options options_;
  std::map<Wires::Way, LinkHolds> links_;
  std::vector<sim::Strike> strikes_;
};

}  // namespace odradek::real_cluster
