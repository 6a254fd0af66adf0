// odradek consume: the records of a topic on standard output.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iostream>
#include <limits>
#include <memory>
#include <optional>
#include <set>

#include "engine/base/absl_compat.h"
#include "engine/client/consumer.h"
#include "tools/odradek/client_session.h"
#include "tools/odradek/command.h"
#include "tools/odradek/record_printer.h"
#include "tools/odradek/sim/arguments.h"

namespace odradek::tool {
namespace {

constexpr std::string_view kConsume = "consume";

struct ConsumeArguments {
  ClientArguments client;
  std::string topic;
  std::vector<int32_t> partitions;
  std::string offset = "latest";
  bool from_beginning = false;
  int64_t record_count_max = std::numeric_limits<int64_t>::max();
  std::optional<int64_t> timeout_ms;
  std::string isolation_level;
  RecordFormat format;
  std::string format_config;
  std::vector<std::string> format_properties;
};

constexpr const char* kConsumeExamples =
    R"(Reads until it is interrupted, or until --max-messages or --timeout-ms end it.

Examples:
  odradek consume --bootstrap-server localhost:9092 --topic orders --from-beginning
  odradek consume --bootstrap-server localhost:9092 --topic orders --partition 2 --offset 1500 --max-messages 10
  odradek consume --bootstrap-server localhost:9092 --topic orders --print-key --print-timestamp --timeout-ms 5000

Exit codes: 0 also if there was nothing to read; 1 the topic cannot be read, standard error says why; 2 wrong usage.)";

// Where to start: nullopt is a word.
std::optional<Offset> StartOffset(const ConsumeArguments& arguments) {
  int64_t number = 0;
  const std::string& text = arguments.offset;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return Offset(number);
}

// Empty: nothing.
std::string ProblemOf(const ConsumeArguments& arguments) {
  const bool is_word = arguments.offset == "earliest" || arguments.offset == "latest";
  const bool is_number = StartOffset(arguments).has_value();
  if (!is_word && !is_number) {
    return fmt::format("--offset: \"{}\" is none of earliest, latest and a number from 0", arguments.offset);
  }
  if (is_number && arguments.partitions.size() != 1) return "--offset: a number needs one --partition";
  if (arguments.from_beginning && arguments.offset == "latest") return "";
  if (arguments.from_beginning && is_number) return "--from-beginning and --offset exclude each other";
  return "";
}

absl::StatusOr<client::ConsumerConfig> ConfigOf(const ConsumeArguments& arguments) {
  absl::StatusOr<ClientSettings> settings = ClientConfig(arguments.client);
  if (!settings.ok()) return settings.status();
  if (!arguments.isolation_level.empty()) settings->Set("isolation.level", arguments.isolation_level);
  const bool is_earliest = arguments.from_beginning || arguments.offset == "earliest";
  // An offset that the log does not have is an error and not a start somewhere else.
  const char* const reset = StartOffset(arguments) ? "none" : is_earliest ? "earliest" : "latest";
  settings->Set("auto.offset.reset", reset);
  settings->Set("allow.auto.create.topics", "false");
  auto config = client::ParseConsumerConfig(settings->values());
  if (!config.ok()) return base::InvalidArgument(settings->Explain(config));
  return config.config;
}

// The partitions to read. Empty: `problem` says why.
std::vector<TopicPartition> PartitionsOf(fiber::Fiber& self, env::Env& env, const ConsumeArguments& arguments,
                                         std::string& problem) {
  const auto values =
      client::ParseAdminConfig({{"bootstrap.servers", arguments.client.bootstrap_server},
                                {"default.api.timeout.ms", std::to_string(arguments.client.reach_timeout_ms)}});
  client::Admin admin(env, values.config);
  auto topics = admin.DescribeTopics(self, {arguments.topic});
  const client::AdminStatus status = topics.ok() ? topics.value[arguments.topic].status : topics.status;
  if (!status.ok()) {
    problem = fmt::format("{}: {}", arguments.topic, Describe(status));
    return {};
  }
  const auto& found = topics.value[arguments.topic].value.partitions;
  std::vector<TopicPartition> partitions;
  for (const client::PartitionInfo& partition : found) {
    const bool is_wanted =
        arguments.partitions.empty() ||
        std::ranges::find(arguments.partitions, partition.partition.value()) != arguments.partitions.end();
    if (is_wanted) partitions.push_back({arguments.topic, partition.partition});
  }
  for (const int32_t wanted : arguments.partitions) {
    if (wanted < static_cast<int32_t>(found.size())) continue;
    problem = fmt::format("{} has {} partitions, none has number {}", arguments.topic, found.size(), wanted);
    return {};
  }
  return partitions;
}

// Prints what a consumer gives until there is a reason to stop.
class Reading {
 public:
  Reading(const ConsumeArguments& arguments, client::Consumer& consumer) : arguments_(arguments), consumer_(consumer) {}

