// Who may be asked now: at most one request is under way to each peer, and after a failure the next one waits a little.
// Knows requests by id, not what they say. Owned by the machine; nothing suspends.
//
//  1. An answer is expected if and only if it belongs to the last request to its peer and that has neither been
//  answered,
//     nor failed, nor timed out, nor been forgotten by Reset(). Every change of epoch or role resets: what was asked in
//     another state must not be taken for an answer to this one.
#pragma once

#include <map>
#include <optional>

#include "engine/base/ids.h"
#include "engine/base/time.h"
#include "engine/raft/steps.h"

namespace odradek::raft {

class Peers {
 public:
  struct Waits {
    Duration request;
    Duration backoff;
  };
  explicit Peers(const Waits& waits) : waits_(waits) {}

  bool IsReady(NodeId peer) const { return !peers_.contains(peer); }
  bool IsBackingOff(NodeId peer) const;
  bool any_in_flight() const;

  // REQUIRES: ready.
  RequestId Begin(NodeId peer, MonoTime now);
  // The peer that was asked. nullopt: not expected, do nothing.
  std::optional<NodeId> Finish(RequestId id);
  // The same, and the peer is left alone for a while.
  std::optional<NodeId> Fail(RequestId id, MonoTime now);
  void Reset() { peers_.clear(); }

  // Times out what is due. REQUIRES: time does not go back.
  void Advance(MonoTime now);
  MonoTime next_deadline() const;

  friend bool operator==(const Peers& a, const Peers& b) { return a.peers_ == b.peers_; }

  struct Peer {
    std::optional<RequestId> in_flight;
    MonoTime until;  // times out, or is ready again
    friend bool operator==(const Peer&, const Peer&) = default;
  };
  const std::map<NodeId, Peer>& all() const { return peers_; }

 private:
  std::map<NodeId, Peer>::iterator Find(RequestId id);

  Waits waits_;
  std::map<NodeId, Peer> peers_;  // those that are not ready
  RequestId next_id_{1};
};

}  // namespace odradek::raft
