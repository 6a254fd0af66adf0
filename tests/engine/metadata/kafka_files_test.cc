// Files of a node that Apache Kafka 4.3.1 formatted and ran: a topic with three partitions, then a clean shutdown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "engine/metadata/batches.h"
#include "engine/metadata/controller.h"
#include "engine/metadata/snapshot.h"
#include "engine/record/record_iterator.h"

namespace odradek::metadata {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::SizeIs;

std::string KafkaFile(const std::string& name) {
  std::ifstream file("tests/engine/metadata/testdata/kafka_4.3.1_" + name, std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

// The values of the data records, as they stand in the file.
std::vector<ByteBuffer> RecordValues(Bytes log) {
  std::vector<ByteBuffer> values;
  record::BatchCursor cursor(log);
  for (auto step = cursor.Next(); step.found == record::BatchCursor::Found::kBatch; step = cursor.Next()) {
    if (step.header.is_control()) continue;
    record::RecordIterator iterator(step.header, step.batch);
    while (iterator.Next() == record::RecordIterator::Found::kRecord) {
      values.emplace_back(iterator.record().value->begin(), iterator.record().value->end());
    }
  }
  return values;
}

TEST(KafkaLog, EveryRecordEncodesToKafkasBytes) {
  const std::string log = KafkaFile("metadata.batches");
  const std::vector<ByteBuffer> values = RecordValues(AsBytes(log));
  ASSERT_THAT(values, SizeIs(31));
  for (const ByteBuffer& value : values) {
    const auto record = DecodeRecord(value);
    ASSERT_TRUE(record.ok()) << record.status();
    ByteBuffer again;
    EncodeRecord(*record, kMetadataVersionMax, again);
    EXPECT_EQ(again, value) << RecordName(*record);
  }
}

Fold FoldOfKafkaLog() {
  const std::string log = KafkaFile("metadata.batches");
  Fold fold;
  record::BatchCursor cursor(AsBytes(log));
  for (auto step = cursor.Next(); step.found == record::BatchCursor::Found::kBatch; step = cursor.Next()) {
    const auto batch = DecodeBatch(step.batch);
    EXPECT_TRUE(batch.ok()) << batch.status();
    for (const Record& record : batch->records) {
      const absl::Status status = fold.Apply(record);
      EXPECT_TRUE(status.ok()) << status;
    }
  }
  return fold;
}

TEST(KafkaLog, FoldsToTheImageThatKafkaHad) {
  const Image image = FoldOfKafkaLog().image();
  EXPECT_EQ(image.metadata_version(), MetadataVersion(30));
  EXPECT_THAT(image.features(), SizeIs(6));
  ASSERT_NE(image.FindTopic("demo.t"), nullptr);
  EXPECT_THAT(image.FindTopic("demo.t")->partitions, SizeIs(3));
  EXPECT_THAT(*image.FindConfigs({ResourceType::kTopic, "demo.t"}), ElementsAre(Pair("retention.ms", "1000")));
  EXPECT_THAT(*image.FindConfigs({ResourceType::kBroker, ""}), ElementsAre(Pair("min.insync.replicas", "1")));
  EXPECT_TRUE(image.FindBroker(NodeId(1))->fenced);
  EXPECT_EQ(image.passive_record_count(), 1);
  const auto snapshot = DecodeSnapshot(EncodeSnapshot(image, SnapshotOptions()));
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  EXPECT_EQ(snapshot->image, image);
}

TEST(KafkaLog, NodeThatTakesOverLeadsThePartitions) {
  base::NullContext context;
  ControllerOptions options;
  options.node_id = NodeId(1);
  options.cluster_id = "c";
  Controller controller(options, FoldOfKafkaLog(), context);
  EXPECT_THAT(controller.Activate(), SizeIs(0));
  BrokerRegistration request;
  request.id = NodeId(1);
  request.cluster_id = "c";
  request.incarnation_id = {1, 2};
  request.listeners = {{"PLAINTEXT", "localhost", 9092, 0}};
  request.log_dirs = controller.image().FindBroker(NodeId(1))->log_dirs;
  for (const auto& [name, level] : controller.image().features()) request.features[name] = {0, level};
  const auto registered = controller.RegisterBroker(request, Offset(34), Session::kExpired);
  ASSERT_FALSE(registered.response.failure.has_value()) << registered.response.failure->message;
  for (const Record& record : registered.records) ASSERT_TRUE(controller.Replay(record).ok());
  for (const Record& record : controller.UnfenceBroker(NodeId(1), registered.response.epoch).records) {
    ASSERT_TRUE(controller.Replay(record).ok());
  }
  for (const auto& [index, partition] : controller.image().FindTopic("demo.t")->partitions) {
    EXPECT_EQ(partition.leader, NodeId(1));
    EXPECT_THAT(partition.isr, ElementsAre(NodeId(1)));
    EXPECT_EQ(StructureProblem(partition, 1), std::nullopt);
  }
}

TEST(KafkaSnapshot, BootstrapFileHasTheLevels) {
  const auto snapshot = DecodeSnapshot(AsBytes(KafkaFile("bootstrap.checkpoint")));
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  EXPECT_THAT(
      snapshot->image.features(),
      ElementsAre(Pair("eligible.leader.replicas.version", 1), Pair("group.version", 1), Pair("metadata.version", 30),
                  Pair("share.version", 1), Pair("streams.version", 1), Pair("transaction.version", 2)));
}

TEST(KafkaSnapshot, VotersOfADynamicQuorumAreKept) {
  const auto snapshot = DecodeSnapshot(AsBytes(KafkaFile("voters.checkpoint")));
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  EXPECT_TRUE(snapshot->kraft_version.has_value());
  EXPECT_TRUE(snapshot->kraft_voters.has_value());
  EXPECT_EQ(snapshot->image, Image());
}

}  // namespace
}  // namespace odradek::metadata
