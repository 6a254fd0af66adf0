// Questions to a replica that change nothing: may be appended, what may be read, where do epochs end, where to read.
#include <algorithm>
#include <tuple>

#include "engine/base/check.h"
#include "engine/replication/replica.h"

namespace odradek::replication {

ErrorCode Replica::CheckEpoch(LeaderEpoch current_leader_epoch) const {
  const auto* absent = std::get_if<Absent>(&role_);
  if (absent != nullptr && absent->error == ErrorCode::kKafkaStorageError) return absent->error;
  if (current_leader_epoch == kNoLeaderEpoch || current_leader_epoch == leader_epoch_) return ErrorCode::kNone;
  return current_leader_epoch < leader_epoch_ ? ErrorCode::kFencedLeaderEpoch : ErrorCode::kUnknownLeaderEpoch;
}

FetchAnswer Replica::Refuse(ErrorCode error) const {
  REQUIRES(error != ErrorCode::kNone);
  FetchAnswer answer;
  answer.error = error;
  const bool has_hint = error == ErrorCode::kNotLeaderOrFollower || error == ErrorCode::kFencedLeaderEpoch;
  if (has_hint) answer.hint = hint();
  return answer;
}

Admission Replica::MayAppend(Acks acks) const {
  if (const auto* absent = std::get_if<Absent>(&role_)) return {.error = absent->error, .hint = hint()};
  if (!leads()) return {.error = ErrorCode::kNotLeaderOrFollower, .hint = hint()};
  const bool is_enough = leading().isr.committed().size() >= effective_min_isr();
  if (acks == Acks::kAll && !is_enough) return {.error = ErrorCode::kNotEnoughReplicas, .hint = {}};
  INVARIANT(log_.latest_epoch() == leader_epoch_ || MUTATION(*context_, RP11));
  return {.error = ErrorCode::kNone, .hint = {}, .leader_epoch = leader_epoch_};
}

// Whether what was read up to this position is in our log, and the position inside it. Nothing is to be read yet.
FetchAnswer Replica::CheckPosition(const FetchPosition& position) const {
  const bool is_inside = position.fetch_offset >= log_.start() && position.fetch_offset <= log_.end();
  if (position.last_fetched_epoch >= LeaderEpoch(0)) {
    EpochEndOffset end = log_.EndOffsetFor(position.last_fetched_epoch);
    const bool has_other_epoch = !end.is_none() && end.epoch != position.last_fetched_epoch;
    if (has_other_epoch && MUTATION(*context_, RP10)) end.epoch = position.last_fetched_epoch;
    // Below the log start there is nothing to compare with (KAFKA-12996, BUG_ZOO RP48).
    const bool is_below = position.fetch_offset < log_.start() && !MUTATION(*context_, RP48);
    if (end.is_none() || is_below) return Refuse(ErrorCode::kOffsetOutOfRange);
    if (end.epoch < position.last_fetched_epoch || end.end_offset < position.fetch_offset) {
      FetchAnswer answer;
      answer.diverging = end;
      answer.read_from = answer.read_end = position.fetch_offset;
      answer.high_watermark = log_.high_watermark();
      answer.log_start = log_.start();
      return answer;
    }
  }
  if (!is_inside) return Refuse(ErrorCode::kOffsetOutOfRange);
  FetchAnswer answer;
  answer.high_watermark = log_.high_watermark();
  answer.log_start = log_.start();
  answer.read_from = answer.read_end = position.fetch_offset;
  return answer;
}

FetchAnswer Replica::AnswerTo(const FollowerFetch& fetch, const Surroundings& around) const {
  // The epoch first: a stale question gets an answer that says so, whoever asks (KAFKA-14078, BUG_ZOO RP49; KIP-320's
  // first try did without, RP17).
  const ErrorCode error = CheckEpoch(std::max(fetch.position.current_leader_epoch, kNoLeaderEpoch));
  if (!leads() && MUTATION(*context_, RP49)) return Refuse(ErrorCode::kUnknownLeaderEpoch);
  if (error != ErrorCode::kNone && !MUTATION(*context_, RP17)) return Refuse(error);
  if (!leads()) return Refuse(ErrorCode::kNotLeaderOrFollower);
  const Leader& leader = leading();
  if (!leader.followers.Has(fetch.replica)) {
    // In the right epoch it knows of an assignment that we have not heard of yet: it will ask again.
    const bool has_epoch = fetch.position.current_leader_epoch >= LeaderEpoch(0);
    return Refuse(has_epoch ? ErrorCode::kUnknownLeaderEpoch : ErrorCode::kNotLeaderOrFollower);
  }
  if (!leader.followers.IsCurrent(fetch.replica, fetch.broker_epoch, around.brokers)) {
    return Refuse(ErrorCode::kNotLeaderOrFollower);
  }
  FetchAnswer answer = CheckPosition(fetch.position);
  if (answer.error != ErrorCode::kNone || !answer.diverging.is_none()) return answer;
  INVARIANT(answer.read_from <= log_.end());
  // To throttle a member of the ISR would throw it out (KIP-73).
  const bool waits = fetch.throttle == Throttle::kYes && !leader.isr.Has(fetch.replica);
  answer.read_end = waits ? answer.read_from : log_.end();
  return answer;
}

FetchAnswer Replica::AnswerTo(const ConsumerFetch& fetch, const Surroundings& around) const {
  const FetchPosition& position = fetch.position;
  const ErrorCode error = CheckEpoch(std::max(position.current_leader_epoch, kNoLeaderEpoch));
  if (error != ErrorCode::kNone && !MUTATION(*context_, RP44)) return Refuse(error);
  const bool may_read = leads() || (role() == Role::kFollower && fetch.from == ConsumerFetch::From::kAnyReplica);
  if (!may_read) return Refuse(ErrorCode::kNotLeaderOrFollower);
  // What a follower has not got yet is not out of range: the consumer would start from the beginning (RP42).
  const bool is_ahead = position.fetch_offset > log_.end() || position.last_fetched_epoch > log_.latest_epoch();
  if (!leads() && is_ahead) {
    return Refuse(MUTATION(*context_, RP42) ? ErrorCode::kOffsetOutOfRange : ErrorCode::kOffsetNotAvailable);
  }
  FetchAnswer answer = CheckPosition(position);
  if (answer.error != ErrorCode::kNone || !answer.diverging.is_none()) return answer;
  answer.preferred_read_replica = leads() ? PreferredReadReplica(fetch, around) : kNoNode;
  if (answer.preferred_read_replica != kNoNode) return answer;
  answer.read_end = std::max(position.fetch_offset, log_.high_watermark());
  INVARIANT(answer.read_end <= log_.end());
  return answer;
}

// In the consumer's rack: this broker, or else of the live members of the ISR that have the offset the one that has
// most (KIP-392). One outside the ISR may never get there, and the consumer would be sent to it again and again
// (KAFKA-14372, RP43).
NodeId Replica::PreferredReadReplica(const ConsumerFetch& fetch, const Surroundings& around) const {
  REQUIRES(leads());
  const auto self = around.brokers.find(options_.self);
  if (fetch.rack.empty() || (self != around.brokers.end() && self->second.rack == fetch.rack)) return kNoNode;
  const Leader& leader = leading();
  const Offset offset = fetch.position.fetch_offset;
  std::tuple<Offset, MonoTime, NodeId> best{kNoOffset, MonoTime(), kNoNode};
  for (const auto& [replica, progress] : leader.followers.all()) {
    const auto broker = around.brokers.find(replica);
    if (broker == around.brokers.end() || broker->second.rack != fetch.rack) continue;
    const bool is_gone = broker->second.fenced || broker->second.in_controlled_shutdown;
    if ((is_gone || !leader.isr.Has(replica)) && !MUTATION(*context_, RP43)) continue;
    const std::optional<Offset> end = leader.followers.EndOf(replica, around.brokers);
    if (!end || *end < offset || progress.log_start < Offset(0) || progress.log_start > offset) continue;
    best = std::max(best, {*end, progress.caught_up_at.value_or(MonoTime()), replica});
  }
  INVARIANT(std::get<NodeId>(best) != options_.self);
  return std::get<NodeId>(best);
}

EpochEndAnswer Replica::AnswerTo(const EpochEndQuestion& question) const {
  const ErrorCode error = CheckEpoch(question.current_leader_epoch);
  if (error != ErrorCode::kNone) return {.error = error, .end = {}};
  if (!leads()) return {.error = ErrorCode::kNotLeaderOrFollower, .end = {}};
  return {.error = ErrorCode::kNone, .end = log_.EndOffsetFor(question.leader_epoch)};
}

ErrorCode Replica::MayTellLatest(Offset shown) const {
  if (const auto* absent = std::get_if<Absent>(&role_)) return absent->error;
  if (!leads()) return ErrorCode::kNotLeaderOrFollower;
  return shown < leading().epoch_start ? ErrorCode::kOffsetNotAvailable : ErrorCode::kNone;
}

}  // namespace odradek::replication
