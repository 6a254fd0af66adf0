#include "engine/raft/peers.h"

#include <algorithm>

#include "engine/base/check.h"

namespace odradek::raft {

bool Peers::IsBackingOff(NodeId peer) const {
  const auto at = peers_.find(peer);
  return at != peers_.end() && !at->second.in_flight;
}

bool Peers::any_in_flight() const {
  return std::ranges::any_of(peers_, [](const auto& entry) { return entry.second.in_flight.has_value(); });
}

RequestId Peers::Begin(NodeId peer, MonoTime now) {
  REQUIRES(IsReady(peer));
  const RequestId id = next_id_;
  next_id_ = RequestId(id.value() + 1);
  peers_.emplace(peer, Peer{id, now + waits_.request});
  INVARIANT(!IsReady(peer));
  return id;
}

std::map<NodeId, Peers::Peer>::iterator Peers::Find(RequestId id) {
  return std::ranges::find_if(peers_, [id](const auto& entry) { return entry.second.in_flight == id; });
}

std::optional<NodeId> Peers::Finish(RequestId id) {
  const auto at = Find(id);
  if (at == peers_.end()) return std::nullopt;
  const NodeId peer = at->first;
  peers_.erase(at);
  return peer;
}

std::optional<NodeId> Peers::Fail(RequestId id, MonoTime now) {
  const auto at = Find(id);
  if (at == peers_.end()) return std::nullopt;
  at->second = {.in_flight = std::nullopt, .until = now + waits_.backoff};
  return at->first;
}

void Peers::Advance(MonoTime now) {
  for (auto at = peers_.begin(); at != peers_.end();) {
    const bool due = at->second.until <= now;
    if (due && at->second.in_flight) {
      at->second = {.in_flight = std::nullopt, .until = now + waits_.backoff};
      ++at;
    } else {
      at = due ? peers_.erase(at) : std::next(at);
    }
  }
}

MonoTime Peers::next_deadline() const {
  MonoTime next = MonoTime::Never();
  for (const auto& [id, peer] : peers_) next = std::min(next, peer.until);
  return next;
}

}  // namespace odradek::raft
