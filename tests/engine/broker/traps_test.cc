// The traps that broke real clients (FEATURES.md 2.5), as far as this version has the APIs, and how errors are
// answered.
#include <gtest/gtest.h>

#include "tests/engine/broker/broker_world.h"

namespace odradek::broker {
namespace {

using protocol::ErrorCode;

int16_t Code(ErrorCode error) {
  return static_cast<int16_t>(error);
}

// A frame with this header and body, sent as it is; returns what comes back until the end, at most one frame.
std::string SendRaw(fiber::Fiber& self, env::Env& env, const std::string& bytes) {
  env::ConnectionResult opened = env.network.Connect(self, {"n1", 9092}, self.Now() + Duration::Seconds(5));
  EXPECT_EQ(opened.error, env::NetError::kNone);
  if (opened.connection == nullptr) return "";
  const env::Part part = AsBytes(bytes);
  EXPECT_EQ(opened.connection->Send(self, std::span(&part, 1)), env::NetError::kNone);
  std::string received;
  std::array<std::byte, 4096> piece;
  while (received.size() < 4 || received.size() < 4 + LoadBigEndian<uint32_t>(AsBytes(received).data())) {
    const MutableBytes into(piece);
    const env::ReadResult read = opened.connection->ReadSome(self, std::span(&into, 1));
    if (read.error != env::NetError::kNone) break;
    received += AsString(Bytes(piece).first(static_cast<size_t>(read.size_bytes)));
  }
  return received;
}

std::string Frame(const std::string& body) {
  ByteBuffer out;
  AppendBigEndian<int32_t>(out, static_cast<int32_t>(body.size()));
  return std::string(AsString(out)) + body;
}

std::string Header(int16_t key, int16_t version, int32_t correlation_id) {
  ByteBuffer out;
  AppendBigEndian(out, key);
  AppendBigEndian(out, version);
  AppendBigEndian(out, correlation_id);
  AppendBigEndian<int16_t>(out, -1);  // no client id
  return std::string(AsString(out));
}

TEST(Traps, ProduceIsAdvertisedFromZeroAndServedFromThree) {
  BrokerWorld world;
  world.Run([](fiber::Fiber& self, env::Env& env) {
    TestClient client(self, env);
    for (const auto& api : client.connection().api_versions().api_keys) {
      if (api.api_key != 0) continue;
      EXPECT_EQ(api.min_version, 0);
      EXPECT_EQ(api.max_version, 13);
    }
    EXPECT_EQ(SendRaw(self, env, Frame(Header(0, 2, 7) + std::string(12, '\0'))), "");
  });
}

TEST(Traps, OnlyApisWithAHandlerAreAdvertised) {
  BrokerWorld world;
  world.Run([](fiber::Fiber& self, env::Env& env) {
    TestClient client(self, env);
    std::vector<int16_t> keys;
    for (const auto& api : client.connection().api_versions().api_keys) keys.push_back(api.api_key);
    EXPECT_EQ(keys, (std::vector<int16_t>{0,  1,  2,  3,  10, 18, 19, 20, 21, 22, 23, 32, 33,
                                          35, 37, 43, 44, 45, 46, 55, 60, 61, 64, 75, 80, 81}));
    for (const auto& feature : client.connection().api_versions().finalized_features) {
      EXPECT_EQ(feature.name, "metadata.version");
    }
  });
}

TEST(Traps, UnsupportedApiVersionsIsAnsweredInVersionZero) {
  BrokerWorld world;
  world.Run([](fiber::Fiber& self, env::Env& env) {
    TestClient client(self, env);
    const std::string answer = SendRaw(self, env, Frame(Header(18, 99, 7) + std::string(1, '\0')));
    ByteBuffer expected;
    AppendBigEndian<int32_t>(expected, 16);
    AppendBigEndian<int32_t>(expected, 7);
    AppendBigEndian(expected, Code(ErrorCode::kUnsupportedVersion));
    AppendBigEndian<int32_t>(expected, 1);
    AppendBigEndian<int16_t>(expected, 18);
    AppendBigEndian<int16_t>(expected, 0);
    AppendBigEndian<int16_t>(expected, 4);
    EXPECT_EQ(answer, AsString(expected));
  });
}

TEST(Traps, ABadSoftwareNameIsAnInvalidRequest) {
  BrokerWorld world;
  world.Run([](fiber::Fiber& self, env::Env& env) {
    TestClient client(self, env);
    protocol::ApiVersionsRequest request;
    request.client_software_name = "-bad";
    request.client_software_version = "1";
    const auto answer = client.Ask<protocol::ApiVersionsResponse>(request, 3);
    EXPECT_EQ(answer.response.error_code, Code(ErrorCode::kInvalidRequest));
    EXPECT_TRUE(answer.response.api_keys.empty());
  });
}

TEST(Traps, NoRecordsAreEmptyNeverNull) {
  BrokerWorld world;
  world.Run([](fiber::Fiber& self, env::Env& env) {
    TestClient client(self, env);
    client.CreateTopic("t", 1);
    for (const int16_t version : {4, 11, 12}) {
      const auto fetched = client.Ask<protocol::FetchResponse>(FetchFrom("t", 0), version);
      ASSERT_EQ(fetched.response.responses.size(), 1u);
      const auto& partition = fetched.response.responses[0].partitions[0];
      EXPECT_FALSE(partition.records.is_null());
      EXPECT_EQ(partition.records.size_bytes(), 0);
    }
  });
}

TEST(Traps, AcksZeroHasNoAnswerAndAnErrorEndsTheConnection) {
  BrokerWorld world;
  world.Run([](fiber::Fiber& self, env::Env& env) {
    TestClient client(self, env);
    client.CreateTopic("t", 1);
    const ByteBuffer batch = BatchOf({"a"});
    const auto no_answer = net::ClientConnection::CallOptions{.answer = net::Answer::kNone};
    client.connection().Call<protocol::ProduceRequest, protocol::ProduceResponse>(self, ProduceTo("t", batch, 0), 9,
                                                                                  no_answer);
    const auto fetched = client.Ask<protocol::FetchResponse>(FetchFrom("t", 0), 12);
    EXPECT_GT(fetched.response.responses[0].partitions[0].records.size_bytes(), 0);
    client.connection().Call<protocol::ProduceRequest, protocol::ProduceResponse>(self, ProduceTo("missing", batch, 0),
                                                                                  9, no_answer);
    EXPECT_NE(client.AskAndFail<protocol::MetadataResponse>(protocol::MetadataRequest(), 9), net::CallError::kNone);
  });
}

TEST(Traps, UnknownTopicIdsAreAnsweredByPartition) {
  BrokerWorld world;
  world.Run([](fiber::Fiber& self, env::Env& env) {
    TestClient client(self, env);
    protocol::FetchRequest request = FetchFrom("", 0);
    request.topics[0].topic_id = Uuid{1, 2};
    const auto fetched = client.Ask<protocol::FetchResponse>(request, 16);
    EXPECT_EQ(fetched.response.responses[0].partitions[0].error_code, Code(ErrorCode::kUnknownTopicId));
  });
}

TEST(Traps, MoreThanOneBatchAndABadCrcAreRefused) {
  BrokerWorld world;
  world.Run([](fiber::Fiber& self, env::Env& env) {
    TestClient client(self, env);
    client.CreateTopic("t", 1);
    ByteBuffer two = BatchOf({"a"});
    const ByteBuffer second = BatchOf({"b"});
    AppendBytes(two, second);
    auto answer = client.Ask<protocol::ProduceResponse>(ProduceTo("t", two), 9);
    EXPECT_EQ(answer.response.responses[0].partition_responses[0].error_code, Code(ErrorCode::kInvalidRecord));
    ByteBuffer bad = BatchOf({"a"});
    bad.back() ^= std::byte{1};
    answer = client.Ask<protocol::ProduceResponse>(ProduceTo("t", bad), 9);
    EXPECT_EQ(answer.response.responses[0].partition_responses[0].error_code, Code(ErrorCode::kCorruptMessage));
    EXPECT_EQ(answer.response.responses[0].partition_responses[0].base_offset, -1);
    const auto fetched = client.Ask<protocol::FetchResponse>(FetchFrom("t", 0), 12);
    EXPECT_EQ(fetched.response.responses[0].partitions[0].high_watermark, 0);
  });
}

TEST(Traps, ADuplicateIsAnsweredWithTheOriginalOffset) {
  BrokerWorld world;
  world.Run([](fiber::Fiber& self, env::Env& env) {
    TestClient client(self, env);
    client.CreateTopic("t", 1);
    const auto id = client.Ask<protocol::InitProducerIdResponse>(
        [] {
          protocol::InitProducerIdRequest request;
          request.transactional_id.reset();
          return request;
        }(),
        4);
    ASSERT_EQ(id.response.error_code, 0);
    record::ProducerFields producer{ProducerId(id.response.producer_id), ProducerEpoch(id.response.producer_epoch), 0};
    const ByteBuffer first = BatchOf({"a", "b"}, producer);
    producer.base_sequence = 2;
    const ByteBuffer second = BatchOf({"c"}, producer);
    producer.base_sequence = 9;
    const ByteBuffer gap = BatchOf({"d"}, producer);
    const auto offset_of = [&](const ByteBuffer& batch) {
      const auto answer = client.Ask<protocol::ProduceResponse>(ProduceTo("t", batch), 9);
      const auto& partition = answer.response.responses[0].partition_responses[0];
      return std::pair(partition.error_code, partition.base_offset);
    };
    EXPECT_EQ(offset_of(first), (std::pair<int16_t, int64_t>(0, 0)));
    EXPECT_EQ(offset_of(second), (std::pair<int16_t, int64_t>(0, 2)));
    EXPECT_EQ(offset_of(first), (std::pair<int16_t, int64_t>(0, 0)));
    EXPECT_EQ(offset_of(gap), (std::pair<int16_t, int64_t>(Code(ErrorCode::kOutOfOrderSequenceNumber), -1)));
  });
}

TEST(Traps, IncrementalSessionsTellOnlyWhatChanged) {
  BrokerWorld world;
  world.Run([](fiber::Fiber& self, env::Env& env) {
    TestClient client(self, env);
    client.CreateTopic("t", 1);
    protocol::FetchRequest open = FetchFrom("t", 0);
    open.session_epoch = 0;
    const auto opened = client.Ask<protocol::FetchResponse>(open, 12);
    const int32_t id = opened.response.session_id;
    ASSERT_NE(id, 0);
    protocol::FetchRequest next;
    next.max_wait_ms = 0;
    next.session_id = id;
    next.session_epoch = 1;
    EXPECT_TRUE(client.Ask<protocol::FetchResponse>(next, 12).response.responses.empty());
    const ByteBuffer batch = BatchOf({"a"});
    client.Ask<protocol::ProduceResponse>(ProduceTo("t", batch), 9);
    next.session_epoch = 2;
    EXPECT_EQ(client.Ask<protocol::FetchResponse>(next, 12).response.responses.size(), 1u);
    const auto again = client.Ask<protocol::FetchResponse>(next, 12);
    EXPECT_EQ(again.response.error_code, Code(ErrorCode::kInvalidFetchSessionEpoch));
    next.session_id = id + 1;
    EXPECT_EQ(client.Ask<protocol::FetchResponse>(next, 12).response.error_code,
              Code(ErrorCode::kFetchSessionIdNotFound));
  });
}

TEST(Traps, AFetchBehindTheEndIsOutOfRangeAndOneAtTheEndWaits) {
  BrokerWorld world;
  world.Run([](fiber::Fiber& self, env::Env& env) {
    TestClient client(self, env);
    client.CreateTopic("t", 1);
    const MonoTime before = self.Now();
    const auto at_end = client.Ask<protocol::FetchResponse>(FetchFrom("t", 0), 12);
    EXPECT_EQ(at_end.response.responses[0].partitions[0].error_code, 0);
    EXPECT_GE((self.Now() - before).millis(), 99);
    const auto behind = client.Ask<protocol::FetchResponse>(FetchFrom("t", 1), 12);
    EXPECT_EQ(behind.response.responses[0].partitions[0].error_code, Code(ErrorCode::kOffsetOutOfRange));
  });
}

TEST(Traps, CoordinatorsAreHonestlyNotThere) {
  BrokerWorld world;
  world.Run([](fiber::Fiber& self, env::Env& env) {
    TestClient client(self, env);
    protocol::FindCoordinatorRequest request;
    request.coordinator_keys = {"g"};
    const auto answer = client.Ask<protocol::FindCoordinatorResponse>(request, 4);
    EXPECT_EQ(answer.response.coordinators[0].error_code, Code(ErrorCode::kCoordinatorNotAvailable));
  });
}

TEST(Traps, MetadataCreatesTopicsOnlyWhenAskedTo) {
  BrokerWorld world;
  world.Run([](fiber::Fiber& self, env::Env& env) {
    TestClient client(self, env);
    protocol::MetadataRequest request;
    request.topics->push_back({{}, "auto"});
    request.allow_auto_topic_creation = false;
    auto answer = client.Ask<protocol::MetadataResponse>(request, 9);
    EXPECT_EQ(answer.response.topics[0].error_code, Code(ErrorCode::kUnknownTopicOrPartition));
    request.allow_auto_topic_creation = true;
    answer = client.Ask<protocol::MetadataResponse>(request, 9);
    EXPECT_EQ(answer.response.topics[0].error_code, 0);
    EXPECT_EQ(answer.response.topics[0].partitions.size(), 1u);
    EXPECT_EQ(answer.response.controller_id, answer.response.brokers[0].node_id);
    request.topics->at(0).name = "bad/name";
    answer = client.Ask<protocol::MetadataResponse>(request, 9);
    EXPECT_EQ(answer.response.topics[0].error_code, Code(ErrorCode::kInvalidTopicException));
  });
}

TEST(Traps, CreatedTopicsCarryTheirConfigs) {
  BrokerWorld world;
  world.Run([](fiber::Fiber& self, env::Env& env) {
    TestClient client(self, env);
    protocol::CreateTopicsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = "t";
    topic.num_partitions = -1;
    topic.replication_factor = -1;
    topic.configs.push_back({"retention.ms", "1000"});
    const auto answer = client.Ask<protocol::CreateTopicsResponse>(request, 5);
    ASSERT_TRUE(answer.response.topics[0].configs.has_value());
    bool found = false;
    for (const auto& config : *answer.response.topics[0].configs) {
      EXPECT_GT(config.config_source, 0) << config.name;
      found = found || (config.name == "retention.ms" && config.value == "1000" && config.config_source == 1);
    }
    EXPECT_TRUE(found);
  });
}

TEST(Traps, DescribeTopicPartitionsHasBothElrArrays) {
  BrokerWorld world;
  world.Run([](fiber::Fiber& self, env::Env& env) {
    TestClient client(self, env);
    client.CreateTopic("t", 3);
    protocol::DescribeTopicPartitionsRequest request;
    request.topics.push_back({"t"});
    request.response_partition_limit = 2;
    const auto answer = client.Ask<protocol::DescribeTopicPartitionsResponse>(request, 0);
    ASSERT_EQ(answer.response.topics[0].partitions.size(), 2u);
    EXPECT_TRUE(answer.response.topics[0].partitions[0].eligible_leader_replicas.has_value());
    EXPECT_TRUE(answer.response.topics[0].partitions[0].last_known_elr.has_value());
    ASSERT_TRUE(answer.response.next_cursor.has_value());
    EXPECT_EQ(answer.response.next_cursor->partition_index, 2);
  });
}

TEST(Traps, LogAppendTimeIsTheBrokersTime) {
  BrokerWorld world;
  world.Run([](fiber::Fiber& self, env::Env& env) {
    TestClient client(self, env);
    client.CreateTopic("t", 1, {{"message.timestamp.type", "LogAppendTime"}});
    const ByteBuffer batch = BatchOf({"a"});
    const auto produced = client.Ask<protocol::ProduceResponse>(ProduceTo("t", batch), 9);
    const int64_t stamp = produced.response.responses[0].partition_responses[0].log_append_time_ms;
    EXPECT_NE(stamp, -1);
    const auto fetched = client.Ask<protocol::FetchResponse>(FetchFrom("t", 0), 12);
    const Bytes records = fetched.response.responses[0].partitions[0].records.bytes();
    const record::HeaderResult header = record::ParseHeader(records);
    EXPECT_EQ(header.header.max_timestamp, Timestamp(stamp));
    EXPECT_TRUE(record::CheckCrc(records));
  });
}

TEST(Traps, PipelinedRequestsAreAnsweredInOrder) {
  BrokerWorld world({.shard_count = 2});
  world.Run([](fiber::Fiber& self, env::Env& env) {
    TestClient client(self, env);
    client.CreateTopic("t", 1);
    const ByteBuffer batch = BatchOf({"a"});
    std::vector<net::PendingCallPtr> calls;
    calls.push_back(client.connection().Start(FetchFrom("t", 0), 12, {}));
    for (int i = 0; i < 20; ++i) calls.push_back(client.connection().Start(ProduceTo("t", batch), 9, {}));
    client.connection().Await<protocol::FetchResponse>(self, calls[0]);
    for (int i = 0; i < 20; ++i) {
      const auto answer = client.connection().Await<protocol::ProduceResponse>(self, calls[static_cast<size_t>(i) + 1]);
      ASSERT_TRUE(answer.ok());
      EXPECT_EQ(answer.response.responses[0].partition_responses[0].base_offset, i);
    }
  });
}

TEST(Garbage, EndsTheConnectionAndNotTheNode) {
  BrokerWorld world;
  world.Run([](fiber::Fiber& self, env::Env& env) {
    TestClient client(self, env);
    const std::string huge_array = Header(3, 1, 1) + "\x7f\xff\xff\xff";
    EXPECT_EQ(SendRaw(self, env, "GET / HTTP/1.1\r\n\r\n"), "");
    EXPECT_EQ(SendRaw(self, env, std::string("\xff\xff\xff\xff", 4)), "");
    EXPECT_EQ(SendRaw(self, env, std::string("\0\0\0\0", 4)), "");
    EXPECT_EQ(SendRaw(self, env, Frame("\x03")), "");
    EXPECT_EQ(SendRaw(self, env, Frame(Header(999, 0, 1))), "");
    EXPECT_EQ(SendRaw(self, env, Frame(huge_array)), "");
    EXPECT_EQ(SendRaw(self, env, Frame(Header(0, 9, 1) + "\xff\xff\xff")), "");
    client.CreateTopic("still-alive", 1);
  });
}

TEST(Restart, KeepsTopicsAndRecordsAfterACrashAndAfterACleanStop) {
  BrokerWorld world;
  world.Run([](fiber::Fiber& self, env::Env& env) {
    TestClient client(self, env);
    client.CreateTopic("t", 1);
    const ByteBuffer batch = BatchOf({"a", "b"});
    client.Ask<protocol::ProduceResponse>(ProduceTo("t", batch), 9);
  });
  const auto check = [&] {
    world.Run([](fiber::Fiber& self, env::Env& env) {
      TestClient client(self, env);
      const auto fetched = client.Ask<protocol::FetchResponse>(FetchFrom("t", 0), 12);
      EXPECT_EQ(fetched.response.responses[0].partitions[0].high_watermark, 2);
    });
  };
  world.broker_node().Crash();
  world.broker_node().Boot();
  check();
  world.broker_node().ShutDown({.patience = Duration::Seconds(60), .restart_after = Duration::Seconds(1)});
  world.cluster().RunFor(Duration::Seconds(90));
  check();
}

}  // namespace
}  // namespace odradek::broker
