// odradek sim diff: where two runs of one seed begin to differ.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <iostream>
#include <memory>
#include <vector>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "sim/explore/describe.h"
#include "tools/odradek/sim/arguments.h"

namespace odradek::tool {
namespace {

using Points = std::vector<sim::HashLog::Point>;

constexpr uint64_t kCoarseStep = 4096;
// Trace lines that are shown before and after the first difference.
constexpr uint64_t kContextEvents = 8;
constexpr int kExitDiffers = 11;

// What `body` returns, from a process of its own: memory is laid out anew there. Empty if it died.
std::string InChild(const std::function<std::string()>& body) {
  int pipe_fds[2];
  INVARIANT(pipe(pipe_fds) == 0);
  std::fflush(nullptr);
  const pid_t child = fork();
  INVARIANT(child >= 0);
  if (child == 0) {
    close(pipe_fds[0]);
    const std::string text = body();
    size_t done = 0;
    while (done < text.size()) {
      const ssize_t n = write(pipe_fds[1], text.data() + done, text.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) _exit(1);
      done += static_cast<size_t>(n);
    }
    _exit(0);
  }
  close(pipe_fds[1]);
  std::string text;
  char buffer[65536];
  while (true) {
    const ssize_t n = read(pipe_fds[0], buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    text.append(buffer, static_cast<size_t>(n));
  }
  close(pipe_fds[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return text;
}

struct Window {
  uint64_t first = 1;
  uint64_t last = UINT64_MAX;
  uint64_t every = kCoarseStep;
};

Points HashesOf(const OneRun& run, const Window& window) {
  const std::string bytes = InChild([&] {
    sim::HashLog log{.first_event = window.first, .last_event = window.last, .every = window.every};
    explore::RunOptions options = run.options();
    options.hash_log = &log;
    explore::RunSeed(run.scenario, run.seed, options);
    return std::string(reinterpret_cast<const char*>(log.points.data()),
                       log.points.size() * sizeof(sim::HashLog::Point));
  });
  Points points(bytes.size() / sizeof(sim::HashLog::Point));
  std::copy_n(bytes.data(), points.size() * sizeof(sim::HashLog::Point), reinterpret_cast<char*>(points.data()));
  return points;
}

// Keeps the lines of a range of events.
class EventWindow final : public sim::TraceSink {
 public:
  EventWindow(uint64_t first, uint64_t last) : first_(first), last_(last) {}
  void Add(sim::TraceEntry entry) override {
    if (entry.event_number >= first_ && entry.event_number <= last_) text_ += "  " + sim::FormatTrace(entry) + "\n";
  }
  const std::string& text() const { return text_; }

 private:
  const uint64_t first_;
  const uint64_t last_;
  std::string text_;
};

std::string TraceAround(const OneRun& run, uint64_t event_number) {
  return InChild([&] {
    const uint64_t first = event_number > kContextEvents ? event_number - kContextEvents : 1;
    EventWindow window(first, event_number + kContextEvents);
    explore::RunOptions options = run.options();
    options.trace = &window;
    explore::RunSeed(run.scenario, run.seed, options);
    return window.text();
  });
}

int DiffCommand(const Tool& tool, const OneRunArguments& arguments) {
  const absl::StatusOr<OneRun> run = LoadOneRun(tool, arguments);
  if (!run.ok()) return tool.UsageError(base::SV(run.status().message()));
  const Window coarse;
  const Points a = HashesOf(*run, coarse);
  const Points b = HashesOf(*run, coarse);
  const auto [at_a, at_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  // The last interval has no hash of its own: it is looked at in any case.
  const uint64_t before = at_a == a.begin() ? 1 : std::prev(at_a)->event_number;
  const uint64_t after = at_a == a.end() || at_b == b.end() ? UINT64_MAX : at_a->event_number;
  const Window fine{.first = before, .last = after, .every = 1};
  const Points fine_a = HashesOf(*run, fine);
  const Points fine_b = HashesOf(*run, fine);
  const auto [first_a, first_b] = std::mismatch(fine_a.begin(), fine_a.end(), fine_b.begin(), fine_b.end());
  if (first_a == fine_a.end() && first_b == fine_b.end()) {
    std::cout << fmt::format("no difference in {} events\n", fine_a.empty() ? 0 : fine_a.back().event_number);
    return kExitOk;
  }
  const sim::HashLog::Point& point = first_a == fine_a.end() ? *first_b : *first_a;
  std::cout << fmt::format("the runs differ from event {} on, at {} s\n", point.event_number,
                           explore::SecondsText(point.time.nanos()));
  std::cout << "one run:\n" << TraceAround(*run, point.event_number);
  std::cout << "the other:\n" << TraceAround(*run, point.event_number) << std::flush;
  return kExitDiffers;
}

}  // namespace

void AddSimDiffCommand(CLI::App& sim, const Tool& tool, int& exit_code) {
  CLI::App* command = sim.add_subcommand("diff", "Run one seed twice and find the first event that differs");
  auto arguments = std::make_shared<OneRunArguments>();
  AddOneRunOptions(*command, tool, *arguments);
  command->footer(
      tool.Said("Examples:\n"
                "  odradek sim diff calm --seed 7\n"
                "Exit codes: 0 the runs are the same; 2 wrong usage; 11 they differ."));
  command->callback([tool, arguments, &exit_code] { exit_code = DiffCommand(tool, *arguments); });
}

}  // namespace odradek::tool
