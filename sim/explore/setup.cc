#include "sim/explore/setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "engine/broker/log_config.h"
#include "engine/config/topic_config.h"
#include "engine/storage/promises.h"
#include "sim/explore/setup_draws.h"

namespace odradek::explore {
namespace {

constexpr int32_t kKeyCountUsual = 16;

workload::Between<Duration> MillisOf(const Range& range) {
  return {Duration::Millis(range.low()), Duration::Millis(range.high())};
}
workload::Between<int64_t> CountsOf(const Range& range) {
  return {range.low(), range.high()};
}

absl::Status DrawTopics(const Scenario& scenario, uint64_t seed, RunSetup& setup) {
  const broker::NodeOptions& broker = setup.servers.front().node;
  for (const Topic& topic : scenario.topic()) {
    const SetupDraws draws(seed, "topic " + topic.name());
    client::NewTopic wanted;
    wanted.name = topic.name();
    wanted.partition_count = draws.Choose("partitions", topic.partitions(), 1);
    const auto replicas = draws.Choose("replication factor", topic.replication_factor(), int32_t{-1});
    wanted.replication_factor = static_cast<int16_t>(std::min(replicas, BrokerCountOf(setup.servers)));
    config::PropertyMap overrides;
    for (const Setting& setting : topic.config()) overrides[setting.name()] = DrawSetting(draws, setting);
    const absl::Status valid = config::ValidateTopicOverrides(overrides);
    if (!valid.ok()) return valid;
    wanted.configs.insert(overrides.begin(), overrides.end());
    const config::Layers layers{.topic = &overrides, .static_broker = &broker.static_properties};
    const config::TopicConfig resolved = config::ResolveTopicConfig(layers);
    const storage::FlushPolicy policy = storage::PolicyOf(broker::PartitionConfigOf(broker, layers).log);
    const storage::Promise& promise = storage::PromiseFor(policy, storage::StorageFault::kPowerLoss);
    if (policy == storage::FlushPolicy::kEveryAppend) setup.synced_topics.push_back(wanted.name);
    // While it moves, a partition of one replica has two.
    const bool is_replicated = wanted.replication_factor > 1 || scenario.admins().reassign_weight() > 0;
    if (is_replicated) setup.replicated_topics.insert(wanted.name);
    const bool is_kept = is_replicated && scenario.topology().down_max() > 0;
    if (promise.survives != storage::Survives::kAllAcknowledged && !is_kept) setup.acked_survives_power_loss = false;
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
                       .replication_factor = std::max(wanted.replication_factor, int16_t{1}),
                       .keeps_timestamps = resolved.timestamp_type == config::TimestampType::kCreateTime});
    setup.topics.push_back(std::move(wanted));
  }
  return absl::OkStatus();
}

// Any of the brokers, in any order.
std::vector<env::Address> DrawBootstrapServers(const std::vector<ServerSetup>& servers, const SetupDraws& draws) {
  std::vector<env::Address> all;
  for (const ServerSetup& server : servers) {
    if (server.is_broker()) all.push_back(server.client_address());
  }
  sim::DrawStream stream = draws.Stream("bootstrap servers");
  const auto count = static_cast<size_t>(stream.Between(1, static_cast<int64_t>(all.size())));
  for (size_t i = 0; i < count; ++i) std::swap(all[i], all[i + stream.Below(all.size() - i)]);
  all.resize(count);
  return all;
}

// Of one client.
struct ClientDraws {
  const std::vector<ServerSetup>& servers;
  std::string name;
  SetupDraws draws;

  client::CommonConfig Common() const {
    client::CommonConfig common;
    common.bootstrap_servers = DrawBootstrapServers(servers, draws);
    common.client_id = name;
    return common;
  }
};

record::Codec CodecOf(const std::string& name) {
  if (name == "gzip") return record::Codec::kGzip;
  if (name == "snappy") return record::Codec::kSnappy;
  if (name == "lz4") return record::Codec::kLz4;
  return name == "zstd" ? record::Codec::kZstd : record::Codec::kNone;
}

