#include "engine/client/consumer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/engine/client/consumer_fixture.h"

namespace odradek::client {
namespace {

using protocol::ApiKey;
using protocol::ErrorCode;
using testing::ConsumerTest;
using testing::FakeCluster;
using testing::FakePartition;
using testing::kT0;
using testing::kT1;
using testing::RequestFault;

TEST_F(ConsumerTest, ReadsFromTheBeginningAndThenWhatArrives) {
  Write(kT0, {"a", "b"});
  RunConsumer([this](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0});
    EXPECT_EQ(Poll(self, consumer), "t-0:0=a t-0:1=b");
    EXPECT_EQ(consumer.position(kT0), Offset(2));
    const MonoTime start = self.Now();
    EXPECT_EQ(Poll(self, consumer, Duration::Millis(300)), "");
    EXPECT_EQ(self.Now() - start, Duration::Millis(300));
    Write(kT0, {"c"});
    EXPECT_EQ(Poll(self, consumer), "t-0:2=c");
    EXPECT_EQ(consumer.watermarks(kT0).high_watermark, Offset(3));
  });
}

TEST_F(ConsumerTest, StartsAtTheEndOrNotAtAllAsThePolicySays) {
  Write(kT0, {"a"});
  config_.auto_offset_reset = OffsetReset::kLatest;
  RunConsumer([this](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0});
    EXPECT_EQ(consumer.Position(self, kT0, Duration::Seconds(5)), Offset(1));
    Write(kT0, {"b"});
    EXPECT_EQ(Poll(self, consumer), "t-0:1=b");
  });
  config_.auto_offset_reset = OffsetReset::kNone;
  RunConsumer([this](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0});
    EXPECT_EQ(Poll(self, consumer), "t-0!OFFSET_OUT_OF_RANGE");
    EXPECT_TRUE(consumer.Seek(kT0, Offset(1)).ok());
    EXPECT_EQ(Poll(self, consumer), "t-0:1=b");
    EXPECT_TRUE(consumer.Seek(kT0, Offset(99)).ok());
    EXPECT_EQ(Poll(self, consumer), "t-0!OFFSET_OUT_OF_RANGE");
  });
}

TEST_F(ConsumerTest, ResetsAPositionThatIsOutOfRange) {
  Write(kT0, {"a", "b"});
  RunConsumer([this](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0});
    EXPECT_TRUE(consumer.Seek(kT0, Offset(50)).ok());
    EXPECT_EQ(Poll(self, consumer), "t-0:0=a t-0:1=b");
  });
}

TEST_F(ConsumerTest, GivesAtMostMaxPollRecordsAndServesEveryPartition) {
  config_.poll_records_max = 2;
  Write(kT0, {"a", "b", "c"});
  Write(kT1, {"x", "y"});
  RunConsumer([this](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0, kT1});
    consumer.Position(self, kT1, Duration::Seconds(1));
    fiber::SleepFor(self, Duration::Seconds(1));
    EXPECT_EQ(Poll(self, consumer), "t-0:0=a t-0:1=b");
    EXPECT_EQ(Poll(self, consumer), "t-1:0=x t-1:1=y");
    EXPECT_EQ(Poll(self, consumer), "t-0:2=c");
  });
}

// As soon as nothing of a node is left to be polled, all of its partitions are asked for at once.
TEST_F(ConsumerTest, APartitionThatIsBehindDoesNotWaitForOneThatHasNothing) {
  constexpr int kBatches = 20;
  config_.poll_records_max = 1;
  config_.partition_fetch_bytes_max = 1;  // one batch
  for (int i = 0; i < kBatches; ++i) Write(kT0, {"a", "b"});
  RunConsumer([this](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0, kT1});
    EXPECT_EQ(Poll(self, consumer), "t-0:0=a");
    const MonoTime began = self.Now();
    for (int i = 1; i < 2 * kBatches; ++i) {
      fiber::SleepFor(self, Duration::Millis(1));  // the application works
      EXPECT_NE(Poll(self, consumer), "");
    }
    EXPECT_LT(self.Now() - began, config_.fetch_max_wait);
  });
}

TEST_F(ConsumerTest, APausedPartitionWithRecordsHoldsUpNoOther) {
  config_.poll_records_max = 1;
  Write(kT0, {"a", "b"});
  RunConsumer([this](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0, kT1});
    EXPECT_EQ(Poll(self, consumer), "t-0:0=a");
    EXPECT_TRUE(consumer.Pause(std::vector{kT0}).ok());
    Write(kT1, {"x"});
    EXPECT_EQ(Poll(self, consumer), "t-1:0=x");
    EXPECT_TRUE(consumer.Resume(std::vector{kT0}).ok());
    EXPECT_EQ(Poll(self, consumer), "t-0:1=b");
  });
}

