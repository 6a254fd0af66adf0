#include "sim/disk/file_ledger.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "engine/base/check.h"

namespace odradek::sim {

// How one loss of power treats one file. Independent coins for every sector hardly ever give the states in which
// recovery code breaks (all but the last write, size without data), so the shape is drawn first.
struct FileLedger::LossPlan {
  enum class Shape : uint8_t {
    kNone,
    kAll,
    kPrefix,   // as if written back in order, the last one torn
    kChanges,  // each write survives whole, torn or not at all
    kSectors,  // each sector of each write survives or not
  };
  Shape shape = Shape::kNone;
  size_t prefix_count = 0;
  size_t sizes_kept_count = 0;
  uint64_t survival_ppm = 0;
};

void FileLedger::Apply(PagedContent& content, const Change& change) {
  if (change.kind == ChangeKind::kTruncate) {
    content.Resize(change.size_after);
  } else {
    content.Write(change.bytes, change.offset);
  }
}

void FileLedger::Add(Change change) {
  Apply(visible_, change);
  change.number = ++last_change_;
  pending_bytes_ += static_cast<int64_t>(change.bytes.size());
  pending_.push_back(std::move(change));
  while (pending_bytes_ > limits_.pending_bytes_max ||
         static_cast<int64_t>(pending_.size()) > limits_.pending_count_max) {
    CommitOldest();
  }
}

void FileLedger::Write(Bytes bytes, int64_t offset) {
  REQUIRES(offset >= 0);
  if (bytes.empty()) return;
  const int64_t end = offset + static_cast<int64_t>(bytes.size());
  Change change;
  change.kind = ChangeKind::kWrite;
  change.offset = offset;
  change.size_before = visible_.size_bytes();
  change.size_after = std::max(visible_.size_bytes(), end);
  change.bytes.assign(bytes.begin(), bytes.end());
  Add(std::move(change));
}

void FileLedger::Truncate(int64_t size_bytes) {
  REQUIRES(size_bytes >= 0);
  if (size_bytes == visible_.size_bytes()) return;
  Change change;
  change.kind = ChangeKind::kTruncate;
  change.size_before = visible_.size_bytes();
  change.size_after = size_bytes;
  Add(std::move(change));
}

void FileLedger::CommitOldest() {
  REQUIRES(!pending_.empty());
  const Change change = std::move(pending_.front());
  pending_.pop_front();
  pending_bytes_ -= static_cast<int64_t>(change.bytes.size());
  if (change.given_up) --given_up_count_;
  Apply(base_, change);
  if (change.kind == ChangeKind::kTruncate) {
    durable_.Resize(change.size_after);
    const int64_t first_cut = (change.size_after + kSectorBytes - 1) / kSectorBytes;
    lost_sectors_.erase(lost_sectors_.lower_bound(first_cut), lost_sectors_.end());
    return;
  }
  for (int64_t sector = change.sectors_begin(); sector < change.sectors_end(); ++sector) {
    if (change.given_up) {
      lost_sectors_.insert(sector);
    } else {
      lost_sectors_.erase(sector);
      durable_.CopySector(base_, sector);
    }
  }
  durable_.SetSize(change.size_after);
}

void FileLedger::Sync(uint64_t last_change) {
  std::set<int64_t> page_indexes;
  while (!pending_.empty() && pending_.front().number <= last_change) {
    const Change& change = pending_.front();
    for (int64_t sector = change.sectors_begin(); sector < change.sectors_end(); ++sector) {
      page_indexes.insert(sector * kSectorBytes / kPageBytes);
    }
    CommitOldest();
  }
  INVARIANT(base_.size_bytes() == durable_.size_bytes());
  if (!pending_.empty()) return;
  ShareCommittedPages(page_indexes);
  INVARIANT(base_.size_bytes() == visible_.size_bytes());
}

void FileLedger::ShareCommittedPages(const std::set<int64_t>& page_indexes) {
  constexpr int64_t kSectorsPerPage = kPageBytes / kSectorBytes;
  for (const int64_t page_index : page_indexes) {
    base_.SharePage(visible_, page_index);
    const auto lost = lost_sectors_.lower_bound(page_index * kSectorsPerPage);
    const bool page_has_lost = lost != lost_sectors_.end() && *lost < (page_index + 1) * kSectorsPerPage;
    if (!page_has_lost) durable_.SharePage(visible_, page_index);
  }
}

void FileLedger::FailSync(uint64_t last_change) {
  for (Change& change : pending_) {
    if (change.number > last_change) break;
    if (change.kind != ChangeKind::kWrite || change.given_up) continue;
    change.given_up = true;
    ++given_up_count_;
  }
}

std::set<int64_t> FileLedger::DirtySectors(uint64_t last_change) const {
  std::set<int64_t> dirty;
  for (const Change& change : pending_) {
    if (change.number > last_change) break;
    if (change.given_up) continue;
    for (int64_t sector = change.sectors_begin(); sector < change.sectors_end(); ++sector) dirty.insert(sector);
  }
  return dirty;
}

void FileLedger::EvictClean() {
  // Sizes may become durable at any time, so the changes that were given up need not stay in the ledger.
  const auto last_given_up =
      std::find_if(pending_.rbegin(), pending_.rend(), [](const Change& change) { return change.given_up; });
  for (auto count = std::distance(last_given_up, pending_.rend()); count > 0; --count) CommitOldest();
  const std::set<int64_t> dirty = DirtySectors(last_change_);
  for (auto at = lost_sectors_.begin(); at != lost_sectors_.end();) {
    const int64_t sector = *at;
    if (dirty.contains(sector)) {
      ++at;
      continue;
    }
    base_.CopySector(durable_, sector);
    at = lost_sectors_.erase(at);
  }
  visible_ = base_;
  for (const Change& change : pending_) Apply(visible_, change);
}

void FileLedger::FlipBit(int64_t offset, int bit_index) {
  REQUIRES(offset >= 0);
  if (offset >= durable_.size_bytes()) return;
  durable_.FlipBit(offset, bit_index);
  const int64_t sector = offset / kSectorBytes;
  if (lost_sectors_.contains(sector) || DirtySectors(last_change_).contains(sector)) {
    lost_sectors_.insert(sector);
    return;
  }
  base_.FlipBit(offset, bit_index);
  visible_ = base_;
  for (const Change& change : pending_) Apply(visible_, change);
}

void FileLedger::DamageSector(int64_t sector_index, const PagedContent& from, int64_t from_index) {
  const int64_t offset = sector_index * kSectorBytes;
  if (offset >= durable_.size_bytes()) return;
  std::array<std::byte, kSectorBytes> bytes{};
  from.Read(bytes, from_index * kSectorBytes);
  const int64_t size_bytes = std::min(kSectorBytes, durable_.size_bytes() - offset);
  durable_.Write(Bytes(bytes).first(static_cast<size_t>(size_bytes)), offset);
  lost_sectors_.insert(sector_index);
}

FileLedger::LossPlan FileLedger::DrawPlan(base::Prng& draws, PowerLossFate fate) const {
  using Shape = LossPlan::Shape;
  LossPlan plan;
  const auto size_change_count = static_cast<uint64_t>(
      std::count_if(pending_.begin(), pending_.end(), [](const Change& change) { return change.changes_size(); }));
  if (fate == PowerLossFate::kLoseAll) return plan;
  if (fate == PowerLossFate::kKeepAll) {
    plan.shape = Shape::kAll;
    plan.sizes_kept_count = size_change_count;
    return plan;
  }
  constexpr Shape kShapes[] = {Shape::kNone,    Shape::kAll,     Shape::kPrefix, Shape::kPrefix,
                               Shape::kChanges, Shape::kChanges, Shape::kSectors};
  plan.shape = kShapes[draws.Below(std::size(kShapes))];
  constexpr uint64_t kSurvivalPpm[] = {100000, 500000, 900000};
  plan.survival_ppm = kSurvivalPpm[draws.Below(std::size(kSurvivalPpm))];
  plan.prefix_count = draws.Below(pending_.size() + 1);
  const uint64_t drawn_size_count = draws.Below(size_change_count + 1);
  const bool all_sizes = draws.Below(2) == 0;
  plan.sizes_kept_count = all_sizes ? size_change_count : drawn_size_count;
  if (plan.shape == Shape::kPrefix) {
    const bool torn_size_kept = draws.Below(2) == 0;
    const size_t kept = std::min(pending_.size(), plan.prefix_count + (torn_size_kept ? 1 : 0));
    plan.sizes_kept_count =
        static_cast<size_t>(std::count_if(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(kept),
                                          [](const Change& change) { return change.changes_size(); }));
  }
  return plan;
}

bool FileLedger::Survives(const LossPlan& plan, base::Prng& draws, size_t change_index, uint64_t change_fate) {
  using Shape = LossPlan::Shape;
  switch (plan.shape) {
    case Shape::kNone:
      return false;
    case Shape::kAll:
      return true;
    case Shape::kPrefix:
      if (change_index != plan.prefix_count) return change_index < plan.prefix_count;
      return draws.Below(2) == 0;
    case Shape::kChanges:
      if (change_fate < 2) return change_fate == 0;
      return draws.PartsPerMillion(plan.survival_ppm);
    case Shape::kSectors:
      return draws.PartsPerMillion(plan.survival_ppm);
  }
  return false;
}

void FileLedger::LosePower(base::Prng& draws, PowerLossFate fate) {
  const LossPlan plan = DrawPlan(draws, fate);
  PagedContent cache = base_;
  PagedContent outcome = durable_;
  int64_t size_bytes = durable_.size_bytes();
  size_t size_change_count = 0;
  // Behind it lie blocks that a lost cut would have freed.
  int64_t old_blocks_begin = std::numeric_limits<int64_t>::max();
  for (size_t index = 0; index < pending_.size(); ++index) {
    const Change& change = pending_[index];
    const bool size_kept = change.changes_size() && size_change_count < plan.sizes_kept_count;
    if (change.changes_size()) ++size_change_count;
    if (size_kept) size_bytes = change.size_after;
    Apply(cache, change);
    if (change.kind == ChangeKind::kTruncate) {
      if (size_kept) outcome.ZeroFrom(change.size_after);
      if (!size_kept) old_blocks_begin = std::min(old_blocks_begin, change.size_after);
      continue;
    }
    const uint64_t change_fate = draws.Below(3);
    if (change.given_up) continue;
    for (int64_t sector = change.sectors_begin(); sector < change.sectors_end(); ++sector) {
      if (sector * kSectorBytes >= old_blocks_begin) break;
      if (Survives(plan, draws, index, change_fate)) outcome.CopySector(cache, sector);
    }
  }
  outcome.ZeroFrom(size_bytes);
  outcome.SetSize(size_bytes);
  visible_ = outcome;
  base_ = outcome;
  durable_ = std::move(outcome);
  pending_.clear();
  pending_bytes_ = 0;
  given_up_count_ = 0;
  lost_sectors_.clear();
}

}  // namespace odradek::sim
