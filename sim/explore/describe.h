// The parts of a history that a violation stands on, for people.
#pragma once

#include <string>
#include <vector>

#include "sim/history/history.h"

namespace odradek::explore {

// The operations and node events at the violation's times, a line each, in the order of time, with the deaths and
// starts of nodes in between.
std::vector<std::string> DescribeEvidence(const history::History& history, const history::Violation& violation);

// "12.345678901"
std::string SecondsText(int64_t ns);

}  // namespace odradek::explore
