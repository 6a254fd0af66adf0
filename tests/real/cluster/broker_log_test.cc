#include "tests/real/cluster/broker_log.h"

#include <gtest/gtest.h>

namespace odradek::real_cluster {
namespace {

// 2026-12-01T04:00:00Z is the moment 5 s of the history.
constexpr int64_t kWallNanos = 1'796'097'600'000'000'000;
constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kMilli = 1'000'000;

HistoryClock Clock() {
  return HistoryClock({kWallNanos, 5 * kSecond}, {kWallNanos + 10 * kSecond, 15 * kSecond});
}

TEST(HistoryClock, FollowsAWallClockThatWasSlewed) {
  const HistoryClock clock({kWallNanos, 0}, {kWallNanos + 110 * kSecond, 100 * kSecond});
  EXPECT_EQ(clock.At(kWallNanos), 0);
  EXPECT_EQ(clock.At(kWallNanos + 55 * kSecond), 50 * kSecond);
  EXPECT_EQ(clock.At(kWallNanos + 110 * kSecond), 100 * kSecond);
}

TEST(BrokerLog, TellsWhenTheNodeStartedAndWhereItsLogsBegin) {
  history::History history;
  ReadBrokerLog(
      R"({"time":"2026-12-01T04:00:01.250Z","level":"debug","component":"engine","message":"node started","node":"2","was_clean":"0"}
{"time":"2026-12-01T04:00:02.000Z","level":"debug","component":"engine","message":"log recovered","topic":"t","partition":"3","log_start_offset":"17","log_end_offset":"40"}
{"time":"2026-12-01T04:00:03.000Z","level":"debug","component":"engine","message":"log start moved","topic":"t","partition":"3","log_start_offset":"20","reason":"1"}
{"time":"2026-12-01T04:00:04.000Z","level":"debug","component":"engine","message":"log rolled","topic":"t","partition":"3","base_offset":"20"}
)",
      "b2", Clock(), history);
  ASSERT_EQ(history.node_events.size(), 1u);
  EXPECT_EQ(history.node_events[0].at_ns, 6 * kSecond + 251 * kMilli);
  EXPECT_EQ(history.node_events[0].node, "b2");
  ASSERT_EQ(history.log_starts.size(), 2u);
  EXPECT_EQ(ToString(history.log_starts[0].partition), "t-3");
  EXPECT_EQ(history.log_starts[0].log_start_offset, Offset(17));
  EXPECT_EQ(history.log_starts[1].log_start_offset, Offset(20));
  EXPECT_EQ(history.log_starts[1].at_ns, 8 * kSecond + kMilli);
}

TEST(BrokerLog, LeavesOutWhatAKilledProcessDidNotFinish) {
  history::History history;
  ReadBrokerLog("warning: something\n{\"time\":\"2026-12-01T04:00:01.2\n{\"message\":\"node started\"}\n{\"time\":\"20",
                "b1", Clock(), history);
  EXPECT_TRUE(history.node_events.empty());
  EXPECT_TRUE(history.log_starts.empty());
}

TEST(BrokerLog, NotesOfSeveralNodesComeInTheOrderOfTime) {
  history::History history;
  history.node_events = {{5, "b1", history::NodeEventKind::kStarted}, {3, "b2", history::NodeEventKind::kStarted}};
  history.log_starts = {{.at_ns = 9}, {.at_ns = 2}};
  SortNodeNotes(history);
  EXPECT_EQ(history.node_events[0].node, "b2");
  EXPECT_EQ(history.log_starts[0].at_ns, 2);
}

}  // namespace
}  // namespace odradek::real_cluster
