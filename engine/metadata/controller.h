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
#include "engine/metadata/elections.h"
#include "engine/metadata/heartbeats.h"
#include "engine/metadata/image.h"
#include "engine/protocol/errors.h"
#include "engine/protocol/generated/alter_client_quotas.h"
#include "engine/protocol/generated/alter_configs.h"
#include "engine/protocol/generated/alter_partition.h"
#include "engine/protocol/generated/alter_partition_reassignments.h"
#include "engine/protocol/generated/assign_replicas_to_dirs.h"
#include "engine/protocol/generated/broker_heartbeat.h"
#include "engine/protocol/generated/broker_registration.h"
#include "engine/protocol/generated/create_partitions.h"
#include "engine/protocol/generated/create_topics.h"
#include "engine/protocol/generated/delete_topics.h"
#include "engine/protocol/generated/elect_leaders.h"
#include "engine/protocol/generated/incremental_alter_configs.h"
#include "engine/protocol/generated/list_partition_reassignments.h"
#include "engine/protocol/generated/unregister_broker.h"
#include "engine/protocol/generated/update_features.h"

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
  int32_t records_per_request_max = 10000;
  // Kafka's bound on one piece of a background election.
  int32_t elections_per_step_max = 1000;
  // What this software can run at. Other controllers and all brokers must agree to a change.
  std::map<std::string, LevelRange> supported_features = {
      {std::string(kMetadataVersionFeature), {kMetadataVersionMin.value(), kMetadataVersionMax.value()}},
      {std::string(kElrFeature), {0, 1}}};
  // All controllers of the quorum but this one: each must have registered before a level may change.
  std::set<NodeId> other_voters;
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
  // The epoch that the earlier process had when it stopped cleanly: proves that nothing is lost (KIP-966). -1: no
  // proof.
  BrokerEpoch previous_epoch{-1};
};

BrokerRegistration ToRegistration(const protocol::BrokerRegistrationRequest& request);

struct RegistrationResult {
  MaybeFailure failure;
  BrokerEpoch epoch{-1};
};

// What a heartbeat leads to. When the records are written, the owner tells its Heartbeats: Decided().
struct HeartbeatResult {
  MaybeFailure failure;
  ControlChange control;
  bool is_caught_up = false;  // has seen its own registration
  bool is_fenced() const { return control.to == Control::kFenced || control.to == Control::kShutDownNow; }
  bool is_shutting_down() const { return control.to == Control::kShuttingDown; }
  bool should_shut_down() const { return control.to == Control::kShutDownNow; }
};
protocol::BrokerHeartbeatResponse ToResponse(const HeartbeatResult& result);

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

// Of work that is done in pieces.
enum class Progress : uint8_t { kDone, kMore };

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
  // An owner calls Heartbeats::Received() first. Decides by what the broker asks for and reports: its fencing,
  // controlled shutdown, directories that went offline or are cordoned (KIP-841, KIP-858, KIP-1066).
  Outcome<HeartbeatResult> Heartbeat(const protocol::BrokerHeartbeatRequest& request,
                                     const Heartbeats& heartbeats) const;
  Outcome<protocol::UnregisterBrokerResponse> UnregisterBroker(const protocol::UnregisterBrokerRequest& request) const;
  // Fencing takes leaderships and ISR memberships away, unfencing gives partitions without a leader one.
  Outcome<MaybeFailure> FenceBroker(NodeId broker, BrokerEpoch epoch) const;
  Outcome<MaybeFailure> UnfenceBroker(NodeId broker, BrokerEpoch epoch) const;
  // What is known already, and partitions that the broker has no replica of, change nothing. A directory that the
  // broker did not register refuses them all; in none (kLostDirectory) may any replica be.
  Outcome<MaybeFailure> AssignDirectories(NodeId broker, BrokerEpoch epoch,
                                          std::span<const DirectoryAssignment> assignments) const;
  // The same as a request: a directory that is not online takes the broker out of the partition's ISR.
  Outcome<protocol::AssignReplicasToDirsResponse> AssignReplicasToDirs(
      const protocol::AssignReplicasToDirsRequest& request) const;

  Outcome<protocol::AlterPartitionResponse> AlterPartition(const protocol::AlterPartitionRequest& request,
                                                           int16_t version) const;
  Outcome<protocol::ElectLeadersResponse> ElectLeaders(const protocol::ElectLeadersRequest& request,
                                                       int16_t version) const;
  // Moves leaderships to preferred replicas where that is possible (auto.leader.rebalance.enable).
  Outcome<Progress> BalanceLeaders() const;
  // Elects for partitions without a leader where unclean elections are allowed: their configuration may be new.
  Outcome<Progress> ElectUncleanLeaders() const;
  Outcome<protocol::AlterPartitionReassignmentsResponse> AlterPartitionReassignments(
      const protocol::AlterPartitionReassignmentsRequest& request) const;
  protocol::ListPartitionReassignmentsResponse ListPartitionReassignments(
      const protocol::ListPartitionReassignmentsRequest& request) const;

  Outcome<protocol::UpdateFeaturesResponse> UpdateFeatures(const protocol::UpdateFeaturesRequest& request,
                                                           int16_t version) const;
  Outcome<protocol::AlterClientQuotasResponse> AlterClientQuotas(
      const protocol::AlterClientQuotasRequest& request) const;

 private:
  NodeView node_view() const { return {options_.node_id, &options_.static_properties}; }
  DecisionView view() const { return {image(), node_view(), context_}; }
  MaybeFailure CheckEpoch(NodeId broker, BrokerEpoch epoch) const;

  ControllerOptions options_;
  Fold state_;
  base::Context& context_;
};

}  // namespace odradek::metadata
