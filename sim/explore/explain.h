// A failed run told for people: what is false, the records that it is about with the life of each, and the faults and
// deaths in between, in the order of time.
#pragma once

#include <string>
#include <vector>

#include "sim/explore/run.h"
#include "sim/explore/witness.h"

namespace odradek::explore {

struct ExplainInput {
  const Scenario& scenario;
  const RunResult& result;
  const RunReport& report;
  // In the order of time (witness.h).
  const std::vector<Deed>& deeds;
  const lab::Lab* lab = nullptr;
};

// Several lines. Of a run that passed it says so.
std::string Explain(const ExplainInput& input);

}  // namespace odradek::explore
