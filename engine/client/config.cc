#include "engine/client/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <limits>
#include <optional>
#include <set>
#include <utility>

namespace odradek::client {
namespace {

constexpr int64_t kInt32Max = std::numeric_limits<int32_t>::max();
constexpr int64_t kInt64Max = std::numeric_limits<int64_t>::max();

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// Takes values by name; the first error stays.
class ConfigReader {
 public:
  explicit ConfigReader(const ConfigMap& values) : values_(values) {}

  struct Bounds {
    int64_t min;
    int64_t max;
  };

  template <typename Integer>
  void Number(std::string_view name, Bounds bounds, Integer& out) {
    const auto text = Take(name);
    if (!text) return;
    int64_t value = 0;
    const auto [end, failure] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (failure != std::errc() || end != text->data() + text->size()) {
      Fail(name, *text, "not an integer");
    } else if (value < bounds.min || value > bounds.max) {
      Fail(name, *text, fmt::format("must be between {} and {}", bounds.min, bounds.max));
    } else {
      out = static_cast<Integer>(value);
    }
  }
  void Millis(std::string_view name, Bounds bounds, Duration& out) {
    int64_t millis = -1;
    Number(name, bounds, millis);
    if (millis >= 0) out = Duration::SaturatingMillis(millis);
  }
  void Text(std::string_view name, std::string& out) {
    if (const auto text = Take(name)) out = *text;
  }
  template <typename Enum>
  void Choice(std::string_view name, std::initializer_list<std::pair<std::string_view, Enum>> choices, Enum& out) {
    const auto text = Take(name);
    if (!text) return;
    std::string names;
    for (const auto& [choice, value] : choices) {
      if (*text == choice) {
        out = value;
        return;
      }
      names += names.empty() ? "" : ", ";
      names += choice;
    }
    Fail(name, *text, fmt::format("must be one of {}", names));
  }
  void Addresses(std::string_view name, std::vector<env::Address>& out) {
    const auto text = Take(name);
    if (!text) return;
    std::string_view rest = *text;
    out.clear();
    while (!Trim(rest).empty()) {
      const size_t comma = rest.find(',');
      const std::string_view one = Trim(rest.substr(0, comma));
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
      const size_t colon = one.rfind(':');
      int32_t port = 0;
      const std::string_view digits = colon == std::string_view::npos ? std::string_view() : one.substr(colon + 1);
      const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
      if (failure != std::errc() || end != digits.data() + digits.size() || port < 1 || port > 65535 || colon == 0) {
        Fail(name, one, "must be HOST:PORT");
        return;
      }
      std::string_view host = one.substr(0, colon);
      if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
      out.push_back({std::string(host), port});
    }
  }

  bool has(std::string_view name) const { return values_.contains(name); }
  void Fail(std::string_view name, std::string_view value, std::string_view why) {
    if (!error_.empty()) return;
    error_ = fmt::format("invalid value '{}' for {}: {}", value, name, why);
    setting_ = name;
  }
  // What nobody took is unknown.
  template <typename Config>
  void Finish(ConfigResult<Config>& result) {
    for (const auto& [name, value] : values_) {
      if (!error_.empty() || taken_.contains(name)) continue;
      error_ = fmt::format("unknown configuration {}", name);
      setting_ = name;
    }
    result.error = error_;
    result.setting = setting_;
  }

 private:
  std::optional<std::string_view> Take(std::string_view name) {
    taken_.emplace(name);
    const auto found = values_.find(name);
    if (found == values_.end()) return std::nullopt;
    return Trim(found->second);
  }

