#include "engine/storage/small_files.h"

#include <utility>

#include "engine/base/check.h"
#include "engine/storage/file_names.h"

namespace odradek::storage {

using env::DiskError;

SmallFile ReadSmallFile(fiber::Fiber& self, env::Disk& disk, const std::string& path) {
  env::OpenResult opened = disk.Open(self, path, env::OpenMode::kReadOnly);
  if (opened.error != DiskError::kNone) return {.content = {}, .error = opened.error};
  const env::IoResult size = opened.file->Size(self);
  if (!size.ok()) return {.content = {}, .error = size.error};
  if (size.size_bytes > kSmallFileBytesMax) return {.content = {}, .error = DiskError::kNoSpace};
  SmallFile out;
  out.content.resize(static_cast<size_t>(size.size_bytes));
  const env::IoResult read = opened.file->ReadAt(self, out.content, 0);
  out.error = read.error;
  out.content.resize(static_cast<size_t>(read.size_bytes));
  return out;
}

DiskError RemoveIfThere(fiber::Fiber& self, env::Disk& disk, const std::string& path) {
  const DiskError error = disk.Remove(self, path);
  return error == DiskError::kNotFound ? DiskError::kNone : error;
}

namespace small_files_internal {

DiskError WriteNew(fiber::Fiber& self, env::Disk& disk, const std::string& path, Bytes content, FileSync sync) {
  if (const DiskError error = RemoveIfThere(self, disk, path); error != DiskError::kNone) return error;
  env::OpenResult opened = disk.Open(self, path, env::OpenMode::kCreateNew);
  if (opened.error != DiskError::kNone) return opened.error;
  const Bytes parts[] = {content};
  if (const env::IoResult written = opened.file->WriteAt(self, parts, 0); !written.ok()) return written.error;
  return sync == FileSync::kBeforeRename ? opened.file->Sync(self) : DiskError::kNone;
}

}  // namespace small_files_internal

DiskError ReplaceSmallFile(fiber::Fiber& self, env::Disk& disk, [[maybe_unused]] base::Context& context,
                           const std::string& path, Bytes content, FileSync sync) {
  REQUIRES(!path.empty());
  const std::string tmp = path + std::string(kTmpSuffix);
  DiskError error = small_files_internal::WriteNew(self, disk, tmp, content, sync);
  if (error == DiskError::kNone) error = disk.Rename(self, tmp, path);
  if (error != DiskError::kNone) {
    // The space may be what is missing.
    RemoveIfThere(self, disk, tmp);
    return error;
  }
  if (MUTATION(context, LG24)) return DiskError::kNone;
  return disk.SyncDirectory(self, ParentOf(path));
}

}  // namespace odradek::storage
