// The newest offset of each key of the part of a log that compaction looks at, in a bounded amount of memory: keys are
// remembered by a 128-bit hash under a secret, so that nobody can make two keys meet. Owned by the cleaner of a shard,
// for one cleaning; nothing suspends.
//
//  1. Never more than slots_max() entries of 24 bytes, of which load_percent are used.
//  2. Find() gives the last offset that was put for a key.
//
// Source: Kafka's SkimpyOffsetMap (log.cleaner.dedupe.buffer.size, log.cleaner.io.buffer.load.factor); SipHash-2-4.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/ids.h"

namespace odradek::storage {

struct CleanMapLimits {
  int64_t memory_bytes = int64_t{128} << 20;
  int32_t load_percent = 90;
};

struct KeyHash {
  uint64_t high = 0;
  uint64_t low = 0;
  friend bool operator==(const KeyHash&, const KeyHash&) = default;
};

// SipHash-2-4 of 128 bits, `secret` and result as two little-endian numbers each.
KeyHash HashKey(const KeyHash& secret, Bytes key);

class CleanOffsetMap {
 public:
  static constexpr int64_t kEntryBytes = 24;

  CleanOffsetMap(const CleanMapLimits& limits, const KeyHash& secret);

  // Empty, with room for `key_count_max` keys as far as the limits allow.
  void Reset(int64_t key_count_max);

  enum class PutResult : uint8_t { kDone, kFull };
  // kFull: nothing was changed.
  PutResult Put(Bytes key, Offset offset);
  // kNoOffset: not known.
  Offset Find(Bytes key) const;

  // Everything below latest_offset() + 1 is in the map, as far as it was looked at. kNoOffset: nothing.
  Offset latest_offset() const { return latest_; }
  void SetLatestOffset(Offset offset) { latest_ = offset; }

  int64_t key_count() const { return key_count_; }
  int64_t key_count_max() const { return key_count_max_; }
  // Of the memory that is allowed, in percent.
  int32_t utilization_percent() const;

 private:
  struct Entry {
    KeyHash hash;
    Offset offset = kNoOffset;
  };
  static_assert(sizeof(Entry) == kEntryBytes);

  // Where the key is or would be.
  size_t SlotOf(const KeyHash& hash) const;

  const int64_t slots_max_;
  const int32_t load_percent_;
  const KeyHash secret_;
  std::vector<Entry> slots_;
  int64_t key_count_ = 0;
  int64_t key_count_max_ = 0;
  Offset latest_ = kNoOffset;
};

}  // namespace odradek::storage
