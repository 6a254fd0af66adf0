#include "sim/explore/shrink.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/check.h"

namespace odradek::explore {
namespace {

using sim::plan::Event;
using sim::plan::Plan;

// Candidates that are tried at once, so that all workers have something to do.
constexpr size_t kBatch = 8;

std::string_view FirstLine(std::string_view text) {
  return text.substr(0, text.find('\n'));
}

class Shrinker {
 public:
  Shrinker(Plan plan, RunResult failure, const ShrinkOptions& options, const PlanRunner& runner)
      : options_(options), runner_(runner), event_count_before_(plan.event_size()) {
    result_.plan = std::move(plan);
    result_.failure = std::move(failure);
  }

  ShrinkResult Run() {
    if (Keep({WithoutEvents(0, result_.plan.event_size())}).has_value()) return std::move(result_);
    TakeEventsOut();
    for (int i = 0; i < result_.plan.event_size(); ++i) Simplify(i);
    return std::move(result_);
  }

 private:
  bool IsSpent() const { return result_.run_count >= options_.run_count_max; }

  Plan WithoutEvents(int first, int count) const {
    Plan plan = result_.plan;
    plan.mutable_event()->DeleteSubrange(first, std::min(count, plan.event_size() - first));
    return plan;
  }

  // Takes over the first candidate that fails alike, and says which one it was.
  std::optional<size_t> Keep(const std::vector<Plan>& candidates) {
    std::vector<Job> jobs(candidates.size());
    for (size_t i = 0; i < jobs.size(); ++i) {
      jobs[i] = {.scenario = i, .scenario_name = result_.failure.scenario(), .seed = result_.failure.seed()};
    }
    std::vector<RunResult> results =
        RunCampaign(jobs, options_.workers, [&](const Job& job) { return runner_(candidates[job.scenario]); });
    result_.run_count += jobs.size();
    std::optional<size_t> kept;
    for (size_t i = 0; i < results.size() && !kept; ++i) {
      if (!FailAlike(results[i], result_.failure)) continue;
      kept = i;
      result_.plan = candidates[i];
      result_.failure = std::move(results[i]);
    }
    if (options_.on_progress) {
      options_.on_progress({result_.run_count, result_.plan.event_size(), event_count_before_});
    }
    return kept;
  }

  // Larger pieces first. After single events were tried without success, none of them can be missed.
  void TakeEventsOut() {
    for (int piece = std::max(1, result_.plan.event_size() / 2); !IsSpent();) {
      const bool any = TakePiecesOut(piece);
      if (piece == 1 && !any) return;
      piece = std::clamp(piece / 2, 1, std::max(1, result_.plan.event_size()));
    }
  }

  bool TakePiecesOut(int piece) {
    bool any = false;
    for (int at = 0; at < result_.plan.event_size() && !IsSpent();) {
      std::vector<Plan> candidates;
      for (int begin = at; begin < result_.plan.event_size() && candidates.size() < kBatch; begin += piece) {
        candidates.push_back(WithoutEvents(begin, piece));
      }
      const std::optional<size_t> kept = Keep(candidates);
      // Those before the kept one are needed; what followed it stands in its place now.
      at += static_cast<int>(kept.value_or(candidates.size())) * piece;
      any = any || kept.has_value();
    }
    return any;
  }

  // Sets every time of an event to rounder and smaller values.
  void Simplify(int event) {
    for (const int64_t unit_ns : {int64_t{1'000'000'000}, int64_t{100'000'000}, int64_t{10'000'000}}) {
      if (!result_.plan.event(event).trigger().has_at_ns() || IsSpent()) break;
      Plan candidate = result_.plan;
      sim::plan::Trigger& trigger = *candidate.mutable_event(event)->mutable_trigger();
      const int64_t rounded_ns = trigger.at_ns() / unit_ns * unit_ns;
      if (rounded_ns == trigger.at_ns()) break;
      trigger.set_at_ns(rounded_ns);
      if (Keep({std::move(candidate)}).has_value()) break;
    }
    for (const std::string& name : TimesOf(result_.plan.event(event))) {
      while (!IsSpent()) {
        Plan candidate = result_.plan;
        if (!Shorten(*candidate.mutable_event(event), name)) break;
        if (!Keep({std::move(candidate)}).has_value()) break;
      }
    }
  }

  static google::protobuf::Message* ActionOf(Event& event) {
    sim::plan::Action& action = *event.mutable_action();
    const google::protobuf::Reflection& reflection = *action.GetReflection();
    std::vector<const google::protobuf::FieldDescriptor*> set;
    reflection.ListFields(action, &set);
    return set.empty() ? nullptr : reflection.MutableMessage(&action, set.front());
  }

  // Names of the fields of its action that are a length of time. 0 means "for ever" in some: they are never set to it.
  static std::vector<std::string> TimesOf(Event event) {
    std::vector<std::string> names;
    google::protobuf::Message* action = ActionOf(event);
    if (action == nullptr) return names;
    std::vector<const google::protobuf::FieldDescriptor*> set;
    action->GetReflection()->ListFields(*action, &set);
    for (const auto* field : set) {
      const std::string& name = field->name();
      if (name == "duration_ns" || name == "restart_after_ns" || name == "delay_ns") names.push_back(name);
    }
    return names;
  }

  // To a quarter, in whole milliseconds. False: it is short already.
  static bool Shorten(Event& event, const std::string& name) {
    constexpr int64_t kMilli = 1'000'000;
    google::protobuf::Message* action = ActionOf(event);
    const auto* field = action->GetDescriptor()->FindFieldByName(name);
    const int64_t before_ns = action->GetReflection()->GetInt64(*action, field);
    const int64_t after_ns = std::max(before_ns / 4 / kMilli * kMilli, kMilli);
    if (after_ns >= before_ns) return false;
    action->GetReflection()->SetInt64(action, field, after_ns);
    return true;
  }

  const ShrinkOptions& options_;
  const PlanRunner& runner_;
  const int event_count_before_;
  ShrinkResult result_;
};

}  // namespace

bool FailAlike(const RunResult& a, const RunResult& b) {
  if (a.verdict() != b.verdict() || a.verdict() == PASS) return false;
  if (a.verdict() == CRASH) return FirstLine(a.crash_text()) == FirstLine(b.crash_text());
  std::set<std::string> properties;
  for (const FoundViolation& violation : a.violations()) properties.insert(violation.property());
  return a.verdict() == TIMEOUT ||
         std::any_of(b.violations().begin(), b.violations().end(),
                     [&](const FoundViolation& violation) { return properties.contains(violation.property()); });
}

ShrinkResult ShrinkPlan(Plan plan, RunResult failure, const ShrinkOptions& options, const PlanRunner& runner) {
  REQUIRES(failure.verdict() != PASS);
  return Shrinker(std::move(plan), std::move(failure), options, runner).Run();
}

}  // namespace odradek::explore
