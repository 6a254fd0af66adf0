// What one simulated file shows and what of it is on the platter: an exact ledger of the changes in between. Owned by
// DiskModel. Never suspends.
//
//   base     the page cache when the oldest pending change came
//   pending  changes since then, in order
//   visible  base + pending: what readers see
//   durable  what a loss of power leaves if no pending change survives
//
// Loss of power. Sectors are whole: a surviving write puts the sector on the platter as it stood in the page cache
// right after that write, so an earlier write to the same sector comes with it; different sectors, of one write or of
// several, survive independently of each other and of their order (fsync(2) promises nothing before it returns). The
// size belongs to the inode, of which the platter holds one version: the sizes survive up to some change and not after
// it, whatever the data does, hence zero-filled tails. Blocks behind a cut that did not survive still hold the old
// bytes: what was written there afterwards went to new blocks and is lost with the cut.
//
// Failed sync. Its pages count as clean: readers see the new bytes, no later sync writes them, a loss of power takes
// them, and eviction shows the old ones ("Can Applications Recover from fsync Failures?", ATC '20). A later write to
// the same sector brings the whole sector to the platter, as it does on Linux.
//
// Invariants:
//  1. base differs from durable only in the sectors of `lost_sectors_`.
//  2. Writes that a failed sync gave up come before all others.
#pragma once

#include <cstdint>
#include <deque>
#include <set>

#include "engine/base/bytes.h"
#include "engine/base/prng.h"
#include "sim/disk/paged_content.h"

namespace odradek::sim {

// What becomes of everything that is pending.
enum class PowerLossFate : uint8_t {
  kDrawn,
  kLoseAll,  // nothing was written back: the platter is as the syncs left it
  kKeepAll,  // everything was written back in time, but for what a failed sync gave up
};

class FileLedger {
 public:
  // What may be pending before the oldest change is written back, as the kernel does with old dirty pages. Bounds the
  // memory of files that nobody syncs.
  struct Limits {
    int64_t pending_bytes_max = int64_t{16} << 20;
    int64_t pending_count_max = 8192;
  };

  explicit FileLedger(const Limits& limits) : limits_(limits) {}

  const PagedContent& visible() const { return visible_; }
  const PagedContent& durable() const { return durable_; }
  size_t pending_count() const { return pending_.size(); }

  void Write(Bytes bytes, int64_t offset);
  void Truncate(int64_t size_bytes);
  // The number of the latest change; changes count from 1.
  uint64_t last_change() const { return last_change_; }
  // Changes up to `last_change` are durable; later ones stay pending.
  void Sync(uint64_t last_change);
  // The sync failed: what it should have written will never be.
  void FailSync(uint64_t last_change);
  // Whether the page cache may hold what the platter never will.
  bool has_failed_sync() const { return !lost_sectors_.empty() || given_up_count_ > 0; }
  // Readers see the platter where the page cache is clean.
  void EvictClean();
  // The platter's copy of a byte rots; seen at once unless the sector is dirty.
  void FlipBit(int64_t offset, int bit_index);
  // The platter's copy of a sector becomes another sector's bytes; the page cache shows it after an eviction. Behind
  // the end of the file nothing happens.
  void DamageSector(int64_t sector_index, const PagedContent& from, int64_t from_index);
  // What a sync up to `last_change` is to write.
  std::set<int64_t> DirtySectors(uint64_t last_change) const;
  // Afterwards visible and durable are the same and nothing is pending.
  void LosePower(base::Prng& draws, PowerLossFate fate);

 private:
  enum class ChangeKind : uint8_t { kWrite, kTruncate };
  struct Change {
    ChangeKind kind = ChangeKind::kWrite;
    int64_t offset = 0;
    int64_t size_before = 0;
    int64_t size_after = 0;
    ByteBuffer bytes;
    bool given_up = false;  // by a failed sync
    uint64_t number = 0;

    bool changes_size() const { return size_before != size_after; }
    int64_t sectors_begin() const { return offset / kSectorBytes; }
    int64_t sectors_end() const {
      return (offset + static_cast<int64_t>(bytes.size()) + kSectorBytes - 1) / kSectorBytes;
    }
  };
  struct LossPlan;

  void Add(Change change);
  // The oldest change reaches the platter.
  void CommitOldest();
  static void Apply(PagedContent& content, const Change& change);
  LossPlan DrawPlan(base::Prng& draws, PowerLossFate fate) const;
  static bool Survives(const LossPlan& plan, base::Prng& draws, size_t change_index, uint64_t change_fate);
  void ShareCommittedPages(const std::set<int64_t>& page_indexes);

  Limits limits_;
  PagedContent visible_;
  PagedContent base_;
  PagedContent durable_;
  std::deque<Change> pending_;
  uint64_t last_change_ = 0;
  int64_t pending_bytes_ = 0;
  int64_t given_up_count_ = 0;
  std::set<int64_t> lost_sectors_;  // the page cache holds what the platter does not, and counts it as written
};

}  // namespace odradek::sim
