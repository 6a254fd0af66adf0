#include "sim/nemesis/nemesis.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/check.h"

namespace odradek::sim {
namespace {

using plan::Action;

// Until a lost segment is sent again, at least; twice the time for each further attempt.
constexpr Duration kRetransmission = Duration::Millis(200);

plan::DiskOperationKind KindOf(DiskOperation operation) {
  switch (operation) {
    case DiskOperation::kOpen:
      return plan::OPEN;
    case DiskOperation::kRead:
      return plan::READ;
    case DiskOperation::kWrite:
      return plan::WRITE;
    case DiskOperation::kSync:
      return plan::SYNC;
    case DiskOperation::kTruncate:
      return plan::TRUNCATE;
    case DiskOperation::kRename:
      return plan::RENAME;
    case DiskOperation::kRemove:
      return plan::REMOVE;
    case DiskOperation::kSyncDirectory:
      return plan::SYNC_DIRECTORY;
    case DiskOperation::kCreateDirectory:
      return plan::CREATE_DIRECTORY;
    case DiskOperation::kRemoveDirectory:
      return plan::REMOVE_DIRECTORY;
    case DiskOperation::kLock:
      return plan::LOCK;
    case DiskOperation::kLook:
      return plan::LOOK;
  }
  return plan::ANY_OPERATION;
}

DiskFaultKind KindOf(plan::DiskFault::Kind kind) {
  switch (kind) {
    case plan::DiskFault::WRITE_ERROR:
      return DiskFaultKind::kWriteError;
    case plan::DiskFault::SYNC_ERROR:
      return DiskFaultKind::kSyncError;
    case plan::DiskFault::NO_SPACE:
      return DiskFaultKind::kNoSpace;
    case plan::DiskFault::SLOW_DISK:
      return DiskFaultKind::kSlow;
    case plan::DiskFault::HANG:
      return DiskFaultKind::kHang;
    case plan::DiskFault::BIT_ROT:
      return DiskFaultKind::kBitRot;
    case plan::DiskFault::ROT_AT_REST:
      return DiskFaultKind::kRotAtRest;
    case plan::DiskFault::MISDIRECTED_READ:
      return DiskFaultKind::kMisdirectedRead;
    case plan::DiskFault::MISDIRECTED_WRITE:
      return DiskFaultKind::kMisdirectedWrite;
    default:
      return DiskFaultKind::kReadError;
  }
}

const plan::LinkFault* LinkFaultOf(const Action& action) {
  switch (action.what_case()) {
    case Action::kCut:
      return &action.cut();
    case Action::kStall:
      return &action.stall();
    case Action::kRefuse:
      return &action.refuse();
    case Action::kSlow:
      return &action.slow();
    case Action::kCorrupt:
      return &action.corrupt();
    case Action::kResetConnections:
      return &action.reset_connections();
    case Action::kHalfClose:
      return &action.half_close();
    default:
      return nullptr;
  }
}

}  // namespace

std::string_view ToString(StrikeResult result) {
  switch (result) {
    case StrikeResult::kDone:
      return "done";
    case StrikeResult::kNoTarget:
      return "no target";
    case StrikeResult::kSpared:
      return "spared";
  }
  return "unknown";
}

Nemesis::Nemesis(Cluster& cluster, plan::Plan plan, Survivability* survivability, Parts* parts)
    : cluster_(cluster), plan_(std::move(plan)), survivability_(survivability), parts_(parts) {
  armed_.resize(static_cast<size_t>(plan_.event_size()));
}

Nemesis::~Nemesis() {
  for (const ControlId control : controls_) cluster_.kernel().Cancel(control);
  if (!has_started_) return;
  cluster_.context().SetProbeObserver(nullptr);
  for (const auto& node : cluster_.nodes()) {
    if (node->disk() != nullptr) node->disk()->SetObserver(nullptr);
  }
}

void Nemesis::Start() {
  REQUIRES(!has_started_);
  has_started_ = true;
  is_active_ = true;
  const MonoTime started_at = cluster_.kernel().Now();
  cluster_.context().SetProbeObserver(this);
  for (const auto& node : cluster_.nodes()) {
    if (node->disk() != nullptr) node->disk()->SetObserver(this);
  }
  for (size_t i = 0; i < armed_.size(); ++i) {
    const plan::Trigger& trigger = plan_.event(static_cast<int>(i)).trigger();
    if (trigger.when_case() != plan::Trigger::kAtNs) continue;
    const MonoTime at = started_at + Duration::Nanos(trigger.at_ns());
    controls_.push_back(cluster_.kernel().At(at, [this, i] {
      armed_[i].has_fired = true;
      Fire(i, kNoNodeIndex);
    }));
  }
}

size_t Nemesis::triggered_count() const {
  return static_cast<size_t>(
      std::count_if(armed_.begin(), armed_.end(), [](const Armed& armed) { return armed.has_fired; }));
}

void Nemesis::OnProbe(NodeIndex node, std::string_view name) {
  if (!is_active_) return;
  for (size_t i = 0; i < armed_.size(); ++i) {
    const plan::Trigger& trigger = plan_.event(static_cast<int>(i)).trigger();
    if (armed_[i].has_fired || !trigger.has_probe() || trigger.probe().name() != name) continue;
    const std::string& only = trigger.probe().node();
    if (only.empty() || only == cluster_.kernel().node_name(node)) Hit(i, trigger.probe().count(), node);
  }
}

void Nemesis::OnDiskOperation(NodeIndex node, DiskOperation operation, std::string_view path) {
  if (!is_active_) return;
  for (size_t i = 0; i < armed_.size(); ++i) {
    const plan::Trigger& trigger = plan_.event(static_cast<int>(i)).trigger();
    if (armed_[i].has_fired || !trigger.has_disk()) continue;
    const plan::DiskOperation& wanted = trigger.disk();
    if (wanted.kind() != plan::ANY_OPERATION && wanted.kind() != KindOf(operation)) continue;
    if (!wanted.node().empty() && wanted.node() != cluster_.kernel().node_name(node)) continue;
    if (path.find(wanted.path_part()) == std::string_view::npos) continue;
    Hit(i, wanted.count(), node);
  }
}

void Nemesis::Hit(size_t event_index, uint64_t count, NodeIndex node) {
  Armed& armed = armed_[event_index];
  if (++armed.hits < std::max<uint64_t>(count, 1)) return;
  armed.has_fired = true;
  cluster_.kernel().AfterEvent([this, event_index, node] { Fire(event_index, node); });
}

void Nemesis::Fire(size_t event_index, NodeIndex triggering) {
  if (!is_active_) return;
  const plan::Event& event = plan_.event(static_cast<int>(event_index));
  triggering_ = triggering;
  targets_ = Resolve(event.target(), event, triggering, nullptr);
  if (targets_.empty()) Note(event, nullptr, StrikeResult::kNoTarget);
  for (Node* node : targets_) {
    if (survivability_ != nullptr && !survivability_->Allows(cluster_, *node, event.action())) {
      Note(event, node, StrikeResult::kSpared);
      continue;
    }
    Note(event, node, StrikeResult::kDone);
    StrikeNode(event, *node);
  }
}

void Nemesis::Note(const plan::Event& event, const Node* node, StrikeResult result) {
  Strike strike;
  strike.at = cluster_.kernel().Now();
  strike.event_id = event.id();
  if (node != nullptr) strike.target = node->name();
  strike.result = result;
  strike.action = DescribeAction(event.action());
  const NodeIndex index = node == nullptr ? kNoNodeIndex : node->index();
  cluster_.kernel().Fold(event.id(), static_cast<uint64_t>(index.value()));
  cluster_.kernel().TraceAt({.node = index}, TraceKind::kFault, [&] {
    return fmt::format("event {} {}: {}", strike.event_id, ToString(result), strike.action);
  });
  strikes_.push_back(std::move(strike));
}

bool Nemesis::IsFit(Node& node, const Action& action) {
  switch (action.what_case()) {
    case Action::kCrash:
    case Action::kRestart:
      return node.is_up();
    case Action::kPause:
      return node.state() == Node::State::kRunning;
    case Action::kDisk:
      return node.disk() != nullptr;
    default:
      return true;
  }
}

std::vector<Node*> Nemesis::Resolve(const plan::Selector& selector, const plan::Event& event, NodeIndex triggering,
                                    const Node* target) {
  const std::optional<std::vector<Node*>> part = ResolvePart(selector, event);
  std::vector<Node*> fit;
  for (const auto& node : cluster_.nodes()) {
    if (node.get() == target) continue;
    // A peer only stands at the other end of a link.
    if (target == nullptr && !IsFit(*node, event.action())) continue;
    const bool is_meant = part.has_value()      ? std::find(part->begin(), part->end(), node.get()) != part->end()
                          : selector.has_node() ? node->name() == selector.node()
                          : selector.has_any_of_role() ? node->role() == selector.any_of_role()
                          : selector.has_all_of_role() ? node->role() == selector.all_of_role()
                          : selector.has_triggering()  ? node->index() == triggering
                                                       : true;
    if (is_meant) fit.push_back(node.get());
  }
  const bool takes_one = selector.has_any() || selector.has_any_of_role() || selector.has_any_server() ||
                         selector.has_leader_of() || selector.has_follower_of();
  if (!takes_one || fit.size() <= 1) return fit;
  const Entity who = PartOf(EntityOf("nemesis"), event.id());
  const Purpose purpose = target == nullptr ? PurposeOf("target") : PurposeOf("peer");
  const uint64_t random = cluster_.kernel().Draw(who, purpose);
  return {fit[base::BoundedDraw(random, fit.size())]};
}

std::optional<std::vector<Node*>> Nemesis::ResolvePart(const plan::Selector& selector, const plan::Event& event) {
  using Selector = plan::Selector;
  std::vector<Node*> part;
  const auto without_targets = [&] {
    std::erase_if(part,
                  [&](Node* node) { return std::find(targets_.begin(), targets_.end(), node) != targets_.end(); });
    return part;
  };
  switch (selector.who_case()) {
    case Selector::kRest:
      for (const auto& node : cluster_.nodes()) part.push_back(node.get());
      return without_targets();
    case Selector::kServers:
    case Selector::kAnyServer:
      if (parts_ != nullptr) part = parts_->Servers(cluster_);
      return without_targets();
    case Selector::kVoters:
      if (parts_ != nullptr) part = parts_->Voters(cluster_);
      return without_targets();
    case Selector::kActiveController:
      if (parts_ != nullptr) part = parts_->ActiveController(cluster_);
      return part;
    case Selector::kLeaderOf:
      if (parts_ != nullptr) part = parts_->Leaders(cluster_, selector.leader_of());
      return part;
    case Selector::kFollowerOf:
      if (parts_ != nullptr) part = parts_->Followers(cluster_, selector.follower_of());
      return part;
    case Selector::kMinority:
      return DrawMinority(event);
    case Selector::kMajority: {
      if (parts_ != nullptr) part = parts_->Voters(cluster_);
      for (Node* node : DrawMinority(event)) std::erase(part, node);
      return part;
    }
    default:
      return std::nullopt;
  }
}

std::vector<Node*> Nemesis::DrawMinority(const plan::Event& event) {
  std::vector<Node*> voters;
  if (parts_ != nullptr) voters = parts_->Voters(cluster_);
  if (voters.size() < 3) return {};
  const Entity who = PartOf(EntityOf("nemesis"), event.id());
  const size_t largest = (voters.size() - 1) / 2;
  const size_t count = 1 + base::BoundedDraw(cluster_.kernel().Draw(who, PurposeOf("how many")), largest);
  for (size_t i = 0; i < count; ++i) {
    const uint64_t random = cluster_.kernel().Draw(who, PurposeOf("minority"));
    std::swap(voters[i], voters[i + base::BoundedDraw(random, voters.size() - i)]);
  }
  voters.resize(count);
  return voters;
}

void Nemesis::StrikeNode(const plan::Event& event, Node& node) {
  const Action& action = event.action();
  if (const plan::LinkFault* fault = LinkFaultOf(action); fault != nullptr) return StrikeLinks(event, node, *fault);
  switch (action.what_case()) {
    case Action::kCrash:
    case Action::kPowerLoss:
      return Kill(node, action);
    case Action::kRestart:
      return node.ShutDown({.patience = Duration::Nanos(action.restart().patience_ns()),
                            .restart_after = Duration::Nanos(action.restart().restart_after_ns())});
    case Action::kPause:
      return Pause(node, Duration::Nanos(action.pause().duration_ns()));
    case Action::kClockStep:
      return node.StepWall(Duration::Nanos(action.clock_step().wall_ns()));
    case Action::kClockDrift:
      node.SetDrift({.ppm = action.clock_drift().ppm()});
      return Later(Duration::Nanos(action.clock_drift().duration_ns()),
                   [&node] { node.SetDrift(node.options().clock.drift); });
    case Action::kDisk:
      return StrikeDisk(node, action.disk());
    default:
      INVARIANT(!"a plan with an unknown action");
  }
}

void Nemesis::Kill(Node& node, const Action& action) {
  const plan::Kill& kill = action.has_crash() ? action.crash() : action.power_loss();
  if (action.has_crash()) {
    node.Crash();
  } else {
    node.PowerLoss();
  }
  if (kill.restart_after_ns() > 0) node.BootAfter(Duration::Nanos(kill.restart_after_ns()));
}

void Nemesis::Pause(Node& node, Duration duration) {
  node.Pause();
  Later(duration, [&node, incarnation = node.incarnation()] {
    if (node.state() == Node::State::kPaused && node.incarnation() == incarnation) node.Resume();
  });
}

void Nemesis::StrikeLinks(const plan::Event& event, Node& node, const plan::LinkFault& fault) {
  plan::Selector everybody;
  everybody.mutable_all();
  const plan::Selector& selector = fault.has_peer() ? fault.peer() : everybody;
  for (const Node* peer : Resolve(selector, event, triggering_, &node)) {
    const Direction out{.from = node.index(), .to = peer->index()};
    const Direction in{.from = peer->index(), .to = node.index()};
    if (fault.way() != plan::LinkFault::TO_TARGET) StrikeLink(event.action(), fault, out);
    if (fault.way() != plan::LinkFault::FROM_TARGET) StrikeLink(event.action(), fault, in);
  }
}

void Nemesis::StrikeLink(const Action& action, const plan::LinkFault& fault, const Direction& direction) {
  SimNetwork& network = cluster_.network();
  LinkHolds& holds = links_[direction];
  switch (action.what_case()) {
    case Action::kCut:
      ++holds.cut;
      network.Cut(direction);
      break;
    case Action::kStall:
      ++holds.stall;
      network.Stall(direction);
      break;
    case Action::kRefuse:
      ++holds.refuse;
      network.Refuse(direction);
      break;
    case Action::kSlow:
    case Action::kCorrupt: {
      if (holds.shaped++ == 0) holds.options_before = network.link_options(direction);
      LinkOptions options = network.link_options(direction);
      if (action.has_slow()) {
        options.bytes_per_second = fault.bytes_per_second();
        if (fault.loss_ppm() > 0) {
          options.tail_ppm = fault.loss_ppm();
          options.tail_unit = kRetransmission;
        } else {
          options.latency_min = Duration::Nanos(fault.latency_ns());
        }
      } else {
        options.corrupt_ppm = fault.probability_ppm();
      }
      network.SetLink(direction, options);
      break;
    }
    case Action::kResetConnections:
      return network.ResetConnections(direction);
    case Action::kHalfClose:
      return network.HalfClose(direction);
    default:
      INVARIANT(!"not a fault of links");
  }
  Later(Duration::Nanos(fault.duration_ns()),
        [this, what = action.what_case(), direction] { Release(what, direction); });
}

void Nemesis::Release(Action::WhatCase what, const Direction& direction) {
  SimNetwork& network = cluster_.network();
  LinkHolds& holds = links_[direction];
  switch (what) {
    case Action::kCut:
      if (--holds.cut == 0) network.Mend(direction);
      return;
    case Action::kStall:
      if (--holds.stall == 0) network.Unstall(direction);
      return;
    case Action::kRefuse:
      if (--holds.refuse == 0) network.Admit(direction);
      return;
    default:
      if (--holds.shaped == 0) network.SetLink(direction, holds.options_before);
  }
}

void Nemesis::StrikeDisk(Node& node, const plan::DiskFault& fault) {
  sim::DiskFault injected;
  injected.kind = KindOf(fault.kind());
  injected.path_part = fault.path_part();
  if (fault.probability_ppm() > 0) injected.probability_ppm = fault.probability_ppm();
  if (fault.count_max() > 0) injected.count_max = fault.count_max();
  injected.delay = Duration::Nanos(fault.delay_ns());
  node.disk()->Inject(injected);
  ++disk_faults_[node.index()];
  Later(Duration::Nanos(fault.duration_ns()), [this, &node] {
    if (--disk_faults_[node.index()] == 0) node.disk()->Heal();
  });
}

void Nemesis::Later(Duration duration, absl::AnyInvocable<void()> undo) {
  if (duration.nanos() > 0) controls_.push_back(cluster_.kernel().After(duration, std::move(undo)));
}

void Nemesis::Heal() {
  is_active_ = false;
  for (const ControlId control : controls_) cluster_.kernel().Cancel(control);
  controls_.clear();
  links_.clear();
  disk_faults_.clear();
  cluster_.network().Heal();
  for (const auto& node : cluster_.nodes()) {
    if (node->disk() != nullptr) node->disk()->Heal();
    node->SetDrift(node->options().clock.drift);
    if (node->state() == Node::State::kPaused) node->Resume();
    if (!node->is_up() && node->incarnation() > 0) node->Boot();
  }
  cluster_.kernel().TraceAt({}, TraceKind::kFault, [] { return std::string("everything is healed"); });
}

}  // namespace odradek::sim
