// Arbitrary bytes as each of the small files of a data directory and as a snapshot: a value or an error that says
// something; what was understood is written and understood again as the same.
#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "engine/base/crc32c.h"
#include "engine/metadata/batches.h"
#include "engine/metadata/record.h"
#include "engine/metadata/snapshot.h"
#include "engine/producers/snapshot.h"
#include "engine/raft/quorum_state.h"
#include "engine/storage/checkpoints.h"
#include "engine/storage/meta_properties.h"
#include "tests/fuzz/fuzz.h"

namespace odradek::fuzz {
namespace {

constexpr const char* kPath = "data/file";

template <typename Result>
bool IsGood(const Result& result) {
  if (result.ok()) return true;
  INVARIANT(!result.status().message().empty());
  return false;
}

bool OffsetCheckpointFile(Bytes input) {
  const auto once = storage::ParseOffsetCheckpoint(kPath, input);
  if (!IsGood(once)) return false;
  const std::string text = storage::FormatOffsetCheckpoint(*once);
  const auto twice = storage::ParseOffsetCheckpoint(kPath, AsBytes(text));
  INVARIANT(twice.ok());
  INVARIANT(*twice == *once);
  return true;
}

bool EpochCheckpointFile(Bytes input) {
  const auto once = storage::ParseEpochCheckpoint(kPath, input);
  if (!IsGood(once)) return false;
  const std::string text = storage::FormatEpochCheckpoint(*once);
  const auto twice = storage::ParseEpochCheckpoint(kPath, AsBytes(text));
  INVARIANT(twice.ok());
  INVARIANT(*twice == *once);
  return true;
}

bool PartitionMetadataFile(Bytes input) {
  const auto once = storage::ParsePartitionMetadata(kPath, input);
  if (!IsGood(once)) return false;
  const std::string text = storage::FormatPartitionMetadata(*once);
  const auto twice = storage::ParsePartitionMetadata(kPath, AsBytes(text));
  INVARIANT(twice.ok());
  INVARIANT(*twice == *once);
  return true;
}

bool CleanShutdownFile(Bytes input) {
  const BrokerEpoch epoch = storage::ParseCleanShutdown(input);
  const std::string text = storage::FormatCleanShutdown(epoch);
  INVARIANT(storage::ParseCleanShutdown(AsBytes(text)) == epoch);
  return true;
}

bool MetaPropertiesFile(Bytes input) {
  const auto once = storage::ParseMetaProperties(kPath, input);
  if (!IsGood(once)) return false;
  const std::string text = storage::FormatMetaProperties(*once);
  const auto twice = storage::ParseMetaProperties(kPath, AsBytes(text));
  INVARIANT(twice.ok());
  INVARIANT(*twice == *once);
  return true;
}

bool QuorumStateFile(Bytes input) {
  const std::string text(reinterpret_cast<const char*>(input.data()), input.size());
  const auto once = raft::DecodeQuorumState(text);
  if (!IsGood(once)) return false;
  const auto twice = raft::DecodeQuorumState(raft::EncodeQuorumState(*once));
  INVARIANT(twice.ok());
  INVARIANT(*twice == *once);
  return true;
}

bool ProducerSnapshotFile(Bytes input) {
  const auto once = producers::DecodeSnapshot(input, {.end_offset = Offset(1000)}, {});
  if (!IsGood(once)) return false;
  const ByteBuffer bytes = producers::EncodeSnapshot(*once, {.end_offset = Offset(1000)});
  const auto twice = producers::DecodeSnapshot(bytes, {.end_offset = Offset(1000)}, {});
  INVARIANT(twice.ok());
  INVARIANT(producers::EncodeSnapshot(*twice, {.end_offset = Offset(1000)}) == bytes);
  return true;
}

bool MetadataSnapshotFile(Bytes input) {
  return IsGood(metadata::DecodeSnapshot(input));
}

bool MetadataBatch(Bytes input) {
  return IsGood(metadata::DecodeBatch(input));
}

bool MetadataRecord(Bytes input) {
  return IsGood(metadata::DecodeRecord(input));
}

// The CRC of a producer snapshot and of batches made right: what stands behind it is judged too.
bool RepairedProducerSnapshot(Bytes input) {
  ByteBuffer bytes(input.begin(), input.end());
  if (bytes.size() < producers::kSnapshotHeaderBytes) return false;
  const uint32_t crc = base::Crc32c(Bytes(bytes).subspan(producers::kSnapshotCountAt));
  StoreBigEndian<uint32_t>(bytes.data() + producers::kSnapshotCrcAt, crc);
  return ProducerSnapshotFile(bytes);
}

ByteBuffer WithCrcs(Bytes input) {
  ByteBuffer bytes(input.begin(), input.end());
  size_t at = 0;
  while (bytes.size() - at >= record::kBatchOverheadBytes) {
    const MutableBytes rest = MutableBytes(bytes).subspan(at);
    const auto length = LoadBigEndian<int32_t>(rest.data() + record::kLengthAt);
    const int64_t size_bytes = length + static_cast<int64_t>(record::kLogOverheadBytes);
    if (size_bytes < static_cast<int64_t>(record::kBatchOverheadBytes)) break;
    if (size_bytes > static_cast<int64_t>(rest.size())) break;
    const MutableBytes batch = rest.first(static_cast<size_t>(size_bytes));
    StoreBigEndian<uint32_t>(batch.data() + record::kCrcAt, record::ComputeCrc(batch));
    at += batch.size();
  }
  return bytes;
}

bool RepairedMetadataSnapshot(Bytes input) {
  return MetadataSnapshotFile(WithCrcs(input));
}

bool RepairedMetadataBatch(Bytes input) {
  return MetadataBatch(WithCrcs(input));
}

constexpr bool (*kFiles[])(Bytes) = {
    OffsetCheckpointFile,     EpochCheckpointFile,      PartitionMetadataFile, CleanShutdownFile, MetaPropertiesFile,
    QuorumStateFile,          ProducerSnapshotFile,     MetadataSnapshotFile,  MetadataBatch,     MetadataRecord,
    RepairedProducerSnapshot, RepairedMetadataSnapshot, RepairedMetadataBatch};

ByteBuffer ProducerSnapshot() {
  producers::ProducerStates states({}, Offset(1000));
  for (int i = 0; i < 3; ++i) {
    producers::ProducerEntry entry;
    entry.epoch = ProducerEpoch(1);
    entry.last_timestamp = Timestamp(1'700'000'000'000);
    entry.window.push_back({.last_sequence = 10, .last_offset = Offset(20 + i), .offset_delta = 2});
    if (i == 2) entry.current_txn_first_offset = Offset(20);
    states.Restore(ProducerId(i), entry);
  }
  return producers::EncodeSnapshot(states, {.end_offset = Offset(1000)});
}

// Of a cluster with a topic; `end` leaves the last records out.
std::vector<metadata::Record> Records() {
  protocol::FeatureLevelRecord level;
  level.name = metadata::kMetadataVersionFeature;
  level.feature_level = metadata::kMetadataVersionMax.value();
  protocol::RegisterBrokerRecord broker;
  broker.broker_id = 1;
  protocol::TopicRecord topic;
  topic.name = "topic";
  topic.topic_id = Uuid::FromRandom(3, 4);
  protocol::PartitionRecord partition;
  partition.topic_id = topic.topic_id;
  partition.partition_id = 0;
  partition.replicas = {1};
  partition.isr = {1};
  partition.leader = 1;
  partition.leader_epoch = 0;
  protocol::ConfigRecord config;
  config.resource_type = 2;
  config.resource_name = "topic";
  config.name = "retention.ms";
  config.value = "1000";
  return {level, broker, topic, partition, config};
}

}  // namespace

std::vector<std::string> Seeds() {
  storage::OffsetCheckpoint offsets;
  offsets[{"topic", PartitionIndex(3)}] = Offset(17);
  offsets[{"other", PartitionIndex(0)}] = Offset(0);
  metadata::Image image;
  for (const metadata::Record& record : Records()) INVARIANT(image.Apply(record).ok());
  const ByteBuffer snapshot = metadata::EncodeSnapshot(image, {.id = {Offset(5), LeaderEpoch(1)}});
  const ByteBuffer batch = metadata::EncodeBatches(Records(), {}).front();
  const std::string producers(AsString(ProducerSnapshot()));
  std::vector<std::string> seeds = {
      Seed(0, storage::FormatOffsetCheckpoint(offsets)),
      Seed(1, storage::FormatEpochCheckpoint({{LeaderEpoch(0), Offset(0)}, {LeaderEpoch(4), Offset(9)}})),
      Seed(2, storage::FormatPartitionMetadata(Uuid::FromRandom(1, 2))),
      Seed(3, storage::FormatCleanShutdown(BrokerEpoch(5))),
      Seed(4, storage::FormatMetaProperties({"cluster", NodeId(1), Uuid::FromRandom(1, 2)})),
      Seed(4, storage::FormatMetaProperties({"cluster", NodeId(1), Uuid()})),
      Seed(5, raft::EncodeQuorumState({.current_voters = {NodeId(1), NodeId(2)}})),
      Seed(5, raft::EncodeQuorumState({.version = raft::QuorumStateVersion::kV1})),
      Seed(6, producers),
      Seed(7, AsString(snapshot)),
      Seed(8, AsString(batch)),
      Seed(10, producers),
      Seed(11, AsString(snapshot)),
      Seed(12, AsString(batch))};
  for (const metadata::Record& one : Records()) {
    ByteBuffer bytes;
    metadata::EncodeRecord(one, metadata::kMetadataVersionMax, bytes);
    seeds.push_back(Seed(9, AsString(bytes)));
  }
  return seeds;
}

bool Understands(Bytes input) {
  if (input.empty()) return false;
  return kFiles[TargetOf(input[0], std::size(kFiles))](input.subspan(1));
}

}  // namespace odradek::fuzz
