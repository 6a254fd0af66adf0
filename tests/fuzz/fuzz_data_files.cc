// Arbitrary bytes as each of the small files of a data directory and as a snapshot: a value or an error that says
// something; what was understood is written and understood again as the same.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "engine/base/prng.h"
#include "engine/metadata/batches.h"
#include "engine/metadata/quorum_state.h"
#include "engine/metadata/record.h"
#include "engine/metadata/snapshot.h"
#include "engine/producers/snapshot.h"
#include "engine/storage/checkpoints.h"
#include "engine/storage/meta_properties.h"

namespace {

using odradek::Bytes;
using odradek::Offset;

constexpr const char* kPath = "data/file";

template <typename Result>
bool IsGood(const Result& result) {
  if (result.ok()) return true;
  INVARIANT(!result.status().message().empty());
  return false;
}

void OffsetCheckpointFile(Bytes input) {
  const auto once = odradek::storage::ParseOffsetCheckpoint(kPath, input);
  if (!IsGood(once)) return;
  const std::string text = odradek::storage::FormatOffsetCheckpoint(*once);
  const auto twice = odradek::storage::ParseOffsetCheckpoint(kPath, odradek::AsBytes(text));
  INVARIANT(twice.ok());
  INVARIANT(*twice == *once);
}

void EpochCheckpointFile(Bytes input) {
  const auto once = odradek::storage::ParseEpochCheckpoint(kPath, input);
  if (!IsGood(once)) return;
  const std::string text = odradek::storage::FormatEpochCheckpoint(*once);
  const auto twice = odradek::storage::ParseEpochCheckpoint(kPath, odradek::AsBytes(text));
  INVARIANT(twice.ok());
  INVARIANT(*twice == *once);
}

void PartitionMetadataFile(Bytes input) {
  const auto once = odradek::storage::ParsePartitionMetadata(kPath, input);
  if (!IsGood(once)) return;
  const std::string text = odradek::storage::FormatPartitionMetadata(*once);
  const auto twice = odradek::storage::ParsePartitionMetadata(kPath, odradek::AsBytes(text));
  INVARIANT(twice.ok());
  INVARIANT(*twice == *once);
}

void CleanShutdownFile(Bytes input) {
  const odradek::BrokerEpoch epoch = odradek::storage::ParseCleanShutdown(input);
  const std::string text = odradek::storage::FormatCleanShutdown(epoch);
  INVARIANT(odradek::storage::ParseCleanShutdown(odradek::AsBytes(text)) == epoch);
}

void MetaPropertiesFile(Bytes input) {
  const auto once = odradek::storage::ParseMetaProperties(kPath, input);
  if (!IsGood(once)) return;
  const std::string text = odradek::storage::FormatMetaProperties(*once);
  INVARIANT(odradek::storage::ParseMetaProperties(kPath, odradek::AsBytes(text)).ok());
}

void QuorumStateFile(Bytes input) {
  const std::string text(reinterpret_cast<const char*>(input.data()), input.size());
  const auto once = odradek::metadata::DecodeQuorumState(text);
  if (!IsGood(once)) return;
  INVARIANT(odradek::metadata::DecodeQuorumState(odradek::metadata::EncodeQuorumState(*once)).ok());
}

void ProducerSnapshotFile(Bytes input) {
  const auto once = odradek::producers::DecodeSnapshot(input, {.end_offset = Offset(1000)}, {});
  if (!IsGood(once)) return;
  const odradek::ByteBuffer bytes = odradek::producers::EncodeSnapshot(*once, {.end_offset = Offset(1000)});
  INVARIANT(odradek::producers::DecodeSnapshot(bytes, {.end_offset = Offset(1000)}, {}).ok());
}

void MetadataSnapshotFile(Bytes input) {
  static_cast<void>(IsGood(odradek::metadata::DecodeSnapshot(input)));
}

void MetadataBatch(Bytes input) {
  static_cast<void>(IsGood(odradek::metadata::DecodeBatch(input)));
}

void MetadataRecord(Bytes input) {
  static_cast<void>(IsGood(odradek::metadata::DecodeRecord(input)));
}

constexpr void (*kFiles[])(Bytes) = {
    OffsetCheckpointFile, EpochCheckpointFile,  PartitionMetadataFile, CleanShutdownFile, MetaPropertiesFile,
    QuorumStateFile,      ProducerSnapshotFile, MetadataSnapshotFile,  MetadataBatch,     MetadataRecord};

// Whole files as we write them, each behind the number of its reader.
std::vector<std::string> Seeds() {
  using odradek::LeaderEpoch;
  odradek::storage::OffsetCheckpoint offsets;
  offsets[{"topic", odradek::PartitionIndex(3)}] = Offset(17);
  odradek::producers::ProducerStates states({}, Offset(0));
  const odradek::ByteBuffer snapshot = odradek::producers::EncodeSnapshot(states, {.end_offset = Offset(1000)});
  const std::vector<std::string> files = {
      odradek::storage::FormatOffsetCheckpoint(offsets),
      odradek::storage::FormatEpochCheckpoint({{LeaderEpoch(0), Offset(0)}, {LeaderEpoch(4), Offset(9)}}),
      odradek::storage::FormatPartitionMetadata(odradek::Uuid::FromRandom(1, 2)),
      odradek::storage::FormatCleanShutdown(odradek::BrokerEpoch(5)),
      odradek::storage::FormatMetaProperties({}),
      odradek::metadata::EncodeQuorumState({}),
      std::string(reinterpret_cast<const char*>(snapshot.data()), snapshot.size())};
  std::vector<std::string> seeds;
  for (size_t i = 0; i < files.size(); ++i) seeds.push_back(static_cast<char>(i) + files[i]);
  return seeds;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Bytes input(reinterpret_cast<const std::byte*>(data), size);
  kFiles[data[0] % std::size(kFiles)](input.subspan(1));
  return 0;
}

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  static const std::vector<std::string> kSeeds = Seeds();
  odradek::base::Prng draws(seed);
  if (draws.Below(50) != 0) return LLVMFuzzerMutate(data, size, max_size);
  const std::string& whole = kSeeds[draws.Below(kSeeds.size())];
  if (whole.size() > max_size) return size;
  std::memcpy(data, whole.data(), whole.size());
  return whole.size();
}
