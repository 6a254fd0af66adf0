// Files and directories of the operating system. Owned by the shard's env. Calls that only touch metadata run inline;
// what the kernel may take long for (syncs, removal of a file's blocks) runs on a helper thread.
#pragma once

#include <string>

#include "engine/env/disk.h"
#include "engine/real/file.h"

namespace odradek::real {

class RealDisk final : public env::Disk {
 public:
  // Paths are taken below `root`; "" is the process's working directory (and absolute paths stay absolute).
  RealDisk(RealFile::Owner owner, std::string root) : owner_(owner), root_(std::move(root)) {}

  env::OpenResult Open(fiber::Fiber& self, std::string_view path, env::OpenMode mode) override;
  env::DiskError Rename(fiber::Fiber& self, std::string_view from, std::string_view to) override;
  env::DiskError Remove(fiber::Fiber& self, std::string_view path) override;
  env::DiskError CreateDirectory(fiber::Fiber& self, std::string_view path) override;
  env::DiskError RemoveDirectory(fiber::Fiber& self, std::string_view path) override;
  env::ListResult List(fiber::Fiber& self, std::string_view path) override;
  env::StatResult Stat(fiber::Fiber& self, std::string_view path) override;
  env::DiskError SyncDirectory(fiber::Fiber& self, std::string_view path) override;
  // An OFD lock: unlike flock() it also conflicts with the fcntl locks that Kafka's Java code takes.
  env::LockResult Lock(fiber::Fiber& self, std::string_view path) override;
  env::SpaceResult Space(fiber::Fiber& self, std::string_view path) override;
  // What runs on a helper. A write or a look-up that hangs holds the shard itself.
  std::vector<env::OpenCall> OpenCalls(MonoTime before) const override;

 private:
  std::string Resolve(std::string_view path) const;

  const RealFile::Owner owner_;
  const std::string root_;
};

}  // namespace odradek::real
