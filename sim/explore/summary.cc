#include "sim/explore/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

namespace odradek::explore {
namespace {

struct ScenarioTotals {
  size_t run_count = 0;
  size_t failed_count = 0;
  uint64_t event_count = 0;
  int64_t virtual_ns = 0;
  int64_t wall_ns = 0;
  std::map<std::string, uint64_t> probes;
  std::map<std::string, uint64_t> judged;
};

std::map<std::string, ScenarioTotals> Totals(const std::vector<RunResult>& results) {
  std::map<std::string, ScenarioTotals> all;
  for (const RunResult& result : results) {
    ScenarioTotals& totals = all[result.scenario()];
    ++totals.run_count;
    if (result.verdict() != PASS) ++totals.failed_count;
    totals.event_count += result.event_count();
    totals.virtual_ns += result.virtual_ns();
    totals.wall_ns += result.wall_ns();
    for (const Tally& probe : result.probes()) totals.probes[probe.name()] += probe.count();
    for (const Tally& facts : result.judged()) totals.judged[facts.name()] += facts.count();
  }
  return all;
}

std::string EscapeXml(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        // XML 1.0 has no spelling for other control characters.
        if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') out += c;
    }
  }
  return out;
}

std::string Describe(const RunResult& result) {
  std::string text;
  for (const FoundViolation& violation : result.violations()) {
    text += fmt::format("{}: {}\n", violation.property(), violation.what());
  }
  return text + result.crash_text();
}

}  // namespace

std::string VerdictName(Verdict verdict) {
  switch (verdict) {
    case PASS:
      return "pass";
    case SAFETY:
      return "safety violation";
    case LIVENESS:
      return "liveness violation";
    case CRASH:
      return "crash";
    case TIMEOUT:
      return "timeout";
    case NONDETERMINISM:
      return "nondeterminism";
    case VACUOUS:
      return "probe not reached";
    default:
      return "unknown verdict";
  }
}

std::vector<std::string> MissingProbes(const ScenarioDemand& demand, const std::vector<RunResult>& results) {
  std::vector<std::string> missing;
  const auto run_count = std::count_if(results.begin(), results.end(),
                                       [&](const RunResult& result) { return result.scenario() == demand.scenario; });
  if (static_cast<size_t>(run_count) < kRunsThatMustReach) return missing;
  for (const std::string& probe : demand.probes) {
    const bool reached = std::any_of(results.begin(), results.end(), [&](const RunResult& result) {
      return result.scenario() == demand.scenario &&
             std::any_of(result.probes().begin(), result.probes().end(),
                         [&](const Tally& tally) { return tally.name() == probe && tally.count() > 0; });
    });
    if (!reached) missing.push_back(probe);
  }
  return missing;
}

std::vector<std::string> VacuousProperties(const std::vector<RunResult>& results) {
  std::map<std::string, uint64_t> judged;
  for (const RunResult& result : results) {
    for (const Tally& facts : result.judged()) judged[facts.name()] += facts.count();
  }
  std::vector<std::string> vacuous;
  for (const auto& [id, count] : judged) {
    if (count == 0) vacuous.push_back(id);
  }
  return vacuous;
}

std::string SummaryTable(const std::vector<RunResult>& results, const std::vector<ScenarioDemand>& demands) {
  std::string text = fmt::format("{:<28} {:>6} {:>7} {:>12} {:>11} {:>9} {:>7}\n", "scenario", "runs", "failed",
                                 "events", "virtual", "speed-up", "probes");
  ScenarioTotals sum;
  for (const auto& [name, totals] : Totals(results)) {
    text +=
        fmt::format("{:<28} {:>6} {:>7} {:>12} {:>10.1f}s {:>8.0f}x {:>7}\n", name, totals.run_count,
                    totals.failed_count, totals.event_count, static_cast<double>(totals.virtual_ns) / 1e9,
                    static_cast<double>(totals.virtual_ns) / std::max<double>(1, static_cast<double>(totals.wall_ns)),
                    totals.probes.size());
    sum.run_count += totals.run_count;
    sum.failed_count += totals.failed_count;
    sum.event_count += totals.event_count;
    sum.virtual_ns += totals.virtual_ns;
    sum.wall_ns += totals.wall_ns;
    sum.probes.insert(totals.probes.begin(), totals.probes.end());
  }
  text += fmt::format("{:<28} {:>6} {:>7} {:>12} {:>10.1f}s {:>8.0f}x {:>7}\n", "all", sum.run_count, sum.failed_count,
                      sum.event_count, static_cast<double>(sum.virtual_ns) / 1e9,
                      static_cast<double>(sum.virtual_ns) / std::max<double>(1, static_cast<double>(sum.wall_ns)),
                      sum.probes.size());
  for (const ScenarioDemand& demand : demands) {
    for (const std::string& probe : MissingProbes(demand, results)) {
      text += fmt::format("never reached in {}: {}\n", demand.scenario, probe);
    }
  }
  for (const std::string& id : VacuousProperties(results)) text += fmt::format("judged nothing: {}\n", id);
  text += fmt::format("hash over all runs: {}\n", CampaignHash(results));
  return text;
}

