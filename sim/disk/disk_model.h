// A disk without time, fibers or handles: a tree of files and directories as processes see it, and the same as the
// platter holds it. FileLedger says what survives of a file; here it is said of names. Owned by SimNodeDisk. Never
// suspends. Limits: paths are '/'-separated, "" and "." are the root, ".." is not known.
//
// Names. An entry that was made, renamed or removed is pending until its directory is synced; a sync of either
// directory of a rename makes the rename durable, a sync of a file says nothing about its name (fsync(2), NOTES). A
// loss of power keeps or loses each pending operation by itself, in any order, with these exceptions, without which the
// outcome would be no directory tree: operations on one name keep their order, so that a rename is old or new but never
// both or neither (rename(2)); a directory is removed after what left it, and is made before what moves into it; moves
// of directories keep their order. The name of a file may survive while its bytes do not ("All File Systems Are Not
// Created Equal", OSDI '14, on rename without fsync).
//
// Invariants:
//  1. A file or directory has at most one name that is seen and at most one that is durable.
//  2. used_bytes() counts every file that has a name or is open, once.
//  3. Equal calls give equal states and reports, whatever the process, compiler and order of allocation.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/prng.h"
#include "engine/env/disk.h"
#include "sim/disk/file_ledger.h"
#include "sim/disk/power_loss_report.h"

namespace odradek::sim {

class Inode;
using InodeRef = std::shared_ptr<Inode>;

struct DiskModelOptions {
  int64_t capacity_bytes = int64_t{1} << 40;
  FileLedger::Limits ledger = {};
  // When more operations on names are pending, the older half is written, as by a journal's commit.
  size_t pending_names_max = 1024;
};

class DiskModel {
 public:
  explicit DiskModel(const DiskModelOptions& options);
  ~DiskModel();
  DiskModel(const DiskModel&) = delete;
  DiskModel& operator=(const DiskModel&) = delete;

  struct OpenOutcome {
    InodeRef file;  // open until Close
    env::DiskError error = env::DiskError::kNone;
  };
  OpenOutcome Open(std::string_view path, env::OpenMode mode);
  void Close(const InodeRef& file);
  int64_t open_count() const { return open_count_; }

  // Of an open file, or of one that was open once.
  env::IoResult Read(const Inode& file, MutableBytes into, int64_t offset) const;
  // What fits is written when the disk is full.
  env::IoResult Write(Inode& file, Bytes bytes, int64_t offset);
  env::DiskError Truncate(Inode& file, int64_t size_bytes);
  // The number of the file's latest change: what a sync that starts now has to cover.
  uint64_t LastChange(const Inode& file) const;
  void Sync(Inode& file) { Sync(file, LastChange(file)); }
  void Sync(Inode& file, uint64_t last_change);
  void FailSync(Inode& file) { FailSync(file, LastChange(file)); }
  void FailSync(Inode& file, uint64_t last_change);
  // Whether the page cache may hold what the platter never will.
  bool HasFailedSync(const Inode& file) const;
  void EvictClean(Inode& file);
  int64_t SizeOf(const Inode& file) const;
  // On the platter.
  static int64_t DurableSizeOf(const Inode& file);
  // False: somebody holds the lock.
  bool TryLock(Inode& file);
  void Unlock(Inode& file);

  env::DiskError Rename(std::string_view from, std::string_view to);
  env::DiskError Remove(std::string_view path);
  env::DiskError CreateDirectory(std::string_view path);
  env::DiskError RemoveDirectory(std::string_view path);
  env::ListResult List(std::string_view path) const;
  env::StatResult Stat(std::string_view path) const;
  // As LastChange, of names.
  uint64_t last_name_change() const { return last_change_; }
  env::DiskError SyncDirectory(std::string_view path) { return SyncDirectory(path, last_change_); }
  env::DiskError SyncDirectory(std::string_view path, uint64_t last_change);

  // nullptr: there is no such file.
  InodeRef Find(std::string_view path) const;
  // Every file by its path, in the order of names, directories depth first.
  std::vector<std::pair<std::string, InodeRef>> Files() const;

