// env::Disk, env::File and env::FileLock over a SimNodeDisk: what the node's shards hold. For sim/disk only.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "sim/disk/sim_node_disk.h"

namespace odradek::sim {

// One call of the engine from beginning to end: its time, its faults, its place in the history. Lives on the stack of
// the calling fiber, so that it ends with the fiber.
class DiskCall {
 public:
  // Suspends for ever on a disk that is cut off, and throws Killed in a killed fiber.
  DiskCall(SimNodeDisk& node, fiber::Fiber& self, DiskOperation operation, std::string_view path);
  ~DiskCall();
  DiskCall(const DiskCall&) = delete;
  DiskCall& operator=(const DiskCall&) = delete;

  // The time before the effect; then whether a fault of `kind` hits. May suspend.
  void WaitBefore();
  // The time between the parts of an effect, if it has two.
  void WaitBetween();
  // What is left of the time. Nothing the call has done is undone if the fiber dies here.
  void WaitAfter();

  bool Hits(DiskFaultKind kind) { return node_.Hits(kind, path_); }
  bool suspends() const { return left_.nanos() > 0; }
  // In [0, size_bytes]: how much comes first.
  int64_t DrawPart(int64_t size_bytes);

  // Into the history and the trace.
  env::DiskError Done(env::DiskError error);
  env::IoResult Done(const env::IoResult& result, int64_t offset);

  MonoTime began_at() const { return began_at_; }
  env::OpenCall Describe() const;

 private:
  friend class SimNodeDisk;
  void Wait(Duration duration);

  SimNodeDisk& node_;
  fiber::Fiber& self_;
  const DiskOperation operation_;
  const std::string_view path_;
  const MonoTime began_at_;
  Duration left_;
  // In the list of calls that are under way, by their beginnings.
  DiskCall* before_ = nullptr;
  DiskCall* after_ = nullptr;
};

class SimFile final : public env::File {
 public:
  SimFile(SimNodeDisk& node, InodeRef inode, std::string path, env::OpenMode mode);
  ~SimFile() override;

  env::IoResult ReadAt(fiber::Fiber& self, MutableBytes into, int64_t offset) override;
  env::IoResult WriteAt(fiber::Fiber& self, std::span<const Bytes> parts, int64_t offset) override;
  env::DiskError Sync(fiber::Fiber& self) override;
  env::DiskError Truncate(fiber::Fiber& self, int64_t size_bytes) override;
  env::IoResult Size(fiber::Fiber& self) override;

 private:
  // Bytes [begin, end) of `parts`, written behind each other from `offset` on.
  env::IoResult WriteRange(std::span<const Bytes> parts, ByteRange range, int64_t offset);

  SimNodeDisk& node_;
  const InodeRef inode_;
  const std::string path_;  // of the open
  const env::OpenMode mode_;
};

class SimFileLock final : public env::FileLock {
 public:
  SimFileLock(SimNodeDisk& node, InodeRef inode);
  ~SimFileLock() override;

 private:
  SimNodeDisk& node_;
  const InodeRef inode_;
};

class SimDisk final : public env::Disk {
 public:
  explicit SimDisk(SimNodeDisk& node) : node_(node) {}

  env::OpenResult Open(fiber::Fiber& self, std::string_view path, env::OpenMode mode) override;
  env::DiskError Rename(fiber::Fiber& self, std::string_view from, std::string_view to) override;
  env::DiskError Remove(fiber::Fiber& self, std::string_view path) override;
  env::DiskError CreateDirectory(fiber::Fiber& self, std::string_view path) override;
  env::DiskError RemoveDirectory(fiber::Fiber& self, std::string_view path) override;
  env::ListResult List(fiber::Fiber& self, std::string_view path) override;
  env::StatResult Stat(fiber::Fiber& self, std::string_view path) override;
  env::DiskError SyncDirectory(fiber::Fiber& self, std::string_view path) override;
  env::LockResult Lock(fiber::Fiber& self, std::string_view path) override;
  env::SpaceResult Space(fiber::Fiber& self, std::string_view path) override;
  std::vector<env::OpenCall> OpenCalls(MonoTime before) const override { return node_.OpenCalls(before); }

 private:
  // EIO or ENOSPC for an operation that changes names.
  env::DiskError NameFault(DiskCall& call);

  SimNodeDisk& node_;
};

}  // namespace odradek::sim
