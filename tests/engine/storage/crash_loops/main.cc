// Crash loops over a range of seeds, of plain logs or of compacted ones; a single seed prints everything that was done
// to the disk.
#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string_view>
#include <vector>

#include "tests/engine/storage/compaction_loop.h"
#include "tests/engine/storage/crash_loop.h"

namespace odradek::storage {
namespace crash_loops {

struct Policy {
  FlushPolicy policy;
  std::string_view name;
};
constexpr Policy kPolicies[] = {{FlushPolicy::kNever, "never"},
                                {FlushPolicy::kByInterval, "interval"},
                                {FlushPolicy::kByMessages, "messages"},
                                {FlushPolicy::kEveryAppend, "every-append"}};
constexpr int kLives = 8;

struct Seeds {
  uint64_t first = 0;
  uint64_t last = 0;
};

std::optional<uint64_t> ParseSeed(std::string_view text) {
  uint64_t seed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (error != std::errc() || end != text.data() + text.size() || seed == 0) return std::nullopt;
  return seed;
}

std::optional<Seeds> ParseSeeds(std::string_view text) {
  const size_t dots = text.find("..");
  const std::optional<uint64_t> first = ParseSeed(text.substr(0, dots));
  const std::optional<uint64_t> last =
      dots == std::string_view::npos ? first : ParseSeed(text.substr(dots + std::string_view("..").size()));
  if (!first || !last || *first > *last) return std::nullopt;
  return Seeds{*first, *last};
}

enum class Kind : uint8_t { kPlain, kCompacted };

CrashLoopResult RunOne(Kind kind, const CrashLoopOptions& options) {
  if (kind == Kind::kCompacted) return CompactionLoop(options).Run();
  return CrashLoop(options).Run();
}

// How many seeds failed.
int Run(Kind kind, const Seeds& seeds, const Policy& policy) {
  const bool single = seeds.first == seeds.last;
  int failed_count = 0;
  for (uint64_t seed = seeds.first; seed <= seeds.last; ++seed) {
    const CrashLoopResult result =
        RunOne(kind, {.seed = seed, .lives = kLives, .policy = policy.policy, .mutations = {}, .traces_disk = single});
    if (single) {
      for (const std::string& line : result.trace) fmt::print("{}\n", line);
    }
    if (result.problem.empty()) continue;
    ++failed_count;
    fmt::print("seed {}, flush policy {}: {}\n", seed, policy.name, result.problem);
  }
  fmt::print("flush policy {}: {} of {} seeds failed\n", policy.name, failed_count, seeds.last - seeds.first + 1);
  return failed_count;
}

int Main(int argc, char** argv) {
  std::vector<std::string_view> arguments(argv + 1, argv + argc);
  const bool compacted = !arguments.empty() && arguments.front() == "--compaction";
  if (compacted) arguments.erase(arguments.begin());
  const bool fits = arguments.size() == 1 || arguments.size() == 2;
  const std::optional<Seeds> seeds = fits ? ParseSeeds(arguments[0]) : std::nullopt;
  std::vector<Policy> chosen;
  for (const Policy& policy : kPolicies) {
    if (fits && (arguments.size() == 1 || policy.name == arguments[1])) chosen.push_back(policy);
  }
  if (!seeds || chosen.empty()) {
    fmt::print(stderr, "usage: crash_loops [--compaction] SEED|FIRST..LAST [never|interval|messages|every-append]\n");
    return 2;
  }
  int failed_count = 0;
  for (const Policy& policy : chosen) {
    failed_count += Run(compacted ? Kind::kCompacted : Kind::kPlain, *seeds, policy);
  }
  return failed_count > 0 ? 1 : 0;
}

}  // namespace crash_loops
}  // namespace odradek::storage

int main(int argc, char** argv) {
  return odradek::storage::crash_loops::Main(argc, argv);
}
