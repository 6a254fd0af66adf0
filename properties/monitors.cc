#include "properties/monitors.h"

#include <iterator>
#include <utility>

namespace odradek::properties {
namespace {

void AppendAll(std::vector<history::Violation> from, std::vector<history::Violation>& into) {
  std::move(from.begin(), from.end(), std::back_inserter(into));
}

}  // namespace

std::vector<history::Violation> MonitorState(const ReplicaState& state) {
  std::vector<history::Violation> found = WatermarksAreOrdered(state);
  AppendAll(LeaderEpochsIncrease(state), found);
  AppendAll(RecoveryPointsAreDurable(state), found);
  return found;
}

std::vector<history::Violation> MonitorFold(const ReplicaState& state, const ReplicaFold& fold) {
  std::vector<history::Violation> found = LeaderEpochsAreThoseOfTheLog(state, fold);
  AppendAll(ProducerStateIsTheFoldOfTheLog(state, fold), found);
  return found;
}

}  // namespace odradek::properties
