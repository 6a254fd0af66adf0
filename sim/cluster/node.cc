#include "sim/cluster/node.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/check.h"
#include "sim/cluster/observation_text.h"

namespace odradek::sim {
namespace {

// How often a node that shuts down is looked at.
constexpr Duration kShutdownPoll = Duration::Millis(1);
// A machine that starts shows any uptime below this.
constexpr Duration kUptimeAtBootMax = Duration::Seconds(1'000'000);

}  // namespace

std::string_view ToString(LifeKind kind) {
  switch (kind) {
    case LifeKind::kBooted:
      return "booted";
    case LifeKind::kCrashed:
      return "crashed";
    case LifeKind::kPowerLost:
      return "lost its power";
    case LifeKind::kFatal:
      return "ended itself";
    case LifeKind::kExited:
      return "exited";
    case LifeKind::kPaused:
      return "paused";
    case LifeKind::kResumed:
      return "resumed";
    case LifeKind::kWiped:
      return "wiped";
  }
  return "unknown";
}

// Hands what the engine observes to the cluster's observer, the history hash and the trace.
class Node::ShardObserver final : public env::Observer {
 public:
  ShardObserver(Node& node, ShardId shard) : node_(node), shard_(shard) {}
  void On(const env::Observation& observation) override {
    Kernel& kernel = node_.world_.kernel;
    FoldObservation(kernel, observation);
    kernel.Trace(TraceKind::kObserved, [&] { return FormatObservation(observation); });
    ClusterObserver* observer = node_.world_.observer();
    if (observer != nullptr) observer->OnObservation(node_.index_, shard_, observation);
  }

