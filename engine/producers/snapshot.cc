#include "engine/producers/snapshot.h"

#include <fmt/format.h>

#include <limits>

#include "absl/status/status.h"
#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "engine/base/crc32c.h"

namespace odradek::producers {
namespace {

struct SnapshotEntry {
  ProducerId id;
  ProducerEntry entry;
};

void AppendEntry(ByteBuffer& out, ProducerId id, const ProducerEntry& entry) {
  const CachedBatch last = entry.window.empty() ? CachedBatch{} : entry.window.back();
  AppendBigEndian<int64_t>(out, id.value());
  AppendBigEndian<int16_t>(out, entry.epoch.value());
  AppendBigEndian<int32_t>(out, last.last_sequence);
  AppendBigEndian<int64_t>(out, last.last_offset.value());
  AppendBigEndian<int32_t>(out, last.offset_delta);
  AppendBigEndian<int64_t>(out, entry.last_timestamp.value());
  AppendBigEndian<int32_t>(out, entry.coordinator_epoch);
  AppendBigEndian<int64_t>(out, entry.current_txn_first_offset.value());
}

SnapshotEntry LoadEntry(const std::byte* p) {
  SnapshotEntry loaded;
  loaded.id = ProducerId(LoadBigEndian<int64_t>(p));
  loaded.entry.epoch = ProducerEpoch(LoadBigEndian<int16_t>(p + 8));
  CachedBatch last;
  last.last_sequence = LoadBigEndian<int32_t>(p + 10);
  last.last_offset = Offset(LoadBigEndian<int64_t>(p + 14));
  last.offset_delta = LoadBigEndian<int32_t>(p + 22);
  loaded.entry.last_timestamp = Timestamp(LoadBigEndian<int64_t>(p + 26));
  last.timestamp = loaded.entry.last_timestamp;
  loaded.entry.coordinator_epoch = LoadBigEndian<int32_t>(p + 34);
  loaded.entry.current_txn_first_offset = Offset(LoadBigEndian<int64_t>(p + 38));
  if (last.last_offset >= Offset(0)) loaded.entry.window.push_back(last);
  if (loaded.entry.current_txn_first_offset < Offset(0)) loaded.entry.current_txn_first_offset = kNoOffset;
  return loaded;
}
static_assert(38 + sizeof(int64_t) == kSnapshotEntryBytes);

// Empty: nothing wrong. A right CRC does not make numbers right that a bug wrote.
std::string EntryProblem(const SnapshotEntry& loaded, const ProducerStates& states) {
  const ProducerEntry& entry = loaded.entry;
  if (loaded.id.value() < 0) return fmt::format("producer id {}", loaded.id.value());
  if (states.entries().contains(loaded.id)) return fmt::format("producer {} twice", loaded.id.value());
  if (!entry.window.empty()) {
    const CachedBatch& last = entry.window.back();
    const bool in_range = last.offset_delta >= 0 && last.base_offset() >= Offset(0) &&
                          last.last_offset < states.end_offset() && last.last_sequence >= record::kNoSequence;
    if (!in_range) {
      return fmt::format("producer {} with last offset {}, offset delta {}, last sequence {}", loaded.id.value(),
                         last.last_offset.value(), last.offset_delta, last.last_sequence);
    }
  }
  if (entry.in_txn() &&
      (entry.current_txn_first_offset >= states.end_offset() || states.IsTxnStart(entry.current_txn_first_offset))) {
    return fmt::format("producer {} with a transaction from offset {}", loaded.id.value(),
                       entry.current_txn_first_offset.value());
  }
  return {};
}

absl::Status SnapshotProblem(size_t at_byte, const std::string& what) {
  return base::DataLoss(fmt::format("producer snapshot: byte {}: {}", at_byte, what));
}

uint32_t MarkOf(const SnapshotPlace& place) {
  return base::Crc32c(AsBytes(place.log));
}

// The bytes behind the entries.
absl::Status CheckPlace(Bytes bytes, size_t at, const SnapshotPlace& place) {
  const auto end_offset = LoadBigEndian<int64_t>(bytes.data() + at);
  if (end_offset != place.end_offset.value()) {
    return SnapshotProblem(at, fmt::format("it is the one of offset {}", end_offset));
  }
  const auto mark = LoadBigEndian<uint32_t>(bytes.data() + at + sizeof(int64_t));
  if (!place.log.empty() && mark != MarkOf(place)) {
    return SnapshotProblem(at + sizeof(int64_t), fmt::format("it is not one of {}", place.log));
  }
  return absl::OkStatus();
}

absl::Status CheckFrame(Bytes bytes, const SnapshotPlace& place) {
  if (bytes.size() < kSnapshotHeaderBytes) {
    return SnapshotProblem(bytes.size(),
                           fmt::format("{} bytes, at least {} are needed", bytes.size(), kSnapshotHeaderBytes));
  }
  const auto version = LoadBigEndian<int16_t>(bytes.data() + kSnapshotVersionAt);
  if (version != kSnapshotVersion) {
    return SnapshotProblem(kSnapshotVersionAt, fmt::format("version {}, {} expected", version, kSnapshotVersion));
  }
  const auto crc = LoadBigEndian<uint32_t>(bytes.data() + kSnapshotCrcAt);
  const uint32_t actual = base::Crc32c(bytes.subspan(kSnapshotCountAt));
  if (crc != actual) {
    return SnapshotProblem(kSnapshotCrcAt, fmt::format("CRC {:08x}, the bytes have {:08x}", crc, actual));
  }
  const auto count = LoadBigEndian<int32_t>(bytes.data() + kSnapshotCountAt);
  const size_t entries_bytes = bytes.size() - kSnapshotHeaderBytes;
  const size_t place_bytes = entries_bytes % kSnapshotEntryBytes;
  if (count < 0 || (place_bytes != 0 && place_bytes != kSnapshotPlaceBytes) ||
      static_cast<size_t>(count) != entries_bytes / kSnapshotEntryBytes) {
    return SnapshotProblem(kSnapshotCountAt, fmt::format("{} entries in {} bytes", count, entries_bytes));
  }
  return place_bytes == 0 ? absl::OkStatus() : CheckPlace(bytes, bytes.size() - place_bytes, place);
}

}  // namespace

ByteBuffer EncodeSnapshot(const ProducerStates& states, const SnapshotPlace& place) {
  ByteBuffer out;
  out.reserve(kSnapshotHeaderBytes + states.entries().size() * kSnapshotEntryBytes + kSnapshotPlaceBytes);
  AppendBigEndian<int16_t>(out, kSnapshotVersion);
  AppendBigEndian<uint32_t>(out, 0);
  REQUIRES(states.entries().size() <= static_cast<size_t>(std::numeric_limits<int32_t>::max()));
  AppendBigEndian<int32_t>(out, static_cast<int32_t>(states.entries().size()));
  for (const auto& [id, entry] : states.entries()) AppendEntry(out, id, entry);
  INVARIANT(out.size() == kSnapshotHeaderBytes + states.entries().size() * kSnapshotEntryBytes);
  AppendBigEndian<int64_t>(out, place.end_offset.value());
  AppendBigEndian<uint32_t>(out, MarkOf(place));
  StoreBigEndian<uint32_t>(out.data() + kSnapshotCrcAt, base::Crc32c(Bytes(out).subspan(kSnapshotCountAt)));
  return out;
}

absl::StatusOr<ProducerStates> DecodeSnapshot(Bytes bytes, const SnapshotPlace& place, const ProducersConfig& config) {
  if (absl::Status wrong = CheckFrame(bytes, place); !wrong.ok()) return wrong;
  ProducerStates states(config, place.end_offset);
  for (size_t at = kSnapshotHeaderBytes; at + kSnapshotEntryBytes <= bytes.size(); at += kSnapshotEntryBytes) {
    SnapshotEntry loaded = LoadEntry(bytes.data() + at);
    const std::string problem = EntryProblem(loaded, states);
    if (!problem.empty()) return SnapshotProblem(at, problem);
    states.Restore(loaded.id, std::move(loaded.entry));
  }
  return states;
}

}  // namespace odradek::producers
