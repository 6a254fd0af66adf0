#include <optional>

#include "absl/status/statusor.h"
#include "engine/base/absl_compat.h"
#include "engine/producers/snapshot.h"
#include "engine/storage/checkpoints.h"
#include "engine/storage/file_names.h"
#include "tools/odradek/dump/dumpers.h"

namespace odradek::tool {
namespace {

// A snapshot of a million producers has 46 MiB.
constexpr int64_t kWholeFileBytesMax = int64_t{256} << 20;

std::string OptionalLong(std::optional<int64_t> value) {
  return value ? fmt::format("OptionalLong[{}]", *value) : std::string("OptionalLong.empty");
}

// Errors of the parsers say where they are; those of text files begin with the file.
template <typename T>
bool Understood(const absl::StatusOr<T>& parsed, const InputFile& file, DumpReport& report) {
  if (parsed.ok()) return true;
  const std::string_view what = base::SV(parsed.status().message());
  if (!what.starts_with(file.path() + ":")) {
    report.Problem(file.path(), what);
    return false;
  }
  const size_t place_end = what.find(": ", file.path().size());
  report.Problem(what.substr(0, place_end), what.substr(place_end + 2));
  return false;
}

bool IsOffsetCheckpoint(std::string_view name) {
  return name == storage::kRecoveryPointCheckpointName || name == storage::kLogStartCheckpointName ||
         name == storage::kHighWatermarkCheckpointName || name == storage::kCleanerCheckpointName;
}

}  // namespace

bool ReadWhole(InputFile& file, ByteBuffer& into, DumpReport& report) {
  if (file.size_bytes() > kWholeFileBytesMax) {
    report.Problem(file.path(), fmt::format("has {} bytes: too many for what its name says", file.size_bytes()));
    return false;
  }
  if (file.ReadAt(0, file.size_bytes(), into)) return true;
  report.Problem(file.path(), file.error());
  return false;
}

void DumpProducerSnapshot(InputFile& file, Offset end_offset, DumpReport& report) {
  ByteBuffer bytes;
  if (!ReadWhole(file, bytes, report)) return;
  const absl::StatusOr<producers::ProducerStates> states =
      producers::DecodeSnapshot(bytes, {.end_offset = end_offset}, {});
  if (!Understood(states, file, report)) return;
  for (const auto& [id, entry] : states->entries()) {
    const std::optional<int64_t> txn =
        entry.in_txn() ? std::optional(entry.current_txn_first_offset.value()) : std::nullopt;
    report.Print("producerId: {} producerEpoch: {} coordinatorEpoch: {} currentTxnFirstOffset: {} lastTimestamp: {}",
                 id.value(), entry.epoch.value(), entry.coordinator_epoch, OptionalLong(txn),
                 entry.last_timestamp.value());
    if (!entry.window.empty()) {
      const producers::CachedBatch& last = entry.window.back();
      report.Print(" firstSequence: {} lastSequence: {} lastOffset: {} offsetDelta: {} timestamp: {}",
                   last.first_sequence(), last.last_sequence, last.last_offset.value(), last.offset_delta,
                   last.timestamp.value());
    }
    report.Print("\n");
  }
}

bool IsTextFileName(std::string_view name) {
  return IsOffsetCheckpoint(name) || name == storage::kEpochCheckpointName || name == storage::kPartitionMetadataName;
}

void DumpTextFile(InputFile& file, DumpReport& report) {
  const std::string_view name = NameOf(file.path());
  ByteBuffer bytes;
  if (!ReadWhole(file, bytes, report)) return;
  if (name == storage::kEpochCheckpointName) {
    const auto entries = storage::ParseEpochCheckpoint(file.path(), bytes);
    if (!Understood(entries, file, report)) return;
    for (const storage::EpochEntry& entry : *entries) {
      report.Print("leaderEpoch: {} startOffset: {}\n", entry.epoch.value(), entry.start_offset.value());
    }
  } else if (name == storage::kPartitionMetadataName) {
    const absl::StatusOr<TopicId> id = storage::ParsePartitionMetadata(file.path(), bytes);
    if (Understood(id, file, report)) report.Print("topicId: {}\n", id->ToString());
  } else {
    const auto offsets = storage::ParseOffsetCheckpoint(file.path(), bytes);
    if (!Understood(offsets, file, report)) return;
    for (const auto& [partition, offset] : *offsets) {
      report.Print("topic: {} partition: {} offset: {}\n", partition.topic, partition.partition.value(),
                   offset.value());
    }
  }
}

}  // namespace odradek::tool
