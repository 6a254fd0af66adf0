#include "tests/real/cluster/striker.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/check.h"
#include "engine/net/client_connection.h"
#include "engine/protocol/generated/describe_quorum.h"
#include "engine/protocol/generated/metadata.h"
#include "sim/kernel/draw.h"

namespace odradek::real_cluster {
namespace {

using sim::plan::Action;
using sim::plan::Event;
using sim::plan::FaultClass;
using sim::plan::LinkFault;
using sim::plan::Selector;

constexpr Duration kAskTimeout = Duration::Millis(700);
constexpr Duration kSupervision = Duration::Millis(50);
// A node that was asked to end waits ten seconds for a leader at most.
constexpr Duration kShutdownPatience = Duration::Seconds(30);
constexpr size_t kAccidentsMax = 10;

sim::Entity EntityOf(const Event& event) {
  return sim::PartOf(sim::EntityOf("nemesis"), event.id());
}

// nullptr: not about links.
const LinkFault* LinkFaultOf(const Action& action) {
  switch (action.what_case()) {
    case Action::kCut:
      return &action.cut();
    case Action::kStall:
      return &action.stall();
    case Action::kSlow:
      return &action.slow();
    default:
      return nullptr;
  }
}

bool IsAboutProcesses(const Action& action) {
  return action.has_crash() || action.has_restart() || action.has_pause();
}

}  // namespace

std::string WhatCannotBeDone(const Event& event, Links links) {
  const bool is_about_links = LinkFaultOf(event.action()) != nullptr;
  if (!is_about_links && !IsAboutProcesses(event.action())) {
    return fmt::format("event {}: nobody can do this to a real process: {}", event.id(),
                       sim::DescribeAction(event.action()));
  }
  if (is_about_links && links == Links::kFixed) {
    return fmt::format("event {} is about links, and those of the scenario are fixed", event.id());
  }
  if (event.trigger().when_case() == sim::plan::Trigger::kAtNs) return "";
  return fmt::format("event {}: nobody sees probes and disk operations of real processes", event.id());
}

bool IsAboutLinks(const FaultClass& fault) {
  switch (fault.kind()) {
    case FaultClass::PARTITION:
    case FaultClass::ONE_WAY_PARTITION:
    case FaultClass::STALL:
    case FaultClass::SLOW_LINK:
    case FaultClass::LOSSY_LINK:
      return true;
    default:
      return false;
  }
}

std::string Striker::NameOf(Member member) const {
  return member == clients() ? "clients" : servers_.at(member).name;
}

void Striker::Run(fiber::Fiber& self, const sim::plan::Plan& plan, Duration length) {
  const Links links = options_.wires == nullptr ? Links::kFixed : Links::kWires;
  for (const Event& event : plan.event()) REQUIRES(WhatCannotBeDone(event, links).empty());
  const MonoTime began = self.Now();
  {
    fiber::TaskGroup events(self);
    events.Spawn("supervisor", [this](fiber::Fiber& fiber) { Supervise(fiber); });
    for (const Event& event : plan.event()) {
      const MonoTime at = began + Duration::Nanos(event.trigger().at_ns());
      if (at > began + length) continue;
      events.Spawn("fault", [this, at, &event](fiber::Fiber& fiber) {
        fiber::SleepUntil(fiber, at);
        Fire(fiber, event);
      });
    }
    fiber::SleepUntil(self, began + length);
    events.Cancel();
    events.Join(self);
  }
  Heal(self);
}

void Striker::Supervise(fiber::Fiber& self) {
  size_t seen = servers_.accidents().size();
  while (true) {
    fiber::SleepFor(self, kSupervision);
    servers_.Reap();
    if (servers_.accidents().size() == seen) continue;
    seen = servers_.accidents().size();
    if (seen > kAccidentsMax) return;
    for (Member server = 0; server < servers_.count(); ++server) {
      const bool has_failed = servers_.at(server).state == Servers::State::kOff &&
                              servers_.at(server).expected == Servers::Server::End::kAccident;
      if (has_failed) servers_.Start(server);
    }
  }
}

bool Striker::IsFit(Member member, const Action& action) const {
  if (LinkFaultOf(action) != nullptr) return true;
  if (member == clients()) return false;
  const Servers::State state = servers_.at(member).state;
  return state == Servers::State::kRunning || (state == Servers::State::kPaused && !action.has_pause());
}

void Striker::Fire(fiber::Fiber& self, const Event& event) {
  const Members targets = Resolve(self, event.target(), event, nullptr);
  const auto note = [&](std::string target, sim::StrikeResult result) {
    strikes_.push_back({.at = MonoTime::FromNanos(options_.now_ns()),
                        .event_id = event.id(),
                        .target = std::move(target),
                        .result = result,
                        .action = sim::DescribeAction(event.action())});
  };
  if (targets.empty()) note("", sim::StrikeResult::kNoTarget);
  for (const Member target : targets) note(NameOf(target), sim::StrikeResult::kDone);
  const Action& action = event.action();
  if (LinkFaultOf(action) != nullptr) return StrikeLinks(self, event, targets);
  if (action.has_crash()) return Crash(self, targets, Duration::Nanos(action.crash().restart_after_ns()));
  if (action.has_restart()) return Restart(self, targets, action.restart());
  Pause(self, targets, Duration::Nanos(action.pause().duration_ns()));
}

Striker::Members Striker::Resolve(fiber::Fiber& self, const Selector& selector, const Event& event,
                                  const Members* targets) {
  const std::optional<Members> candidates = Candidates(self, selector, event);
  Members fit;
  for (Member member = 0; member <= clients(); ++member) {
    const bool is_meant =
        !candidates.has_value() || std::find(candidates->begin(), candidates->end(), member) != candidates->end();
    const bool is_target = targets != nullptr && std::find(targets->begin(), targets->end(), member) != targets->end();
    if (is_meant && !is_target && IsFit(member, event.action())) fit.push_back(member);
  }
  const bool takes_one = selector.has_any() || selector.has_any_of_role() || selector.has_any_server() ||
                         selector.has_leader_of() || selector.has_follower_of();
  if (!takes_one || fit.size() <= 1) return fit;
  sim::DrawStream draws(options_.seed, EntityOf(event), sim::PurposeOf(targets == nullptr ? "target" : "peer"));
  return {fit[draws.Below(fit.size())]};
}

std::optional<Striker::Members> Striker::Candidates(fiber::Fiber& self, const Selector& selector, const Event& event) {
  Members servers;
  for (Member server = 0; server < servers_.count(); ++server) servers.push_back(server);
  const auto of_role = [&](const std::string& role) { return role == "client" ? Members{clients()} : servers; };
  switch (selector.who_case()) {
    case Selector::kNode: {
      const auto named = std::find_if(servers.begin(), servers.end(),
                                      [&](Member server) { return NameOf(server) == selector.node(); });
      return Members{named == servers.end() ? clients() : *named};
    }
    case Selector::kAnyOfRole:
      return of_role(selector.any_of_role());
    case Selector::kAllOfRole:
      return of_role(selector.all_of_role());
    case Selector::kServers:
    case Selector::kVoters:
    case Selector::kAnyServer:
      return servers;
    case Selector::kActiveController:
      return ActiveController(self);
    case Selector::kLeaderOf:
      return ReplicasOf(self, event, Part::kLeader);
    case Selector::kFollowerOf:
      return ReplicasOf(self, event, Part::kFollowers);
    case Selector::kMinority:
      return DrawMinority(event);
    case Selector::kMajority:
      for (const Member one : DrawMinority(event)) std::erase(servers, one);
      return servers;
    default:
      return std::nullopt;
  }
}

Striker::Members Striker::DrawMinority(const Event& event) const {
  Members all;
  for (Member server = 0; server < servers_.count(); ++server) all.push_back(server);
  const size_t largest = (all.size() - 1) / 2;
  if (largest == 0) return {};
  sim::DrawStream draws(options_.seed, EntityOf(event), sim::PurposeOf("minority"));
  const size_t count = 1 + draws.Below(largest);
  for (size_t i = 0; i < count; ++i) std::swap(all[i], all[i + draws.Below(all.size() - i)]);
  all.resize(count);
  return all;
}

template <typename Request, typename Response>
std::optional<Response> Striker::Ask(fiber::Fiber& self, const Request& request) {
  for (Member server = 0; server < servers_.count(); ++server) {
    if (servers_.at(server).state != Servers::State::kRunning) continue;
    const auto opened = net::ClientConnection::Open(
        self, env_, servers_.at(server).address,
        {.client_id = "nemesis", .setup_timeout = kAskTimeout, .request_timeout = kAskTimeout});
    if (opened.connection == nullptr) continue;
    auto answer = opened.connection->Call<Request, Response>(self, request);
    opened.connection->Close();
    if (answer.ok()) return std::move(answer.response);
  }
  return std::nullopt;
}

Striker::Members Striker::ActiveController(fiber::Fiber& self) {
  protocol::DescribeQuorumRequest request;
  request.topics.push_back({.topic_name = "__cluster_metadata", .partitions = {{.partition_index = 0}}});
  const auto answer = Ask<protocol::DescribeQuorumRequest, protocol::DescribeQuorumResponse>(self, request);
  if (!answer || answer->topics.empty() || answer->topics.front().partitions.empty()) return {};
  const int32_t leader = answer->topics.front().partitions.front().leader_id;
  for (Member server = 0; server < servers_.count(); ++server) {
    if (servers_.at(server).id == NodeId(leader)) return {server};
  }
  return {};
}

Striker::Members Striker::ReplicasOf(fiber::Fiber& self, const Event& event, Part part) {
  const protocol::MetadataRequest request{.topics = std::nullopt, .allow_auto_topic_creation = false};
  const auto answer = Ask<protocol::MetadataRequest, protocol::MetadataResponse>(self, request);
  std::vector<const protocol::MetadataResponse::Partition*> partitions;
  if (answer) {
    for (const auto& topic : answer->topics) {
      for (const auto& partition : topic.partitions) partitions.push_back(&partition);
    }
  }
  if (partitions.empty()) return {};
  sim::DrawStream draws(options_.seed, EntityOf(event), sim::PurposeOf("partition"));
  const auto& chosen = *partitions[draws.Below(partitions.size())];
  Members members;
  for (Member server = 0; server < servers_.count(); ++server) {
    const int32_t id = servers_.at(server).id.value();
    const bool leads = chosen.leader_id == id;
    const bool has_it =
        std::find(chosen.replica_nodes.begin(), chosen.replica_nodes.end(), id) != chosen.replica_nodes.end();
    if (has_it && leads == (part == Part::kLeader)) members.push_back(server);
  }
  return members;
}

void Striker::StartIfOff(Member server, uint64_t incarnation) {
  const Servers::Server& one = servers_.at(server);
  if (one.state == Servers::State::kOff && one.incarnation == incarnation) servers_.Start(server);
}

void Striker::Crash(fiber::Fiber& self, const Members& targets, Duration restart_after) {
  std::vector<std::pair<Member, uint64_t>> killed;
  for (const Member target : targets) {
    killed.emplace_back(target, servers_.at(target).incarnation);
    servers_.Kill(target);
  }
  for (const auto& [target, incarnation] : killed) servers_.AwaitEnd(self, target, kShutdownPatience);
  fiber::SleepFor(self, restart_after);
  for (const auto& [target, incarnation] : killed) StartIfOff(target, incarnation);
}

void Striker::Restart(fiber::Fiber& self, const Members& targets, const sim::plan::Restart& restart) {
  for (const Member target : targets) {
    // Others may have struck it while the one before it came back.
    if (servers_.at(target).state == Servers::State::kOff) continue;
    const uint64_t incarnation = servers_.at(target).incarnation;
    servers_.Terminate(target);
    const bool has_ended = servers_.AwaitEnd(self, target, Duration::Nanos(restart.patience_ns()));
    if (!has_ended && servers_.at(target).incarnation == incarnation) servers_.KillAndReap(self, target);
    fiber::SleepFor(self, Duration::Nanos(restart.restart_after_ns()));
    StartIfOff(target, incarnation);
  }
}

void Striker::Pause(fiber::Fiber& self, const Members& targets, Duration duration) {
  std::vector<std::pair<Member, uint64_t>> paused;
  for (const Member target : targets) {
    paused.emplace_back(target, servers_.at(target).incarnation);
    servers_.Pause(target);
  }
  fiber::SleepFor(self, duration);
  for (const auto& [target, incarnation] : paused) {
    const Servers::Server& one = servers_.at(target);
    if (one.state == Servers::State::kPaused && one.incarnation == incarnation) servers_.Resume(target);
  }
}

void Striker::StrikeLinks(fiber::Fiber& self, const Event& event, const Members& targets) {
  const LinkFault& fault = *LinkFaultOf(event.action());
  Selector everybody;
  everybody.mutable_all();
  const Members peers = Resolve(self, fault.has_peer() ? fault.peer() : everybody, event, &targets);
  std::vector<Wires::Way> ways;
  for (const Member target : targets) {
    for (const Member peer : peers) {
      const Wires::Way out{static_cast<int>(target), static_cast<int>(peer)};
      if (fault.way() != LinkFault::TO_TARGET) ways.push_back(out);
      if (fault.way() != LinkFault::FROM_TARGET) ways.push_back({out.to, out.from});
    }
  }
  for (const Wires::Way& way : ways) Hold(way, event.action());
  fiber::SleepFor(self, fault.duration_ns() == 0 ? Duration::kMax : Duration::Nanos(fault.duration_ns()));
  for (const Wires::Way& way : ways) Release(way, event.action());
}

void Striker::Hold(const Wires::Way& way, const Action& action) {
  LinkHolds& holds = links_[way];
  if (action.has_slow()) {
    ++holds.shaped;
    holds.shape = {.latency_ns = action.slow().latency_ns(),
                   .bytes_per_second = action.slow().bytes_per_second(),
                   .loss_ppm = action.slow().loss_ppm()};
  } else {
    ++holds.cut;
  }
  Apply(way);
}

void Striker::Release(const Wires::Way& way, const Action& action) {
  LinkHolds& holds = links_[way];
  --(action.has_slow() ? holds.shaped : holds.cut);
  Apply(way);
}

void Striker::Apply(const Wires::Way& way) {
  const LinkHolds& holds = links_[way];
  Wires::Link link;
  if (holds.shaped > 0) link = holds.shape;
  link.is_cut = holds.cut > 0;
  options_.wires->Set(way, link);
}

void Striker::Heal(fiber::Fiber& self) {
  links_.clear();
  if (options_.wires != nullptr) options_.wires->Heal();
  servers_.Reap();
  for (Member server = 0; server < servers_.count(); ++server) {
    if (servers_.at(server).state == Servers::State::kPaused) servers_.Resume(server);
  }
  for (Member server = 0; server < servers_.count(); ++server) {
    // Who was killed or asked to end goes on ending.
    const bool is_ending = servers_.at(server).expected != Servers::Server::End::kAccident;
    if (is_ending && !servers_.AwaitEnd(self, server, kShutdownPatience)) servers_.KillAndReap(self, server);
    if (servers_.at(server).state == Servers::State::kOff) servers_.Start(server);
  }
}

}  // namespace odradek::real_cluster
