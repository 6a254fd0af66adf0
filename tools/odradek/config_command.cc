// odradek config: describe and alter the configuration of topics and brokers.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <memory>

#include "absl/status/statusor.h"
#include "engine/base/absl_compat.h"
#include "tools/odradek/client_session.h"
#include "tools/odradek/command.h"
#include "tools/odradek/config_changes.h"

namespace odradek::tool {
namespace {

using client::ConfigChange;
using client::ConfigKind;
using client::ConfigResource;

struct ConfigArguments {
  ClientArguments client;
  std::string entity_type;
  std::string entity_name;
  bool entity_default = false;
  bool all = false;
  std::vector<std::string> add;
  std::vector<std::string> remove;
};

constexpr const char* kConfigExamples = R"(Examples:
  odradek config describe --bootstrap-server localhost:9092 --entity-type topics --entity-name orders --all
  odradek config alter --bootstrap-server localhost:9092 --entity-type topics --entity-name orders \
      --add-config retention.ms=3600000,cleanup.policy=[compact,delete] --delete-config segment.bytes
  odradek config alter --bootstrap-server localhost:9092 --entity-type brokers --entity-default \
      --add-config log.retention.ms=86400000

Exit codes: 0 done; 1 it failed, standard error says why; 2 wrong usage.)";

std::string_view SourceName(int8_t source) {
  switch (source) {
    case 1:
      return "DYNAMIC_TOPIC_CONFIG";
    case 2:
      return "DYNAMIC_BROKER_CONFIG";
    case 3:
      return "DYNAMIC_DEFAULT_BROKER_CONFIG";
    case 4:
      return "STATIC_BROKER_CONFIG";
    case 5:
      return "DEFAULT_CONFIG";
    case 6:
      return "DYNAMIC_BROKER_LOGGER_CONFIG";
    case 7:
      return "DYNAMIC_CLIENT_METRICS_CONFIG";
    case 8:
      return "DYNAMIC_GROUP_CONFIG";
    default:
      return "UNKNOWN";
  }
}

// Whether somebody has set it for this very resource.
bool IsDynamic(const client::ConfigEntry& entry, const ConfigResource& resource) {
  if (resource.kind == ConfigKind::kTopic) return entry.source == 1;
  return entry.source == (resource.name.empty() ? 3 : 2);
}

std::string LabelOf(const ConfigResource& resource) {
  if (resource.kind == ConfigKind::kTopic) return "topic " + resource.name;
  return resource.name.empty() ? std::string("brokers in the cluster") : "broker " + resource.name;
}

void PrintEntry(const client::ConfigEntry& entry) {
  const auto value_of = [](const std::optional<std::string>& value) { return value.value_or("null"); };
  std::string synonyms;
  for (const client::ConfigSynonym& synonym : entry.synonyms) {
    if (!synonyms.empty()) synonyms += ", ";
    synonyms += fmt::format("{}:{}={}", SourceName(synonym.source), synonym.name, value_of(synonym.value));
  }
  std::cout << fmt::format("  {}={} sensitive={} synonyms={{{}}}\n", entry.name, value_of(entry.value),
                           entry.is_sensitive, synonyms);
}

ConfigKind KindOf(const ConfigArguments& arguments) {
  return arguments.entity_type == "topics" ? ConfigKind::kTopic : ConfigKind::kBroker;
}

// The resources that the command line names, or all of the kind.
client::AdminResult<std::vector<ConfigResource>> Resources(fiber::Fiber& self, client::Admin& admin,
                                                           const ConfigArguments& arguments) {
  client::AdminResult<std::vector<ConfigResource>> resources;
  const ConfigKind kind = KindOf(arguments);
  if (!arguments.entity_name.empty() || arguments.entity_default) {
    resources.value.push_back({kind, arguments.entity_name});
  } else if (kind == ConfigKind::kTopic) {
    const auto topics = admin.ListTopics(self);
    resources.status = topics.status;
    for (const std::string& topic : topics.value) resources.value.push_back({kind, topic});
  } else {
    const auto cluster = admin.DescribeCluster(self);
    resources.status = cluster.status;
    for (const client::BrokerInfo& broker : cluster.value.brokers) {
      resources.value.push_back({kind, std::to_string(broker.id.value())});
    }
    resources.value.push_back({kind, ""});
  }
  return resources;
}

int RunDescribeConfig(const ConfigArguments& arguments) {
  constexpr std::string_view kVerb = "config describe";
  return RunWithAdmin(kVerb, arguments.client, [&](fiber::Fiber& self, client::Admin& admin) {
    const auto resources = Resources(self, admin, arguments);
    if (!resources.ok()) return Failed(kVerb, Describe(resources.status));
    int exit_code = kExitOk;
    for (const auto& [resource, entries] : admin.DescribeConfigs(self, resources.value)) {
      if (!entries.ok()) {
        exit_code = Failed(kVerb, fmt::format("{}: {}", LabelOf(resource), Describe(entries.status)));
        continue;
      }
      std::cout << (arguments.all ? "All configs for " : "Dynamic configs for ") << LabelOf(resource) << " are:\n";
      for (const client::ConfigEntry& entry : entries.value) {
        if (arguments.all || IsDynamic(entry, resource)) PrintEntry(entry);
      }
    }
    std::cout.flush();
    return exit_code;
  });
}

absl::StatusOr<std::vector<ConfigChange>> Changes(const ConfigArguments& arguments) {
  std::vector<ConfigChange> changes;
  for (const std::string& text : arguments.add) {
    auto additions = ParseAdditions(text);
    if (!additions.ok()) return additions.status();
    changes.insert(changes.end(), additions->begin(), additions->end());
  }
  for (const std::string& name : arguments.remove) {
    changes.push_back({client::ConfigOperation::kDelete, name, std::nullopt});
  }
  if (changes.empty()) return base::InvalidArgument("one of --add-config and --delete-config is required");
  for (size_t i = 0; i < changes.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (changes[i].name == changes[j].name) {
        return base::InvalidArgument(fmt::format("{} is changed twice", changes[i].name));
      }
    }
  }
  return changes;
}

