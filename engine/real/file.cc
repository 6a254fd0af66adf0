#include "engine/real/file.h"

#include <limits.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <vector>

#include "engine/base/check.h"

namespace odradek::real {
namespace {

// Linux 6.5; glibc 2.36 does not know it.
constexpr long kSysCachestat = 451;
constexpr int64_t kPageSizeBytes = 4096;
// What a helper reads in one piece to warm the page cache: its buffer, not a limit on the range.
constexpr size_t kWarmPieceBytes = size_t{256} * 1024;

struct CachestatRange {
  uint64_t offset = 0;
  uint64_t size_bytes = 0;
};
struct CachestatPages {
  uint64_t cached = 0;
  uint64_t dirty = 0;
  uint64_t writeback = 0;
  uint64_t evicted = 0;
  uint64_t recently_evicted = 0;
};

env::IoResult WriteVector(int fd, std::span<iovec> vectors, int64_t offset, uint64_t& calls) {
  env::IoResult result;
  while (!vectors.empty()) {
    const auto count = static_cast<int>(std::min<size_t>(vectors.size(), IOV_MAX));
    ++calls;
    const ssize_t n = pwritev(fd, vectors.data(), count, offset + result.size_bytes);
    if (n < 0) {
      if (errno == EINTR) continue;
      result.error = DiskErrorOf(errno);
      return result;
    }
    result.size_bytes += n;
    auto left = static_cast<size_t>(n);
    while (!vectors.empty() && left >= vectors.front().iov_len) {
      left -= vectors.front().iov_len;
      vectors = vectors.subspan(1);
    }
    if (left > 0) {
      vectors.front().iov_base = static_cast<std::byte*>(vectors.front().iov_base) + left;
      vectors.front().iov_len -= left;
    }
  }
  return result;
}

}  // namespace

env::IoResult ReadFully(int fd, MutableBytes into, int64_t offset) {
  env::IoResult result;
  while (!into.empty()) {
    const ssize_t n = pread(fd, into.data(), into.size(), offset + result.size_bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) result.error = DiskErrorOf(errno);
    if (n <= 0) break;
    result.size_bytes += n;
    into = into.subspan(static_cast<size_t>(n));
  }
  return result;
}

RealFile::~RealFile() {
  struct stat info {};
  // Closing the last descriptor of an unlinked file frees its blocks: milliseconds for a large segment.
  const bool frees_blocks = fd_.valid() && fstat(fd_.get(), &info) == 0 && info.st_nlink == 0;
  if (frees_blocks) owner_.helpers.RunDetached([fd = std::move(fd_)]() mutable { fd.Reset(); });
}

int64_t RealFile::ReadCached(MutableBytes into, int64_t offset) {
  int64_t done_bytes = 0;
  while (has_nowait_ && !into.empty()) {
    const iovec vector{into.data(), into.size()};
    ++owner_.reactor.counters().file_reads;
    const ssize_t n = preadv2(fd_.get(), &vector, 1, offset + done_bytes, RWF_NOWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EOPNOTSUPP || errno == ENOSYS)) has_nowait_ = false;
    if (n <= 0) break;
    done_bytes += n;
    into = into.subspan(static_cast<size_t>(n));
  }
  return done_bytes;
}

env::IoResult RealFile::ReadAt(fiber::Fiber& self, MutableBytes into, int64_t offset) {
  LeaveIfKilled(self);
  REQUIRES(offset >= 0);
  env::IoResult result;
  result.size_bytes = ReadCached(into, offset);
  into = into.subspan(static_cast<size_t>(result.size_bytes));
  if (into.empty()) return result;
  const int64_t rest_offset = offset + result.size_bytes;
  const bool cached = !has_nowait_ && IsCached(rest_offset, static_cast<int64_t>(into.size())) == Cached::kYes;
  const env::IoResult rest = cached ? ReadFully(fd_.get(), into, rest_offset) : ReadOffShard(self, into, rest_offset);
  result.size_bytes += rest.size_bytes;
  result.error = rest.error;
  return result;
}

env::IoResult RealFile::ReadOffShard(fiber::Fiber& self, MutableBytes into, int64_t offset) {
  struct stat info {};
  // The end of the file needs no helper.
  if (fstat(fd_.get(), &info) == 0 && offset >= info.st_size) return {};
  env::IoResult result;
  const DiskCalls::Entry open(owner_.reactor.disk_calls(), self.Now(), "read", path_);
  owner_.helpers.Run(self, owner_.reactor,
                     [&result, into, offset, fd = fd_.get()] { result = ReadFully(fd, into, offset); });
  return result;
}

