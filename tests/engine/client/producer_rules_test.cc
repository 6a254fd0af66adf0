// What a producer promises about limits, order and sequences (SEMANTICS.md 1-8), one rule per test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/engine/client/producer_fixture.h"

namespace odradek::client::testing {
namespace {

using Append = ProduceFault::Append;
using Then = ProduceFault::Then;
using ::testing::ElementsAre;

constexpr PartitionIndex kP0(0);
constexpr PartitionIndex kP1(1);

TEST_F(ProducerTest, FlushSendsAtOnceAndWaitsForWhatWasSentBefore) {
  config_.linger = Duration::Seconds(50);
  RunProducer([this](fiber::Fiber& self, Producer& producer) {
    Send(self, producer, "before");
    world_.scheduler.Spawn("other", [&](fiber::Fiber& other) {
      fiber::SleepFor(other, Duration::Millis(20));
      Send(other, producer, "after");
    });
    cluster_.request_fault = [](fiber::Fiber& broker, const Request& request) {
      if (request.key() == protocol::ApiKey::kProduce) fiber::SleepFor(broker, Duration::Millis(50));
      return RequestFault::kNone;
    };
    const MonoTime start = self.Now();
    producer.Flush(self);
    EXPECT_EQ(self.Now() - start, Duration::Millis(50));
    EXPECT_TRUE(results_.contains("before"));
    EXPECT_FALSE(results_.contains("after"));
  });
}

TEST_F(ProducerTest, LingersForCompanyAndNoLonger) {
  config_.linger = Duration::Millis(40);
  RunProducer([this](fiber::Fiber& self, Producer& producer) {
    const SendResult warm = producer.SendAndWait(self, {.topic = "t", .value = AsBytes("warm")});
    EXPECT_TRUE(warm.ok());
    const MonoTime start = self.Now();
    Send(self, producer, "a");
    fiber::SleepFor(self, Duration::Millis(30));
    EXPECT_TRUE(producer.SendAndWait(self, {.topic = "t", .value = AsBytes("b")}).ok());
    EXPECT_EQ(self.Now() - start, Duration::Millis(40)) << "the first record's linger counts";
  });
  EXPECT_EQ(cluster_.attempts.back().header.record_count, 2);
}

TEST_F(ProducerTest, NeverHasMoreRequestsInFlightThanAllowed) {
  for (const int32_t limit : {1, 2, 5}) {
    OneRecordPerBatch();
    config_.max_in_flight = limit;
    finished_ = false;
    RunProducer([&](fiber::Fiber& self, Producer& producer) {
      EXPECT_TRUE(producer.SendAndWait(self, {.topic = "t", .value = AsBytes("known to the broker")}).ok());
      cluster_.produce_fault = [](const ProduceAttempt&) {
        return ProduceFault{Append::kYes, ErrorCode::kNone, Then::kSilence};
      };
      const size_t before = cluster_.attempts.size();
      for (int i = 0; i < 9; ++i) Send(self, producer, std::to_string(i));
      fiber::SleepFor(self, Duration::Seconds(5));
      EXPECT_EQ(cluster_.attempts.size() - before, static_cast<size_t>(limit));
      EXPECT_EQ(producer.metrics().requests_in_flight_count, limit);
      cluster_.produce_fault = nullptr;
    });
    EXPECT_EQ(metrics_.requests_in_flight_count, 0);
  }
}

TEST_F(ProducerTest, OneRequestInFlightKeepsOrderWithoutIdempotence) {
  OneRecordPerBatch();
  config_.idempotence = Idempotence::kOff;
  config_.max_in_flight = 1;
  int attempts = 0;
  cluster_.produce_fault = [&](const ProduceAttempt&) {
    return ++attempts <= 2 ? ProduceFault{Append::kNo, ErrorCode::kNotEnoughReplicas} : ProduceFault{};
  };
  RunProducer([this](fiber::Fiber& self, Producer& producer) { SendEach(self, producer, {"a", "b", "c"}); });
  EXPECT_EQ(cluster_.Values("t", 0), "a,b,c");
}

TEST_F(ProducerTest, ARequestStaysWithinItsSizeAndNoPartitionStarves) {
  cluster_.AddTopic("t", 3);
  config_.batch_bytes = 1000;
  config_.request_bytes_max = 1500;
  std::vector<size_t> batches_per_request;
  cluster_.request_fault = [&](fiber::Fiber&, const Request& request) {
    if (request.key() != protocol::ApiKey::kProduce) return RequestFault::kNone;
    size_t count = 0;
    for (const auto& topic : request.Body<protocol::ProduceRequest>().topic_data) count += topic.partition_data.size();
    batches_per_request.push_back(count);
    return RequestFault::kNone;
  };
  RunProducer([this](fiber::Fiber& self, Producer& producer) {
    for (int32_t i = 0; i < 3; ++i)
      Send(self, producer, std::string(900, static_cast<char>('a' + i)), PartitionIndex(i));
  });
  EXPECT_THAT(batches_per_request, ElementsAre(1, 1, 1));
  EXPECT_EQ(metrics_.ok_record_count, 3);
}

TEST_F(ProducerTest, SaysTheAcksAndTheTimeoutThatAreConfigured) {
  for (const auto acks : {Acks::kNone, Acks::kLeader, Acks::kAll}) {
    config_.acks = acks;
    config_.idempotence = Idempotence::kOff;
    config_.common.request_timeout = Duration::Millis(12345);
    int16_t said_acks = 99;
    int32_t said_timeout = 0;
    cluster_.request_fault = [&](fiber::Fiber&, const Request& request) {
      if (request.key() != protocol::ApiKey::kProduce) return RequestFault::kNone;
      said_acks = request.Body<protocol::ProduceRequest>().acks;
      said_timeout = request.Body<protocol::ProduceRequest>().timeout_ms;
      return RequestFault::kNone;
    };
    finished_ = false;
    RunProducer([this](fiber::Fiber& self, Producer& producer) { Send(self, producer, "a"); });
    EXPECT_EQ(said_acks, static_cast<int16_t>(acks));
    EXPECT_EQ(said_timeout, 12345);
  }
}

TEST_F(ProducerTest, CloseWithoutTimeFailsWhatNeverLeft) {
  config_.linger = Duration::Seconds(50);
  RunProducer([this](fiber::Fiber& self, Producer& producer) {
    Send(self, producer, "waits");
    producer.Close(self, Duration());
    EXPECT_EQ(OutcomeOf("waits"), Outcome::kFail);
  });
  EXPECT_TRUE(cluster_.attempts.empty());
}

// ID08, CL03: the partition that failed begins anew, the other one goes on as if nothing had happened.
TEST_F(ProducerTest, ANewEpochBeginsAt0WhereTheGapIsAndNowhereElse) {
  cluster_.AddTopic("t", 2);
  OneRecordPerBatch();
  RunProducer([this](fiber::Fiber& self, Producer& producer) {
    Send(self, producer, "a0", kP0);
    Send(self, producer, "b0", kP1);
    producer.Flush(self);
    cluster_.produce_fault = [](const ProduceAttempt&) { return ProduceFault{Append::kNo, ErrorCode::kInvalidRecord}; };
    Send(self, producer, "bad", kP0);
    producer.Flush(self);
    cluster_.produce_fault = nullptr;
    Send(self, producer, "a1", kP0);
    Send(self, producer, "b1", kP1);
  });
  EXPECT_EQ(OutcomeOf("bad"), Outcome::kFail);
  EXPECT_EQ(cluster_.Values("t", 0), "a0,a1");
  EXPECT_EQ(cluster_.Values("t", 1), "b0,b1");
  const record::BatchHeader& renewed = cluster_.partition("t", 0).log.back().header;
  EXPECT_EQ(renewed.producer_epoch, ProducerEpoch(1));
  EXPECT_EQ(renewed.base_sequence, 0);
  const record::BatchHeader& other = cluster_.partition("t", 1).log.back().header;
  EXPECT_EQ(other.producer_epoch, ProducerEpoch(0));
  EXPECT_EQ(other.base_sequence, 1);
}

TEST_F(ProducerTest, ABrokerThatForgotTheProducerGetsANewEpoch) {
  for (const ErrorCode error : {ErrorCode::kUnknownProducerId, ErrorCode::kInvalidProducerEpoch}) {
    results_.clear();
    finished_ = false;
    bool refuse = false;
    cluster_.produce_fault = [&](const ProduceAttempt&) {
      return std::exchange(refuse, false) ? ProduceFault{Append::kNo, error} : ProduceFault{};
    };
    RunProducer([&](fiber::Fiber& self, Producer& producer) {
      Send(self, producer, "first");
      producer.Flush(self);
      refuse = true;
      Send(self, producer, "second");
    });
    EXPECT_EQ(OutcomeOf("second"), Outcome::kOk) << protocol::ErrorName(error);
    EXPECT_EQ(cluster_.attempts.back().header.producer_epoch, ProducerEpoch(1));
    EXPECT_EQ(cluster_.attempts.back().header.base_sequence, 0);
  }
}

// CL16, CL02: an error that says nothing, with more in flight. What may be in the log is not sent under another
// sequence, and what certainly is not keeps its order.
TEST_F(ProducerTest, AnUnknownServerErrorLosesAndRepeatsNothingElse) {
  OneRecordPerBatch();
  cluster_.produce_fault = [](const ProduceAttempt& attempt) {
    const bool is_it = attempt.header.base_sequence == 1 && attempt.header.producer_epoch == ProducerEpoch(0);
    return is_it ? ProduceFault{Append::kNo, ErrorCode::kUnknownServerError} : ProduceFault{};
  };
  RunProducer([this](fiber::Fiber& self, Producer& producer) {
    EXPECT_TRUE(producer.SendAndWait(self, {.topic = "t", .value = AsBytes("w")}).ok());
    SendEach(self, producer, {"unclear", "b", "c", "d", "e", "f"});
  });
  EXPECT_EQ(OutcomeOf("unclear"), Outcome::kUnknown);
  EXPECT_EQ(cluster_.Values("t", 0), "w,b,c,d,e,f");
}

// ID01, ID02, ID06: answers are lost with five in flight; every retry is recognised and gets its own offset.
TEST_F(ProducerTest, LostAnswersWithFiveInFlightCostNothing) {
  OneRecordPerBatch();
  int attempts = 0;
  cluster_.produce_fault = [&](const ProduceAttempt&) {
    return ++attempts == 6 ? ProduceFault{Append::kYes, ErrorCode::kNone, Then::kDisconnect} : ProduceFault{};
  };
  RunProducer([this](fiber::Fiber& self, Producer& producer) {
    EXPECT_TRUE(producer.SendAndWait(self, {.topic = "t", .value = AsBytes("w")}).ok());
    SendEach(self, producer, {"a", "b", "c", "d", "e"});
  });
  EXPECT_EQ(cluster_.Values("t", 0), "w,a,b,c,d,e");
  EXPECT_THAT(order_, ElementsAre("a", "b", "c", "d", "e"));
  for (int64_t i = 0; i < 5; ++i) EXPECT_EQ(results_[order_[static_cast<size_t>(i)]].offset, Offset(i + 1));
}

TEST_F(ProducerTest, CountsWhatItDoes) {
  cluster_.AddTopic("t", 1);
  config_.compression = record::Codec::kGzip;
  int attempts = 0;
  cluster_.produce_fault = [&](const ProduceAttempt&) {
    return ++attempts == 1 ? ProduceFault{Append::kNo, ErrorCode::kNotEnoughReplicas} : ProduceFault{};
  };
  RunProducer([this](fiber::Fiber& self, Producer& producer) {
    for (int i = 0; i < 4; ++i) Send(self, producer, std::string(300, static_cast<char>('a' + i)));
    EXPECT_EQ(producer.metrics().incomplete_batch_count, 1);
    fiber::SleepFor(self, Duration::Millis(10));
  });
  EXPECT_EQ(metrics_.sent_record_count, 4);
  EXPECT_EQ(metrics_.ok_record_count, 4);
  EXPECT_EQ(metrics_.record_bytes.count, 4);
  EXPECT_GE(metrics_.record_bytes.average(), 300);
  EXPECT_EQ(metrics_.sent_batch_count, 2);
  EXPECT_EQ(metrics_.retried_batch_count, 1);
  EXPECT_EQ(metrics_.batch_bytes.count, 1) << "first attempts only";
  EXPECT_LT(metrics_.batch_bytes.total, metrics_.batch_uncompressed_bytes.total);
  EXPECT_EQ(metrics_.batch_record_count.max, 4);
  EXPECT_EQ(metrics_.queue_time_micros.max, 5000) << "linger.ms";
  EXPECT_EQ(metrics_.request_count, 2);
  EXPECT_EQ(metrics_.request_latency_micros.count, 2);
  EXPECT_EQ(metrics_.incomplete_batch_count, 0);
  EXPECT_EQ(metrics_.buffer_total_bytes, config_.buffer_memory_bytes);
}

class AdaptivePartitioningTest : public ProducerTest {
 protected:
  AdaptivePartitioningTest() {
    cluster_.StartNode(2);
    cluster_.AddTopic("t", 2);
    cluster_.partition("t", 1).leader = 2;
    OneRecordPerBatch();
    config_.max_in_flight = 1;
  }
  // How many of the later records go to the partition whose broker answers nothing.
  int64_t SendPastABlockedBroker() {
    int64_t count = 0;
    RunProducer([&](fiber::Fiber& self, Producer& producer) {
      cluster_.request_fault = [](fiber::Fiber&, const Request& request) {
        const bool is_blocked = request.key() == protocol::ApiKey::kProduce && request.node == 2;
        return is_blocked ? RequestFault::kSilence : RequestFault::kNone;
      };
      Send(self, producer, "in flight", kP1);
      Send(self, producer, "queued", kP1);
      fiber::SleepFor(self, Duration::Seconds(3));
      for (int i = 0; i < 100; ++i) {
        Send(self, producer, std::to_string(i));
        fiber::SleepFor(self, Duration::Millis(10));
      }
      producer.Close(self, Duration());
      for (const auto& [value, result] : results_) count += result.partition.partition == kP1 ? 1 : 0;
    });
    return count - 2;
  }
};

// KIP-794.
TEST_F(AdaptivePartitioningTest, ABlockedBrokerIsLeftOutAfterTheAvailabilityTimeout) {
  config_.partitioner_availability_timeout = Duration::Seconds(2);
  EXPECT_EQ(SendPastABlockedBroker(), 0);
}

TEST_F(AdaptivePartitioningTest, WithoutTheTimeoutALongQueueIsOnlyLessLikely) {
  const int64_t count = SendPastABlockedBroker();
  EXPECT_GT(count, 0);
  EXPECT_LT(count, 30);
}

TEST_F(AdaptivePartitioningTest, SwitchedOffEveryPartitionIsAsLikely) {
  config_.adaptive_partitioning = AdaptivePartitioning::kOff;
  config_.partitioner_availability_timeout = Duration::Seconds(2);
  const int64_t count = SendPastABlockedBroker();
  EXPECT_GT(count, 30);
  EXPECT_LT(count, 70);
}

}  // namespace
}  // namespace odradek::client::testing
