// odradek broker: a node on this machine.
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <set>

#include "absl/status/statusor.h"
#include "engine/base/absl_compat.h"
#include "engine/broker/node.h"
#include "engine/config/broker_config.h"
#include "engine/config/properties.h"
#include "engine/config/setting_error.h"
#include "engine/real/host_name.h"
#include "engine/real/node.h"
#include "sim/explore/text_file.h"
#include "tools/odradek/command.h"
#include "tools/odradek/sim/arguments.h"

namespace odradek::tool {
namespace {

constexpr const char* kExamples = R"(Examples:
  odradek broker
  odradek broker --listener 127.0.0.1:19092 --data /tmp/node1
  odradek broker --config server.properties --override log.retention.ms=3600000
--listener and --data may not say something else than listeners and log.dirs of --config or --override.
A node stops cleanly on SIGTERM and SIGINT.

Exit codes: 0 stopped as asked; 1 it could not start or go on, standard error says why; 2 wrong usage or configuration;
70 an error that the node cannot survive.)";

struct BrokerArguments {
  std::string listener;
  std::string data;
  std::string config_file;
  std::vector<std::string> overrides;
  std::string cluster_id;
  std::string log_level = "info";
  std::string log_format = "text";
};

struct Listeners {
  std::vector<std::string> clients;
  std::vector<std::string> controllers;
};
Listeners ListenersOf(const config::PropertyMap& properties) {
  const auto listeners = properties.find("listeners");
  const auto names = properties.find("controller.listener.names");
  Listeners split;
  if (listeners == properties.end()) return split;
  std::vector<std::string> controllers;
  if (names != properties.end()) controllers = config::SplitList(names->second);
  for (const std::string& element : config::SplitList(listeners->second)) {
    const std::string name = element.substr(0, element.find("://"));
    const bool is_controller = std::find(controllers.begin(), controllers.end(), name) != controllers.end();
    (is_controller ? split.controllers : split.clients).push_back(element);
  }
  return split;
}

// Two of the user's wishes of which one would be lost.
absl::Status Contradiction(std::string_view option, std::string_view name, const config::StaticConfig& properties) {
  return base::InvalidArgument(fmt::format("{} contradicts {}={} ({})", option, name,
                                           properties.properties.at(std::string(name)),
                                           properties.places.at(std::string(name))));
}

// --listener is about clients: the controller's listeners stay as they are.
absl::Status SetListener(const std::string& listener, config::StaticConfig& properties) {
  const Listeners said = ListenersOf(properties.properties);
  std::string listeners = "PLAINTEXT://" + listener;
  if (!said.clients.empty() && said.clients != std::vector{listeners}) {
    return Contradiction("--listener " + listener, "listeners", properties);
  }
  for (const std::string& controller : said.controllers) listeners += "," + controller;
  properties.properties.erase("listeners");
  return config::AddStaticProperty("--listener", "listeners", listeners, properties);
}

absl::Status SetData(const std::string& data, config::StaticConfig& properties) {
  bool is_said = false;
  for (const char* name : {"log.dirs", "log.dir"}) {
    const auto said = properties.properties.find(name);
    if (said == properties.properties.end()) continue;
    if (!data.empty() && said->second != data) return Contradiction("--data " + data, name, properties);
    is_said = true;
  }
  if (is_said) return absl::OkStatus();
  return config::AddStaticProperty("--data", "log.dirs", data.empty() ? "data" : data, properties);
}

absl::StatusOr<config::StaticConfig> ReadConfig(const BrokerArguments& arguments) {
  config::StaticConfig properties;
  if (!arguments.config_file.empty()) {
    const absl::StatusOr<std::string> text = explore::ReadTextFile(arguments.config_file);
    if (!text.ok()) return text.status();
    absl::StatusOr<config::StaticConfig> parsed = config::ParseStaticConfig(arguments.config_file, *text);
    if (!parsed.ok()) return parsed.status();
    properties = std::move(*parsed);
  }
  for (const std::string& text : arguments.overrides) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return base::InvalidArgument(fmt::format("--override {}: expected KEY=VALUE", text));
    }
    const std::string key = text.substr(0, equals);
    // Over the file.
    properties.properties.erase(std::string(config::CanonicalBrokerName(key)));
    const absl::Status status = config::AddStaticProperty("--override", key, text.substr(equals + 1), properties);
    if (!status.ok()) return status;
  }
  if (!arguments.listener.empty()) {
    const absl::Status status = SetListener(arguments.listener, properties);
    if (!status.ok()) return status;
  }
  if (const absl::Status status = SetData(arguments.data, properties); !status.ok()) return status;
  return properties;
}

