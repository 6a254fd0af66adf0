#include <array>

#include "engine/config/def.h"
#include "engine/config/tables.h"

namespace odradek::config {
namespace {

// A property that has no effect of its own here: its section says why, and what is done with a value.
struct OtherRow {
  std::string_view name;
  Type type = Type::kString;
  std::optional<std::string_view> default_value = std::nullopt;
  Range range = {};
  Dynamic dynamic = Dynamic::kReadOnly;
  std::span<const std::string_view> choices = {};
  std::string_view documentation = {};  // empty: the section's
};

struct OtherSection {
  Support support;
  std::string_view documentation;
  std::span<const OtherRow> rows;
};

namespace other {

using enum Type;

constexpr std::string_view kSecurityProtocols[] = {"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"};

// Families of which every member belongs to something that this version lacks.
constexpr std::string_view kUnsupportedPrefixes[] = {
    "delegation.token.", "listener.name.", "remote.log.", "rlmm.", "rsm.", "sasl.", "ssl."};

// Families that Kafka 4 has removed.
constexpr std::string_view kRemovedPrefixes[] = {"password.encoder.", "zookeeper."};

constexpr OtherRow kCleanerRows[] = {
    {"log.cleaner.backoff.ms", kLong, "15000", kFromZero, Dynamic::kClusterWide},
    {"log.cleaner.dedupe.buffer.size", kLong, "134217728", {}, Dynamic::kClusterWide},
    {"log.cleaner.enable", kBoolean, "true"},
    {"log.cleaner.io.buffer.load.factor", kDouble, "0.9", kFromZero, Dynamic::kClusterWide},
    {"log.cleaner.io.buffer.size", kInt, "524288", kFromZero, Dynamic::kClusterWide},
    {"log.cleaner.io.max.bytes.per.second", kString, "1.7976931348623157E308", {}, Dynamic::kClusterWide},
};

constexpr OtherRow kGroupsIgnored[] = {
    {"group.consumer.assignment.interval.ms", kInt, "1000", kFromZero, Dynamic::kClusterWide},
    {"group.consumer.assignors", kList, "uniform,range"},
    {"group.consumer.heartbeat.interval.ms", kInt, "5000", kFromOne},
    {"group.consumer.max.assignment.interval.ms", kInt, "15000", kFromZero},
    {"group.consumer.max.heartbeat.interval.ms", kInt, "15000", kFromOne},
    {"group.consumer.max.session.timeout.ms", kInt, "60000", kFromOne},
    {"group.consumer.max.size", kInt, kIntMaxText, kFromOne},
    {"group.consumer.migration.policy", kString, "bidirectional"},
    {"group.consumer.min.assignment.interval.ms", kInt, "0", kFromZero},
    {"group.consumer.min.heartbeat.interval.ms", kInt, "5000", kFromOne},
    {"group.consumer.min.session.timeout.ms", kInt, "45000", kFromOne},
    {"group.consumer.regex.refresh.interval.ms", kInt, "600000", {10000}},
    {"group.consumer.session.timeout.ms", kInt, "45000", kFromOne},
    {"group.coordinator.append.linger.ms", kInt, "-1", {-1}},
    {"group.coordinator.background.threads", kInt, "2", kFromOne},
    {"group.coordinator.cached.buffer.max.bytes", kInt, "1048588", {524288}, Dynamic::kClusterWide},
    {"group.coordinator.rebalance.protocols", kList, "classic,consumer,streams"},
    {"group.coordinator.threads", kInt, "4", kFromOne},
    {"group.initial.rebalance.delay.ms", kInt, "3000"},
    {"group.max.session.timeout.ms", kInt, "1800000"},
    {"group.max.size", kInt, kIntMaxText, kFromOne},
    {"group.min.session.timeout.ms", kInt, "6000"},
    {"group.streams.assignment.interval.ms", kInt, "1000", kFromZero, Dynamic::kClusterWide},
    {"group.streams.heartbeat.interval.ms", kInt, "5000", kFromOne},
    {"group.streams.initial.rebalance.delay.ms", kInt, "3000", kFromZero},
    {"group.streams.max.assignment.interval.ms", kInt, "15000", kFromZero},
    {"group.streams.max.heartbeat.interval.ms", kInt, "15000", kFromOne},
    {"group.streams.max.session.timeout.ms", kInt, "60000", kFromOne},
    {"group.streams.max.size", kInt, kIntMaxText, kFromOne},
    {"group.streams.max.standby.replicas", kInt, "2", kFromZero},
    {"group.streams.min.assignment.interval.ms", kInt, "0", kFromZero},
    {"group.streams.min.heartbeat.interval.ms", kInt, "5000", kFromOne},
    {"group.streams.min.session.timeout.ms", kInt, "45000", kFromOne},
    {"group.streams.num.standby.replicas", kInt, "0", kFromZero},
    {"group.streams.session.timeout.ms", kInt, "45000", kFromOne},
    {"offset.metadata.max.bytes", kInt, "4096"},
    {"offsets.commit.timeout.ms", kInt, "5000", kFromOne},
    {"offsets.load.buffer.size", kInt, "5242880", kFromOne},
    {"offsets.retention.check.interval.ms", kLong, "600000", kFromOne},
    {"offsets.retention.minutes", kInt, "10080", kFromOne},
    {"offsets.topic.compression.codec", kInt, "0"},
    {"offsets.topic.num.partitions", kInt, "50", kFromOne},
    {"offsets.topic.replication.factor", kShort, "3", kFromOne},
    {"offsets.topic.segment.bytes", kInt, "104857600", kFromOne},
};

constexpr OtherRow kOfAStructureThatThisIgnored[] = {
    {"delete.records.purgatory.purge.interval.requests", kInt, "1"},
    {"fetch.purgatory.purge.interval.requests", kInt, "1000"},
    {"producer.purgatory.purge.interval.requests", kInt, "1000"},
};

constexpr OtherRow kOfJavaSMetricsIgnored[] = {
    {"metrics.num.samples", kInt, "2", kFromOne},
    {"metrics.recording.level", kString, "INFO"},
    {"metrics.sample.window.ms", kLong, "30000", kFromOne},
};

constexpr OtherRow kQuorumIgnored[] = {
    {"controller.quorum.append.linger.ms", kInt, "25", kFromZero},
    {"controller.socket.timeout.ms", kInt, "30000"},
    {"initial.broker.registration.timeout.ms", kInt, "60000"},
};

constexpr OtherRow kQuotasIgnored[] = {
    {"alter.log.dirs.replication.quota.window.num", kInt, "11", kFromOne},
    {"alter.log.dirs.replication.quota.window.size.seconds", kInt, "1", kFromOne},
    {"controller.quota.window.num", kInt, "11", kFromOne},
    {"controller.quota.window.size.seconds", kInt, "1", kFromOne},
    {"quota.window.num", kInt, "11", kFromOne},
    {"quota.window.size.seconds", kInt, "1", kFromOne},
    {"replication.quota.window.num", kInt, "11", kFromOne},
    {"replication.quota.window.size.seconds", kInt, "1", kFromOne},
};

constexpr OtherRow kReplicationIgnored[] = {
    {"controlled.shutdown.enable", kBoolean, "true"},
    {"replica.socket.receive.buffer.bytes", kInt, "65536"},
    {"request.timeout.ms", kInt, "30000"},
    {"socket.connection.setup.timeout.max.ms", kLong, "30000"},
    {"socket.connection.setup.timeout.ms", kLong, "10000"},
};

// Kafka has them beside its configuration, for running nodes only; kafka-reassign-partitions removes them when it is
// done.
constexpr OtherRow kReplicationQuotasLacking[] = {
    {"follower.replication.throttled.rate", kLong, kLongMaxText, kFromZero, Dynamic::kClusterWide},
    {"leader.replication.throttled.rate", kLong, kLongMaxText, kFromZero, Dynamic::kClusterWide},
    {"replica.alter.log.dirs.io.max.bytes.per.second", kLong, kLongMaxText, kFromZero, Dynamic::kClusterWide},
};

constexpr OtherRow kShareGroupsIgnored[] = {
    {"group.share.assignment.interval.ms", kInt, "1000", kFromZero, Dynamic::kClusterWide},
    {"group.share.assignors", kList, "simple"},
    {"group.share.delivery.count.limit", kInt, "5", {2, 10}},
    {"group.share.heartbeat.interval.ms", kInt, "5000", kFromOne},
    {"group.share.initialize.retry.interval.ms", kInt, "30000", kFromOne},
    {"group.share.max.assignment.interval.ms", kInt, "15000", kFromZero},
    {"group.share.max.delivery.count.limit", kInt, "10", {5, 25}},
    {"group.share.max.heartbeat.interval.ms", kInt, "15000", kFromOne},
    {"group.share.max.partition.max.record.locks", kInt, "4000", {2000, 10000}},
    {"group.share.max.record.lock.duration.ms", kInt, "60000", {30000, 3600000}},
    {"group.share.max.session.timeout.ms", kInt, "60000", kFromOne},
    {"group.share.max.share.sessions", kInt, "2000", kFromOne},
    {"group.share.max.size", kInt, "200", {1, 1000}},
    {"group.share.min.assignment.interval.ms", kInt, "0", kFromZero},
    {"group.share.min.delivery.count.limit", kInt, "2", {2, 5}},
    {"group.share.min.heartbeat.interval.ms", kInt, "5000", kFromOne},
    {"group.share.min.partition.max.record.locks", kInt, "100", {100, 2000}},
    {"group.share.min.record.lock.duration.ms", kInt, "15000", {1000, 30000}},
    {"group.share.min.session.timeout.ms", kInt, "45000", kFromOne},
    {"group.share.partition.max.record.locks", kInt, "2000", {100, 10000}},
    {"group.share.persister.class.name", kString, "org.apache.kafka.server.share.persister.DefaultStatePersister"},
    {"group.share.record.lock.duration.ms", kInt, "30000", {1000, 3600000}},
    {"group.share.session.timeout.ms", kInt, "45000", kFromOne},
    {"share.coordinator.append.linger.ms", kInt, "-1", {-1}},
    {"share.coordinator.cached.buffer.max.bytes", kInt, "1048588", {524288}, Dynamic::kClusterWide},
    {"share.coordinator.cold.partition.snapshot.interval.ms", kInt, "300000", kFromOne},
    {"share.coordinator.load.buffer.size", kInt, "5242880", kFromOne},
    {"share.coordinator.snapshot.update.records.per.snapshot", kInt, "500", {0, 500}},
    {"share.coordinator.state.topic.compression.codec", kInt, "0"},
    {"share.coordinator.state.topic.min.isr", kShort, "2", kFromOne},
    {"share.coordinator.state.topic.num.partitions", kInt, "50", kFromOne},
    {"share.coordinator.state.topic.prune.interval.ms", kInt, "300000", kFromOne},
    {"share.coordinator.state.topic.replication.factor", kShort, "3", kFromOne},
    {"share.coordinator.state.topic.segment.bytes", kInt, "104857600", kFromOne},
    {"share.coordinator.threads", kInt, "1", kFromOne},
    {"share.coordinator.write.timeout.ms", kInt, "5000", kFromOne},
    {"share.fetch.purgatory.purge.interval.requests", kInt, "1000"},
};

constexpr OtherRow kThreadsIgnored[] = {
    {"background.threads", kInt, "10", kFromOne, Dynamic::kClusterWide},
    {"log.cleaner.threads", kInt, "1", kFromZero, Dynamic::kClusterWide},
    {"num.io.threads", kInt, "8", kFromOne, Dynamic::kClusterWide},
    {"num.network.threads", kInt, "3", kFromOne, Dynamic::kClusterWide},
    {"num.recovery.threads.per.data.dir", kInt, "2", kFromOne, Dynamic::kClusterWide},
    {"num.replica.alter.log.dirs.threads", kInt, std::nullopt},
};

constexpr OtherRow kTransactionsIgnored[] = {
    {"add.partitions.to.txn.retry.backoff.max.ms", kInt, "100", kFromZero},
    {"add.partitions.to.txn.retry.backoff.ms", kInt, "20", kFromOne},
    {"transaction.abort.timed.out.transaction.cleanup.interval.ms", kInt, "10000", kFromOne},
    {"transaction.max.timeout.ms", kInt, "900000", kFromOne},
    {"transaction.partition.verification.enable", kBoolean, "true", {}, Dynamic::kClusterWide},
    {"transaction.remove.expired.transaction.cleanup.interval.ms", kInt, "3600000", kFromOne},
    {"transaction.state.log.load.buffer.size", kInt, "5242880", kFromOne},
    {"transaction.state.log.min.isr", kInt, "2", kFromOne},
    {"transaction.state.log.num.partitions", kInt, "50", kFromOne},
    {"transaction.state.log.replication.factor", kShort, "3", kFromOne},
    {"transaction.state.log.segment.bytes", kInt, "104857600", kFromOne},
    {"transactional.id.expiration.ms", kInt, "604800000", kFromOne},
};

constexpr OtherRow kAccessControlLacking[] = {
    {"allow.everyone.if.no.acl.found", kBoolean, "false"},
    {"authorizer.class.name", kString, ""},
    {"connections.max.reauth.ms", kLong, "0"},
    {"early.start.listeners", kList, std::nullopt},
    {"principal.builder.class", kClass, "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder"},
    {"super.users", kString, std::nullopt},
};

constexpr OtherRow kRemovedRows[] = {
    {"auto.include.jmx.reporter"},
    {"broker.id.generation.enable"},
    {"control.plane.listener.name"},
    {"delegation.token.master.key"},
    {"eligible.leader.replicas.enable"},
    {"group.coordinator.new.enable"},
    {"group.share.enable"},
    {"group.share.max.groups"},
    {"inter.broker.protocol.version"},
    {"leader.imbalance.per.broker.percentage"},
    {"log.message.downconversion.enable"},
    {"log.message.format.version"},
    {"log.message.timestamp.difference.max.ms"},
    {"offsets.commit.required.acks"},
    {"reserved.broker.max.id"},
    {"zookeeper.metadata.migration.enable"},
};

constexpr OtherRow kOddIgnored[] = {
    {"connection.failed.authentication.delay.ms",
     kInt,
     "100",
     kFromZero,
     Dynamic::kReadOnly,
     {},
     "Of access control, which this version lacks."},
    {"controller.performance.always.log.threshold.ms",
     kLong,
     "2000",
     kFromZero,
     Dynamic::kReadOnly,
     {},
     "Of log lines of the controller that do not exist here."},
    {"controller.performance.sample.period.ms",
     kLong,
     "60000",
     {100},
     Dynamic::kReadOnly,
     {},
     "Of log lines of the controller that do not exist here."},
    {"internal.metadata.delete.delay.millis", kLong, "60000", {}, Dynamic::kReadOnly, {}, "Of Kafka's own tests."},
    {"internal.metadata.log.segment.bytes", kInt, std::nullopt, {}, Dynamic::kReadOnly, {}, "Of Kafka's own tests."},
    {"internal.metadata.max.batch.size.in.bytes", kInt, "8388608", {}, Dynamic::kReadOnly, {}, "Of Kafka's own tests."},
    {"kafka.metrics.polling.interval.secs",
     kInt,
     "10",
     kFromOne,
     Dynamic::kReadOnly,
     {},
     "Of Java classes that publish metrics."},
    {"kafka.metrics.reporters",
     kList,
     "",
     {},
     Dynamic::kReadOnly,
     {},
     "Java classes that publish metrics: odradek.metrics.listener serves them here."},
    {"log.dir.failure.timeout.ms",
     kLong,
     "30000",
     kFromOne,
     Dynamic::kReadOnly,
     {},
     "Time in which the controller must hear of a failed data folder: it is in the same process."},
    {"log.initial.task.delay.ms",
     kLong,
     "30000",
     kFromZero,
     Dynamic::kReadOnly,
     {},
     "Delay of background work after start: there is none."},
    {"metric.reporters",
     kList,
     "org.apache.kafka.common.metrics.JmxReporter",
     {},
     Dynamic::kClusterWide,
     {},
     "Java classes that publish metrics: odradek.metrics.listener serves them here."},
    {"producer.id.expiration.check.interval.ms",
     kInt,
     "600000",
     kFromOne,
     Dynamic::kReadOnly,
     {},
     "Time between two looks for idempotent producers to forget: part of a log's other upkeep."},
    {"remote.fetch.max.wait.ms",
     kInt,
     "500",
     kFromOne,
     Dynamic::kClusterWide,
     {},
     "Of tiered storage, which this version lacks."},
    {"remote.list.offsets.request.timeout.ms",
     kLong,
     "30000",
     kFromOne,
     Dynamic::kClusterWide,
     {},
     "Of tiered storage, which this version lacks."},
    {"server.max.startup.time.ms",
     kLong,
     kLongMaxText,
     kFromZero,
     Dynamic::kReadOnly,
     {},
     "Time in which the node must have started: it waits for nothing."},
    {"socket.listen.backlog.size",
     kInt,
     "50",
     kFromOne,
     Dynamic::kReadOnly,
     {},
     "Connections that wait to be accepted: left to the operating system."},
    {"socket.receive.buffer.bytes",
     kInt,
     "102400",
     {},
     Dynamic::kReadOnly,
     {},
     "Size of a socket buffer: left to the operating system."},
    {"socket.send.buffer.bytes",
     kInt,
     "102400",
     {},
     Dynamic::kReadOnly,
     {},
     "Size of a socket buffer: left to the operating system."},
    {"telemetry.max.bytes",
     kInt,
     "1048576",
     kFromOne,
     Dynamic::kReadOnly,
     {},
     "Of metrics that clients push, which this version lacks."},
};

constexpr OtherRow kOddLacking[] = {
    {"alter.config.policy.class.name",
     kClass,
     std::nullopt,
     {},
     Dynamic::kReadOnly,
     {},
     "Plug-in that judges changes of configurations."},
    {"client.quota.callback.class",
     kClass,
     std::nullopt,
     {},
     Dynamic::kReadOnly,
     {},
     "Of client quotas, which this version lacks."},
    {"config.providers", kList, "", {}, Dynamic::kClusterWide, {}, "Plug-ins that values are read from."},
    {"controller.quorum.auto.join.enable",
     kBoolean,
     "false",
     {},
     Dynamic::kReadOnly,
     {},
     "Whether a new controller asks to become a voter by itself."},
    {"cordoned.log.dirs", kList, "", {}, Dynamic::kPerBroker, {}, "Data folders that get no new partitions."},
    {"create.topic.policy.class.name",
     kClass,
     std::nullopt,
     {},
     Dynamic::kReadOnly,
     {},
     "Plug-in that judges the creation of topics."},
    {"follower.fetch.last.tiered.offset.enable",
     kBoolean,
     "false",
     {},
     Dynamic::kClusterWide,
     {},
     "Of tiered storage, which this version lacks."},
    {"max.connection.creation.rate",
     kInt,
     kIntMaxText,
     kFromZero,
     Dynamic::kClusterWide,
     {},
     "Most new connections in a second."},
    {"max.connections.per.ip.overrides",
     kString,
     "",
     {},
     Dynamic::kClusterWide,
     {},
     "Limits of connections for single addresses."},
    {"queued.max.request.bytes",
     kLong,
     "-1",
     {},
     Dynamic::kReadOnly,
     {},
     "Bytes of waiting requests: odradek.memory.bytes bounds them."},
    {"remote.log.storage.system.enable",
     kBoolean,
     "false",
     {},
     Dynamic::kReadOnly,
     {},
     "Of tiered storage, which this version lacks."},
    {"security.inter.broker.protocol",
     kString,
     "PLAINTEXT",
     {},
     Dynamic::kReadOnly,
     kSecurityProtocols,
     "Security protocol between brokers."},
    {"security.providers", kString, std::nullopt, {}, Dynamic::kReadOnly, {}, "Java's security providers."},
    {"transaction.two.phase.commit.enable",
     kBoolean,
     "false",
     {},
     Dynamic::kReadOnly,
     {},
     "Of transactions, which this version lacks."},
    {"unstable.api.versions.enable",
     kBoolean,
     "false",
     {},
     Dynamic::kReadOnly,
     {},
     "Versions of APIs that are still being designed."},
    {"unstable.feature.versions.enable",
     kBoolean,
     "false",
     {},
     Dynamic::kReadOnly,
     {},
     "Feature levels that are still being designed."},
};

constexpr OtherSection kOtherSections[] = {
    {Support::kEffective, "Of the cleaner of compacted topics; each shard has one and its share of the memory.",
     kCleanerRows},
    {Support::kNoEffect, "Of consumer groups, which this version lacks.", kGroupsIgnored},
    {Support::kNoEffect, "Of a structure that this broker does not have: a waiting request is a fiber.",
     kOfAStructureThatThisIgnored},
    {Support::kNoEffect, "Of Java's metrics.", kOfJavaSMetricsIgnored},
    {Support::kNoEffect, "Of what brokers and controllers say to each other: nothing waits for it here.",
     kQuorumIgnored},
    {Support::kNoEffect, "Of client quotas, which this version lacks.", kQuotasIgnored},
    {Support::kNoEffect, "Of replication to other brokers.", kReplicationIgnored},
    {Support::kNoEffect, "Of share groups, which this version lacks.", kShareGroupsIgnored},
    {Support::kNoEffect, "Number of threads of a pool that this broker does not have: fibers do its work.",
     kThreadsIgnored},
    {Support::kNoEffect, "Of transactions, which this version lacks.", kTransactionsIgnored},
    {Support::kDefaultOnly, "Of access control, which this version lacks.", kAccessControlLacking},
    {Support::kDefaultOnly, "Of replication quotas, which this version lacks.", kReplicationQuotasLacking},
    {Support::kRemoved, "", kRemovedRows},
    {Support::kNoEffect, "", kOddIgnored},
    {Support::kDefaultOnly, "", kOddLacking},
};

// What Kafka does not list when a broker is described: its own switches for tests, and what belongs to plug-ins.
constexpr std::string_view kUnlisted[] = {
    "allow.everyone.if.no.acl.found",
    "controller.performance.always.log.threshold.ms",
    "controller.performance.sample.period.ms",
    "follower.replication.throttled.rate",
    "group.consumer.regex.refresh.interval.ms",
    "group.share.initialize.retry.interval.ms",
    "group.share.persister.class.name",
    "internal.metadata.delete.delay.millis",
    "internal.metadata.log.segment.bytes",
    "internal.metadata.max.batch.size.in.bytes",
    "leader.replication.throttled.rate",
    "log.initial.task.delay.ms",
    "producer.id.expiration.check.interval.ms",
    "replica.alter.log.dirs.io.max.bytes.per.second",
    "server.max.startup.time.ms",
    "share.coordinator.cold.partition.snapshot.interval.ms",
    "share.coordinator.state.topic.prune.interval.ms",
    "super.users",
    "unstable.api.versions.enable",
    "unstable.feature.versions.enable",
};

constexpr Visible VisibilityOf(std::string_view name) {
  for (const std::string_view unlisted : kUnlisted) {
    if (unlisted == name) return Visible::kNo;
  }
  return Visible::kYes;
}

constexpr size_t CountOtherRows() {
  size_t count = 0;
  for (const OtherSection& section : kOtherSections) count += section.rows.size();
  return count;
}

constexpr auto MakeOtherDefs() {
  std::array<ConfigDef, CountOtherRows()> defs;
  size_t next = 0;
  for (const OtherSection& section : kOtherSections) {
    for (const OtherRow& row : section.rows) {
      ConfigDef& def = defs[next++];
      def.name = row.name;
      def.type = row.type;
      def.default_value = row.default_value;
      def.range = row.range;
      def.choices = row.choices;
      def.dynamic = row.dynamic;
      def.support = section.support;
      def.importance = Importance::kLow;
      def.visible = VisibilityOf(row.name);
      def.documentation = row.documentation.empty() ? section.documentation : row.documentation;
    }
  }
  return defs;
}

constexpr auto kBrokerOtherDefs = MakeOtherDefs();

}  // namespace other
}  // namespace

std::span<const ConfigDef> BrokerOtherDefs() {
  return other::kBrokerOtherDefs;
}

std::span<const std::string_view> UnsupportedBrokerPrefixes() {
  return other::kUnsupportedPrefixes;
}

std::span<const std::string_view> RemovedBrokerPrefixes() {
  return other::kRemovedPrefixes;
}

}  // namespace odradek::config
