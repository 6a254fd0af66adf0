// odradek consume: the records of a topic on standard output.
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <iostream>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "engine/base/absl_compat.h"
#include "engine/client/consumer.h"
#include "tools/odradek/client_session.h"
#include "tools/odradek/command.h"
#include "tools/odradek/java_class.h"
#include "tools/odradek/record_printer.h"
#include "tools/odradek/sim/arguments.h"
#include "tools/odradek/topic_watch.h"

namespace odradek::tool {
namespace {

constexpr std::string_view kConsume = "consume";

struct ConsumeArguments {
  ClientArguments client;
  TopicChoice choice;
  std::optional<std::string> offset;
  bool from_beginning = false;
  int64_t record_count_max = std::numeric_limits<int64_t>::max();
  std::optional<int64_t> timeout_ms;
  std::string isolation_level;
  RecordFormat format;
  std::string formatter;
  std::string format_config;
  std::vector<GivenProperty> format_properties;
  // Over the properties.
  std::string key_deserializer;
  std::string value_deserializer;
  bool skips_on_error = false;
  bool tells_events = false;
};

// Kafka's classes. The second prints nothing.
constexpr std::array<std::string_view, 2> kFormatters = {"DefaultMessageFormatter", "NoOpMessageFormatter"};
constexpr size_t kNoOpFormatter = 1;

constexpr const char* kConsumeExamples =
    R"(Reads until it is interrupted, or until --max-messages or --timeout-ms end it.

Examples:
  odradek consume --bootstrap-server localhost:9092 --topic orders --from-beginning
  odradek consume --bootstrap-server localhost:9092 --topic orders --partition 2 --offset 1500 --max-messages 10
  odradek consume --bootstrap-server localhost:9092 --topic orders --print-key --print-timestamp --timeout-ms 5000
  odradek consume --bootstrap-server localhost:9092 --include 'orders-.*' --value-deserializer LongDeserializer

Exit codes: 0 also if there was nothing to read; 1 the topic cannot be read, or not all of it when --timeout-ms ends it;
standard error says why; 2 wrong usage.)";

// Where to start: nullopt is a word, or nothing was said.
std::optional<Offset> StartOffset(const ConsumeArguments& arguments) {
  int64_t number = 0;
  const std::string text = arguments.offset.value_or("");
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return Offset(number);
}

// Empty: nothing.
std::string ProblemOf(const ConsumeArguments& arguments) {
  const TopicChoice& choice = arguments.choice;
  if (choice.topic.empty() == choice.include.empty()) {
    return choice.topic.empty() ? "one of --topic and --include is required"
                                : "--topic and --include exclude each other";
  }
  if (!choice.include.empty() && !choice.partitions.empty()) return "--partition needs --topic";
  const bool is_word = arguments.offset == "earliest" || arguments.offset == "latest";
  const bool is_number = StartOffset(arguments).has_value();
  if (!arguments.offset) return "";
  if (!is_word && !is_number) {
    return fmt::format("--offset: \"{}\" is none of earliest, latest and a number from 0", *arguments.offset);
  }
  if (is_number && choice.partitions.size() != 1) return "--offset: a number needs one --partition";
  if (arguments.from_beginning && arguments.offset != "earliest") {
    return "--from-beginning and --offset exclude each other";
  }
  return "";
}

absl::StatusOr<client::ConsumerConfig> ConfigOf(const ConsumeArguments& arguments) {
  absl::StatusOr<ClientSettings> settings = ClientConfig(arguments.client);
  if (!settings.ok()) return settings.status();
  if (!arguments.isolation_level.empty()) settings->Set("isolation.level", arguments.isolation_level);
  constexpr std::string_view kReset = "auto.offset.reset";
  const auto given = settings->values().find(kReset);
  const bool is_earliest = arguments.from_beginning || arguments.offset == "earliest";
  if (given == settings->values().end()) {
    // An offset that the log does not have is an error and not a start somewhere else.
    settings->Set(std::string(kReset), StartOffset(arguments) ? "none" : is_earliest ? "earliest" : "latest");
  } else if (arguments.from_beginning && given->second != "earliest") {
    return base::InvalidArgument(fmt::format("{}: {}={} and --from-beginning exclude each other",
                                             settings->place(kReset), kReset, given->second));
  }
  settings->Set("allow.auto.create.topics", "false");
  auto config = client::ParseConsumerConfig(settings->values());
  if (!config.ok()) return base::InvalidArgument(settings->Explain(config));
  return config.config;
}

// Prints what a consumer gives until there is a reason to stop.
class Reading {
 public:
  Reading(const ConsumeArguments& arguments, client::Consumer& consumer, TopicWatch& watch)
      : arguments_(arguments),
        is_silent_(FindJavaClass(arguments.formatter, kFormatters) == kNoOpFormatter),
        consumer_(consumer),
        watch_(watch) {}

