// Asks a cluster to change or describe itself: topics, partitions, configurations, records, log dirs, producers. Owned
// by its user, used by any fibers of one scheduler. Every call suspends; the destructor never does.
//
// Invariants:
//  1. A call ends at its deadline (default.api.timeout.ms) at the latest.
//  2. The outcome of a change is true: fail has certainly had no effect, unknown may have.
//  3. A call to a broker that the cluster does not have ends with BROKER_NOT_AVAILABLE after one update of the
//     metadata.
//  4. A change that may have been carried out is tried again only until an answer says how things stand: a topic that
//     an unclear attempt may have made and that exists now is reported as an error with outcome unknown.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/client/cluster.h"
#include "engine/client/config.h"
#include "engine/client/list_offsets.h"
#include "engine/client/outcome.h"

namespace odradek::client {

// What became of one part of a call.
struct AdminStatus {
  Outcome outcome = Outcome::kOk;
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  std::string what;
  bool ok() const { return outcome == Outcome::kOk && error == protocol::ErrorCode::kNone; }
};

template <typename T>
struct AdminResult {
  AdminStatus status;
  T value;
  bool ok() const { return status.ok(); }
};

struct NewTopic {
  std::string name;
  int32_t partition_count = -1;                       // -1: the broker's default
  int16_t replication_factor = -1;                    // -1: the broker's default
  std::map<int32_t, std::vector<NodeId>> assignment;  // instead of counts
  std::map<std::string, std::string> configs;
};

struct ClusterDescription {
  std::string cluster_id;
  NodeId controller = kNoNode;
  std::vector<BrokerInfo> brokers;
};

enum class ConfigKind : int8_t { kTopic = 2, kBroker = 4, kBrokerLogger = 8, kClientMetrics = 16, kGroup = 32 };
struct ConfigResource {
  ConfigKind kind = ConfigKind::kTopic;
  std::string name;
  friend auto operator<=>(const ConfigResource&, const ConfigResource&) = default;
};
struct ConfigSynonym {
  std::string name;
  std::optional<std::string> value;
  int8_t source = 0;
};
struct ConfigEntry {
  std::string name;
  std::optional<std::string> value;
  int8_t source = -1;  // Kafka's numbers: 1 topic, 2 broker, 3 default broker, 4 static, 5 default
  bool is_read_only = false;
  bool is_sensitive = false;
  std::vector<ConfigSynonym> synonyms;
};
enum class ConfigOperation : int8_t { kSet = 0, kDelete = 1, kAppend = 2, kSubtract = 3 };
struct ConfigChange {
  ConfigOperation operation = ConfigOperation::kSet;
  std::string name;
  std::optional<std::string> value;
};

struct ReplicaSize {
  TopicPartition partition;
  int64_t size_bytes = 0;
  int64_t offset_lag = 0;
};
struct LogDirDescription {
  std::string path;
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  int64_t total_bytes = -1;
  int64_t usable_bytes = -1;
  std::vector<ReplicaSize> replicas;
};

struct ProducerDescription {
  ProducerId id = kNoProducerId;
  int32_t epoch = -1;
  int32_t last_sequence = -1;
  Timestamp last_timestamp = kNoTimestamp;
  int32_t coordinator_epoch = -1;
  Offset current_txn_start_offset = kNoOffset;
};

// A partition whose replicas move (KIP-455).
struct Reassignment {
  std::vector<NodeId> replicas;  // all: those that are added and those that are to go, too
  std::vector<NodeId> adding;
  std::vector<NodeId> removing;
};

// Of ElectLeadersRequest.
enum class ElectionType : int8_t { kPreferred = 0, kUnclean = 1 };

enum class Validation : uint8_t { kApply, kValidateOnly };

using TopicStatuses = std::map<std::string, AdminStatus>;
// Every part that was asked for has an entry.
class Admin {
 public:
  // REQUIRES: CheckConfig(config.common) finds nothing; env outlives the node's fibers.
  Admin(env::Env& env, const AdminConfig& config);
  ~Admin();
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;

  TopicStatuses CreateTopics(fiber::Fiber& self, const std::vector<NewTopic>& topics,
                             Validation validation = Validation::kApply);
  TopicStatuses DeleteTopics(fiber::Fiber& self, const std::vector<std::string>& topics);
  // A topic that was made anew under the same name has another id and stays (KIP-516).
  std::map<TopicId, AdminStatus> DeleteTopicsById(fiber::Fiber& self, const std::vector<TopicId>& topics);
  // Partition counts after the call.
  TopicStatuses CreatePartitions(fiber::Fiber& self, const std::map<std::string, int32_t>& counts,
                                 Validation validation = Validation::kApply);

  AdminResult<ClusterDescription> DescribeCluster(fiber::Fiber& self);
  // In pages where the broker has DescribeTopicPartitions (KIP-966), so that an answer stays small however many
  // partitions there are.
  AdminResult<std::map<std::string, AdminResult<TopicInfo>>> DescribeTopics(fiber::Fiber& self,
                                                                            const std::vector<std::string>& topics);
  AdminResult<std::vector<std::string>> ListTopics(fiber::Fiber& self);

