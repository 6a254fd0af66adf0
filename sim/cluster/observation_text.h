// The engine's observations as lines for the trace and as words for the history hash.
#pragma once

#include <string>

#include "engine/env/observer.h"
#include "sim/kernel/kernel.h"

namespace odradek::sim {

// "log appended orders-3 base_offset=10 next_offset=12 …".
std::string FormatObservation(const env::Observation& observation);

void FoldObservation(Kernel& kernel, const env::Observation& observation);

}  // namespace odradek::sim
