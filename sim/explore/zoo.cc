#include "sim/explore/zoo.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "engine/base/check.h"

namespace odradek::explore {
namespace {

// More ids say little more about what detects a mistake.
constexpr int kPropertiesShownMax = 3;

// "H2 H8", in the order in which the checkers name them.
std::string DetectedBy(const RunResult& result) {
  if (result.verdict() == CRASH) return "assertion";
  if (result.verdict() == TIMEOUT) return "hang";
  std::vector<std::string> ids;
  for (const FoundViolation& violation : result.violations()) {
    if (std::find(ids.begin(), ids.end(), violation.property()) == ids.end()) ids.push_back(violation.property());
  }
  if (ids.size() > kPropertiesShownMax) ids.resize(kPropertiesShownMax);
  return fmt::format("{}", fmt::join(ids, " "));
}

std::string FirstComplaint(const RunResult& result) {
  return result.violations().empty() ? result.crash_text() : result.violations(0).what();
}

// Hands out the runs of every mutation, one after the other, and the run without it that confirms a detection.
class ZooJobs final : public JobSource {
 public:
  explicit ZooJobs(const ZooOptions& options) : options_(options) {
    for (const base::MutationInfo& info : options.mutations) hunts_.push_back({.entry = {.info = info}});
  }

  std::optional<Job> Next() override {
    for (size_t i = 0; i < hunts_.size(); ++i) {
      Hunt& hunt = hunts_[i];
      if (hunt.state == State::kDone || hunt.is_under_way) continue;
      hunt.is_under_way = true;
      const HuntingGround& ground = options_.grounds[hunt.ground];
      const uint64_t seed = options_.first_seed + hunt.turn * ground.seeds_per_turn + hunt.step;
      Job job{hunt.ground, ground.scenario, seed};
      if (hunt.state == State::kHunting) job.mutation = hunt.entry.info.mutation;
      job.tag = i;
      return job;
    }
    return std::nullopt;
  }

  void Done(const Job& job, RunResult result) override {
    Hunt& hunt = hunts_[job.tag];
    INVARIANT(hunt.is_under_way);
    hunt.is_under_way = false;
    if (hunt.state == State::kHunting) {
      Hunted(hunt, result);
    } else {
      Confirmed(hunt, result);
    }
    if (hunt.state == State::kHunting && hunt.entry.cpu_ns >= options_.budget.count()) hunt.state = State::kDone;
    if (hunt.state == State::kDone) ++done_count_;
    if (options_.on_progress) options_.on_progress(hunt.entry, done_count_);
  }

  std::vector<ZooEntry> Take() && {
    std::vector<ZooEntry> entries;
    for (Hunt& hunt : hunts_) entries.push_back(std::move(hunt.entry));
    return entries;
  }

 private:
  enum class State : uint8_t { kHunting, kConfirming, kDone };
  struct Hunt {
    ZooEntry entry;
    State state = State::kHunting;
    bool is_under_way = false;
    uint64_t turn = 0;
    size_t ground = 0;
    uint64_t step = 0;  // of the ground's seeds in this turn
    RunResult suspicion;
  };

  void GoOn(Hunt& hunt) const {
    if (++hunt.step < options_.grounds[hunt.ground].seeds_per_turn) return;
    hunt.step = 0;
    if (++hunt.ground < options_.grounds.size()) return;
    hunt.ground = 0;
    ++hunt.turn;
  }

  void Hunted(Hunt& hunt, RunResult& result) {
    ++hunt.entry.run_count;
    hunt.entry.cpu_ns += result.cpu_ns();
    if (result.mutation_hits() > 0) ++hunt.entry.reached_count;
    if (result.verdict() == PASS) {
      GoOn(hunt);
      return;
    }
    hunt.state = State::kConfirming;
    hunt.suspicion = std::move(result);
  }

