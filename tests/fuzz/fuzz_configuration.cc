// Arbitrary text as a server.properties, a client's properties, a scenario, a fault plan and the values of options: a
// value or an error that says something; no value that is accepted upsets what reads it next.
#include <filesystem>
#include <fstream>
#include <sstream>

#include "engine/base/check.h"
#include "engine/client/config.h"
#include "engine/config/broker_config.h"
#include "engine/config/properties.h"
#include "sim/explore/setup.h"
#include "sim/nemesis/plan.h"
#include "tests/fuzz/fuzz.h"
#include "tools/odradek/config_changes.h"
#include "tools/odradek/sim/values.h"

namespace odradek::fuzz {
namespace {

const sim::Topology& Nodes() {
  static const sim::Topology kNodes{{{"b1", "broker"}, {"p1", "client"}, {"c1", "client"}}};
  return kNodes;
}

bool ServerProperties(std::string_view text) {
  const auto parsed = config::ParseStaticConfig("server.properties", text);
  if (!parsed.ok()) {
    INVARIANT(parsed.status().message().find("server.properties:") == 0);
    return false;
  }
  const auto resolved = config::ResolveBrokerConfig({.static_broker = &parsed->properties});
  INVARIANT(resolved.ok() || !resolved.status().message().empty());
  return resolved.ok();
}

template <typename Config>
bool IsGood(const client::ConfigResult<Config>& result, const client::ConfigMap& values) {
  INVARIANT(result.setting.empty() || values.contains(result.setting));
  INVARIANT(result.setting.empty() || !result.ok());
  return result.ok();
}

bool ClientProperties(std::string_view text) {
  const auto lines = config::ParseProperties("client.properties", text);
  if (!lines.ok()) return false;
  client::ConfigMap values;
  for (const config::Property& line : *lines) values[line.key] = line.value;
  const bool is_producer = IsGood(client::ParseProducerConfig(values), values);
  const bool is_consumer = IsGood(client::ParseConsumerConfig(values), values);
  return IsGood(client::ParseAdminConfig(values), values) || is_producer || is_consumer;
}

bool Scenario(std::string_view text) {
  const auto parsed = explore::ParseScenario(text, "a.txtpb");
  if (!parsed.ok()) {
    INVARIANT(parsed.status().message().find("a.txtpb") == 0);
    return false;
  }
  const auto setup = explore::DrawSetup(*parsed, 1);
  INVARIANT(setup.ok() || !setup.status().message().empty());
  return setup.ok();
}

bool Plan(std::string_view text) {
  const auto once = sim::ParsePlan(text, "a.plan", Nodes());
  if (!once.ok()) {
    INVARIANT(once.status().message().find("a.plan") == 0);
    return false;
  }
  const std::string printed = sim::PrintPlan(*once);
  const auto twice = sim::ParsePlan(printed, "a.plan", Nodes());
  INVARIANT(twice.ok());
  INVARIANT(sim::PrintPlan(*twice) == printed);
  return true;
}

bool OptionValue(std::string_view text) {
  const std::string whole(text);
  const auto seeds = tool::ParseSeedRange(whole);
  INVARIANT(!seeds || seeds->first <= seeds->last);
  const auto time_ns = tool::ParseTimeNanos(whole);
  INVARIANT(!time_ns || *time_ns >= 0);
  const auto changes = tool::ParseAdditions(text);
  INVARIANT(changes.ok() || changes.status().message().find("--add-config: ") == 0);
  return seeds || time_ns || (changes.ok() && !changes->empty());
}

constexpr bool (*kKinds[])(std::string_view) = {ServerProperties, ClientProperties, Scenario, Plan, OptionValue};

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  INVARIANT(in.good() && !text.str().empty());
  return text.str();
}

std::string EveryBrokerProperty() {
  std::string text = "# everything that has a default\n";
  for (const config::ConfigDef* def : config::BrokerDefs()) {
    if (def->default_value) text += std::string(def->name) + "=" + std::string(*def->default_value) + "\n";
  }
  return text;
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds = {
      Seed(0, "listeners=PLAINTEXT://localhost:9092\nlog.dirs=/a,/b\nlog.retention.ms : -1\n"),
      Seed(0, "# a\nnum.partitions = 3\nlog.cleaner.io.max.bytes.per.second=1.5E6\\\n0\nlog.dir\\u0073=b\n"),
      Seed(0, EveryBrokerProperty()),
      Seed(1, "bootstrap.servers=a:1,[::1]:9092\nacks=1\nretries=3\nlinger.ms=5\ncompression.type=zstd\n"),
      Seed(1, "bootstrap.servers=a:1\nauto.offset.reset=by_duration:P1DT2H3.5S\nisolation.level=read_committed\n"),
      Seed(4, "1..100"),
      Seed(4, "1.5s"),
      Seed(4, "20ms"),
      Seed(4, "retention.ms=1000,cleanup.policy=[compact,delete],segment.bytes="),
  };
  const std::filesystem::path folder(ODRADEK_SCENARIO_FOLDER);
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".txtpb") continue;
    const std::string text = ReadFile(entry.path());
    seeds.push_back(Seed(2, text));
    const auto scenario = explore::ParseScenario(text, entry.path().string());
    INVARIANT(scenario.ok());
    sim::plan::Plan plan = explore::DrawSetup(*scenario, 1)->plan;
    // Some of each kind of fault are enough.
    constexpr int kEventsMax = 10;
    if (plan.event_size() > kEventsMax)
      plan.mutable_event()->DeleteSubrange(kEventsMax, plan.event_size() - kEventsMax);
    const std::string printed = sim::PrintPlan(plan);
    if (sim::ParsePlan(printed, "a.plan", Nodes()).ok()) seeds.push_back(Seed(3, printed));
  }
  return seeds;
}

bool Understands(Bytes input) {
  if (input.empty()) return false;
  return kKinds[TargetOf(input[0], std::size(kKinds))](AsString(input.subspan(1)));
}

}  // namespace odradek::fuzz
