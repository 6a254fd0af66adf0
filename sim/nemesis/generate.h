// Makes a fault plan from a seed, before the run.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/time.h"
#include "sim/nemesis/plan.h"

namespace odradek::sim {

struct PlanOptions {
  uint64_t seed = 0;
  Topology topology = {};
  // Of the faulty phase: no trigger by time is later.
  Duration length = Duration::Seconds(30);
  std::vector<plan::FaultClass> classes = {};
};

// Each class draws from streams of its own: taking one out leaves the events of the others, ids included, as they were.
// Events by time come in the order of their times.
plan::Plan GeneratePlan(const PlanOptions& options);

}  // namespace odradek::sim
