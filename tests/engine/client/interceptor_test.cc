#include "engine/client/interceptor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "tests/engine/client/consumer_fixture.h"
#include "tests/engine/client/producer_fixture.h"

namespace odradek::client::testing {
namespace {

using ::testing::ElementsAre;

// Puts its mark before every value and into the headers, and writes down what it sees.
class Marking final : public ProducerInterceptor {
 public:
  explicit Marking(std::string mark) : mark_(std::move(mark)) {}
  void OnSend(ProducerRecord& record, RecordScratch& scratch) override {
    const std::string value = mark_ + std::string(AsString(record.value.value_or(Bytes())));
    record.value = AsBytes(scratch.KeepText(value));
    std::vector<record::RecordHeader> headers(record.headers.begin(), record.headers.end());
    headers.push_back({scratch.KeepText("mark"), AsBytes(scratch.KeepText(mark_))});
    record.headers = scratch.KeepHeaders(std::move(headers));
  }
  void OnResult(const SendResult& result) override { seen.push_back(std::string(ToString(result.outcome))); }
  std::vector<std::string> seen;

 private:
  const std::string mark_;
};

TEST_F(ProducerTest, InterceptorsChangeRecordsInTheirOrderAndSeeEveryResult) {
  const auto first = std::make_shared<Marking>("1");
  const auto second = std::make_shared<Marking>("2");
  config_.interceptors = {first, second};
  RunProducer([this](fiber::Fiber& self, Producer& producer) {
    Send(self, producer, "a");
    producer.Flush(self);
    const SendResult refused =
        producer.SendAndWait(self, {.topic = "t", .value = AsBytes("b"), .timestamp = Timestamp(-5)});
    EXPECT_EQ(refused.outcome, Outcome::kFail);
  });
  EXPECT_EQ(cluster_.Values("t", 0), "21a");
  EXPECT_THAT(first->seen, ElementsAre("ok", "fail"));
  EXPECT_THAT(second->seen, ElementsAre("ok", "fail"));
  const StoredBatch& batch = cluster_.partition("t", 0).log.back();
  record::RecordIterator records(batch.header, batch.bytes);
  ASSERT_EQ(records.Next(), record::RecordIterator::Found::kRecord);
  record::RecordHeaders headers = records.record().headers;
  std::string marks;
  while (const auto header = headers.Next()) marks += AsString(header->value.value_or(Bytes()));
  EXPECT_EQ(marks, "12");
}

class WithoutSecrets final : public ConsumerInterceptor {
 public:
  void OnConsume(PollResult& result) override {
    for (PartitionRecords& partition : result.partitions) {
      std::erase_if(partition.records, [](const ConsumerRecord& r) { return AsString(*r.value) == "secret"; });
    }
  }
};

TEST_F(ConsumerTest, InterceptorsSeeWhatPollReturns) {
  config_.interceptors = {std::make_shared<WithoutSecrets>()};
  Write(kT0, {"a", "secret", "b"});
  RunConsumer([this](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign({kT0});
    EXPECT_EQ(Poll(self, consumer), "t-0:0=a t-0:2=b");
    EXPECT_EQ(consumer.position(kT0), Offset(3));
  });
}

TEST(ClientConfig, AMissingInterceptorIsAnError) {
  ProducerConfig producer{.common = {.bootstrap_servers = {{"a", 1}}}};
  producer.interceptors = {nullptr};
  EXPECT_EQ(CheckConfig(producer), "an interceptor is missing");
  ConsumerConfig consumer{.common = {.bootstrap_servers = {{"a", 1}}}};
  consumer.interceptors = {nullptr};
  EXPECT_EQ(CheckConfig(consumer), "an interceptor is missing");
}

}  // namespace
}  // namespace odradek::client::testing
