#include "engine/replication/waiters.h"

#include <gtest/gtest.h>

namespace odradek::replication {
namespace {

Waiter Of(int64_t token, int64_t offset, int64_t until) {
  return {Token(token), Offset(offset), MonoTime::FromNanos(until)};
}

TEST(ReplicationWaiters, AreGivenBackOnceInTheOrderOfTheirOffsets) {
  Waiters waiters;
  waiters.Add(Of(1, 9, 50));
  waiters.Add(Of(2, 5, 70));
  waiters.Add(Of(3, 7, 60));
  EXPECT_EQ(waiters.TakeReached(Offset(4)), std::vector<Waiter>{});
  EXPECT_EQ(waiters.TakeReached(Offset(7)), (std::vector<Waiter>{Of(2, 5, 70), Of(3, 7, 60)}));
  EXPECT_EQ(waiters.TakeReached(Offset(7)), std::vector<Waiter>{});
  EXPECT_EQ(waiters.count(), 1U);
  EXPECT_EQ(waiters.next_deadline(), MonoTime::FromNanos(50));
}

TEST(ReplicationWaiters, AreGivenBackWhenTheirTimeIsUp) {
  Waiters waiters;
  waiters.Add(Of(1, 9, 50));
  waiters.Add(Of(2, 5, 70));
  EXPECT_EQ(waiters.TakeLate(MonoTime::FromNanos(49)), std::vector<Waiter>{});
  EXPECT_EQ(waiters.TakeLate(MonoTime::FromNanos(50)), std::vector<Waiter>{Of(1, 9, 50)});
  EXPECT_EQ(waiters.TakeAll(), std::vector<Waiter>{Of(2, 5, 70)});
  EXPECT_TRUE(waiters.is_empty());
  EXPECT_EQ(waiters.next_deadline(), MonoTime::Never());
}

}  // namespace
}  // namespace odradek::replication
