#include "engine/broker/metrics_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <map>
#include <utility>

#include "engine/base/absl_compat.h"
#include "engine/broker/node.h"

namespace odradek::broker {
namespace {

namespace http = boost::beast::http;

constexpr size_t kRequestBytesMax = 8192;
constexpr Duration kRequestTimeMax = Duration::Seconds(10);

struct ShardNumbers {
  std::map<int16_t, int64_t> requests;
  int32_t connections = 0;
  int64_t partitions = 0;
  int64_t offline_partitions = 0;
  int64_t memory_free_bytes = 0;
  int64_t log_bytes = 0;
  storage::CleanerNumbers cleaner;
  struct PartitionNumbers {
    TopicPartition name;
    storage::LogView view;
  };
  std::vector<PartitionNumbers> by_partition;
};

ShardNumbers Collect(Shard& shard) {
  ShardNumbers numbers;
  numbers.requests = shard.request_counts();
  numbers.connections = shard.connection_count();
  numbers.cleaner = shard.cleaner_numbers();
  numbers.memory_free_bytes = shard.memory().free_bytes();
  for (const std::shared_ptr<Partition>& partition : shard.Partitions()) {
    numbers.by_partition.push_back({partition->log().name(), partition->log().Inspect()});
    ++numbers.partitions;
    numbers.log_bytes += partition->log().size_bytes();
    if (partition->log().is_offline()) ++numbers.offline_partitions;
  }
  return numbers;
}

class Page {
 public:
  void Family(std::string_view name, std::string_view type, std::string_view help) {
    text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }
  void Sample(std::string_view name, std::string_view labels, int64_t value) {
    text_ += labels.empty() ? fmt::format("{} {}\n", name, value) : fmt::format("{}{{{}}} {}\n", name, labels, value);
  }
  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

void AddNodeFamilies(Page& page, const std::vector<ShardNumbers>& shards) {
  ShardNumbers sum;
  for (const ShardNumbers& shard : shards) {
    sum.connections += shard.connections;
    sum.partitions += shard.partitions;
    sum.offline_partitions += shard.offline_partitions;
    sum.memory_free_bytes += shard.memory_free_bytes;
    sum.log_bytes += shard.log_bytes;
    for (const auto& [key, count] : shard.requests) sum.requests[key] += count;
  }
  page.Family("kafka_network_requests_total", "counter", "Requests by API.");
  for (const auto& [key, count] : sum.requests) {
    page.Sample("kafka_network_requests_total", fmt::format("request=\"{}\"", protocol::FindApi(key)->name), count);
  }
  page.Family("kafka_network_connections", "gauge", "Open client connections.");
  page.Sample("kafka_network_connections", "", sum.connections);
  page.Family("kafka_server_partitions", "gauge", "Partitions that this node leads.");
  page.Sample("kafka_server_partitions", "", sum.partitions);
  page.Family("kafka_server_offline_partitions", "gauge", "Partitions whose log takes no more appends.");
  page.Sample("kafka_server_offline_partitions", "", sum.offline_partitions);
  page.Family("kafka_log_size_bytes", "gauge", "Bytes of all segments.");
  page.Sample("kafka_log_size_bytes", "", sum.log_bytes);
  page.Family("odradek_memory_free_bytes", "gauge", "What is left of the budget for request frames.");
  page.Sample("odradek_memory_free_bytes", "", sum.memory_free_bytes);
}

void AddCleanerFamilies(Page& page, const std::vector<ShardNumbers>& shards) {
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
  const auto gauge = [&page](std::string_view name, std::string_view help, int64_t value) {
    page.Family(name, "gauge", help);
    page.Sample(name, "", value);
  };
  const auto counter = [&page](std::string_view name, std::string_view help, int64_t value) {
    page.Family(name, "counter", help);
    page.Sample(name, "", value);
  };
  counter("kafka_log_cleaner_cleanings_total", "Logs that were cleaned.", sum.cleaning_count);
  counter("kafka_log_cleaner_read_bytes_total", "Bytes that the cleaner read.", sum.bytes_read);
  counter("kafka_log_cleaner_written_bytes_total", "Bytes that the cleaner kept.", sum.bytes_written);
  gauge("kafka_log_cleaner_uncleanable_partitions_count", "Logs that cannot be cleaned.", sum.uncleanable_count);
  gauge("kafka_log_cleaner_max_dirty_percent", "Dirty share of the dirtiest log.", sum.dirty_percent_max);
  gauge("kafka_log_cleaner_max_buffer_utilization_percent", "Use of the offset map in the last cleaning.",
        sum.map_utilization_percent);
  gauge("kafka_log_cleaner_max_compaction_delay_secs", "How long a log waits beyond max.compaction.lag.ms.",
        sum.overdue_max_seconds);
}

void AddPartitionFamily(Page& page, const std::vector<ShardNumbers>& shards, std::string_view name,
                        std::string_view help, int64_t (*value)(const storage::LogView&)) {
  page.Family(name, "gauge", help);
  for (const ShardNumbers& shard : shards) {
    for (const auto& partition : shard.by_partition) {
      page.Sample(name,
                  fmt::format("topic=\"{}\",partition=\"{}\"", partition.name.topic, partition.name.partition.value()),
                  value(partition.view));
    }
  }
}

std::string HttpAnswer(http::status status, std::string_view type, std::string_view body) {
  return fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
                     static_cast<unsigned>(status), std::string(http::obsolete_reason(status)), type, body.size(),
                     body);
}

}  // namespace

std::string MetricsText(fiber::Fiber& self, Node& node) {
  std::vector<ShardNumbers> shards;
  for (const env::Env* env : node.shard_envs()) {
    const ShardId id = env->shards.self();
    shards.push_back(CallOn(self, node.shard_envs(), ShardId(0), id,
                            [&node, id](fiber::Fiber&) { return Collect(node.shard(id)); }));
  }
  Page page;
  AddNodeFamilies(page, shards);
  AddCleanerFamilies(page, shards);
  AddPartitionFamily(page, shards, "kafka_log_log_start_offset", "First offset of the partition.",
                     [](const storage::LogView& view) { return view.log_start_offset.value(); });
  AddPartitionFamily(page, shards, "kafka_log_log_end_offset", "Offset after the last record of the partition.",
                     [](const storage::LogView& view) { return view.log_end_offset.value(); });
  AddPartitionFamily(page, shards, "kafka_cluster_partition_high_watermark", "What consumers may read up to.",
                     [](const storage::LogView& view) { return view.high_watermark.value(); });
  AddPartitionFamily(page, shards, "kafka_log_num_log_segments", "Segments of the partition.",
                     [](const storage::LogView& view) { return view.segment_count; });
  AddPartitionFamily(page, shards, "kafka_log_size", "Bytes of the partition's segments.",
                     [](const storage::LogView& view) { return view.size_bytes; });
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
  http::request_parser<http::empty_body> parser;
  parser.header_limit(kRequestBytesMax);
  parser.eager(false);
  boost::beast::flat_buffer input(kRequestBytesMax);
  std::string answer;
  while (!parser.is_header_done()) {
    std::array<std::byte, 1024> piece;
    const MutableBytes into(piece);
    const env::ReadResult read = connection.ReadSome(self, std::span(&into, 1));
    if (read.error != env::NetError::kNone) return;
    const auto size = static_cast<size_t>(read.size_bytes);
    if (input.size() + size > kRequestBytesMax) return;
    boost::asio::buffer_copy(input.prepare(size), boost::asio::buffer(piece.data(), size));
    input.commit(size);
    boost::beast::error_code error;
    input.consume(parser.put(input.data(), error));
    if (error && error != http::error::need_more) {
      answer = HttpAnswer(http::status::bad_request, "text/plain", "bad request: " + error.message() + "\n");
      break;
    }
  }
  if (answer.empty()) {
    const auto& request = parser.get();
    if (request.method() != http::verb::get) {
      answer = HttpAnswer(http::status::method_not_allowed, "text/plain", "only GET is served\n");
    } else if (request.target() != "/metrics") {
      answer = HttpAnswer(http::status::not_found, "text/plain", "metrics are at /metrics\n");
    } else {
      answer = HttpAnswer(http::status::ok, "text/plain; version=0.0.4", MetricsText(self, node_));
    }
  }
  const env::Part part = AsBytes(answer);
  connection.Send(self, std::span(&part, 1));
}

}  // namespace odradek::broker
