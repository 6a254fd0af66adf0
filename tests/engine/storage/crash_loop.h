// Lives of a data directory: each life opens it, compares every log with its model, appends, reads, shortens and rolls
// from several fibers, and ends in a clean shutdown, a process crash or a loss of power at any disk operation, with
// disk errors in between. Everything follows from the seed.
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

class CrashLoop {
 public:
  explicit CrashLoop(const CrashLoopOptions& options);
  ~CrashLoop();
  CrashLoopResult Run();

 private:
  struct Part {
    TopicPartition name;
    LogModel model;
    bool follower = false;  // gets offsets with gaps, like a follower of a compacted log
    Offset start_known{0};
    Offset start_maybe{0};
    Offset flushed{0};
    bool power_lost = false;  // since it was checked last
    Offset hw_saved = kNoOffset;
    int32_t leader_epoch = 0;
    int32_t next_sequence = 0;
    std::vector<env::SegmentDeleted> deleted = {};
  };
  class Watcher;

  void RunLife();
  void Live(fiber::Fiber& self);
  bool Open(fiber::Fiber& self);
  bool Hosted(const Part& part) const { return manager_->Find(part.name) != nullptr; }
  void CheckAfterLoad(fiber::Fiber& self, Part& part, Log& log);
  void CheckProducers(fiber::Fiber& self, Part& part, Log& log);
  void CheckQuiet(fiber::Fiber& self, Part& part, Log& log);
  void CheckTimes(fiber::Fiber& self, Part& part, Log& log);
  void CheckIndexes(const Part& part);
  void CheckOffsets(const Part& part, const Log& log);
  ByteBuffer ReadFrom(fiber::Fiber& self, Log& log, Offset from);
  void Phase(fiber::Fiber& self);
  enum class Identity : uint8_t { kNone, kProducer };
  void AppendSome(fiber::Fiber& self, Part& part, Identity identity);
  // False: the log takes no more.
  bool AppendOne(fiber::Fiber& self, Part& part, Log& log, Identity identity);
  void Resend(fiber::Fiber& self, Part& part, Log& log, int64_t id);
  void ReadSome(fiber::Fiber& self, Part& part);
  void MaintainSome(fiber::Fiber& self);
  void SaveHighWatermarks(fiber::Fiber& self);
  void DeleteSome(fiber::Fiber& self, Part& part, Log& log);
  void RetainQuietly(fiber::Fiber& self, Part& part, Log& log);
  void TruncateSome(fiber::Fiber& self, Part& part, Log& log);
  void MoveHighWatermark(Log& log);
  void ArmFaults();
  // What people delete and disks damage: the engine makes it again from the batches.
  void LoseEpochFile();
  void Note(std::string what) { result_.trace.push_back(std::move(what)); }
  void Fail(const std::string& what) { verdict_.Fail("life " + std::to_string(life_) + ": " + what); }
  // In [0, bound).
  int64_t Draw(int64_t bound) { return static_cast<int64_t>(draws_.Below(static_cast<uint64_t>(bound))); }
  bool OneIn(int64_t n) { return Draw(n) == 0; }
  LogConfig MakeConfig();

  const CrashLoopOptions options_;
  base::Prng draws_;
  base::Prng epoch_file_draws_;
  Verdict verdict_;
  TestMachine machine_;
  LogConfig config_;
  std::vector<Part> parts_;
  std::unique_ptr<Watcher> watcher_;
  std::shared_ptr<LogManager> manager_;
  int life_ = 0;
  bool opened_ = false;       // this life passed LogManager::Open
  bool was_clean_ = false;    // the directory was closed cleanly and not opened since
  bool may_be_clean_ = true;  // a life ended inside LogManager::Open
  bool closing_ = false;
  bool completed_close_ = false;
  bool loading_ = false;
  bool fault_hit_ = false;
  CrashLoopResult result_;
};

}  // namespace odradek::storage