 private:
  Node& node_;
  const ShardId shard_;
};

Node::Node(const World& world, NodeOptions options, Program program)
    : world_(world),
      options_(std::move(options)),
      program_(std::move(program)),
      index_(world.kernel.AddNode(options_.name)),
      network_(world.network.AddHost(index_)),
      clock_(options_.clock) {
  REQUIRES(options_.shard_count > 0);
  REQUIRES(program_ != nullptr);
  for (const std::string& host : options_.host_names) world.network.AddName(index_, host);
  if (options_.disk != nullptr) disk_ = options_.disk(world_.kernel, index_);
}

Node::~Node() {
  INVARIANT(state_ == State::kOff);
  world_.kernel.Cancel(boot_);
}

env::Env& Node::env(ShardId shard) {
  REQUIRES(static_cast<size_t>(shard.value()) < envs_.size());
  return envs_[static_cast<size_t>(shard.value())]->env();
}

void Node::Tell(LifeKind kind, const std::string& reason) {
  Kernel& kernel = world_.kernel;
  kernel.Fold(static_cast<uint64_t>(index_.value()), static_cast<uint64_t>(kind));
  kernel.TraceAt({.node = index_}, TraceKind::kNode, [&] {
    return reason.empty() ? std::string(ToString(kind)) : fmt::format("{}: {}", ToString(kind), reason);
  });
  ClusterObserver* observer = world_.observer();
  if (observer == nullptr) return;
  observer->OnLife({.at = kernel.Now(), .node = index_, .kind = kind, .reason = reason});
}

void Node::Boot() {
  REQUIRES(state_ == State::kOff);
  Kernel& kernel = world_.kernel;
  kernel.Cancel(std::exchange(boot_, ControlId::kNone));
  ++incarnation_;
  if (power_was_lost_ || incarnation_ == 1) {
    if (power_was_lost_) world_.network.PowerOn(index_);
    const uint64_t random = kernel.Draw(EntityOf(name()), PurposeOf("uptime"));
    const uint64_t uptime = base::BoundedDraw(random, static_cast<uint64_t>(kUptimeAtBootMax.nanos()));
    clock_.Boot(kernel.Now(), MonoTime::FromNanos(static_cast<int64_t>(uptime)));
  }
  power_was_lost_ = false;
  if (disk_ != nullptr) disk_->Boot();
  env::Disk& disk = disk_ == nullptr ? static_cast<env::Disk&>(no_disk_) : disk_->disk();
  std::vector<NodeShard*> shards;
  std::vector<env::Env*> envs;
  for (int32_t i = 0; i < options_.shard_count; ++i) {
    const ShardId shard(i);
    observers_.push_back(std::make_unique<ShardObserver>(*this, shard));
    const NodeShard::Identity identity{
        .node = index_, .shard = shard, .shard_count = options_.shard_count, .incarnation = incarnation_};
    const ShardEnv::Parts parts{world_.kernel, world_.context, clock_, world_.host, disk, network_, *observers_.back()};
    envs_.push_back(std::make_unique<ShardEnv>(parts, identity, options_.shard));
    shards.push_back(&envs_.back()->shard());
    envs.push_back(&envs_.back()->env());
  }
  for (NodeShard* shard : shards) shard->ConnectPeers(shards);
  state_ = State::kRunning;
  Tell(LifeKind::kBooted, {});
  instance_ = program_(envs);
}

void Node::BootAfter(Duration delay) {
  world_.kernel.Cancel(boot_);
  boot_ = world_.kernel.After(delay, [this] {
    if (state_ == State::kOff) Boot();
  });
}

void Node::Die(LifeKind kind, const std::string& reason) {
  REQUIRES(state_ != State::kOff);
  world_.kernel.Cancel(std::exchange(boot_, ControlId::kNone));
  for (const auto& env : envs_) env->shard().CutOff();
  if (kind == LifeKind::kPowerLost) {
    world_.network.PowerLoss(index_);
  } else {
    world_.network.ProcessCrash(index_);
  }
  if (disk_ != nullptr) disk_->CutOff();
  for (auto env = envs_.rbegin(); env != envs_.rend(); ++env) (*env)->shard().Kill();
  instance_.reset();
  if (disk_ != nullptr) {
    INVARIANT(disk_->open_count() == 0);
    if (kind == LifeKind::kPowerLost) {
      disk_->PowerLoss();
    } else {
      disk_->ProcessCrash();
    }
  }
  CheckNothingIsLeft();
  envs_.clear();
  observers_.clear();
  state_ = State::kOff;
  power_was_lost_ = kind == LifeKind::kPowerLost;
  Tell(kind, reason);
}

void Node::CheckNothingIsLeft() {
  for (const auto& env : envs_) {
    const NodeShard::Holdings held = env->shard().holdings();
    INVARIANT(held.fiber_count == 0);
    INVARIANT(held.timer_count == 0);
    INVARIANT(held.message_count == 0);
    INVARIANT(held.task_count == 0);
  }
  INVARIANT(world_.network.held_count(index_) == 0);
}

void Node::PowerLoss() {
  if (is_up()) return Die(LifeKind::kPowerLost, {});
  if (power_was_lost_) return;
  power_was_lost_ = true;
  world_.network.PowerLoss(index_);
  if (disk_ != nullptr) disk_->PowerLoss();
  Tell(LifeKind::kPowerLost, {});
}

void Node::ShutDown(const Shutdown& shutdown) {
  REQUIRES(state_ != State::kOff);
  if (instance_ != nullptr) instance_->RequestShutdown();
  PollShutdown({.deadline = world_.kernel.Now() + shutdown.patience,
                .incarnation = incarnation_,
                .restart_after = shutdown.restart_after});
}

void Node::PollShutdown(const ShutdownWatch& watch) {
  if (state_ == State::kOff || incarnation_ != watch.incarnation) return;
  const bool has_ended =
      std::all_of(envs_.begin(), envs_.end(), [](const auto& env) { return env->shard().holdings().fiber_count == 0; });
  if (!has_ended && world_.kernel.Now() < watch.deadline) {
    world_.kernel.After(kShutdownPoll, [this, watch] { PollShutdown(watch); });
    return;
  }
  if (has_ended) {
    Die(LifeKind::kExited, {});
  } else {
    Die(LifeKind::kCrashed, "did not shut down in time");
  }
  if (watch.restart_after.has_value()) BootAfter(*watch.restart_after);
}

void Node::Pause() {
  REQUIRES(state_ == State::kRunning);
  state_ = State::kPaused;
  for (const auto& env : envs_) env->shard().Pause();
  Tell(LifeKind::kPaused, {});
}

void Node::Resume() {
  REQUIRES(state_ == State::kPaused);
  state_ = State::kRunning;
  Tell(LifeKind::kResumed, {});
  for (const auto& env : envs_) env->shard().Resume();
}

void Node::Wipe() {
  REQUIRES(state_ == State::kOff);
  if (disk_ != nullptr) disk_->Wipe();
  Tell(LifeKind::kWiped, {});
}

void Node::StepWall(Duration step) {
  clock_.StepWall(step);
  world_.kernel.Fold(static_cast<uint64_t>(index_.value()), static_cast<uint64_t>(step.nanos()));
}

void Node::SetDrift(Drift drift) {
  clock_.SetDrift(world_.kernel.Now(), drift);
  for (const auto& env : envs_) env->shard().ClockChanged();
}

void Node::OnFatal(const std::string& reason) {
  if (state_ == State::kOff) return;
  Die(LifeKind::kFatal, reason);
  if (options_.restart_after_fatal.has_value()) BootAfter(*options_.restart_after_fatal);
}

}  // namespace odradek::sim
