#include "engine/client/partitioner.h"

#include <algorithm>

#include "engine/base/check.h"
#include "engine/base/prng.h"

namespace odradek::client {

PartitionIndex ChooseByLoad(std::span<const PartitionLoad> candidates, uint64_t random) {
  REQUIRES(!candidates.empty());
  int64_t longest = 0;
  for (const PartitionLoad& load : candidates) longest = std::max(longest, load.queued_batch_count);
  uint64_t weight_sum = 0;
  for (const PartitionLoad& load : candidates) {
    weight_sum += static_cast<uint64_t>(longest + 1 - load.queued_batch_count);
  }
  uint64_t draw = base::BoundedDraw(random, weight_sum);
  for (const PartitionLoad& load : candidates) {
    const auto weight = static_cast<uint64_t>(longest + 1 - load.queued_batch_count);
    if (draw < weight) return load.partition;
    draw -= weight;
  }
  INVARIANT(!"a draw below the sum of the weights falls into one of them");
  return candidates.front().partition;
}

}  // namespace odradek::client
