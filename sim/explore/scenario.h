// Scenario files: finding, reading and checking them. The format is scenario.proto.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "sim/explore/scenario.pb.h"
#include "sim/kernel/kernel.h"

namespace odradek::explore {

// Errors say "file:line:column: what" and name the field. Unknown fields, values that make no sense and settings that
// the broker would refuse are errors.
absl::StatusOr<Scenario> ParseScenario(std::string_view text, std::string_view file);

// nullopt: there is no strategy of that name.
std::optional<sim::Strategy> StrategyOf(std::string_view name);

// `argument` is a path, or the name of a scenario in a folder "scenarios" of the current directory, of the binary's
// or of one above either.
absl::StatusOr<Scenario> LoadScenario(const std::string& argument);
// Paths of all scenarios in the folder that LoadScenario looks in, by name.
std::vector<std::string> ListScenarios();

}  // namespace odradek::explore
