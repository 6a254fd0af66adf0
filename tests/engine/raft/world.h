// A quorum under a network and disks that do as the test says: every step is chosen from outside, so that the same
// choices give the same run. The machines are real, everything else is a model. All effects are judged (checker.h).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/context.h"
#include "tests/engine/raft/checker.h"
#include "tests/engine/raft/node_model.h"

namespace odradek::raft {

class World {
 public:
  static constexpr size_t kNoCut = static_cast<size_t>(-1);

  explicit World(const WorldOptions& options) : options_(options) {
    std::vector<Voter> voters;
    for (int32_t id = 1; id <= options.voters; ++id) {
      const ReplicaKey key = options.is_dynamic ? KeyOf(id) : ReplicaKey{NodeId(id), Uuid()};
      voters.push_back(VoterOf(key));
    }
    const VoterSet set(std::move(voters));
    for (int32_t id = 1; id <= options.voters + options.observers; ++id) {
      NodeModel node;
      node.options.self = KeyOf(id);
      node.options.endpoints = EndpointsOf(NodeId(id));
      node.options.listener = "CONTROLLER";
      node.options.timeouts = options.timeouts;
      node.options.limits.snapshot_fetch_bytes_max = 2;
      if (!options.is_dynamic) node.options.static_voters = set;
      // A dynamic quorum begins with the snapshot that `format` wrote on every voter's disk.
      if (options.is_dynamic) node.disk.AddSnapshot({kBootstrapSnapshot, 0, set, kDynamicVoters, kSnapshotBytes});
      nodes_.push_back(std::move(node));
    }
    for (NodeModel& node : nodes_) Boot(node);
  }

  std::vector<NodeModel>& nodes() { return nodes_; }
  const std::vector<NodeModel>& nodes() const { return nodes_; }
  std::vector<Wire>& wires() { return wires_; }
  const std::vector<Wire>& wires() const { return wires_; }
  const Checker& checker() const { return checker_; }
  bool ok() const { return checker_.ok(); }
  NodeModel& Node(NodeId id) { return nodes_[static_cast<size_t>(id.value() - 1)]; }
  int64_t faults() const {
    int64_t faults = 0;
    for (const NodeModel& node : nodes_) faults += node.faults;
    return faults;
  }
  // For the message of a failure.
  std::string Text() const {
    std::string text;
    for (const NodeModel& node : nodes_) {
      text += fmt::format("\n  node {}: log [{}, {}) flushed {}", node.options.self.id.value(),
                          node.disk.start().value(), node.disk.end().value(), node.disk.flushed_end().value());
      if (!node.machine) continue;
      const Raft& raft = *node.machine;
      text += fmt::format(", {} epoch {} leader {} voted {} high watermark {}, voters", raft.role_name(),
                          raft.epoch().value(), raft.leader().value(), raft.election().voted.id.value(),
                          raft.high_watermark().value());
      for (const Voter& voter : raft.voters().voters().voters()) text += fmt::format(" {}", voter.key.id.value());
      if (raft.is_installing()) text += ", installing";
      if (raft.is_flushing()) text += ", flushing";
      if (const auto* follower = std::get_if<Follower>(&raft.role()); follower != nullptr && follower->download) {
        text += fmt::format(", fetches snapshot {}", follower->download->id.offset.value());
      }
      for (const auto& [id, peer] : raft.peers().all()) {
        text += fmt::format(", {} {}", peer.in_flight ? "asks" : "avoids", id.value());
      }
      text += fmt::format(", next deadline in {} ms", (raft.next_deadline() - node.now).millis());
    }
    return text;
  }
  // nullptr: nobody, or only somebody whose epoch is over.
  NodeModel* CurrentLeader() {
    NodeModel* leader = nullptr;
    for (NodeModel& node : nodes_) {
      if (!node.machine || !node.machine->is_leader()) continue;
      if (leader == nullptr || node.machine->epoch() > leader->machine->epoch()) leader = &node;
    }
    return leader;
  }