  int Run(fiber::Fiber& self, const ClientWorld& world) {
    // How long an interruption may go unnoticed.
    constexpr Duration kPollMax = Duration::Millis(100);
    MonoTime last_record_at = self.Now();
    while (!world.is_stopped && count_ < arguments_.record_count_max) {
      const client::PollResult polled = consumer_.Poll(self, kPollMax);
      const std::string bad_record = Print(polled);
      // main() says that.
      if (!std::cout.good()) return Finish("");
      if (!bad_record.empty()) return Finish(bad_record);
      for (const client::PartitionProblem& problem : polled.problems) {
        const std::string what = Note(problem);
        if (!what.empty()) return Finish(what);
      }
      const std::map<TopicPartition, client::Trouble> troubles = consumer_.troubles();
      NoteTroubles(troubles);
      if (polled.record_count() > 0) last_record_at = self.Now();
      if (arguments_.timeout_ms && self.Now() >= last_record_at + Duration::SaturatingMillis(*arguments_.timeout_ms)) {
        return Finish(troubles.empty() ? "" : WhyNothingCame(troubles));
      }
      if (watch_.is_due(self.Now())) LookAgain(self);
    }
    return Finish("");
  }

 private:
  // Why a record cannot be shown, if that ends it all.
  std::string Print(const client::PollResult& polled) {
    std::string out;
    std::string problem;
    for (const client::PartitionRecords& partition : polled.partitions) {
      for (const client::ConsumerRecord& record : partition.records) {
        if (count_ == arguments_.record_count_max || !problem.empty()) break;
        ++count_;
        if (!is_silent_) problem = Append(record, partition.partition, out);
      }
    }
    if (!out.empty()) std::cout << out << std::flush;
    return problem;
  }
  std::string Append(const client::ConsumerRecord& record, const TopicPartition& partition, std::string& out) {
    const std::string wrong = AppendRecord(record, partition.partition, arguments_.format, out);
    if (wrong.empty()) return "";
    const std::string what = fmt::format("{} at offset {}: {}", ToString(partition), record.offset.value(), wrong);
    if (!arguments_.skips_on_error) return what;
    Failed(kConsume, what + " (skipped)");
    return "";
  }
  void LookAgain(fiber::Fiber& self) {
    const absl::Status looked = watch_.Look(self, consumer_);
    // What is assigned is read on.
    if (!looked.ok()) Failed(kConsume, fmt::format("{} (trying on)", base::SV(looked.message())));
  }
  using Names = std::vector<std::string>;
  static std::string Join(const Names& names) {
    constexpr size_t kShownMax = 3;
    if (names.size() <= kShownMax) return fmt::format("{}", fmt::join(names, ", "));
    return fmt::format("{} and {} more partitions", names.front(), names.size() - 1);
  }
  // Each reason is said once for all the partitions that it holds for, until they can be read again.
  void NoteTroubles(const std::map<TopicPartition, client::Trouble>& troubles) {
    std::map<std::string, Names> changes;
    for (const auto& [partition, trouble] : troubles) {
      if (said_[partition].insert(trouble.what).second)
        changes[trouble.what + " (trying on)"].push_back(ToString(partition));
    }
    std::erase_if(said_, [&](const auto& said) {
      const bool is_over = !troubles.contains(said.first);
      if (is_over) changes["can be read again"].push_back(ToString(said.first));
      return is_over;
    });
    for (const auto& [what, names] : changes) Failed(kConsume, Join(names) + ": " + what);
  }
  std::string WhyNothingCame(const std::map<TopicPartition, client::Trouble>& troubles) const {
    Names names;
    for (const auto& [partition, trouble] : troubles) names.push_back(ToString(partition));
    return fmt::format("no record for {} ms, and {} cannot be read: {}", *arguments_.timeout_ms, Join(names),
                       troubles.begin()->second.what);
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
    if (arguments_.tells_events) std::cout << "shutdown_complete" << std::endl;
    return problem.empty() ? kExitOk : kExitFailed;
  }

