#include "engine/broker/metrics_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "engine/base/absl_compat.h"
#include "engine/broker/metrics_request.h"
#include "engine/broker/node.h"

namespace odradek::broker {
namespace {

constexpr Duration kRequestTimeMax = Duration::Seconds(10);

struct PartitionNumbers {
  TopicPartition name;
  storage::LogView view;
  PartitionTraffic traffic;
};

struct ShardNumbers {
  std::map<int16_t, RequestMetrics::OfApi> requests;
  int32_t connections = 0;
  int32_t partitions_missing = 0;
  int64_t memory_free_bytes = 0;
  storage::CleanerNumbers cleaner;
  std::vector<PartitionNumbers> partitions;
  std::vector<std::string> directories_online;
  std::vector<std::string> directories_offline;
  int64_t oldest_disk_call_millis = 0;
};

ShardNumbers Collect(Shard& shard, MonoTime now) {
  ShardNumbers numbers;
  numbers.requests = shard.request_metrics().At(now);
  numbers.connections = shard.connection_count();
  numbers.cleaner = shard.cleaner_numbers();
  numbers.partitions_missing = shard.missing_count();
  numbers.memory_free_bytes = shard.memory().free_bytes();
  for (const std::shared_ptr<Partition>& partition : shard.Partitions()) {
    numbers.partitions.push_back({partition->log().name(), partition->log().Inspect(), partition->traffic()});
  }
  for (const auto& one : shard.directories().offline()) numbers.directories_offline.push_back(one.path);
  for (const auto& one : shard.directories().open()) {
    const auto& offline = numbers.directories_offline;
    const bool is_online = std::find(offline.begin(), offline.end(), one.directory.path) == offline.end();
    if (is_online) numbers.directories_online.push_back(one.directory.path);
  }
  const std::vector<env::OpenCall> calls = shard.env().disk.OpenCalls(shard.env().clock.Now());
  if (!calls.empty()) numbers.oldest_disk_call_millis = (shard.env().clock.Now() - calls.front().since).millis();
  return numbers;
}

// A label's value: backslash, quote and line end are escaped.
std::string Label(std::string_view name, std::string_view value) {
  std::string out = fmt::format("{}=\"", name);
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string PartitionLabels(const TopicPartition& name) {
  return fmt::format("{},{}", Label("topic", name.topic), Label("partition", std::to_string(name.partition.value())));
}

class Page {
 public:
  enum class Kind : uint8_t { kGauge, kCounter, kHistogram };
  void Family(std::string_view name, Kind kind, std::string_view help) {
    constexpr auto kKinds = std::to_array<std::string_view>({"gauge", "counter", "histogram"});
    name_ = name;
    text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, kKinds[static_cast<size_t>(kind)]);
  }
  void Sample(std::string_view labels, int64_t value) { Add("", labels, fmt::to_string(value)); }
  // `suffix`: of the family's name, as histograms have it.
  void Add(std::string_view suffix, std::string_view labels, std::string_view value) {
    text_ += name_;
    text_ += suffix;
    text_ += labels.empty() ? fmt::format(" {}\n", value) : fmt::format("{{{}}} {}\n", labels, value);
  }
  void One(std::string_view name, std::string_view help, int64_t value) {
    Family(name, Kind::kGauge, help);
    Sample("", value);
  }
  std::string Take() { return std::move(text_); }

 private:
  std::string_view name_;
  std::string text_;
};

using Shards = std::vector<ShardNumbers>;

struct ApiLatency {
  int64_t begun_count = 0;
  LatencyHistogram all;
  LatencyHistogram recent;
};

std::string RequestLabel(int16_t key) {
  return Label("request", protocol::FindApi(key)->name);
}

// Twice: as Kafka's exporters give it, quantiles in milliseconds, and as a histogram that can be added up over nodes.
void AddLatency(Page& page, const std::map<int16_t, ApiLatency>& requests) {
  struct Quantile {
    std::string_view label;
    int per_mille;
  };
  constexpr auto kQuantiles = std::to_array<Quantile>(
      {{"0.50", 500}, {"0.75", 750}, {"0.95", 950}, {"0.98", 980}, {"0.99", 990}, {"0.999", 999}});
  page.Family("kafka_network_requestmetrics_totaltimems", Page::Kind::kGauge,
              "Milliseconds from request to answer, quantiles of the last one to two minutes.");
  for (const auto& [key, api] : requests) {
    for (const Quantile& quantile : kQuantiles) {
      const int64_t micros = api.recent.QuantileMicros(quantile.per_mille);
      page.Add("", RequestLabel(key) + "," + Label("quantile", quantile.label),
               fmt::format("{}.{:03}", micros / 1000, micros % 1000));
    }
  }
  page.Family("odradek_request_duration_seconds", Page::Kind::kHistogram, "Time from request to answer.");
  const auto seconds = [](int64_t micros) { return fmt::format("{}.{:06}", micros / 1'000'000, micros % 1'000'000); };
  // From 16 us to 4.5 minutes, a bucket for every second power of two.
  constexpr int kFirst = 4;
  constexpr int kLast = 28;
  for (const auto& [key, api] : requests) {
    for (int exponent = kFirst; exponent <= kLast; exponent += 2) {
      page.Add("_bucket", RequestLabel(key) + "," + Label("le", seconds((int64_t{1} << exponent) - 1)),
               fmt::to_string(api.all.CountBelow(exponent)));
    }
    page.Add("_bucket", RequestLabel(key) + "," + Label("le", "+Inf"), fmt::to_string(api.all.count()));
    page.Add("_sum", RequestLabel(key), seconds(api.all.sum_micros()));
    page.Add("_count", RequestLabel(key), fmt::to_string(api.all.count()));
  }
}

void AddNetwork(Page& page, const Shards& shards) {
  std::map<int16_t, ApiLatency> requests;
  int64_t connections = 0;
  int64_t memory_free_bytes = 0;
  for (const ShardNumbers& shard : shards) {
    for (const auto& [key, api] : shard.requests) {
      ApiLatency& sum = requests[key];
      sum.begun_count += api.begun_count;
      sum.all.Add(api.all);
      sum.recent.Add(api.recent());
    }
    connections += shard.connections;
    memory_free_bytes += shard.memory_free_bytes;
  }
  page.Family("kafka_network_requestmetrics_requests_total", Page::Kind::kCounter, "Requests by API.");
  for (const auto& [key, api] : requests) page.Sample(RequestLabel(key), api.begun_count);
  AddLatency(page, requests);
  page.One("kafka_server_socket_server_metrics_connection_count", "Open connections.", connections);
  page.One("odradek_memory_free_bytes", "What is left of the budget for request frames.", memory_free_bytes);
}

void AddCleaner(Page& page, const Shards& shards) {
  storage::CleanerNumbers sum;
  for (const ShardNumbers& shard : shards) {
    sum.cleaning_count += shard.cleaner.cleaning_count;
    sum.bytes_read += shard.cleaner.bytes_read;
    sum.bytes_written += shard.cleaner.bytes_written;
    sum.uncleanable_count += shard.cleaner.uncleanable_count;
    sum.dirty_percent_max = std::max(sum.dirty_percent_max, shard.cleaner.dirty_percent_max);
    sum.map_utilization_percent = std::max(sum.map_utilization_percent, shard.cleaner.map_utilization_percent);
    sum.overdue_max_seconds = std::max(sum.overdue_max_seconds, shard.cleaner.overdue_max_seconds);
  }
  const auto counter = [&page](std::string_view name, std::string_view help, int64_t value) {
    page.Family(name, Page::Kind::kCounter, help);
    page.Sample("", value);
  };
  counter("kafka_log_cleaner_cleanings_total", "Logs that were cleaned.", sum.cleaning_count);
  counter("kafka_log_cleaner_read_bytes_total", "Bytes that the cleaner read.", sum.bytes_read);
  counter("kafka_log_cleaner_written_bytes_total", "Bytes that the cleaner kept.", sum.bytes_written);
  page.One("kafka_log_cleaner_uncleanable_partitions_count", "Logs that cannot be cleaned.", sum.uncleanable_count);
  page.One("kafka_log_cleaner_max_dirty_percent", "Dirty share of the dirtiest log.", sum.dirty_percent_max);
  page.One("kafka_log_cleaner_max_buffer_utilization_percent", "Use of the offset map in the last cleaning.",
           sum.map_utilization_percent);
  page.One("kafka_log_cleaner_max_compaction_delay_secs", "How long a log waits beyond max.compaction.lag.ms.",
           sum.overdue_max_seconds);
}

void AddReplicas(Page& page, const Shards& shards) {
  int64_t partitions = 0;
  int64_t offline = 0;
  for (const ShardNumbers& shard : shards) {
    partitions += static_cast<int64_t>(shard.partitions.size()) + shard.partitions_missing;
    offline += shard.partitions_missing;
    for (const PartitionNumbers& one : shard.partitions) offline += one.view.offline ? 1 : 0;
  }
  page.One("kafka_server_replicamanager_partitioncount", "Partitions that this node has.", partitions);
  page.One("kafka_server_replicamanager_leadercount", "Partitions that this node leads.", partitions);
  page.One("kafka_server_replicamanager_offlinereplicacount", "Partitions whose log is not to be had or takes no more.",
           offline);
  page.Family("kafka_log_logmanager_logdirectoryoffline", Page::Kind::kGauge, "1: the log directory is offline.");
  int64_t directories_offline = 0;
  for (const ShardNumbers& shard : shards) {
    for (const std::string& path : shard.directories_online) page.Sample(Label("logdirectory", path), 0);
    for (const std::string& path : shard.directories_offline) page.Sample(Label("logdirectory", path), 1);
    directories_offline += static_cast<int64_t>(shard.directories_offline.size());
  }
  page.One("kafka_log_logmanager_offlinelogdirectorycount", "Log directories that are offline.", directories_offline);
  int64_t oldest_millis = 0;
  for (const ShardNumbers& shard : shards) oldest_millis = std::max(oldest_millis, shard.oldest_disk_call_millis);
  page.One("odradek_disk_oldest_call_milliseconds", "How long the disk has not answered its oldest call.",
           oldest_millis);
}

void AddController(Page& page, const MetadataView& view) {
  const metadata::Image& image = view.image;
  int64_t fenced = 0;
  int64_t partitions = 0;
  int64_t without_leader = 0;
  for (const auto& [id, broker] : image.brokers()) fenced += broker.fenced ? 1 : 0;
  for (const auto& [name, topic] : image.topics()) {
    partitions += static_cast<int64_t>(topic->partitions.size());
    for (const auto& [index, partition] : topic->partitions) without_leader += partition.leader == kNoNode ? 1 : 0;
  }
  const auto brokers = static_cast<int64_t>(image.brokers().size());
  page.One("kafka_controller_kafkacontroller_activecontrollercount", "1: this node is the active controller.", 1);
  page.One("kafka_controller_kafkacontroller_activebrokercount", "Brokers that are registered and not fenced.",
           brokers - fenced);
  page.One("kafka_controller_kafkacontroller_fencedbrokercount", "Brokers that are registered and fenced.", fenced);
  page.One("kafka_controller_kafkacontroller_globaltopiccount", "Topics of the cluster.",
           static_cast<int64_t>(image.topics().size()));
  page.One("kafka_controller_kafkacontroller_globalpartitioncount", "Partitions of the cluster.", partitions);
  page.One("kafka_controller_kafkacontroller_offlinepartitionscount", "Partitions without a leader.", without_leader);
  page.One("kafka_controller_kafkacontroller_lastappliedrecordoffset", "Last metadata record that is in effect.",
           view.offset.value());
  page.One("kafka_brokers", "Brokers of the cluster.", brokers - fenced);
  page.Family("kafka_topic_partitions", Page::Kind::kGauge, "Partitions of the topic.");
  for (const auto& [name, topic] : image.topics()) {
    page.Sample(Label("topic", name), static_cast<int64_t>(topic->partitions.size()));
  }
}

// What Kafka counts per topic, and once without a topic for all of them.
void AddTraffic(Page& page, const Shards& shards) {
  struct Counter {
    std::string_view name;
    std::string_view help;
    int64_t PartitionTraffic::*value;
  };
  constexpr auto kCounters = std::to_array<Counter>({
      {"messagesin", "Records that were appended.", &PartitionTraffic::records_in},
      {"bytesin", "Bytes of batches that were appended.", &PartitionTraffic::bytes_in},
      {"bytesrejected", "Bytes of batches that were refused.", &PartitionTraffic::bytes_rejected},
      {"bytesout", "Bytes of batches that were read.", &PartitionTraffic::bytes_out},
      {"totalproducerequests", "Produce requests, by partition.", &PartitionTraffic::produce_requests},
      {"failedproducerequests", "Produce requests that were refused.", &PartitionTraffic::produce_failures},
      {"totalfetchrequests", "Fetch requests, by partition.", &PartitionTraffic::fetch_requests},
      {"failedfetchrequests", "Fetch requests that were refused.", &PartitionTraffic::fetch_failures},
  });
  std::map<std::string, PartitionTraffic> by_topic;
  PartitionTraffic all;
  for (const ShardNumbers& shard : shards) {
    for (const PartitionNumbers& one : shard.partitions) {
      by_topic[one.name.topic] += one.traffic;
      all += one.traffic;
    }
  }
  for (const Counter& counter : kCounters) {
    const std::string name = fmt::format("kafka_server_brokertopicmetrics_{}_total", counter.name);
    page.Family(name, Page::Kind::kCounter, counter.help);
    page.Sample("", all.*counter.value);
    for (const auto& [topic, traffic] : by_topic) page.Sample(Label("topic", topic), traffic.*counter.value);
  }
}

void AddLogs(Page& page, const Shards& shards) {
  struct Gauge {
    std::string_view name;
    std::string_view help;
    int64_t (*value)(const storage::LogView&);
  };
  constexpr auto kGauges = std::to_array<Gauge>({
      {"kafka_log_log_size", "Bytes of the segments.", [](const storage::LogView& v) { return v.size_bytes; }},
      {"kafka_log_log_numlogsegments", "Segments.", [](const storage::LogView& v) { return v.segment_count; }},
      {"kafka_log_log_logstartoffset", "First offset of the log.",
       [](const storage::LogView& v) { return v.log_start_offset.value(); }},
      {"kafka_log_log_logendoffset", "Offset after the last record of the log.",
       [](const storage::LogView& v) { return v.log_end_offset.value(); }},
      {"kafka_topic_partition_oldest_offset", "First offset that consumers can read.",
       [](const storage::LogView& v) { return v.log_start_offset.value(); }},
      {"kafka_topic_partition_current_offset", "Where consumers stop: the high watermark.",
       [](const storage::LogView& v) { return v.high_watermark.value(); }},
  });
  for (const Gauge& gauge : kGauges) {
    page.Family(gauge.name, Page::Kind::kGauge, gauge.help);
    for (const ShardNumbers& shard : shards) {
      for (const PartitionNumbers& one : shard.partitions) {
        page.Sample(PartitionLabels(one.name), gauge.value(one.view));
      }
    }
  }
}

}  // namespace

std::string MetricsText(fiber::Fiber& self, Node& node) {
  Shards shards;
  for (const env::Env* env : node.shard_envs()) {
    const ShardId id = env->shards.self();
    shards.push_back(CallOn(self, node.shard_envs(), ShardId(0), id,
                            [&node, id](fiber::Fiber& fiber) { return Collect(node.shard(id), fiber.Now()); }));
  }
  Page page;
  AddCleaner(page, shards);
  AddReplicas(page, shards);
  AddController(page, node.shard(ShardId(0)).view());
  AddNetwork(page, shards);
  AddTraffic(page, shards);
  AddLogs(page, shards);
  return page.Take();
}

absl::Status MetricsServer::Open(fiber::Fiber& self, const config::HostPort& address) {
  env::ListenResult listening = node_.shard_envs()[0]->network.Listen(self, {address.host, address.port});
  if (listening.error != env::NetError::kNone) {
    return base::Unavailable(fmt::format("odradek.metrics.listener: cannot listen on {}:{}: {}", address.host,
                                         address.port, env::ToString(listening.error)));
  }
  listener_ = std::move(listening.listener);
  return absl::OkStatus();
}

void MetricsServer::Close() {
  if (listener_ != nullptr) listener_->Close();
}

void MetricsServer::Serve(fiber::Fiber& self) {
  constexpr Duration kPauseAfterError = Duration::Millis(100);
  while (true) {
    env::ConnectionResult accepted = listener_->Accept(self);
    if (accepted.error == env::NetError::kClosed) return;
    if (accepted.error != env::NetError::kNone) {
      fiber::SleepFor(self, kPauseAfterError);
      continue;
    }
    // One after the other; a client that says nothing is cut off.
    fiber::TaskGroup watchdog(self);
    env::Connection& connection = *accepted.connection;
    fiber::Event answered;
    watchdog.Spawn("metrics timeout", [&connection, &answered](fiber::Fiber& fiber) {
      answered.WaitUntil(fiber, fiber.Now() + kRequestTimeMax);
      connection.Close();
    });
    Answer(self, connection);
    answered.Set();
    watchdog.Join(self);
  }
}

void MetricsServer::Answer(fiber::Fiber& self, env::Connection& connection) {
  MetricsRequest request;
  while (request.state() == MetricsRequest::State::kIncomplete) {
    std::array<std::byte, 1024> piece;
    const MutableBytes into(piece);
    const env::ReadResult read = connection.ReadSome(self, std::span(&into, 1));
    if (read.error != env::NetError::kNone) return;
    request.Take(into.first(static_cast<size_t>(read.size_bytes)));
  }
  const bool wants_page = request.state() == MetricsRequest::State::kWantsPage;
  const std::string answer = wants_page ? MetricsAnswer(MetricsText(self, node_)) : request.refusal();
  const env::Part part = AsBytes(answer);
  connection.Send(self, std::span(&part, 1));
}

}  // namespace odradek::broker