  const ConfigMap& values_;
  std::set<std::string, std::less<>> taken_;
  std::string error_;
  std::string setting_;
};

void ReadCommon(ConfigReader& reader, CommonConfig& config) {
  reader.Addresses("bootstrap.servers", config.bootstrap_servers);
  reader.Text("client.id", config.client_id);
  reader.Millis("request.timeout.ms", {0, kInt32Max}, config.request_timeout);
  reader.Millis("retry.backoff.ms", {0, kInt64Max}, config.retry_backoff);
  reader.Millis("retry.backoff.max.ms", {0, kInt64Max}, config.retry_backoff_max);
  reader.Millis("reconnect.backoff.ms", {0, kInt64Max}, config.reconnect_backoff);
  reader.Millis("reconnect.backoff.max.ms", {0, kInt64Max}, config.reconnect_backoff_max);
  reader.Millis("socket.connection.setup.timeout.ms", {0, kInt64Max}, config.connection_setup_timeout);
  reader.Millis("connections.max.idle.ms", {0, kInt64Max}, config.connections_max_idle);
  reader.Millis("metadata.max.age.ms", {0, kInt64Max}, config.metadata_max_age);
  reader.Choice("metadata.recovery.strategy",
                {{"none", MetadataRecovery::kNone}, {"rebootstrap", MetadataRecovery::kRebootstrap}},
                config.metadata_recovery);
  reader.Millis("metadata.recovery.rebootstrap.trigger.ms", {0, kInt64Max}, config.rebootstrap_trigger);
}

// A length of time as ISO 8601 writes it, in the units that are always equally long: P1DT2H3M4.5S.
std::optional<Duration> ParseIsoDuration(std::string_view text) {
  if (!text.starts_with('P')) return std::nullopt;
  text.remove_prefix(1);
  bool is_time = false;
  int64_t millis = 0;
  // What may still come: every unit once, from the longest down.
  std::string_view units = "DHMS";
  std::optional<Duration> length;
  while (!text.empty()) {
    if (text.starts_with('T') && !is_time) {
      is_time = true;
      length.reset();  // a T alone says nothing
      text.remove_prefix(1);
      continue;
    }
    int64_t number = 0;
    int64_t thousandths = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, failure] = std::from_chars(text.data(), end, number);
    if (failure != std::errc() || number < 0 || number > kInt32Max) return std::nullopt;
    text = std::string_view(stopped, static_cast<size_t>(end - stopped));
    const bool is_fraction = text.starts_with('.');
    if (is_fraction) text.remove_prefix(1);
    for (int64_t weight = 100; is_fraction && !text.empty() && text[0] >= '0' && text[0] <= '9'; weight /= 10) {
      thousandths += (text[0] - '0') * weight;
      text.remove_prefix(1);
    }
    const size_t unit = text.empty() ? std::string_view::npos : units.find(text[0]);
    if (unit == std::string_view::npos || (text[0] == 'D') == is_time || (is_fraction && text[0] != 'S')) {
      return std::nullopt;
    }
    const int64_t unit_millis = text[0] == 'D'   ? 86'400'000
                                : text[0] == 'H' ? 3'600'000
                                : text[0] == 'M' ? 60'000
                                                 : 1000;
    millis += number * unit_millis + thousandths;
    length = Duration::SaturatingMillis(millis);
    units.remove_prefix(unit + 1);
    text.remove_prefix(1);
  }
  return length;
}

void ReadOffsetReset(ConfigReader& reader, ConsumerConfig& config) {
  constexpr std::string_view kName = "auto.offset.reset";
  constexpr std::string_view kByDurationPrefix = "by_duration:";
  std::string value;
  reader.Text(kName, value);
  if (value.starts_with(kByDurationPrefix)) {
    const auto length = ParseIsoDuration(std::string_view(value).substr(kByDurationPrefix.size()));
    if (!length) {
      reader.Fail(kName, value, "by_duration: needs a length of time such as PT1H30M or P2D");
      return;
    }
    config.auto_offset_reset = OffsetReset::kByDuration;
    config.auto_offset_reset_duration = *length;
    return;
  }
  reader.Choice(kName,
                {{"earliest", OffsetReset::kEarliest}, {"latest", OffsetReset::kLatest}, {"none", OffsetReset::kNone}},
                config.auto_offset_reset);
}

// Kafka switches idempotence off where another setting forbids it, unless it was asked for by name.
void SettleIdempotence(ConfigReader& reader, ProducerConfig& config) {
  if (reader.has("enable.idempotence")) return;
  if (config.acks != Acks::kAll || config.max_in_flight > 5 || config.retries == 0) {
    config.idempotence = Idempotence::kOff;
  }
}

}  // namespace

std::string CheckConfig(const CommonConfig& config) {
  if (config.bootstrap_servers.empty()) return "bootstrap.servers is missing";
  if (config.request_timeout <= Duration()) return "request.timeout.ms must be above 0";
  return "";
}

std::string CheckConfig(const ProducerConfig& config) {
  if (std::string error = CheckConfig(config.common); !error.empty()) return error;
  if (config.idempotence == Idempotence::kOn) {
    if (config.acks != Acks::kAll) return "enable.idempotence needs acks=all";
    if (config.max_in_flight > 5) return "enable.idempotence needs max.in.flight.requests.per.connection <= 5";
    if (config.retries == 0) return "enable.idempotence needs retries > 0";
  }
  if (config.max_in_flight < 1) return "max.in.flight.requests.per.connection must be at least 1";
  if (config.delivery_timeout < config.linger + config.common.request_timeout) {
    return "delivery.timeout.ms must be at least linger.ms + request.timeout.ms";
  }
  if (std::ranges::find(config.interceptors, nullptr) != config.interceptors.end()) return "an interceptor is missing";
  if (config.batch_bytes > config.buffer_memory_bytes) return "batch.size must not be above buffer.memory";
  return "";
}

