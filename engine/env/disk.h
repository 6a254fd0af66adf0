// Files and directories as the engine sees them. Two implementations: the operating system (engine/real) and the
// simulated disk (sim/disk); one conformance suite runs over both. Paths are '/'-separated.
//
// What survives: a write is visible to every reader at once (page cache) and survives the death of the process; it
// survives loss of power only after Sync of the file. Creation, rename and removal survive loss of power only after
// SyncDirectory of the folder. Nothing is ordered without a sync in between. After a failed Sync nothing may be assumed
// about the bytes written since the last good one, whatever a later Sync says.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/time.h"
#include "engine/fiber/fiber.h"

namespace odradek::env {

enum class DiskError : uint8_t {
  kNone,
  kNotFound,
  kExists,
  kNoSpace,           // ENOSPC, EDQUOT
  kIo,                // EIO and everything that is not named here
  kTooManyOpenFiles,  // EMFILE, ENFILE
  kNotADirectory,
  kIsADirectory,
  kNotEmpty,
  kAccessDenied,
  kLocked,  // somebody else holds the lock
  kNameTooLong,
};
std::string_view ToString(DiskError error);

// size_bytes is meaningful with an error too: what was read or written before it.
struct IoResult {
  int64_t size_bytes = 0;
  DiskError error = DiskError::kNone;
  bool ok() const { return error == DiskError::kNone; }
};

// An open file. The destructor closes it and never suspends. Several fibers may use one file; calls on overlapping
// ranges are not ordered among each other. Memory that is passed in must stay valid until the call returns.
class File {
 public:
  virtual ~File() = default;

  // Reads fewer bytes than asked for only at the end of the file or with an error.
  virtual IoResult ReadAt(fiber::Fiber& self, MutableBytes into, int64_t offset) = 0;
  // Writes all parts one after the other, extending the file; a gap reads as zeros. On an error a prefix may have been
  // written.
  virtual IoResult WriteAt(fiber::Fiber& self, std::span<const Bytes> parts, int64_t offset) = 0;
  // Makes the bytes and the size durable (fdatasync).
  virtual DiskError Sync(fiber::Fiber& self) = 0;
  virtual DiskError Truncate(fiber::Fiber& self, int64_t size_bytes) = 0;
  virtual IoResult Size(fiber::Fiber& self) = 0;
};

enum class OpenMode : uint8_t {
  kReadOnly,
  kReadWrite,  // must exist
  kCreate,     // made if it does not exist
  kCreateNew,  // kExists if it does
};

struct OpenResult {
  std::unique_ptr<File> file;
  DiskError error = DiskError::kNone;
};

enum class FileKind : uint8_t { kFile, kDirectory };

struct DirectoryEntry {
  std::string name;
  FileKind kind = FileKind::kFile;
  friend auto operator<=>(const DirectoryEntry&, const DirectoryEntry&) = default;
};

struct ListResult {
  std::vector<DirectoryEntry> entries;  // by name
  DiskError error = DiskError::kNone;
};

struct StatResult {
  FileKind kind = FileKind::kFile;
  int64_t size_bytes = 0;
  DiskError error = DiskError::kNone;
};

struct SpaceResult {
  int64_t free_bytes = 0;  // that are left for writing
  int64_t total_bytes = 0;
  DiskError error = DiskError::kNone;
};

// Held until destroyed or until the process dies.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

struct LockResult {
  std::unique_ptr<FileLock> lock;
  DiskError error = DiskError::kNone;
};

// A call that has begun and not returned.
struct OpenCall {
  MonoTime since;
  std::string path;
  std::string what;  // for people: "sync"
};

class Disk {
 public:
  virtual ~Disk() = default;

  virtual OpenResult Open(fiber::Fiber& self, std::string_view path, OpenMode mode) = 0;
  // Replaces `to` atomically if it exists.
  virtual DiskError Rename(fiber::Fiber& self, std::string_view from, std::string_view to) = 0;
  // A file that is open can still be read and written by its holders.
  virtual DiskError Remove(fiber::Fiber& self, std::string_view path) = 0;
  virtual DiskError CreateDirectory(fiber::Fiber& self, std::string_view path) = 0;
  virtual DiskError RemoveDirectory(fiber::Fiber& self, std::string_view path) = 0;
  virtual ListResult List(fiber::Fiber& self, std::string_view path) = 0;
  virtual StatResult Stat(fiber::Fiber& self, std::string_view path) = 0;
  virtual DiskError SyncDirectory(fiber::Fiber& self, std::string_view path) = 0;
  // Locks the file (made if need be) against other processes and other holders; kLocked if it is held.
  virtual LockResult Lock(fiber::Fiber& self, std::string_view path) = 0;
  // Of the disk that holds the path.
  virtual SpaceResult Space(fiber::Fiber& self, std::string_view path) = 0;

  // The calls of this disk and of its files, of all shards that share it, that began before `before` and have not
  // returned, the oldest first: a disk that hangs says nothing by itself. A back end names those that may take long.
  virtual std::vector<OpenCall> OpenCalls(MonoTime before) const = 0;
};

}  // namespace odradek::env
