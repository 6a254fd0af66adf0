// env::Disk over sim::DiskModel: no time, but every operation lets other fibers run, can fail, and can be the one at
// which the node dies. Operations are counted from 1.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "engine/env/disk.h"
#include "sim/disk/disk_model.h"

namespace odradek::storage {

enum class DiskCall : uint8_t { kOther, kRead, kWrite, kTruncate, kSync, kSyncFolder, kOpen };

inline std::string_view ToString(DiskCall call) {
  static constexpr std::string_view kNames[] = {"other", "read", "write", "truncate", "sync", "sync folder", "open"};
  return kNames[static_cast<size_t>(call)];
}

struct DiskOperation {
  DiskCall call = DiskCall::kOther;
  std::string path;
  int64_t number = 0;
};

class ModelDisk final : public env::Disk {
 public:
  explicit ModelDisk(sim::DiskModel& model) : model_(model) {}

  // Asked before each operation; anything but kNone makes it fail (a sync that fails loses its pages, a write half).
  std::function<env::DiskError(const DiskOperation&)> fault;
  // Told of each operation, before `fault` is asked.
  std::function<void(const DiskOperation&)> watch;
  // How many turns of other fibers a sync of a file takes.
  int sync_turns = 0;
  // After this many operations nothing more happens: callers wait for ever.
  int64_t operations_max = INT64_MAX;
  int64_t operation_count() const { return count_; }
  bool is_dead() const { return count_ >= operations_max; }
  int64_t bytes_read() const { return bytes_read_; }
  int64_t sync_count() const { return sync_count_; }

  env::OpenResult Open(fiber::Fiber& self, std::string_view path, env::OpenMode mode) override;
  env::DiskError Rename(fiber::Fiber& self, std::string_view from, std::string_view to) override {
    return Plain(self, from, [&] { return model_.Rename(from, to); });
  }
  env::DiskError Remove(fiber::Fiber& self, std::string_view path) override {
    return Plain(self, path, [&] { return model_.Remove(path); });
  }
  env::DiskError CreateDirectory(fiber::Fiber& self, std::string_view path) override {
    return Plain(self, path, [&] { return model_.CreateDirectory(path); });
  }
  env::DiskError RemoveDirectory(fiber::Fiber& self, std::string_view path) override {
    return Plain(self, path, [&] { return model_.RemoveDirectory(path); });
  }
  env::ListResult List(fiber::Fiber& self, std::string_view path) override {
    Begin(self, DiskCall::kOther, path);
    return model_.List(path);
  }
  env::StatResult Stat(fiber::Fiber& self, std::string_view path) override {
    Begin(self, DiskCall::kOther, path);
    return model_.Stat(path);
  }
  env::DiskError SyncDirectory(fiber::Fiber& self, std::string_view path) override {
    const uint64_t covered = model_.last_name_change();
    const env::DiskError error = Begin(self, DiskCall::kSyncFolder, path);
    return error == env::DiskError::kNone ? model_.SyncDirectory(path, covered) : error;
  }
  env::LockResult Lock(fiber::Fiber& self, std::string_view path) override;
  env::SpaceResult Space(fiber::Fiber&, std::string_view) override {
    return {.free_bytes = model_.free_bytes(), .total_bytes = model_.capacity_bytes()};
  }
  std::vector<env::OpenCall> OpenCalls(MonoTime) const override { return {}; }

 private:
  friend class ModelFile;

  template <typename Do>
  env::DiskError Plain(fiber::Fiber& self, std::string_view path, const Do& action) {
    const env::DiskError error = Begin(self, DiskCall::kOther, path);
    return error == env::DiskError::kNone ? action() : error;
  }
  // Counts, lets others run, dies or fails.
  env::DiskError Begin(fiber::Fiber& self, DiskCall call, std::string_view path) {
    fiber::Yield(self);
    while (is_dead()) forever_.Wait(self);
    ++count_;
    const DiskOperation operation{.call = call, .path = std::string(path), .number = count_};
    if (watch) watch(operation);
    return fault ? fault(operation) : env::DiskError::kNone;
  }

