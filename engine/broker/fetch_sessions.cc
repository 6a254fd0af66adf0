#include "engine/broker/fetch_sessions.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/base/check.h"

namespace odradek::broker {
namespace {

constexpr int32_t kSessionless = -1;
constexpr int32_t kOpening = 0;

// Epochs run from 1 to the maximum and skip 0, which would open a session.
int32_t NextSessionEpoch(int32_t epoch) {
  return epoch == std::numeric_limits<int32_t>::max() ? 1 : epoch + 1;
}

}  // namespace

FetchPlan FetchSessions::Begin(const FetchSessionRequest& request, const Arrival& arrival, base::Context& context) {
  if (request.session_epoch == kSessionless || request.session_epoch == kOpening) {
    if (request.session_id != 0) Close(request.session_id);
    if (request.session_epoch == kOpening && MakeRoom(request.wants.size(), arrival.now))
      return Open(request, arrival, context);
    FetchPlan plan;
    plan.wants = request.wants;
    return plan;
  }
  return Continue(request, arrival.now, context);
}

bool FetchSessions::MakeRoom(size_t partition_count, MonoTime now) {
  if (sessions_.size() < static_cast<size_t>(options_.slots_max)) return true;
  if (sessions_.empty()) return false;
  if (now - sessions_.at(used_.front()).last_used > options_.protected_for) {
    Close(used_.front());
    return true;
  }
  std::optional<int32_t> smallest;
  for (const auto& [id, session] : sessions_) {
    if (now - session.created <= options_.protected_for) continue;
    if (!smallest || session.partitions.size() < sessions_.at(*smallest).partitions.size()) smallest = id;
  }
  if (!smallest || sessions_.at(*smallest).partitions.size() >= partition_count) return false;
  Close(*smallest);
  return true;
}

FetchPlan FetchSessions::Open(const FetchSessionRequest& request, const Arrival& arrival, base::Context& context) {
  auto id = MUTATION(context, RT15) ? 1 : static_cast<int32_t>(arrival.fresh_id & 0x7fffffff);
  while (id == 0 || sessions_.contains(id)) id = (id + 1) & 0x7fffffff;
  Session& session = sessions_[id];
  session.created = arrival.now;
  session.last_used = arrival.now;
  session.naming = request.naming;
  session.used = used_.insert(used_.end(), id);
  Merge(session, request);
  INVARIANT(sessions_.size() == used_.size());
  FetchPlan plan;
  plan.session_id = id;
  plan.wants = request.wants;
  return plan;
}

FetchPlan FetchSessions::Continue(const FetchSessionRequest& request, MonoTime now, base::Context& context) {
  FetchPlan plan;
  const auto found = sessions_.find(request.session_id);
  if (found == sessions_.end()) {
    plan.error = protocol::ErrorCode::kFetchSessionIdNotFound;
    return plan;
  }
  Session& session = found->second;
  if (request.session_epoch != session.epoch && !MUTATION(context, RT13)) {
    plan.error = protocol::ErrorCode::kInvalidFetchSessionEpoch;
    return plan;
  }
  if (request.naming != session.naming) {
    plan.error = protocol::ErrorCode::kFetchSessionTopicIdError;
    return plan;
  }
  REACHED(context, "broker.fetch_session.continued");
  session.epoch = NextSessionEpoch(session.epoch);
  session.last_used = now;
  used_.splice(used_.end(), used_, session.used);
  Merge(session, request);
  plan.session_id = request.session_id;
  plan.kind = FetchPlan::Kind::kIncremental;
  std::vector<std::pair<uint64_t, FetchWant>> by_turn;
  for (const auto& [key, entry] : session.partitions) by_turn.push_back({entry.turn, {key, entry.wish}});
  std::sort(by_turn.begin(), by_turn.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& [turn, want] : by_turn) {
    if (MUTATION(context, RP18)) want.wish.current_leader_epoch = kNoLeaderEpoch;
    plan.wants.push_back(std::move(want));
  }
  return plan;
}

void FetchSessions::Merge(Session& session, const FetchSessionRequest& request) {
  for (const FetchPartitionKey& key : request.forgotten) session.partitions.erase(key);
  for (const FetchWant& want : request.wants) {
    Entry& entry = session.partitions[want.key];
    if (entry.turn == 0) entry.turn = ++session.last_turn;
    // Who knows another leader has dropped what the earlier one was answered with.
    if (entry.wish.current_leader_epoch != want.wish.current_leader_epoch) entry.told.reset();
    entry.wish = want.wish;
  }
}

FetchSessions::Include FetchSessions::Tell(const FetchPlan& plan, const FetchPartitionKey& key,
                                           const FetchAnswerState& answer) {
  const auto found = sessions_.find(plan.session_id);
  if (plan.session_id == 0 || found == sessions_.end()) return Include::kYes;
  const auto at = found->second.partitions.find(key);
  if (at == found->second.partitions.end()) return Include::kYes;
  Entry& entry = at->second;
  const bool failed = answer.error != protocol::ErrorCode::kNone || answer.is_diverging;
  const bool changed = failed || answer.is_redirected || answer.records_bytes > 0 || entry.told != answer.told;
  // An error is told again until it is over, and what it hid is told then: the client may have dropped the answer.
  entry.told = failed ? std::nullopt : std::optional(answer.told);
  // Who got records goes to the end of the line, so that the size limit starves nobody.
  if (answer.records_bytes > 0) entry.turn = ++found->second.last_turn;
  return changed || plan.kind == FetchPlan::Kind::kFull ? Include::kYes : Include::kNo;
}

void FetchSessions::Close(int32_t session_id) {
  const auto found = sessions_.find(session_id);
  if (found == sessions_.end()) return;
  used_.erase(found->second.used);
  sessions_.erase(found);
}

}  // namespace odradek::broker
