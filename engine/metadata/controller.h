// The controller's decisions: each computes the records that a request leads to, and the answer for when they are
// committed, against the state that the log has up to its end. Its owner appends the records, replays them at once, and
// holds the answer back. A machine without clock, randomness or I/O: what it needs of them comes in as arguments.
//
//  1. The state is the fold of the records that were replayed; no decision changes it (PROPERTIES.md M6).
//  2. The records of one outcome are one atomic write: they belong into one batch.
//  3. An outcome with records can always be replayed on the state that it was computed on.
//  4. Topic ids, producer id blocks and broker epochs are never given twice (M7): epochs are log offsets.
//  5. A leader is an active member of the ISR; where unclean election is allowed, it may be an active replica that then
//     is the whole ISR (R8, M3).
//
// Source: KIP-500, KIP-631; FEATURES.md 3.5.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "engine/base/context.h"
#include "engine/base/ids.h"
#include "engine/base/prng.h"
#include "engine/metadata/effective.h"
#include "engine/metadata/image.h"
#include "engine/protocol/errors.h"
#include "engine/protocol/generated/alter_configs.h"
#include "engine/protocol/generated/create_partitions.h"
#include "engine/protocol/generated/create_topics.h"
#include "engine/protocol/generated/delete_topics.h"
#include "engine/protocol/generated/incremental_alter_configs.h"

namespace odradek::metadata {

template <typename Response>
struct Outcome {
  std::vector<Record> records;
  Response response;
};

struct Failure {
  protocol::ErrorCode code = protocol::ErrorCode::kNone;
  std::string message;
};
using MaybeFailure = std::optional<Failure>;

struct ControllerOptions {
  NodeId node_id;
  std::string cluster_id;
  int32_t default_partition_count = 1;
  int16_t default_replication_factor = 1;
  enum class TopicDeletion : uint8_t { kAllowed, kDisabled } topic_deletion = TopicDeletion::kAllowed;
  config::PropertyMap static_properties;  // of this node: what a new topic inherits
  // Kafka's block; a broker asks for the next one when it has given out the last id.
  int64_t producer_id_block_size = 1000;
  // Kafka's bound on one request: more records would not fit into one atomic batch.
  int32_t partitions_per_request_max = 10000;
  // Levels that the first controller of a cluster finalizes, besides metadata.version.
  std::map<std::string, int16_t> bootstrap_features;
};

struct BrokerRegistration {
  NodeId id;
  std::string cluster_id;
  Uuid incarnation_id;  // drawn anew by each process
  std::vector<ListenerState> listeners;
  std::map<std::string, LevelRange> features;
  std::optional<std::string> rack;
  std::vector<Uuid> log_dirs;
};

// Whether the broker's last heartbeat is recent: a broker with a live session is not replaced by another process.
enum class Session : uint8_t { kExpired, kLive };

struct RegistrationResult {
  MaybeFailure failure;
  BrokerEpoch epoch{-1};
};

// A broker's word where it keeps its replica of a partition (KIP-858).
struct DirectoryAssignment {
  TopicId topic;
  PartitionIndex partition;
  Uuid directory;
};

struct ProducerIdBlock {
  MaybeFailure failure;
  ProducerId first = kNoProducerId;
  int64_t count = 0;
};

class Controller {
 public:
  Controller(ControllerOptions options, Fold state, base::Context& context);

  // Folds a record of the log. Error: the record contradicts the state.
  absl::Status Replay(const Record& record) { return state_.Apply(record); }
  const Fold& state() const { return state_; }
  const Image& image() const { return state_.image(); }

  // What a controller writes when it becomes active: it aborts a transaction that was left open, and a new cluster gets
  // its levels.
  std::vector<Record> Activate() const;

  Outcome<protocol::CreateTopicsResponse> CreateTopics(const protocol::CreateTopicsRequest& request,
                                                       base::Prng& draws) const;
  // `version` of the request: it decides the error code while deletion is disabled.
  Outcome<protocol::DeleteTopicsResponse> DeleteTopics(const protocol::DeleteTopicsRequest& request,
                                                       int16_t version) const;
  Outcome<protocol::CreatePartitionsResponse> CreatePartitions(const protocol::CreatePartitionsRequest& request,
                                                               base::Prng& draws) const;
  Outcome<protocol::IncrementalAlterConfigsResponse> IncrementalAlterConfigs(
      const protocol::IncrementalAlterConfigsRequest& request) const;
  Outcome<protocol::AlterConfigsResponse> AlterConfigs(const protocol::AlterConfigsRequest& request) const;

  Outcome<ProducerIdBlock> AllocateProducerIds(NodeId broker, BrokerEpoch epoch) const;

  // `next_offset` is where the outcome's first record will be written: the broker's epoch. A broker registers fenced.
  Outcome<RegistrationResult> RegisterBroker(const BrokerRegistration& request, Offset next_offset,
                                             Session session) const;
  // Fencing takes leaderships and ISR memberships away, unfencing gives partitions without a leader one.
  Outcome<MaybeFailure> FenceBroker(NodeId broker, BrokerEpoch epoch) const;
  Outcome<MaybeFailure> UnfenceBroker(NodeId broker, BrokerEpoch epoch) const;
  // What is known already, and partitions that the broker has no replica of, change nothing. A directory that the
  // broker did not register refuses them all.
  Outcome<MaybeFailure> AssignDirectories(NodeId broker, BrokerEpoch epoch,
                                          std::span<const DirectoryAssignment> assignments) const;

 private:
  NodeView node_view() const { return {options_.node_id, &options_.static_properties}; }
  MaybeFailure CheckEpoch(NodeId broker, BrokerEpoch epoch) const;

  ControllerOptions options_;
  Fold state_;
  base::Context& context_;
};

}  // namespace odradek::metadata
