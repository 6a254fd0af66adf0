// The timestamps of a partition's final log, for questions about searches in it, in O(log n) each.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "properties/evidence.h"

namespace odradek::properties {

class TimestampOrder {
 public:
  // REQUIRES: there was a final read.
  TimestampOrder(const PartitionHistory& partition, const Evidence& evidence);

  // The first record with a timestamp of at least `timestamp`; nullptr: there is none.
  const history::PolledRecord* FirstAtLeast(Timestamp timestamp) const;
  // Of all records whose acks=all acknowledgement came before `at_ns`, one with the largest timestamp; nullptr: none.
  const history::PolledRecord* LargestAckedBefore(int64_t at_ns) const;

 private:
  const PartitionHistory& partition_;
  std::vector<Timestamp> largest_so_far_;                                // up to and with each record
  std::vector<std::pair<int64_t, const history::PolledRecord*>> acked_;  // by time, each the largest until then
};

}  // namespace odradek::properties
