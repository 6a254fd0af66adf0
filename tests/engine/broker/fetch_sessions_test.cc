#include "engine/broker/fetch_sessions.h"

#include <gtest/gtest.h>

namespace odradek::broker {
namespace {

class Cache {
 public:
  explicit Cache(int32_t slots_max) : sessions_({.slots_max = slots_max, .protected_for = Duration::Seconds(10)}) {}

  // The new session's id; 0: there was no room.
  int32_t Open(int partition_count) {
    FetchSessionRequest request;
    request.session_epoch = 0;
    for (int i = 0; i < partition_count; ++i)
      request.wants.push_back({.key = {"t", {}, PartitionIndex(i)}, .wish = {}});
    return sessions_.Begin(request, {.now = now_, .fresh_id = ++last_id_}, context_).session_id;
  }
  protocol::ErrorCode Use(int32_t id, int32_t epoch) {
    FetchSessionRequest request;
    request.session_id = id;
    request.session_epoch = epoch;
    return sessions_.Begin(request, {.now = now_, .fresh_id = 1}, context_).error;
  }
  void Wait(Duration duration) { now_ = now_ + duration; }

 private:
  FetchSessions sessions_;
  base::NullContext context_;
  MonoTime now_;
  uint32_t last_id_ = 0;
};

TEST(FetchSessions, OpenForNothingToo) {
  Cache cache(2);
  EXPECT_NE(cache.Open(0), 0);
}

TEST(FetchSessions, ClientsBeyondTheLimitDoNotDriveEachOtherOut) {
  Cache cache(2);
  const int32_t first = cache.Open(1);
  const int32_t second = cache.Open(1);
  EXPECT_EQ(cache.Open(9), 0);
  EXPECT_EQ(cache.Use(first, 1), protocol::ErrorCode::kNone);
  EXPECT_EQ(cache.Use(second, 1), protocol::ErrorCode::kNone);
}

TEST(FetchSessions, AnIdleSessionMakesRoom) {
  Cache cache(2);
  const int32_t idle = cache.Open(5);
  const int32_t busy = cache.Open(5);
  cache.Wait(Duration::Seconds(8));
  EXPECT_EQ(cache.Use(busy, 1), protocol::ErrorCode::kNone);
  cache.Wait(Duration::Seconds(3));
  EXPECT_NE(cache.Open(1), 0);
  EXPECT_EQ(cache.Use(idle, 1), protocol::ErrorCode::kFetchSessionIdNotFound);
  EXPECT_EQ(cache.Use(busy, 2), protocol::ErrorCode::kNone);
}

TEST(FetchSessions, AnOldSessionMakesRoomForALargerOne) {
  Cache cache(2);
  const int32_t small = cache.Open(2);
  const int32_t large = cache.Open(5);
  cache.Wait(Duration::Seconds(9));
  EXPECT_EQ(cache.Use(small, 1), protocol::ErrorCode::kNone);
  EXPECT_EQ(cache.Use(large, 1), protocol::ErrorCode::kNone);
  cache.Wait(Duration::Seconds(9));
  EXPECT_EQ(cache.Open(2), 0);
  EXPECT_NE(cache.Open(3), 0);
  EXPECT_EQ(cache.Use(small, 2), protocol::ErrorCode::kFetchSessionIdNotFound);
  EXPECT_EQ(cache.Use(large, 2), protocol::ErrorCode::kNone);
}

// An answer that says where logs part tells nothing else, and neither does one to who knows another leader since. Where
// to read instead is said whenever it is so.
TEST(FetchSessions, WhatWasNotTakenInIsToldAgain) {
  FetchSessions sessions({.slots_max = 2});
  base::NullContext context;
  const FetchPartitionKey key{"t", {}, PartitionIndex(0)};
  const auto plan_of = [&](int32_t id, int32_t epoch, std::vector<FetchWant> wants) {
    return sessions.Begin({.session_id = id, .session_epoch = epoch, .wants = std::move(wants), .forgotten = {}},
                          {.now = MonoTime(), .fresh_id = 7}, context);
  };
  const auto want = [&](int32_t leader_epoch) {
    return FetchWant{key, {.current_leader_epoch = LeaderEpoch(leader_epoch), .fetch_offset = Offset(5)}};
  };
  const FetchAnswerState empty{.told = {.high_watermark = Offset(5)}};
  FetchAnswerState diverging = empty;
  diverging.is_diverging = true;
  using enum FetchSessions::Include;
  EXPECT_EQ(sessions.Tell(plan_of(0, 0, {want(1)}), key, empty), kYes);
  EXPECT_EQ(sessions.Tell(plan_of(7, 1, {}), key, empty), kNo);
  EXPECT_EQ(sessions.Tell(plan_of(7, 2, {}), key, diverging), kYes);
  EXPECT_EQ(sessions.Tell(plan_of(7, 3, {}), key, empty), kYes);
  EXPECT_EQ(sessions.Tell(plan_of(7, 4, {want(1)}), key, empty), kNo);
  EXPECT_EQ(sessions.Tell(plan_of(7, 5, {want(2)}), key, empty), kYes);
  EXPECT_EQ(sessions.Tell(plan_of(7, 6, {}), key, empty), kNo);
  FetchAnswerState redirected = empty;
  redirected.is_redirected = true;
  EXPECT_EQ(sessions.Tell(plan_of(7, 7, {}), key, redirected), kYes);
  EXPECT_EQ(sessions.Tell(plan_of(7, 8, {}), key, redirected), kYes);
}

}  // namespace
}  // namespace odradek::broker
