// What answers say where a client leaves the usual path: every fact is Apache Kafka's (tests/interop/differential), or
// a refusal where Kafka's is an accident.
#include <gtest/gtest.h>

#include "tests/engine/broker/broker_world.h"

namespace odradek::broker {
namespace {

using protocol::ErrorCode;
using PartitionData = protocol::FetchResponse::PartitionData;
using Produced = protocol::ProduceResponse::PartitionProduceResponse;

void WithTopic(const std::function<void(TestClient&)>& body) {
  BrokerWorld world;
  world.Run([&](fiber::Fiber& self, env::Env& env) {
    TestClient client(self, env);
    client.CreateTopic("t", 1);
    body(client);
  });
}

ErrorCode ErrorOf(int16_t code) {
  return static_cast<ErrorCode>(code);
}

Produced ProduceOne(TestClient& client, Bytes batch) {
  return client.Ask<protocol::ProduceResponse>(ProduceTo("t", batch), 9)
      .response.responses.at(0)
      .partition_responses.at(0);
}

PartitionData FetchOne(TestClient& client, const protocol::FetchRequest& request, int16_t version = 12) {
  PartitionData data = client.Ask<protocol::FetchResponse>(request, version).response.responses.at(0).partitions.at(0);
  data.records = protocol::RecordsField(Bytes());
  return data;
}

TEST(ProduceAnswer, ATransactionalBatchIsRefusedAndHoldsNothingBack) {
  WithTopic([](TestClient& client) {
    record::BatchBuilder builder({.kind = record::BatchKind::kTransactionalData});
    builder.Append({.timestamp = Timestamp(1000), .value = AsBytes("a")});
    builder.SetProducer({ProducerId(4000), ProducerEpoch(0), 0});
    const ByteBuffer batch = builder.Build();
    EXPECT_EQ(ErrorOf(ProduceOne(client, batch).error_code), ErrorCode::kTransactionalIdAuthorizationFailed);
    protocol::ProduceRequest request = ProduceTo("t", batch);
    request.transactional_id = "x";
    const auto answer = client.Ask<protocol::ProduceResponse>(request, 9);
    EXPECT_EQ(ErrorOf(answer.response.responses.at(0).partition_responses.at(0).error_code),
              ErrorCode::kInvalidTxnState);
    const ByteBuffer plain = BatchOf({"b"});
    EXPECT_EQ(ProduceOne(client, plain).base_offset, 0);
    EXPECT_EQ(FetchOne(client, FetchFrom("t", 0)).last_stable_offset, 1);
  });
}

TEST(ProduceAnswer, WhatIsNotAWholeBatchCannotBeRetried) {
  WithTopic([](TestClient& client) {
    const ByteBuffer batch = BatchOf({"a"});
    const Bytes bytes(batch);
    for (const size_t size : {size_t{1}, size_t{30}, bytes.size() - 1}) {
      EXPECT_EQ(ErrorOf(ProduceOne(client, bytes.first(size)).error_code), ErrorCode::kInvalidRecord) << size;
    }
    ByteBuffer unknown_magic = batch;
    unknown_magic[record::kMagicAt] = std::byte{3};
    EXPECT_EQ(ErrorOf(ProduceOne(client, unknown_magic).error_code), ErrorCode::kCorruptMessage);
    EXPECT_EQ(ProduceOne(client, unknown_magic).log_start_offset, -1);
    ByteBuffer no_count = batch;
    StoreBigEndian<int32_t>(no_count.data() + record::kRecordCountAt, -1);
    EXPECT_EQ(ErrorOf(ProduceOne(client, no_count).error_code), ErrorCode::kInvalidRecord);
    EXPECT_EQ(ProduceOne(client, no_count).log_start_offset, 0);
  });
}

TEST(ProduceAnswer, BytesBehindTheBatchThatAreNoBatchAreDropped) {
  WithTopic([](TestClient& client) {
    ByteBuffer batch = BatchOf({"a"});
    batch.push_back(std::byte{0});
    EXPECT_EQ(ErrorOf(ProduceOne(client, batch).error_code), ErrorCode::kNone);
    EXPECT_EQ(ProduceOne(client, BatchOf({"b"})).base_offset, 1);
  });
}

TEST(ProduceAnswer, ADuplicateCarriesTheTimeThatTheLogHas) {
  WithTopic([](TestClient& client) {
    const ByteBuffer batch = BatchOf({"a"}, {ProducerId(7), ProducerEpoch(0), 0});
    EXPECT_EQ(ProduceOne(client, batch).log_append_time_ms, -1);
    EXPECT_EQ(ProduceOne(client, batch).log_append_time_ms, 1000);
  });
}

TEST(ProduceAnswer, AClientsLogAppendTimeBecomesTheTopicsKindOfTime) {
  WithTopic([](TestClient& client) {
    ByteBuffer batch = BatchOf({"a"});
    record::SetMaxTimestamp(batch, record::TimestampType::kLogAppendTime, Timestamp(1000));
    EXPECT_EQ(ErrorOf(ProduceOne(client, batch).error_code), ErrorCode::kNone);
    const auto fetched = client.Ask<protocol::FetchResponse>(FetchFrom("t", 0), 12);
    const Bytes records = fetched.response.responses.at(0).partitions.at(0).records.bytes();
    EXPECT_EQ(record::ParseHeader(records).header.timestamp_type(), record::TimestampType::kCreateTime);
    EXPECT_TRUE(record::CheckCrc(records));
  });
}

TEST(ProduceAnswer, UnknownAcksDoNotHideAMissingTopic) {
  WithTopic([](TestClient& client) {
    const ByteBuffer batch = BatchOf({"a"});
    protocol::ProduceRequest request = ProduceTo("missing", batch, 2);
    request.topic_data.push_back(ProduceTo("t", batch).topic_data.at(0));
    request.topic_data.emplace_back().name = "t";
    const auto answer = client.Ask<protocol::ProduceResponse>(request, 9);
    ASSERT_EQ(answer.response.responses.size(), 2u);
    EXPECT_EQ(ErrorOf(answer.response.responses[0].partition_responses.at(0).error_code),
              ErrorCode::kUnknownTopicOrPartition);
    EXPECT_EQ(ErrorOf(answer.response.responses[1].partition_responses.at(0).error_code),
              ErrorCode::kInvalidRequiredAcks);
  });
}

TEST(FetchAnswer, NegativeLimitsAndUnknownIsolationAreRefused) {
  WithTopic([](TestClient& client) {
    protocol::FetchRequest request = FetchFrom("t", 0);
    request.max_bytes = -1;
    EXPECT_EQ(ErrorOf(FetchOne(client, request).error_code), ErrorCode::kInvalidRequest);
    request = FetchFrom("t", 0);
    request.topics[0].partitions[0].partition_max_bytes = -7;
    EXPECT_EQ(ErrorOf(FetchOne(client, request).error_code), ErrorCode::kInvalidRequest);
    request = FetchFrom("t", 0);
    request.isolation_level = 7;
    EXPECT_EQ(ErrorOf(FetchOne(client, request).error_code), ErrorCode::kInvalidRequest);
  });
}

TEST(FetchAnswer, AnErrorTellsNothingOfThePartition) {
  WithTopic([](TestClient& client) {
    client.Ask<protocol::ProduceResponse>(ProduceTo("t", BatchOf({"a"})), 9);
    const PartitionData behind = FetchOne(client, FetchFrom("t", 9));
    EXPECT_EQ(ErrorOf(behind.error_code), ErrorCode::kOffsetOutOfRange);
    EXPECT_EQ(behind.high_watermark, -1);
    EXPECT_EQ(behind.log_start_offset, -1);
    EXPECT_FALSE(behind.aborted_transactions.has_value());
    EXPECT_TRUE(FetchOne(client, FetchFrom("missing", 0)).aborted_transactions.has_value());
  });
}

TEST(FetchAnswer, APartitionThatIsNamedTwiceIsReadAsItWasNamedLast) {
  WithTopic([](TestClient& client) {
    client.Ask<protocol::ProduceResponse>(ProduceTo("t", BatchOf({"a"})), 9);
    protocol::FetchRequest request = FetchFrom("t", 0);
    request.topics.push_back(FetchFrom("t", 9).topics.at(0));
    const auto answer = client.Ask<protocol::FetchResponse>(request, 12);
    ASSERT_EQ(answer.response.responses.size(), 1u);
    EXPECT_EQ(ErrorOf(answer.response.responses[0].partitions.at(0).error_code), ErrorCode::kOffsetOutOfRange);
  });
}

TEST(FetchAnswer, AStrangersFetchIsSentToTheLeader) {
  WithTopic([](TestClient& client) {
    protocol::MetadataRequest names;
    names.topics->push_back({{}, "t"});
    protocol::FetchRequest request = FetchFrom("", 0);
    request.topics[0].topic_id = client.Ask<protocol::MetadataResponse>(names, 12).response.topics.at(0).topic_id;
    request.replica_id = -1;
    request.replica_state.replica_id = 9;
    PartitionData data = FetchOne(client, request, 17);
    EXPECT_EQ(ErrorOf(data.error_code), ErrorCode::kNotLeaderOrFollower);
    EXPECT_EQ(data.current_leader.leader_id, 1);
    request.topics[0].partitions[0].current_leader_epoch = 0;
    EXPECT_EQ(ErrorOf(FetchOne(client, request, 17).error_code), ErrorCode::kUnknownLeaderEpoch);
  });
}

TEST(FetchAnswer, NoRecordsAreEmptyNeverNullBesideErrorsToo) {
  WithTopic([](TestClient& client) {
    protocol::FetchRequest request = FetchFrom("t", 9);
    request.topics.push_back(FetchFrom("missing", 0).topics.at(0));
    request.topics.at(0).partitions.push_back(request.topics.at(0).partitions.at(0));
    request.topics.at(0).partitions.at(1).partition = 7;
    for (const int16_t version : {4, 7, 11, 12}) {
      const auto answer = client.Ask<protocol::FetchResponse>(request, version);
      for (const auto& topic : answer.response.responses) {
        for (const PartitionData& partition : topic.partitions) {
          EXPECT_NE(ErrorOf(partition.error_code), ErrorCode::kNone);
          EXPECT_FALSE(partition.records.is_null());
        }
      }
    }
  });
}

TEST(FetchAnswer, ALongPollEndsWithItsTopic) {
  WithTopic([](TestClient& client) {
    protocol::FetchRequest request = FetchFrom("t", 0);
    request.max_wait_ms = 30000;
    const MonoTime before = client.self().Now();
    const net::PendingCallPtr poll = client.connection().Start(request, 12, {});
    TestClient other(client.self(), client.env());
    protocol::DeleteTopicsRequest deletion;
    deletion.topics.push_back({"t", Uuid()});
    deletion.timeout_ms = 1000;
    EXPECT_EQ(other.Ask<protocol::DeleteTopicsResponse>(deletion, 6).response.responses.at(0).error_code, 0);
    const auto answer = client.connection().Await<protocol::FetchResponse>(client.self(), poll);
    ASSERT_TRUE(answer.ok());
    EXPECT_NE(ErrorOf(answer.response.responses.at(0).partitions.at(0).error_code), ErrorCode::kNone);
    EXPECT_LT((client.self().Now() - before).millis(), 5000);
  });
}

TEST(FetchAnswer, ALongPollCountsTheBytesThatItsIsolationLetsItRead) {
  WithTopic([](TestClient& client) {
    protocol::FetchRequest request = FetchFrom("t", 0);
    request.max_wait_ms = 30000;
    request.min_bytes = 100;
    const MonoTime before = client.self().Now();
    const net::PendingCallPtr poll = client.connection().Start(request, 12, {});
    TestClient other(client.self(), client.env());
    const ByteBuffer batch = BatchOf({"a"});
    ASSERT_LT(batch.size(), 100u);
    other.Ask<protocol::ProduceResponse>(ProduceTo("t", batch), 9);
    fiber::SleepFor(client.self(), Duration::Seconds(2));
    other.Ask<protocol::ProduceResponse>(ProduceTo("t", batch), 9);
    const auto answer = client.connection().Await<protocol::FetchResponse>(client.self(), poll);
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(answer.response.responses.at(0).partitions.at(0).high_watermark, 2);
    const int64_t waited = (client.self().Now() - before).millis();
    EXPECT_GE(waited, 2000);
    EXPECT_LT(waited, 5000);
  });
}

TEST(MetadataAnswer, OperationsAreToldWhenAskedFor) {
  WithTopic([](TestClient& client) {
    protocol::MetadataRequest request;
    request.topics->push_back({{}, "t"});
    request.topics->push_back({{}, "t"});
    EXPECT_LT(client.Ask<protocol::MetadataResponse>(request, 8).response.cluster_authorized_operations, 0);
    request.include_topic_authorized_operations = true;
    request.include_cluster_authorized_operations = true;
    const auto answer = client.Ask<protocol::MetadataResponse>(request, 8);
    ASSERT_EQ(answer.response.topics.size(), 1u) << "a topic is answered once";
    EXPECT_EQ(answer.response.topics[0].topic_authorized_operations, 3576);
    EXPECT_EQ(answer.response.cluster_authorized_operations, 8096);
    protocol::DescribeClusterRequest cluster;
    cluster.include_cluster_authorized_operations = true;
    EXPECT_EQ(client.Ask<protocol::DescribeClusterResponse>(cluster, 0).response.cluster_authorized_operations, 8096);
  });
}

TEST(MetadataAnswer, IdsAreServedFromVersionTwelveOn) {
  WithTopic([](TestClient& client) {
    protocol::MetadataRequest request;
    request.topics->push_back({Uuid{1, 2}, std::nullopt});
    EXPECT_EQ(ErrorOf(client.Ask<protocol::MetadataResponse>(request, 11).response.topics.at(0).error_code),
              ErrorCode::kInvalidRequest);
    EXPECT_EQ(ErrorOf(client.Ask<protocol::MetadataResponse>(request, 12).response.topics.at(0).error_code),
              ErrorCode::kUnknownTopicId);
  });
}

TEST(ListOffsetsAnswer, APartitionThatIsNamedTwiceIsRefusedOnce) {
  WithTopic([](TestClient& client) {
    protocol::ListOffsetsRequest request;
    for (int i = 0; i < 2; ++i) {
      auto& topic = request.topics.emplace_back();
      topic.name = "t";
      topic.partitions.emplace_back().timestamp = -1;
    }
    const auto answer = client.Ask<protocol::ListOffsetsResponse>(request, 7);
    ASSERT_EQ(answer.response.topics.size(), 1u);
    EXPECT_EQ(ErrorOf(answer.response.topics[0].partitions.at(0).error_code), ErrorCode::kInvalidRequest);
  });
}

TEST(DescribeTopicPartitionsAnswer, ACursorCountsInItsTopicOnlyAndALimitForMissingTopicsToo) {
  WithTopic([](TestClient& client) {
    client.CreateTopic("u", 3);
    protocol::DescribeTopicPartitionsRequest request;
    request.topics = {{"missing"}, {"u"}};
    request.cursor = {"missing", 2};
    auto answer = client.Ask<protocol::DescribeTopicPartitionsResponse>(request, 0);
    EXPECT_EQ(answer.response.topics.at(1).partitions.size(), 3u);
    request.cursor = {"other", 0};
    answer = client.Ask<protocol::DescribeTopicPartitionsResponse>(request, 0);
    EXPECT_EQ(ErrorOf(answer.response.topics.at(0).error_code), ErrorCode::kInvalidRequest);
    request.cursor.reset();
    request.topics = {{"t"}, {"zz"}};
    request.response_partition_limit = 1;
    answer = client.Ask<protocol::DescribeTopicPartitionsResponse>(request, 0);
    ASSERT_TRUE(answer.response.next_cursor.has_value());
    EXPECT_EQ(answer.response.next_cursor->topic_name, "zz");
  });
}

TEST(InitProducerIdAnswer, AnIdWithoutAnEpochIsRefused) {
  WithTopic([](TestClient& client) {
    protocol::InitProducerIdRequest request;
    request.transactional_id.reset();
    request.producer_id = 5;
    EXPECT_EQ(ErrorOf(client.Ask<protocol::InitProducerIdResponse>(request, 4).response.error_code),
              ErrorCode::kInvalidRequest);
    // Still being designed, and not advertised.
    EXPECT_NE(client.AskAndFail<protocol::InitProducerIdResponse>(protocol::InitProducerIdRequest(), 6),
              net::CallError::kNone);
  });
}

TEST(DescribeConfigsAnswer, AnUnknownTypeSpoilsTheRequest) {
  WithTopic([](TestClient& client) {
    protocol::DescribeConfigsRequest request;
    request.resources = {{2, "t", std::nullopt}, {9, "x", std::nullopt}};
    const auto answer = client.Ask<protocol::DescribeConfigsResponse>(request, 4);
    EXPECT_EQ(ErrorOf(answer.response.results.at(0).error_code), ErrorCode::kInvalidRequest);
    EXPECT_EQ(ErrorOf(answer.response.results.at(1).error_code), ErrorCode::kInvalidRequest);
  });
}

TEST(DescribeConfigsAnswer, NoKeysAreAllKeys) {
  WithTopic([](TestClient& client) {
    protocol::DescribeConfigsRequest request;
    request.resources = {{2, "t", std::vector<std::string>()}};
    const auto answer = client.Ask<protocol::DescribeConfigsResponse>(request, 4);
    EXPECT_GT(answer.response.results.at(0).configs.size(), 20u);
    EXPECT_EQ(answer.response.results.at(0).error_message, "");
  });
}

// QuorumController's event queue: what was not begun by its deadline is not done.
TEST(AdminAnswer, WhatCannotBeginInTimeIsRefusedAndNotDone) {
  WithTopic([](TestClient& client) {
    protocol::CreateTopicsRequest creation;
    creation.topics.emplace_back().name = "late";
    creation.timeout_ms = 0;
    const auto created = client.Ask<protocol::CreateTopicsResponse>(creation, 7).response.topics.at(0);
    EXPECT_EQ(ErrorOf(created.error_code), ErrorCode::kRequestTimedOut);
    EXPECT_EQ(created.name, "late");
    EXPECT_EQ(created.num_partitions, -1);
    protocol::CreatePartitionsRequest growth;
    growth.topics.push_back({.name = "t", .count = 3});
    const auto grown = client.Ask<protocol::CreatePartitionsResponse>(growth, 3).response.results.at(0);
    EXPECT_EQ(ErrorOf(grown.error_code), ErrorCode::kRequestTimedOut);
    protocol::DeleteTopicsRequest deletion;
    deletion.topics.push_back({"t", Uuid()});
    const auto deleted = client.Ask<protocol::DeleteTopicsResponse>(deletion, 6).response.responses.at(0);
    EXPECT_EQ(ErrorOf(deleted.error_code), ErrorCode::kRequestTimedOut);
    EXPECT_EQ(deleted.name, "t");
    const auto topics = client.Ask<protocol::MetadataResponse>(protocol::MetadataRequest{.topics = std::nullopt}, 9);
    ASSERT_EQ(topics.response.topics.size(), 1u);
    EXPECT_EQ(topics.response.topics[0].partitions.size(), 1u);
  });
}

TEST(AdminAnswer, ARequestWaitsForItsTurnUntilItsTimeout) {
  WithTopic([](TestClient& client) {
    fiber::TaskGroup both(client.self());
    for (int i = 0; i < 20; ++i) {
      both.Spawn("before", [&client, i](fiber::Fiber& self) {
        TestClient other(self, client.env());
        other.CreateTopic("before-" + std::to_string(i), 300);
      });
    }
    both.Spawn("impatient", [&client](fiber::Fiber& self) {
      TestClient other(self, client.env());
      fiber::SleepFor(self, Duration::Millis(2));
      protocol::CreateTopicsRequest creation;
      creation.topics.emplace_back().name = "late";
      creation.timeout_ms = 1;
      const auto created = other.Ask<protocol::CreateTopicsResponse>(creation, 7).response.topics.at(0);
      EXPECT_EQ(ErrorOf(created.error_code), ErrorCode::kRequestTimedOut);
      creation.timeout_ms = 30'000;
      creation.topics[0].num_partitions = -1;
      creation.topics[0].replication_factor = -1;
      const auto patient = other.Ask<protocol::CreateTopicsResponse>(creation, 7).response.topics.at(0);
      EXPECT_EQ(ErrorOf(patient.error_code), ErrorCode::kNone) << patient.error_message.value_or("");
    });
    both.Join(client.self());
  });
}

// DynamicBrokerConfig: LogCleaner is reconfigurable.
TEST(DynamicConfig, TheCleanerTakesNewSettingsWhileItRests) {
  BrokerWorld world({.properties = {{"log.cleaner.backoff.ms", "3600000"}}});
  world.Run([&](fiber::Fiber& self, env::Env& env) {
    TestClient client(self, env);
    client.CreateTopic("t", 1,
                       {{"cleanup.policy", "compact"},
                        {"segment.bytes", "1048576"},
                        {"segment.ms", "1"},
                        {"min.cleanable.dirty.ratio", "0.01"}});
    for (int i = 0; i < 4; ++i) {
      record::BatchBuilder builder({});
      builder.Append({.timestamp = Timestamp(1000 + 10 * i), .key = AsBytes("k"), .value = AsBytes("v")});
      EXPECT_EQ(ErrorOf(ProduceOne(client, builder.Build()).error_code), ErrorCode::kNone);
    }
    const auto cleanings = [&world] { return world.broker().shard(ShardId(0)).cleaner_numbers().cleaning_count; };
    fiber::SleepFor(self, Duration::Seconds(20));
    EXPECT_EQ(cleanings(), 0);
    constexpr int8_t kBroker = 4;
    protocol::IncrementalAlterConfigsRequest request;
    request.resources.push_back({kBroker, "", {{"log.cleaner.backoff.ms", 0, "100"}}});
    const auto altered = client.Ask<protocol::IncrementalAlterConfigsResponse>(request, 1).response.responses.at(0);
    EXPECT_EQ(ErrorOf(altered.error_code), ErrorCode::kNone) << altered.error_message.value_or("");
    fiber::SleepFor(self, Duration::Seconds(2));
    EXPECT_GE(cleanings(), 1);
  });
}

}  // namespace
}  // namespace odradek::broker
