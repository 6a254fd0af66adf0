// Lives of a data directory: each life opens it, compares every log with its model, appends, reads, shortens and rolls
// from several fibers, and ends in a clean shutdown, a process crash or a loss of power at any disk operation, with
// disk errors in between. Everything follows from the seed.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "tests/engine/storage/lives.h"

namespace odradek::storage {

class CrashLoop final : public Lives {
 public:
  explicit CrashLoop(const CrashLoopOptions& options);
  ~CrashLoop() override;

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

  void RunLife() override;
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

  base::Prng epoch_file_draws_;
  std::vector<Part> parts_;
  std::unique_ptr<Watcher> watcher_;
  bool opened_ = false;       // this life passed LogManager::Open
  bool was_clean_ = false;    // the directory was closed cleanly and not opened since
  bool may_be_clean_ = true;  // a life ended inside LogManager::Open
  bool closing_ = false;
  bool loading_ = false;
  bool fault_hit_ = false;
};

}  // namespace odradek::storage
