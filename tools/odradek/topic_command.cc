// odradek topic: create, delete, list, describe, alter.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <memory>

#include "engine/base/absl_compat.h"
#include "tools/odradek/client_session.h"
#include "tools/odradek/command.h"
#include "tools/odradek/sim/arguments.h"

namespace odradek::tool {
namespace {

using protocol::ErrorCode;

struct TopicArguments {
  ClientArguments client;
  std::vector<std::string> topics;
  int32_t partition_count = -1;
  int16_t replication_factor = -1;
  std::vector<std::string> configs;
  bool if_not_exists = false;
  bool if_exists = false;
  bool exclude_internal = false;
  bool under_replicated = false;
  bool unavailable = false;
  bool with_overrides = false;
};

constexpr const char* kTopicExamples = R"(Examples:
  odradek topic create --bootstrap-server localhost:9092 --topic orders --partitions 6 --config retention.ms=3600000
  odradek topic list --bootstrap-server localhost:9092
  odradek topic describe --bootstrap-server localhost:9092 --topic orders
  odradek topic alter --bootstrap-server localhost:9092 --topic orders --partitions 12
  odradek topic delete --bootstrap-server localhost:9092 --topic orders --if-exists

Exit codes: 0 done; 1 it failed for one of the topics, standard error says why; 2 wrong usage.)";

// Reports each topic; `done` says it for one that is fine, `tolerated` is an error that counts as fine.
struct Wording {
  std::string_view verb;
  std::string_view done;
  ErrorCode tolerated = ErrorCode::kNone;
};
int Report(const client::TopicStatuses& statuses, const Wording& wording) {
  int exit_code = kExitOk;
  for (const auto& [topic, status] : statuses) {
    if (status.ok()) {
      std::cout << fmt::format("{} {}.\n", wording.done, topic);
    } else if (wording.tolerated == ErrorCode::kNone || status.error != wording.tolerated) {
      exit_code = Failed(wording.verb, fmt::format("{}: {}", topic, Describe(status)));
    }
  }
  std::cout.flush();
  return exit_code;
}

int RunCreate(const TopicArguments& arguments) {
  constexpr std::string_view kVerb = "topic create";
  std::vector<client::NewTopic> topics;
  for (const std::string& name : Distinct(arguments.topics)) {
    client::NewTopic& topic = topics.emplace_back();
    topic.name = name;
    topic.partition_count = arguments.partition_count;
    topic.replication_factor = arguments.replication_factor;
    for (const std::string& text : arguments.configs) {
      const auto config = SplitProperty("--config", text);
      if (!config.ok()) return WrongUsage(kVerb, base::SV(config.status().message()));
      topic.configs.insert_or_assign(config->first, config->second);
    }
  }
  return RunWithAdmin(kVerb, arguments.client, [&](fiber::Fiber& self, client::Admin& admin) {
    const ErrorCode tolerated = arguments.if_not_exists ? ErrorCode::kTopicAlreadyExists : ErrorCode::kNone;
    return Report(admin.CreateTopics(self, topics), {kVerb, "Created topic", tolerated});
  });
}

int RunDelete(const TopicArguments& arguments) {
  constexpr std::string_view kVerb = "topic delete";
  return RunWithAdmin(kVerb, arguments.client, [&](fiber::Fiber& self, client::Admin& admin) {
    const ErrorCode tolerated = arguments.if_exists ? ErrorCode::kUnknownTopicOrPartition : ErrorCode::kNone;
    return Report(admin.DeleteTopics(self, Distinct(arguments.topics)), {kVerb, "Deleted topic", tolerated});
  });
}

int RunAlter(const TopicArguments& arguments) {
  constexpr std::string_view kVerb = "topic alter";
  std::map<std::string, int32_t> counts;
  for (const std::string& topic : arguments.topics) counts[topic] = arguments.partition_count;
  return RunWithAdmin(kVerb, arguments.client, [&](fiber::Fiber& self, client::Admin& admin) {
    const ErrorCode tolerated = arguments.if_exists ? ErrorCode::kUnknownTopicOrPartition : ErrorCode::kNone;
    return Report(admin.CreatePartitions(self, counts), {kVerb, "Altered topic", tolerated});
  });
}

int RunList(const TopicArguments& arguments) {
  constexpr std::string_view kVerb = "topic list";
  return RunWithAdmin(kVerb, arguments.client, [&](fiber::Fiber& self, client::Admin& admin) {
    auto topics = admin.ListTopics(self);
    if (!topics.ok()) return Failed(kVerb, Describe(topics.status));
    std::ranges::sort(topics.value);
    for (const std::string& topic : topics.value) {
      if (!arguments.exclude_internal || !IsInternalTopic(topic)) std::cout << topic << '\n';
    }
    std::cout.flush();
    return kExitOk;
  });
}

std::string Nodes(const std::vector<NodeId>& nodes) {
  std::string text;
  for (const NodeId node : nodes) {
    if (!text.empty()) text += ',';
    text += std::to_string(node.value());
  }
  return text;
}

// Configurations that the topic has of its own: "k=v,k=v".
std::string Overrides(const std::vector<client::ConfigEntry>& entries) {
  constexpr int8_t kTopicSource = 1;
  std::string text;
  for (const client::ConfigEntry& entry : entries) {
    if (entry.source != kTopicSource) continue;
    if (!text.empty()) text += ',';
    text += entry.name + "=" + entry.value.value_or("");
  }
  return text;
}

bool IsUnavailable(const client::PartitionInfo& partition) {
  return partition.leader == kNoNode ||
         std::ranges::find(partition.offline_replicas, partition.leader) != partition.offline_replicas.end();
}

void PrintTopic(const client::TopicInfo& topic, const std::string& overrides, const TopicArguments& arguments) {
  const bool is_filtered = arguments.under_replicated || arguments.unavailable;
  if (arguments.with_overrides && overrides.empty()) return;
  if (!is_filtered) {
    const size_t replicas = topic.partitions.empty() ? 0 : topic.partitions.front().replicas.size();
    std::cout << fmt::format("Topic: {}\tTopicId: {}\tPartitionCount: {}\tReplicationFactor: {}\tConfigs: {}\n",
                             topic.name, topic.id.ToString(), topic.partitions.size(), replicas, overrides);
  }
  if (arguments.with_overrides) return;
  for (const client::PartitionInfo& partition : topic.partitions) {
    const bool is_wanted = !is_filtered ||
                           (arguments.under_replicated && partition.isr.size() < partition.replicas.size()) ||
                           (arguments.unavailable && IsUnavailable(partition));
    if (!is_wanted) continue;
    const std::string leader =
        partition.leader == kNoNode ? std::string("none") : std::to_string(partition.leader.value());
    std::cout << fmt::format("\tTopic: {}\tPartition: {}\tLeader: {}\tReplicas: {}\tIsr: {}\n", topic.name,
                             partition.partition.value(), leader, Nodes(partition.replicas), Nodes(partition.isr));
  }
}

// The wanted topics, or all of them.
client::AdminResult<std::vector<std::string>> TopicsToDescribe(fiber::Fiber& self, client::Admin& admin,
                                                               const TopicArguments& arguments) {
  client::AdminResult<std::vector<std::string>> names;
  names.value = Distinct(arguments.topics);
  if (!names.value.empty()) return names;
  names = admin.ListTopics(self);
  std::ranges::sort(names.value);
  if (arguments.exclude_internal)
    std::erase_if(names.value, [](const std::string& name) { return IsInternalTopic(name); });
  return names;
}

int RunDescribe(const TopicArguments& arguments) {
  constexpr std::string_view kVerb = "topic describe";
  return RunWithAdmin(kVerb, arguments.client, [&](fiber::Fiber& self, client::Admin& admin) {
    const auto names = TopicsToDescribe(self, admin, arguments);
    if (!names.ok()) return Failed(kVerb, Describe(names.status));
    if (names.value.empty()) return kExitOk;
    auto topics = admin.DescribeTopics(self, names.value);
    if (!topics.ok()) return Failed(kVerb, Describe(topics.status));
    int exit_code = kExitOk;
    std::vector<client::ConfigResource> resources;
    for (const auto& [name, topic] : topics.value) {
      if (topic.ok()) {
        resources.push_back({client::ConfigKind::kTopic, name});
      } else if (!arguments.if_exists || topic.status.error != ErrorCode::kUnknownTopicOrPartition) {
        exit_code = Failed(kVerb, fmt::format("{}: {}", name, Describe(topic.status)));
      }
    }
    const auto configs = admin.DescribeConfigs(self, resources);
    for (const auto& [resource, entries] : configs) {
      if (!entries.ok()) exit_code = Failed(kVerb, fmt::format("{}: {}", resource.name, Describe(entries.status)));
      PrintTopic(topics.value[resource.name].value, Overrides(entries.value), arguments);
    }
    std::cout.flush();
    return exit_code;
  });
}

enum class Topics : uint8_t { kRequired, kOptional };
void AddTopicOption(CLI::App& command, TopicArguments& arguments, Topics topics) {
  CLI::Option* option =
      command.add_option("--topic", arguments.topics, "The topic; several with commas or by repeating it")
          ->delimiter(',')
          ->allow_extra_args(false);
  if (topics == Topics::kRequired) option->required();
}

using Run = int (*)(const TopicArguments&);
struct Verb {
  const char* name;
  const char* what;
  Run run;
};
CLI::App& AddVerb(CLI::App& parent, const std::shared_ptr<TopicArguments>& arguments, const Verb& verb,
                  int& exit_code) {
  CLI::App* command = parent.add_subcommand(verb.name, verb.what);
  AddClientOptions(*command, arguments->client);
  command->footer(kTopicExamples);
  const Run run = verb.run;
  command->callback([arguments, run, &exit_code] { exit_code = run(*arguments); });
  return *command;
}

void AddChanges(CLI::App& parent, const std::shared_ptr<TopicArguments>& arguments, int& exit_code) {
  CLI::App& create = AddVerb(parent, arguments, {"create", "Create topics", RunCreate}, exit_code);
  AddTopicOption(create, *arguments, Topics::kRequired);
  create.add_option("--partitions", arguments->partition_count, "How many; without: the broker's num.partitions")
      ->check(WholeNumberFrom<int32_t>(1));
  create
      .add_option("--replication-factor", arguments->replication_factor,
                  "How many; without: the broker's default.replication.factor")
      ->check(WholeNumberFrom<int16_t>(1));
  create.add_option("--config", arguments->configs, "NAME=VALUE of the topic; may be repeated")
      ->allow_extra_args(false);
  create.add_flag("--if-not-exists", arguments->if_not_exists, "A topic that exists already is no error");

  CLI::App& alter = AddVerb(parent, arguments, {"alter", "Add partitions to topics", RunAlter}, exit_code);
  AddTopicOption(alter, *arguments, Topics::kRequired);
  alter.add_option("--partitions", arguments->partition_count, "How many there are to be in the end")
      ->check(WholeNumberFrom<int32_t>(1))
      ->required();
  alter.add_flag("--if-exists", arguments->if_exists, "A topic that does not exist is no error");

  CLI::App& remove = AddVerb(parent, arguments, {"delete", "Delete topics with their records", RunDelete}, exit_code);
  AddTopicOption(remove, *arguments, Topics::kRequired);
  remove.add_flag("--if-exists", arguments->if_exists, "A topic that does not exist is no error");
}

}  // namespace

