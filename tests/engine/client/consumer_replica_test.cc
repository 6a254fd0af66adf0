// Nearer replicas (KIP-392), the end of fetch sessions (KIP-227), and positions that are checked or found by time.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/engine/client/consumer_fixture.h"

namespace odradek::client::testing {
namespace {

class ConsumerReplicaTest : public ConsumerTest {
 protected:
  ConsumerReplicaTest() {
    cluster_.StartNode(2);
    config_.client_rack = "here";
  }
  int64_t FetchesAt(int32_t node) {
    return std::ranges::count(cluster_.fetch_arrivals, node, &std::pair<int32_t, MonoTime>::first);
  }
};

TEST_F(ConsumerReplicaTest, ReadsFromTheReplicaThatTheLeaderNames) {
  Write(kT0, {"a"});
  cluster_.partition("t", 0).preferred_replica = 2;
  cluster_.partition("t", 0).followers[2] = ErrorCode::kNone;
  RunConsumer([this](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0});
    EXPECT_EQ(Poll(self, consumer), "t-0:0=a");
    Write(kT0, {"b"});
    EXPECT_EQ(Poll(self, consumer), "t-0:1=b");
  });
  EXPECT_EQ(FetchesAt(1), 1) << "the leader is asked once";
  EXPECT_GE(FetchesAt(2), 2);
  EXPECT_EQ(cluster_.fetches[0].rack_id, "here");
  EXPECT_EQ(metrics_.preferred_replica_count, 1);
}

TEST_F(ConsumerReplicaTest, AsksTheLeaderAgainWhenTheLeaseIsOver) {
  config_.common.metadata_max_age = Duration::Seconds(3);
  cluster_.partition("t", 0).preferred_replica = 2;
  cluster_.partition("t", 0).followers[2] = ErrorCode::kNone;
  RunConsumer([this](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0});
    EXPECT_EQ(Poll(self, consumer, Duration::Seconds(10)), "");
  });
  EXPECT_GE(FetchesAt(1), 3);
  EXPECT_LE(FetchesAt(1), 5);
}

TEST_F(ConsumerReplicaTest, OnlyTheLeaderSaysThatAPositionIsOutOfRange) {
  Write(kT0, {"a"});
  config_.auto_offset_reset = OffsetReset::kNone;
  FakePartition& partition = cluster_.partition("t", 0);
  partition.preferred_replica = 2;
  partition.followers[2] = ErrorCode::kOffsetOutOfRange;
  RunConsumer([&](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0});
    EXPECT_TRUE(consumer.Seek(kT0, Offset(0)).ok());
    fiber::SleepFor(self, Duration::Millis(100));
    partition.preferred_replica = -1;
    EXPECT_EQ(Poll(self, consumer), "t-0:0=a");
  });
}

TEST_F(ConsumerReplicaTest, GoesBackToTheLeaderWhenTheReplicaIsGone) {
  Write(kT0, {"a"});
  FakePartition& partition = cluster_.partition("t", 0);
  partition.preferred_replica = 3;
  cluster_.nodes.push_back(3);  // nobody listens there
  RunConsumer([&](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0});
    fiber::SleepFor(self, Duration::Millis(100));
    partition.preferred_replica = -1;
    EXPECT_EQ(Poll(self, consumer, Duration::Seconds(30)), "t-0:0=a");
  });
}

TEST_F(ConsumerTest, EndsItsSessionsWhenItCloses) {
  Write(kT0, {"a"});
  RunConsumer([this](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0});
    EXPECT_EQ(Poll(self, consumer), "t-0:0=a");
    fiber::SleepFor(self, Duration::Millis(10));  // the next long poll is under way
    const MonoTime start = self.Now();
    consumer.Close(self, Duration::Seconds(5));
    EXPECT_LT(self.Now() - start, Duration::Millis(50)) << "the long poll is not waited for";
    EXPECT_EQ(consumer.Poll(self, Duration::Seconds(5)).record_count(), 0u);
  });
  EXPECT_EQ(cluster_.closed_sessions, std::vector<int32_t>{1});
  EXPECT_EQ(cluster_.fetches.back().session_epoch, -1);
}

TEST_F(ConsumerTest, ClosesInTimeWhenNobodyAnswers) {
  Write(kT0, {"a"});
  RunConsumer([this](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0});
    EXPECT_EQ(Poll(self, consumer), "t-0:0=a");
    cluster_.request_fault = [](fiber::Fiber&, const Request&) { return RequestFault::kSilence; };
    const MonoTime start = self.Now();
    consumer.Close(self, Duration::Seconds(2));
    EXPECT_EQ(self.Now() - start, Duration::Seconds(2));
  });
}

