#include "engine/raft/log_facts.h"

#include <algorithm>
#include <iterator>

#include "engine/base/check.h"

namespace odradek::raft {
namespace {

bool EpochsRise(const std::vector<EpochStart>& epochs) {
  for (size_t i = 1; i < epochs.size(); ++i) {
    if (epochs[i - 1].epoch >= epochs[i].epoch || epochs[i - 1].start >= epochs[i].start) return false;
  }
  return true;
}

bool SnapshotsRise(const std::vector<SnapshotFacts>& snapshots) {
  for (size_t i = 1; i < snapshots.size(); ++i) {
    const SnapshotId& before = snapshots[i - 1].id;
    if (before.offset >= snapshots[i].id.offset || before.epoch > snapshots[i].id.epoch) return false;
  }
  return true;
}

}  // namespace

std::optional<LogFacts> LogFacts::FromParts(const Parts& parts) {
  LogFacts facts;
  facts.start_ = parts.start;
  facts.end_ = parts.end;
  facts.flushed_end_ = parts.end;
  facts.epochs_ = parts.epochs;
  facts.snapshots_ = parts.snapshots;
  if (!facts.IsConsistent()) return std::nullopt;
  return facts;
}

bool LogFacts::IsConsistent() const {
  if (start_ < Offset(0) || start_ > flushed_end_ || flushed_end_ > end_) return false;
  if (!EpochsRise(epochs_) || !SnapshotsRise(snapshots_)) return false;
  if (epochs_.empty() != (start_ == end_)) return false;
  if (!epochs_.empty() && (epochs_.front().start != start_ || epochs_.back().start >= end_)) return false;
  if (start_ > Offset(0) && !snapshot_at_start()) return false;
  for (const SnapshotFacts& snapshot : snapshots_) {
    if (snapshot.id != kBootstrapSnapshot && EpochBefore(snapshot.id.offset) != snapshot.id.epoch) return false;
  }
  return epochs_.empty() || !snapshot_at_start() || epochs_.front().epoch >= snapshot_at_start()->epoch;
}

std::optional<SnapshotId> LogFacts::snapshot_at_start() const {
  if (snapshots_.empty() || snapshots_.front().id.offset != start_) return std::nullopt;
  return snapshots_.front().id;
}

LeaderEpoch LogFacts::last_epoch() const {
  if (!epochs_.empty()) return epochs_.back().epoch;
  return snapshots_.empty() ? LeaderEpoch(0) : snapshots_.back().id.epoch;
}

OffsetAndEpoch LogFacts::EndOfEpoch(LeaderEpoch epoch) const {
  const auto behind = std::ranges::upper_bound(epochs_, epoch, {}, &EpochStart::epoch);
  if (behind == epochs_.begin()) {
    const std::optional<SnapshotId> snapshot = snapshot_at_start();
    return {snapshot ? snapshot->epoch : LeaderEpoch(0), start_};
  }
  const Offset end = behind == epochs_.end() ? end_ : behind->start;
  INVARIANT(std::prev(behind)->start < end);
  return {std::prev(behind)->epoch, end};
}

std::optional<LeaderEpoch> LogFacts::EpochBefore(Offset end) const {
  if (end < start_ || end > end_) return std::nullopt;
  if (end == start_) {
    const std::optional<SnapshotId> snapshot = snapshot_at_start();
    return snapshot ? snapshot->epoch : LeaderEpoch(0);
  }
  const auto behind = std::ranges::lower_bound(epochs_, end, {}, &EpochStart::start);
  INVARIANT(behind != epochs_.begin());
  return std::prev(behind)->epoch;
}

Validation LogFacts::Validate(Offset offset, LeaderEpoch last_epoch) const {
  const std::optional<SnapshotId> latest = latest_snapshot();
  // An empty follower is served faster with a snapshot than with the log from its beginning.
  if (offset == Offset(0) && latest) return {Validity::kSnapshot, *latest};
  if (offset == Offset(0) && start_ == Offset(0)) return {Validity::kValid, {last_epoch, offset}};
  if (start_ > Offset(0)) {
    const std::optional<SnapshotId> earliest = snapshot_at_start();
    INVARIANT(earliest && latest);
    const bool at_start = offset == start_ && last_epoch != earliest->epoch;
    if (offset < start_ || at_start || last_epoch < earliest->epoch) return {Validity::kSnapshot, *latest};
  }
  const OffsetAndEpoch end = EndOfEpoch(last_epoch);
  if (end.epoch != last_epoch || end.offset < offset) return {Validity::kDiverging, end};
  return {Validity::kValid, {last_epoch, offset}};
}

Offset LogFacts::TruncationFor(const OffsetAndEpoch& diverging) const {
  const OffsetAndEpoch own = EndOfEpoch(diverging.epoch);
  const Offset to = own.epoch == diverging.epoch ? std::min(own.offset, diverging.offset) : own.offset;
  return std::max(to, start_);
}

const SnapshotFacts* LogFacts::FindSnapshot(const SnapshotId& id) const {
  const auto at = std::ranges::find(snapshots_, id, &SnapshotFacts::id);
  return at == snapshots_.end() ? nullptr : &*at;
}

std::optional<SnapshotId> LogFacts::latest_snapshot() const {
  if (snapshots_.empty() || snapshots_.back().id == kBootstrapSnapshot) return std::nullopt;
  return snapshots_.back().id;
}

void LogFacts::Append(LeaderEpoch epoch, Offset end) {
  REQUIRES(epoch >= last_epoch());
  REQUIRES(end > end_);
  if (epochs_.empty() || epochs_.back().epoch < epoch) epochs_.push_back({epoch, end_});
  end_ = end;
}

void LogFacts::TruncateTo(Offset end) {
  REQUIRES(end >= start_);
  REQUIRES(end <= end_);
  end_ = end;
  flushed_end_ = std::min(flushed_end_, end);
  while (!epochs_.empty() && epochs_.back().start >= end) epochs_.pop_back();
  // A snapshot is of committed records, which are never truncated: one above the end is a bug (K10, K11).
  INVARIANT(snapshots_.empty() || snapshots_.back().id.offset <= end);
  INVARIANT(IsConsistent());
}

void LogFacts::FlushedTo(Offset end) {
  flushed_end_ = std::max(flushed_end_, std::min(end, end_));
  INVARIANT(flushed_end_ <= end_);
}

void LogFacts::AddSnapshot(const SnapshotFacts& snapshot) {
  REQUIRES(snapshots_.empty() || snapshots_.back().id.offset < snapshot.id.offset);
  REQUIRES(EpochBefore(snapshot.id.offset) == snapshot.id.epoch);
  snapshots_.push_back(snapshot);
}

void LogFacts::TrimTo(const SnapshotId& snapshot) {
  REQUIRES(FindSnapshot(snapshot) != nullptr);
  REQUIRES(snapshot.offset >= start_);
  const Offset start = snapshot.offset;
  std::erase_if(snapshots_, [start](const SnapshotFacts& other) { return other.id.offset < start; });
  start_ = start;
  flushed_end_ = std::max(flushed_end_, start);
  while (epochs_.size() > 1 && epochs_[1].start <= start) epochs_.erase(epochs_.begin());
  if (start == end_) epochs_.clear();
  if (!epochs_.empty()) epochs_.front().start = start;
  INVARIANT(IsConsistent());
}

void LogFacts::ResetTo(const SnapshotFacts& snapshot) {
  REQUIRES(Precedes(snapshot.id));
  start_ = end_ = flushed_end_ = snapshot.id.offset;
  epochs_.clear();
  snapshots_ = {snapshot};
  INVARIANT(IsConsistent());
}

}  // namespace odradek::raft
