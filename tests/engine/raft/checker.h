// What must hold of a quorum, judged from outside while it runs (PROPERTIES K1–K14). It sees every effect when it is
// carried out and the disks at that moment, and keeps a naive model of the whole quorum: one committed log, who led
// which epoch, who voted for whom. The first thing that is false is kept as text.
#pragma once

#include <fmt/format.h>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/prng.h"
#include "tests/engine/raft/disk_model.h"

namespace odradek::raft {

// A replica as the checker sees it.
struct ReplicaView {
  ReplicaKey key;
  const DiskModel* disk = nullptr;
  const std::optional<QuorumState>* quorum_state = nullptr;
  const Raft* machine = nullptr;  // nullptr: down
};

class Checker {
 public:
  const std::string& violation() const { return violation_; }
  bool ok() const { return violation_.empty(); }
  int64_t committed_end() const { return static_cast<int64_t>(committed_.size()); }
  int64_t leaders() const { return static_cast<int64_t>(leaders_.size()); }

  void OnPersist(const ReplicaView& replica, const QuorumState& state) {
    const LeaderEpoch before = *replica.quorum_state ? (*replica.quorum_state)->leader_epoch : LeaderEpoch(0);
    Check(state.leader_epoch >= before, "K5: persisted epoch falls", replica);
    // An epoch begins with a candidate, or with a leader that leaves its own; never with a pre-vote (KIP-996).
    const bool is_left = *replica.quorum_state && (*replica.quorum_state)->leader_id == replica.key.id;
    const bool is_known = state.leader_epoch <= std::max(newest_epoch_, LeaderEpoch(0));
    Check(is_known || is_left || state.voted_id == replica.key.id, "K5: an epoch without a candidate", replica);
    newest_epoch_ = std::max(newest_epoch_, state.leader_epoch);
    if (state.voted_id == kNoNode) return;
    RecordVote(replica, state.leader_epoch, {state.voted_id, state.voted_directory_id});
  }

  void OnRequest(const ReplicaView& replica, const Request& request) {
    std::visit(
        [&](const auto& r) {
          if constexpr (requires { r.epoch; }) CheckSaid(replica, r.epoch);
        },
        request);
    const auto* fetch = std::get_if<FetchRequest>(&request);
    if (fetch != nullptr)
      Check(fetch->offset <= replica.disk->flushed_end(), "K7: fetches past what it flushed", replica);
  }

  void OnResponse(const ReplicaView& replica, const Request& request, const Response& response) {
    std::visit(
        [&](const auto& r) {
          if constexpr (requires { r.standing; }) CheckSaid(replica, r.standing.epoch);
        },
        response);
    const auto* asked = std::get_if<VoteRequest>(&request);
    const auto* vote = std::get_if<VoteResponse>(&response);
    if (asked != nullptr && vote != nullptr && vote->granted && !asked->pre_vote) {
      const bool on_disk = *replica.quorum_state && (*replica.quorum_state)->voted_id == asked->candidate.id &&
                           (*replica.quorum_state)->leader_epoch == asked->epoch;
      Check(on_disk, "K6: vote answered before it is on disk", replica);
    }
    const auto* fetch = std::get_if<FetchResponse>(&response);
    if (fetch != nullptr && fetch->high_watermark && replica.machine != nullptr && replica.machine->is_leader()) {
      const auto& leader = std::get<Leader>(replica.machine->role());
      Check(*fetch->high_watermark > leader.epoch_start(), "K9: exposes a high watermark of an older epoch", replica);
    }
  }

  void OnLeader(const ReplicaView& replica, const AnnounceLeader& said) {
    if (!said.epoch_start) return;
    const auto [at, is_new] = leaders_.emplace(said.epoch, replica.key);
    Check(is_new || at->second == replica.key, "K1: two leaders in one epoch", replica);
    const VoterSet& voters = replica.machine->voters().voters();
    size_t granted = 0;
    for (const Voter& voter : voters.voters()) {
      const auto vote = votes_.find({said.epoch, voter.key.id});
      if (vote != votes_.end() && vote->second.second.id == replica.key.id) ++granted;
    }
    Check(granted >= voters.majority(), "K14: leads without the votes of a majority", replica);
    CheckRange(replica, 0, committed_end(), "K3: leader lacks what is committed");
  }

  void OnAppended(const ReplicaView& replica, Offset from) {
    const DiskModel& disk = *replica.disk;
    for (Offset at = std::max(from, disk.start()); at < disk.end(); ++at) {
      const LeaderEpoch before = at > disk.start() ? disk.At(at - 1).epoch : disk.Facts().EpochBefore(at).value();
      const auto [known, is_new] =
          written_.emplace(std::pair(at, disk.At(at).epoch), std::pair(disk.At(at).value, before));
      const bool same = known->second == std::pair(disk.At(at).value, before);
      Check(same, "K2: one offset and epoch, two records or two prefixes", replica);
    }
  }

  void OnVotersAppended(const ReplicaView& replica, const VoterHistory& history, const VoterSet& after) {
    const VoterSet& before = history.voters();
    size_t common = 0;
    for (const Voter& voter : after.voters()) common += before.Has(voter.key) ? 1 : 0;
    const bool by_one = common + 1 >= before.size() && common + 1 >= after.size();
    Check(by_one && (common == before.size() || common == after.size()), "K12: more than one voter changed", replica);
    if (common == before.size() && common == after.size()) return;
    const auto* leader = std::get_if<Leader>(&replica.machine->role());
    const bool is_settled = history.voters_offset().value_or(kNoOffset).value() < committed_end();
    Check(is_settled, "K12: a change of the voters before the last one is committed", replica);
    Check(leader == nullptr || leader->high_watermark(), "K12: a change before the epoch's own commit", replica);
  }

