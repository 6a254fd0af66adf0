// Whether a write that a crash or a loss of power interrupted can have left the bytes that a recovery cannot read, or
// whether they were damaged later. May suspend. The bytes are input.
//
// An append that did not come to its end leaves, of each sector, a part of what was written and behind it what was
// there before, which behind the end of a log is nothing: a file that ends inside of the batch, or a sector that ends
// in zeros, since the size may reach the disk before the bytes do. A batch that is all there and does not fit its
// checksum was whole once, unless all that does not fit is the begin of it, in a sector of its own. Many a whole batch
// ends in zeros too: then it was whole once if the checksum misses one bit.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/base/ids.h"
#include "engine/env/disk.h"
#include "engine/fiber/fiber.h"

namespace odradek::storage {

enum class TornVerdict : uint8_t {
  kMayBeTorn,
  kDamaged,          // no interrupted write leaves this
  kFollowedByWhole,  // may be torn, but a whole batch stands behind it
  kFollowedByMore,   // may be torn, but something else was written behind it
};
std::string_view ToString(TornVerdict verdict);

struct TornResult {
  TornVerdict verdict = TornVerdict::kMayBeTorn;
  env::DiskError error = env::DiskError::kNone;
  int64_t whole_at = -1;  // kFollowedByWhole: where the next whole batch begins
};

// Of the bytes from `position` to the end of the file, which do not begin with a batch that is right. `expected` is the
// base offset of the batch that was to stand there; kNoOffset: not known.
TornResult JudgeTorn(fiber::Fiber& self, env::File& file, int64_t position, int64_t file_size_bytes, Offset expected);

}  // namespace odradek::storage
