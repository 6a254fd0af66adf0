// The controller of this node. While its replica leads the quorum it is the active one: it decides with the pure
// machine, has the decision committed, and only then answers. Everywhere else it follows: what is committed is folded
// and published to the node's shards. Lives on shard 0.
//
//  1. The machine's state is the fold of what is committed and nothing else. Decisions are taken one at a time, and the
//     next one begins when the last one is committed and folded, or this controller is deposed.
//  2. Nobody hears of a record that is not committed.
//  3. A deposed controller's decision that was not committed is answered with NOT_CONTROLLER: the next one may commit
//     it or not.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/broker/controller_link.h"
#include "engine/broker/metadata_view.h"
#include "engine/broker/quorum.h"
#include "engine/broker/quorum_log.h"
#include "engine/env/env.h"
#include "engine/fiber/sync.h"
#include "engine/metadata/controller.h"
#include "engine/protocol/generated/allocate_producer_ids.h"
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

namespace odradek::broker {

// What the controller needs of the node's broker.
struct BrokerHooks {
  using Assignments = std::vector<metadata::DirectoryAssignment>;
  // Hands a committed view to whoever acts on it; returns when they have. What comes back: partitions that the broker
  // keeps in other log directories than the view says.
  std::function<Assignments(fiber::Fiber&, std::shared_ptr<const MetadataView>)> publish;
  // Replicas that are in no directory any more, by what was published last.
  std::function<Assignments(fiber::Fiber&)> find_lost;
};

struct ControllerStart {
  // Directory ids: of the metadata log's, and of those that take partitions and are online.
  Uuid metadata_dir;
  std::vector<Uuid> log_dirs;
  // QuorumLog::Identity
  std::string partition_folder;
  // What clients are told, by listener.
  std::vector<config::Endpoint> advertised;
  // Where the quorum reaches this node.
  raft::Endpoints quorum_endpoints;
};

struct AllocatedProducerId {
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  ProducerId id = kNoProducerId;
};

// A decision's answer, or why there is none: kRequestTimedOut (nothing was decided), kNotController.
template <typename Response>
struct Decided {
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  std::optional<Response> response = std::nullopt;
};

class Controller {
 public:
  // Opens the metadata log. Nothing runs before Start().
  static absl::StatusOr<std::unique_ptr<Controller>> Open(fiber::Fiber& self, env::Env& env, storage::LogManager& logs,
                                                          const NodeOptions& options, const ControllerStart& start,
                                                          BrokerHooks broker);
  // Joins the quorum. REQUIRES: this outlives every fiber that it spawns: Stop() is called, or they are killed first.
  void JoinQuorum(const ControllerStart& start);

  // --- The node as a broker.
  // False: it was not in `patience`.
  bool WaitUntilApplied(fiber::Fiber& self, Offset offset);
  // Until the quorum has another leader or commits something, for at most `patience`.
  void AwaitNews(fiber::Fiber& self, Duration patience) {
    if (!stopping_) quorum_->changed().WaitUntil(self, self.Now() + patience);
  }
  // Until then nothing is published: an older view would begin leaderships anew. Returns when the first view is.
  void PublishFromNowOn(fiber::Fiber& self);
  const metadata::Image& image() const { return machine_->image(); }
  // All below is in image().
  Offset applied_end() const { return applied_.offset; }
  // Asks the active controller, be it this node or another one.
  template <typename Response, typename Request>
  ControllerLink::Answer<Response> AskActive(fiber::Fiber& self, const Request& request) {
    Decided<Response> decided = Decide(self, request, Request::kMaxVersion);
    if (decided.response) return {.response = *std::move(decided.response)};
    if (decided.error != protocol::ErrorCode::kNotController) return {.error = decided.error};
    return link_->Ask<Response>(self, request, Request::kMaxVersion, kAskPatience);
  }
  // For people: why the active controller that this node is refused a registration last.
  const std::string& last_registration_problem() const { return last_registration_problem_; }

