#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "engine/protocol/api.h"
#include "engine/protocol/errors.h"
#include "engine/protocol/metadata_record.h"
#include "tests/engine/protocol/message_case.h"

namespace odradek::protocol {
namespace {

struct ExpectedApi {
  int16_t key;
  std::string_view name;
  int16_t min;
  int16_t max;
  int16_t flexible;
  bool on_broker = true;
};

// FEATURES.md 2.1, the column of 4.3.1.
constexpr ExpectedApi kExpectedApis[] = {
    {0, "Produce", 3, 13, 9},
    {1, "Fetch", 4, 18, 12},
    {2, "ListOffsets", 1, 11, 6},
    {3, "Metadata", 0, 13, 9},
    {8, "OffsetCommit", 2, 10, 8},
    {9, "OffsetFetch", 1, 10, 6},
    {10, "FindCoordinator", 0, 6, 3},
    {11, "JoinGroup", 0, 9, 6},
    {12, "Heartbeat", 0, 4, 4},
    {13, "LeaveGroup", 0, 5, 4},
    {14, "SyncGroup", 0, 5, 4},
    {15, "DescribeGroups", 0, 6, 5},
    {16, "ListGroups", 0, 5, 3},
    {17, "SaslHandshake", 0, 1, kNeverFlexible},
    {18, "ApiVersions", 0, 4, 3},
    {19, "CreateTopics", 2, 7, 5},
    {20, "DeleteTopics", 1, 6, 4},
    {21, "DeleteRecords", 0, 2, 2},
    {22, "InitProducerId", 0, 6, 2},
    {23, "OffsetForLeaderEpoch", 2, 4, 4},
    {24, "AddPartitionsToTxn", 0, 5, 3},
    {25, "AddOffsetsToTxn", 0, 4, 3},
    {26, "EndTxn", 0, 5, 3},
    {27, "WriteTxnMarkers", 1, 2, 1},
    {28, "TxnOffsetCommit", 0, 5, 3},
    {29, "DescribeAcls", 1, 3, 2},
    {30, "CreateAcls", 1, 3, 2},
    {31, "DeleteAcls", 1, 3, 2},
    {32, "DescribeConfigs", 1, 4, 4},
    {33, "AlterConfigs", 0, 2, 2},
    {34, "AlterReplicaLogDirs", 1, 2, 2},
    {35, "DescribeLogDirs", 1, 5, 2},
    {36, "SaslAuthenticate", 0, 2, 2},
    {37, "CreatePartitions", 0, 3, 2},
    {38, "CreateDelegationToken", 1, 3, 2},
    {39, "RenewDelegationToken", 1, 2, 2},
    {40, "ExpireDelegationToken", 1, 2, 2},
    {41, "DescribeDelegationToken", 1, 3, 2},
    {42, "DeleteGroups", 0, 2, 2},
    {43, "ElectLeaders", 0, 2, 2},
    {44, "IncrementalAlterConfigs", 0, 1, 1},
    {45, "AlterPartitionReassignments", 0, 1, 0},
    {46, "ListPartitionReassignments", 0, 0, 0},
    {47, "OffsetDelete", 0, 0, kNeverFlexible},
    {48, "DescribeClientQuotas", 0, 1, 1},
    {49, "AlterClientQuotas", 0, 1, 1},
    {50, "DescribeUserScramCredentials", 0, 0, 0},
    {51, "AlterUserScramCredentials", 0, 0, 0},
    {52, "Vote", 0, 2, 0, false},
    {53, "BeginQuorumEpoch", 0, 1, 1, false},
    {54, "EndQuorumEpoch", 0, 1, 1, false},
    {55, "DescribeQuorum", 0, 2, 0},
    {56, "AlterPartition", 2, 3, 0, false},
    {57, "UpdateFeatures", 0, 2, 0},
    {58, "Envelope", 0, 0, 0, false},
    {59, "FetchSnapshot", 0, 1, 0, false},
    {60, "DescribeCluster", 0, 2, 0},
    {61, "DescribeProducers", 0, 0, 0},
    {62, "BrokerRegistration", 0, 4, 0, false},
    {63, "BrokerHeartbeat", 0, 2, 0, false},
    {64, "UnregisterBroker", 0, 0, 0},
    {65, "DescribeTransactions", 0, 0, 0},
    {66, "ListTransactions", 0, 2, 0},
    {67, "AllocateProducerIds", 0, 0, 0, false},
    {68, "ConsumerGroupHeartbeat", 0, 1, 0},
    {69, "ConsumerGroupDescribe", 0, 1, 0},
    {70, "ControllerRegistration", 0, 0, 0, false},
    {71, "GetTelemetrySubscriptions", 0, 0, 0},
    {72, "PushTelemetry", 0, 0, 0},
    {73, "AssignReplicasToDirs", 0, 0, 0, false},
    {74, "ListConfigResources", 0, 1, 0},
    {75, "DescribeTopicPartitions", 0, 0, 0},
    {76, "ShareGroupHeartbeat", 1, 1, 0},
    {77, "ShareGroupDescribe", 1, 1, 0},
    {78, "ShareFetch", 1, 2, 0},
    {79, "ShareAcknowledge", 1, 2, 0},
    {80, "AddRaftVoter", 0, 1, 0},
    {81, "RemoveRaftVoter", 0, 0, 0},
    {82, "UpdateRaftVoter", 0, 0, 0, false},
    {83, "InitializeShareGroupState", 0, 0, 0},
    {84, "ReadShareGroupState", 0, 0, 0},
    {85, "WriteShareGroupState", 0, 1, 0},
    {86, "DeleteShareGroupState", 0, 0, 0},
    {87, "ReadShareGroupStateSummary", 0, 1, 0},
    {88, "StreamsGroupHeartbeat", 0, 0, 0},
    {89, "StreamsGroupDescribe", 0, 0, 0},
    {90, "DescribeShareGroupOffsets", 0, 1, 0},
    {91, "AlterShareGroupOffsets", 0, 0, 0},
    {92, "DeleteShareGroupOffsets", 0, 0, 0},
};

TEST(ApiTable, HasKafkasRanges) {
  for (const ExpectedApi& expected : kExpectedApis) {
    const ApiInfo* api = FindApi(expected.key);
    ASSERT_NE(api, nullptr) << expected.name;
    EXPECT_EQ(api->name, expected.name);
    EXPECT_EQ(api->min_version, expected.min) << expected.name;
    EXPECT_EQ(api->max_version, expected.max) << expected.name;
    EXPECT_EQ(api->flexible_from, expected.flexible) << expected.name;
    EXPECT_EQ(api->stable_max_version, expected.key == 22 ? 5 : expected.max) << expected.name;
    EXPECT_EQ(api->advertised_min_version, expected.key == 0 ? 0 : expected.min) << expected.name;
    EXPECT_EQ(api->on_broker, expected.on_broker) << expected.name;
  }
  EXPECT_EQ(AllApis().size(), std::size(kExpectedApis));
  EXPECT_EQ(FindApi(-1), nullptr);
  EXPECT_EQ(FindApi(4), nullptr);
}

TEST(ApiTable, ControllersServeWhatKafkasControllersServe) {
  std::vector<int16_t> keys;
  for (const ApiInfo& api : AllApis()) {
    const auto key = static_cast<int16_t>(api.key);
    if (api.on_controller) keys.push_back(key);
  }
  EXPECT_EQ(keys,
            (std::vector<int16_t>{1,  17, 18, 19, 20, 29, 30, 31, 32, 33, 36, 37, 38, 39, 40, 41, 43, 44, 45, 46, 49,
                                  50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 62, 63, 64, 67, 70, 73, 80, 81, 82}));
}

TEST(ApiTable, IsAscendingAndEveryApiHasARequestAndAResponse) {
  std::map<int16_t, int> messages;
  for (const MessageCase& message : AllMessageCases()) ++messages[message.api_key];
  int16_t last = -1;
  for (const ApiInfo& api : AllApis()) {
    const auto key = static_cast<int16_t>(api.key);
    EXPECT_GT(key, last);
    last = key;
    EXPECT_EQ(messages[key], 2) << api.name;
    EXPECT_EQ(&InfoOf(api.key), &api);
  }
}

TEST(ErrorTable, IsCompleteAndItsNamesDiffer) {
  std::map<std::string_view, int> names;
  for (int code = kErrorCodeMin; code <= kErrorCodeMax; ++code) {
    const auto error = ErrorFromWire(static_cast<int16_t>(code));
    ASSERT_TRUE(error.has_value()) << code;
    EXPECT_EQ(ToWire(*error), code);
    const std::string_view name = ErrorName(*error);
    EXPECT_EQ(++names[name], 1) << name;
    EXPECT_EQ(name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), std::string_view::npos) << name;
  }
  EXPECT_FALSE(ErrorFromWire(-2).has_value());
  EXPECT_FALSE(ErrorFromWire(134).has_value());
  EXPECT_EQ(ErrorName(static_cast<ErrorCode>(134)), "UNKNOWN");
}

TEST(ErrorTable, KnowsWhatKafkasClientsTryAgain) {
  for (const ErrorCode code :
       {ErrorCode::kNotLeaderOrFollower, ErrorCode::kRequestTimedOut, ErrorCode::kKafkaStorageError,
        ErrorCode::kNotEnoughReplicas, ErrorCode::kUnknownTopicOrPartition, ErrorCode::kFencedLeaderEpoch,
        ErrorCode::kConcurrentTransactions}) {
    EXPECT_TRUE(IsRetriable(code)) << ErrorName(code);
  }
  for (const ErrorCode code : {ErrorCode::kNone, ErrorCode::kMessageTooLarge, ErrorCode::kInvalidRecord,
                               ErrorCode::kOutOfOrderSequenceNumber, ErrorCode::kUnsupportedVersion}) {
    EXPECT_FALSE(IsRetriable(code)) << ErrorName(code);
  }
  EXPECT_EQ(ErrorName(ErrorCode::kNotLeaderOrFollower), "NOT_LEADER_OR_FOLLOWER");
  EXPECT_EQ(ErrorName(ErrorCode::kShareSessionLimitReached), "SHARE_SESSION_LIMIT_REACHED");
}

TEST(MetadataRecords, SurviveTheRoundTripInTheirFrame) {
  TopicRecord topic;
  topic.name = "orders";
  topic.topic_id = Uuid{1, 2};
  const VersionedMetadataRecord original{.record = topic, .version = 0};
  Writer writer;
  EncodeMetadataRecord(original, writer);
  ASSERT_FALSE(writer.error());
  EXPECT_EQ(LoadBigEndian<uint16_t>(writer.buffer().data()), 0x0102);  // frame version 1, key 2
  Reader reader(writer.buffer());
  VersionedMetadataRecord decoded;
  ASSERT_TRUE(DecodeMetadataRecord(reader, decoded));
  EXPECT_EQ(decoded, original);
  EXPECT_EQ(NameOf(decoded.record), "TopicRecord");
  EXPECT_EQ(KeyOf(decoded.record), 2);
}

// The same number as another record's of the metadata log, in the same frame.
TEST(RemoteLogRecords, SurviveTheRoundTripInTheFrameOfMetadataRecords) {
  RemotePartitionDeleteMetadataRecord deletion;
  deletion.topic_id_partition.name = "orders";
  deletion.topic_id_partition.partition = 3;
  deletion.remote_partition_delete_state = 1;
  const VersionedRemoteLogRecord original{.record = deletion, .version = 0};
  Writer writer;
  EncodeRemoteLogRecord(original, writer);
  ASSERT_FALSE(writer.error());
  EXPECT_EQ(LoadBigEndian<uint16_t>(writer.buffer().data()), 0x0102);  // frame version 1, key 2
  Reader reader(writer.buffer());
  VersionedRemoteLogRecord decoded;
  ASSERT_TRUE(DecodeRemoteLogRecord(reader, decoded)) << reader.error().ToString();
  EXPECT_EQ(decoded, original);
  const ByteBuffer unknown = {std::byte{1}, std::byte{4}, std::byte{0}};
  Reader refused(unknown);
  EXPECT_FALSE(DecodeRemoteLogRecord(refused, decoded));
  EXPECT_EQ(refused.error().ToString(), "record_key at byte 3: 4 is unknown");
}

TEST(MetadataRecords, BadFramesAreErrorsThatNameTheField) {
  const auto error_of = [](std::initializer_list<int> values) {
    ByteBuffer bytes;
    for (const int v : values) bytes.push_back(static_cast<std::byte>(v));
    Reader reader(bytes);
    VersionedMetadataRecord out;
    return DecodeMetadataRecord(reader, out) ? "" : reader.error().ToString();
  };
  EXPECT_EQ(error_of({}), "frame_version at byte 0: bad or truncated unsigned varint");
  EXPECT_EQ(error_of({2, 2, 0}), "frame_version at byte 1: 2, expected 1");
  EXPECT_EQ(error_of({1, 99, 0}), "record_key at byte 3: 99 is unknown");
  EXPECT_EQ(error_of({1, 2, 9}), "TopicRecord at byte 3: version 9 is not in 0-0");
  EXPECT_EQ(error_of({1, 2, 0, 5, 'a'}), "TopicRecord.name at byte 3: length 4, but 1 bytes are left");
  EXPECT_EQ(error_of({1, 20, 0, 0, 7}), "NoOpRecord at byte 4: 1 bytes follow the message");
}

}  // namespace
}  // namespace odradek::protocol
