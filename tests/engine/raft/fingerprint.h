// One number for all of a world that decides what can still happen in it, so that an exploration knows where it has
// been. Times count relative to the node's clock; ids of requests only as "is waited for"; the order of messages not at
// all.
#pragma once

#include <cstdint>

#include "engine/base/prng.h"
#include "tests/engine/raft/world.h"

namespace odradek::raft {

class Hasher {
 public:
  void Add(uint64_t value) { hash_ = base::Mix64(hash_ ^ value); }
  template <typename Tag, typename Rep>
  void Add(base::Strong<Tag, Rep> value) {
    Add(static_cast<uint64_t>(value.value()));
  }
  void Add(Offset value) { Add(static_cast<uint64_t>(value.value())); }
  void Add(Duration value) { Add(static_cast<uint64_t>(value.nanos())); }
  void Add(const ReplicaKey& key) {
    Add(key.id);
    Add(key.directory_id.low);
  }
  void Add(const OffsetAndEpoch& at) {
    Add(at.offset);
    Add(at.epoch);
  }
  void Add(const VoterSet& voters) {
    for (const Voter& voter : voters.voters()) Add(voter.key);
  }
  template <typename T>
  void Add(const std::optional<T>& value) {
    Add(static_cast<uint64_t>(value.has_value()));
    if (value) Add(*value);
  }
  uint64_t value() const { return hash_; }

