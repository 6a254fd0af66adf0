// What foreign clients do that the schemas do not tell (found by tests/interop).
#include <gtest/gtest.h>

#include "tests/engine/broker/broker_world.h"

namespace odradek::broker {
namespace {

using protocol::ErrorCode;

TEST(ClientHabits, ATopicIdCountsMoreThanTheEmptyNameBesideIt) {
  BrokerWorld world;
  world.Run([](fiber::Fiber& self, env::Env& env) {
    TestClient client(self, env);
    client.CreateTopic("t", 1);
    protocol::MetadataRequest request;
    request.topics->push_back({{}, "t"});
    const auto by_name = client.Ask<protocol::MetadataResponse>(request, 13);
    const Uuid id = by_name.response.topics[0].topic_id;
    request.topics->at(0) = {id, ""};
    request.topics->push_back({Uuid{1, 2}, ""});
    const auto by_id = client.Ask<protocol::MetadataResponse>(request, 13);
    ASSERT_EQ(by_id.response.topics.size(), 2u);
    EXPECT_EQ(by_id.response.topics[0].topic_id, id);
    EXPECT_EQ(by_id.response.topics[0].name, "t");
    EXPECT_EQ(by_id.response.topics[1].topic_id, (Uuid{1, 2}));
    EXPECT_EQ(by_id.response.topics[1].error_code, static_cast<int16_t>(ErrorCode::kUnknownTopicId));
    EXPECT_EQ(by_id.response.topics[1].name, std::nullopt);
  });
}

TEST(ClientHabits, SpecialTimestampsAreKnownFromTheirVersionsOn) {
  BrokerWorld world;
  world.Run([](fiber::Fiber& self, env::Env& env) {
    TestClient client(self, env);
    client.CreateTopic("t", 1);
    const ByteBuffer batch = BatchOf({"a", "b"});
    client.Ask<protocol::ProduceResponse>(ProduceTo("t", batch), 9);
    const auto offset_of = [&](int64_t timestamp, int16_t version) {
      protocol::ListOffsetsRequest request;
      request.replica_id = -1;
      auto& topic = request.topics.emplace_back();
      topic.name = "t";
      topic.partitions.emplace_back().timestamp = timestamp;
      const auto answer = client.Ask<protocol::ListOffsetsResponse>(request, version);
      const auto& partition = answer.response.topics[0].partitions[0];
      return std::pair(static_cast<ErrorCode>(partition.error_code), partition.offset);
    };
    struct Special {
      int64_t timestamp;
      int16_t first_version;
      int64_t offset;
    };
    for (const auto& [timestamp, first_version, offset] :
         std::vector<Special>{{-1, 1, 2}, {-2, 1, 0}, {-3, 7, 0}, {-4, 8, 0}, {-5, 9, -1}, {-6, 11, -1}}) {
      SCOPED_TRACE(timestamp);
      EXPECT_EQ(offset_of(timestamp, 11), std::pair(ErrorCode::kNone, offset));
      EXPECT_EQ(offset_of(timestamp, first_version), std::pair(ErrorCode::kNone, offset));
      if (first_version == 1) continue;
      const auto too_early = static_cast<int16_t>(first_version - 1);
      EXPECT_EQ(offset_of(timestamp, too_early).first, ErrorCode::kUnsupportedVersion);
    }
    EXPECT_EQ(offset_of(-7, 11).first, ErrorCode::kUnsupportedVersion);
  });
}

// Consumers that wait for records are many; they must not use up the places of those that have work.
TEST(ClientHabits, ALongPollKeepsNobodyOut) {
  BrokerWorld world({.properties = {{"queued.max.requests", "1"}}});
  world.Run([](fiber::Fiber& self, env::Env& env) {
    TestClient client(self, env);
    client.CreateTopic("t", 1);
    protocol::FetchRequest request;
    request.max_wait_ms = 30'000;
    request.min_bytes = 1;
    request.max_bytes = 1 << 20;
    auto& topic = request.topics.emplace_back();
    topic.topic = "t";
    topic.partitions.emplace_back().partition_max_bytes = 1 << 20;
    const net::PendingCallPtr poll = client.connection().Start(request, 12, {});
    TestClient other(self, env);
    const MonoTime before = self.Now();
    const auto topics = other.Ask<protocol::MetadataResponse>(protocol::MetadataRequest{.topics = std::nullopt}, 9);
    EXPECT_EQ(topics.response.topics.size(), 1u);
    EXPECT_LT((self.Now() - before).millis(), 1000);
    EXPECT_FALSE(poll->done);
  });
}

}  // namespace
}  // namespace odradek::broker