TEST_F(ConsumerTest, RecordsStayValidAfterLaterPolls) {
  Write(kT0, {"first"});
  RunConsumer([this](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0});
    const PollResult kept = consumer.Poll(self, Duration::Seconds(5));
    Write(kT0, {"second"});
    EXPECT_EQ(Poll(self, consumer), "t-0:1=second");
    consumer.Close(self, Duration::Seconds(1));
    EXPECT_EQ(AsString(*kept.partitions.at(0).records.at(0).value), "first");
  });
}

TEST_F(ConsumerTest, DropsAnAnswerThatComesAfterASeek) {
  Write(kT0, {"a", "b", "c"});
  int fetches = 0;
  RunConsumer([&](fiber::Fiber& self, Consumer& consumer) {
    cluster_.request_fault = [&](fiber::Fiber& broker, const testing::Request& request) {
      if (request.key() == ApiKey::kFetch && ++fetches == 1) fiber::SleepFor(broker, Duration::Millis(100));
      return RequestFault::kNone;
    };
    consumer.Assign(std::vector{kT0});
    fiber::SleepFor(self, Duration::Millis(50));
    EXPECT_EQ(fetches, 1);
    EXPECT_TRUE(consumer.Seek(kT0, Offset(2)).ok());
    EXPECT_EQ(Poll(self, consumer), "t-0:2=c");
    EXPECT_EQ(consumer.position(kT0), Offset(3));
  });
  EXPECT_EQ(metrics_.stale_answer_count, 1);
}

TEST_F(ConsumerTest, DropsALookUpThatComesAfterASeek) {
  Write(kT0, {"a", "b", "c"});
  RunConsumer([this](fiber::Fiber& self, Consumer& consumer) {
    cluster_.request_fault = [&](fiber::Fiber& broker, const testing::Request& request) {
      if (request.key() == ApiKey::kListOffsets) fiber::SleepFor(broker, Duration::Millis(100));
      return RequestFault::kNone;
    };
    consumer.Assign(std::vector{kT0});
    fiber::SleepFor(self, Duration::Millis(50));
    EXPECT_TRUE(consumer.Seek(kT0, Offset(1)).ok());
    EXPECT_EQ(Poll(self, consumer), "t-0:1=b t-0:2=c");
  });
}

TEST_F(ConsumerTest, PausesAndResumes) {
  Write(kT0, {"a"});
  Write(kT1, {"x"});
  RunConsumer([this](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0, kT1});
    EXPECT_TRUE(consumer.Pause(std::vector{kT0}).ok());
    EXPECT_EQ(Poll(self, consumer), "t-1:0=x");
    EXPECT_EQ(Poll(self, consumer, Duration::Seconds(1)), "");
    EXPECT_TRUE(consumer.Resume(std::vector{kT0}).ok());
    EXPECT_EQ(Poll(self, consumer), "t-0:0=a");
    EXPECT_FALSE(consumer.Pause(std::vector{TopicPartition{"other", PartitionIndex(0)}}).ok());
    EXPECT_FALSE(consumer.Seek(kT0, Offset(-5)).ok());
  });
}

TEST_F(ConsumerTest, SeeksToTheEdgesAndFindsOffsetsByTime) {
  Write(kT0, {"a"}, 100);
  Write(kT0, {"b"}, 200);
  Write(kT0, {"c"}, 300);
  RunConsumer([](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0});
    EXPECT_TRUE(consumer.SeekToEnd(std::vector{kT0}).ok());
    EXPECT_EQ(consumer.Position(self, kT0, Duration::Seconds(1)), Offset(3));
    EXPECT_TRUE(consumer.SeekToBeginning(std::vector{kT0}).ok());
    EXPECT_EQ(consumer.Position(self, kT0, Duration::Seconds(1)), Offset(0));
    const auto found =
        consumer.OffsetsForTimes(self, {{kT0, Timestamp(150)}, {kT1, Timestamp(150)}}, Duration::Seconds(5));
    EXPECT_EQ(found.at(kT0).offset, Offset(1));
    EXPECT_EQ(found.at(kT0).timestamp, Timestamp(200));
    EXPECT_TRUE(found.at(kT1).ok());
    EXPECT_EQ(found.at(kT1).offset, kNoOffset);
    EXPECT_EQ(consumer.BeginningOffsets(self, std::vector{kT0}, Duration::Seconds(5)).at(kT0).offset, Offset(0));
    EXPECT_EQ(consumer.EndOffsets(self, std::vector{kT0}, Duration::Seconds(5)).at(kT0).offset, Offset(3));
    const MonoTime start = self.Now();
    const auto missing =
        consumer.EndOffsets(self, std::vector{TopicPartition{"no", PartitionIndex(0)}}, Duration::Seconds(5));
    EXPECT_FALSE(missing.begin()->second.ok());
    EXPECT_EQ(self.Now() - start, Duration::Seconds(5));
  });
}