 private:
  uint64_t hash_ = 0;
};

inline void AddRequest(Hasher& out, const Request& request) {
  out.Add(request.index());
  if (const auto* vote = std::get_if<VoteRequest>(&request)) {
    out.Add(vote->epoch);
    out.Add(vote->candidate);
    out.Add(vote->log_end);
    out.Add(static_cast<uint64_t>(vote->pre_vote));
  } else if (const auto* begin = std::get_if<BeginQuorumEpochRequest>(&request)) {
    out.Add(begin->epoch);
  } else if (const auto* end = std::get_if<EndQuorumEpochRequest>(&request)) {
    out.Add(end->epoch);
    for (const ReplicaKey& successor : end->successors) out.Add(successor);
  } else if (const auto* fetch = std::get_if<FetchRequest>(&request)) {
    out.Add(fetch->epoch);
    out.Add(fetch->replica);
    out.Add(fetch->offset);
    out.Add(fetch->last_epoch);
    out.Add(fetch->high_watermark);
  } else if (const auto* piece = std::get_if<FetchSnapshotRequest>(&request)) {
    out.Add(piece->epoch);
    out.Add(piece->snapshot);
    out.Add(static_cast<uint64_t>(piece->position_bytes));
  }
}

inline void AddResponse(Hasher& out, const Response& response) {
  out.Add(response.index());
  std::visit(
      [&out](const auto& answer) {
        if constexpr (requires { answer.standing; }) {
          out.Add(static_cast<uint64_t>(answer.standing.error));
          out.Add(answer.standing.epoch);
          out.Add(answer.standing.leader);
        }
      },
      response);
  if (const auto* vote = std::get_if<VoteResponse>(&response)) out.Add(static_cast<uint64_t>(vote->granted));
  if (const auto* fetch = std::get_if<FetchResponse>(&response)) {
    out.Add(fetch->high_watermark);
    out.Add(fetch->diverging);
    out.Add(fetch->snapshot);
    for (const BatchFacts& batch : fetch->batches.facts) {
      out.Add(batch.base_offset);
      out.Add(batch.epoch);
    }
    for (const std::byte byte : fetch->batches.bytes) out.Add(static_cast<uint64_t>(byte));
  }
  if (const auto* piece = std::get_if<FetchSnapshotResponse>(&response)) {
    out.Add(piece->snapshot);
    out.Add(static_cast<uint64_t>(piece->position_bytes));
  }
}

inline bool IsAwaited(const NodeModel& asker, RequestId id, int64_t incarnation) {
  if (!asker.machine || asker.incarnation != incarnation) return false;
  for (const auto& [peer, state] : asker.machine->peers().all()) {
    if (state.in_flight == id) return true;
  }
  return false;
}

inline void AddLeader(Hasher& out, const NodeModel& node, const Leader& leader, const World& world) {
  out.Add(leader.epoch_start());
  out.Add(leader.high_watermark());
  out.Add(leader.next_reminder() - node.now);
  out.Add(leader.CheckQuorumDeadline(node.machine->voters().voters()) - node.now);
  for (const NodeId id : leader.fetched_voters()) out.Add(id);
  for (const auto& [replica, progress] : leader.progress()) {
    out.Add(replica);
    out.Add(progress.end);
    if (progress.fetched_at) out.Add(node.now - *progress.fetched_at);
  }
  uint64_t waiting = 0;  // in any order
  for (const WaitingFetch& fetch : leader.waiting()) {
    Hasher one;
    AddRequest(one, fetch.request);
    one.Add(fetch.until - node.now);
    const NodeModel::Asked& asked = node.asked.at(fetch.token);
    const NodeModel& asker = world.nodes()[static_cast<size_t>(asked.from.value() - 1)];
    one.Add(static_cast<uint64_t>(IsAwaited(asker, asked.id, asked.incarnation)));
    waiting += one.value();
  }
  out.Add(waiting);
  if (leader.voter_change()) out.Add(leader.voter_change()->record_offset);
}

inline void AddRole(Hasher& out, const NodeModel& node, const World& world) {
  const Role& role = node.machine->role();
  out.Add(role.index());
  if (const auto* unattached = std::get_if<Unattached>(&role)) out.Add(unattached->election_at - node.now);
  const auto add_tally = [&](const Tally& tally) {
    for (const NodeModel& other : world.nodes()) out.Add(static_cast<uint64_t>(tally.IsOpen(other.options.self.id)));
    for (const NodeId id : tally.granting()) out.Add(id);
  };
  if (const auto* prospective = std::get_if<Prospective>(&role)) {
    out.Add(prospective->until - node.now);
    add_tally(prospective->tally);
  }
  if (const auto* candidate = std::get_if<Candidate>(&role)) {
    // How long it backs off is drawn, and it has no other deadline.
    out.Add(static_cast<uint64_t>(candidate->backoff_until.has_value()));
    add_tally(candidate->tally);
  }
  if (const auto* follower = std::get_if<Follower>(&role)) {
    out.Add(follower->fetch_until - node.now);
    out.Add(static_cast<uint64_t>(follower->has_fetched));
    if (follower->download) out.Add(follower->download->id);
  }
  if (const auto* leader = std::get_if<Leader>(&role)) AddLeader(out, node, *leader, world);
  if (const auto* resigned = std::get_if<Resigned>(&role)) {
    out.Add(resigned->until - node.now);
    for (const NodeId id : resigned->unacknowledged) out.Add(id);
  }
}

inline void AddNode(Hasher& out, const NodeModel& node, const World& world) {
  out.Add(node.disk.start());
  out.Add(node.disk.flushed_end());
  out.Add(node.disk.PrefixAt(node.disk.end()));
  out.Add(node.disk.end());
  out.Add(node.quorum_state ? static_cast<uint64_t>(node.quorum_state->voted_id.value() + 2) : 0);
  if (node.flush) out.Add(node.flush->end);
  out.Add(static_cast<uint64_t>(node.install.has_value()));
  if (!node.machine) return;
  const Raft& raft = *node.machine;
  out.Add(raft.epoch());
  out.Add(raft.leader());
  out.Add(raft.election().voted);
  out.Add(raft.high_watermark());
  out.Add(raft.voters().voters());
  for (const auto& [peer, state] : raft.peers().all()) {
    out.Add(peer);
    out.Add(static_cast<uint64_t>(state.in_flight.has_value()));
    out.Add(state.until - node.now);
  }
  AddRole(out, node, world);
}

inline uint64_t Fingerprint(const World& world) {
  Hasher out;
  for (const NodeModel& node : world.nodes()) AddNode(out, node, world);
  uint64_t wires = 0;
  for (const Wire& wire : world.wires()) {
    Hasher one;
    one.Add(wire.from);
    one.Add(wire.to);
    AddRequest(one, wire.request);
    if (wire.response) AddResponse(one, *wire.response);
    const NodeId asker = wire.response ? wire.to : wire.from;
    const NodeModel& node = world.nodes()[static_cast<size_t>(asker.value() - 1)];
    one.Add(static_cast<uint64_t>(IsAwaited(node, wire.id, wire.incarnation)));
    wires += one.value();
  }
  out.Add(wires);
  out.Add(world.checker().Fingerprint());
  return out.value();
}

}  // namespace odradek::raft
