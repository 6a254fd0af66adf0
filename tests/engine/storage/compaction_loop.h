// Lives of a compacted log: each life opens it, compares it with its model, appends from several producers, reads,
// cleans, shortens and rolls from several fibers, and ends in a clean shutdown, a process crash or a loss of power at
// any disk operation. The high watermark lags behind, and a quiet log is sometimes cut as a follower's is, also while
// it is cleaned. Everything follows from the seed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "tests/engine/storage/compaction_model.h"
#include "tests/engine/storage/lives.h"

namespace odradek::storage {

class CompactionLoop final : public Lives {
 public:
  explicit CompactionLoop(const CrashLoopOptions& options);
  ~CompactionLoop() override;

 private:
  struct Writer {
    ProducerId id = kNoProducerId;
    int32_t next_sequence = 0;
    enum class Kind : uint8_t { kPlain, kTransactional };
    Kind kind = Kind::kPlain;
    bool in_txn = false;
  };
  class Watcher;

  LogConfig DrawCompactedConfig();
  void RunLife() override;
  void Live(fiber::Fiber& self);
  bool Open(fiber::Fiber& self);
  void CheckAfterLoad(fiber::Fiber& self);
  void CheckProducers(fiber::Fiber& self);
  void CheckQuiet(fiber::Fiber& self);
  void Phase(fiber::Fiber& self);
  void AppendSome(fiber::Fiber& self, Writer& writer);
  bool AppendOne(fiber::Fiber& self, Writer& writer);
  KeyedAppend DrawBatch(Writer& writer);
  void LearnFromLog(Writer& writer);
  void Resend(fiber::Fiber& self, const KeyedAppend& batch);
  void ReadSome(fiber::Fiber& self);
  void CleanSome(fiber::Fiber& self);
  CleanResult CleanOnce(fiber::Fiber& self, const CleanRange& range);
  void CleanQuietly(fiber::Fiber& self);
  void MaintainSome(fiber::Fiber& self);
  void ShortenWhileCleaning(fiber::Fiber& self);
  void MoveHighWatermark();
  ByteBuffer ReadAll(fiber::Fiber& self);
  int64_t NowMillis() { return machine_.process().clock.wall.unix_millis(); }

  CompactionModel model_;
  std::vector<Writer> writers_;
  std::unique_ptr<Watcher> watcher_;
  std::shared_ptr<Log> log_;
  Offset flushed_{0};
  Offset cleaned_until_{0};
  Offset committed_{0};  // the highest high watermark of this log
  bool power_lost_ = false;
  std::optional<Offset> maybe_cut_;  // a shortening was not answered
};

}  // namespace odradek::storage