std::string FailureText(const RunResult& result, const std::string& repeat_command) {
  std::string text =
      fmt::format("{} in {} with seed {}\n", VerdictName(result.verdict()), result.scenario(), result.seed());
  std::string details = Describe(result);
  while (!details.empty() && details.back() == '\n') details.pop_back();
  text += "  ";
  for (const char c : details) {
    text += c;
    if (c == '\n') text += "  ";
  }
  return text + "\n  repeat: " + repeat_command + "\n";
}

std::string ToJson(const std::vector<RunResult>& results, const std::vector<ScenarioDemand>& demands) {
  nlohmann::ordered_json root;
  root["hash"] = CampaignHash(results);
  root["exit_code"] = ExitCode(results, demands);
  for (const auto& [name, totals] : Totals(results)) {
    nlohmann::ordered_json scenario = {{"name", name},
                                       {"runs", totals.run_count},
                                       {"failed", totals.failed_count},
                                       {"events", totals.event_count},
                                       {"virtual_ns", totals.virtual_ns},
                                       {"wall_ns", totals.wall_ns},
                                       {"probes", totals.probes},
                                       {"judged", totals.judged}};
    root["scenarios"].push_back(scenario);
  }
  for (const ScenarioDemand& demand : demands) {
    for (const std::string& probe : MissingProbes(demand, results)) {
      root["missing_probes"].push_back({{"scenario", demand.scenario}, {"probe", probe}});
    }
  }
  for (const std::string& id : VacuousProperties(results)) root["vacuous_properties"].push_back(id);
  for (const RunResult& result : results) {
    nlohmann::ordered_json run = {
        {"scenario", result.scenario()}, {"seed", result.seed()},          {"verdict", VerdictName(result.verdict())},
        {"hash", HashText(result)},      {"events", result.event_count()}, {"virtual_ns", result.virtual_ns()},
        {"wall_ns", result.wall_ns()},   {"ran_twice", result.ran_twice()}};
    for (const FoundViolation& violation : result.violations()) {
      run["violations"].push_back({{"property", violation.property()}, {"what", violation.what()}});
    }
    for (const Tally& count : result.counts()) run["counts"][count.name()] = count.count();
    if (!result.crash_text().empty()) run["crash"] = result.crash_text();
    root["runs"].push_back(run);
  }
  return root.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string ToJUnitXml(const std::vector<RunResult>& results) {
  std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
  for (const auto& [name, totals] : Totals(results)) {
    text += fmt::format("<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" time=\"{:.3f}\">\n", EscapeXml(name),
                        totals.run_count, totals.failed_count, static_cast<double>(totals.wall_ns) / 1e9);
    for (const RunResult& result : results) {
      if (result.scenario() != name) continue;
      text += fmt::format("<testcase classname=\"{}\" name=\"seed {}\" time=\"{:.3f}\"", EscapeXml(name), result.seed(),
                          static_cast<double>(result.wall_ns()) / 1e9);
      if (result.verdict() == PASS) {
        text += "/>\n";
        continue;
      }
      text += fmt::format("><failure message=\"{}\">{}</failure></testcase>\n", VerdictName(result.verdict()),
                          EscapeXml(Describe(result)));
    }
    text += "</testsuite>\n";
  }
  return text + "</testsuites>\n";
}

int ExitCode(const std::vector<RunResult>& results, const std::vector<ScenarioDemand>& demands) {
  const auto any = [&](auto... verdicts) {
    return std::any_of(results.begin(), results.end(),
                       [&](const RunResult& result) { return ((result.verdict() == verdicts) || ...); });
  };
  if (any(CRASH, TIMEOUT)) return kExitCrash;
  if (any(SAFETY, NONDETERMINISM)) return kExitSafety;
  if (any(LIVENESS)) return kExitLiveness;
  const bool vacuous = std::any_of(demands.begin(), demands.end(), [&](const ScenarioDemand& demand) {
    return !MissingProbes(demand, results).empty();
  });
  return vacuous ? kExitVacuous : 0;
}

}  // namespace odradek::explore