TEST_F(ConsumerTest, UsesOneSessionAndSaysOnlyWhatChanged) {
  Write(kT0, {"a"});
  RunConsumer([this](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0, kT1});
    EXPECT_EQ(Poll(self, consumer), "t-0:0=a");
    Write(kT1, {"x"});
    EXPECT_EQ(Poll(self, consumer), "t-1:0=x");
    EXPECT_EQ(Poll(self, consumer, Duration::Seconds(2)), "");
  });
  ASSERT_GE(cluster_.fetches.size(), 4u);
  EXPECT_EQ(cluster_.fetches[0].session_epoch, 0);
  for (size_t i = 1; i < cluster_.fetches.size(); ++i) {
    EXPECT_EQ(cluster_.fetches[i].session_epoch, static_cast<int32_t>(i));
  }
  EXPECT_TRUE(cluster_.fetches.back().topics.empty()) << "nothing changed";
}

TEST_F(ConsumerTest, OpensANewSessionWhenTheBrokerHasLostIt) {
  Write(kT0, {"a"});
  int edits = 0;
  RunConsumer([&](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0});
    EXPECT_EQ(Poll(self, consumer), "t-0:0=a");
    cluster_.fetch_edit = [&](protocol::FetchResponse& response) {
      if (++edits > 1) return;
      response = {};
      response.error_code = protocol::ToWire(ErrorCode::kFetchSessionIdNotFound);
    };
    fiber::SleepFor(self, Duration::Seconds(2));
    Write(kT0, {"b"});
    EXPECT_EQ(Poll(self, consumer), "t-0:1=b");
  });
}

TEST_F(ConsumerTest, FollowsTheLeaderAndSurvivesDisconnects) {
  cluster_.StartNode(2);
  Write(kT0, {"a"});
  int breaks = 0;
  RunConsumer([&](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0});
    EXPECT_EQ(Poll(self, consumer), "t-0:0=a");
    FakePartition& partition = cluster_.partition("t", 0);
    partition.leader = 2;
    partition.leader_epoch = 1;
    Write(kT0, {"b"});
    EXPECT_EQ(Poll(self, consumer), "t-0:1=b");
    cluster_.request_fault = [&](fiber::Fiber&, const testing::Request& request) {
      return request.key() == ApiKey::kFetch && ++breaks <= 3 ? RequestFault::kDisconnect : RequestFault::kNone;
    };
    Write(kT0, {"c"});
    EXPECT_EQ(Poll(self, consumer, Duration::Seconds(20)), "t-0:2=c");
    EXPECT_EQ(breaks, 4);
  });
}

TEST_F(ConsumerTest, FindsATruncationByLeaderEpoch) {
  Write(kT0, {"a", "b"});
  Write(kT0, {"lost"});
  RunConsumer([this](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0});
    EXPECT_EQ(Poll(self, consumer), "t-0:0=a t-0:1=b t-0:2=lost");
    // Epoch 0 ended at 2 in the log of the new leader.
    FakePartition& partition = cluster_.partition("t", 0);
    partition.log.pop_back();
    partition.end_offset = 2;
    partition.leader_epoch = 1;
    Write(kT0, {"new", "newer"});
    EXPECT_EQ(Poll(self, consumer, Duration::Seconds(20)), "t-0:2=new t-0:3=newer");
  });
  EXPECT_EQ(metrics_.truncation_count, 1);
}

TEST_F(ConsumerTest, ReportsADamagedBatchAndGoesOnBehindItAfterASeek) {
  Write(kT0, {"a"});
  Write(kT0, {"b"});
  cluster_.partition("t", 0).log[0].bytes.back() ^= std::byte{1};
  RunConsumer([this](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0});
    EXPECT_EQ(Poll(self, consumer), "t-0!CORRUPT_MESSAGE");
    EXPECT_EQ(Poll(self, consumer), "t-0!CORRUPT_MESSAGE");
    EXPECT_TRUE(consumer.Seek(kT0, Offset(1)).ok());
    EXPECT_EQ(Poll(self, consumer), "t-0:1=b");
  });
}

// "t-0: what" of every partition that cannot be read.
std::string TroublesOf(const Consumer& consumer) {
  std::string text;
  for (const auto& [tp, trouble] : consumer.troubles()) text += ToString(tp) + ": " + trouble.what + "\n";
  return text;
}

