// Carries out a fault plan on a cluster: waits for triggers, resolves selectors, strikes, and takes back what has a
// duration. One per run. Nothing here suspends; a strike comes between two slices of fibers, never inside of one.
//
// Invariants: what a selector resolves to is drawn from (seed, event id) and the nodes that are fit for the action; two
// faults of one kind on one link end when the later one ends; after Heal() no fault is left, but for clocks that were
// stepped and for what disks have lost.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "sim/cluster/cluster.h"
#include "sim/nemesis/plan.h"

namespace odradek::sim {

// What a cluster must survive: asked before each strike.
class Survivability {
 public:
  virtual ~Survivability() = default;
  virtual bool Allows(Cluster& cluster, const Node& target, const plan::Action& action) = 0;
};

// What the nodes of a cluster are at the moment: asked when a selector names it. Nodes that are down may be among them.
class Parts {
 public:
  virtual ~Parts() = default;
  virtual std::vector<Node*> Servers(Cluster& cluster) = 0;
  virtual std::vector<Node*> Voters(Cluster& cluster) = 0;
  // At most one.
  virtual std::vector<Node*> ActiveController(Cluster& cluster) = 0;
  // Of one partition, or of all.
  virtual std::vector<Node*> Leaders(Cluster& cluster, const plan::Partition& partition) = 0;
  virtual std::vector<Node*> Followers(Cluster& cluster, const plan::Partition& partition) = 0;
};

enum class StrikeResult : uint8_t {
  kDone,
  kNoTarget,  // nobody fits the selector now
  kSpared,    // the cluster would not survive it
};
std::string_view ToString(StrikeResult result);

// What became of an event of the plan, per target.
struct Strike {
  MonoTime at;
  uint32_t event_id = 0;
  std::string target;  // empty without one
  StrikeResult result = StrikeResult::kDone;
  std::string action;
};

class Nemesis final : private ProbeObserver, private DiskObserver {
 public:
  // `survivability` may be nullptr: everything is allowed; and so may `parts`: there is no cluster.
  Nemesis(Cluster& cluster, plan::Plan plan, Survivability* survivability, Parts* parts = nullptr);
  ~Nemesis();
  Nemesis(const Nemesis&) = delete;
  Nemesis& operator=(const Nemesis&) = delete;

  // Times and counts of triggers begin here. Once.
  void Start();
  // The end of the faulty phase: takes back every fault, resumes and boots every node that has ever run, and ignores
  // the rest of the plan.
  void Heal();

  const std::vector<Strike>& strikes() const { return strikes_; }
  // How many events have had their trigger.
  size_t triggered_count() const;

 private:
  struct Armed {
    uint64_t hits = 0;
    bool has_fired = false;
  };
  // How many faults hold a link in each way.
  struct LinkHolds {
    int cut = 0;
    int stall = 0;
    int refuse = 0;
    int shaped = 0;  // slow or corrupt
    LinkOptions options_before;
  };

  void OnProbe(NodeIndex node, std::string_view name) override;
  void OnDiskOperation(NodeIndex node, DiskOperation operation, std::string_view path) override;
  // `count` is the trigger's; strikes after the current event of the kernel.
  void Hit(size_t event_index, uint64_t count, NodeIndex node);
  void Fire(size_t event_index, NodeIndex triggering);
  void StrikeNode(const plan::Event& event, Node& node);

  // `target`: the selector says who stands at the other end of a link to it.
  std::vector<Node*> Resolve(const plan::Selector& selector, const plan::Event& event, NodeIndex triggering,
                             const Node* target);
  // nullopt: the selector is about no part of a cluster.
  std::optional<std::vector<Node*>> ResolvePart(const plan::Selector& selector, const plan::Event& event);
  // Some of the voters, fewer than half.
  std::vector<Node*> DrawMinority(const plan::Event& event);
  static bool IsFit(Node& node, const plan::Action& action);

  void Kill(Node& node, const plan::Action& action);
  void Pause(Node& node, Duration duration);
  void StrikeLinks(const plan::Event& event, Node& node, const plan::LinkFault& fault);
  void StrikeLink(const plan::Action& action, const plan::LinkFault& fault, const Direction& direction);
  void Release(plan::Action::WhatCase what, const Direction& direction);
  void StrikeDisk(Node& node, const plan::DiskFault& fault);
  // At the end of a fault's duration, unless everything is healed before; never if `duration` is 0.
  void Later(Duration duration, absl::AnyInvocable<void()> undo);
  void Note(const plan::Event& event, const Node* node, StrikeResult result);

  Cluster& cluster_;
  const plan::Plan plan_;
  Survivability* const survivability_;
  Parts* const parts_;
  bool has_started_ = false;
  bool is_active_ = false;
  NodeIndex triggering_ = kNoNodeIndex;
  std::vector<Node*> targets_;  // of the event that happens now
  std::vector<Armed> armed_;    // by event
  std::vector<ControlId> controls_;
  std::map<Direction, LinkHolds> links_;
  std::map<NodeIndex, int> disk_faults_;
  std::vector<Strike> strikes_;
};

}  // namespace odradek::sim
