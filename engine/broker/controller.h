// The active controller of a quorum of one: decides with the pure machine, makes the decision durable, publishes it,
// and only then answers. Lives on shard 0.
//
//  1. Decisions are taken one at a time; each sees all before it.
//  2. Nobody hears of a record that is not durable.
//  3. A metadata log that cannot be written ends the node (Process::Fatal): it could not tell what it decided.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/broker/metadata_log.h"
#include "engine/broker/metadata_view.h"
#include "engine/env/env.h"
#include "engine/fiber/sync.h"
#include "engine/metadata/controller.h"
#include "engine/protocol/generated/alter_configs.h"
#include "engine/protocol/generated/create_partitions.h"
#include "engine/protocol/generated/create_topics.h"
#include "engine/protocol/generated/delete_topics.h"
#include "engine/protocol/generated/incremental_alter_configs.h"

namespace odradek::broker {

// Hands a committed view to whoever acts on it; returns when they have. What comes back: partitions that the broker
// keeps in other log directories than the view says.
using PublishView =
    std::function<std::vector<metadata::DirectoryAssignment>(fiber::Fiber&, std::shared_ptr<const MetadataView>)>;

struct ControllerStart {
  // Directory ids: of the metadata log's, and of those that take partitions and are online.
  Uuid metadata_dir;
  std::vector<Uuid> log_dirs;
  // MetadataLog::Identity
  std::string partition_folder;
  // What clients are told, by listener.
  std::vector<config::Endpoint> advertised;
};

struct AllocatedProducerId {
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  ProducerId id = kNoProducerId;
};

class Controller {
 public:
  // Replays the log, begins an epoch, registers and unfences this node's broker, and publishes the first view.
  static absl::StatusOr<std::unique_ptr<Controller>> Open(fiber::Fiber& self, env::Env& env, storage::LogManager& logs,
                                                          const NodeOptions& options, const ControllerStart& start,
                                                          PublishView publish);

  // nullopt: other requests took until timeout_ms had passed; nothing was decided. What was begun is finished, however
  // long it takes (as in Kafka's QuorumController).
  std::optional<protocol::CreateTopicsResponse> CreateTopics(fiber::Fiber& self,
                                                             const protocol::CreateTopicsRequest& request);
  std::optional<protocol::DeleteTopicsResponse> DeleteTopics(fiber::Fiber& self,
                                                             const protocol::DeleteTopicsRequest& request,
                                                             int16_t version);
  std::optional<protocol::CreatePartitionsResponse> CreatePartitions(fiber::Fiber& self,
                                                                     const protocol::CreatePartitionsRequest& request);
  protocol::IncrementalAlterConfigsResponse IncrementalAlterConfigs(
      fiber::Fiber& self, const protocol::IncrementalAlterConfigsRequest& request);
  protocol::AlterConfigsResponse AlterConfigs(fiber::Fiber& self, const protocol::AlterConfigsRequest& request);
  // The next id of the node's block; takes a new block when it is used up.
  AllocatedProducerId AllocateProducerId(fiber::Fiber& self);

  // Starts no-op records and snapshots; Stop ends them.
  void StartMaintenance();
  void Stop(fiber::Fiber& self);

  BrokerEpoch broker_epoch() const { return broker_epoch_; }

 private:
  Controller(env::Env& env, const NodeOptions& options, std::unique_ptr<MetadataLog> log, PublishView publish);

  absl::Status Begin(fiber::Fiber& self, const ControllerStart& start);
  // Appends, syncs and folds the records. REQUIRES: deciding_ is held.
  void Commit(fiber::Fiber& self, std::vector<metadata::Record> records);
  // REQUIRES: deciding_ is held.
  void Publish(fiber::Fiber& self);
  std::shared_ptr<const MetadataView> MakeView() const;
  // REQUIRES: deciding_ is held.
  template <typename Decide>
  auto DecideAndCommit(fiber::Fiber& self, Decide decide);
  // nullopt: not begun within the request's timeout.
  template <typename Request, typename Decide>
  auto DecideInTime(fiber::Fiber& self, const Request& request, Decide decide);
  void RunMaintenance(fiber::Fiber& self);

  env::Env& env_;
  const NodeOptions& options_;
  const std::unique_ptr<MetadataLog> log_;
  const PublishView publish_;
  metadata::Controller machine_;
  BrokerEpoch broker_epoch_{-1};
  ProducerId next_producer_id_{0};
  ProducerId producer_ids_end_{0};
  fiber::Mutex deciding_;
  bool maintenance_started_ = false;
  fiber::Event stop_;
  fiber::Event maintenance_ended_;
};

}  // namespace odradek::broker