  void OnTruncate(const ReplicaView& replica, Offset to) {
    Check(to >= high_watermarks_[replica.key], "K11: truncates below its high watermark", replica);
  }

  void OnCommit(const ReplicaView& replica, Offset high_watermark, const std::vector<ReplicaView>& all) {
    Offset& own = high_watermarks_[replica.key];
    Check(high_watermark >= own, "K8: a high watermark falls", replica);
    const int64_t before = std::exchange(own, high_watermark).value();
    // A leader that is removed by what it commits has resigned when we hear of it.
    const bool leads = replica.machine->leader() == replica.key.id;
    if (leads) CheckMajorityHas(replica, high_watermark, all);
    Check(leads || high_watermark.value() <= committed_end(), "K4: follower commits what no leader did", replica);
    if (!ok()) return;
    if (leads) {
      for (int64_t at = committed_end(); at < high_watermark.value(); ++at) {
        const Entry& entry = replica.disk->At(Offset(at));
        prefixes_.push_back(FoldEntry(prefixes_.back(), entry));
        committed_.push_back(entry);
      }
    }
    CheckRange(replica, before, high_watermark.value(), "K4: two replicas commit different records");
  }

  // A machine that starts again has forgotten its high watermark.
  void OnCrash(const ReplicaKey& key) { high_watermarks_.erase(key); }

  void OnSnapshot(const ReplicaView& replica, const SnapshotModel& snapshot) {
    Check(snapshot.id.offset.value() <= committed_end(), "K10: snapshot of what is not committed", replica);
    if (ok()) Check(prefixes_[Index(snapshot.id.offset)] == snapshot.prefix, "K10: snapshot of another log", replica);
  }

  uint64_t Prefix(Offset end) const { return prefixes_[Index(end)]; }

  void Check(bool holds, std::string_view what, const ReplicaView& replica) {
    if (!holds && ok()) violation_ = fmt::format("{} (node {})", what, replica.key.id.value());
  }

  // Of what decides later judgements.
  uint64_t Fingerprint() const {
    uint64_t hash = prefixes_.back() ^ committed_.size();
    for (const auto& [key, vote] : votes_) {
      hash = base::Mix64(hash ^ static_cast<uint64_t>(key.first.value() * 64 + key.second.value()));
      hash = base::Mix64(hash ^ static_cast<uint64_t>(vote.second.id.value()));
    }
    for (const auto& [epoch, key] : leaders_) {
      hash = base::Mix64(hash ^ static_cast<uint64_t>(epoch.value() * 64 + key.id.value()));
    }
    return hash;
  }

 private:
  static size_t Index(Offset offset) { return static_cast<size_t>(offset.value()); }

  void CheckSaid(const ReplicaView& replica, LeaderEpoch epoch) {
    const LeaderEpoch on_disk = *replica.quorum_state ? (*replica.quorum_state)->leader_epoch : LeaderEpoch(0);
    Check(epoch <= on_disk, "K5: says an epoch before it is on disk", replica);
  }

  void RecordVote(const ReplicaView& voter, LeaderEpoch epoch, const ReplicaKey& candidate) {
    const auto [at, is_new] = votes_.emplace(std::pair(epoch, voter.key.id), std::pair(voter.key, candidate));
    const bool same = is_new || at->second.first != voter.key || at->second.second.id == candidate.id;
    Check(same, "K6: two votes in one epoch", voter);
  }

  void CheckRange(const ReplicaView& replica, int64_t from, int64_t end, std::string_view what) {
    const DiskModel& disk = *replica.disk;
    Check(disk.end() >= Offset(end), what, replica);
    if (!ok()) return;
    if (disk.start() > Offset(0)) {
      const bool known = disk.start().value() <= committed_end();
      Check(known && disk.snapshots().begin()->second.prefix == prefixes_[Index(disk.start())], what, replica);
    }
    for (Offset at = std::max(disk.start(), Offset(from)); at < Offset(end) && ok(); ++at) {
      Check(disk.At(at) == committed_[Index(at)], what, replica);
    }
  }

  void CheckMajorityHas(const ReplicaView& leader, Offset end, const std::vector<ReplicaView>& all) {
    const VoterSet& voters = leader.machine->voters().voters();
    const Entry& last = leader.disk->At(end - 1);
    size_t have = 0;
    for (const ReplicaView& other : all) {
      if (!voters.Has(other.key) || other.disk->flushed_end() < end) continue;
      const bool in_snapshot = other.disk->start() >= end;
      if (in_snapshot || other.disk->At(end - 1).epoch == last.epoch) ++have;
    }
    Check(have >= voters.majority(), "K7: committed without a majority that has it on disk", leader);
    Check(last.epoch == leader.machine->epoch(), "K7: commits a record of an older epoch by itself", leader);
  }

  std::string violation_;
  LeaderEpoch newest_epoch_{0};
  std::vector<Entry> committed_;
  std::vector<uint64_t> prefixes_{0};
  std::map<LeaderEpoch, ReplicaKey> leaders_;
  std::map<std::pair<LeaderEpoch, NodeId>, std::pair<ReplicaKey, ReplicaKey>> votes_;  // who voted for whom
  std::map<std::pair<Offset, LeaderEpoch>, std::pair<int64_t, LeaderEpoch>> written_;  // value, epoch before
  std::map<ReplicaKey, Offset> high_watermarks_;
};

}  // namespace odradek::raft