  // Takes a message from the network to where it goes. Down: it is lost.
  void Deliver(size_t index, size_t cut = kNoCut) {
    const Wire wire = wires_[index];
    Lose(index);
    NodeModel& node = Node(wire.to);
    if (!node.machine) return;
    if (wire.response) {
      if (wire.incarnation != node.incarnation) return;
      return Step(node, ResponseReceived{wire.id, *wire.response}, cut);
    }
    const RequestToken token(++node.tokens);
    node.asked.emplace(token, NodeModel::Asked{wire.from, wire.id, wire.incarnation, wire.request});
    Step(node, RequestReceived{token, wire.request}, cut);
  }
  void Lose(size_t index) { wires_.erase(wires_.begin() + static_cast<std::ptrdiff_t>(index)); }

  // Time goes on to the node's next deadline, if there is one.
  bool Wait(NodeModel& node, size_t cut = kNoCut) {
    if (!node.machine || node.machine->next_deadline() == MonoTime::Never()) return false;
    node.now = std::max(node.now, node.machine->next_deadline());
    Run(node, node.machine->Tick(node.now), cut);
    return true;
  }
  void Step(NodeModel& node, Event event, size_t cut = kNoCut) {
    Run(node, node.machine->Step({node.now, std::move(event)}), cut);
  }
  void FinishFlush(NodeModel& node, size_t cut = kNoCut) {
    const NodeModel::Flush flush = *std::exchange(node.flush, std::nullopt);
    node.disk.Flush(flush.end);
    Step(node, LogFlushed{flush.id}, cut);
  }
  void FinishInstall(NodeModel& node) {
    const SnapshotModel& snapshot = snapshots_.at(*node.install);
    node.disk.ReplaceBy(snapshot);
    node.flush.reset();
    InstalledSnapshot content{std::nullopt, snapshot.kraft_version};
    if (snapshot.kraft_version >= kDynamicVoters) content.voters = snapshot.voters;
    Step(node, SnapshotInstalled{*std::exchange(node.install, std::nullopt), content});
  }
  void Propose(NodeModel& node) {
    ByteBuffer value;
    AppendBigEndian<int64_t>(value, ++values_);
    Step(node, raft::Propose{RequestToken(0), node.machine->epoch(), {1}, std::move(value)});
  }
  void TakeSnapshot(NodeModel& node) {
    const Offset end = node.machine->high_watermark();
    const auto latest = node.machine->log().latest_snapshot();
    if (end == Offset(0) || (latest && latest->offset >= end) || node.install) return;
    const VoterHistory& voters = node.machine->voters();
    const SnapshotModel snapshot{{*node.machine->log().EpochBefore(end), end},
                                 node.disk.PrefixAt(end),
                                 voters.VotersAt(end),
                                 voters.KraftVersionAt(end),
                                 kSnapshotBytes};
    checker_.OnSnapshot(node.view(), snapshot);
    snapshots_.emplace(snapshot.id, snapshot);
    node.disk.AddSnapshot(snapshot);
    Step(node, SnapshotTaken{snapshot.id, kSnapshotBytes});
  }
  void Trim(NodeModel& node) {
    const auto latest = node.machine->log().latest_snapshot();
    if (latest) Step(node, TrimLog{*latest});
  }
  // An administrator's request; the answer is dropped.
  void Ask(NodeModel& node, Request request) {
    const RequestToken token(++node.tokens);
    Step(node, RequestReceived{token, std::move(request)});
  }

  void Crash(NodeModel& node, int64_t kept = 0) {
    node.disk.Crash(kept);
    node.machine.reset();
    node.flush.reset();
    node.install.reset();
    node.asked.clear();
    ++node.incarnation;
    checker_.OnCrash(node.options.self);
  }
  void Boot(NodeModel& node) {
    node.options.draw_seed = base::KeyedDraw(options_.seed, 0, 0, static_cast<uint64_t>(node.incarnation));
    node.machine.emplace(Raft::Start{node.options, node.disk.Facts(), node.disk.Voters(node.options.static_voters),
                                     node.quorum_state, node.now},
                         context_);
  }

 private:
  // Carries out the effects; with a cut, the node dies behind the first `cut` of them.
  void Run(NodeModel& node, Output output, size_t cut) {
    for (size_t i = 0; i < output.effects.size() && ok(); ++i) {
      if (i == cut) return Crash(node);
      std::visit([&](auto& effect) { Do(node, effect); }, output.effects[i]);
    }
  }