// Messages name a folder so that it is found from anywhere.
std::string AbsolutePath(const std::string& path) {
  std::filesystem::path whole = std::filesystem::absolute(path).lexically_normal();
  if (!whole.has_filename() && whole.has_relative_path()) whole = whole.parent_path();
  return whole.string();
}

std::vector<std::string>::const_iterator FindTwice(const std::vector<std::string>& paths) {
  std::set<std::string> seen;
  return std::find_if(paths.begin(), paths.end(), [&](const std::string& path) { return !seen.insert(path).second; });
}

env::LogLevel LevelOf(const std::string& name) {
  if (name == "debug") return env::LogLevel::kDebug;
  if (name == "warning") return env::LogLevel::kWarning;
  return name == "error" ? env::LogLevel::kError : env::LogLevel::kInfo;
}

// Serves until a signal or an error ends the node.
absl::Status Serve(const BrokerArguments& arguments, broker::NodeOptions options) {
  real::RealNode::Options machine;
  machine.log.level_min = LevelOf(arguments.log_level);
  machine.log.format = arguments.log_format == "json" ? real::LogFormat::kJson : real::LogFormat::kKeyValue;
  real::RealNode world(machine);
  broker::ShardEnvs envs;
  for (int32_t i = 0; i < world.shard_count(); ++i) envs.push_back(&world.env(ShardId(i)));
  auto node = std::make_unique<broker::Node>(envs, std::move(options));
  absl::Status result = absl::OkStatus();
  world.WatchSignals({SIGTERM, SIGINT}, [&node](int) { node->RequestStop(); });
  envs[0]->scheduler.Spawn("node", [&](fiber::Fiber& self) {
    result = node->Run(self);
    world.Stop();
  });
  world.Run();
  world.Kill();
  node.reset();
  return result;
}

int RunBroker(const BrokerArguments& arguments) {
  absl::StatusOr<config::StaticConfig> properties = ReadConfig(arguments);
  if (!properties.ok()) {
    std::cerr << "odradek broker: " << base::SV(properties.status().message()) << "\n";
    return kExitUsage;
  }
  for (const std::string& warning : properties->warnings) std::cerr << "warning: " << warning << "\n";
  broker::NodeOptions options;
  options.static_properties = properties->properties;
  absl::StatusOr<config::BrokerConfig> resolved =
      config::ResolveBrokerConfig({.static_broker = &options.static_properties});
  if (!resolved.ok()) {
    std::cerr << "odradek broker: " << config::WithPlace(*properties, resolved.status()) << "\n";
    return kExitUsage;
  }
  options.config = std::move(*resolved);
  options.cluster_id = arguments.cluster_id;
  options.host_name = real::HostName();
  for (const std::string& path : options.config.log_dirs) options.log_directories.push_back(AbsolutePath(path));
  options.config.metadata_log_dir = AbsolutePath(options.config.metadata_log_dir);
  if (const auto twice = FindTwice(options.log_directories); twice != options.log_directories.end()) {
    const absl::Status wrong = config::WrongSetting({.name = "log.dirs", .why = *twice + " is there twice"});
    std::cerr << "odradek broker: " << config::WithPlace(*properties, wrong) << "\n";
    return kExitUsage;
  }
  for (const broker::LogDirectory& directory : broker::DirectoriesOf(options)) {
    // What is missing after this is named when the directory itself is made.
    std::error_code ignored;
    std::filesystem::create_directories(std::filesystem::path(directory.path).parent_path(), ignored);
  }
  const absl::Status served = Serve(arguments, std::move(options));
  if (served.ok()) return kExitOk;
  std::cerr << "odradek broker: " << base::SV(served.message()) << "\n";
  return kExitFailed;
}

}  // namespace

void AddBrokerCommand(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("broker", "Run a node: broker and controller in one process");
  auto arguments = std::make_shared<BrokerArguments>();
  command->add_option("--listener", arguments->listener, "Where clients connect: HOST:PORT (default :9092)")
      ->check(NotEmpty());
  command->add_option("--data", arguments->data, "The data directory (default ./data); log.dirs of the node")
      ->check(NotEmpty());
  command->add_option("--config", arguments->config_file, "A server.properties file")->check(CLI::ExistingFile);
  command->add_option("--override", arguments->overrides, "KEY=VALUE, over the file; may be repeated");
  command->add_option("--cluster-id", arguments->cluster_id, "Required of the data directory; given to a new one");
  command->add_option("--log-level", arguments->log_level, "What is logged")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
  command->add_option("--log-format", arguments->log_format, "How it is logged")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->footer(kExamples);
  command->callback([arguments, &exit_code] { exit_code = RunBroker(*arguments); });
}

}  // namespace odradek::tool
