#include "sim/nemesis/plan.h"

#include <fmt/format.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "engine/base/absl_compat.h"
#include "sim/clock/node_clock.h"

namespace odradek::sim {
namespace {

using google::protobuf::TextFormat;

constexpr uint32_t kPpmMax = 1'000'000;
constexpr std::string_view kPeer = "peer";

class PlanErrors final : public google::protobuf::io::ErrorCollector {
 public:
  explicit PlanErrors(std::string_view file) : file_(file) {}
  // Lines and columns count from 0 here.
  void AddError(int line, google::protobuf::io::ColumnNumber column, const std::string& message) override {
    if (!first_.has_value()) first_ = fmt::format("{}:{}:{}: {}", file_, line + 1, column + 1, message);
  }
  bool has_error() const { return first_.has_value(); }
  absl::Status status() const { return base::InvalidArgument(first_.value_or(file_ + ": cannot be read")); }

 private:
  const std::string file_;
  std::optional<std::string> first_;
};

// Goes through a plan that is well-formed and finds what makes no sense. Each function returns what is wrong, or
// nothing.
class PlanCheck {
 public:
  explicit PlanCheck(const Topology& topology) : topology_(topology) {}

  std::string CheckEvent(const plan::Event& event) {
    if (event.id() == 0) return "an event needs an id above 0";
    if (!ids_.insert(event.id()).second) return fmt::format("event id {} is used twice", event.id());
    std::string wrong = CheckTrigger(event.trigger());
    if (wrong.empty()) wrong = CheckSelector(event.target(), "target");
    if (wrong.empty()) wrong = CheckAction(event.action());
    const bool by_time = event.trigger().when_case() == plan::Trigger::kAtNs;
    if (wrong.empty() && by_time && event.target().has_triggering()) {
      wrong = "target \"triggering\" needs a trigger that is a probe or a disk operation";
    }
    return wrong.empty() ? wrong : fmt::format("event {}: {}", event.id(), wrong);
  }

 private:
  std::string CheckTrigger(const plan::Trigger& trigger) const {
    switch (trigger.when_case()) {
      case plan::Trigger::kAtNs:
        return trigger.at_ns() < 0 ? "at_ns is negative" : "";
      case plan::Trigger::kProbe:
        if (trigger.probe().name().empty()) return "a probe trigger needs the name of the probe";
        return CheckNode(trigger.probe().node());
      case plan::Trigger::kDisk:
        return CheckNode(trigger.disk().node());
      case plan::Trigger::WHEN_NOT_SET:
        return "the trigger is missing";
    }
    return "unknown trigger";
  }

  std::string CheckNode(const std::string& name) const {
    if (name.empty()) return "";
    const bool known =
        std::any_of(topology_.members.begin(), topology_.members.end(), [&](const auto& m) { return m.name == name; });
    return known ? "" : fmt::format("there is no node \"{}\"", name);
  }

  std::string CheckRole(const std::string& role) const {
    const bool known =
        std::any_of(topology_.members.begin(), topology_.members.end(), [&](const auto& m) { return m.role == role; });
    return known ? "" : fmt::format("no node has the role \"{}\"", role);
  }

  std::string CheckSelector(const plan::Selector& selector, std::string_view what) const {
    switch (selector.who_case()) {
      case plan::Selector::kNode:
        return selector.node().empty() ? fmt::format("the {} is empty", what) : CheckNode(selector.node());
      case plan::Selector::kAnyOfRole:
        return CheckRole(selector.any_of_role());
      case plan::Selector::kAllOfRole:
        return CheckRole(selector.all_of_role());
      case plan::Selector::kAny:
      case plan::Selector::kAll:
      case plan::Selector::kTriggering:
      case plan::Selector::kActiveController:
      case plan::Selector::kMinority:
      case plan::Selector::kMajority:
        return "";
      case plan::Selector::kLeaderOf:
        return selector.leader_of().index() < 0 ? "a partition is negative" : "";
      case plan::Selector::kFollowerOf:
        return selector.follower_of().index() < 0 ? "a partition is negative" : "";
      case plan::Selector::kRest:
      case plan::Selector::kServers:
      case plan::Selector::kVoters:
      case plan::Selector::kAnyServer:
        return what == kPeer ? "" : fmt::format("this {} stands only at the other end of a link", what);
      case plan::Selector::WHO_NOT_SET:
        return fmt::format("the {} is missing", what);
    }
    return "unknown selector";
  }