void AddTopicCommand(CLI::App& app, int& exit_code) {
  CLI::App* parent = app.add_subcommand("topic", "Create, list, describe, alter and delete topics");
  parent->require_subcommand(1);
  parent->footer(kTopicExamples);
  auto arguments = std::make_shared<TopicArguments>();
  AddChanges(*parent, arguments, exit_code);

  CLI::App& list = AddVerb(*parent, arguments, {"list", "Print the names of all topics", RunList}, exit_code);
  list.add_flag("--exclude-internal", arguments->exclude_internal, "Without the topics that brokers make");

  CLI::App& describe =
      AddVerb(*parent, arguments, {"describe", "Print partitions and configuration", RunDescribe}, exit_code);
  AddTopicOption(describe, *arguments, Topics::kOptional);
  describe.add_flag("--exclude-internal", arguments->exclude_internal, "Without the topics that brokers make");
  describe.add_flag("--if-exists", arguments->if_exists, "A topic that does not exist is no error");
  describe.add_flag("--under-replicated-partitions", arguments->under_replicated,
                    "Only partitions with fewer replicas in sync than they have");
  describe.add_flag("--unavailable-partitions", arguments->unavailable, "Only partitions without a leader");
  describe.add_flag("--topics-with-overrides", arguments->with_overrides,
                    "Only topics with a configuration of their own");
}

}  // namespace odradek::tool
