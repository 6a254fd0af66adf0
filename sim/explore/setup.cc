#include "sim/explore/setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "engine/broker/log_config.h"
#include "engine/config/broker_config.h"
#include "engine/config/properties.h"
#include "engine/config/topic_config.h"
#include "engine/storage/promises.h"
#include "sim/kernel/draw.h"

namespace odradek::explore {
namespace {

constexpr int32_t kBrokerPort = 9092;
constexpr int64_t kWallOffsetMicrosMax = 50'000;
constexpr int32_t kDriftPpmMax = 200;
constexpr int32_t kKeyCountUsual = 16;

// Draws of the setup: one stream per entity and purpose, so that a setting more changes no other.
class SetupDraws {
 public:
  SetupDraws(uint64_t seed, std::string_view entity) : seed_(seed), entity_(sim::EntityOf(entity)) {}

  sim::DrawStream Stream(std::string_view purpose) const { return {seed_, entity_, sim::PurposeOf(purpose)}; }
  int64_t Between(std::string_view purpose, int64_t low, int64_t high) const {
    return Stream(purpose).Between(low, high);
  }
  bool PartsPerMillion(std::string_view purpose, uint32_t parts) const {
    return Stream(purpose).PartsPerMillion(parts);
  }
  // One of the values, `otherwise` if there is none.
  template <typename Values, typename T>
  T Choose(std::string_view purpose, const Values& values, const T& otherwise) const {
    if (values.empty()) return otherwise;
    return T(values[static_cast<int>(Stream(purpose).Below(static_cast<uint64_t>(values.size())))]);
  }

