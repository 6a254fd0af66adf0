// Who waits until an offset is reached: produce requests with acks=all for the high watermark, DeleteRecords for the
// low watermark. Owned by the leader; nothing suspends.
//
//  1. Everybody is given back exactly once: when the offset is reached, when the time is up, or all at the end.
#pragma once

#include <set>
#include <tuple>
#include <vector>

#include "engine/replication/types.h"

namespace odradek::replication {

struct Waiter {
  Token token{0};
  Offset offset{0};
  MonoTime until;
  friend bool operator==(const Waiter&, const Waiter&) = default;
};

class Waiters {
 public:
  // REQUIRES: the token does not wait already.
  void Add(const Waiter& waiter);
  // Those are gone afterwards, in the order of their offsets.
  std::vector<Waiter> TakeReached(Offset offset);
  // In the order of their times.
  std::vector<Waiter> TakeLate(MonoTime now);
  std::vector<Waiter> TakeAll();

  bool is_empty() const { return by_offset_.empty(); }
  size_t count() const { return by_offset_.size(); }
  // Never: nobody waits.
  MonoTime next_deadline() const;
  // In the order of their offsets.
  const std::set<std::tuple<Offset, Token, MonoTime>>& all() const { return by_offset_; }

  friend bool operator==(const Waiters&, const Waiters&) = default;

 private:
  std::set<std::tuple<Offset, Token, MonoTime>> by_offset_;
  std::set<std::tuple<MonoTime, Offset, Token>> by_time_;
};

}  // namespace odradek::replication
