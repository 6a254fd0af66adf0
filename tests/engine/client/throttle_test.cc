// A broker that answers with throttle_time_ms is left alone for that long (KIP-219).
#include <gtest/gtest.h>

#include "tests/engine/client/consumer_fixture.h"
#include "tests/engine/client/producer_fixture.h"

namespace odradek::client::testing {
namespace {

TEST_F(ProducerTest, LeavesABrokerAloneForAsLongAsItAsks) {
  config_.linger = Duration();
  cluster_.throttle_millis = 700;
  RunProducer([this](fiber::Fiber& self, Producer& producer) {
    Send(self, producer, "a");
    producer.Flush(self);
    Send(self, producer, "b");
    producer.Flush(self);
    cluster_.throttle_millis = 0;
    Send(self, producer, "c");
    producer.Flush(self);
    Send(self, producer, "d");
  });
  ASSERT_EQ(cluster_.attempts.size(), 4u);
  EXPECT_EQ((cluster_.attempts[1].at - cluster_.attempts[0].at).millis(), 700);
  EXPECT_EQ((cluster_.attempts[2].at - cluster_.attempts[1].at).millis(), 700);
  EXPECT_EQ((cluster_.attempts[3].at - cluster_.attempts[2].at).millis(), 0);
  EXPECT_EQ(metrics_.throttle_millis.count, 2);
  EXPECT_EQ(metrics_.throttle_millis.max, 700);
}

TEST_F(ProducerTest, BeforeVersion6OfProduceTheBrokerWaitsItself) {
  config_.linger = Duration();
  cluster_.versions[static_cast<int16_t>(protocol::ApiKey::kProduce)] = {3, 5};
  cluster_.throttle_millis = 700;
  RunProducer([this](fiber::Fiber& self, Producer& producer) {
    Send(self, producer, "a");
    producer.Flush(self);
    Send(self, producer, "b");
  });
  ASSERT_EQ(cluster_.attempts.size(), 2u);
  EXPECT_EQ((cluster_.attempts[1].at - cluster_.attempts[0].at).millis(), 0);
}

TEST_F(ProducerTest, ABatchExpiresWhileItsBrokerIsThrottling) {
  config_.common.request_timeout = Duration::Seconds(1);
  config_.delivery_timeout = Duration::Seconds(2);
  cluster_.throttle_millis = 10'000;
  RunProducer([this](fiber::Fiber& self, Producer& producer) {
    Send(self, producer, "a");
    producer.Flush(self);
    const SendResult late = producer.SendAndWait(self, {.topic = "t", .value = AsBytes("b")});
    EXPECT_EQ(late.outcome, Outcome::kFail) << "it never left";
    EXPECT_EQ(late.error, protocol::ErrorCode::kRequestTimedOut);
    EXPECT_EQ(producer.metrics().expired_batch_count, 1);
  });
}

TEST_F(ConsumerTest, LeavesABrokerAloneForAsLongAsItAsks) {
  Write(kT0, {"a"});
  cluster_.throttle_millis = 2'000;
  RunConsumer([this](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign(std::vector{kT0});
    EXPECT_EQ(Poll(self, consumer), "t-0:0=a");
    Write(kT0, {"b"});
    EXPECT_EQ(Poll(self, consumer), "t-0:1=b");
  });
  ASSERT_GE(cluster_.fetch_arrivals.size(), 2u);
  EXPECT_EQ((cluster_.fetch_arrivals[1].second - cluster_.fetch_arrivals[0].second).millis(), 2000);
  EXPECT_GE(metrics_.throttle_millis.count, 1);
}

}  // namespace
}  // namespace odradek::client::testing