  int Run(fiber::Fiber& self, const ClientWorld& world) {
    // How long an interruption may go unnoticed.
    constexpr Duration kPollMax = Duration::Millis(100);
    MonoTime last_record_at = self.Now();
    while (!world.is_stopped && count_ < arguments_.record_count_max) {
      const client::PollResult polled = consumer_.Poll(self, kPollMax);
      if (!Print(polled)) return Finish("standard output cannot be written");
      for (const client::PartitionProblem& problem : polled.problems) {
        const std::string what = Note(problem);
        if (!what.empty()) return Finish(what);
      }
      if (polled.record_count() > 0) last_record_at = self.Now();
      if (arguments_.timeout_ms && self.Now() >= last_record_at + Duration::SaturatingMillis(*arguments_.timeout_ms)) {
        break;
      }
    }
    return Finish("");
  }

 private:
  bool Print(const client::PollResult& polled) {
    std::string out;
    for (const client::PartitionRecords& partition : polled.partitions) {
      for (const client::ConsumerRecord& record : partition.records) {
        if (count_ == arguments_.record_count_max) break;
        AppendRecord(record, partition.partition.partition, arguments_.format, out);
        ++count_;
      }
    }
    if (!out.empty()) std::cout << out << std::flush;
    return std::cout.good();
  }
  // What may pass is said once; anything else is the answer.
  std::string Note(const client::PartitionProblem& problem) {
    const std::string_view name = protocol::ErrorName(problem.error);
    const std::string what = fmt::format("{}: {}", ToString(problem.partition),
                                         problem.what.empty() ? name : std::string_view(problem.what));
    const bool may_pass = protocol::IsRetriable(problem.error) && problem.error != protocol::ErrorCode::kNone &&
                          problem.error != protocol::ErrorCode::kCorruptMessage;
    if (!may_pass) return what;
    if (noted_.insert(what).second) Failed(kConsume, what + " (trying on)");
    return "";
  }
  int Finish(const std::string& problem) {
    if (!problem.empty()) Failed(kConsume, problem);
    std::cout.flush();
    std::cerr << fmt::format("Processed a total of {} messages", count_) << std::endl;
    return problem.empty() ? kExitOk : kExitFailed;
  }