client::ProducerConfig DrawProducerConfig(const Producers& producers, const ClientDraws& client) {
  const SetupDraws& draws = client.draws;
  client::ProducerConfig config;
  config.common = client.Common();
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

client::ConsumerConfig DrawConsumerConfig(const Consumers& consumers, const ClientDraws& client) {
  const SetupDraws& draws = client.draws;
  client::ConsumerConfig config;
  config.common = client.Common();
  config.common.request_timeout = Duration::Seconds(3);
  config.auto_offset_reset = client::OffsetReset::kNone;
  config.allow_auto_create_topics = client::AutoCreateTopics::kOff;
  config.fetch_max_bytes = draws.Choose("fetch bytes", consumers.fetch_bytes(), config.fetch_max_bytes);
  config.partition_fetch_bytes_max =
      draws.Choose("partition bytes", consumers.partition_fetch_bytes(), config.partition_fetch_bytes_max);
  config.poll_records_max = draws.Choose("poll records", consumers.poll_records(), config.poll_records_max);
  const bool committed_only = draws.PartsPerMillion("isolation", consumers.read_committed_ppm());
  if (committed_only) config.isolation_level = client::IsolationLevel::kReadCommitted;
  config.client_rack = draws.Choose("rack", consumers.rack(), std::string());
  config.fetch_max_wait =
      Duration::Millis(draws.Choose("fetch wait", consumers.fetch_wait_ms(), config.fetch_max_wait.millis()));
  INVARIANT(client::CheckConfig(config).empty());
  return config;
}

client::AdminConfig AdminConfigOf(const ClientDraws& client) {
  client::AdminConfig config{.common = client.Common()};
  config.common.request_timeout = Duration::Seconds(3);
  config.common.default_api_timeout = Duration::Seconds(10);
  return config;
}

std::vector<OwnNodeSetup> DrawOwnNodes(const google::protobuf::RepeatedPtrField<OwnNodes>& all, uint64_t seed,
                                       const std::vector<ServerSetup>& servers) {
  std::vector<OwnNodeSetup> drawn;
  for (const OwnNodes& nodes : all) {
    for (int32_t i = 0; i < nodes.count(); ++i) {
      OwnNodeSetup node{.kind = nodes.name(), .name = OwnNodeName(nodes.name(), i)};
      const SetupDraws draws(seed, node.name);
      node.clock = DrawClock(draws);
      node.bootstrap_server = DrawBootstrapServers(servers, draws).front();
      for (const Setting& setting : nodes.setting()) node.settings[setting.name()] = DrawSetting(draws, setting);
      drawn.push_back(std::move(node));
    }
  }
  return drawn;
}

void DrawClients(const Scenario& scenario, uint64_t seed, RunSetup& setup) {
  history::ClientId client = 0;
  const auto draws_of = [&](const std::string& name) {
    return ClientDraws{setup.servers, name, SetupDraws(seed, name)};
  };
  for (int32_t i = 0; i < scenario.producers().count(); ++i) {
    const Producers& wanted = scenario.producers();
    setup.producers.push_back({.client = ++client,
                               .config = DrawProducerConfig(wanted, draws_of(ProducerName(i))),
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
    setup.consumers.push_back({.client = ++client,
                               .config = DrawConsumerConfig(wanted, draws_of(ConsumerName(i))),
                               .topics = setup.targets,
                               .seek_ppm = wanted.seek_ppm(),
                               .pause_resume_ppm = wanted.pause_resume_ppm(),
                               .pause = MillisOf(wanted.pause_ms())});
  }
  for (int32_t i = 0; i < scenario.admins().count(); ++i) {
    const Admins& wanted = scenario.admins();
    setup.admins.push_back({.client = ++client,
                            .config = AdminConfigOf(draws_of(AdminName(i))),
                            .topics = setup.targets,
                            .pause = MillisOf(wanted.pause_ms()),
                            .list_offsets_weight = wanted.list_offsets_weight(),
                            .delete_records_weight = wanted.delete_records_weight(),
                            .topics_weight = wanted.topics_weight(),
                            .reassign_weight = wanted.reassign_weight(),
                            .elect_leaders_weight = wanted.elect_leaders_weight(),
                            .recreate_weight = wanted.recreate_weight(),
                            .made_topics = setup.topics});
  }
  for (int32_t i = 0; i < scenario.strangers().count(); ++i) {
    setup.strangers.push_back({.client = ++client,
                               .client_id = StrangerName(i),
                               .broker = setup.servers.front().client_address(),
                               .topics = setup.targets,
                               .pause = MillisOf(scenario.strangers().pause_ms()),
                               .foreign_epoch_ppm = scenario.strangers().foreign_epoch_ppm()});
  }
  setup.programs = DrawOwnNodes(scenario.program(), seed, setup.servers);
  setup.workloads = DrawOwnNodes(scenario.workload(), seed, setup.servers);
  setup.final_reader = DrawConsumerConfig({}, draws_of("final reader"));
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

namespace {

sim::Topology AddClients(const Scenario& scenario, std::vector<sim::Topology::Member> servers) {
  sim::Topology topology{.members = std::move(servers)};
  const auto add = [&](int32_t count, std::string (*name)(int32_t)) {
    for (int32_t i = 0; i < count; ++i) topology.members.push_back({name(i), "client"});
  };
  add(scenario.producers().count(), &ProducerName);
  add(scenario.consumers().count(), &ConsumerName);
  add(scenario.admins().count(), &AdminName);
  add(scenario.strangers().count(), &StrangerName);
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

}  // namespace

sim::Topology TopologyOf(const Scenario& scenario) {
  return AddClients(scenario, ServersOf(scenario.topology()));
}

absl::StatusOr<RunSetup> DrawSetup(const Scenario& scenario, uint64_t seed) {
  RunSetup setup;
  setup.seed = seed;
  const SetupDraws run(seed, "run");
  DrawOrder(scenario.order(), run, setup);
  absl::StatusOr<std::vector<ServerSetup>> servers = DrawServers(scenario, seed);
  if (!servers.ok()) return servers.status();
  setup.servers = std::move(*servers);
  const absl::Status topics = DrawTopics(scenario, seed, setup);
  if (!topics.ok()) return topics;
  DrawClients(scenario, seed, setup);
  setup.faulty_phase = Duration::Millis(scenario.phases().faulty_ms());
  setup.liveness_phase = Duration::Millis(scenario.phases().liveness_ms());
  constexpr Ending kEndings[] = {Ending::kCleanRestart, Ending::kCleanRestart, Ending::kCrash, Ending::kNothing};
  setup.ending = kEndings[run.Stream("ending").Below(std::size(kEndings))];
  std::vector<sim::Topology::Member> members;
  for (const ServerSetup& server : setup.servers) members.push_back({server.name, std::string(server.role())});
  sim::PlanOptions plan{
      .seed = seed, .topology = AddClients(scenario, std::move(members)), .length = setup.faulty_phase};
  plan.classes = DrawClasses(scenario, run);
  setup.plan = sim::GeneratePlan(plan);
  return setup;
}

std::string DescribeSetup(const RunSetup& setup) {
  std::string text = fmt::format("seed {}, {}, ending: {}\n", setup.seed, DescribeOrder(setup), ToString(setup.ending));
  text += DescribeServers(setup.servers);
  for (const client::NewTopic& topic : setup.topics) {
    text += fmt::format("topic {} with {} partition(s){}\n", topic.name, topic.partition_count,
                        topic.replication_factor > 1 ? fmt::format(" of {} replicas", topic.replication_factor) : "");
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
    text +=
        fmt::format("consumer {} (client {}): fetch={} partition={} poll={} wait={}ms{}\n", config.common.client_id,
                    consumer.client, config.fetch_max_bytes, config.partition_fetch_bytes_max, config.poll_records_max,
                    config.fetch_max_wait.millis(), config.client_rack.empty() ? "" : " rack=" + config.client_rack);
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