std::string CheckConfig(const ConsumerConfig& config) {
  if (std::string error = CheckConfig(config.common); !error.empty()) return error;
  if (config.common.request_timeout <= config.fetch_max_wait) {
    return "request.timeout.ms must be above fetch.max.wait.ms";
  }
  if (std::ranges::find(config.interceptors, nullptr) != config.interceptors.end()) return "an interceptor is missing";
  return "";
}

ConfigResult<ProducerConfig> ParseProducerConfig(const ConfigMap& values) {
  ConfigResult<ProducerConfig> result;
  ProducerConfig& config = result.config;
  ConfigReader reader(values);
  ReadCommon(reader, config.common);
  reader.Choice("acks", {{"all", Acks::kAll}, {"-1", Acks::kAll}, {"0", Acks::kNone}, {"1", Acks::kLeader}},
                config.acks);
  reader.Choice("enable.idempotence", {{"true", Idempotence::kOn}, {"false", Idempotence::kOff}}, config.idempotence);
  reader.Number("retries", {0, kInt32Max}, config.retries);
  reader.Number("max.in.flight.requests.per.connection", {1, kInt32Max}, config.max_in_flight);
  reader.Number("batch.size", {0, kInt32Max}, config.batch_bytes);
  reader.Millis("linger.ms", {0, kInt64Max}, config.linger);
  reader.Number("buffer.memory", {0, kInt64Max}, config.buffer_memory_bytes);
  reader.Millis("max.block.ms", {0, kInt64Max}, config.max_block);
  reader.Millis("delivery.timeout.ms", {0, kInt32Max}, config.delivery_timeout);
  reader.Number("max.request.size", {0, kInt32Max}, config.request_bytes_max);
  reader.Choice("compression.type",
                {{"none", record::Codec::kNone},
                 {"gzip", record::Codec::kGzip},
                 {"snappy", record::Codec::kSnappy},
                 {"lz4", record::Codec::kLz4},
                 {"zstd", record::Codec::kZstd}},
                config.compression);
  reader.Choice("partitioner.adaptive.partitioning.enable",
                {{"true", AdaptivePartitioning::kOn}, {"false", AdaptivePartitioning::kOff}},
                config.adaptive_partitioning);
  reader.Millis("partitioner.availability.timeout.ms", {0, kInt64Max}, config.partitioner_availability_timeout);
  reader.Choice("partitioner.ignore.keys", {{"true", KeyUse::kIgnore}, {"false", KeyUse::kHash}}, config.key_use);
  SettleIdempotence(reader, config);
  reader.Finish(result);
  if (result.ok()) result.error = CheckConfig(config);
  return result;
}

ConfigResult<ConsumerConfig> ParseConsumerConfig(const ConfigMap& values) {
  ConfigResult<ConsumerConfig> result;
  ConsumerConfig& config = result.config;
  ConfigReader reader(values);
  ReadCommon(reader, config.common);
  reader.Millis("default.api.timeout.ms", {0, kInt32Max}, config.common.default_api_timeout);
  reader.Number("max.poll.records", {1, kInt32Max}, config.poll_records_max);
  reader.Number("fetch.min.bytes", {0, kInt32Max}, config.fetch_min_bytes);
  reader.Number("fetch.max.bytes", {0, kInt32Max}, config.fetch_max_bytes);
  reader.Millis("fetch.max.wait.ms", {0, kInt32Max}, config.fetch_max_wait);
  reader.Number("max.partition.fetch.bytes", {0, kInt32Max}, config.partition_fetch_bytes_max);
  reader.Choice(
      "isolation.level",
      {{"read_uncommitted", IsolationLevel::kReadUncommitted}, {"read_committed", IsolationLevel::kReadCommitted}},
      config.isolation_level);
  ReadOffsetReset(reader, config);
  reader.Choice("check.crcs", {{"true", CrcCheck::kOn}, {"false", CrcCheck::kOff}}, config.check_crcs);
  reader.Choice("allow.auto.create.topics", {{"true", AutoCreateTopics::kOn}, {"false", AutoCreateTopics::kOff}},
                config.allow_auto_create_topics);
  reader.Text("client.rack", config.client_rack);
  reader.Finish(result);
  if (result.ok()) result.error = CheckConfig(config);
  return result;
}

ConfigResult<AdminConfig> ParseAdminConfig(const ConfigMap& values) {
  ConfigResult<AdminConfig> result;
  ConfigReader reader(values);
  ReadCommon(reader, result.config.common);
  reader.Millis("default.api.timeout.ms", {0, kInt32Max}, result.config.common.default_api_timeout);
  reader.Finish(result);
  if (result.ok()) result.error = CheckConfig(result.config.common);
  return result;
}

}  // namespace odradek::client
