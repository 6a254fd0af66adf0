#include "sim/report/page_data.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

namespace odradek::report {
namespace {

using Json = nlohmann::json;

constexpr size_t kNotableRunsMax = 10;

struct ProbeTotals {
  uint64_t hits = 0;
  size_t runs = 0;
  bool is_demanded = false;
};

Json ProbesOf(const explore::ScenarioDemand& demand, const std::vector<const explore::RunResult*>& runs) {
  std::map<std::string, ProbeTotals> probes;
  for (const std::string& name : demand.probes) probes[name].is_demanded = true;
  for (const explore::RunResult* run : runs) {
    for (const explore::Tally& tally : run->probes()) {
      ProbeTotals& totals = probes[tally.name()];
      totals.hits += tally.count();
      if (tally.count() > 0) ++totals.runs;
    }
  }
  Json out = Json::array();
  for (const auto& [name, totals] : probes) {
    out.push_back({{"name", name}, {"hits", totals.hits}, {"runs", totals.runs}, {"demanded", totals.is_demanded}});
  }
  return out;
}

Json ScenarioJson(const explore::ScenarioDemand& demand, const std::string& description,
                  const std::vector<explore::RunResult>& results) {
  std::vector<const explore::RunResult*> runs;
  std::map<std::string, size_t> verdicts;
  std::map<std::string, uint64_t> counts;
  size_t failed_count = 0;
  uint64_t event_count = 0;
  int64_t virtual_ns = 0;
  int64_t wall_ns = 0;
  for (const explore::RunResult& result : results) {
    if (result.scenario() != demand.scenario) continue;
    runs.push_back(&result);
    ++verdicts[explore::VerdictName(result.verdict())];
    if (result.verdict() != explore::PASS) ++failed_count;
    event_count += result.event_count();
    virtual_ns += result.virtual_ns();
    wall_ns += result.wall_ns();
    for (const explore::Tally& tally : result.counts()) counts[tally.name()] += tally.count();
  }
  return {{"name", demand.scenario}, {"description", description},      {"runs", runs.size()}, {"failed", failed_count},
          {"events", event_count},   {"virtual_ns", virtual_ns},        {"wall_ns", wall_ns},  {"verdicts", verdicts},
          {"counts", counts},        {"probes", ProbesOf(demand, runs)}};
}

Json PropertiesJson(const PageInput& input) {
  std::map<std::string, uint64_t> facts;
  std::map<std::string, size_t> violations;
  for (const explore::RunResult& result : input.results) {
    for (const explore::Tally& tally : result.judged()) facts[tally.name()] += tally.count();
    for (const explore::FoundViolation& violation : result.violations()) ++violations[violation.property()];
  }
  std::map<std::string, std::string> sentences;
  for (const explore::Sentence& property : input.properties) {
    std::string& text = sentences[property.property];
    text += (text.empty() ? "" : " ") + property.text;
  }
  for (const auto& [id, count] : violations) facts.try_emplace(id, 0);
  Json out = Json::array();
  for (const auto& [id, count] : facts) {
    out.push_back({{"id", id}, {"sentence", sentences[id]}, {"facts", count}, {"violations", violations[id]}});
  }
  return out;
}

Json RunJson(const explore::RunResult& result) {
  return {{"scenario", result.scenario()},
          {"seed", std::to_string(result.seed())},
          {"verdict", explore::VerdictName(result.verdict())},
          {"events", result.event_count()},
          {"virtual_ns", result.virtual_ns()},
          {"wall_ns", result.wall_ns()},
          {"cpu_ns", result.cpu_ns()},
          {"twice", result.ran_twice()}};
}

// The runs with the largest values.
template <typename ValueOf>
Json Notable(const std::vector<explore::RunResult>& results, ValueOf value_of) {
  std::vector<const explore::RunResult*> runs;
  for (const explore::RunResult& result : results) runs.push_back(&result);
  const size_t count = std::min(kNotableRunsMax, runs.size());
  std::partial_sort(runs.begin(), runs.begin() + static_cast<std::ptrdiff_t>(count), runs.end(),
                    [&](const auto* a, const auto* b) { return value_of(*a) > value_of(*b); });
  Json out = Json::array();
  for (size_t i = 0; i < count; ++i) out.push_back(RunJson(*runs[i]));
  return out;
}

// Words that come again are numbers: a trace is mostly those.
class Words {
 public:
  size_t NumberOf(const std::string& word) {
    const auto [at, is_new] = numbers_.try_emplace(word, words_.size());
    if (is_new) words_.push_back(word);
    return at->second;
  }
  const Json& words() const { return words_; }

