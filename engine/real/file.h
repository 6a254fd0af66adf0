// An open file: reads of cached pages and writes run inline through the page cache; syncs, truncations and cold reads
// run on a helper thread. Owned by whoever opened it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/env/disk.h"
#include "engine/real/helper_pool.h"
#include "engine/real/reactor.h"
#include "engine/real/sys.h"

namespace odradek::real {

// What the kernel's page cache holds of a range.
enum class Cached : uint8_t { kYes, kNo, kUnknown };

class RealFile final : public env::File {
 public:
  struct Owner {
    Reactor& reactor;
    HelperPool& helpers;
  };

  // `path`: for reports of calls that do not return.
  RealFile(Owner owner, UniqueFd fd, std::string_view path) : owner_(owner), fd_(std::move(fd)), path_(path) {}
  ~RealFile() override;

  env::IoResult ReadAt(fiber::Fiber& self, MutableBytes into, int64_t offset) override;
  env::IoResult WriteAt(fiber::Fiber& self, std::span<const Bytes> parts, int64_t offset) override;
  env::DiskError Sync(fiber::Fiber& self) override;
  env::DiskError Truncate(fiber::Fiber& self, int64_t size_bytes) override;
  env::IoResult Size(fiber::Fiber& self) override;

  // For the network back end of this world.
  int fd() const { return fd_.get(); }
  // Reads what is in the page cache; less than asked for: the rest is cold or behind the end. Does not suspend.
  int64_t ReadCached(MutableBytes into, int64_t offset);
  // Brings a range into the page cache. kIo when it cannot be read; a range behind the end is no error.
  env::DiskError WarmUp(fiber::Fiber& self, int64_t offset, int64_t size_bytes);
  // Does not suspend.
  Cached IsCached(int64_t offset, int64_t size_bytes);

 private:
  env::IoResult ReadOffShard(fiber::Fiber& self, MutableBytes into, int64_t offset);

  const Owner owner_;
  UniqueFd fd_;
  const std::string path_;
  // Some file systems refuse RWF_NOWAIT, old kernels have no cachestat: asked once per file.
  bool has_nowait_ = true;
  bool has_cachestat_ = true;
};

// Reads until `into` is full, the end or an error, blocking the calling thread.
env::IoResult ReadFully(int fd, MutableBytes into, int64_t offset);

}  // namespace odradek::real
