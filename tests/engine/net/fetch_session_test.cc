#include "engine/net/fetch_session.h"

#include <gtest/gtest.h>

namespace odradek::net {
namespace {

using protocol::ErrorCode;

TopicPartition Tp(int32_t index) {
  return {"t", PartitionIndex(index)};
}

FetchSession::Partitions Wanted(std::initializer_list<std::pair<int32_t, int64_t>> offsets) {
  FetchSession::Partitions wanted;
  for (const auto& [index, offset] : offsets) {
    wanted[Tp(index)] = {.topic_id = {1, 1}, .fetch_offset = Offset(offset), .bytes_max = 100};
  }
  return wanted;
}

TEST(FetchSession, SendsEverythingOnceAndThenOnlyWhatChanged) {
  FetchSession session;
  auto plan = session.Next(Wanted({{0, 0}, {1, 0}}));
  EXPECT_EQ(plan.session_id, 0);
  EXPECT_EQ(plan.session_epoch, 0);
  EXPECT_EQ(plan.send.size(), 2u);
  EXPECT_TRUE(session.OnAnswer({.session_id = 77, .answered = {Tp(0), Tp(1)}}));

  plan = session.Next(Wanted({{0, 0}, {1, 5}}));
  EXPECT_EQ(plan.kind, FetchSession::Kind::kIncremental);
  EXPECT_EQ(plan.session_id, 77);
  EXPECT_EQ(plan.session_epoch, 1);
  ASSERT_EQ(plan.send.size(), 1u);
  EXPECT_EQ(plan.send[0].first, Tp(1));
  EXPECT_TRUE(plan.forget.empty());
  EXPECT_TRUE(session.OnAnswer({.session_id = 77, .answered = {}}));

  plan = session.Next(Wanted({{0, 0}, {2, 9}}));
  EXPECT_EQ(plan.session_epoch, 2);
  ASSERT_EQ(plan.send.size(), 1u);
  ASSERT_EQ(plan.forget.size(), 1u);
  EXPECT_EQ(plan.forget[0].first, Tp(1));
}

TEST(FetchSession, ATopicMadeAnewIsForgottenAndSentAgain) {
  FetchSession session;
  session.Next(Wanted({{0, 0}}));
  EXPECT_TRUE(session.OnAnswer({.session_id = 7, .answered = {Tp(0)}}));
  auto wanted = Wanted({{0, 0}});
  wanted[Tp(0)].topic_id = {2, 2};
  const auto plan = session.Next(wanted);
  ASSERT_EQ(plan.forget.size(), 1u);
  EXPECT_EQ(plan.forget[0].second, (Uuid{1, 1}));
  ASSERT_EQ(plan.send.size(), 1u);
}

TEST(FetchSession, StartsAnewAfterAnErrorOrAFailure) {
  FetchSession session;
  session.Next(Wanted({{0, 0}}));
  EXPECT_TRUE(session.OnAnswer({.session_id = 7, .answered = {Tp(0)}}));
  session.Next(Wanted({{0, 0}}));
  EXPECT_FALSE(session.OnAnswer({.error = ErrorCode::kInvalidFetchSessionEpoch}));
  auto plan = session.Next(Wanted({{0, 0}}));
  EXPECT_EQ(plan.session_id, 7) << "names the old session, so that the broker can drop it";
  EXPECT_EQ(plan.session_epoch, 0);
  EXPECT_EQ(plan.send.size(), 1u);
  EXPECT_FALSE(session.OnAnswer({.error = ErrorCode::kFetchSessionIdNotFound}));
  EXPECT_EQ(session.Next(Wanted({{0, 0}})).session_id, 0);
  session.OnFailure();
  EXPECT_EQ(session.Next(Wanted({{0, 0}})).session_epoch, 0);
}

TEST(FetchSession, RefusesAnswersThatDoNotFitTheQuestion) {
  FetchSession session;
  session.Next(Wanted({{0, 0}, {1, 0}}));
  EXPECT_FALSE(session.OnAnswer({.session_id = 7, .answered = {Tp(0)}})) << "a full answer must be full";
  session.Next(Wanted({{0, 0}}));
  EXPECT_FALSE(session.OnAnswer({.session_id = 7, .answered = {Tp(3)}}));
  session.Next(Wanted({{0, 0}}));
  EXPECT_TRUE(session.OnAnswer({.session_id = 7, .answered = {Tp(0)}}));
  session.Next(Wanted({{0, 1}}));
  EXPECT_FALSE(session.OnAnswer({.session_id = 8, .answered = {}}));
}

TEST(FetchSession, WorksWithoutASession) {
  FetchSession session;
  for (int i = 0; i < 3; ++i) {
    const auto plan = session.Next(Wanted({{0, i}}));
    EXPECT_EQ(plan.kind, FetchSession::Kind::kFull);
    EXPECT_EQ(plan.session_epoch, 0);
    EXPECT_TRUE(session.OnAnswer({.session_id = 0, .answered = {Tp(0)}}));
  }
}

}  // namespace
}  // namespace odradek::net
