// What a follower does: asks, truncates where its log and the leader's part, appends what continues its own.
#include <algorithm>

#include "engine/base/check.h"
#include "engine/replication/replica.h"

namespace odradek::replication {

std::optional<Question> Replica::NextQuestion(MonoTime now) const {
  const auto* follower = std::get_if<Follower>(&role_);
  if (follower == nullptr || follower->leader == kNoNode || now < follower->not_before) return std::nullopt;
  switch (follower->phase) {
    case Follower::Phase::kTruncating:
      return EpochEndQuestion{leader_epoch_, log_.latest_epoch()};
    case Follower::Phase::kFetching:
      // Always the epoch of the log, whatever was fetched last: an empty answer must not let the leader skip the
      // comparison (KAFKA-15510, BUG_ZOO RP16).
      return FetchPosition{leader_epoch_, log_.end(), log_.latest_epoch(), log_.start()};
    case Follower::Phase::kLocating:
      return OffsetsQuestion{leader_epoch_, log_.end()};
    case Follower::Phase::kFenced:
      return std::nullopt;
  }
  return std::nullopt;
}

bool Replica::is_in_sync_follower() const {
  const auto* follower = std::get_if<Follower>(&role_);
  return follower != nullptr && follower->lag && *follower->lag <= 0;
}

void Replica::BackOff(MonoTime now) {
  auto* follower = std::get_if<Follower>(&role_);
  INVARIANT(follower != nullptr);
  follower->not_before = now + options_.replica_fetch_backoff;
}

void Replica::OnFetched(const Fetched& fetched, MonoTime now) {
  const auto* follower = std::get_if<Follower>(&role_);
  if (follower == nullptr || follower->phase != Follower::Phase::kFetching) return;
  // KIP-966's checks: the answer is to what we would ask now. Otherwise the log, or the leader, is another since.
  const bool is_asked_now =
      fetched.asked == FetchPosition{leader_epoch_, log_.end(), log_.latest_epoch(), fetched.asked.log_start};
  if (!is_asked_now && !MUTATION(*context_, RP24)) return;
  if (fetched.error != ErrorCode::kNone) return OnRefusal(fetched.error, now);
  if (!fetched.diverging.is_none()) return OnDiverging(fetched.diverging, fetched.asked.last_fetched_epoch, now);
  AppendFetchedBatches(fetched, now);
}

void Replica::OnRefusal(ErrorCode error, MonoTime now) {
  auto& follower = std::get<Follower>(role_);
  REQUIRES(error != ErrorCode::kNone);
  if (error == ErrorCode::kOffsetOutOfRange && follower.phase == Follower::Phase::kFetching) {
    follower.phase = Follower::Phase::kLocating;
  } else if (error == ErrorCode::kFencedLeaderEpoch) {
    follower.phase = Follower::Phase::kFenced;
  } else {
    BackOff(now);
  }
}

void Replica::OnDiverging(const EpochEndOffset& diverging, LeaderEpoch asked, MonoTime now) {
  if (diverging.epoch < LeaderEpoch(0) || diverging.epoch > asked) {
    Say(ReportTrouble{Trouble::kDivergesInLaterEpoch});
    return BackOff(now);
  }
  const LeaderEpoch before = log_.latest_epoch();
  const Offset end = log_.end();
  Truncate(log_.TruncationFor(diverging).end);
  // The leader says that we differ, and we find no place where: the same question would get the same answer.
  if (log_.end() == end && log_.latest_epoch() == before) BackOff(now);
}

void Replica::Truncate(Offset end) {
  REQUIRES(end >= log_.start());
  REQUIRES(end <= log_.end());
  if (end == log_.end() && MUTATION(*context_, RP13)) return;
  const bool is_below = end < log_.high_watermark();
  log_.TruncateTo(end);
  Say(TruncateLog{end});
  if (is_below) Say(ReportTrouble{Trouble::kTruncatesBelowHighWatermark});
}

void Replica::Restart(Offset start) {
  log_.RestartAt(start);
  Say(RestartLog{start});
  INVARIANT(log_.is_empty());
}

// Whether the batches follow our log and each other. Gaps are none of our business: compaction leaves them.
bool Replica::IsContinuation(const std::vector<FetchedBatch>& batches) const {
  Offset end = log_.end();
  LeaderEpoch epoch = log_.latest_epoch();
  for (const FetchedBatch& batch : batches) {
    // The leader's log may begin inside a batch, and it gives whole ones (SEMANTICS 38).
    const bool is_cut = &batch == &batches.front() && log_.is_empty() && batch.base_offset >= Offset(0);
    if (batch.base_offset < end && !is_cut) return false;
    if (batch.next_offset <= batch.base_offset || batch.next_offset <= end) return false;
    if (batch.epoch < epoch || batch.epoch < LeaderEpoch(0) || batch.epoch > leader_epoch_) return false;
    end = batch.next_offset;
    epoch = batch.epoch;
  }
  return true;
}

void Replica::AppendFetchedBatches(const Fetched& fetched, MonoTime now) {
  if (!IsContinuation(fetched.batches)) {
    Say(ReportTrouble{Trouble::kFetchedOutOfOrder});
    return BackOff(now);
  }
  const bool is_cut = !fetched.batches.empty() && fetched.batches.front().base_offset < log_.end();
  if (is_cut) Restart(fetched.batches.front().base_offset);
  TakeOverLogStart(fetched);
  for (const FetchedBatch& batch : fetched.batches) log_.Append(batch.epoch, batch.base_offset, batch.next_offset);
  if (!fetched.batches.empty()) Say(AppendFetched{fetched.batches.size(), log_.end()});
  TakeOverLogStart(fetched);
  if (log_.RaiseHighWatermark(fetched.high_watermark)) Say(AdvanceHighWatermark{log_.high_watermark()});
  auto& follower = std::get<Follower>(role_);
  follower.lag = std::max<int64_t>(0, fetched.high_watermark - log_.end());
  follower.not_before = MonoTime();
}

// What is below the leader's log start was committed and is deleted. What we have there cannot be compared any more,
// and may be something else: it goes before the high watermark passes it.
void Replica::TakeOverLogStart(const Fetched& fetched) {
  const Offset start = std::min({fetched.log_start, fetched.high_watermark, log_.end()});
  if (start <= log_.start()) return;
  log_.RaiseStart(start);
  Say(RaiseLogStart{start});
  INVARIANT(log_.high_watermark() >= start);
}

void Replica::OnEpochEndAnswered(const EpochEndAnswered& answer, MonoTime now) {
  auto* follower = std::get_if<Follower>(&role_);
  if (follower == nullptr || follower->phase != Follower::Phase::kTruncating) return;
  if (answer.asked != EpochEndQuestion{leader_epoch_, log_.latest_epoch()}) return;
  if (answer.error != ErrorCode::kNone) return OnRefusal(answer.error, now);
  const EpochEndOffset& end = answer.end;
  if (end.epoch > answer.asked.leader_epoch) {
    Say(ReportTrouble{Trouble::kDivergesInLaterEpoch});
    return BackOff(now);
  }
  LogFacts::TruncationPoint point;
  if (end.is_none()) {
    // The leader knows no epochs at all: what was known before there were any is all that is left.
    point.end = log_.high_watermark();
  } else if (end.epoch == kNoLeaderEpoch) {
    // Version 0 does not say of which epoch (BUG_ZOO RP10).
    point.end = std::clamp(end.end_offset, log_.start(), log_.end());
  } else {
    point = log_.TruncationFor(end);
  }
  INVARIANT(point.end <= log_.end());
  Truncate(point.end);
  const bool is_done = point.is_final || log_.latest_epoch() == kNoLeaderEpoch;
  follower->phase = is_done ? Follower::Phase::kFetching : Follower::Phase::kTruncating;
}

void Replica::OnOffsetsAnswered(const OffsetsAnswered& answer, MonoTime now) {
  auto* follower = std::get_if<Follower>(&role_);
  if (follower == nullptr || follower->phase != Follower::Phase::kLocating) return;
  if (answer.asked != OffsetsQuestion{leader_epoch_, log_.end()}) return;
  if (answer.error != ErrorCode::kNone) return OnRefusal(answer.error, now);
  if (answer.log_start < Offset(0) || answer.log_end < answer.log_start) return BackOff(now);
  follower->phase = Follower::Phase::kFetching;
  if (answer.log_end < log_.end() && MUTATION(*context_, RP27)) {
    Restart(answer.log_start);
  } else if (answer.log_end < log_.start()) {
    Restart(answer.log_end);
  } else if (answer.log_end < log_.end()) {
    // Only what is too much goes: the rest may be the leader's as well (KAFKA-2143, BUG_ZOO RP27).
    Truncate(answer.log_end);
  } else if (answer.log_start > log_.end()) {
    Restart(answer.log_start);
  } else {
    BackOff(now);
  }
  INVARIANT(log_.high_watermark() <= log_.end());
}

}  // namespace odradek::replication
