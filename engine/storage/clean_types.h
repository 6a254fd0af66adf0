// What goes into and comes out of the compaction of one log.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/check.h"
#include "engine/base/ids.h"
#include "engine/base/time.h"
#include "engine/fiber/fiber.h"
#include "engine/fiber/sync.h"
#include "engine/storage/clean_offset_map.h"

namespace odradek::storage {

// What of a log may be cleaned now.
struct CleanRange {
  Offset first_dirty;  // what stands below was cleaned before
  Offset end;          // base of the first segment that must not be touched; at or below first_dirty: nothing to do
  int64_t clean_bytes = 0;
  int64_t dirty_bytes = 0;
  Duration overdue;  // time since max.compaction.lag.ms demanded a cleaning
};

// Keeps a sequence of reads and writes below a rate. Owned by the cleaner of a shard.
class IoThrottle {
 public:
  // The largest number is no limit. REQUIRES: bytes_per_second > 0.
  explicit IoThrottle(int64_t bytes_per_second) { SetRate(bytes_per_second); }
  void SetRate(int64_t bytes_per_second) {
    REQUIRES(bytes_per_second > 0);
    bytes_per_second_ = bytes_per_second;
  }
  // Suspends for as long as `size_bytes` more are ahead of the rate, or until `stop` is set.
  void Charge(fiber::Fiber& self, int64_t size_bytes, fiber::Event& stop);

 private:
  // Shorter waits are not worth a timer.
  static constexpr Duration kDebtMax = Duration::Millis(50);
  int64_t bytes_per_second_ = 1;
  MonoTime paid_until_;
};

// Lent by the cleaner for one cleaning at a time.
struct CleanTools {
  CleanOffsetMap& map;
  IoThrottle& throttle;
  int64_t chunk_bytes = 256 * 1024;
  fiber::Event& stop;  // set: the cleaning ends soon, without a result
};

enum class CleanOutcome : uint8_t {
  kDone,
  kStopped,      // asked to, or the log was cut or deleted meanwhile: nothing is wrong
  kOffline,      // the disk failed; the log is offline
  kUncleanable,  // the log holds what cannot be cleaned: `problem`
};

struct CleanResult {
  CleanOutcome outcome = CleanOutcome::kDone;
  Offset cleaned_until = kNoOffset;
  int64_t bytes_read = 0;
  int64_t bytes_written = 0;
  int32_t map_utilization_percent = 0;
  std::string problem;
};

}  // namespace odradek::storage