  sim::DiskModel& model_;
  int64_t count_ = 0;
  int64_t bytes_read_ = 0;
  int64_t sync_count_ = 0;
  fiber::WaitQueue forever_;
};

class ModelFile final : public env::File {
 public:
  ModelFile(ModelDisk& disk, sim::InodeRef inode, std::string path)
      : disk_(disk), inode_(std::move(inode)), path_(std::move(path)) {}
  ~ModelFile() override { disk_.model_.Close(inode_); }

  env::IoResult ReadAt(fiber::Fiber& self, MutableBytes into, int64_t offset) override {
    const env::DiskError error = disk_.Begin(self, DiskCall::kRead, path_);
    if (error != env::DiskError::kNone) return {.size_bytes = 0, .error = error};
    const env::IoResult result = disk_.model_.Read(*inode_, into, offset);
    disk_.bytes_read_ += result.size_bytes;
    return result;
  }
  env::IoResult WriteAt(fiber::Fiber& self, std::span<const Bytes> parts, int64_t offset) override {
    ByteBuffer all;
    for (const Bytes part : parts) all.insert(all.end(), part.begin(), part.end());
    const env::DiskError error = disk_.Begin(self, DiskCall::kWrite, path_);
    if (error == env::DiskError::kNone) return disk_.model_.Write(*inode_, all, offset);
    const size_t half = all.size() / 2;
    disk_.model_.Write(*inode_, Bytes(all).first(half), offset);
    return {.size_bytes = static_cast<int64_t>(half), .error = error};
  }
  env::DiskError Sync(fiber::Fiber& self) override {
    const uint64_t covered = disk_.model_.LastChange(*inode_);
    for (int i = 0; i < disk_.sync_turns; ++i) fiber::Yield(self);
    const env::DiskError error = disk_.Begin(self, DiskCall::kSync, path_);
    ++disk_.sync_count_;
    if (error == env::DiskError::kNone) {
      disk_.model_.Sync(*inode_, covered);
    } else {
      disk_.model_.FailSync(*inode_, covered);
    }
    return error;
  }
  env::DiskError Truncate(fiber::Fiber& self, int64_t size_bytes) override {
    const env::DiskError error = disk_.Begin(self, DiskCall::kTruncate, path_);
    return error == env::DiskError::kNone ? disk_.model_.Truncate(*inode_, size_bytes) : error;
  }
  env::IoResult Size(fiber::Fiber& self) override {
    const env::DiskError error = disk_.Begin(self, DiskCall::kOther, path_);
    return {.size_bytes = disk_.model_.SizeOf(*inode_), .error = error};
  }

 private:
  ModelDisk& disk_;
  sim::InodeRef inode_;
  std::string path_;
};

inline env::OpenResult ModelDisk::Open(fiber::Fiber& self, std::string_view path, env::OpenMode mode) {
  const env::DiskError error = Begin(self, DiskCall::kOpen, path);
  if (error != env::DiskError::kNone) return {.file = nullptr, .error = error};
  sim::DiskModel::OpenOutcome opened = model_.Open(path, mode);
  if (opened.error != env::DiskError::kNone) return {.file = nullptr, .error = opened.error};
  return {.file = std::make_unique<ModelFile>(*this, std::move(opened.file), std::string(path)), .error = {}};
}

class ModelLock final : public env::FileLock {
 public:
  ModelLock(sim::DiskModel& model, sim::InodeRef inode) : model_(model), inode_(std::move(inode)) {}
  ~ModelLock() override {
    model_.Unlock(*inode_);
    model_.Close(inode_);
  }

 private:
  sim::DiskModel& model_;
  sim::InodeRef inode_;
};

inline env::LockResult ModelDisk::Lock(fiber::Fiber& self, std::string_view path) {
  const env::DiskError error = Begin(self, DiskCall::kOther, path);
  if (error != env::DiskError::kNone) return {.lock = nullptr, .error = error};
  sim::DiskModel::OpenOutcome opened = model_.Open(path, env::OpenMode::kCreate);
  if (opened.error != env::DiskError::kNone) return {.lock = nullptr, .error = opened.error};
  if (!model_.TryLock(*opened.file)) {
    model_.Close(opened.file);
    return {.lock = nullptr, .error = env::DiskError::kLocked};
  }
  return {.lock = std::make_unique<ModelLock>(model_, std::move(opened.file)), .error = {}};
}

}  // namespace odradek::storage
