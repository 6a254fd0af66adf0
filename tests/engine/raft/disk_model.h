// The disk of a replica in a test: a log of one entry per offset, snapshots, the quorum state. What is not flushed is
// lost in a crash, wholly or in part.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/prng.h"
#include "engine/raft/raft.h"

namespace odradek::raft {

struct Entry {
  LeaderEpoch epoch{0};
  int64_t value = 0;  // 0: a control record
  std::optional<VoterSet> voters = std::nullopt;
  std::optional<int16_t> kraft_version = std::nullopt;
  friend bool operator==(const Entry&, const Entry&) = default;
};

// A snapshot stands for the prefix that it replaces: `prefix` is the fold of its entries.
struct SnapshotModel {
  SnapshotId id;
  uint64_t prefix = 0;
  VoterSet voters;
  int16_t kraft_version = kStaticVoters;
  int64_t size_bytes = 0;
  friend bool operator==(const SnapshotModel&, const SnapshotModel&) = default;
};

inline uint64_t FoldEntry(uint64_t prefix, const Entry& entry) {
  const auto epoch = static_cast<uint64_t>(entry.epoch.value());
  return base::Mix64(base::Mix64(prefix ^ epoch) ^ static_cast<uint64_t>(entry.value));
}

class DiskModel {
 public:
  Offset start() const { return start_; }
  Offset end() const { return start_ + static_cast<int64_t>(entries_.size()); }
  Offset flushed_end() const { return flushed_end_; }
  const Entry& At(Offset offset) const {
    REQUIRES(offset >= start_ && offset < end());
    return entries_[static_cast<size_t>(offset - start_)];
  }
  const std::map<Offset, SnapshotModel>& snapshots() const { return snapshots_; }

  void Append(const Entry& entry) { entries_.push_back(entry); }
  void Truncate(Offset to) {
    REQUIRES(to >= start_ && to <= end());
    entries_.resize(static_cast<size_t>(to - start_));
    flushed_end_ = std::min(flushed_end_, to);
  }
  void Flush(Offset to) { flushed_end_ = std::max(flushed_end_, std::min(to, end())); }
  // Power loss: of what was not flushed, `kept` entries are still there.
  void Crash(int64_t kept) {
    Truncate(std::min(flushed_end_ + kept, end()));
    flushed_end_ = end();
  }
  void AddSnapshot(const SnapshotModel& snapshot) { snapshots_.emplace(snapshot.id.offset, snapshot); }
  void DropPrefix(Offset to) {
    entries_.erase(entries_.begin(), entries_.begin() + (to - start_));
    snapshots_.erase(snapshots_.begin(), snapshots_.lower_bound(to));
    start_ = to;
    flushed_end_ = std::max(flushed_end_, to);
  }
  void ReplaceBy(const SnapshotModel& snapshot) {
    entries_.clear();
    start_ = flushed_end_ = snapshot.id.offset;
    snapshots_ = {{snapshot.id.offset, snapshot}};
  }

  // The fold of everything below `to`.
  uint64_t PrefixAt(Offset to) const {
    uint64_t prefix = start_ > Offset(0) ? snapshots_.begin()->second.prefix : 0;
    for (Offset at = start_; at < to; ++at) prefix = FoldEntry(prefix, At(at));
    return prefix;
  }

  LogFacts Facts() const {
    LogFacts::Parts parts{start_, end(), {}, {}};
    for (Offset at = start_; at < end(); ++at) {
      if (parts.epochs.empty() || parts.epochs.back().epoch < At(at).epoch) parts.epochs.push_back({At(at).epoch, at});
    }
    for (const auto& [offset, snapshot] : snapshots_) parts.snapshots.push_back({snapshot.id, snapshot.size_bytes});
    const auto facts = LogFacts::FromParts(parts);
    INVARIANT(facts.has_value());
    return *facts;
  }

  VoterHistory Voters(const VoterSet& configured) const {
    VoterHistory history(configured);
    if (!snapshots_.empty() && snapshots_.begin()->first == start_) {
      const SnapshotModel& snapshot = snapshots_.begin()->second;
      history.AddKraftVersion(snapshot.id.offset - 1, snapshot.kraft_version);
      if (snapshot.kraft_version >= kDynamicVoters) history.AddVoters(snapshot.id.offset - 1, snapshot.voters);
    }
    for (Offset at = start_; at < end(); ++at) {
      if (At(at).kraft_version) history.AddKraftVersion(at, *At(at).kraft_version);
      if (At(at).voters) history.AddVoters(at, *At(at).voters);
    }
    return history;
  }

  friend bool operator==(const DiskModel&, const DiskModel&) = default;

 private:
  Offset start_{0};
  Offset flushed_end_{0};
  std::vector<Entry> entries_;
  std::map<Offset, SnapshotModel> snapshots_;
};

// Entries as the bytes of a fetch: what the machine passes on without looking.
inline Batches ToBatches(const DiskModel& disk, Offset from, Offset end) {
  Batches batches;
  for (Offset at = from; at < end; ++at) {
    const Entry& entry = disk.At(at);
    BatchFacts facts{at, at + 1, entry.epoch, entry.voters, at, entry.kraft_version, at};
    batches.facts.push_back(std::move(facts));
    AppendBigEndian<int64_t>(batches.bytes, entry.value);
  }
  return batches;
}

inline void AppendTo(DiskModel& disk, const Batches& batches) {
  const std::byte* value = batches.bytes.data();
  for (const BatchFacts& facts : batches.facts) {
    REQUIRES(facts.base_offset == disk.end());
    disk.Append({facts.epoch, LoadBigEndian<int64_t>(value), facts.voters, facts.kraft_version});
    value += sizeof(int64_t);
  }
}

}  // namespace odradek::raft
