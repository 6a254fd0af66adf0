#include "properties/monitors.h"

#include <array>
#include <iterator>

namespace odradek::properties {
namespace {

constexpr auto kMonitors = std::to_array<Monitor>({
    {"P5", "The producers' state in memory is the fold of the log.", &ProducerStateIsTheFoldOfTheLog},
    {"D3", "What counts as durable was synced.", &RecoveryPointsAreDurable},
    {"R11", "Log start, last stable offset, high watermark and log end are ordered.", &WatermarksAreOrdered},
    {"R12", "Leader epochs increase along the log.", &LeaderEpochsIncrease},
    {"R12", "The epochs of the batches are those of the leader-epoch cache.", &LeaderEpochsAreThoseOfTheLog},
});

}  // namespace

std::span<const Monitor> AllMonitors() {
  return kMonitors;
}

Verdicts MonitorAll(const ReplicaState& state) {
  Verdicts all;
  for (const Monitor& monitor : kMonitors) all.Add(monitor.id, monitor.check(state));
  return all;
}

}  // namespace odradek::properties
