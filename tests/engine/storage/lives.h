// What the loops over the lives of a data directory have in common: a machine, draws from a seed, and how a life begins
// and ends: in a clean shutdown, a process crash or a loss of power at any disk operation.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/storage/log_manager.h"
#include "engine/storage/promises.h"
#include "tests/engine/storage/log_model.h"
#include "tests/engine/storage/test_world.h"

namespace odradek::storage {

struct CrashLoopOptions {
  uint64_t seed = 1;
  int lives = 8;
  FlushPolicy policy = FlushPolicy::kNever;
  std::set<base::Mutation> mutations;
  bool traces_disk = false;  // every disk operation and everything that a loss of power took is in the trace
};

struct CrashLoopResult {
  std::string problem;  // empty: every promise was kept
  int64_t acked_count = 0;
  int64_t lost_count = 0;  // of acknowledged batches, where that is allowed
  std::map<std::string, int64_t> reached;
  uint64_t mutation_hits = 0;
  std::vector<std::string> trace;  // what was done, in order
};

class Lives {
 public:
  Lives(const Lives&) = delete;
  Lives& operator=(const Lives&) = delete;
  virtual ~Lives() = default;
  CrashLoopResult Run();

 protected:
  explicit Lives(const CrashLoopOptions& options);

  virtual void RunLife() = 0;
  // Dies at one of the next `operations_bound` disk operations, or at none.
  TestProcess& BeginLife(int64_t operations_bound);
  // Whether the machine lost its power.
  bool EndLife();
  absl::StatusOr<std::shared_ptr<LogManager>> OpenManager(fiber::Fiber& self);

  struct Sizes {
    int64_t segment_bytes_min = 0;
    int64_t segment_bytes_range = 0;
    int64_t delete_delays = 0;
  };
  LogConfig DrawConfig(const Sizes& sizes);
  // Of some seeds: the engine does what is rare.
  void DrawBuggify();
  // In [0, bound).
  int64_t Draw(int64_t bound) { return static_cast<int64_t>(draws_.Below(static_cast<uint64_t>(bound))); }
  bool OneIn(int64_t n) { return Draw(n) == 0; }
  void Note(std::string what) { result_.trace.push_back(std::move(what)); }
  void Fail(const std::string& what) { verdict_.Fail("life " + std::to_string(life_) + ": " + what); }

  const CrashLoopOptions options_;
  base::Prng draws_;
  Verdict verdict_;
  TestMachine machine_;
  LogConfig config_;
  std::shared_ptr<LogManager> manager_;
  int life_ = 0;
  bool completed_close_ = false;
  CrashLoopResult result_;
};

}  // namespace odradek::storage