 private:
  std::map<std::string, size_t> numbers_;
  Json words_ = Json::array();
};

// A list per column; times and event numbers as differences from the line before.
Json TraceJson(const Picture& picture) {
  Words nodes;
  Words places;
  Words kinds;
  Json at = Json::array();
  Json event = Json::array();
  Json node = Json::array();
  Json place = Json::array();
  Json kind = Json::array();
  Json text = Json::array();
  int64_t last_ns = 0;
  uint64_t last_event = 0;
  for (const TraceLine& line : picture.lines) {
    at.push_back(line.at_ns() - last_ns);
    event.push_back(static_cast<int64_t>(line.event_number() - last_event));
    last_ns = line.at_ns();
    last_event = line.event_number();
    node.push_back(nodes.NumberOf(line.node()));
    place.push_back(places.NumberOf(line.place()));
    kind.push_back(kinds.NumberOf(line.kind()));
    text.push_back(line.text());
  }
  return {{"nodes", nodes.words()},
          {"places", places.words()},
          {"kinds", kinds.words()},
          {"at", std::move(at)},
          {"event", std::move(event)},
          {"node", std::move(node)},
          {"place", std::move(place)},
          {"kind", std::move(kind)},
          {"text", std::move(text)},
          {"fiber_lines", picture.fiber_line_count},
          {"cut_lines", picture.cut_line_count}};
}

Json FindingsJson(const PicturedRun& run) {
  Json out = Json::array();
  for (const Finding& finding : run.picture.ending.findings()) {
    std::vector<std::string> at;
    for (const int64_t at_ns : finding.at_ns()) at.push_back(std::to_string(at_ns));
    out.push_back({{"property", finding.property()},
                   {"what", finding.what()},
                   {"at", at},
                   {"evidence", std::vector<std::string>(finding.evidence().begin(), finding.evidence().end())}});
  }
  if (run.picture.has_ended) return out;
  for (const explore::FoundViolation& violation : run.result.violations()) {
    out.push_back({{"property", violation.property()},
                   {"what", violation.what()},
                   {"at", Json::array()},
                   {"evidence", Json::array()}});
  }
  return out;
}

Json PictureJson(const PicturedRun& run) {
  Json out = RunJson(run.result);
  out["failed"] = run.result.verdict() != explore::PASS;
  out["hash"] = explore::HashText(run.result);
  out["replay"] = run.replay_command;
  out["shrink"] = run.shrink_command;
  out["setup"] = run.setup;
  out["crash_text"] = run.result.crash_text();
  out["died"] = run.picture.how_it_died;
  out["findings"] = FindingsJson(run);
  out["trace"] = TraceJson(run.picture);
  return out;
}

}  // namespace

std::string PageData(const PageInput& input) {
  Json scenarios = Json::array();
  for (size_t i = 0; i < input.demands.size(); ++i) {
    const std::string description = i < input.descriptions.size() ? input.descriptions[i] : "";
    scenarios.push_back(ScenarioJson(input.demands[i], description, input.results));
  }
  Json pictures = Json::array();
  for (const PicturedRun& run : input.pictures) pictures.push_back(PictureJson(run));
  const Json data = {
      {"command", input.command},
      {"exit_code", explore::ExitCode(input.results, input.demands)},
      {"hash", explore::CampaignHash(input.results)},
      {"scenarios", std::move(scenarios)},
      {"properties", PropertiesJson(input)},
      {"vacuous", explore::VacuousProperties(input.results)},
      {"slowest", Notable(input.results, [](const explore::RunResult& run) { return run.wall_ns(); })},
      {"longest", Notable(input.results, [](const explore::RunResult& run) { return run.virtual_ns(); })},
      {"pictures", std::move(pictures)},
      {"failures_left_out", input.failures_left_out},
  };
  return data.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace odradek::report
