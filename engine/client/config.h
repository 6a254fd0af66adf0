// What a client can be told, under Kafka's names and with Kafka's defaults (FEATURES.md 5.3, 5.4). Plain values; never
// suspends. A name or value that is not understood is an error that names it: nothing is accepted without effect.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/time.h"
#include "engine/env/network.h"
#include "engine/record/batch.h"

namespace odradek::client {

class ProducerInterceptor;  // interceptor.h
class ConsumerInterceptor;

enum class MetadataRecovery : uint8_t { kNone, kRebootstrap };

// For every kind of client.
struct CommonConfig {
  std::vector<env::Address> bootstrap_servers;
  std::string client_id;
  Duration request_timeout = Duration::Millis(30000);
  Duration default_api_timeout = Duration::Millis(60000);  // consumer and admin
  Duration retry_backoff = Duration::Millis(100);
  Duration retry_backoff_max = Duration::Millis(1000);
  Duration reconnect_backoff = Duration::Millis(50);
  Duration reconnect_backoff_max = Duration::Millis(1000);
  Duration connection_setup_timeout = Duration::Millis(10000);
  Duration connections_max_idle = Duration::Millis(540000);
  Duration metadata_max_age = Duration::Millis(300000);
  MetadataRecovery metadata_recovery = MetadataRecovery::kRebootstrap;
  Duration rebootstrap_trigger = Duration::Millis(300000);
};

enum class Acks : int16_t { kNone = 0, kLeader = 1, kAll = -1 };
enum class Idempotence : uint8_t { kOff, kOn };
enum class AdaptivePartitioning : uint8_t { kOff, kOn };
enum class KeyUse : uint8_t { kHash, kIgnore };

struct ProducerConfig {
  CommonConfig common;
  Acks acks = Acks::kAll;
  Idempotence idempotence = Idempotence::kOn;
  int32_t retries = 2147483647;
  int32_t max_in_flight = 5;  // max.in.flight.requests.per.connection
  int64_t batch_bytes = 16384;
  Duration linger = Duration::Millis(5);
  int64_t buffer_memory_bytes = 33554432;
  Duration max_block = Duration::Millis(60000);
  Duration delivery_timeout = Duration::Millis(120000);
  int64_t request_bytes_max = 1048576;
  record::Codec compression = record::Codec::kNone;
  AdaptivePartitioning adaptive_partitioning = AdaptivePartitioning::kOn;
  // With adaptive partitioning: a broker that has taken nothing for this long although it should is left out for
  // keyless records. 0: no broker is.
  Duration partitioner_availability_timeout;
  KeyUse key_use = KeyUse::kHash;
  // Of the first sequences in a partition, with no name of Kafka's: a broker that does not know the producer accepts
  // any. Tests begin near 2^31, to see them wrap.
  int32_t first_sequence = 0;
  std::vector<std::shared_ptr<ProducerInterceptor>> interceptors;
};

enum class IsolationLevel : int8_t { kReadUncommitted = 0, kReadCommitted = 1 };
// kByDuration: at the first record that is not older than auto_offset_reset_duration, or else at the end (KIP-1106).
enum class OffsetReset : uint8_t { kEarliest, kLatest, kNone, kByDuration };
enum class CrcCheck : uint8_t { kOff, kOn };
enum class AutoCreateTopics : uint8_t { kOff, kOn };

struct ConsumerConfig {
  CommonConfig common;
  int32_t poll_records_max = 500;
  int32_t fetch_min_bytes = 1;
  int32_t fetch_max_bytes = 52428800;
  Duration fetch_max_wait = Duration::Millis(500);
  int32_t partition_fetch_bytes_max = 1048576;
  IsolationLevel isolation_level = IsolationLevel::kReadUncommitted;
  OffsetReset auto_offset_reset = OffsetReset::kLatest;
  Duration auto_offset_reset_duration;  // for kByDuration
  CrcCheck check_crcs = CrcCheck::kOn;
  AutoCreateTopics allow_auto_create_topics = AutoCreateTopics::kOn;
  std::string client_rack;
  std::vector<std::shared_ptr<ConsumerInterceptor>> interceptors;
};

struct AdminConfig {
  CommonConfig common;
};

using ConfigMap = std::map<std::string, std::string, std::less<>>;

template <typename Config>
struct ConfigResult {
  Config config;
  std::string error;    // empty: all is well
  std::string setting;  // that the error is about; empty: it is about several
  bool ok() const { return error.empty(); }
};

ConfigResult<ProducerConfig> ParseProducerConfig(const ConfigMap& values);
ConfigResult<ConsumerConfig> ParseConsumerConfig(const ConfigMap& values);
ConfigResult<AdminConfig> ParseAdminConfig(const ConfigMap& values);

// Combinations that cannot work, also of a config that was made by hand. Empty: all is well.
std::string CheckConfig(const CommonConfig& config);
std::string CheckConfig(const ProducerConfig& config);
std::string CheckConfig(const ConsumerConfig& config);

}  // namespace odradek::client
