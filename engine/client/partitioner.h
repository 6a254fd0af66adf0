// Which partition a record goes to: the one that it names, the hash of its key, or for keyless records one partition
// for about a batch, then the next (KIP-480, KIP-794). Pure; randomness comes in as arguments.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "engine/base/bytes.h"
#include "engine/base/ids.h"
#include "engine/base/murmur2.h"

namespace odradek::client {

struct PartitionLoad {
  PartitionIndex partition;
  int64_t queued_batch_count = 0;
};

// A random partition of `candidates`; one with a longer queue is less likely, in proportion to how much shorter its
// queue is than the longest. REQUIRES: not empty.
PartitionIndex ChooseByLoad(std::span<const PartitionLoad> candidates, uint64_t random);

// The choice for one topic's keyless records.
class StickyPartitioner {
 public:
  // nullopt: choose one.
  std::optional<PartitionIndex> current() const { return current_; }
  void Stick(PartitionIndex partition) {
    current_ = partition;
    produced_bytes_ = 0;
  }
  enum class LastBatch : uint8_t { kOpen, kFull };
  // A record went to the current partition. After about `batch_bytes` it is time for another one, but an open batch is
  // filled first, up to twice that.
  void OnAppended(int64_t record_bytes, LastBatch last_batch, int64_t batch_bytes) {
    produced_bytes_ += record_bytes;
    const bool is_enough = produced_bytes_ >= batch_bytes && last_batch == LastBatch::kFull;
    if (is_enough || produced_bytes_ >= 2 * batch_bytes) current_.reset();
  }
  // The partition cannot be used any more.
  void Release() { current_.reset(); }

 private:
  std::optional<PartitionIndex> current_;
  int64_t produced_bytes_ = 0;
};

}  // namespace odradek::client
