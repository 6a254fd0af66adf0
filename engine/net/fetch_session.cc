#include "engine/net/fetch_session.h"

#include <algorithm>
#include <limits>

#include "engine/base/check.h"

namespace odradek::net {

FetchSession::Plan FetchSession::Next(const Partitions& wanted) {
  Plan plan{.session_id = session_id_, .session_epoch = next_epoch_, .send = {}, .forget = {}};
  if (next_epoch_ == kFirstEpoch) {
    plan.send.assign(wanted.begin(), wanted.end());
    partitions_ = wanted;
    return plan;
  }
  plan.kind = Kind::kIncremental;
  for (const auto& [tp, before] : partitions_) {
    const auto now = wanted.find(tp);
    // A topic that was made anew is another topic to the broker.
    const bool is_gone = now == wanted.end() || now->second.topic_id != before.topic_id;
    if (is_gone) plan.forget.emplace_back(tp, before.topic_id);
  }
  for (const auto& [tp, now] : wanted) {
    const auto before = partitions_.find(tp);
    if (before == partitions_.end() || before->second != now) plan.send.emplace_back(tp, now);
  }
  partitions_ = wanted;
  return plan;
}

bool FetchSession::OnAnswer(const Answer& answer) {
  using protocol::ErrorCode;
  if (answer.error != ErrorCode::kNone) {
    if (answer.error == ErrorCode::kFetchSessionIdNotFound) session_id_ = 0;
    OnFailure();
    return false;
  }
  const auto is_known = [this](const TopicPartition& tp) { return partitions_.contains(tp); };
  const bool is_full = next_epoch_ == kFirstEpoch;
  if (!std::ranges::all_of(answer.answered, is_known) || (is_full && answer.answered.size() != partitions_.size())) {
    OnFailure();
    return false;
  }
  if (answer.session_id == 0) {
    // The broker keeps no session for us: everything is said again next time.
    session_id_ = 0;
    next_epoch_ = kFirstEpoch;
    return true;
  }
  if (!is_full && answer.session_id != session_id_) {
    OnFailure();
    return false;
  }
  session_id_ = answer.session_id;
  INVARIANT(next_epoch_ >= 0);
  next_epoch_ = next_epoch_ == std::numeric_limits<int32_t>::max() ? 1 : next_epoch_ + 1;
  return true;
}

void FetchSession::OnFailure() {
  next_epoch_ = kFirstEpoch;
  partitions_.clear();
}

}  // namespace odradek::net
