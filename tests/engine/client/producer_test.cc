#include "engine/client/producer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "engine/base/murmur2.h"
#include "tests/engine/client/producer_fixture.h"

namespace odradek::client {
namespace {

using protocol::ErrorCode;
using testing::FakeCluster;
using testing::ProduceAttempt;
using testing::ProduceFault;
using testing::ProducerTest;
using testing::RequestFault;
using Append = ProduceFault::Append;
using Then = ProduceFault::Then;

TEST_F(ProducerTest, WritesARecordAndReportsItsOffset) {
  RunProducer([this](fiber::Fiber& self, Producer& producer) {
    const SendResult first = producer.SendAndWait(self, {.topic = "t", .key = AsBytes("k"), .value = AsBytes("a")});
    EXPECT_TRUE(first.ok()) << first.what;
    EXPECT_EQ(first.offset, Offset(0));
    EXPECT_EQ(first.timestamp, Timestamp(world_.loop.WallNow().unix_millis() - 5));
    const SendResult second = producer.SendAndWait(
        self, {.topic = "t", .partition = PartitionIndex(0), .value = AsBytes("b"), .timestamp = Timestamp(77)});
    EXPECT_EQ(second.offset, Offset(1));
    EXPECT_EQ(second.timestamp, Timestamp(77));
  });
  EXPECT_EQ(cluster_.Values("t", 0), "a,b");
  ASSERT_EQ(cluster_.attempts.size(), 2u);
  EXPECT_EQ(cluster_.attempts[0].header.producer_id, ProducerId(1000));
  EXPECT_EQ(cluster_.attempts[1].header.base_sequence, 1);
  EXPECT_EQ(metrics_.ok_record_count, 2);
  EXPECT_EQ(metrics_.buffer_free_bytes, config_.buffer_memory_bytes);
}

TEST_F(ProducerTest, FillsABatchWhileItLingers) {
  config_.linger = Duration::Millis(50);
  RunProducer([this](fiber::Fiber& self, Producer& producer) {
    producer.SendAndWait(self, {.topic = "t", .value = AsBytes("warm")});
    const MonoTime start = self.Now();
    for (int i = 0; i < 10; ++i) Send(self, producer, std::to_string(i));
    fiber::SleepFor(self, Duration::Millis(49));
    EXPECT_EQ(cluster_.attempts.size(), 1u);
    fiber::SleepFor(self, Duration::Millis(2));
    ASSERT_EQ(cluster_.attempts.size(), 2u);
    EXPECT_EQ(cluster_.attempts[1].at - start, Duration::Millis(50));
    EXPECT_EQ(cluster_.attempts[1].header.record_count, 10);
  });
  EXPECT_EQ(results_["7"].offset, Offset(8));
}

TEST_F(ProducerTest, SendsAFullBatchWithoutLingering) {
  config_.linger = Duration::Seconds(100);
  config_.delivery_timeout = Duration::Seconds(200);
  config_.batch_bytes = 1000;
  RunProducer([this](fiber::Fiber& self, Producer& producer) {
    const MonoTime start = self.Now();
    for (int i = 0; i < 20; ++i) Send(self, producer, std::string(100, static_cast<char>('a' + i)));
    fiber::SleepFor(self, Duration::Millis(200));
    EXPECT_EQ(cluster_.attempts.size(), 2u);
    for (const ProduceAttempt& attempt : cluster_.attempts) {
      EXPECT_LE(attempt.bytes.size(), 1000u);
      EXPECT_GE(attempt.header.record_count, 7);
    }
    producer.Flush(self);
    EXPECT_LT(self.Now() - start, Duration::Seconds(2)) << "a flush does not linger";
    EXPECT_EQ(results_.size(), 20u);
  });
}

TEST_F(ProducerTest, CompressesWithEveryCodec) {
  for (const auto codec : {record::Codec::kGzip, record::Codec::kSnappy, record::Codec::kLz4, record::Codec::kZstd}) {
    config_.compression = codec;
    finished_ = false;
    RunProducer([this](fiber::Fiber& self, Producer& producer) {
      for (int i = 0; i < 5; ++i) Send(self, producer, std::string(500, static_cast<char>('a' + i)));
    });
    EXPECT_EQ(cluster_.attempts.back().header.codec(), codec);
    EXPECT_EQ(cluster_.attempts.back().header.record_count, 5);
    EXPECT_LT(cluster_.attempts.back().bytes.size(), 1000u);
  }
}

TEST_F(ProducerTest, KeepsOrderWhenTheFirstOfSeveralInFlightFails) {
  OneRecordPerBatch();
  int failures = 0;
  cluster_.produce_fault = [&](const ProduceAttempt&) {
    return ++failures == 2 ? ProduceFault{Append::kNo, ErrorCode::kNotEnoughReplicas} : ProduceFault{};
  };
  RunProducer([this](fiber::Fiber& self, Producer& producer) {
    producer.SendAndWait(self, {.topic = "t", .value = AsBytes("w")});
    SendEach(self, producer, {"a", "b", "c", "d", "e"});
  });
  EXPECT_EQ(cluster_.Values("t", 0), "w,a,b,c,d,e");
  EXPECT_EQ(order_, (std::vector<std::string>{"a", "b", "c", "d", "e"}));
  EXPECT_EQ(cluster_.attempts[2].error, ErrorCode::kOutOfOrderSequenceNumber) << "the test must have had two in flight";
  EXPECT_EQ(metrics_.epoch_bump_count, 0);
}

TEST_F(ProducerTest, ARetryHasTheSameBytesAndIsRecognised) {
  int attempts = 0;
  cluster_.produce_fault = [&](const ProduceAttempt&) {
    return ++attempts == 1 ? ProduceFault{Append::kYes, ErrorCode::kNone, Then::kDisconnect} : ProduceFault{};
  };
  RunProducer([this](fiber::Fiber& self, Producer& producer) {
    for (const char* value : {"a", "b", "c"}) Send(self, producer, value);
  });
  EXPECT_EQ(cluster_.Values("t", 0), "a,b,c");
  ASSERT_EQ(cluster_.attempts.size(), 2u);
  EXPECT_EQ(cluster_.attempts[0].bytes, cluster_.attempts[1].bytes);
  EXPECT_EQ(results_["c"].offset, Offset(2));
}

TEST_F(ProducerTest, BacksOffBetweenRetries) {
  int attempts = 0;
  cluster_.produce_fault = [&](const ProduceAttempt&) {
    return ++attempts <= 4 ? ProduceFault{Append::kNo, ErrorCode::kNotEnoughReplicas} : ProduceFault{};
  };
  RunProducer([this](fiber::Fiber& self, Producer& producer) { Send(self, producer, "a"); });
  ASSERT_EQ(cluster_.attempts.size(), 5u);
  for (int i = 1; i < 5; ++i) {
    const int64_t millis =
        (cluster_.attempts[static_cast<size_t>(i)].at - cluster_.attempts[static_cast<size_t>(i - 1)].at).millis();
    EXPECT_GE(millis, (80 << (i - 1)) - 1);
    EXPECT_LE(millis, (120 << (i - 1)) + 1);
  }
}

TEST_F(ProducerTest, NothingOvertakesTheFirstBatchOfAProducerThatTheBrokerDoesNotKnow) {
  OneRecordPerBatch();
  int attempts = 0;
  cluster_.produce_fault = [&](const ProduceAttempt&) {
    return ++attempts == 1 ? ProduceFault{Append::kNo, ErrorCode::kNotEnoughReplicas} : ProduceFault{};
  };
  RunProducer([this](fiber::Fiber& self, Producer& producer) { SendEach(self, producer, {"a", "b", "c"}); });
  EXPECT_EQ(cluster_.Values("t", 0), "a,b,c");
}

TEST_F(ProducerTest, FollowsTheLeader) {
  cluster_.StartNode(2);
  OneRecordPerBatch();
  RunProducer([this](fiber::Fiber& self, Producer& producer) {
    SendEach(self, producer, {"a", "b"});
    producer.Flush(self);
    cluster_.partition("t", 0).leader = 2;
    cluster_.partition("t", 0).leader_epoch = 1;
    SendEach(self, producer, {"c", "d", "e"});
  });
  EXPECT_EQ(cluster_.Values("t", 0), "a,b,c,d,e");
  EXPECT_EQ(OutcomeOf("e"), Outcome::kOk);
  EXPECT_EQ(cluster_.attempts.back().node, 2);
}

TEST_F(ProducerTest, TellsFailFromUnknown) {
  config_.retries = 1;
  struct Case {
    ErrorCode error;
    Outcome outcome;
  };
  for (const auto& [error, outcome] :
       {Case{ErrorCode::kInvalidRecord, Outcome::kFail}, Case{ErrorCode::kNotEnoughReplicas, Outcome::kFail},
        Case{ErrorCode::kTopicAuthorizationFailed, Outcome::kFail},
        Case{ErrorCode::kRequestTimedOut, Outcome::kUnknown},
        Case{ErrorCode::kNotEnoughReplicasAfterAppend, Outcome::kUnknown},
        Case{ErrorCode::kNotLeaderOrFollower, Outcome::kUnknown},
        Case{ErrorCode::kKafkaStorageError, Outcome::kUnknown},
        Case{ErrorCode::kUnknownServerError, Outcome::kUnknown}}) {
    cluster_.produce_fault = [&](const ProduceAttempt&) { return ProduceFault{Append::kNo, error}; };
    finished_ = false;
    RunProducer([this](fiber::Fiber& self, Producer& producer) { Send(self, producer, "a"); });
    EXPECT_EQ(OutcomeOf("a"), outcome) << protocol::ErrorName(error);
    EXPECT_EQ(results_["a"].error, error);
  }
}

TEST_F(ProducerTest, AnEarlierUnclearAttemptMakesALaterClearErrorUnknown) {
  int attempts = 0;
  cluster_.produce_fault = [&](const ProduceAttempt&) {
    return ++attempts == 1 ? ProduceFault{Append::kNo, ErrorCode::kNone, Then::kDisconnect}
                           : ProduceFault{Append::kNo, ErrorCode::kInvalidRecord};
  };
  RunProducer([this](fiber::Fiber& self, Producer& producer) { Send(self, producer, "a"); });
  EXPECT_EQ(OutcomeOf("a"), Outcome::kUnknown);
}

TEST_F(ProducerTest, WithoutAcksNobodyKnows) {
  config_.acks = Acks::kNone;
  config_.idempotence = Idempotence::kOff;
  RunProducer([this](fiber::Fiber& self, Producer& producer) { Send(self, producer, "a"); });
  EXPECT_EQ(OutcomeOf("a"), Outcome::kUnknown);
  EXPECT_EQ(results_["a"].error, ErrorCode::kNone);
  EXPECT_EQ(results_["a"].offset, kNoOffset);
  EXPECT_EQ(cluster_.Values("t", 0), "a");
}

TEST_F(ProducerTest, ARecordThatNeverLeftFailsAtItsDeliveryTimeout) {
  config_.delivery_timeout = Duration::Millis(30005);
  RunProducer([this](fiber::Fiber& self, Producer& producer) {
    Send(self, producer, "a");
    producer.Flush(self);
    cluster_.partition("t", 0).leader = -1;
    cluster_.produce_fault = [&](const ProduceAttempt&) {
      ADD_FAILURE();
      return ProduceFault{};
    };
    cluster_.nodes = {9};  // nobody is there
    world_.network.silent.insert(FakeCluster::AddressOf(9));
    cluster_.partition("t", 0).leader_epoch = 1;
    fiber::SleepFor(self, Duration::Seconds(400));
    const MonoTime start = self.Now();
    const SendResult late = producer.SendAndWait(self, {.topic = "t", .value = AsBytes("b")});
    EXPECT_EQ(late.outcome, Outcome::kFail);
    EXPECT_EQ(late.what, "Expiring 1 record(s) for t-0:30005 ms has passed since batch creation");
    EXPECT_EQ((self.Now() - start).millis(), 30005);
  });
}

TEST_F(ProducerTest, TellsWhyTheOldestRecordWaits) {
  ProduceFault fault;
  cluster_.produce_fault = [&fault](const ProduceAttempt&) { return fault; };
  RunProducer([&](fiber::Fiber& self, Producer& producer) {
    const auto trouble = [&producer] { return producer.trouble() ? producer.trouble()->what : ""; };
    producer.SendAndWait(self, {.topic = "t", .value = AsBytes("a")});
    EXPECT_EQ(trouble(), "");
    fault = {.append = ProduceFault::Append::kNo, .error = ErrorCode::kKafkaStorageError};
    Send(self, producer, "b");
    const MonoTime sent_at = self.Now();
    fiber::SleepFor(self, Duration::Seconds(5));
    EXPECT_EQ(trouble(), "KAFKA_STORAGE_ERROR");
    EXPECT_EQ(producer.trouble()->since, sent_at);
    fault = {};
    producer.Flush(self);
    EXPECT_EQ(trouble(), "");
    fault.then = ProduceFault::Then::kSilence;
    Send(self, producer, "c");
    fiber::SleepFor(self, Duration::Seconds(5));
    EXPECT_EQ(trouble(), "the broker does not answer");
    fault = {};
  });
  EXPECT_EQ(cluster_.Values("t", 0), "a,b,c");
}

TEST_F(ProducerTest, TellsOfAClusterThatWasNeverReached) {
  config_.common.bootstrap_servers = {FakeCluster::AddressOf(7)};
  RunProducer([&](fiber::Fiber& self, Producer& producer) {
    fiber::SleepFor(self, Duration::Seconds(3));
    ASSERT_TRUE(producer.trouble().has_value());
    EXPECT_EQ(producer.trouble()->what, "broker7:9092: connection refused");
  });
}

TEST_F(ProducerTest, ATimedOutSequenceIsNeverUsedForOtherRecords) {
  config_.linger = Duration();
  config_.common.request_timeout = Duration::Seconds(10);
  config_.delivery_timeout = Duration::Seconds(15);
  bool silent = true;
  cluster_.produce_fault = [&](const ProduceAttempt&) {
    return silent ? ProduceFault{Append::kYes, ErrorCode::kNone, Then::kSilence} : ProduceFault{};
  };
  RunProducer([&](fiber::Fiber& self, Producer& producer) {
    Send(self, producer, "lost");
    fiber::SleepFor(self, Duration::Seconds(30));
    EXPECT_EQ(OutcomeOf("lost"), Outcome::kUnknown);
    silent = false;
    Send(self, producer, "next");
    producer.Flush(self);
    EXPECT_EQ(OutcomeOf("next"), Outcome::kOk);
  });
  EXPECT_EQ(cluster_.Values("t", 0), "lost,next");
  EXPECT_EQ(cluster_.attempts.back().header.producer_epoch, ProducerEpoch(1));
  EXPECT_EQ(cluster_.attempts.back().header.base_sequence, 0);
  EXPECT_EQ(metrics_.epoch_bump_count, 1);
}

TEST_F(ProducerTest, AfterAGapOnlyWhatWasCertainlyNotAppendedIsSequencedAnew) {
  OneRecordPerBatch();
  // The first batch is refused for good while two more are in flight.
  cluster_.produce_fault = [&](const ProduceAttempt& attempt) {
    const bool is_first = attempt.header.base_sequence == 1 && attempt.header.producer_epoch == ProducerEpoch(0);
    return is_first ? ProduceFault{Append::kNo, ErrorCode::kInvalidRecord} : ProduceFault{};
  };
  RunProducer([&](fiber::Fiber& self, Producer& producer) {
    producer.SendAndWait(self, {.topic = "t", .value = AsBytes("w")});
    SendEach(self, producer, {"bad", "b", "c"});
  });
  EXPECT_EQ(OutcomeOf("bad"), Outcome::kFail);
  EXPECT_EQ(OutcomeOf("b"), Outcome::kOk);
  EXPECT_EQ(cluster_.Values("t", 0), "w,b,c");
  EXPECT_EQ(cluster_.attempts.back().header.producer_epoch, ProducerEpoch(1));
}

TEST_F(ProducerTest, ABatchThatMayBeInTheLogIsNotSequencedAnew) {
  config_.linger = Duration();
  int attempts = 0;
  cluster_.produce_fault = [&](const ProduceAttempt&) {
    ++attempts;
    if (attempts == 1) return ProduceFault{Append::kNo, ErrorCode::kNone, Then::kDisconnect};
    if (attempts == 2) return ProduceFault{Append::kNo, ErrorCode::kOutOfOrderSequenceNumber};
    return ProduceFault{};
  };
  RunProducer([&](fiber::Fiber& self, Producer& producer) {
    Send(self, producer, "unclear");
    producer.Flush(self);
    Send(self, producer, "next");
  });
  EXPECT_EQ(OutcomeOf("unclear"), Outcome::kUnknown);
  EXPECT_EQ(OutcomeOf("next"), Outcome::kOk);
  EXPECT_EQ(cluster_.Values("t", 0), "next");
}

TEST_F(ProducerTest, ADuplicateIsASuccess) {
  cluster_.produce_fault = [&](const ProduceAttempt&) {
    return ProduceFault{Append::kNo, ErrorCode::kDuplicateSequenceNumber};
  };
  RunProducer([&](fiber::Fiber& self, Producer& producer) { Send(self, producer, "a"); });
  EXPECT_EQ(OutcomeOf("a"), Outcome::kOk);
  EXPECT_EQ(results_["a"].offset, kNoOffset);
}

TEST_F(ProducerTest, SplitsABatchThatIsTooLarge) {
  cluster_.produce_fault = [&](const ProduceAttempt& attempt) {
    return attempt.header.record_count > 2 ? ProduceFault{Append::kNo, ErrorCode::kMessageTooLarge} : ProduceFault{};
  };
  RunProducer([this](fiber::Fiber& self, Producer& producer) {
    for (const char* value : {"a", "b", "c", "d", "e"}) Send(self, producer, value);
  });
  EXPECT_EQ(cluster_.Values("t", 0), "a,b,c,d,e");
  EXPECT_EQ(order_, (std::vector<std::string>{"a", "b", "c", "d", "e"}));
  EXPECT_EQ(metrics_.buffer_free_bytes, config_.buffer_memory_bytes);
}

TEST_F(ProducerTest, WaitsForBufferMemoryAndGivesUpAtMaxBlock) {
  config_.buffer_memory_bytes = 3 * 16384;
  config_.max_block = Duration::Millis(500);
  bool silent = true;
  cluster_.produce_fault = [&](const ProduceAttempt&) {
    return ProduceFault{Append::kYes, ErrorCode::kNone, silent ? Then::kSilence : Then::kAnswer};
  };
  RunProducer([&](fiber::Fiber& self, Producer& producer) {
    for (int i = 0; i < 3; ++i) Send(self, producer, std::string(16000, static_cast<char>('a' + i)));
    const MonoTime start = self.Now();
    const SendResult refused = producer.SendAndWait(self, {.topic = "t", .value = AsBytes(std::string(16000, 'x'))});
    EXPECT_EQ(refused.outcome, Outcome::kFail);
    EXPECT_THAT(refused.what, ::testing::HasSubstr("no room in buffer.memory"));
    EXPECT_EQ((self.Now() - start).millis(), 500);
    silent = false;
  });
  EXPECT_EQ(metrics_.buffer_free_bytes, config_.buffer_memory_bytes);
}

TEST_F(ProducerTest, RefusesWhatCanNeverBeSent) {
  RunProducer([&](fiber::Fiber& self, Producer& producer) {
    const std::string large(1 << 20, 'x');
    const SendResult too_large = producer.SendAndWait(self, {.topic = "t", .value = AsBytes(large)});
    EXPECT_EQ(too_large.error, ErrorCode::kMessageTooLarge);
    const MonoTime start = self.Now();
    const SendResult no_topic = producer.SendAndWait(self, {.topic = "nope", .value = AsBytes("a")});
    EXPECT_EQ(no_topic.what, "topic nope is not in the metadata after 60000 ms");
    EXPECT_EQ((self.Now() - start).millis(), 60000);
    const SendResult no_partition =
        producer.SendAndWait(self, {.topic = "t", .partition = PartitionIndex(5), .value = AsBytes("a")});
    EXPECT_EQ(no_partition.what, "partition 5 of topic t is not in the metadata after 60000 ms");
    const SendResult negative = producer.SendAndWait(self, {.topic = "t", .partition = PartitionIndex(-1)});
    EXPECT_EQ(negative.what, "partition -1 is negative");
    producer.Close(self, Duration::Seconds(1));
    EXPECT_EQ(producer.SendAndWait(self, {.topic = "t"}).what, "the producer is closed");
  });
  EXPECT_TRUE(cluster_.attempts.empty());
}

TEST_F(ProducerTest, AFatalErrorEndsEverything) {
  cluster_.init_producer_id_error = ErrorCode::kClusterAuthorizationFailed;
  RunProducer([&](fiber::Fiber& self, Producer& producer) {
    const SendResult result = producer.SendAndWait(self, {.topic = "t", .value = AsBytes("a")});
    EXPECT_EQ(result.outcome, Outcome::kFail);
    EXPECT_EQ(result.error, ErrorCode::kClusterAuthorizationFailed);
  });
}

TEST_F(ProducerTest, CloseSettlesWhatIsLeft) {
  cluster_.produce_fault = [&](const ProduceAttempt&) {
    return ProduceFault{Append::kNo, ErrorCode::kNone, Then::kSilence};
  };
  RunProducer([&](fiber::Fiber& self, Producer& producer) {
    Send(self, producer, "sent");
    fiber::SleepFor(self, Duration::Seconds(1));
    producer.Close(self, Duration::Seconds(1));
    EXPECT_EQ(OutcomeOf("sent"), Outcome::kUnknown);
  });
}

TEST_F(ProducerTest, SpreadsKeylessRecordsAndKeepsKeysTogether) {
  cluster_.AddTopic("t", 8);
  config_.batch_bytes = 500;
  RunProducer([&](fiber::Fiber& self, Producer& producer) {
    for (int i = 0; i < 200; ++i) Send(self, producer, std::string(50, 'v') + std::to_string(i));
    producer.Flush(self);
    std::set<PartitionIndex> partitions;
    for (const auto& [value, result] : results_) partitions.insert(result.partition.partition);
    EXPECT_GE(partitions.size(), 5u);
    const SendResult a = producer.SendAndWait(self, {.topic = "t", .key = AsBytes("key"), .value = AsBytes("1")});
    const SendResult b = producer.SendAndWait(self, {.topic = "t", .key = AsBytes("key"), .value = AsBytes("2")});
    EXPECT_EQ(a.partition, b.partition);
    EXPECT_EQ(a.partition.partition.value(), base::Murmur2Partition(AsBytes("key"), 8));
  });
}

TEST_F(ProducerTest, ALostConnectionIsOpenedAgainWithBackoff) {
  int breaks = 0;
  RunProducer([&](fiber::Fiber& self, Producer& producer) {
    Send(self, producer, "a");
    producer.Flush(self);
    cluster_.request_fault = [&](fiber::Fiber&, const testing::Request&) {
      return ++breaks <= 3 ? RequestFault::kDisconnect : RequestFault::kNone;
    };
    Send(self, producer, "b");
  });
  EXPECT_EQ(cluster_.Values("t", 0), "a,b");
}

TEST_F(ProducerTest, IsKilledWithoutATraceInEveryState) {
  for (const int64_t millis : {0, 1, 5, 6, 50, 31000}) {
    net::testing::FakeWorld world;
    FakeCluster cluster(world);
    cluster.StartNode(1);
    cluster.AddTopic("t", 2);
    cluster.produce_fault = [](const ProduceAttempt&) {
      return ProduceFault{Append::kYes, ErrorCode::kNone, Then::kSilence};
    };
    world.scheduler.Spawn("user", [&](fiber::Fiber& self) {
      Producer producer(world.env, config_);
      producer.Send(self, {.topic = "t", .value = AsBytes("a")}, nullptr);
      producer.SendAndWait(self, {.topic = "t", .value = AsBytes("b")});
    });
    world.RunFor(Duration::Millis(millis));
    world.loop.Kill(world.scheduler);
    EXPECT_EQ(world.scheduler.fiber_count(), 0u);
    EXPECT_EQ(world.stacks.in_use_count(), 0u);
  }
}

}  // namespace
}  // namespace odradek::client
