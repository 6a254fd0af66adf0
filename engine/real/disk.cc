#include "engine/real/disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "engine/base/check.h"

namespace odradek::real {
namespace {

constexpr mode_t kFileMode = 0644;
constexpr mode_t kDirectoryMode = 0755;

class RealFileLock final : public env::FileLock {
 public:
  explicit RealFileLock(UniqueFd fd) : fd_(std::move(fd)) {}

 private:
  UniqueFd fd_;  // the lock goes with the last descriptor of this open
};

int OpenFlags(env::OpenMode mode) {
  // O_NONBLOCK: a fifo that somebody put into a data directory must not stop the shard. It means nothing for files.
  constexpr int kAlways = O_CLOEXEC | O_NONBLOCK;
  switch (mode) {
    case env::OpenMode::kReadOnly:
      return kAlways | O_RDONLY;
    case env::OpenMode::kReadWrite:
      return kAlways | O_RDWR;
    case env::OpenMode::kCreate:
      return kAlways | O_RDWR | O_CREAT;
    case env::OpenMode::kCreateNew:
      return kAlways | O_RDWR | O_CREAT | O_EXCL;
  }
  INVARIANT(!"unknown open mode");
}

// Errors are values of errno; 0 is none.
int OpenRetrying(const std::string& path, int flags, UniqueFd& out) {
  int fd = -1;
  do {
    fd = open(path.c_str(), flags, kFileMode);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return errno;
  out = UniqueFd(fd);
  return 0;
}

env::DiskError ErrorUnlessOk(int result) {
  return result == 0 ? env::DiskError::kNone : DiskErrorOf(errno);
}

}  // namespace

std::string RealDisk::Resolve(std::string_view path) const {
  if (root_.empty()) return std::string(path);
  std::string resolved = root_;
  resolved += '/';
  resolved += path;
  return resolved;
}

std::vector<env::OpenCall> RealDisk::OpenCalls(MonoTime before) const {
  return owner_.reactor.disk_calls().Before(before);
}

env::OpenResult RealDisk::Open(fiber::Fiber& self, std::string_view path, env::OpenMode mode) {
  LeaveIfKilled(self);
  UniqueFd fd;
  if (const int error = OpenRetrying(Resolve(path), OpenFlags(mode), fd); error != 0) {
    return {nullptr, DiskErrorOf(error)};
  }
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return {nullptr, DiskErrorOf(errno)};
  if (S_ISDIR(info.st_mode)) return {nullptr, env::DiskError::kIsADirectory};
  if (!S_ISREG(info.st_mode)) return {nullptr, env::DiskError::kIo};
  return {std::make_unique<RealFile>(owner_, std::move(fd), path), env::DiskError::kNone};
}

env::DiskError RealDisk::Rename(fiber::Fiber& self, std::string_view from, std::string_view to) {
  LeaveIfKilled(self);
  const std::string from_path = Resolve(from);
  const std::string to_path = Resolve(to);
  return ErrorUnlessOk(rename(from_path.c_str(), to_path.c_str()));
}

env::DiskError RealDisk::Remove(fiber::Fiber& self, std::string_view path) {
  int error = 0;
  owner_.helpers.Run(self, owner_.reactor,
                     [&error, resolved = Resolve(path)] { error = unlink(resolved.c_str()) == 0 ? 0 : errno; });
  return error == 0 ? env::DiskError::kNone : DiskErrorOf(error);
}

env::DiskError RealDisk::CreateDirectory(fiber::Fiber& self, std::string_view path) {
  LeaveIfKilled(self);
  return ErrorUnlessOk(mkdir(Resolve(path).c_str(), kDirectoryMode));
}

env::DiskError RealDisk::RemoveDirectory(fiber::Fiber& self, std::string_view path) {
  LeaveIfKilled(self);
  return ErrorUnlessOk(rmdir(Resolve(path).c_str()));
}

env::ListResult RealDisk::List(fiber::Fiber& self, std::string_view path) {
  LeaveIfKilled(self);
  const std::string folder = Resolve(path);
  DIR* directory = opendir(folder.empty() ? "." : folder.c_str());
  if (directory == nullptr) return {{}, DiskErrorOf(errno)};
  env::ListResult result;
  while (true) {
    errno = 0;
    const dirent* entry = readdir(directory);
    if (entry == nullptr) {
      if (errno != 0) result.error = DiskErrorOf(errno);
      break;
    }
    const std::string_view name(entry->d_name);
    if (name == "." || name == "..") continue;
    struct stat info {};
    // Follows links: data directories are often spread over disks by them. A dangling one is listed as a file.
    const bool is_directory = fstatat(dirfd(directory), entry->d_name, &info, 0) == 0 && S_ISDIR(info.st_mode);
    result.entries.push_back({std::string(name), is_directory ? env::FileKind::kDirectory : env::FileKind::kFile});
  }
  closedir(directory);
  std::sort(result.entries.begin(), result.entries.end());
  return result;
}

env::StatResult RealDisk::Stat(fiber::Fiber& self, std::string_view path) {
  LeaveIfKilled(self);
  struct stat info {};
  env::StatResult result;
  if (stat(Resolve(path).c_str(), &info) != 0) {
    result.error = DiskErrorOf(errno);
    return result;
  }
  result.kind = S_ISDIR(info.st_mode) ? env::FileKind::kDirectory : env::FileKind::kFile;
  result.size_bytes = S_ISDIR(info.st_mode) ? 0 : info.st_size;
  return result;
}

env::DiskError RealDisk::SyncDirectory(fiber::Fiber& self, std::string_view path) {
  const DiskCalls::Entry open(owner_.reactor.disk_calls(), self.Now(), "sync of directory", path);
  int error = 0;
  owner_.helpers.Run(self, owner_.reactor, [&error, folder = Resolve(path)] {
    UniqueFd fd;
    error = OpenRetrying(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, fd);
    if (error != 0) return;
    do {
      error = fsync(fd.get()) == 0 ? 0 : errno;
    } while (error == EINTR);
  });
  return error == 0 ? env::DiskError::kNone : DiskErrorOf(error);
}

env::LockResult RealDisk::Lock(fiber::Fiber& self, std::string_view path) {
  LeaveIfKilled(self);
  UniqueFd fd;
  if (const int error = OpenRetrying(Resolve(path), OpenFlags(env::OpenMode::kCreate), fd); error != 0) {
    return {nullptr, DiskErrorOf(error)};
  }
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (fcntl(fd.get(), F_OFD_SETLK, &whole) != 0) {
    const bool held = errno == EAGAIN || errno == EACCES;
    return {nullptr, held ? env::DiskError::kLocked : DiskErrorOf(errno)};
  }
  return {std::make_unique<RealFileLock>(std::move(fd)), env::DiskError::kNone};
}

env::SpaceResult RealDisk::Space(fiber::Fiber& self, std::string_view path) {
  LeaveIfKilled(self);
  struct statvfs info {};
  const std::string resolved = Resolve(path);
  if (statvfs(resolved.empty() ? "." : resolved.c_str(), &info) != 0) {
    return {.error = DiskErrorOf(errno)};
  }
  const auto block_bytes = static_cast<int64_t>(info.f_frsize);
  return {.free_bytes = static_cast<int64_t>(info.f_bavail) * block_bytes,
          .total_bytes = static_cast<int64_t>(info.f_blocks) * block_bytes};
}

}  // namespace odradek::real