  // The files below `folder`, by their paths within it in the order of Files(): as processes see them, as a loss of
  // power would leave them if nothing that is pending survived; and both as they would be if nothing had been damaged.
  enum class View : uint8_t { kSeen, kDurable, kIntact, kIntactDurable };
  using Visitor = std::function<void(std::string_view path, const PagedContent& content)>;
  void VisitFiles(View view, std::string_view folder, const Visitor& visitor) const;

  int64_t capacity_bytes() const { return options_.capacity_bytes; }
  // May be less than what is used: then nothing can be written.
  void SetCapacity(int64_t capacity_bytes) { options_.capacity_bytes = capacity_bytes; }
  int64_t used_bytes() const { return used_bytes_; }
  int64_t free_bytes() const;
  size_t pending_operation_count() const;

  // --- Damage (disk_damage.cc): what the platter does to bytes that it holds. From its first damage on a file has a
  // twin to which everything happens but the damage, so that at any time the ledger says to the byte what is damaged.
  // What processes read and wrote somewhere else is theirs, and counts as intact there.

  // The platter's copy of a byte rots; seen at once unless the page cache holds something newer.
  void FlipBit(Inode& file, int64_t offset, int bit_index);
  struct Sector {
    InodeRef file;
    int64_t index = 0;
  };
  // A sector of what a sync up to `last_change` is to write; nullopt: it writes nothing.
  std::optional<int64_t> DrawDirtySector(const Inode& file, uint64_t last_change, base::Prng& draws) const;
  // As Sync, but the disk puts the sector `from` of the file where `to` lies: `from` keeps what it had, and what was at
  // `to` is gone. The page cache shows neither before its clean pages are evicted.
  void SyncMisdirected(Inode& file, uint64_t last_change, int64_t from, const Sector& to);
  // A sector of a file whose path contains `path_part`; nullopt: there is none. Files without bytes have none.
  std::optional<Sector> DrawSector(std::string_view path_part, base::Prng& draws) const;
  // One that is on the platter.
  std::optional<Sector> DrawDurableSector(std::string_view path_part, base::Prng& draws) const;
  // Where the file reads differently than it should, now or after its clean pages are evicted.
  static std::vector<ByteRange> DamageOf(const Inode& file);
  // Every damaged file by its path.
  std::vector<std::string> DamagedFiles() const;
  // All files as if nothing had ever been damaged, as from a copy that somebody kept.
  void Repair();

  // Forgets the page cache. What survives follows from the seed. REQUIRES: nothing is open.
  PowerLossReport LosePower(uint64_t draw_seed, PowerLossFate fate);
  // An empty disk. REQUIRES: nothing is open.
  void Wipe();

 private:
  struct Place;
  struct Assignment;
  struct NameChange;

  env::DiskError Resolve(std::string_view path, Place& place) const;
  InodeRef NewInode(env::FileKind kind);
  env::DiskError Create(const Place& place, env::FileKind kind, std::string_view path);
  void AddChange(NameChange change);
  static void ApplyVisible(const NameChange& change);
  static void ApplyDurable(const NameChange& change);
  // Whether `later` cannot survive without `earlier`.
  static bool DependsOn(const NameChange& later, const NameChange& earlier);
  // Adds to `kept` whatever the kept ones depend on.
  void CloseUnderDependencies(std::vector<bool>& kept) const;
  void CommitNames(const std::vector<bool>& kept);
  std::vector<bool> DrawKeptNames(uint64_t draw_seed, PowerLossFate fate) const;
  // After the space that a file takes, its name or its handles have changed.
  void Account(Inode& file);
  void RecountSpace();
  enum class Held : uint8_t { kSeen, kDurable };
  std::optional<Sector> DrawSectorOf(Held where, std::string_view path_part, base::Prng& draws) const;

  DiskModelOptions options_;
  InodeRef root_;
  uint64_t last_inode_id_ = 0;
  uint64_t last_change_ = 0;
  std::vector<NameChange> pending_;  // in order
  int64_t used_bytes_ = 0;
  int64_t open_count_ = 0;
};

}  // namespace odradek::sim
