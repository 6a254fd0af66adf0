#include "sim/nemesis/generate.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "engine/base/check.h"
#include "sim/kernel/draw.h"

namespace odradek::sim {
namespace {

using plan::FaultClass;

constexpr uint64_t kEventsPerClassMax = 10'000;
constexpr int64_t kThousandSecondsNanos = int64_t{1000} * 1'000'000'000;

// Short and long ones matter equally: even over the powers of two between the two.
int64_t DrawDuration(DrawStream& draws, Duration least, Duration most) {
  int doublings = 0;
  while ((least.nanos() << (doublings + 1)) <= most.nanos()) ++doublings;
  const int64_t low = least.nanos() << draws.Between(0, doublings);
  return std::min(draws.Between(low, low * 2), most.nanos());
}

// How many events a class has: its mean over the length, rounded up or down by a draw.
uint64_t DrawCount(DrawStream& draws, const FaultClass& fault, Duration length) {
  const auto scaled = static_cast<__int128>(length.nanos()) * fault.per_thousand_seconds();
  const auto whole = static_cast<uint64_t>(scaled / kThousandSecondsNanos);
  const auto rest = static_cast<uint64_t>(scaled % kThousandSecondsNanos);
  const uint64_t more = draws.Below(static_cast<uint64_t>(kThousandSecondsNanos)) < rest ? 1 : 0;
  // A mean says little about a run: anything from none to twice as many.
  const uint64_t count = draws.Below(2 * whole + 1) + more;
  return std::min(count, kEventsPerClassMax);
}

void FillLink(DrawStream& draws, const FaultClass& wanted, Duration longest, plan::LinkFault& fault) {
  fault.set_duration_ns(DrawDuration(draws, Duration::Millis(20), longest));
  const int count = wanted.peer_size();
  const auto peer =
      count == 0 ? FaultClass::ANYBODY : wanted.peer(static_cast<int>(draws.Below(static_cast<uint64_t>(count))));
  switch (peer) {
    case FaultClass::REST:
      fault.mutable_peer()->mutable_rest();
      return;
    case FaultClass::SERVERS:
      fault.mutable_peer()->mutable_servers();
      return;
    case FaultClass::VOTERS:
      fault.mutable_peer()->mutable_voters();
      return;
    case FaultClass::ANY_SERVER:
      fault.mutable_peer()->mutable_any_server();
      return;
    case FaultClass::CLIENTS:
      fault.mutable_peer()->set_all_of_role("client");
      return;
    default:
      // One peer or, in a third of the cases, everybody.
      if (draws.Below(3) > 0) fault.mutable_peer()->mutable_any();
  }
}

plan::LinkFault::Way DrawWay(DrawStream& draws) {
  return draws.Below(2) == 0 ? plan::LinkFault::FROM_TARGET : plan::LinkFault::TO_TARGET;
}

int64_t DrawRestart(DrawStream& draws) {
  return DrawDuration(draws, Duration::Millis(1), Duration::Seconds(10));
}

void FillDisk(DrawStream& draws, const FaultClass& wanted, plan::DiskFault& fault) {
  fault.set_duration_ns(DrawDuration(draws, Duration::Millis(10), Duration::Seconds(5)));
  fault.set_probability_ppm(draws.Below(2) == 0 ? 1'000'000 : static_cast<uint32_t>(draws.Between(10'000, 500'000)));
  if (wanted.path_part_size() > 0) {
    // One error is another thing than a disk that goes on failing: a retry succeeds.
    if (draws.Below(2) == 0) fault.set_count_max(1);
    const uint64_t part = draws.Below(static_cast<uint64_t>(wanted.path_part_size()));
    fault.set_path_part(wanted.path_part(static_cast<int>(part)));
  }
  switch (wanted.kind()) {
    case FaultClass::DISK_READ_ERROR:
      return fault.set_kind(plan::DiskFault::READ_ERROR);
    case FaultClass::DISK_WRITE_ERROR:
      return fault.set_kind(plan::DiskFault::WRITE_ERROR);
    case FaultClass::DISK_SYNC_ERROR:
      return fault.set_kind(plan::DiskFault::SYNC_ERROR);
    case FaultClass::DISK_NO_SPACE:
      return fault.set_kind(plan::DiskFault::NO_SPACE);
    case FaultClass::DISK_HANG:
      return fault.set_kind(plan::DiskFault::HANG);
    case FaultClass::DISK_BIT_ROT:
      // One lasts.
      fault.set_count_max(1);
      return fault.set_kind(plan::DiskFault::BIT_ROT);
    case FaultClass::DISK_ROT_AT_REST:
      fault.clear_duration_ns();
      fault.clear_probability_ppm();
      // A bit, or a part of the platter.
      fault.set_count_max(uint64_t{1} << draws.Below(6));
      return fault.set_kind(plan::DiskFault::ROT_AT_REST);
    case FaultClass::DISK_MISDIRECTED_READ:
      fault.set_count_max(1);
      return fault.set_kind(plan::DiskFault::MISDIRECTED_READ);
    case FaultClass::DISK_MISDIRECTED_WRITE:
      fault.set_count_max(1);
      return fault.set_kind(plan::DiskFault::MISDIRECTED_WRITE);
    default:
      fault.set_kind(plan::DiskFault::SLOW_DISK);
      fault.set_delay_ns(DrawDuration(draws, Duration::Millis(1), Duration::Seconds(2)));
  }
}

void FillNetworkAction(DrawStream& draws, const FaultClass& wanted, plan::Action& action) {
  switch (wanted.kind()) {
    case FaultClass::PARTITION:
      return FillLink(draws, wanted, Duration::Seconds(20), *action.mutable_cut());
    case FaultClass::ONE_WAY_PARTITION:
      FillLink(draws, wanted, Duration::Seconds(20), *action.mutable_cut());
      return action.mutable_cut()->set_way(DrawWay(draws));
    case FaultClass::STALL:  // outlives a client's retries
      return FillLink(draws, wanted, Duration::Seconds(60), *action.mutable_stall());
    case FaultClass::SLOW_LINK:
      FillLink(draws, wanted, Duration::Seconds(20), *action.mutable_slow());
      action.mutable_slow()->set_latency_ns(DrawDuration(draws, Duration::Millis(1), Duration::Seconds(1)));
      return action.mutable_slow()->set_bytes_per_second(draws.Between(10'000, 10'000'000));
    case FaultClass::LOSSY_LINK:
      FillLink(draws, wanted, Duration::Seconds(20), *action.mutable_slow());
      return action.mutable_slow()->set_loss_ppm(static_cast<uint32_t>(draws.Between(1'000, 300'000)));
    case FaultClass::RESET_CONNECTIONS:
      return FillLink(draws, wanted, Duration::Seconds(1), *action.mutable_reset_connections());
    case FaultClass::HALF_CLOSE:
      FillLink(draws, wanted, Duration::Seconds(1), *action.mutable_half_close());
      return action.mutable_half_close()->set_way(DrawWay(draws));
    case FaultClass::REFUSE:
      return FillLink(draws, wanted, Duration::Seconds(10), *action.mutable_refuse());
    case FaultClass::CORRUPT:
      FillLink(draws, wanted, Duration::Seconds(10), *action.mutable_corrupt());
      return action.mutable_corrupt()->set_probability_ppm(static_cast<uint32_t>(draws.Between(100, 50'000)));
    default:
      INVARIANT(!"not a class of network faults");
  }
}

void FillAction(DrawStream& draws, const FaultClass& fault, plan::Action& action) {
  switch (fault.kind()) {
    case FaultClass::CRASH:
    case FaultClass::CRASH_AT_PROBE:
      return action.mutable_crash()->set_restart_after_ns(DrawRestart(draws));
    case FaultClass::POWER_LOSS:
    case FaultClass::POWER_LOSS_AT_PROBE:
      return action.mutable_power_loss()->set_restart_after_ns(DrawRestart(draws));
    case FaultClass::RESTART:
      action.mutable_restart()->set_patience_ns(DrawDuration(draws, Duration::Millis(1), Duration::Seconds(10)));
      return action.mutable_restart()->set_restart_after_ns(DrawRestart(draws));
    case FaultClass::PAUSE:
      return action.mutable_pause()->set_duration_ns(DrawDuration(draws, Duration::Millis(5), Duration::Seconds(20)));
    case FaultClass::CLOCK_STEP: {
      const int64_t step = DrawDuration(draws, Duration::Millis(1), Duration::Seconds(86'400));
      return action.mutable_clock_step()->set_wall_ns(draws.Below(2) == 0 ? step : -step);
    }
    case FaultClass::CLOCK_DRIFT:
      action.mutable_clock_drift()->set_ppm(static_cast<int32_t>(draws.Between(-50'000, 50'000)));
      return action.mutable_clock_drift()->set_duration_ns(
          DrawDuration(draws, Duration::Seconds(1), Duration::Seconds(60)));
    case FaultClass::DISK_READ_ERROR:
    case FaultClass::DISK_WRITE_ERROR:
    case FaultClass::DISK_SYNC_ERROR:
    case FaultClass::DISK_NO_SPACE:
    case FaultClass::DISK_SLOW:
    case FaultClass::DISK_HANG:
    case FaultClass::DISK_BIT_ROT:
    case FaultClass::DISK_ROT_AT_REST:
    case FaultClass::DISK_MISDIRECTED_READ:
    case FaultClass::DISK_MISDIRECTED_WRITE:
      return FillDisk(draws, fault, *action.mutable_disk());
    default:
      return FillNetworkAction(draws, fault, action);
  }
}

void FillTarget(const FaultClass& fault, plan::Selector& target) {
  switch (fault.target()) {
    case FaultClass::ACTIVE_CONTROLLER:
      target.mutable_active_controller();
      return;
    case FaultClass::LEADER:
      target.mutable_leader_of();
      return;
    case FaultClass::FOLLOWER:
      target.mutable_follower_of();
      return;
    case FaultClass::MINORITY:
      target.mutable_minority();
      return;
    case FaultClass::MAJORITY:
      target.mutable_majority();
      return;
    default:
      if (fault.role().empty()) {
        target.mutable_any();
      } else {
        target.set_any_of_role(fault.role());
      }
  }
}

// Of the draws of a class.
Entity EntityOfClass(const FaultClass& fault) {
  const bool has_places = fault.probe_size() + fault.disk_size() > 0;
  std::string name =
      fmt::format("{}/{}{}", FaultClass::Kind_Name(fault.kind()), fault.role(), has_places ? "/at a place" : "");
  if (fault.target() != FaultClass::ANY_OF_ROLE) name += "/" + FaultClass::Target_Name(fault.target());
  for (const int peer : fault.peer()) name += "/" + FaultClass::Peer_Name(static_cast<FaultClass::Peer>(peer));
  return EntityOf(name);
}

void FillTrigger(DrawStream& draws, const FaultClass& fault, Duration length, plan::Event& event) {
  const int place_count = fault.probe_size() + fault.disk_size();
  if (place_count > 0) {
    const auto place = static_cast<int>(draws.Below(static_cast<uint64_t>(place_count)));
    const uint64_t hit = uint64_t{1} << draws.Below(8);
    if (place < fault.probe_size()) {
      plan::ProbeHit& probe = *event.mutable_trigger()->mutable_probe();
      probe.set_name(fault.probe(place));
      probe.set_count(hit);
    } else {
      plan::DiskOperation& disk = *event.mutable_trigger()->mutable_disk();
      disk = fault.disk(place - fault.probe_size());
      disk.set_count(hit);
    }
    event.mutable_target()->mutable_triggering();
    return;
  }
  event.mutable_trigger()->set_at_ns(static_cast<int64_t>(draws.Below(static_cast<uint64_t>(length.nanos()))));
  FillTarget(fault, *event.mutable_target());
}

// One after the other, with about as much time in between as a restart takes.
void AddRoll(DrawStream& draws, const PlanOptions& options, const FaultClass& fault, plan::Plan& plan) {
  auto at = static_cast<int64_t>(draws.Below(static_cast<uint64_t>(options.length.nanos())));
  const int64_t gap = DrawDuration(draws, Duration::Seconds(1), Duration::Seconds(10));
  for (const Topology::Member& member : options.topology.members) {
    if (member.role != fault.role() || at >= options.length.nanos()) continue;
    plan::Event& event = *plan.add_event();
    event.set_id(static_cast<uint32_t>(draws.Between(1, 0x7fffffff)));
    event.mutable_trigger()->set_at_ns(at);
    event.mutable_target()->set_node(member.name);
    event.mutable_action()->mutable_restart()->set_patience_ns(Duration::Seconds(10).nanos());
    event.mutable_action()->mutable_restart()->set_restart_after_ns(
        DrawDuration(draws, Duration::Millis(1), Duration::Seconds(1)));
    at += gap;
  }
}

}  // namespace

plan::Plan GeneratePlan(const PlanOptions& options) {
  REQUIRES(options.length.nanos() > 0);
  plan::Plan plan;
  plan.set_seed(options.seed);
  for (const FaultClass& fault : options.classes) {
    if (fault.kind() == FaultClass::UNKNOWN) continue;
    const Entity whole = EntityOfClass(fault);
    DrawStream counts(options.seed, whole, PurposeOf("count"));
    const uint64_t count = DrawCount(counts, fault, options.length);
    for (uint64_t i = 0; i < count; ++i) {
      DrawStream draws(options.seed, PartOf(whole, i), PurposeOf("event"));
      if (fault.kind() == FaultClass::ROLLING_RESTART) {
        AddRoll(draws, options, fault, plan);
        continue;
      }
      plan::Event& event = *plan.add_event();
      // Its own, whatever else is in the plan.
      event.set_id(static_cast<uint32_t>(draws.Between(1, 0x7fffffff)));
      FillTrigger(draws, fault, options.length, event);
      FillAction(draws, fault, *event.mutable_action());
    }
  }
  std::stable_sort(
      plan.mutable_event()->pointer_begin(), plan.mutable_event()->pointer_end(),
      [](const plan::Event* a, const plan::Event* b) { return a->trigger().at_ns() < b->trigger().at_ns(); });
  std::vector<uint32_t> ids;  // the rare collision moves on by one
  for (plan::Event& event : *plan.mutable_event()) {
    while (std::find(ids.begin(), ids.end(), event.id()) != ids.end()) event.set_id(event.id() + 1);
    ids.push_back(event.id());
  }
  return plan;
}

}  // namespace odradek::sim