  // --- Decisions of the active controller. kNotController: this node is none.
  // Of brokers. `version` is the request's.
  Decided<protocol::BrokerRegistrationResponse> Decide(fiber::Fiber& self,
                                                       const protocol::BrokerRegistrationRequest& request,
                                                       int16_t version);
  Decided<protocol::BrokerHeartbeatResponse> Decide(fiber::Fiber& self, const protocol::BrokerHeartbeatRequest& request,
                                                    int16_t version);
  Decided<protocol::AllocateProducerIdsResponse> Decide(fiber::Fiber& self,
                                                        const protocol::AllocateProducerIdsRequest& request,
                                                        int16_t version);
  Decided<protocol::AssignReplicasToDirsResponse> Decide(fiber::Fiber& self,
                                                         const protocol::AssignReplicasToDirsRequest& request,
                                                         int16_t version);
  Decided<protocol::AlterPartitionResponse> Decide(fiber::Fiber& self, const protocol::AlterPartitionRequest& request,
                                                   int16_t version);
  // kRequestTimedOut: other requests took until timeout_ms had passed. What was begun is finished, however long it
  // takes (as in Kafka's QuorumController).
  Decided<protocol::CreateTopicsResponse> CreateTopics(fiber::Fiber& self,
                                                       const protocol::CreateTopicsRequest& request);
  Decided<protocol::DeleteTopicsResponse> DeleteTopics(fiber::Fiber& self, const protocol::DeleteTopicsRequest& request,
                                                       int16_t version);
  Decided<protocol::CreatePartitionsResponse> CreatePartitions(fiber::Fiber& self,
                                                               const protocol::CreatePartitionsRequest& request);
  Decided<protocol::IncrementalAlterConfigsResponse> IncrementalAlterConfigs(
      fiber::Fiber& self, const protocol::IncrementalAlterConfigsRequest& request);
  Decided<protocol::AlterConfigsResponse> AlterConfigs(fiber::Fiber& self,
                                                       const protocol::AlterConfigsRequest& request);
  // Of the cluster: kRequestTimedOut as above.
  Decided<protocol::ElectLeadersResponse> Decide(fiber::Fiber& self, const protocol::ElectLeadersRequest& request,
                                                 int16_t version);
  Decided<protocol::AlterPartitionReassignmentsResponse> Decide(
      fiber::Fiber& self, const protocol::AlterPartitionReassignmentsRequest& request, int16_t version);
  Decided<protocol::ListPartitionReassignmentsResponse> Decide(
      fiber::Fiber& self, const protocol::ListPartitionReassignmentsRequest& request, int16_t version);
  Decided<protocol::UnregisterBrokerResponse> Decide(fiber::Fiber& self,
                                                     const protocol::UnregisterBrokerRequest& request, int16_t version);
  // The next id of the node's block; takes a new block when it is used up.
  AllocatedProducerId AllocateProducerId(fiber::Fiber& self);

  // Ends all that it runs; a leader hands over.
  void Stop(fiber::Fiber& self);

  // Who the active controller tells apart from an earlier process of this node.
  void SetBrokerEpoch(BrokerEpoch epoch) { broker_epoch_ = epoch; }
  BrokerEpoch broker_epoch() const { return broker_epoch_; }
  NodeId node_id() const { return options_.config.node_id; }
  bool has_quorum() const { return quorum_ != nullptr; }
  Quorum& quorum() { return *quorum_; }
  ControllerLink& link() { return *link_; }

 private:
  // Decisions belong to an epoch in which this node leads.
  using Decider = LeaderEpoch;
  // How long an answer of another controller is waited for, and a registration to come back through the log.
  static constexpr Duration kAskPatience = Duration::Seconds(5);

  Controller(env::Env& env, const NodeOptions& options, std::unique_ptr<QuorumLog> log, BrokerHooks broker);

