// Scenarios against real broker processes, over any seeds and for as long as one likes: by hand, at night, and where
// links are to be cut, which not every machine permits.
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/absl_compat.h"
#include "sim/explore/text_file.h"
#include "tests/real/cluster/run.h"

namespace odradek::real_cluster {
namespace {

constexpr int kExitPassed = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr int kExitSkipped = 77;  // ctest's SKIP_RETURN_CODE
constexpr const char* kUsage =
    "usage: real_cluster SCENARIO_FILE [--binary ODRADEK] [--seed SEED|FIRST..LAST] [--seconds SECONDS] [--plan "
    "FILE]\n";

struct Arguments {
  std::string scenario;
  std::string binary = ODRADEK_BINARY;
  std::string plan;
  uint64_t first_seed = 1;
  uint64_t last_seed = 1;
  std::optional<Duration> length;
};

std::optional<uint64_t> ParseNumber(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number == 0) return std::nullopt;
  return number;
}

bool ParseOption(std::string_view name, std::string_view value, Arguments& arguments) {
  if (name == "--binary") return !(arguments.binary = value).empty();
  if (name == "--plan") return !(arguments.plan = value).empty();
  const size_t dots = value.find("..");
  const std::optional<uint64_t> first = ParseNumber(value.substr(0, dots));
  const std::optional<uint64_t> last = dots == std::string_view::npos ? first : ParseNumber(value.substr(dots + 2));
  if (!first || !last || *first > *last) return false;
  if (name == "--seconds") {
    arguments.length = Duration::Seconds(static_cast<int64_t>(*first));
    return *first == *last;
  }
  arguments.first_seed = *first;
  arguments.last_seed = *last;
  return name == "--seed";
}

std::optional<Arguments> Parse(const std::vector<std::string_view>& words) {
  Arguments arguments;
  if (words.size() % 2 == 0 || words.front().starts_with("--")) return std::nullopt;
  arguments.scenario = words.front();
  for (size_t i = 1; i < words.size(); i += 2) {
    if (!ParseOption(words[i], words[i + 1], arguments)) return std::nullopt;
  }
  return arguments;
}

int Fail(std::string_view what) {
  fmt::print(stderr, "real_cluster: {}\n", what);
  return kExitUsage;
}

int RunSeeds(const Arguments& arguments, const explore::Scenario& scenario, const sim::plan::Plan* plan) {
  uint64_t failed_count = 0;
  for (uint64_t seed = arguments.first_seed; seed <= arguments.last_seed; ++seed) {
    const RunOutcome outcome = RunReal(scenario, seed, {.binary = arguments.binary, .plan = plan});
    fmt::print("{}", outcome.text);
    std::fflush(stdout);
    if (!outcome.passed()) ++failed_count;
  }
  if (failed_count == 0) return kExitPassed;
  fmt::print("{} of {} runs failed\n", failed_count, arguments.last_seed - arguments.first_seed + 1);
  return kExitFailed;
}

int Main(const std::vector<std::string_view>& words) {
  const std::optional<Arguments> arguments = Parse(words);
  if (!arguments) {
    fmt::print(stderr, "{}", kUsage);
    return kExitUsage;
  }
  const absl::StatusOr<explore::Scenario> scenario = LoadWithLength(arguments->scenario, arguments->length);
  if (!scenario.ok()) return Fail(base::SV(scenario.status().message()));
  if (NeedsWires(*scenario)) {
    if (const std::string why = Wires::WhyNot(); !why.empty()) {
      fmt::print(
          "skipped: links of real processes are cut and slowed in network namespaces of their own, and here {}\n", why);
      return kExitSkipped;
    }
  }
  if (arguments->plan.empty()) return RunSeeds(*arguments, *scenario, nullptr);
  const absl::StatusOr<std::string> text = explore::ReadTextFile(arguments->plan);
  if (!text.ok()) return Fail(base::SV(text.status().message()));
  const auto plan = sim::ParsePlan(*text, arguments->plan, explore::TopologyOf(*scenario));
  if (!plan.ok()) return Fail(base::SV(plan.status().message()));
  return RunSeeds(*arguments, *scenario, &*plan);
}

}  // namespace
}  // namespace odradek::real_cluster

int main(int argc, char** argv) {
  return odradek::real_cluster::Main({argv + 1, argv + argc});
}
