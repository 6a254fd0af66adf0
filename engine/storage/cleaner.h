// The cleaner of compacted logs: takes the dirtiest log that is dirty enough or overdue, cleans it, and goes on; rests
// when there is none. One per shard, owned by it, run by one fiber.
//
//  1. One log at a time; reads and writes stay below the rate that is set, memory below that of the map and two
//     chunks.
//  2. A log that cannot be cleaned is reported and left alone as long as it lives; a failing disk takes it offline.
//
// Source: Kafka's LogCleaner and LogCleanerManager; KIP-354 (max.compaction.lag.ms).
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/ids.h"
#include "engine/env/env.h"
#include "engine/fiber/fiber.h"
#include "engine/fiber/sync.h"
#include "engine/storage/clean_types.h"
#include "engine/storage/log_manager.h"

namespace odradek::storage {

struct CleanerOptions {
  CleanMapLimits map;
  int64_t bytes_per_second_max = std::numeric_limits<int64_t>::max();  // the largest number: no limit
  int64_t chunk_bytes = 256 * 1024;
  Duration backoff = Duration::Seconds(15);
};

struct CleanerNumbers {
  int64_t cleaning_count = 0;
  int64_t bytes_read = 0;
  int64_t bytes_written = 0;
  int64_t uncleanable_count = 0;
  int64_t dirty_percent_max = 0;  // of the logs that the cleaner saw last
  int64_t map_utilization_percent = 0;
  int64_t overdue_max_seconds = 0;
};

class Cleaner {
 public:
  // The managers outlive the cleaner.
  Cleaner(env::Env& env, const CleanerOptions& options, std::vector<LogManager*> directories);
  Cleaner(const Cleaner&) = delete;
  Cleaner& operator=(const Cleaner&) = delete;

  // Until Stop().
  void Run(fiber::Fiber& self);
  // From the next cleaning on; one that rests looks for work at once.
  void Configure(const CleanerOptions& options);
  // A cleaning that runs ends soon, without a result.
  void Stop() {
    stop_.Set();
    disturbed_.WakeAll();
  }

  enum class Worked : uint8_t { kNo, kYes };
  // Cleans one log, if one is dirty enough.
  Worked CleanOne(fiber::Fiber& self);

  const CleanerNumbers& numbers() const { return numbers_; }

 private:
  struct Candidate {
    std::shared_ptr<Log> log;
    CleanRange range;
  };
  std::optional<Candidate> FindDirtiest(fiber::Fiber& self);
  bool IsUncleanable(const std::shared_ptr<Log>& log);
  void Note(const Candidate& cleaned, const CleanResult& result);

  env::Env& env_;
  CleanerOptions options_;
  const std::vector<LogManager*> directories_;
  const KeyHash secret_;
  IoThrottle throttle_;
  fiber::Event stop_;
  fiber::WaitQueue disturbed_;  // while it rests
  std::map<TopicPartition, std::weak_ptr<Log>> uncleanable_;
  CleanerNumbers numbers_;
};

}  // namespace odradek::storage
