// odradek produce: a record for every line of standard input.
#include <fmt/format.h>

#include <array>
#include <iostream>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "engine/base/absl_compat.h"
#include "engine/client/producer.h"
#include "tools/odradek/client_session.h"
#include "tools/odradek/command.h"
#include "tools/odradek/java_class.h"
#include "tools/odradek/line_format.h"
#include "tools/odradek/line_input.h"
#include "tools/odradek/sim/arguments.h"

namespace odradek::tool {
namespace {

constexpr std::string_view kProduce = "produce";

struct ProduceArguments {
  ClientArguments client;
  std::string topic;
  std::optional<int32_t> partition;
  // What options of their own say of the configuration.
  client::ConfigMap settings;
  bool is_synchronous = false;
  LineFormat format;
  std::vector<std::string> headers;
  std::string reader_config;
  std::vector<GivenProperty> reader_properties;
  std::string line_reader;
};

// Kafka's classes.
constexpr std::array<std::string_view, 1> kLineReaders = {"LineMessageReader"};

// Options that are another spelling of a setting.
struct SettingOption {
  const char* names;
  const char* setting;
  const char* what;
};
constexpr SettingOption kSettingOptions[] = {
    {"--batch-size,--max-partition-memory-bytes", "batch.size", "Bytes of a batch at most"},
    {"--max-block-ms", "max.block.ms", "How long a record may wait to be taken"},
    {"--max-memory-bytes", "buffer.memory", "Bytes of records that wait to be sent at most"},
    {"--metadata-expiry-ms", "metadata.max.age.ms", "How long what is known of the cluster is believed"},
    {"--message-send-max-retries", "retries", "How often a batch is sent again"},
    {"--request-timeout-ms", "request.timeout.ms", "How long an answer may take"},
    {"--retry-backoff-ms", "retry.backoff.ms", "How long to wait before sending again"},
    {"--timeout", "linger.ms", "How many ms a batch that is not full waits for more"},
};

constexpr const char* kProduceExamples = R"(Examples:
  echo hello | odradek produce --bootstrap-server localhost:9092 --topic greetings
  odradek produce --bootstrap-server localhost:9092 --topic orders --parse-key --key-separator : < orders.txt
  odradek produce --bootstrap-server localhost:9092 --topic orders --compression zstd --acks 1 < orders.txt
  odradek produce --bootstrap-server localhost:9092 --topic orders --producer-property linger.ms=50 < orders.txt

Exit codes: 0 every record was acknowledged; 1 some were not, standard error says which lines; 2 wrong usage.)";

// The producer's configuration; options of the command line go over properties.
absl::StatusOr<client::ProducerConfig> ConfigOf(const ProduceArguments& arguments) {
  absl::StatusOr<ClientSettings> settings = ClientConfig(arguments.client);
  if (!settings.ok()) return settings.status();
  for (const auto& [name, value] : arguments.settings) settings->Set(name, value);
  // A topic that does not exist is an error as soon as a broker that does not answer.
  if (!settings->has("max.block.ms")) settings->Set("max.block.ms", std::to_string(arguments.client.reach_timeout_ms));
  auto config = client::ParseProducerConfig(settings->values());
  if (!config.ok()) return base::InvalidArgument(settings->Explain(config));
  return config.config;
}

// What became of the records so far.
class Tally {
 public:
  void Add(int64_t line_number, const client::SendResult& result, client::Acks acks) {
    if (result.ok()) {
      ++ok_count_;
    } else if (acks == client::Acks::kNone && result.error == protocol::ErrorCode::kNone) {
      ++unknown_count_;
    } else {
      ++bad_count_;
      const std::string_view outcome = result.outcome == client::Outcome::kFail ? "failed" : "may be lost";
      const std::string_view what = result.what.empty() ? protocol::ErrorName(result.error) : result.what;
      Complain(fmt::format("line {} {}: {}", line_number, outcome, what));
    }
  }
  void Complain(std::string_view what) {
    constexpr int64_t kShownMax = 10;
    if (++complaint_count_ <= kShownMax) Failed(kProduce, what);
    if (complaint_count_ == kShownMax + 1) Failed(kProduce, "… and more");
  }
  int Finish() const {
    std::cerr << fmt::format("{} acknowledged", ok_count_);
    if (unknown_count_ > 0) std::cerr << fmt::format(", {} sent without asking for an answer", unknown_count_);
    if (bad_count_ > 0) std::cerr << fmt::format(", {} not acknowledged", bad_count_);
    std::cerr << std::endl;
    return complaint_count_ == 0 ? kExitOk : kExitFailed;
  }