 private:
  uint64_t seed_;
  sim::Entity entity_;
};

std::string DrawSetting(const SetupDraws& draws, const Setting& setting) {
  return draws.Choose(setting.name(), setting.value(), std::string());
}

sim::NodeClock::Options DrawClock(const SetupDraws& draws) {
  return {.wall_offset = Duration::Micros(draws.Between("wall", -kWallOffsetMicrosMax, kWallOffsetMicrosMax)),
          .drift = {static_cast<int32_t>(draws.Between("drift", -kDriftPpmMax, kDriftPpmMax))}};
}

workload::Between<Duration> MillisOf(const Range& range) {
  return {Duration::Millis(range.low()), Duration::Millis(range.high())};
}
workload::Between<int64_t> CountsOf(const Range& range) {
  return {range.low(), range.high()};
}

void DrawLimits(const Limits& limits, const SetupDraws& draws, broker::NodeOptions& options) {
  const auto draw = [&](std::string_view name, const auto& values, auto& limit) {
    const auto drawn = draws.Choose(name, values, std::decay_t<decltype(limit)>{0});
    if (drawn > 0) limit = drawn;
  };
  draw("producer ids", limits.producer_id_block_size(), options.producer_id_block_size);
  draw("segment offsets", limits.segment_offsets_max(), options.segment_offsets_max);
  draw("open files", limits.open_files_max(), options.open_files_max);
  draw("pipelined requests", limits.pipelined_requests_max(), options.pipelined_requests_max);
}

absl::StatusOr<broker::NodeOptions> DrawBroker(const Scenario& scenario, const SetupDraws& draws, int32_t shard_count) {
  config::StaticConfig properties;
  std::string log_dirs;
  const auto drawn_dirs = draws.Choose("log directories", scenario.topology().log_directories(), int32_t{0});
  for (int32_t i = 0; i < std::max(shard_count, drawn_dirs); ++i)
    log_dirs += fmt::format("{}data-{}", i == 0 ? "" : ",", i);
  std::vector<std::pair<std::string, std::string>> given = {
      {"node.id", "1"},
      {"listeners", fmt::format("PLAINTEXT://:{}", kBrokerPort)},
      {"advertised.listeners", fmt::format("PLAINTEXT://{}:{}", kBrokerName, kBrokerPort)},
      {"log.dirs", log_dirs},
  };
  for (const Setting& setting : scenario.topology().broker_config()) {
    given.emplace_back(setting.name(), DrawSetting(draws, setting));
  }
  for (const auto& [name, value] : given) {
    const absl::Status status = config::AddStaticProperty("scenario", name, value, properties);
    if (!status.ok()) return status;
  }
  broker::NodeOptions options;
  options.static_properties = properties.properties;
  absl::StatusOr<config::BrokerConfig> resolved =
      config::ResolveBrokerConfig({.static_broker = &options.static_properties});
  if (!resolved.ok()) return resolved.status();
  options.config = std::move(*resolved);
  options.log_directories = options.config.log_dirs;
  DrawLimits(scenario.topology().limits(), draws, options);
  return options;
}

absl::Status DrawTopics(const Scenario& scenario, uint64_t seed, RunSetup& setup) {
  for (const Topic& topic : scenario.topic()) {
    const SetupDraws draws(seed, "topic " + topic.name());
    client::NewTopic wanted;
    wanted.name = topic.name();
    wanted.partition_count = draws.Choose("partitions", topic.partitions(), 1);
    config::PropertyMap overrides;
    for (const Setting& setting : topic.config()) overrides[setting.name()] = DrawSetting(draws, setting);
    const absl::Status valid = config::ValidateTopicOverrides(overrides);
    if (!valid.ok()) return valid;
    wanted.configs.insert(overrides.begin(), overrides.end());
    const config::Layers layers{.topic = &overrides, .static_broker = &setup.broker.static_properties};
    const config::TopicConfig resolved = config::ResolveTopicConfig(layers);
    const storage::FlushPolicy policy = storage::PolicyOf(broker::PartitionConfigOf(setup.broker, layers).log);
    const storage::Promise& promise = storage::PromiseFor(policy, storage::StorageFault::kPowerLoss);
    if (policy == storage::FlushPolicy::kEveryAppend) setup.synced_topics.push_back(wanted.name);
    if (promise.survives != storage::Survives::kAllAcknowledged) setup.acked_survives_power_loss = false;
    setup.retention_rules.push_back(
        {.topic = wanted.name,
         .retention_ms = resolved.retention_time ? resolved.retention_time->millis() : storage::kNoLimit,
         .retention_bytes = resolved.retention_bytes.value_or(storage::kNoLimit)});
    if (resolved.cleanup_compact) {
      setup.compaction_rules.push_back(
          {.topic = wanted.name, .delete_retention_ms = resolved.delete_retention.millis()});
    }
    std::vector<workload::TargetTopic>& targets = topic.of_programs() ? setup.own_topics : setup.targets;
    targets.push_back({.name = wanted.name,
                       .partition_count = wanted.partition_count,
                       .keeps_timestamps = resolved.timestamp_type == config::TimestampType::kCreateTime});
    setup.topics.push_back(std::move(wanted));
  }
  return absl::OkStatus();
}

client::CommonConfig CommonOf(std::string_view name) {
  client::CommonConfig common;
  common.bootstrap_servers = {{std::string(kBrokerName), kBrokerPort}};
  common.client_id = name;
  return common;
}

record::Codec CodecOf(const std::string& name) {
  if (name == "gzip") return record::Codec::kGzip;
  if (name == "snappy") return record::Codec::kSnappy;
  if (name == "lz4") return record::Codec::kLz4;
  return name == "zstd" ? record::Codec::kZstd : record::Codec::kNone;
}

client::ProducerConfig DrawProducerConfig(const Producers& producers, const SetupDraws& draws, std::string_view name) {
  client::ProducerConfig config;
  config.common = CommonOf(name);
  const bool idempotent = draws.PartsPerMillion("idempotent", producers.idempotent_ppm());
  config.idempotence = idempotent ? client::Idempotence::kOn : client::Idempotence::kOff;
  const auto acks = draws.Choose("acks", producers.acks(), int32_t{-1});
  config.acks = idempotent ? client::Acks::kAll : static_cast<client::Acks>(acks);
  config.max_in_flight = draws.Choose("in flight", producers.max_in_flight(), config.max_in_flight);
  config.batch_bytes = draws.Choose("batch bytes", producers.batch_bytes(), config.batch_bytes);
  config.linger = Duration::Millis(draws.Choose("linger", producers.linger_ms(), config.linger.millis()));
  config.first_sequence = draws.Choose("first sequence", producers.first_sequence(), int32_t{0});
  config.compression = CodecOf(draws.Choose("compression", producers.compression(), std::string("none")));
  Duration& request = config.common.request_timeout;
  request = Duration::Millis(draws.Choose("request timeout", producers.request_timeout_ms(), request.millis()));
  const Duration delivery = Duration::Millis(
      draws.Choose("delivery timeout", producers.delivery_timeout_ms(), config.delivery_timeout.millis()));
  config.delivery_timeout = std::max(delivery, config.linger + request);
  INVARIANT(client::CheckConfig(config).empty());
  return config;
}

client::ConsumerConfig DrawConsumerConfig(const Consumers& consumers, const SetupDraws& draws, std::string_view name) {
  client::ConsumerConfig config;
  config.common = CommonOf(name);
  config.common.request_timeout = Duration::Seconds(3);
  config.auto_offset_reset = client::OffsetReset::kNone;
  config.allow_auto_create_topics = client::AutoCreateTopics::kOff;
  config.fetch_max_bytes = draws.Choose("fetch bytes", consumers.fetch_bytes(), config.fetch_max_bytes);
  config.partition_fetch_bytes_max =
      draws.Choose("partition bytes", consumers.partition_fetch_bytes(), config.partition_fetch_bytes_max);
  config.poll_records_max = draws.Choose("poll records", consumers.poll_records(), config.poll_records_max);
  const bool committed_only = draws.PartsPerMillion("isolation", consumers.read_committed_ppm());
  if (committed_only) config.isolation_level = client::IsolationLevel::kReadCommitted;
  config.fetch_max_wait =
      Duration::Millis(draws.Choose("fetch wait", consumers.fetch_wait_ms(), config.fetch_max_wait.millis()));
  INVARIANT(client::CheckConfig(config).empty());
  return config;
}

client::AdminConfig AdminConfigOf(std::string_view name) {
  client::AdminConfig config{.common = CommonOf(name)};
  config.common.request_timeout = Duration::Seconds(3);
  config.common.default_api_timeout = Duration::Seconds(10);
  return config;
}

std::vector<OwnNodeSetup> DrawOwnNodes(const google::protobuf::RepeatedPtrField<OwnNodes>& all, uint64_t seed) {
  std::vector<OwnNodeSetup> drawn;
  for (const OwnNodes& nodes : all) {
    for (int32_t i = 0; i < nodes.count(); ++i) {
      OwnNodeSetup node{.kind = nodes.name(), .name = OwnNodeName(nodes.name(), i)};
      const SetupDraws draws(seed, node.name);
      node.clock = DrawClock(draws);
      for (const Setting& setting : nodes.setting()) node.settings[setting.name()] = DrawSetting(draws, setting);
      drawn.push_back(std::move(node));
    }
  }
  return drawn;
}

void DrawClients(const Scenario& scenario, uint64_t seed, RunSetup& setup) {
  history::ClientId client = 0;
  for (int32_t i = 0; i < scenario.producers().count(); ++i) {
    const Producers& wanted = scenario.producers();
    const SetupDraws draws(seed, ProducerName(i));
    setup.producers.push_back({.client = ++client,
                               .config = DrawProducerConfig(wanted, draws, ProducerName(i)),
                               .topics = setup.targets,
                               .record_count = wanted.records(),
                               .value_bytes = CountsOf(wanted.value_bytes()),
                               .keyed_ppm = wanted.keyed_ppm(),
                               .key_count = wanted.keys() > 0 ? wanted.keys() : kKeyCountUsual,
                               .tombstone_ppm = wanted.tombstone_ppm(),
                               .burst_records = CountsOf(wanted.burst_records()),
                               .pause = MillisOf(wanted.pause_ms())});
  }
  for (int32_t i = 0; i < scenario.consumers().count(); ++i) {
    const Consumers& wanted = scenario.consumers();
    const SetupDraws draws(seed, ConsumerName(i));
    setup.consumers.push_back({.client = ++client,
                               .config = DrawConsumerConfig(wanted, draws, ConsumerName(i)),
                               .topics = setup.targets,
                               .seek_ppm = wanted.seek_ppm(),
                               .pause_resume_ppm = wanted.pause_resume_ppm(),
                               .pause = MillisOf(wanted.pause_ms())});
  }
  for (int32_t i = 0; i < scenario.admins().count(); ++i) {
    const Admins& wanted = scenario.admins();
    setup.admins.push_back({.client = ++client,
                            .config = AdminConfigOf(AdminName(i)),
                            .topics = setup.targets,
                            .pause = MillisOf(wanted.pause_ms()),
                            .list_offsets_weight = wanted.list_offsets_weight(),
                            .delete_records_weight = wanted.delete_records_weight(),
                            .topics_weight = wanted.topics_weight(),
                            .recreate_weight = wanted.recreate_weight(),
                            .made_topics = setup.topics});
  }
  for (int32_t i = 0; i < scenario.strangers().count(); ++i) {
    setup.strangers.push_back({.client = ++client,
                               .client_id = StrangerName(i),
                               .broker = {std::string(kBrokerName), kBrokerPort},
                               .topics = setup.targets,
                               .pause = MillisOf(scenario.strangers().pause_ms())});
  }
  setup.programs = DrawOwnNodes(scenario.program(), seed);
  setup.workloads = DrawOwnNodes(scenario.workload(), seed);
  setup.final_reader = DrawConsumerConfig({}, SetupDraws(seed, "final reader"), "final reader");
}

void DrawOrder(const Order& order, const SetupDraws& draws, RunSetup& setup) {
  if (order.strategy_size() > 0) {
    setup.strategy = *StrategyOf(draws.Choose("strategy", order.strategy(), std::string()));
  } else {
    constexpr sim::Strategy kStrategies[] = {sim::Strategy::kFifo, sim::Strategy::kPct, sim::Strategy::kRandom,
                                             sim::Strategy::kRandom};
    setup.strategy = kStrategies[draws.Stream("any strategy").Below(std::size(kStrategies))];
  }
  // Short periods show what a few steps can, windows below every timeout of a client reorder more than latencies do.
  constexpr int32_t kDepths[] = {2, 2, 3, 4};
  constexpr int32_t kSteps[] = {100, 1000, 10'000};
  constexpr int64_t kWindowsMicros[] = {200, 2000, 20'000};
  setup.pct.depth = static_cast<uint32_t>(
      draws.Choose("pct depth", order.depth(), kDepths[draws.Stream("pct any depth").Below(std::size(kDepths))]));
  setup.pct.steps = static_cast<uint32_t>(
      draws.Choose("pct steps", order.steps(), kSteps[draws.Stream("pct any steps").Below(std::size(kSteps))]));
  const int64_t any_window = kWindowsMicros[draws.Stream("pct any window").Below(std::size(kWindowsMicros))];
  setup.pct.window = Duration::Micros(draws.Choose("pct window", order.window_us(), any_window));
}

std::string DescribeOrder(const RunSetup& setup) {
  if (setup.strategy != sim::Strategy::kPct) return fmt::format("{} order", sim::ToString(setup.strategy));
  return fmt::format("pct order of depth {}, {} steps and {} us", setup.pct.depth, setup.pct.steps,
                     setup.pct.window.micros());
}

// Few kinds of faults at a time show more than all at once, which mask each other (swarm testing, ISSTA '12).
std::vector<sim::plan::FaultClass> DrawClasses(const Scenario& scenario, const SetupDraws& draws) {
  std::vector<sim::plan::FaultClass> classes;
  for (int i = 0; i < scenario.fault_size(); ++i) {
    const uint32_t subset = scenario.fault_subset_ppm();
    const bool is_in = subset == 0 || draws.PartsPerMillion(fmt::format("fault class {}", i), subset);
    if (is_in) classes.push_back(scenario.fault(i));
  }
  return classes;
}

std::string DescribeClocks(const sim::NodeClock::Options& clock) {
  return fmt::format("clock {} us off, drift {} ppm", clock.wall_offset.micros(), clock.drift.ppm);
}

}  // namespace

std::string_view ToString(Ending ending) {
  switch (ending) {
    case Ending::kNothing:
      return "none";
    case Ending::kCleanRestart:
      return "clean restart";
    case Ending::kCrash:
      return "crash";
  }
  return "unknown";
}

std::string ProducerName(int32_t index) {
  return fmt::format("p{}", index + 1);
}
std::string ConsumerName(int32_t index) {
  return fmt::format("c{}", index + 1);
}
std::string AdminName(int32_t index) {
  return fmt::format("a{}", index + 1);
}

std::string StrangerName(int32_t index) {
  return fmt::format("s{}", index + 1);
}

std::string OwnNodeName(std::string_view kind, int32_t index) {
  return fmt::format("{}{}", kind, index + 1);
}

sim::Topology TopologyOf(const Scenario& scenario) {
  sim::Topology topology;
  topology.members.push_back({std::string(kBrokerName), "broker"});
  for (int32_t i = 0; i < scenario.producers().count(); ++i) topology.members.push_back({ProducerName(i), "client"});
  for (int32_t i = 0; i < scenario.consumers().count(); ++i) topology.members.push_back({ConsumerName(i), "client"});
  for (int32_t i = 0; i < scenario.admins().count(); ++i) topology.members.push_back({AdminName(i), "client"});
  for (int32_t i = 0; i < scenario.strangers().count(); ++i) topology.members.push_back({StrangerName(i), "client"});
  for (const OwnNodes& nodes : scenario.program()) {
    for (int32_t i = 0; i < nodes.count(); ++i) {
      topology.members.push_back({OwnNodeName(nodes.name(), i), nodes.name()});
    }
  }
  for (const OwnNodes& nodes : scenario.workload()) {
    for (int32_t i = 0; i < nodes.count(); ++i) topology.members.push_back({OwnNodeName(nodes.name(), i), "client"});
  }
  return topology;
}

absl::StatusOr<RunSetup> DrawSetup(const Scenario& scenario, uint64_t seed) {
  RunSetup setup;
  setup.seed = seed;
  const SetupDraws run(seed, "run");
  DrawOrder(scenario.order(), run, setup);
  const SetupDraws draws(seed, kBrokerName);
  setup.shard_count = draws.Choose("shards", scenario.topology().shards(), 1);
  setup.broker_clock = DrawClock(draws);
  absl::StatusOr<broker::NodeOptions> node = DrawBroker(scenario, draws, setup.shard_count);
  if (!node.ok()) return node.status();
  setup.broker = std::move(*node);
  const absl::Status topics = DrawTopics(scenario, seed, setup);
  if (!topics.ok()) return topics;
  DrawClients(scenario, seed, setup);
  setup.faulty_phase = Duration::Millis(scenario.phases().faulty_ms());
  setup.liveness_phase = Duration::Millis(scenario.phases().liveness_ms());
  constexpr Ending kEndings[] = {Ending::kCleanRestart, Ending::kCleanRestart, Ending::kCrash, Ending::kNothing};
  setup.ending = kEndings[run.Stream("ending").Below(std::size(kEndings))];
  sim::PlanOptions plan{.seed = seed, .topology = TopologyOf(scenario), .length = setup.faulty_phase};
  plan.classes = DrawClasses(scenario, run);
  setup.plan = sim::GeneratePlan(plan);
  return setup;
}

std::string DescribeSetup(const RunSetup& setup) {
  std::string text =
      fmt::format("seed {}, {}, broker with {} shard(s), {}, ending: {}\n", setup.seed, DescribeOrder(setup),
                  setup.shard_count, DescribeClocks(setup.broker_clock), ToString(setup.ending));
  for (const auto& [name, value] : setup.broker.static_properties) text += fmt::format("  {}={}\n", name, value);
  for (const client::NewTopic& topic : setup.topics) {
    text += fmt::format("topic {} with {} partition(s)\n", topic.name, topic.partition_count);
    for (const auto& [name, value] : topic.configs) text += fmt::format("  {}={}\n", name, value);
  }
  for (const workload::ProducerWorkloadOptions& producer : setup.producers) {
    const client::ProducerConfig& config = producer.config;
    text += fmt::format(
        "producer {} (client {}): idempotence={} acks={} in_flight={} batch={} linger={}ms codec={} request={}ms "
        "delivery={}ms\n",
        config.common.client_id, producer.client, config.idempotence == client::Idempotence::kOn ? "on" : "off",
        static_cast<int>(config.acks), config.max_in_flight, config.batch_bytes, config.linger.millis(),
        static_cast<int>(config.compression), config.common.request_timeout.millis(), config.delivery_timeout.millis());
  }
  for (const workload::ConsumerWorkloadOptions& consumer : setup.consumers) {
    const client::ConsumerConfig& config = consumer.config;
    text += fmt::format("consumer {} (client {}): fetch={} partition={} poll={} wait={}ms\n", config.common.client_id,
                        consumer.client, config.fetch_max_bytes, config.partition_fetch_bytes_max,
                        config.poll_records_max, config.fetch_max_wait.millis());
  }
  for (const auto* nodes : {&setup.programs, &setup.workloads}) {
    for (const OwnNodeSetup& node : *nodes) {
      text += fmt::format("{} {}:", node.kind, node.name);
      for (const auto& [name, value] : node.settings) text += fmt::format(" {}={}", name, value);
      text += "\n";
    }
  }
  return text;
}

}  // namespace odradek::explore