int RunAlterConfig(const ConfigArguments& arguments) {
  constexpr std::string_view kVerb = "config alter";
  if (arguments.entity_name.empty() && !arguments.entity_default) {
    return WrongUsage(kVerb, "--entity-name is required (or --entity-default, for brokers)");
  }
  const absl::StatusOr<std::vector<ConfigChange>> changes = Changes(arguments);
  if (!changes.ok()) return WrongUsage(kVerb, base::SV(changes.status().message()));
  const ConfigResource resource = {KindOf(arguments), arguments.entity_name};
  return RunWithAdmin(kVerb, arguments.client, [&](fiber::Fiber& self, client::Admin& admin) {
    const auto statuses = admin.IncrementalAlterConfigs(self, {{resource, *changes}});
    for (const auto& [changed, status] : statuses) {
      if (!status.ok()) return Failed(kVerb, fmt::format("{}: {}", LabelOf(changed), Describe(status)));
      std::cout << fmt::format("Completed updating config for {}.", LabelOf(changed)) << std::endl;
    }
    return kExitOk;
  });
}

void AddEntityOptions(CLI::App& command, ConfigArguments& arguments) {
  AddClientOptions(command, arguments.client);
  command.add_option("--entity-type", arguments.entity_type, "What kind of thing")
      ->required()
      ->check(CLI::IsMember({"topics", "brokers"}));
  CLI::Option* name = command.add_option("--entity-name", arguments.entity_name, "A topic's name or a broker's id");
  command.add_flag("--entity-default", arguments.entity_default, "What holds for every broker")->excludes(name);
  command.footer(kConfigExamples);
}

}  // namespace

void AddConfigCommand(CLI::App& app, int& exit_code) {
  CLI::App* parent = app.add_subcommand("config", "Describe and alter the configuration of topics and brokers");
  parent->require_subcommand(1);
  parent->footer(kConfigExamples);
  auto arguments = std::make_shared<ConfigArguments>();

  CLI::App* describe = parent->add_subcommand("describe", "Print configurations with their sources");
  AddEntityOptions(*describe, *arguments);
  describe->add_flag("--all", arguments->all, "Also those that nobody has set here");
  describe->callback([arguments, &exit_code] { exit_code = RunDescribeConfig(*arguments); });

  CLI::App* alter = parent->add_subcommand("alter", "Set and remove configurations");
  AddEntityOptions(*alter, *arguments);
  alter->add_option("--add-config", arguments->add, "NAME=VALUE,NAME=[VALUE,VALUE]: set these")
      ->allow_extra_args(false);
  alter->add_option("--delete-config", arguments->remove, "NAME,NAME: back to what holds without them")
      ->delimiter(',')
      ->allow_extra_args(false);
  alter->callback([arguments, &exit_code] { exit_code = RunAlterConfig(*arguments); });
}

}  // namespace odradek::tool
