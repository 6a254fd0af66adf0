// Carries what leaders propose about their ISRs to the active controller (KIP-497, KIP-903): all of a node in one
// request, one request at a time, so that those of one leader arrive in the order in which they were made. Lives on
// shard 0.
//
//  1. Until Stop(), every proposal is answered once: by the controller, or with why there was no answer.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/uuid.h"
#include "engine/broker/controller.h"
#include "engine/env/env.h"
#include "engine/fiber/sync.h"
#include "engine/protocol/generated/alter_partition.h"
#include "engine/replication/steps.h"

namespace odradek::broker {

struct IsrProposal {
  ShardId shard;
  TopicPartition name;
  TopicId topic_id;
  replication::SendAlterPartition change;
};

class AlterPartitionManager {
 public:
  // Takes an answer to where the proposal came from.
  using Deliver = std::function<void(IsrProposal, replication::AlterPartitionAnswered)>;
  // `controller` outlives Run().
  AlterPartitionManager(env::Env& env, Controller& controller, Deliver deliver)
      : env_(env), controller_(controller), deliver_(std::move(deliver)) {}

  void Add(IsrProposal proposal);
  // Until Stop().
  void Run(fiber::Fiber& self);
  // Returns when nothing is under way. REQUIRES: Run() was called.
  void Stop(fiber::Fiber& self);

 private:
  protocol::AlterPartitionRequest RequestOf(const std::vector<IsrProposal>& proposals) const;
  void Send(fiber::Fiber& self, std::vector<IsrProposal> proposals);

  env::Env& env_;
  Controller& controller_;
  const Deliver deliver_;
  std::vector<IsrProposal> waiting_;
  fiber::WaitQueue changed_;
  bool stopping_ = false;
  fiber::Event ended_;
};

}  // namespace odradek::broker
