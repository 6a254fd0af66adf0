// The words of replication: what the metadata says of a partition and of brokers, who waits for what. Plain values;
// nothing suspends. Source: KIP-497 (partition epoch), KIP-704 (recovery state), KIP-841 and KIP-903 (broker epochs).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/strong.h"
#include "engine/base/time.h"

namespace odradek::replication {

// A broker gets a new epoch with every registration. −1 is "none": requests of versions that do not carry it.
inline constexpr BrokerEpoch kNoBrokerEpoch{-1};
inline constexpr PartitionEpoch kNoPartitionEpoch{-1};

// A broker as the published metadata has it.
struct BrokerState {
  BrokerEpoch epoch{0};
  bool fenced = false;
  bool in_controlled_shutdown = false;
  std::string rack;  // empty: none
  friend bool operator==(const BrokerState&, const BrokerState&) = default;
};
using Brokers = std::map<NodeId, BrokerState>;

// KIP-704: after an unclean election the leader is still recovering. The values are those of the protocol.
enum class LeaderRecoveryState : int8_t { kRecovered = 0, kRecovering = 1 };

// A partition as the published metadata has it.
struct Registration {
  std::vector<NodeId> replicas;  // with those that a reassignment is adding or removing
  std::vector<NodeId> adding_replicas;
  std::vector<NodeId> removing_replicas;
  std::vector<NodeId> isr;
  NodeId leader = kNoNode;
  LeaderEpoch leader_epoch{0};
  PartitionEpoch partition_epoch{0};
  LeaderRecoveryState recovery = LeaderRecoveryState::kRecovered;
  friend bool operator==(const Registration&, const Registration&) = default;
};

// Who leads, as far as this replica knows: goes with NOT_LEADER_OR_FOLLOWER and FENCED_LEADER_EPOCH (KIP-951).
struct LeaderHint {
  NodeId leader = kNoNode;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  friend bool operator==(const LeaderHint&, const LeaderHint&) = default;
};

// What is only known outside, the same for all partitions of a broker.
struct Surroundings {
  MonoTime now;
  const Brokers& brokers;
  // Of this broker, as it is registered.
  BrokerEpoch broker_epoch{0};
};

// Who asked, chosen by the shell and never used twice while the first is not answered.
using Token = base::Strong<struct TokenTag, int64_t>;
// One AlterPartition request; a retry is another one.
using AttemptId = base::Strong<struct AttemptIdTag, int64_t>;

// Up to where a leader counts itself.
enum class OwnEnd : uint8_t {
  kAppended,  // Kafka's: the page cache is enough
  kFlushed,   // flush.messages = 1: nothing becomes visible that a crash of this broker could take away
};

// How a follower of this version finds out where to truncate.
enum class Truncation : uint8_t {
  kOnFetch,        // the leader says so in its answer to Fetch (12 and above, KIP-595)
  kByEpochRequest  // the leader speaks older versions: OffsetForLeaderEpoch before the first fetch (KIP-101, KIP-279)
};

// Kafka's defaults.
struct Options {
  NodeId self = kNoNode;
  OwnEnd own_end = OwnEnd::kAppended;
  Truncation truncation = Truncation::kOnFetch;
  Duration replica_lag_time_max = Duration::Millis(30000);  // replica.lag.time.max.ms
  Duration replica_fetch_backoff = Duration::Millis(1000);  // replica.fetch.backoff.ms
  Duration alter_partition_backoff = Duration::Millis(50);  // a constant of Kafka's
  int32_t min_insync_replicas = 1;                          // min.insync.replicas
};

}  // namespace odradek::replication