  void Do(NodeModel& node, PersistQuorumState& effect) {
    checker_.OnPersist(node.view(), effect.state);
    const auto again = DecodeQuorumState(EncodeQuorumState(effect.state));
    INVARIANT(again.ok() && *again == effect.state);
    node.quorum_state = effect.state;
  }
  void Do(NodeModel& node, AppendBatches& effect) {
    const Offset from = node.disk.end();
    AppendTo(node.disk, effect.batches);
    checker_.OnAppended(node.view(), from);
  }
  void Do(NodeModel& node, AppendProposal& effect) {
    REQUIRES(effect.base_offset == node.disk.end());
    node.disk.Append({effect.epoch, LoadBigEndian<int64_t>(effect.bytes.data()), std::nullopt, std::nullopt});
    checker_.OnAppended(node.view(), effect.base_offset);
  }
  void Do(NodeModel& node, AppendControl& effect) {
    REQUIRES(effect.base_offset == node.disk.end());
    if (effect.leader_change) node.disk.Append({effect.epoch, 0, std::nullopt, std::nullopt});
    if (effect.kraft_version) node.disk.Append({effect.epoch, 0, std::nullopt, effect.kraft_version});
    if (effect.voters) {
      const VoterHistory before = node.disk.Voters(node.options.static_voters);
      checker_.OnVotersAppended(node.view(), before, *effect.voters);
      node.disk.Append({effect.epoch, 0, effect.voters, std::nullopt});
    }
    checker_.OnAppended(node.view(), effect.base_offset);
  }
  void Do(NodeModel& node, TruncateLog& effect) {
    checker_.OnTruncate(node.view(), effect.end);
    node.disk.Truncate(effect.end);
    if (node.flush) node.flush->end = std::min(node.flush->end, effect.end);
  }
  void Do(NodeModel& node, FlushLog& effect) { node.flush = NodeModel::Flush{effect.id, node.disk.end()}; }
  void Do(NodeModel& node, SendRequest& effect) {
    checker_.OnRequest(node.view(), effect.request);
    wires_.push_back({node.options.self.id, NodeId(effect.at.port), effect.id, node.incarnation, effect.request});
  }
  void Do(NodeModel& node, SendResponse& effect) {
    const auto at = node.asked.find(effect.token);
    if (at == node.asked.end()) return;  // an administrator's
    const NodeModel::Asked asked = at->second;
    node.asked.erase(at);
    if (auto* fetched = std::get_if<FetchResponse>(&effect.response)) {
      const Offset end = std::min(fetched->read_end, fetched->read_from + options_.entries_per_fetch);
      fetched->batches = ToBatches(node.disk, fetched->read_from, end);
    }
    if (auto* piece = std::get_if<FetchSnapshotResponse>(&effect.response)) {
      piece->bytes.resize(static_cast<size_t>(piece->read_bytes));
    }
    checker_.OnResponse(node.view(), asked.request, effect.response);
    wires_.push_back({node.options.self.id, asked.from, asked.id, asked.incarnation, asked.request, effect.response});
  }
  void Do(NodeModel&, AnswerProposal&) {}
  void Do(NodeModel& node, AdvanceHighWatermark& effect) {
    std::vector<ReplicaView> views;
    for (const NodeModel& other : nodes_) views.push_back(other.view());
    checker_.OnCommit(node.view(), effect.high_watermark, views);
  }
  void Do(NodeModel& node, AnnounceLeader& effect) { checker_.OnLeader(node.view(), effect); }
  void Do(NodeModel&, WriteSnapshot&) {}
  void Do(NodeModel& node, InstallSnapshot& effect) { node.install = effect.id; }
  void Do(NodeModel& node, DeleteLogPrefix& effect) { node.disk.DropPrefix(effect.snapshot.offset); }
  void Do(NodeModel& node, Fault&) { ++node.faults; }

  WorldOptions options_;
  std::vector<NodeModel> nodes_;
  std::vector<Wire> wires_;
  std::map<SnapshotId, SnapshotModel> snapshots_;
  base::NullContext context_;
  Checker checker_;
  int64_t values_ = 0;
};

}  // namespace odradek::raft
