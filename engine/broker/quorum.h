// This node's replica of the metadata quorum: runs the machine of engine/raft. It carries requests of others to it,
// carries out what it says, strictly in order, and tells the node who leads and how far the log is committed. A quorum
// of one is a quorum. Lives on shard 0.
//
//  1. Effects are carried out one at a time in the order in which the machine said them; nothing is answered or sent
//     before what stands in front of it is on disk.
//  2. A disk that fails ends the node (Process::Fatal), and so does a peer that says what cannot be: the replica could
//     not tell what it promised.
//  3. high_watermark() never falls.
//
// Source: engine/raft/README.md "How a shell runs it".
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/broker/options.h"
#include "engine/broker/quorum_log.h"
#include "engine/env/env.h"
#include "engine/fiber/sync.h"
#include "engine/net/client_connection.h"
#include "engine/raft/raft.h"
#include "engine/raft/wire.h"

namespace odradek::broker {

class Quorum {
 public:
  struct Start {
    raft::Options options;
    raft::Identity identity;
    QuorumLog::Found found;
  };
  // `log` outlives this. Nothing happens before Run().
  Quorum(env::Env& env, QuorumLog& log, Start start);
  ~Quorum();
  Quorum(const Quorum&) = delete;
  Quorum& operator=(const Quorum&) = delete;

  // Until Stop().
  void Run(fiber::Fiber& self);
  // A leader hands over, for at most `patience`; then Run() ends. REQUIRES: Run() was called.
  void Stop(fiber::Fiber& self, Duration patience);

  // What a replica or an administrator asks this one. Suspends until the machine has answered.
  raft::Response Ask(fiber::Fiber& self, raft::Request request);

  // Who leads. `epoch_start` has a value while this node does: it may decide when all below and at it is committed.
  struct Leadership {
    LeaderEpoch epoch{0};
    NodeId leader = kNoNode;
    std::optional<Offset> epoch_start;
  };
  const Leadership& leadership() const { return leadership_; }
  // Where the leader's controller is reached; nullopt: not known, or it is this node.
  std::optional<env::Address> leader_address() const;
  Offset high_watermark() const { return high_watermark_; }
  const raft::Identity& identity() const { return identity_; }
  const raft::Raft& machine() const { return machine_; }
  // What stood below it when this was started stands there still.
  Offset kept_since_start() const { return kept_since_start_; }
  // Leadership or high watermark changed.
  fiber::WaitQueue& changed() { return changed_; }

  // Appends batches of these record counts if this node leads in `epoch`; appended is not committed. nullopt: it does
  // not, and nothing was appended.
  struct Batches {
    std::vector<int32_t> record_counts;
    ByteBuffer bytes;
  };
  struct Appended {
    Offset base_offset;
    Offset end;
  };
  std::optional<Appended> Propose(fiber::Fiber& self, LeaderEpoch epoch, Batches batches);
  // Gives leadership away if it is still that of `epoch`.
  void Resign(LeaderEpoch epoch) { Step(raft::Resign{epoch}); }
  void SnapshotTaken(const raft::SnapshotId& id, int64_t size_bytes) { Step(raft::SnapshotTaken{id, size_bytes}); }
  void TrimLog(const raft::SnapshotId& id) { Step(raft::TrimLog{id}); }

 private:
  template <typename T>
  struct Waiter {
    std::optional<T> answer;
    fiber::WaitQueue changed;
  };
  struct Peer {
    std::shared_ptr<net::ClientConnection> connection;
    env::Address address;
  };

  void Step(raft::Event event);
  void Take(raft::Output output);
  void RunEffects(fiber::Fiber& self);
  void RunTimer(fiber::Fiber& self);
  // Ends the node if the status is an error.
  void Must(fiber::Fiber& self, const absl::Status& status);

  void Do(fiber::Fiber& self, raft::PersistQuorumState& effect);
  void Do(fiber::Fiber& self, raft::AppendBatches& effect);
  void Do(fiber::Fiber& self, raft::AppendProposal& effect);
  void Do(fiber::Fiber& self, raft::AppendControl& effect);
  void Do(fiber::Fiber& self, raft::TruncateLog& effect);
  void Do(fiber::Fiber& self, raft::FlushLog& effect);
  void Do(fiber::Fiber& self, raft::SendRequest& effect);
  void Do(fiber::Fiber& self, raft::SendResponse& effect);
  void Do(fiber::Fiber& self, raft::AnswerProposal& effect);
  void Do(fiber::Fiber& self, raft::AdvanceHighWatermark& effect);
  void Do(fiber::Fiber& self, raft::AnnounceLeader& effect);
  void Do(fiber::Fiber& self, raft::WriteSnapshot& effect);
  void Do(fiber::Fiber& self, raft::InstallSnapshot& effect);
  void Do(fiber::Fiber& self, raft::DeleteLogPrefix& effect);
  void Do(fiber::Fiber& self, raft::Fault& effect);

  // quorum_peers.cc: what we ask others.
  void SendTo(fiber::Fiber& self, const raft::SendRequest& request);
  std::shared_ptr<net::ClientConnection> ConnectTo(fiber::Fiber& self, NodeId peer, const env::Address& address,
                                                   raft::Failure& failure);
  raft::Event Call(fiber::Fiber& self, net::ClientConnection& connection, const raft::SendRequest& request);
  template <typename Response, typename Request>
  raft::Event CallAs(fiber::Fiber& self, net::ClientConnection& connection, const Request& request, raft::RequestId id,
                     int16_t version_min);

  env::Env& env_;
  QuorumLog& log_;
  const raft::Identity identity_;
  raft::Raft machine_;
  Leadership leadership_;
  Offset high_watermark_;
  Offset kept_since_start_;
  fiber::WaitQueue changed_;

  std::deque<raft::Effect> effects_;
  fiber::WaitQueue effects_changed_;
  fiber::WaitQueue timer_changed_;
  int64_t last_token_ = 0;
  std::map<raft::RequestToken, Waiter<raft::Response>*> asked_;
  std::map<raft::RequestToken, Waiter<raft::AnswerProposal>*> proposed_;
  std::map<NodeId, Peer> peers_;
  fiber::TaskGroup* tasks_ = nullptr;     // of Run(): what writes
  fiber::TaskGroup* requests_ = nullptr;  // of Run(): what waits for others
  bool stopping_ = false;
  fiber::Event ended_;
};

}  // namespace odradek::broker