  std::map<ConfigResource, AdminResult<std::vector<ConfigEntry>>> DescribeConfigs(
      fiber::Fiber& self, const std::vector<ConfigResource>& resources);
  std::map<ConfigResource, AdminStatus> IncrementalAlterConfigs(
      fiber::Fiber& self, const std::map<ConfigResource, std::vector<ConfigChange>>& changes,
      Validation validation = Validation::kApply);

  // Replaces the whole configuration of each resource: what is not named goes back to its default. Kafka keeps this for
  // old tools; IncrementalAlterConfigs leaves alone what it does not name.
  std::map<ConfigResource, AdminStatus> AlterConfigs(
      fiber::Fiber& self, const std::map<ConfigResource, std::map<std::string, std::string>>& configs,
      Validation validation = Validation::kApply);

  // Deletes what is before the offsets; kNoOffset: everything up to the high watermark. Gives the new log starts.
  std::map<TopicPartition, AdminResult<Offset>> DeleteRecords(fiber::Fiber& self,
                                                              const std::map<TopicPartition, Offset>& before);
  ListedOffsets ListOffsets(fiber::Fiber& self, const OffsetQuestions& questions,
                            IsolationLevel isolation = IsolationLevel::kReadUncommitted);
  AdminResult<std::vector<LogDirDescription>> DescribeLogDirs(fiber::Fiber& self, NodeId broker);
  std::map<TopicPartition, AdminResult<std::vector<ProducerDescription>>> DescribeProducers(
      fiber::Fiber& self, const std::vector<TopicPartition>& partitions);

  // Where replicas are to be, the preferred leader first; nullopt: a move is called off. The call ends when the move
  // has begun.
  using Targets = std::map<TopicPartition, std::optional<std::vector<NodeId>>>;
  std::map<TopicPartition, AdminStatus> AlterPartitionReassignments(fiber::Fiber& self, const Targets& targets);
  // All that are under way.
  AdminResult<std::map<TopicPartition, Reassignment>> ListPartitionReassignments(fiber::Fiber& self);
  // ELECTION_NOT_NEEDED: the partition is led as it should be.
  std::map<TopicPartition, AdminStatus> ElectLeaders(fiber::Fiber& self, ElectionType type,
                                                     const std::vector<TopicPartition>& partitions);
  // The cluster forgets a broker that is gone for good.
  AdminStatus UnregisterBroker(fiber::Fiber& self, NodeId broker);

  // Calls under way end with an error.
  void Close();

 private:
  enum class Target : uint8_t { kAny, kController };
  enum class Repeat : uint8_t { kUntilDeadline, kNever };
  struct Where {
    Target target = Target::kAny;
    NodeId node = kNoNode;  // set: this broker
    Repeat repeat = Repeat::kUntilDeadline;
  };
  template <typename Response>
  struct Answer {
    AdminStatus status;
    Response response;
    bool is_unclear = false;  // an earlier attempt may have been carried out
  };

  using DescribedTopics = AdminResult<std::map<std::string, AdminResult<TopicInfo>>>;
  DescribedTopics DescribeTopicsByMetadata(fiber::Fiber& self, const std::vector<std::string>& topics,
                                           MonoTime deadline);
  Cluster::Reached Reach(fiber::Fiber& self, Where where, MonoTime deadline);
  // The metadata do not have the broker, and have not after an update either. Not known yet: false.
  bool IsNoBroker(fiber::Fiber& self, NodeId node, MonoTime deadline);
  MonoTime DeadlineFrom(fiber::Fiber& self) const;
  bool SleepBeforeRetry(fiber::Fiber& self, int64_t failure_count, MonoTime deadline);
  // Repeats the call until `error_of` gives nothing that may pass.
  template <typename Request, typename Response, typename ErrorOf>
  Answer<Response> Call(fiber::Fiber& self, Where where, const Request& request, MonoTime deadline, ErrorOf error_of);
  // The partitions by leader, waiting for leaders until the deadline; those without one are left out.
  template <typename Value>
  std::map<NodeId, std::map<TopicPartition, Value>> ByLeader(fiber::Fiber& self,
                                                             const std::map<TopicPartition, Value>& partitions,
                                                             MonoTime deadline);
  // Calls `ask(node, partitions of that leader)` until `status_of(partition)` says that all is settled.
  template <typename Value, typename Ask, typename StatusOfPartition>
  void AskLeaders(fiber::Fiber& self, std::map<TopicPartition, Value> partitions, MonoTime deadline, Ask ask,
                  StatusOfPartition status_of);

  env::Env& env_;
  const AdminConfig config_;
  std::shared_ptr<Cluster> cluster_;
};

}  // namespace odradek::client
