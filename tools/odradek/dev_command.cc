// odradek dev: a cluster on this machine.
#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <memory>

#include "engine/base/absl_compat.h"
#include "tools/odradek/command.h"
#include "tools/odradek/dev/dev_cluster.h"
#include "tools/odradek/sim/arguments.h"

namespace odradek::tool {
namespace {

constexpr const char* kDevExamples = R"(Examples:
  odradek dev --real                                three nodes, clients at 127.0.0.1:9092 to 9094
  odradek dev --real --brokers 5 --data /tmp/five --port 29092
  odradek dev --real --override log.retention.ms=60000    a setting of every node
Every node is a broker and a controller in a process of its own, which may be killed, stopped and started again by hand:
its pid and its command are shown. Topics have three replicas and min.insync.replicas=2 if nothing else is said.
SIGINT and SIGTERM end all nodes; what they keep in the data folder is there again at the next start.

Exit codes: 0 ended as asked; 1 it could not begin or no node runs any more, standard error says why; 2 wrong usage.)";

constexpr int32_t kPortMax = 65535;

int RunDev(const dev::Options& options) {
  for (const int32_t first : {options.port, options.controller_port}) {
    if (first + options.brokers - 1 <= kPortMax) continue;
    std::cerr << fmt::format("odradek dev: {} nodes from port {} on: there are no ports above {}\n", options.brokers,
                             first, kPortMax);
    return kExitUsage;
  }
  if (std::abs(options.port - options.controller_port) < options.brokers) {
    std::cerr << fmt::format("odradek dev: --port {} and --controller-port {} are less than {} apart\n", options.port,
                             options.controller_port, options.brokers);
    return kExitUsage;
  }
  const absl::Status ran = dev::Run(options);
  if (ran.ok()) return kExitOk;
  std::cerr << "odradek dev: " << base::SV(ran.message()) << "\n";
  return kExitFailed;
}

}  // namespace

void AddDevCommand(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("dev", "Run a cluster on this machine, to build against");
  auto options = std::make_shared<dev::Options>();
  options->data = "dev-data";
  command->add_flag("--real")
      ->description("Real processes on real ports: so far the only kind of cluster, and to be said")
      ->required();
  command->add_option("--brokers", options->brokers, "How many nodes")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command->add_option("--port", options->port, "Where clients reach the first node; the next ones are above")
      ->check(CLI::Range(1, kPortMax))
      ->capture_default_str();
  command->add_option("--controller-port", options->controller_port, "The same for the nodes among themselves")
      ->check(CLI::Range(1, kPortMax))
      ->capture_default_str();
  command->add_option("--data", options->data, "The folder that holds the nodes' data directories")
      ->check(NotEmpty())
      ->capture_default_str();
  command->add_option("--override", options->overrides, "KEY=VALUE of every node; may be repeated");
  command->add_option("--log-level", options->log_level, "What the nodes log")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
  command->footer(kDevExamples);
  command->callback([options, &exit_code] {
    std::error_code ignored;
    options->program = std::filesystem::read_symlink("/proc/self/exe", ignored).string();
    options->data = std::filesystem::absolute(options->data).lexically_normal().string();
    exit_code = RunDev(*options);
  });
}

}  // namespace odradek::tool
