// What a replica does that follows, or looks for somebody to follow; and what happens to snapshots.
#include <algorithm>
#include <utility>

#include "engine/base/check.h"
#include "engine/raft/raft.h"

namespace odradek::raft {

void Raft::OnFetched(NodeId from, const FetchResponse& response) {
  auto* follower = std::get_if<Follower>(&role_);
  if (follower == nullptr) return;
  // A bootstrap server is not known by id; what it gives it can only give as the leader.
  if (from > kNoNode && from != election_.leader) return;
  if (response.diverging) {
    Truncate(*response.diverging);
  } else if (response.snapshot) {
    const bool is_numeric = response.snapshot->epoch >= LeaderEpoch(0) && response.snapshot->offset > Offset(0);
    if (is_numeric && log_.Precedes(*response.snapshot) && response.snapshot->offset >= high_watermark_) {
      follower->download = Download{*response.snapshot, 0};
    }
  } else if (AppendFetched(response.batches)) {
    RaiseHighWatermark(std::min(response.high_watermark.value_or(Offset(0)), log_.end()));
  }
  follower->has_fetched = true;
  follower->fetch_until = now_ + options_.timeouts.fetch;
}

void Raft::Truncate(const OffsetAndEpoch& diverging) {
  const Offset to = log_.TruncationFor(diverging);
  INVARIANT(to >= log_.start());
  if (to < high_watermark_) {
    output_.effects.push_back(Fault{"the leader asks to truncate below the high watermark"});
    return;
  }
  if (to >= log_.end()) return;
  log_.TruncateTo(to);
  voters_.TruncateTo(to);
  if (flushing_) flushing_->end = std::min(flushing_->end, to);
  output_.effects.push_back(TruncateLog{to});
}

// False: the batches do not continue our log, and nothing was appended.
bool Raft::AppendFetched(const Batches& batches) {
  Offset end = log_.end();
  LeaderEpoch epoch = log_.last_epoch();
  for (const BatchFacts& batch : batches.facts) {
    const bool continues = batch.base_offset == end && batch.end_offset > end && batch.epoch >= epoch;
    if (!continues || batch.epoch > election_.epoch) return false;
    const auto is_inside = [&batch](Offset offset) { return offset >= batch.base_offset && offset < batch.end_offset; };
    if (batch.voters && !is_inside(batch.voters_offset)) return false;
    if (batch.kraft_version && !is_inside(batch.kraft_version_offset)) return false;
    end = batch.end_offset;
    epoch = batch.epoch;
  }
  if (batches.facts.empty()) return true;
  for (const BatchFacts& batch : batches.facts) {
    log_.Append(batch.epoch, batch.end_offset);
    if (batch.kraft_version) voters_.AddKraftVersion(batch.kraft_version_offset, *batch.kraft_version);
    if (batch.voters) voters_.AddVoters(batch.voters_offset, *batch.voters);
  }
  INVARIANT(log_.end() == end);
  output_.effects.push_back(AppendBatches{batches});
  RequestFlush();
  return true;
}

void Raft::OnSnapshotPiece(NodeId from, const FetchSnapshotResponse& response) {
  auto* follower = std::get_if<Follower>(&role_);
  if (follower == nullptr || !follower->download || from != election_.leader) return;
  Download& download = *follower->download;
  follower->has_fetched = true;
  follower->fetch_until = now_ + options_.timeouts.fetch;
  const int64_t end = response.position_bytes + static_cast<int64_t>(response.bytes.size());
  const bool continues = response.snapshot == download.id && response.position_bytes == download.position_bytes;
  if (!continues || response.bytes.empty() || end > response.size_bytes) {
    follower->download.reset();
    return;
  }
  output_.effects.push_back(WriteSnapshot{download.id, download.position_bytes, response.bytes});
  download.position_bytes = end;
  if (end < response.size_bytes) return;
  installing_ = SnapshotFacts{download.id, response.size_bytes};
  follower->download.reset();
  output_.effects.push_back(InstallSnapshot{installing_->id});
}

void Raft::OnInstalled(const SnapshotInstalled& installed) {
  REQUIRES(installing_ && installing_->id == installed.id);
  INVARIANT(!is_leader());
  const SnapshotFacts snapshot = *std::exchange(installing_, std::nullopt);
  if (!installed.content) return;
  log_.ResetTo(snapshot);
  flushing_.reset();
  voters_.Clear();
  const Offset last = snapshot.id.offset - 1;
  voters_.AddKraftVersion(last, installed.content->kraft_version);
  if (installed.content->voters) voters_.AddVoters(last, *installed.content->voters);
  RaiseHighWatermark(snapshot.id.offset);
}

void Raft::OnSnapshotTaken(const SnapshotTaken& taken) {
  REQUIRES(taken.id.offset <= high_watermark_);
  // A snapshot of the leader may have overtaken it.
  const std::optional<SnapshotId> latest = log_.latest_snapshot();
  if (latest && latest->offset >= taken.id.offset) return;
  if (log_.EpochBefore(taken.id.offset) != taken.id.epoch) return;
  log_.AddSnapshot({taken.id, taken.size_bytes});
}

void Raft::OnTrim(const TrimLog& trim) {
  if (log_.FindSnapshot(trim.snapshot) == nullptr || trim.snapshot.offset < log_.start()) return;
  INVARIANT(trim.snapshot.offset <= high_watermark_);
  log_.TrimTo(trim.snapshot);
  voters_.TrimTo(trim.snapshot.offset);
  output_.effects.push_back(DeleteLogPrefix{trim.snapshot});
}

void Raft::RaiseHighWatermark(Offset to) {
  INVARIANT(to <= log_.end());
  if (to <= high_watermark_) return;
  high_watermark_ = to;
  output_.effects.push_back(AdvanceHighWatermark{to});
}

FetchRequest Raft::MakeFetch() const {
  // What is fetched past is counted as being on our disk.
  REQUIRES(log_.flushed_end() == log_.end());
  return {.epoch = election_.epoch,
          .replica = options_.self,
          .offset = log_.end(),
          .last_epoch = log_.last_epoch(),
          .high_watermark = high_watermark_,
          .wait_max = options_.timeouts.fetch_wait_max,
          .bytes_max = options_.limits.fetch_bytes_max};
}

bool Raft::NeedsVoterUpdate() const {
  const Voter* voter = voters_.voters().Find(options_.self.id);
  if (!voters_.is_dynamic() || voter == nullptr || !Matches(voter->key, options_.self)) return false;
  return *voter != Voter{options_.self, options_.endpoints, options_.kraft_versions};
}

void Raft::PollFollower() {
  if (now_ >= std::get<Follower>(role_).fetch_until && may_campaign()) {
    BecomeProspective();
    return;
  }
  // One question at a time: two answers would both want to continue the same log.
  if (peers_.any_in_flight() || installing_ || log_.flushed_end() != log_.end()) return;
  auto& follower = std::get<Follower>(role_);
  const bool is_overdue = now_ >= follower.fetch_until && !is_voter();
  if (is_overdue || !peers_.IsReady(election_.leader)) {
    // Is there another leader? If nobody knows of one, this one is given as long again.
    if (is_overdue) follower.fetch_until = now_ + options_.timeouts.fetch;
    AskBootstrap();
    if (peers_.any_in_flight() || !peers_.IsReady(election_.leader)) return;
  }
  if (now_ >= follower.update_voter_at) {
    follower.update_voter_at = now_ + options_.timeouts.fetch;
    if (NeedsVoterUpdate()) {
      Send(election_.leader, leader_endpoints_,
           UpdateVoterRequest{election_.epoch, {options_.self, options_.endpoints, options_.kraft_versions}});
      return;
    }
  }
  if (!follower.download) {
    Send(election_.leader, leader_endpoints_, MakeFetch());
    return;
  }
  Send(election_.leader, leader_endpoints_,
       FetchSnapshotRequest{.epoch = election_.epoch,
                            .replica = options_.self,
                            .snapshot = follower.download->id,
                            .position_bytes = follower.download->position_bytes,
                            .bytes_max = options_.limits.snapshot_fetch_bytes_max});
}

void Raft::PollUnattached() {
  if (now_ >= std::get<Unattached>(role_).election_at && may_campaign()) {
    BecomeProspective();
    return;
  }
  if (peers_.any_in_flight() || installing_ || log_.flushed_end() != log_.end()) return;
  AskBootstrap();
}

// Anybody may know the leader: the answer to a fetch names it, or is the leader's own.
void Raft::AskBootstrap() {
  struct Candidate {
    NodeId id;
    Endpoints at;
  };
  std::vector<Candidate> candidates;
  int32_t id = kNoNode.value();
  for (const Endpoint& server : options_.bootstrap_servers) candidates.push_back({NodeId(--id), {server}});
  if (candidates.empty()) {
    for (const Voter& voter : voters_.voters().voters()) {
      if (voter.key.id != options_.self.id) candidates.push_back({voter.key.id, voter.endpoints});
    }
  }
  for (size_t i = 0; i < candidates.size(); ++i) {
    const Candidate& candidate = candidates[counters_.bootstrap++ % candidates.size()];
    if (!peers_.IsReady(candidate.id)) continue;
    Send(candidate.id, candidate.at, MakeFetch());
    return;
  }
}

}  // namespace odradek::raft
