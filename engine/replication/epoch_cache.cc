#include "engine/replication/epoch_cache.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/base/check.h"

namespace odradek::replication {

std::optional<EpochCache> EpochCache::FromEntries(std::vector<EpochEntry> entries) {
  EpochEntry before{kNoLeaderEpoch, kNoOffset};
  for (const EpochEntry& entry : entries) {
    if (entry.epoch <= before.epoch || entry.start_offset <= before.start_offset) return std::nullopt;
    before = entry;
  }
  EpochCache cache;
  cache.entries_ = std::move(entries);
  return cache;
}

LeaderEpoch EpochCache::EpochAt(Offset offset) const {
  const auto after = std::ranges::upper_bound(entries_, offset, {}, &EpochEntry::start_offset);
  return after == entries_.begin() ? kNoLeaderEpoch : std::prev(after)->epoch;
}

void EpochCache::Assign(LeaderEpoch epoch, Offset start) {
  REQUIRES(epoch >= LeaderEpoch(0));
  REQUIRES(start >= Offset(0));
  if (!entries_.empty() && entries_.back().epoch == epoch && entries_.back().start_offset <= start) return;
  while (!entries_.empty() && (entries_.back().epoch >= epoch || entries_.back().start_offset >= start)) {
    entries_.pop_back();
  }
  entries_.push_back({epoch, start});
  INVARIANT(latest() == epoch);
}

void EpochCache::TruncateFromEnd(Offset end) {
  REQUIRES(end >= Offset(0));
  while (!entries_.empty() && entries_.back().start_offset >= end) entries_.pop_back();
  INVARIANT(entries_.empty() || entries_.back().start_offset < end);
}

void EpochCache::TruncateFromStart(Offset start) {
  REQUIRES(start >= Offset(0));
  const auto after = std::ranges::upper_bound(entries_, start, {}, &EpochEntry::start_offset);
  if (after == entries_.begin()) return;
  const auto in_force = std::prev(after);
  in_force->start_offset = start;
  entries_.erase(entries_.begin(), in_force);
  INVARIANT(entries_.front().start_offset == start);
}

EpochEndOffset EpochCache::EndOffsetFor(LeaderEpoch epoch, Offset log_end_offset) const {
  REQUIRES(log_end_offset >= Offset(0));
  if (epoch == kNoLeaderEpoch || entries_.empty() || epoch > latest()) return {};
  if (epoch == latest()) return {epoch, log_end_offset};
  const auto after = std::ranges::upper_bound(entries_, epoch, {}, &EpochEntry::epoch);
  INVARIANT(after != entries_.end());
  if (after == entries_.begin()) return {epoch, after->start_offset};
  return {std::prev(after)->epoch, after->start_offset};
}

}  // namespace odradek::replication