  std::string CheckLinkFault(const plan::LinkFault& fault) const {
    if (fault.duration_ns() < 0 || fault.latency_ns() < 0 || fault.bytes_per_second() < 0) {
      return "a duration, latency or bandwidth is negative";
    }
    if (fault.probability_ppm() > kPpmMax) return "probability_ppm is above a million";
    if (fault.loss_ppm() > kPpmMax) return "loss_ppm is above a million";
    return fault.has_peer() ? CheckSelector(fault.peer(), kPeer) : "";
  }

  std::string CheckAction(const plan::Action& action) const {
    switch (action.what_case()) {
      case plan::Action::kCrash:
        return action.crash().restart_after_ns() < 0 ? "restart_after_ns is negative" : "";
      case plan::Action::kPowerLoss:
        return action.power_loss().restart_after_ns() < 0 ? "restart_after_ns is negative" : "";
      case plan::Action::kRestart: {
        const plan::Restart& restart = action.restart();
        return restart.patience_ns() < 0 || restart.restart_after_ns() < 0 ? "a restart's duration is negative" : "";
      }
      case plan::Action::kPause:
        return action.pause().duration_ns() < 0 ? "duration_ns is negative" : "";
      case plan::Action::kCut:
        return CheckLinkFault(action.cut());
      case plan::Action::kStall:
        return CheckLinkFault(action.stall());
      case plan::Action::kRefuse:
        return CheckLinkFault(action.refuse());
      case plan::Action::kSlow:
        return CheckLinkFault(action.slow());
      case plan::Action::kCorrupt:
        return CheckLinkFault(action.corrupt());
      case plan::Action::kResetConnections:
        return CheckLinkFault(action.reset_connections());
      case plan::Action::kHalfClose:
        return CheckLinkFault(action.half_close());
      case plan::Action::kClockStep:
        return action.clock_step().wall_ns() == 0 ? "a clock step of 0 does nothing" : "";
      case plan::Action::kClockDrift: {
        const int32_t ppm = action.clock_drift().ppm();
        if (action.clock_drift().duration_ns() < 0) return "duration_ns is negative";
        return ppm < -kDriftPpmMax || ppm > kDriftPpmMax ? fmt::format("ppm is beyond ±{}", kDriftPpmMax) : "";
      }
      case plan::Action::kDisk: {
        const plan::DiskFault& fault = action.disk();
        if (fault.duration_ns() < 0 || fault.delay_ns() < 0) return "a disk fault's duration is negative";
        const bool is_instant = fault.kind() == plan::DiskFault::ROT_AT_REST;
        if (is_instant && (fault.duration_ns() > 0 || fault.probability_ppm() > 0)) {
          return "ROT_AT_REST happens at once: it has no duration and no probability";
        }
        return fault.probability_ppm() > kPpmMax ? "probability_ppm is above a million" : "";
      }
      case plan::Action::WHAT_NOT_SET:
        return "the action is missing";
    }
    return "unknown action";
  }

  const Topology& topology_;
  std::set<uint32_t> ids_;
};

}  // namespace

absl::StatusOr<plan::Plan> ParsePlan(std::string_view text, std::string_view file, const Topology& topology) {
  PlanErrors errors(file);
  TextFormat::Parser parser;
  TextFormat::ParseInfoTree locations;
  parser.RecordErrorsTo(&errors);
  parser.WriteLocationsTo(&locations);
  plan::Plan plan;
  const bool is_read = parser.ParseFromString(std::string(text), &plan);
  if (!is_read || errors.has_error()) return errors.status();
  PlanCheck check(topology);
  const google::protobuf::FieldDescriptor* field =
      plan.GetDescriptor()->FindFieldByNumber(plan::Plan::kEventFieldNumber);
  for (int i = 0; i < plan.event_size(); ++i) {
    const std::string wrong = check.CheckEvent(plan.event(i));
    if (wrong.empty()) continue;
    const TextFormat::ParseLocation at = locations.GetLocation(field, i);
    errors.AddError(at.line, at.column, wrong);
    return errors.status();
  }
  return plan;
}

std::string PrintPlan(const plan::Plan& plan) {
  TextFormat::Printer printer;
  std::string text;
  printer.PrintToString(plan, &text);
  return text;
}

std::string DescribeAction(const plan::Action& action) {
  TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  std::string text;
  printer.PrintToString(action, &text);
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

}  // namespace odradek::sim