  void Confirmed(Hunt& hunt, const RunResult& without) {
    if (without.verdict() != PASS) {
      ++hunt.entry.failed_anyway_count;
      GoOn(hunt);
      hunt.state = State::kHunting;
      return;
    }
    hunt.entry.detected = true;
    hunt.entry.by = DetectedBy(hunt.suspicion);
    hunt.entry.what = FirstComplaint(hunt.suspicion);
    hunt.entry.scenario = hunt.suspicion.scenario();
    hunt.entry.seed = hunt.suspicion.seed();
    hunt.state = State::kDone;
  }

  const ZooOptions& options_;
  std::vector<Hunt> hunts_;
  size_t done_count_ = 0;
};

double Seconds(int64_t ns) {
  return static_cast<double>(ns) / 1e9;
}

// Processor time until detection, in the middle of those that were detected.
std::optional<int64_t> MedianNanos(const std::vector<ZooEntry>& entries) {
  std::vector<int64_t> times;
  for (const ZooEntry& entry : entries) {
    if (entry.detected) times.push_back(entry.cpu_ns);
  }
  if (times.empty()) return std::nullopt;
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

std::string Reached(const ZooEntry& entry) {
  // A crashed run could not say so, and would not have crashed otherwise.
  if (entry.reached_count == 0) return entry.detected ? "yes" : "never";
  return fmt::format("{} runs", entry.reached_count);
}

}  // namespace

std::vector<ZooEntry> RunZoo(const ZooOptions& options, const Runner& runner) {
  REQUIRES(!options.grounds.empty());
  ZooJobs jobs(options);
  RunJobs(jobs, options.workers, runner);
  return std::move(jobs).Take();
}

size_t DetectedCount(const std::vector<ZooEntry>& entries) {
  return static_cast<size_t>(
      std::count_if(entries.begin(), entries.end(), [](const ZooEntry& entry) { return entry.detected; }));
}

std::string ZooTable(const std::vector<ZooEntry>& entries) {
  constexpr const char* kRow = "{:<5} {:<13} {:<30} {:>6} {:>6} {:>7} {:>10}  {}\n";
  std::string text =
      fmt::format(kRow, "id", "detected by", "scenario", "seed", "runs", "CPU s", "reached", "the mistake");
  for (const ZooEntry& entry : entries) {
    text += fmt::format(kRow, entry.info.id, entry.detected ? entry.by : "not detected", entry.scenario,
                        entry.detected ? std::to_string(entry.seed) : "", entry.run_count,
                        fmt::format("{:.2f}", Seconds(entry.cpu_ns)), Reached(entry), entry.info.what);
  }
  text += fmt::format("{} of {} detected", DetectedCount(entries), entries.size());
  const std::optional<int64_t> median_ns = MedianNanos(entries);
  if (median_ns.has_value()) text += fmt::format(", in {:.2f} CPU-seconds in the median", Seconds(*median_ns));
  text += "\n";
  for (const ZooEntry& entry : entries) {
    if (entry.failed_anyway_count == 0) continue;
    text += fmt::format("{}: {} runs failed without the mutation as well\n", entry.info.id, entry.failed_anyway_count);
  }
  return text;
}

std::string ZooToJson(const std::vector<ZooEntry>& entries) {
  nlohmann::ordered_json root;
  root["detected"] = DetectedCount(entries);
  root["median_cpu_ns"] = MedianNanos(entries).value_or(0);
  for (const ZooEntry& entry : entries) {
    nlohmann::ordered_json mutation = {{"id", entry.info.id},
                                       {"mistake", entry.info.what},
                                       {"detected", entry.detected},
                                       {"runs", entry.run_count},
                                       {"runs_reached", entry.reached_count},
                                       {"cpu_ns", entry.cpu_ns},
                                       {"failed_anyway", entry.failed_anyway_count}};
    if (entry.detected) {
      mutation["by"] = entry.by;
      mutation["what"] = entry.what;
      mutation["scenario"] = entry.scenario;
      mutation["seed"] = entry.seed;
    }
    root["mutations"].push_back(mutation);
  }
  return root.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace odradek::explore