  static raft::VoterSet StaticVoters(const NodeOptions& options, const ControllerStart& start);
  static raft::Options QuorumOptions(const NodeOptions& options, const ControllerStart& start);

  // What is committed is folded and published, until the end.
  void RunApplier(fiber::Fiber& self);
  void ApplyTo(fiber::Fiber& self, Offset end);
  // The machine begins anew from this state.
  void ReplaceState(MetadataFold state);
  absl::Status Apply(const metadata::Record& record);
  void TellCreated();
  void Publish(fiber::Fiber& self);

  // The epoch in which this node leads and knows all that was committed before. nullopt: it may not decide.
  std::optional<Decider> active() const;
  // Becomes the active controller if it can be. REQUIRES: deciding_ is held.
  std::optional<Decider> Activate(fiber::Fiber& self);
  // Appends the records and waits until they are committed, folded and published. False: this node was deposed.
  // REQUIRES: deciding_ is held.
  bool Commit(fiber::Fiber& self, Decider decider, std::vector<metadata::Record> records);
  // REQUIRES: deciding_ is held.
  template <typename Decision>
  auto DecideAndCommit(fiber::Fiber& self, Decision decide);
  template <typename Request, typename Decision>
  auto DecideInTime(fiber::Fiber& self, const Request& request, Decision decide);

  void RunMaintenance(fiber::Fiber& self);
  void FenceExpired(fiber::Fiber& self);
  // Those that nobody asks for, when they are due.
  void HoldElections(fiber::Fiber& self);
  template <typename Decision>
  void DecideInPieces(fiber::Fiber& self, Decision decide);
  // Of the node's replicas, those that went offline; TellKept() says so.
  void NoteLost(fiber::Fiber& self);
  // Tells the active controller where partitions are kept that are not where it thinks.
  void TellKept(fiber::Fiber& self);
  // REQUIRES: deciding_ is held.
  void AssignKept(fiber::Fiber& self, Decider decider);
  bool IsSnapshotDue() const;
  void TakeSnapshot(fiber::Fiber& self);
  // What retention says of the log and its snapshots.
  void TrimLog(const raft::SnapshotId& newest);
  void Must(fiber::Fiber& self, const absl::Status& status);

  env::Env& env_;
  const NodeOptions& options_;
  const std::unique_ptr<QuorumLog> log_;
  const BrokerHooks broker_;
  std::unique_ptr<Quorum> quorum_;
  std::unique_ptr<ControllerLink> link_;
  metadata::Heartbeats heartbeats_;
  std::string last_registration_problem_;
  std::optional<metadata::Controller> machine_;
  // Everything below is in the machine; its bytes are those since the last snapshot.
  LogPosition applied_;
  // Everything below was published, or changes nothing that is.
  Offset published_{0};
  // Of the log as the start found it; of use when all of that is known to be committed.
  std::optional<MetadataFold> start_fold_;
  // In it; a process that died before it folded their deletion told nobody.
  std::vector<QuorumLog::Found::Deleted> deleted_before_;
  fiber::WaitQueue applied_changed_;
  bool changed_since_published_ = true;
  bool publishes_ = false;  // not before the broker is registered: an older view would begin leaderships anew
  bool has_published_ = false;
  std::vector<protocol::TopicRecord> created_;
  std::vector<metadata::DirectoryAssignment> kept_elsewhere_;
  MonoTime last_snapshot_;
  MonoTime oldest_snapshot_;

  std::optional<Decider> activated_;
  MonoTime last_balance_;
  MonoTime last_unclean_elections_;
  BrokerEpoch broker_epoch_{-1};
  ProducerId next_producer_id_{0};
  ProducerId producer_ids_end_{0};
  fiber::Mutex deciding_;
  fiber::Mutex allocating_;
  int32_t running_ = 0;  // fibers of this
  bool stopping_ = false;
  fiber::WaitQueue stop_;
  fiber::WaitQueue ended_;
};

}  // namespace odradek::broker