 private:
  int64_t ok_count_ = 0;
  int64_t unknown_count_ = 0;  // acks=0
  int64_t bad_count_ = 0;
  int64_t complaint_count_ = 0;
};

// Says once what keeps records waiting. Outlives the sending by a moment.
struct Watch {
  const client::Producer* producer;  // nullptr: the sending is over
  int64_t ok_count = 0;
  std::set<std::string> said;  // since a record was acknowledged

  void Look() {
    if (std::exchange(ok_count, producer->metrics().ok_record_count) != ok_count) said.clear();
    const std::optional<client::Trouble> trouble = producer->trouble();
    if (trouble && said.insert(trouble->what).second) Failed(kProduce, trouble->what + " (trying on)");
  }
};

std::shared_ptr<Watch> StartWatch(env::Env& env, const client::Producer& producer) {
  auto watch = std::make_shared<Watch>(Watch{.producer = &producer});
  env.scheduler.Spawn("watch", [watch](fiber::Fiber& self) {
    while (watch->producer != nullptr) {
      watch->Look();
      fiber::SleepFor(self, Duration::Millis(100));
    }
  });
  return watch;
}

int SendLines(fiber::Fiber& self, env::Env& env, const ProduceArguments& arguments,
              const client::ProducerConfig& config, const std::vector<record::RecordHeader>& headers) {
  client::Producer producer(env, config);
  const std::shared_ptr<Watch> watch = StartWatch(env, producer);
  LineInput input(env);
  auto tally = std::make_shared<Tally>();
  std::string_view line;
  while (input.Next(self, line)) {
    absl::StatusOr<LineRecord> parsed = ParseLine(line, arguments.format);
    if (!parsed.ok()) {
      tally->Complain(fmt::format("line {}: {}; nothing behind this line was sent", input.line_number(),
                                  base::SV(parsed.status().message())));
      break;
    }
    parsed->headers.insert(parsed->headers.begin(), headers.begin(), headers.end());
    client::ProducerRecord record;
    record.topic = arguments.topic;
    if (arguments.partition) record.partition = PartitionIndex(*arguments.partition);
    record.key = parsed->key;
    record.value = parsed->value;
    record.headers = parsed->headers;
    producer.Send(self, record, [tally, acks = config.acks, number = input.line_number()](const auto& result) {
      tally->Add(number, result, acks);
    });
    if (arguments.is_synchronous) producer.Flush(self);
  }
  if (!input.error().empty()) tally->Complain("standard input cannot be read: " + input.error());
  producer.Flush(self);
  watch->producer = nullptr;
  return tally->Finish();
}

int RunProduce(ProduceArguments arguments) {
  const auto given = ReadProperties(arguments.reader_config, arguments.reader_properties);
  if (!given.ok()) return WrongUsage(kProduce, base::SV(given.status().message()));
  for (const GivenProperty& property : *given) {
    const absl::Status applied = ApplyReaderProperty(property, arguments.format);
    if (!applied.ok()) return WrongUsage(kProduce, base::SV(applied.message()));
  }
  const std::string problem = ProblemOf(arguments.format);
  if (!problem.empty()) return WrongUsage(kProduce, problem);
  const absl::StatusOr<client::ProducerConfig> config = ConfigOf(arguments);
  if (!config.ok()) return WrongUsage(kProduce, base::SV(config.status().message()));
  std::vector<std::pair<std::string, std::string>> texts;
  for (const std::string& text : arguments.headers) {
    auto header = SplitProperty("--header", text);
    if (!header.ok()) return WrongUsage(kProduce, base::SV(header.status().message()));
    texts.push_back(*std::move(header));
  }
  std::vector<record::RecordHeader> headers;
  for (const auto& [name, value] : texts) headers.push_back({name, AsBytes(value)});
  return RunOnNode({kProduce}, arguments.client, [&](fiber::Fiber& self, const ClientWorld& world) {
    return SendLines(self, world.env, arguments, *config, headers);
  });
}

// What stands in a line.
void AddLineOptions(CLI::App& command, ProduceArguments& arguments) {
  LineFormat& format = arguments.format;
  command.add_flag("--parse-headers", format.parse_headers, "A line begins with NAME:VALUE,NAME:VALUE and a tab");
  command.add_flag("--parse-key", format.parse_key, "… and then with the key and its separator");
  command.add_option("--key-separator", format.key_separator, "Behind the key; without: a tab")->check(NotEmpty());
  command.add_option("--null-marker", format.null_marker, "A key, a value or a header's value of this text is null");
  command.add_option("--header", arguments.headers, "NAME=VALUE of every record; may be repeated")
      ->allow_extra_args(false);
  AddPropertyOption(
      command, "--reader-property,--property",
      "parse.key=true, parse.headers=true, ignore.error=true, key.separator=TEXT, headers.delimiter=TEXT, "
      "headers.separator=TEXT, headers.key.separator=TEXT or null.marker=TEXT; may be repeated",
      arguments.reader_properties);
  command.add_option("--reader-config", arguments.reader_config, "A properties file with these")
      ->check(CLI::ExistingFile);
  command.add_option("--line-reader", arguments.line_reader, "LineMessageReader of Kafka, which reads lines like this")
      ->check(JavaClassOf(kLineReaders));
}

CLI::Option& AddSetting(CLI::App& command, ProduceArguments& arguments, const SettingOption& option) {
  const auto set = [&arguments, name = option.setting](const std::string& value) { arguments.settings[name] = value; };
  return *command.add_option_function<std::string>(option.names, set, option.what);
}

void AddSettingOptions(CLI::App& command, ProduceArguments& arguments) {
  // The default text is what stands for a missing value, not for a missing option.
  AddSetting(command, arguments,
             {"--compression,--compression-codec", "compression.type", "Of the batches; without: none"})
      .check(CLI::IsMember({"none", "gzip", "snappy", "lz4", "zstd"}))
      ->expected(0, 1)
      ->default_str("gzip")
      ->option_text("[none|gzip|snappy|lz4|zstd], without a value gzip");
  AddSetting(command, arguments, {"--acks,--request-required-acks", "acks", "Who must have a record; without: all"})
      .check(CLI::IsMember({"all", "-1", "0", "1"}));
  for (const SettingOption& option : kSettingOptions) AddSetting(command, arguments, option);
}

}  // namespace

void AddProduceCommand(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("produce", "Write the lines of standard input to a topic");
  auto arguments = std::make_shared<ProduceArguments>();
  AddClientOptions(*command, arguments->client,
                   {"--command-config,--producer.config", "--command-property,--producer-property"});
  command->add_option("--topic", arguments->topic, "Where to")->required();
  command->add_option("--partition", arguments->partition, "Into this one; without: by the key's hash")
      ->check(WholeNumberFrom<int32_t>(0));
  AddLineOptions(*command, *arguments);
  AddSettingOptions(*command, *arguments);
  command->add_flag("--sync", arguments->is_synchronous, "A line is read when the one before it is acknowledged");
  command->footer(kProduceExamples);
  command->callback([arguments, &exit_code] { exit_code = RunProduce(*arguments); });
}

}  // namespace odradek::tool
