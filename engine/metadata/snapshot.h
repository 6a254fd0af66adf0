// A snapshot of the metadata: file name and content (KIP-630; FEATURES.md 3.5). A header control batch, the image as
// records, a footer control batch. Pure; bytes are input and never asserted on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/bytes.h"
#include "engine/base/ids.h"
#include "engine/metadata/batches.h"
#include "engine/metadata/image.h"

namespace odradek::metadata {

// Where in the log a snapshot stands: it holds everything before `end_offset`, the last of it written in `epoch`.
struct SnapshotId {
  Offset end_offset{0};
  LeaderEpoch epoch{0};
  friend auto operator<=>(const SnapshotId&, const SnapshotId&) = default;
};

inline constexpr std::string_view kSnapshotSuffix = ".checkpoint";
// Behind the suffix while the file is being written, and before it is deleted.
inline constexpr std::string_view kSnapshotPartSuffix = ".part";
inline constexpr std::string_view kSnapshotDeletedSuffix = ".deleted";

// "<end offset, 20 digits>-<epoch, 10 digits>.checkpoint"
std::string SnapshotFileName(const SnapshotId& id);
// nullopt: not the name of a complete snapshot.
std::optional<SnapshotId> ParseSnapshotFileName(std::string_view name);

struct SnapshotOptions {
  SnapshotId id;
  Timestamp last_contained_timestamp{0};  // of the last log batch that the image contains
  // What the snapshot says about a dynamic quorum: a control batch with base offset 1; empty: nothing.
  ByteBuffer quorum_batch = {};
  int64_t batch_bytes_max = kMetadataBatchBytesMax;
};
ByteBuffer EncodeSnapshot(const Image& image, const SnapshotOptions& options);

struct Snapshot {
  Image image;
  Timestamp last_contained_timestamp{0};
  // kraft.version and voters of a dynamic quorum, if the snapshot has them, as they stand there.
  std::optional<ByteBuffer> kraft_version;
  std::optional<ByteBuffer> kraft_voters;
};
// The error names the byte of the batch that is wrong. Also reads Kafka's bootstrap.checkpoint.
absl::StatusOr<Snapshot> DecodeSnapshot(Bytes bytes);

}  // namespace odradek::metadata
