// The table of promises: what of the acknowledged appends of one log survives which fault under which flush policy.
// Data, so that the checkers and the documentation say the same. Faults are those that a single copy meets; what
// replication adds comes on top.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/storage/config.h"

namespace odradek::storage {

enum class FlushPolicy : uint8_t {
  kNever,        // Kafka's default: when a segment is rolled, at a clean shutdown, and when the system likes to
  kByInterval,   // flush.ms after the oldest byte that is not synced
  kByMessages,   // when flush.messages records are not synced
  kEveryAppend,  // flush.messages = 1: before every answer
};
std::string_view ToString(FlushPolicy policy);
FlushPolicy PolicyOf(const LogConfig& config);

enum class StorageFault : uint8_t {
  kProcessCrash,  // the page cache survives
  kPowerLoss,     // what was not synced may be lost, each sector and each name by itself
  kSyncError,     // an fsync failed; then the process and later the power may go
  kNoSpace,       // ENOSPC on a write
  kIoError,       // EIO on a write or a read
  kDamage,        // bit rot, writes and reads that went to another place
  kHang,          // calls that do not return
};
std::string_view ToString(StorageFault fault);

enum class Survives : uint8_t {
  kAllAcknowledged,  // every append that was acknowledged
  kAllFlushed,       // every append below the last recovery point; behind it a prefix by offset, perhaps none
  // Every append before the first batch that is damaged. What is damaged is never given out as if it were not: a
  // consumer's checksum fails, the log goes offline, or a start says what it cut off.
  kAllBeforeDamage,
};
std::string_view ToString(Survives survives);

struct Promise {
  FlushPolicy policy = FlushPolicy::kNever;
  StorageFault fault = StorageFault::kProcessCrash;
  Survives survives = Survives::kAllFlushed;
  // Whether the log goes offline, which clients see as KAFKA_STORAGE_ERROR, until the next start.
  bool log_goes_offline = false;
  std::string_view note;
};

// In every row, whatever the fault: what is left is a prefix by offset of what was appended, without a gap or an
// invented record; no offset is given out twice for different acknowledged records.
std::span<const Promise> Promises();
const Promise& PromiseFor(FlushPolicy policy, StorageFault fault);
// As a table in Markdown.
std::string PromisesAsMarkdown();

}  // namespace odradek::storage
