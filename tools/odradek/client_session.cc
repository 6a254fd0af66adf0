#include "tools/odradek/client_session.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <utility>

#include "engine/base/absl_compat.h"
#include "engine/config/properties.h"
#include "engine/real/node.h"
#include "sim/explore/text_file.h"
#include "tools/odradek/command.h"
#include "tools/odradek/sim/arguments.h"

namespace odradek::tool {
namespace {

absl::StatusOr<std::vector<config::Property>> ReadPropertiesFile(const std::string& path) {
  const absl::StatusOr<std::string> text = explore::ReadTextFile(path);
  if (!text.ok()) return text.status();
  return config::ParseProperties(path, *text);
}

// Empty: a broker answered.
std::string ReachProblem(fiber::Fiber& self, env::Env& env, client::CommonConfig config, Duration timeout) {
  config.default_api_timeout = timeout;
  client::Admin admin(env, {config});
  const auto cluster = admin.DescribeCluster(self);
  return cluster.ok() ? std::string() : Describe(cluster.status);
}

}  // namespace

void AddClientOptions(CLI::App& command, ClientArguments& arguments, const ClientOptionNames& names) {
  command
      .add_option("--bootstrap-server", arguments.bootstrap_server,
                  "Where the cluster is: HOST:PORT, or several with commas")
      ->check(NotEmpty())
      ->required();
  CLI::Option* first = nullptr;
  for (const std::string& name : CLI::detail::split(names.config_file, ',')) {
    CLI::Option* option =
        command.add_option(name, arguments.command_config, "A properties file with settings of the client")
            ->check(CLI::ExistingFile);
    if (first != nullptr) option->description("The same as " + first->get_name())->excludes(first);
    if (first == nullptr) first = option;
  }
  AddPropertyOption(command, names.property, "NAME=VALUE, over the file; may be repeated",
                    arguments.command_properties);
  command.add_option("--reach-timeout-ms", arguments.reach_timeout_ms, "How long to try to reach a broker")
      ->check(WholeNumberFrom<int64_t>(1))
      ->capture_default_str();
}

// An option for each name: a message then has the one that was typed.
void AddPropertyOption(CLI::App& command, const std::string& names, const std::string& what,
                       std::vector<GivenProperty>& into) {
  std::string first;
  for (const std::string& name : CLI::detail::split(names, ',')) {
    const auto take = [&into, name](const std::string& text) { into.push_back({name, text}); };
    // At once: in the order of the command line, in which a later one counts.
    command.add_option_function<std::string>(name, take, first.empty() ? what : "The same as " + first)
        ->allow_extra_args(false)
        ->trigger_on_parse();
    if (first.empty()) first = name;
  }
}

absl::StatusOr<std::pair<std::string, std::string>> SplitProperty(std::string_view option, std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return base::InvalidArgument(fmt::format("{}: NAME=VALUE expected, found \"{}\"", option, text));
  }
  return std::pair(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
}

absl::StatusOr<std::vector<GivenProperty>> ReadProperties(const std::string& file,
                                                          const std::vector<GivenProperty>& typed) {
  std::vector<GivenProperty> properties;
  if (!file.empty()) {
    const auto lines = ReadPropertiesFile(file);
    if (!lines.ok()) return lines.status();
    for (const config::Property& line : *lines) {
      properties.push_back({fmt::format("{}:{}", file, line.line), line.key + "=" + line.value});
    }
  }
  properties.insert(properties.end(), typed.begin(), typed.end());
  return properties;
}

void ClientSettings::Set(const std::string& name, std::string value, std::string place) {
  values_[name] = std::move(value);
  places_.erase(name);
  if (!place.empty()) places_[name] = std::move(place);
}

absl::StatusOr<ClientSettings> ClientConfig(const ClientArguments& arguments) {
  const auto given = ReadProperties(arguments.command_config, arguments.command_properties);
  if (!given.ok()) return given.status();
  ClientSettings settings;
  for (const GivenProperty& one : *given) {
    auto property = SplitProperty(one.origin, one.text);
    if (!property.ok()) return property.status();
    settings.Set(property->first, std::move(property->second), one.origin);
  }
  settings.Set("bootstrap.servers", arguments.bootstrap_server, "--bootstrap-server");
  return settings;
}

int RunOnNode(const NodeOptions& options, const ClientArguments& arguments, ClientBody body) {
  // Only where the cluster is: each kind of client knows other settings.
  const auto config = client::ParseAdminConfig({{"bootstrap.servers", arguments.bootstrap_server}});
  if (!config.ok()) return WrongUsage(options.verb, "--bootstrap-server: " + config.error);
  real::RealNode::Options machine;
  machine.log.level_min = env::LogLevel::kError;
  // One may wait for standard input while another works.
  machine.cpu_threads_max = 2;
  real::RealNode node(machine);
  bool is_stopped = false;
  if (options.signals == Signals::kStopTheBody) {
    node.WatchSignals({SIGINT, SIGTERM}, [&is_stopped](int) { is_stopped = true; });
  }
  int exit_code = kExitFailed;
  const ClientWorld world = {node.env(), is_stopped};
  node.env().scheduler.Spawn("command", [&](fiber::Fiber& self) {
    const Duration timeout = Duration::SaturatingMillis(arguments.reach_timeout_ms);
    const std::string problem = ReachProblem(self, world.env, config.config.common, timeout);
    exit_code = problem.empty()
                    ? body(self, world)
                    : Failed(options.verb, fmt::format("no broker at {} within {} ms: {}", arguments.bootstrap_server,
                                                       arguments.reach_timeout_ms, problem));
    node.Stop();
  });
  node.Run();
  node.Kill();
  return exit_code;
}

int RunWithAdmin(std::string_view verb, const ClientArguments& arguments, AdminBody body) {
  const absl::StatusOr<ClientSettings> settings = ClientConfig(arguments);
  if (!settings.ok()) return WrongUsage(verb, base::SV(settings.status().message()));
  const auto config = client::ParseAdminConfig(settings->values());
  if (!config.ok()) return WrongUsage(verb, settings->Explain(config));
  return RunOnNode({verb}, arguments, [&](fiber::Fiber& self, const ClientWorld& world) {
    client::Admin admin(world.env, config.config);
    return body(self, admin);
  });
}

int Failed(std::string_view verb, std::string_view what) {
  std::cout.flush();
  std::cerr << "odradek " << verb << ": " << what << std::endl;
  return kExitFailed;
}

int WrongUsage(std::string_view verb, std::string_view what) {
  Failed(verb, what);
  std::cerr << "Run with --help for more information." << std::endl;
  return kExitUsage;
}

std::string Describe(const client::AdminStatus& status) {
  std::string text = status.what.empty() ? std::string(protocol::ErrorName(status.error)) : status.what;
  if (status.error == protocol::ErrorCode::kUnknownTopicOrPartition) text = "there is no such topic (" + text + ")";
  if (status.outcome == client::Outcome::kUnknown) text += " (it may have been carried out)";
  return text;
}

bool IsInternalTopic(std::string_view topic) {
  return topic == "__consumer_offsets" || topic == "__transaction_state" || topic == "__share_group_state";
}

std::vector<std::string> Distinct(std::vector<std::string> names) {
  std::vector<std::string> distinct;
  for (std::string& name : names) {
    if (std::ranges::find(distinct, name) == distinct.end()) distinct.push_back(std::move(name));
  }
  return distinct;
}

}  // namespace odradek::tool