  const ConsumeArguments& arguments_;
  client::Consumer& consumer_;
  int64_t count_ = 0;
  std::set<std::string> noted_;
};

int ReadTopic(fiber::Fiber& self, const ClientWorld& world, const ConsumeArguments& arguments,
              const client::ConsumerConfig& config) {
  std::string problem;
  const std::vector<TopicPartition> partitions = PartitionsOf(self, world.env, arguments, problem);
  if (!problem.empty()) return Failed(kConsume, problem);
  client::Consumer consumer(world.env, config);
  consumer.Assign(partitions);
  if (const std::optional<Offset> start = StartOffset(arguments)) {
    const absl::Status sought = consumer.Seek(partitions.front(), *start);
    if (!sought.ok()) return Failed(kConsume, base::SV(sought.message()));
  }
  return Reading(arguments, consumer).Run(self, world);
}

int RunConsume(ConsumeArguments arguments) {
  const std::string problem = ProblemOf(arguments);
  if (!problem.empty()) return WrongUsage(kConsume, problem);
  const auto given = ReadProperties({arguments.format_config, "--formatter-property", arguments.format_properties});
  if (!given.ok()) return WrongUsage(kConsume, base::SV(given.status().message()));
  for (const GivenProperty& property : *given) {
    const absl::Status applied = ApplyFormatProperty(property, arguments.format);
    if (!applied.ok()) return WrongUsage(kConsume, base::SV(applied.message()));
  }
  const absl::StatusOr<client::ConsumerConfig> config = ConfigOf(arguments);
  if (!config.ok()) return WrongUsage(kConsume, base::SV(config.status().message()));
  return RunOnNode(
      {kConsume, Signals::kStopTheBody}, arguments.client,
      [&](fiber::Fiber& self, const ClientWorld& world) { return ReadTopic(self, world, arguments, *config); });
}

void AddPlaceOptions(CLI::App& command, ConsumeArguments& arguments) {
  command.add_option("--topic", arguments.topic, "What to read")->required();
  command.add_option("--partition", arguments.partitions, "Only these; separated by commas")
      ->delimiter(',')
      ->check(WholeNumberFrom<int32_t>(0))
      ->allow_extra_args(false);
  command.add_option("--offset", arguments.offset, "Where to start: earliest, latest or a number")
      ->capture_default_str();
  command.add_flag("--from-beginning", arguments.from_beginning, "The same as --offset earliest");
  command.add_option("--max-messages", arguments.record_count_max, "Stop after so many")
      ->check(WholeNumberFrom<int64_t>(1));
  command.add_option("--timeout-ms", arguments.timeout_ms, "Stop when no record came for so long")
      ->check(WholeNumberFrom<int64_t>(0));
  command.add_option("--isolation-level", arguments.isolation_level, "Whether open transactions are read")
      ->check(CLI::IsMember({"read_uncommitted", "read_committed"}));
  command
      .add_option_function<std::string>(
          "--group",
          [](const std::string&) {
            throw CLI::ValidationError("--group", "reading as a group is not available; partitions are read without");
          })
      ->group("");
}

void AddFormatOptions(CLI::App& command, ConsumeArguments& arguments) {
  RecordFormat& format = arguments.format;
  command.add_flag("--print-timestamp", format.timestamp, "Before a value its timestamp");
  command.add_flag("--print-partition", format.partition, "… its partition");
  command.add_flag("--print-offset", format.offset, "… its offset");
  command.add_flag("--print-epoch", format.epoch, "… the leader epoch in which it was written");
  command.add_flag("--print-headers", format.headers, "… its headers");
  command.add_flag("--print-key", format.key, "… its key");
  command.add_option("--key-separator", format.key_separator, "Between these; without: a tab");
  command
      .add_option("--formatter-property,--property", arguments.format_properties,
                  "print.key=true and so on, key.separator, line.separator, headers.separator, null.literal")
      ->allow_extra_args(false);
  command.add_option("--formatter-config", arguments.format_config, "A properties file with these")
      ->check(CLI::ExistingFile);
}

}  // namespace

void AddConsumeCommand(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("consume", "Print the records of a topic");
  auto arguments = std::make_shared<ConsumeArguments>();
  AddClientOptions(*command, arguments->client,
                   {"--command-config,--consumer.config", "--command-property,--consumer-property"});
  AddPlaceOptions(*command, *arguments);
  AddFormatOptions(*command, *arguments);
  command->footer(kConsumeExamples);
  command->callback([arguments, &exit_code] { exit_code = RunConsume(*arguments); });
}

}  // namespace odradek::tool
