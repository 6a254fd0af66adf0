#include "sim/workload/recorder.h"

#include <gtest/gtest.h>

namespace odradek::workload {
namespace {

const TopicPartition kOrders{"orders", PartitionIndex(0)};

struct RealClock final : env::Clock {
  MonoTime Now() const override { return MonoTime::FromNanos(instant.nanos() - 100); }
  MonoTime Instant() const override { return instant; }
  WallTime WallNow() const override { return {}; }
  MonoTime instant = MonoTime::FromNanos(5000);
};

TEST(Recorder, OfARealClockBeginsNowAndTakesTheInstantOfEachCall) {
  RealClock clock;
  Recorder recorder(clock);
  EXPECT_EQ(recorder.NowNanos(), 0);
  clock.instant = MonoTime::FromNanos(5040);
  const Recorder::SendIndex send = recorder.BeginSend({.partition = kOrders, .value = 1});
  clock.instant = MonoTime::FromNanos(5070);
  recorder.EndSend(send, {.outcome = history::Outcome::kOk, .offset = Offset(3)});
  const history::Send& sent = recorder.history().sends.at(0);
  EXPECT_EQ(sent.span.invoked_ns, 40);
  EXPECT_EQ(sent.span.completed_ns, 70);
  EXPECT_EQ(sent.offset, Offset(3));
}

TEST(Recorder, WhatWasReadToTheEndIsOnePollMoreWhenMoreIsToHappen) {
  RealClock clock;
  Recorder recorder(clock);
  history::FinalRead read{.partition = kOrders, .log_start_offset = Offset(2), .end_offset = Offset(4)};
  read.records = {{Offset(2), 10}, {Offset(3), 11}};
  recorder.Add(read);
  recorder.FinalReadsBecomePolls(1000);
  EXPECT_TRUE(recorder.history().final_reads.empty());
  const history::Poll& poll = recorder.history().polls.at(0);
  EXPECT_EQ(poll.client, 1000);
  EXPECT_EQ(poll.position_before, Offset(2));
  EXPECT_EQ(poll.position_after, Offset(4));
  EXPECT_EQ(poll.records.size(), 2u);
}

}  // namespace
}  // namespace odradek::workload