TEST_F(ConsumerTest, TellsWhatCannotBeReadAndSinceWhen) {
  Write(kT0, {"a"});
  bool is_offline = false;
  cluster_.fetch_edit = [&is_offline](protocol::FetchResponse& response) {
    if (!is_offline) return;
    for (auto& topic : response.responses) {
      for (auto& partition : topic.partitions) {
        if (partition.partition_index == 0) partition.error_code = protocol::ToWire(ErrorCode::kKafkaStorageError);
      }
    }
  };
  RunConsumer([&](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0, kT1});
    EXPECT_EQ(Poll(self, consumer), "t-0:0=a");
    EXPECT_EQ(TroublesOf(consumer), "");
    is_offline = true;
    Write(kT0, {"b"});
    const MonoTime from = self.Now();
    EXPECT_EQ(Poll(self, consumer, Duration::Seconds(10)), "");
    EXPECT_EQ(TroublesOf(consumer), "t-0: KAFKA_STORAGE_ERROR\n");
    const Trouble trouble = consumer.troubles().at(kT0);
    EXPECT_EQ(trouble.error, ErrorCode::kKafkaStorageError);
    EXPECT_GE(trouble.since, from);
    EXPECT_LT(trouble.since, from + Duration::Seconds(2));
    is_offline = false;
    EXPECT_EQ(Poll(self, consumer, Duration::Seconds(10)), "t-0:1=b");
    EXPECT_EQ(TroublesOf(consumer), "");
  });
}

TEST_F(ConsumerTest, TellsOfABrokerThatIsGoneOrSilent) {
  RequestFault fault = RequestFault::kNone;
  cluster_.request_fault = [&fault](fiber::Fiber&, const testing::Request&) { return fault; };
  RunConsumer([&](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0, kT1});
    consumer.Position(self, kT0, Duration::Seconds(5));
    EXPECT_EQ(Poll(self, consumer, Duration::Seconds(3)), "");
    EXPECT_EQ(TroublesOf(consumer), "");
    fault = RequestFault::kSilence;
    EXPECT_EQ(Poll(self, consumer, Duration::Seconds(6)), "");
    EXPECT_EQ(TroublesOf(consumer), "t-0: the broker does not answer\nt-1: the broker does not answer\n");
    fault = RequestFault::kDisconnect;
    EXPECT_EQ(Poll(self, consumer, Duration::Seconds(60)), "");
    EXPECT_EQ(consumer.troubles().size(), 2u);
    EXPECT_EQ(consumer.troubles().at(kT1).error, ErrorCode::kNetworkException);
    fault = RequestFault::kNone;
    EXPECT_EQ(Poll(self, consumer, Duration::Seconds(10)), "");
    EXPECT_EQ(TroublesOf(consumer), "");
  });
}

TEST_F(ConsumerTest, TellsOfAClusterThatWasNeverReached) {
  config_.common.bootstrap_servers = {FakeCluster::AddressOf(7)};
  RunConsumer([&](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0});
    EXPECT_EQ(Poll(self, consumer, Duration::Seconds(3)), "");
    EXPECT_EQ(TroublesOf(consumer), "t-0: broker7:9092: connection refused\n");
  });
}

TEST_F(ConsumerTest, KeepsThePositionOfPartitionsThatStayAssigned) {
  Write(kT0, {"a"});
  Write(kT1, {"x"});
  RunConsumer([this](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0});
    EXPECT_EQ(Poll(self, consumer), "t-0:0=a");
    consumer.Assign(std::vector{kT0, kT1});
    EXPECT_EQ(Poll(self, consumer), "t-1:0=x");
    consumer.Assign(std::vector{kT1});
    EXPECT_EQ(consumer.position(kT0), std::nullopt);
    EXPECT_EQ(consumer.position(kT1), Offset(1));
  });
}

TEST_F(ConsumerTest, IsKilledWithoutATraceInEveryState) {
  for (const int64_t millis : {0, 1, 50, 700}) {
    net::testing::FakeWorld world;
    FakeCluster cluster(world);
    cluster.StartNode(1);
    cluster.AddTopic("t", 2);
    world.scheduler.Spawn("user", [&](fiber::Fiber& self) {
      Consumer consumer(world.env, config_);
      consumer.Assign(std::vector{kT0, kT1});
      consumer.Poll(self, Duration::Seconds(100));
    });
    world.RunFor(Duration::Millis(millis));
    world.loop.Kill(world.scheduler);
    EXPECT_EQ(world.scheduler.fiber_count(), 0u);
    EXPECT_EQ(world.stacks.in_use_count(), 0u);
  }
}

}  // namespace
}  // namespace odradek::client
