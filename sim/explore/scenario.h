// Scenario files: finding, reading and checking them. The format is scenario.proto.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sim/explore/scenario.pb.h"
#include "sim/kernel/kernel.h"
#include "sim/lab/lab.h"

namespace odradek::explore {

// Errors say "file:line:column: what" and name the field. Unknown fields, values that make no sense, settings that the
// broker would refuse, and programs that `lab` has not are errors.
absl::StatusOr<Scenario> ParseScenario(std::string_view text, std::string_view file, const lab::Lab& lab = {});

// nullopt: there is no strategy of that name.
std::optional<sim::Strategy> StrategyOf(std::string_view name);

// `argument` is a path, or the name of a scenario in the lab's folder; if it names none, in a folder "scenarios" of the
// current directory, of the binary's or of one above either, or where an installed binary has them.
absl::StatusOr<Scenario> LoadScenario(const std::string& argument, const lab::Lab& lab = {});
// Paths of all scenarios in the folder that LoadScenario looks in, by name.
std::vector<std::string> ListScenarios(const lab::Lab& lab = {});

// "ledger.order=send-first": the setting of a program or workload of the scenario has this value and no other.
absl::Status PinSetting(std::string_view pinned, const lab::Lab& lab, Scenario& scenario);

}  // namespace odradek::explore