env::IoResult RealFile::WriteAt(fiber::Fiber& self, std::span<const Bytes> parts, int64_t offset) {
  LeaveIfKilled(self);
  REQUIRES(offset >= 0);
  constexpr size_t kInlineParts = 16;
  std::array<iovec, kInlineParts> few;
  std::vector<iovec> many;
  std::span<iovec> vectors(few);
  if (parts.size() > kInlineParts) {
    many.resize(parts.size());
    vectors = many;
  }
  size_t count = 0;
  for (const Bytes part : parts) {
    if (part.empty()) continue;
    vectors[count] = {const_cast<std::byte*>(part.data()), part.size()};
    ++count;
  }
  return WriteVector(fd_.get(), vectors.first(count), offset, owner_.reactor.counters().file_writes);
}

env::DiskError RealFile::Sync(fiber::Fiber& self) {
  const DiskCalls::Entry open(owner_.reactor.disk_calls(), self.Now(), "sync", path_);
  int failed = 0;
  owner_.helpers.Run(self, owner_.reactor, [&failed, fd = fd_.get()] {
    // EINTR comes before anything was done; every other failure is final: the kernel marks the pages clean.
    do {
      failed = fdatasync(fd) == 0 ? 0 : errno;
    } while (failed == EINTR);
  });
  return failed == 0 ? env::DiskError::kNone : DiskErrorOf(failed);
}

env::DiskError RealFile::Truncate(fiber::Fiber& self, int64_t size_bytes) {
  REQUIRES(size_bytes >= 0);
  const DiskCalls::Entry open(owner_.reactor.disk_calls(), self.Now(), "truncate", path_);
  int failed = 0;
  owner_.helpers.Run(self, owner_.reactor, [&failed, size_bytes, fd = fd_.get()] {
    do {
      failed = ftruncate(fd, size_bytes) == 0 ? 0 : errno;
    } while (failed == EINTR);
  });
  return failed == 0 ? env::DiskError::kNone : DiskErrorOf(failed);
}

env::IoResult RealFile::Size(fiber::Fiber& self) {
  LeaveIfKilled(self);
  struct stat info {};
  if (fstat(fd_.get(), &info) != 0) return {.size_bytes = 0, .error = DiskErrorOf(errno)};
  return {.size_bytes = info.st_size, .error = env::DiskError::kNone};
}

Cached RealFile::IsCached(int64_t offset, int64_t size_bytes) {
  REQUIRES(offset >= 0 && size_bytes >= 0);
  if (size_bytes == 0) return Cached::kYes;
  const int64_t first_page = offset / kPageSizeBytes;
  const int64_t last_page = (offset + size_bytes - 1) / kPageSizeBytes;
  if (has_cachestat_) {
    CachestatRange range{static_cast<uint64_t>(offset), static_cast<uint64_t>(size_bytes)};
    CachestatPages pages;
    if (syscall(kSysCachestat, fd_.get(), &range, &pages, 0) == 0) {
      return pages.cached >= static_cast<uint64_t>(last_page - first_page + 1) ? Cached::kYes : Cached::kNo;
    }
    has_cachestat_ = false;
  }
  // Without it: a byte of the first and of the last page stands for the range.
  std::byte byte{};
  for (const int64_t at : {offset, offset + size_bytes - 1}) {
    if (ReadCached({&byte, 1}, at) == 1) continue;
    return has_nowait_ ? Cached::kNo : Cached::kUnknown;
  }
  return Cached::kYes;
}

env::DiskError RealFile::WarmUp(fiber::Fiber& self, int64_t offset, int64_t size_bytes) {
  const DiskCalls::Entry open(owner_.reactor.disk_calls(), self.Now(), "read", path_);
  ++owner_.reactor.counters().cold_ranges;
  env::DiskError error = env::DiskError::kNone;
  owner_.helpers.Run(self, owner_.reactor, [&error, offset, size_bytes, fd = fd_.get()] {
    const auto piece_bytes_max = std::min<int64_t>(kWarmPieceBytes, size_bytes);
    const auto piece = std::make_unique<std::byte[]>(static_cast<size_t>(piece_bytes_max));
    for (int64_t done_bytes = 0; done_bytes < size_bytes && error == env::DiskError::kNone;) {
      const int64_t piece_bytes = std::min(piece_bytes_max, size_bytes - done_bytes);
      const env::IoResult read = ReadFully(fd, {piece.get(), static_cast<size_t>(piece_bytes)}, offset + done_bytes);
      error = read.error;
      if (read.size_bytes < piece_bytes) return;
      done_bytes += piece_bytes;
    }
  });
  return error;
}

}  // namespace odradek::real
