// A bounded number of open descriptors for any number of files: files open on first use and are closed again, the least
// recently used first. Owned by the LogManager; functions that take a Fiber may suspend.
//
//  1. A file that somebody holds is never closed; so the bound may be exceeded by as many files as are in use.
//  2. A file with unsynced writes is synced before it is closed: an error of the write-back must meet a descriptor that
//     can report it. A failure is kept and reported by the file's next Sync.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string>

#include "engine/env/disk.h"
#include "engine/fiber/fiber.h"

namespace odradek::storage {

class ManagedFile;

class OpenFiles {
 public:
  // REQUIRES: open_max > 0.
  OpenFiles(env::Disk& disk, int32_t open_max);
  OpenFiles(const OpenFiles&) = delete;
  OpenFiles& operator=(const OpenFiles&) = delete;

  env::Disk& disk() const { return disk_; }
  size_t open_count() const { return recently_used_.size(); }

 private:
  friend class ManagedFile;
  // Closes files until there is room for one more, or all are in use.
  void MakeRoom(fiber::Fiber& self);

  env::Disk& disk_;
  const size_t open_max_;
  std::list<ManagedFile*> recently_used_;  // open ones, the most recent first
};

// One file by its path. The path may change while the file is open.
class ManagedFile : public std::enable_shared_from_this<ManagedFile> {
 public:
  ManagedFile(OpenFiles& files, std::string path) : files_(files), path_(std::move(path)) {}
  ~ManagedFile() { Close(); }
  ManagedFile(const ManagedFile&) = delete;
  ManagedFile& operator=(const ManagedFile&) = delete;

  struct Handle {
    std::shared_ptr<env::File> file;
    env::DiskError error = env::DiskError::kNone;
  };
  // kReadWrite for what must exist, kCreate for what may not.
  Handle Get(fiber::Fiber& self, env::OpenMode mode);

  // Makes the file if it is not there.
  env::IoResult WriteAt(fiber::Fiber& self, std::span<const Bytes> parts, int64_t offset);
  // A file that is not there is empty already.
  env::DiskError Truncate(fiber::Fiber& self, int64_t size_bytes);
  // Does nothing if nothing was written since the last good sync.
  env::DiskError Sync(fiber::Fiber& self);
  bool needs_sync() const { return changes_ != synced_changes_ || lost_sync_ != env::DiskError::kNone; }
  // The next Sync goes to the disk whatever was written here.
  void ForceNextSync() { ++changes_; }

  const std::string& path() const { return path_; }
  // The file was renamed.
  void SetPath(std::string path) { path_ = std::move(path); }
  // Who holds the file keeps it open.
  void Close();

 private:
  friend class OpenFiles;

  OpenFiles& files_;
  std::string path_;
  std::shared_ptr<env::File> file_;
  std::list<ManagedFile*>::iterator place_;  // in recently_used_, if file_
  uint64_t changes_ = 0;
  uint64_t synced_changes_ = 0;
  env::DiskError lost_sync_ = env::DiskError::kNone;
};

}  // namespace odradek::storage
