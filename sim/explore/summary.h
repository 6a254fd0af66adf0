// What a campaign found, for people and for machines: the table on the terminal, JSON, JUnit XML, the exit code.
#pragma once

#include <string>
#include <vector>

#include "sim/explore/campaign.h"

namespace odradek::explore {

struct ScenarioDemand {
  std::string scenario;
  std::vector<std::string> probes;  // must be reached at least once in the campaign
};

// So many runs of a scenario must reach what it demands; fewer show nothing either way.
inline constexpr size_t kRunsThatMustReach = 100;

// Demanded probes that no run of the scenario reached; none if there were fewer runs than kRunsThatMustReach.
std::vector<std::string> MissingProbes(const ScenarioDemand& demand, const std::vector<RunResult>& results);

// Properties that judged no fact in any run: they have shown nothing.
std::vector<std::string> VacuousProperties(const std::vector<RunResult>& results);

std::string SummaryTable(const std::vector<RunResult>& results, const std::vector<ScenarioDemand>& demands);
// One block per failure: the property with what it was seen on, and the line that repeats it.
std::string FailureText(const RunResult& result, const std::string& repeat_command);
std::string ToJson(const std::vector<RunResult>& results, const std::vector<ScenarioDemand>& demands);
std::string ToJUnitXml(const std::vector<RunResult>& results);

inline constexpr int kExitLiveness = 10;
inline constexpr int kExitSafety = 11;   // or two runs of a seed differ
inline constexpr int kExitCrash = 12;    // or a run hung
inline constexpr int kExitVacuous = 13;  // a demanded probe was not reached

// 0 all passed; else the gravest one of a campaign (crash > safety > liveness > probe).
int ExitCode(const std::vector<RunResult>& results, const std::vector<ScenarioDemand>& demands);

std::string VerdictName(Verdict verdict);

}  // namespace odradek::explore
