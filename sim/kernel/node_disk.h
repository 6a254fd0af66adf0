// The disk of a node as its life cycle sees it: it outlives the processes that use it. Implemented by sim/disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/time.h"
#include "engine/env/disk.h"
#include "sim/kernel/shard.h"

namespace odradek::sim {

enum class DiskFaultKind : uint8_t {
  kReadError,   // EIO from reads and lists
  kWriteError,  // EIO from writes (a prefix may be written), truncations and changes of names
  kSyncError,   // EIO from syncs; those of files leave pages that no later sync writes
  kNoSpace,     // ENOSPC from writes (a prefix may be written) and from making files and directories
  kSlow,        // every operation takes `delay` longer
  kHang,        // operations do not return before Heal
  kBitRot,      // a read finds a bit flipped, for ever
  // `count_max` bits of what is durable flip when the fault is injected, and nothing happens afterwards.
  kRotAtRest,
  kMisdirectedRead,   // a sector of what a read returns comes from somewhere else, this once
  kMisdirectedWrite,  // a sector that a sync writes comes down somewhere else, and what was there is gone
};

// Holds until Heal or until it has hit `count_max` times.
struct DiskFault {
  DiskFaultKind kind = DiskFaultKind::kReadError;
  // Only paths that contain this; all if empty.
  std::string path_part = {};
  // In parts of a million operations.
  uint32_t probability_ppm = 1'000'000;
  uint64_t count_max = UINT64_MAX;
  Duration delay = {};  // kSlow
};

enum class DiskOperation : uint8_t {
  kOpen,
  kRead,
  kWrite,
  kSync,
  kTruncate,
  kRename,
  kRemove,
  kSyncDirectory,
  kCreateDirectory,
  kRemoveDirectory,
  kLock,
  kLook,  // list, stat, size, free space
};

// Sees every operation before it is carried out. Must not kill a node at once (use Kernel::AfterEvent).
class DiskObserver {
 public:
  virtual void OnDiskOperation(NodeIndex node, DiskOperation operation, std::string_view path) = 0;

 protected:
  ~DiskObserver() = default;
};

// Bytes that are no longer what was written, or were not what a read returned.
struct DiskDamage {
  MonoTime at;
  DiskFaultKind kind = DiskFaultKind::kBitRot;
  std::string path;
  int64_t begin = 0;  // in bytes of the file
  int64_t end = 0;
};

class DamageObserver {
 public:
  virtual void OnDamage(NodeIndex node, const DiskDamage& damage) = 0;

 protected:
  ~DamageObserver() = default;
};

class NodeDisk {
 public:
  virtual ~NodeDisk() = default;

  // For all shards of the process that runs.
  virtual env::Disk& disk() = 0;
  // A process starts: operations are taken again. REQUIRES: nothing is open.
  virtual void Boot() = 0;
  // The process is about to die: nothing that is under way completes or has any more effect, and nothing new is taken;
  // its fibers are unwound next, and close their files.
  virtual void CutOff() = 0;
  // After the fibers are gone. Open files and locks are released, the page cache stays.
  virtual void ProcessCrash() = 0;
  // After the fibers are gone, or while no process runs. As ProcessCrash, and what was not synced is lost, each piece
  // or not by a draw.
  virtual void PowerLoss() = 0;
  // An empty disk. REQUIRES: no process runs.
  virtual void Wipe() = 0;

  // Files, locks and operations that are open or under way; 0 after a death.
  virtual size_t open_count() const = 0;

  virtual void Inject(const DiskFault& fault) = 0;
  // Ends all injected faults. What they did stays.
  virtual void Heal() = 0;
  // What an operator does with a copy: everything becomes what it would be if nothing had been damaged. What a process
  // read and wrote somewhere else, or cut off because it was damaged, stays as the process left it. REQUIRES: no
  // process runs.
  virtual void Repair() = 0;
  // May be less than what is used: then nothing can be written until something is removed.
  virtual void SetCapacity(int64_t capacity_bytes) = 0;
  // nullptr: none.
  virtual void SetObserver(DiskObserver* observer) = 0;
  // nullptr: none. Told after the damage is done.
  virtual void SetDamageObserver(DamageObserver* observer) = 0;
};

}  // namespace odradek::sim