TEST_F(ConsumerTest, ResetsByDurationToTheFirstRecordThatIsYoungEnough) {
  const int64_t now = world_.env.clock.WallNow().unix_millis();
  Write(kT0, {"old"}, now - 7'200'000);
  Write(kT0, {"young"}, now - 60'000);
  Write(kT1, {"old"}, now - 7'200'000);
  config_.auto_offset_reset = OffsetReset::kByDuration;
  config_.auto_offset_reset_duration = Duration::Seconds(3600);
  RunConsumer([this](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0, kT1});
    EXPECT_EQ(consumer.Position(self, kT0, Duration::Seconds(5)), Offset(1));
    EXPECT_EQ(consumer.Position(self, kT1, Duration::Seconds(5)), Offset(1)) << "nothing is young enough: the end";
    EXPECT_EQ(Poll(self, consumer), "t-0:1=young");
  });
}

TEST_F(ConsumerTest, ASeekWithAnEpochIsCheckedAgainstTheLog) {
  Write(kT0, {"a", "b"});
  cluster_.partition("t", 0).leader_epoch = 3;
  Write(kT0, {"c"});
  RunConsumer([this](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0});
    EXPECT_TRUE(consumer.Seek(kT0, Offset(1), LeaderEpoch(0)).ok());
    EXPECT_EQ(Poll(self, consumer), "t-0:1=b t-0:2=c");
    EXPECT_EQ(consumer.metrics().truncation_count, 0);
    // Epoch 0 never had an offset 3: what was read there was lost, and what came instead is read.
    EXPECT_TRUE(consumer.Seek(kT0, Offset(3), LeaderEpoch(0)).ok());
    EXPECT_EQ(Poll(self, consumer), "t-0:2=c");
  });
  EXPECT_EQ(metrics_.truncation_count, 1);
}

TEST_F(ConsumerTest, WithoutAResetPolicyATruncationIsReported) {
  Write(kT0, {"a"});
  cluster_.partition("t", 0).leader_epoch = 3;
  Write(kT0, {"b"});
  config_.auto_offset_reset = OffsetReset::kNone;
  RunConsumer([this](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0});
    EXPECT_TRUE(consumer.Seek(kT0, Offset(2), LeaderEpoch(0)).ok());
    const PollResult result = consumer.Poll(self, Duration::Seconds(5));
    ASSERT_EQ(result.problems.size(), 1u);
    EXPECT_EQ(result.problems[0].what, "the log was truncated: offset 2 of epoch 0 is gone, that epoch ends at 1");
  });
}

TEST_F(ConsumerTest, KnowsHowFarBehindItIs) {
  config_.poll_records_max = 1;
  Write(kT0, {"a", "b", "c"});
  RunConsumer([this](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0});
    EXPECT_EQ(consumer.lag(kT0), std::nullopt);
    EXPECT_EQ(Poll(self, consumer), "t-0:0=a");
    EXPECT_EQ(consumer.lag(kT0), 2);
    EXPECT_EQ(consumer.metrics().records_lag_max, 2);
  });
}

TEST_F(ConsumerTest, TheLimitsOfAFetchAreTheConfiguredOnes) {
  config_.fetch_min_bytes = 7;
  config_.fetch_max_bytes = 1234;
  config_.fetch_max_wait = Duration::Millis(321);
  config_.partition_fetch_bytes_max = 99;
  config_.isolation_level = IsolationLevel::kReadCommitted;
  Write(kT0, {"a"});
  RunConsumer([this](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0});
    EXPECT_EQ(Poll(self, consumer), "t-0:0=a");
  });
  const protocol::FetchRequest& fetch = cluster_.fetches.at(0);
  EXPECT_EQ(fetch.min_bytes, 7);
  EXPECT_EQ(fetch.max_bytes, 1234);
  EXPECT_EQ(fetch.max_wait_ms, 321);
  EXPECT_EQ(fetch.isolation_level, 1);
  EXPECT_EQ(fetch.topics.at(0).partitions.at(0).partition_max_bytes, 99);
}

TEST_F(ConsumerTest, ReadCommittedStopsAtTheLastStableOffset) {
  Write(kT0, {"a"});
  Write(kT0, {"open"});
  cluster_.partition("t", 0).last_stable_offset = 1;
  config_.isolation_level = IsolationLevel::kReadCommitted;
  RunConsumer([this](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0});
    EXPECT_EQ(Poll(self, consumer), "t-0:0=a");
    EXPECT_EQ(Poll(self, consumer, Duration::Seconds(1)), "");
    EXPECT_EQ(consumer.lag(kT0), 0);
    EXPECT_EQ(consumer.EndOffsets(self, std::vector{kT0}, Duration::Seconds(1)).at(kT0).offset, Offset(1));
  });
}

}  // namespace
}  // namespace odradek::client::testing
