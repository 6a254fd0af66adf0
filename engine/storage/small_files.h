// Small files that are read whole and replaced whole: checkpoints, meta.properties, snapshots. Functions may suspend.
//
// A replacement is written to "<path>.tmp", synced, renamed over the old file, and the folder is synced: after a loss
// of power the file is the old one or the new one. One replacement of a path at a time: the caller sees to it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/base/context.h"
#include "engine/env/disk.h"
#include "engine/fiber/fiber.h"

namespace odradek::storage {

// More than any checkpoint or snapshot of a sane directory has: bounds what a foreign file can make us allocate.
inline constexpr int64_t kSmallFileBytesMax = int64_t{256} << 20;

struct SmallFile {
  ByteBuffer content;
  env::DiskError error = env::DiskError::kNone;  // kNotFound, kNoSpace if larger than allowed, …
  bool ok() const { return error == env::DiskError::kNone; }
};

SmallFile ReadSmallFile(fiber::Fiber& self, env::Disk& disk, const std::string& path);

enum class FileSync : uint8_t {
  kBeforeRename,
  kNever,  // what mutations do
};

env::DiskError ReplaceSmallFile(fiber::Fiber& self, env::Disk& disk, base::Context& context, const std::string& path,
                                Bytes content, FileSync sync = FileSync::kBeforeRename);

// Removes the file; one that is not there is fine. Not durable before the folder is synced.
env::DiskError RemoveIfThere(fiber::Fiber& self, env::Disk& disk, const std::string& path);

}  // namespace odradek::storage
