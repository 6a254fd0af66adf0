#include "engine/replication/waiters.h"

#include "engine/base/check.h"

namespace odradek::replication {

void Waiters::Add(const Waiter& waiter) {
  const bool is_new = by_offset_.emplace(waiter.offset, waiter.token, waiter.until).second;
  REQUIRES(is_new);
  by_time_.emplace(waiter.until, waiter.offset, waiter.token);
  INVARIANT(by_time_.size() == by_offset_.size());
}

std::vector<Waiter> Waiters::TakeReached(Offset offset) {
  std::vector<Waiter> taken;
  while (!by_offset_.empty() && std::get<0>(*by_offset_.begin()) <= offset) {
    const auto [required, token, until] = *by_offset_.begin();
    taken.push_back({token, required, until});
    by_offset_.erase(by_offset_.begin());
    by_time_.erase({until, required, token});
  }
  INVARIANT(by_time_.size() == by_offset_.size());
  return taken;
}

std::vector<Waiter> Waiters::TakeLate(MonoTime now) {
  std::vector<Waiter> taken;
  while (!by_time_.empty() && std::get<0>(*by_time_.begin()) <= now) {
    const auto [until, required, token] = *by_time_.begin();
    taken.push_back({token, required, until});
    by_time_.erase(by_time_.begin());
    by_offset_.erase({required, token, until});
  }
  INVARIANT(by_time_.size() == by_offset_.size());
  return taken;
}

std::vector<Waiter> Waiters::TakeAll() {
  std::vector<Waiter> taken;
  for (const auto& [required, token, until] : by_offset_) taken.push_back({token, required, until});
  by_offset_.clear();
  by_time_.clear();
  return taken;
}

MonoTime Waiters::next_deadline() const {
  return by_time_.empty() ? MonoTime::Never() : std::get<0>(*by_time_.begin());
}

}  // namespace odradek::replication
