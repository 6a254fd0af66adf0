// env::Disk in memory, for programs that open thousands of logs a second: no ledger of what a loss of power would
// leave, which is most of what the simulated disk costs and nothing that a fuzzer of damaged files asks about. Every
// call lets other fibers run, so that what happens in the background meets what happens in front.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/env/disk.h"

namespace odradek::fuzz {

inline void LetOthersRun(fiber::Fiber& self) {
  if (self.scheduler().fiber_count() > 1) fiber::Yield(self);
}

class MemoryDisk final : public env::Disk {
 public:
  using Content = std::shared_ptr<ByteBuffer>;
  using Files = std::map<std::string, Content, std::less<>>;
  // By path. Outlives the processes that use the disk.
  Files files;
  std::set<std::string, std::less<>> folders;

  env::OpenResult Open(fiber::Fiber& self, std::string_view path, env::OpenMode mode) override;
  env::DiskError Rename(fiber::Fiber& self, std::string_view from, std::string_view to) override {
    LetOthersRun(self);
    const auto found = files.find(from);
    if (found == files.end()) return env::DiskError::kNotFound;
    files.insert_or_assign(std::string(to), found->second);
    files.erase(found);
    return env::DiskError::kNone;
  }
  env::DiskError Remove(fiber::Fiber& self, std::string_view path) override {
    LetOthersRun(self);
    const auto found = files.find(path);
    if (found == files.end()) return env::DiskError::kNotFound;
    files.erase(found);
    return env::DiskError::kNone;
  }
  env::DiskError CreateDirectory(fiber::Fiber& self, std::string_view path) override {
    LetOthersRun(self);
    return folders.emplace(path).second ? env::DiskError::kNone : env::DiskError::kExists;
  }
  env::DiskError RemoveDirectory(fiber::Fiber& self, std::string_view path) override {
    LetOthersRun(self);
    return folders.erase(std::string(path)) > 0 ? env::DiskError::kNone : env::DiskError::kNotFound;
  }
  env::ListResult List(fiber::Fiber& self, std::string_view path) override;
  env::StatResult Stat(fiber::Fiber& self, std::string_view path) override {
    LetOthersRun(self);
    if (folders.contains(path)) return {.kind = env::FileKind::kDirectory};
    const auto found = files.find(path);
    if (found == files.end()) return {.error = env::DiskError::kNotFound};
    return {.size_bytes = static_cast<int64_t>(found->second->size())};
  }
  env::DiskError SyncDirectory(fiber::Fiber& self, std::string_view path) override {
    LetOthersRun(self);
    return folders.contains(path) ? env::DiskError::kNone : env::DiskError::kNotFound;
  }
  // One process, which locks nothing that it has locked already.
  env::LockResult Lock(fiber::Fiber& self, std::string_view) override {
    LetOthersRun(self);
    return {.lock = std::make_unique<env::FileLock>(), .error = {}};
  }
  env::SpaceResult Space(fiber::Fiber&, std::string_view) override {
    return {.free_bytes = kFileBytesMax, .total_bytes = kFileBytesMax};
  }
  std::vector<env::OpenCall> OpenCalls(MonoTime) const override { return {}; }

  // Far beyond what any input can ask for with reason: a position that was believed shows as an error, not as memory.
  static constexpr int64_t kFileBytesMax = int64_t{16} << 20;
};

class MemoryFile final : public env::File {
 public:
  explicit MemoryFile(MemoryDisk::Content content) : content_(std::move(content)) {}

  env::IoResult ReadAt(fiber::Fiber& self, MutableBytes into, int64_t offset) override {
    LetOthersRun(self);
    const auto size_bytes = static_cast<int64_t>(content_->size());
    const int64_t count = std::clamp<int64_t>(size_bytes - offset, 0, static_cast<int64_t>(into.size()));
    std::copy_n(content_->begin() + std::min(offset, size_bytes), count, into.begin());
    return {.size_bytes = count};
  }
  env::IoResult WriteAt(fiber::Fiber& self, std::span<const Bytes> parts, int64_t offset) override {
    LetOthersRun(self);
    int64_t at = offset;
    for (const Bytes part : parts) {
      const int64_t end = at + static_cast<int64_t>(part.size());
      if (end > MemoryDisk::kFileBytesMax) return {.size_bytes = at - offset, .error = env::DiskError::kNoSpace};
      if (end > static_cast<int64_t>(content_->size())) content_->resize(static_cast<size_t>(end));
      std::ranges::copy(part, content_->begin() + at);
      at = end;
    }
    return {.size_bytes = at - offset};
  }
  env::DiskError Sync(fiber::Fiber& self) override {
    LetOthersRun(self);
    return env::DiskError::kNone;
  }
  env::DiskError Truncate(fiber::Fiber& self, int64_t size_bytes) override {
    LetOthersRun(self);
    if (size_bytes > MemoryDisk::kFileBytesMax) return env::DiskError::kNoSpace;
    content_->resize(static_cast<size_t>(size_bytes));
    return env::DiskError::kNone;
  }
  env::IoResult Size(fiber::Fiber& self) override {
    LetOthersRun(self);
    return {.size_bytes = static_cast<int64_t>(content_->size())};
  }

 private:
  // Also after the name is gone.
  const MemoryDisk::Content content_;
};

inline env::OpenResult MemoryDisk::Open(fiber::Fiber& self, std::string_view path, env::OpenMode mode) {
  LetOthersRun(self);
  if (folders.contains(path)) return {.file = nullptr, .error = env::DiskError::kIsADirectory};
  auto found = files.find(path);
  const bool makes = mode == env::OpenMode::kCreate || mode == env::OpenMode::kCreateNew;
  if (found == files.end() && !makes) return {.file = nullptr, .error = env::DiskError::kNotFound};
  if (found != files.end() && mode == env::OpenMode::kCreateNew)
    return {.file = nullptr, .error = env::DiskError::kExists};
  if (found == files.end()) found = files.emplace(path, std::make_shared<ByteBuffer>()).first;
  return {.file = std::make_unique<MemoryFile>(found->second), .error = {}};
}

inline env::ListResult MemoryDisk::List(fiber::Fiber& self, std::string_view path) {
  LetOthersRun(self);
  env::ListResult result;
  if (!folders.contains(path)) {
    result.error = env::DiskError::kNotFound;
    return result;
  }
  const std::string front = std::string(path) + "/";
  // The names below `front` are neighbours, in order.
  for (auto file = files.lower_bound(front); file != files.end() && file->first.starts_with(front); ++file) {
    std::string name = file->first.substr(front.size());
    if (name.find('/') == std::string::npos)
      result.entries.push_back({.name = std::move(name), .kind = env::FileKind::kFile});
  }
  return result;
}

}  // namespace odradek::fuzz
