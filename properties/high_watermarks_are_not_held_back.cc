// V1. What all of the maximal ISR has told to have is committed soon, if no other replica is about to join: who is
// fenced, shuts down or has not fetched holds nothing up (KAFKA-13091, KAFKA-15021). Soon: a node learns of brokers and
// of its partitions one after the other.
#include <fmt/format.h>

#include "properties/cluster_monitors.h"

namespace odradek::properties {
namespace {

constexpr int64_t kHeldBackMaxNanos = 1'000'000'000;

}  // namespace

Findings HighWatermarksAreNotHeldBack(const LeaderState& leader) {
  Findings found;
  found.Judged();
  if (leader.held_back_ns <= kHeldBackMaxNanos) return found;
  found.Violated(
      fmt::format("the high watermark of {} on its leader {} stands still for {} ms, though all in sync have "
                  "more and nobody can join",
                  ToString(leader.partition), leader.node, leader.held_back_ns / 1'000'000),
      {leader.at_ns});
  return found;
}

}  // namespace odradek::properties
