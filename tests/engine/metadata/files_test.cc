#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/base/absl_compat.h"
#include "engine/metadata/batches.h"
#include "engine/metadata/snapshot.h"
#include "engine/protocol/generated/control_records.h"
#include "engine/protocol/reader.h"
#include "tests/engine/metadata/cluster.h"

namespace odradek::metadata {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

std::string TextOf(const absl::Status& status) {
  return std::string(base::SV(status.message()));
}

ByteBuffer FromHex(std::string_view hex) {
  ByteBuffer out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<std::byte>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

TEST(Record, BytesAreFrameVersionKeyVersionMessage) {
  ByteBuffer bytes;
  protocol::FeatureLevelRecord level;
  level.name = "metadata.version";
  level.feature_level = 30;
  EncodeRecord(level, kMetadataVersionMax, bytes);
  EXPECT_EQ(bytes, FromHex("010c00116d657461646174612e76657273696f6e001e00"));
  bytes.clear();
  EncodeRecord(protocol::NoOpRecord(), kMetadataVersionMax, bytes);
  EXPECT_EQ(bytes, FromHex("01140000"));
}

TEST(Record, VersionFollowsTheLevel) {
  const Record partition = protocol::PartitionRecord();
  EXPECT_EQ(RecordVersion(partition, MetadataVersion(7)), 0);
  EXPECT_EQ(RecordVersion(partition, MetadataVersion(17)), 1);
  EXPECT_EQ(RecordVersion(partition, MetadataVersion(30)), 2);
  const Record broker = protocol::RegisterBrokerRecord();
  EXPECT_EQ(RecordVersion(broker, MetadataVersion(7)), 1);
  EXPECT_EQ(RecordVersion(broker, MetadataVersion(8)), 2);
  EXPECT_EQ(RecordVersion(broker, MetadataVersion(29)), 3);
  EXPECT_EQ(RecordVersion(broker, MetadataVersion(30)), 4);
}

TEST(Record, RegistrationChangeHasTheFirstVersionThatCarriesIt) {
  protocol::BrokerRegistrationChangeRecord change;
  change.fenced = 1;
  EXPECT_EQ(RecordVersion(change, kMetadataVersionMax), 0);
  change.in_controlled_shutdown = 1;
  EXPECT_EQ(RecordVersion(change, kMetadataVersionMax), 1);
  change.log_dirs = {Uuid{9, 9}};
  EXPECT_EQ(RecordVersion(change, kMetadataVersionMax), 2);
  change.cordoned_log_dirs.emplace();
  EXPECT_EQ(RecordVersion(change, kMetadataVersionMax), 3);
}

TEST(Record, BadBytesNameWhatIsWrong) {
  EXPECT_THAT(TextOf(DecodeRecord({}).status()), HasSubstr("no frame version"));
  EXPECT_THAT(TextOf(DecodeRecord(FromHex("02")).status()), HasSubstr("unknown frame version 2"));
  EXPECT_THAT(TextOf(DecodeRecord(FromHex("016300")).status()), HasSubstr("unknown number 99"));
  EXPECT_THAT(TextOf(DecodeRecord(FromHex("010c07")).status()), HasSubstr("FeatureLevelRecord: unknown version 7"));
  EXPECT_THAT(TextOf(DecodeRecord(FromHex("010c00116d")).status()), HasSubstr("name at byte"));
  EXPECT_THAT(TextOf(DecodeRecord(FromHex("0114000000")).status()), HasSubstr("NoOpRecord"));
}

RC_GTEST_PROP(RecordProperty, AnyBytesGiveARecordOrAnError, (std::vector<uint8_t> noise, uint8_t key)) {
  ByteBuffer bytes = {std::byte{1}, static_cast<std::byte>(key % 30), std::byte{0}};
  for (const uint8_t b : noise) bytes.push_back(static_cast<std::byte>(b));
  const absl::StatusOr<Record> record = DecodeRecord(bytes);
  RC_ASSERT(record.ok() || !TextOf(record.status()).empty());
}

TEST(Batches, OneDecisionIsOneBatch) {
  Cluster cluster(1);
  cluster.Topic("t", 100);
  BatchesOptions options;
  options.base_offset = Offset(17);
  options.leader_epoch = LeaderEpoch(3);
  options.timestamp = Timestamp(1000);
  const std::vector<ByteBuffer> batches = EncodeBatches(cluster.log(), options);
  ASSERT_THAT(batches, SizeIs(1));
  const auto decoded = DecodeBatch(batches[0]);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->records, cluster.log());
  EXPECT_EQ(decoded->header.base_offset, Offset(17));
  EXPECT_EQ(decoded->header.leader_epoch, LeaderEpoch(3));
  EXPECT_EQ(decoded->header.max_timestamp, Timestamp(1000));
}

TEST(Batches, NoBatchExceedsTheLimitAndNoRecordIsLost) {
  Cluster cluster(2);
  cluster.Topic("t", 200, 2);
  BatchesOptions options;
  options.batch_bytes_max = 500;
  std::vector<Record> seen;
  Offset next = options.base_offset;
  for (const ByteBuffer& batch : EncodeBatches(cluster.log(), options)) {
    EXPECT_LE(batch.size(), 500u);
    const auto decoded = DecodeBatch(batch);
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(decoded->header.base_offset, next);
    next = decoded->header.next_offset();
    seen.insert(seen.end(), decoded->records.begin(), decoded->records.end());
  }
  EXPECT_EQ(seen, cluster.log());
}

TEST(Batches, NoRecordsAreNoBatches) {
  EXPECT_THAT(EncodeBatches({}, {}), SizeIs(0));
}

TEST(Batches, AnyFlippedByteIsFound) {
  const std::vector<Record> records = {protocol::NoOpRecord()};
  const ByteBuffer good = EncodeBatches(records, {}).at(0);
  for (size_t i = record::kMagicAt; i < good.size(); ++i) {
    ByteBuffer bad = good;
    bad[i] ^= std::byte{1};
    EXPECT_FALSE(DecodeBatch(bad).ok()) << i;
  }
  EXPECT_FALSE(DecodeBatch(Bytes(good).first(good.size() - 1)).ok());
}

TEST(SnapshotName, IsOffsetAndEpochInFixedWidth) {
  const SnapshotId id{Offset(1234), LeaderEpoch(5)};
  EXPECT_EQ(SnapshotFileName(id), "00000000000000001234-0000000005.checkpoint");
  EXPECT_EQ(ParseSnapshotFileName("00000000000000001234-0000000005.checkpoint"), id);
  for (const char* bad : {"", "bootstrap.checkpoint", "00000000000000001234-0000000005.checkpoint.part",
                          "0000000000000001234-00000000005.checkpoint", "99999999999999999999-0000000005.checkpoint",
                          "-0000000000000001234-0000000005.checkpoint", "0000000000000000123x-0000000005.checkpoint",
                          "00000000000000001234-9999999999.checkpoint"}) {
    EXPECT_EQ(ParseSnapshotFileName(bad), std::nullopt) << bad;
  }
}

Image SampleImage() {
  Cluster cluster(3);
  cluster.Topic("a", 10, 3);
  cluster.Topic("b", 2, 2);
  cluster.Fence(NodeId(2));
  return cluster.image();
}

TEST(Snapshot, ReadsBackAsTheSameImage) {
  const Image image = SampleImage();
  SnapshotOptions options;
  options.id = {Offset(77), LeaderEpoch(3)};
  options.last_contained_timestamp = Timestamp(123456);
  options.batch_bytes_max = 300;
  const ByteBuffer bytes = EncodeSnapshot(image, options);
  const auto snapshot = DecodeSnapshot(bytes);
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  EXPECT_EQ(snapshot->image, image);
  EXPECT_EQ(Fingerprint(snapshot->image), Fingerprint(image));
  EXPECT_EQ(snapshot->last_contained_timestamp, Timestamp(123456));
}

TEST(Snapshot, CutAnywhereIsAnError) {
  const ByteBuffer bytes = EncodeSnapshot(SampleImage(), SnapshotOptions());
  for (size_t size = 0; size < bytes.size(); size += 7) {
    EXPECT_FALSE(DecodeSnapshot(Bytes(bytes).first(size)).ok()) << size;
  }
}

TEST(Snapshot, HeaderAndFooterAreWhereTheyBelong) {
  const ByteBuffer bytes = EncodeSnapshot(Image(), SnapshotOptions());
  ByteBuffer twice = bytes;
  AppendBytes(twice, bytes);
  EXPECT_THAT(TextOf(DecodeSnapshot(twice).status()), HasSubstr("more after the footer"));
  EXPECT_THAT(TextOf(DecodeSnapshot({}).status()), HasSubstr("no footer"));
  const std::vector<Record> records = {protocol::NoOpRecord()};
  EXPECT_THAT(TextOf(DecodeSnapshot(EncodeBatches(records, {}).at(0)).status()), HasSubstr("no snapshot header"));
}

TEST(Snapshot, OlderLevelLeavesOutWhatItCannotCarry) {
  Image image;
  protocol::FeatureLevelRecord level;
  level.name = "metadata.version";
  level.feature_level = 30;
  ASSERT_TRUE(image.Apply(level).ok());
  protocol::RegisterBrokerRecord broker;
  broker.broker_id = 1;
  broker.log_dirs = {Uuid{9, 9}};
  ASSERT_TRUE(image.Apply(broker).ok());
  level.feature_level = 8;
  ASSERT_TRUE(image.Apply(level).ok());
  const auto snapshot = DecodeSnapshot(EncodeSnapshot(image, SnapshotOptions()));
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  EXPECT_THAT(snapshot->image.FindBroker(NodeId(1))->log_dirs, SizeIs(0));
}

}  // namespace
}  // namespace odradek::metadata
