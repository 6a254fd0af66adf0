// What a log and the checkpoint files of its data directory say to each other. Only Persist may suspend.
#pragma once

#include <string>

#include "engine/base/ids.h"
#include "engine/env/disk.h"
#include "engine/env/observer.h"
#include "engine/fiber/fiber.h"

namespace odradek::storage {

// Where the marks of a log are kept durably: the checkpoint files of the data directory.
class LogMarks {
 public:
  virtual ~LogMarks() = default;
  struct Wish {
    Offset log_start = kNoOffset;
    Offset recovery_point_at_most = kNoOffset;
    Offset recovery_point = kNoOffset;
    Offset cleaned_until_at_most = kNoOffset;
    Offset cleaned_until = kNoOffset;
  };
  // Returns when the files say what is wished; what is kNoOffset stays as it is. An error: they could not be written.
  virtual env::DiskError Persist(fiber::Fiber& self, const TopicPartition& name, const Wish& wish) = 0;
};

struct LogPlace {
  TopicPartition name;
  std::string directory;  // of the partition
};

// What the data directory's checkpoints say about the log; kNoOffset where they say nothing.
struct LogCheckpoints {
  Offset recovery_point = kNoOffset;
  Offset log_start_offset = kNoOffset;
  bool are_log_starts_damaged = false;  // there was a file of them, which says nothing
  Offset high_watermark = kNoOffset;
  Offset cleaned_until = kNoOffset;  // compaction may have left gaps between segments below
  env::ShutdownKind previous_shutdown = env::ShutdownKind::kUnclean;
};

}  // namespace odradek::storage