  const ConsumeArguments& arguments_;
  const bool is_silent_;
  client::Consumer& consumer_;
  TopicWatch& watch_;
  int64_t count_ = 0;
  std::set<std::string> noted_;
  std::map<TopicPartition, std::set<std::string>> said_;  // of the partitions that cannot be read now
};

int ReadTopic(fiber::Fiber& self, const ClientWorld& world, const ConsumeArguments& arguments,
              const client::ConsumerConfig& config) {
  client::Consumer consumer(world.env, config);
  TopicWatch watch(world.env, arguments.client, arguments.choice, config.common.metadata_max_age);
  const absl::Status looked = watch.Look(self, consumer);
  if (!looked.ok()) return Failed(kConsume, base::SV(looked.message()));
  absl::Status sought;
  if (const std::optional<Offset> start = StartOffset(arguments)) {
    sought = consumer.Seek(consumer.assignment().front(), *start);
  } else if (arguments.from_beginning || arguments.offset == "earliest") {
    sought = consumer.SeekToBeginning(consumer.assignment());
  } else if (arguments.offset == "latest") {
    sought = consumer.SeekToEnd(consumer.assignment());
  }
  if (!sought.ok()) return Failed(kConsume, base::SV(sought.message()));
  return Reading(arguments, consumer, watch).Run(self, world);
}

void SetType(const std::string& deserializer, FieldType& type) {
  if (const auto found = FindJavaClass(deserializer, FieldTypeNames())) type = static_cast<FieldType>(*found);
}

int RunConsume(ConsumeArguments arguments) {
  const std::string problem = ProblemOf(arguments);
  if (!problem.empty()) return WrongUsage(kConsume, problem);
  const auto given = ReadProperties(arguments.format_config, arguments.format_properties);
  if (!given.ok()) return WrongUsage(kConsume, base::SV(given.status().message()));
  for (const GivenProperty& property : *given) {
    const absl::Status applied = ApplyFormatProperty(property, arguments.format);
    if (!applied.ok()) return WrongUsage(kConsume, base::SV(applied.message()));
  }
  SetType(arguments.key_deserializer, arguments.format.key_type);
  SetType(arguments.value_deserializer, arguments.format.value_type);
  const absl::StatusOr<client::ConsumerConfig> config = ConfigOf(arguments);
  if (!config.ok()) return WrongUsage(kConsume, base::SV(config.status().message()));
  return RunOnNode(
      {kConsume, Signals::kStopTheBody}, arguments.client,
      [&](fiber::Fiber& self, const ClientWorld& world) { return ReadTopic(self, world, arguments, *config); });
}

void AddPlaceOptions(CLI::App& command, ConsumeArguments& arguments) {
  command.add_option("--topic", arguments.choice.topic, "What to read");
  command.add_option("--include", arguments.choice.include, "… or all topics that a regular expression matches wholly")
      ->check(CLI::Validator([](const std::string& text) { return RegexProblem(text); }, ""));
  command.add_option("--partition", arguments.choice.partitions, "Only these; separated by commas")
      ->delimiter(',')
      ->check(WholeNumberFrom<int32_t>(0))
      ->allow_extra_args(false);
  command.add_option("--offset", arguments.offset,
                     "Where to start: earliest, latest or a number; without: as auto.offset.reset says, or latest");
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
  AddPropertyOption(command, "--formatter-property,--property",
                    "print.key=true and so on, key.separator, line.separator, headers.separator, null.literal, "
                    "key.deserializer, value.deserializer, headers.deserializer",
                    arguments.format_properties);
  command.add_option("--formatter-config", arguments.format_config, "A properties file with these")
      ->check(CLI::ExistingFile);
  command
      .add_option("--formatter", arguments.formatter, "DefaultMessageFormatter, or NoOpMessageFormatter: only count")
      ->check(JavaClassOf(kFormatters));
  command.add_option("--key-deserializer", arguments.key_deserializer, "What a key is: LongDeserializer and so on")
      ->check(JavaClassOf(FieldTypeNames()));
  command.add_option("--value-deserializer", arguments.value_deserializer, "What a value is")
      ->check(JavaClassOf(FieldTypeNames()));
  command.add_flag("--skip-message-on-error", arguments.skips_on_error, "A record that is not that is left out");
  command.add_flag("--enable-systest-events", arguments.tells_events, "Print shutdown_complete at the end")->group("");
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
