// C4. A tombstone can be read for at least delete.retention.ms: whoever reads over its offset within that time after it
// was sent is given it.
//
// The broker counts from the cleaning that first saw the tombstone, which is later (KIP-534): what is judged here is
// true all the more. Legal: a later record of the key, or one that may exist; a tombstone below the log start, or that
// a loss of power took. Clocks of nodes that are set wrong on purpose are not judged: a second is allowed for rates
// that differ.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "properties/property.h"

namespace odradek::properties {
namespace tombstones_internal {

constexpr int64_t kNanosPerMilli = 1'000'000;
constexpr int64_t kClockSlackNs = 1'000 * kNanosPerMilli;

struct Tombstone {
  const history::Send* send = nullptr;
  int64_t known_from_ns = 0;
};
using Tombstones = std::map<Offset, Tombstone>;

// The last one of its key that is known.
Tombstones Collect(const PartitionHistory& partition) {
  Tombstones all;
  for (const history::Send* send : partition.sends) {
    const bool is_known = send->is_tombstone && send->outcome == history::Outcome::kOk && send->offset != kNoOffset;
    if (!is_known) continue;
    const KeyHistory& key = partition.keys.at(*send->key);
    const bool is_last = key.last_known == send->offset && !key.has_uncertain_tombstone;
    if (is_last) all[send->offset] = {send, send->span.completed_ns};
  }
  return all;
}

}  // namespace tombstones_internal

Findings TombstonesAreSeenInTime(const Evidence& evidence) {
  namespace internal = tombstones_internal;
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    if (partition.compaction == nullptr) continue;
    const int64_t retention_ns =
        partition.compaction->delete_retention_ms * internal::kNanosPerMilli - internal::kClockSlackNs;
    const internal::Tombstones tombstones = internal::Collect(partition);
    const auto judge = [&](Offset from, Offset to, const std::vector<history::PolledRecord>& records,
                           const history::Span& read) {
      for (auto it = tombstones.lower_bound(from); it != tombstones.end() && it->first < to; ++it) {
        const auto& [offset, tombstone] = *it;
        const bool must = tombstone.known_from_ns < read.invoked_ns &&
                          read.completed_ns < tombstone.send->span.invoked_ns + retention_ns;
        if (!must || partition.LostSince(offset, tombstone.send->span.invoked_ns)) continue;
        found.Judged();
        const bool is_given =
            std::any_of(records.begin(), records.end(), [&](const auto& record) { return record.offset == offset; });
        if (is_given) continue;
        found.Violated(fmt::format("the tombstone of key {} at {} was passed over {} ms after it was sent; "
                                   "delete.retention.ms is {}",
                                   *tombstone.send->key, Place(name, offset),
                                   (read.completed_ns - tombstone.send->span.invoked_ns) / internal::kNanosPerMilli,
                                   partition.compaction->delete_retention_ms),
                       {tombstone.send->span.invoked_ns, read.completed_ns});
      }
    };
    for (const history::Poll* poll : partition.polls) {
      judge(poll->position_before, poll->position_after, poll->records, poll->span);
    }
    if (partition.final_read == nullptr) continue;
    const history::FinalRead& read = *partition.final_read;
    judge(read.log_start_offset, read.end_offset, read.records, read.span);
  }
  return found;
}

}  // namespace odradek::properties
