// The files of a log of several segments, with indexes and producer snapshots, as our own broker leaves them; and a
// life of a process with that log. For fuzzers.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/check.h"
#include "engine/storage/log.h"
#include "sim/kernel/absent.h"
#include "tests/engine/storage/test_batches.h"
#include "tests/engine/storage/test_world.h"
#include "tests/fuzz/memory_disk.h"
#include "tests/fuzz/runner.h"

namespace odradek::fuzz {

inline constexpr const char* kLogFolder = "data/topic-0";
// Three segments: a first, a last, and one that is neither.
inline constexpr int kTemplateBatches = 5;
inline constexpr int kTemplateRecords = 3 * kTemplateBatches;

inline storage::LogConfig SmallLogConfig() {
  storage::LogConfig config;
  config.segment_bytes = 300;
  config.index_interval_bytes = 100;
  return config;
}

// What one log needs of the world, made once.
class LogWorld {
 public:
  LogWorld()
      : env_{runner_.scheduler(), clock_,  disk, network_, entropy_, process_, offload_, rounds_, shards_, log_,
             observer_,           context_} {}

  env::Env& env() { return env_; }
  void Run(fiber::Body body) { runner_.Run(std::move(body)); }

  MemoryDisk disk;

 private:
  class Clock final : public env::Clock {
   public:
    explicit Clock(const Runner& runner) : runner_(runner) {}
    MonoTime Now() const override { return runner_.Now(); }
    MonoTime Instant() const override { return runner_.Now(); }
    WallTime WallNow() const override { return WallTime::FromUnixMillis(1'700'000'000'000); }

   private:
    const Runner& runner_;
  };
  class Silence final : public env::Log {
   public:
    void Write(env::LogLevel, std::string_view, std::string_view, std::initializer_list<env::LogField>) override {}
  };

  Runner runner_;
  Clock clock_{runner_};
  sim::NoNetwork network_;
  storage::TestEntropy entropy_;
  storage::NoProcess process_;
  storage::InlineOffload offload_;
  storage::NoRounds rounds_;
  storage::NoShards shards_;
  Silence log_;
  sim::NoObserver observer_;
  base::NullContext context_;
  env::Env env_;
};

inline LogWorld& World() {
  static LogWorld kWorld;
  return kWorld;
}

struct LogSeen {
  Offset start;
  Offset end;
  ByteBuffer bytes;
  friend bool operator==(const LogSeen&, const LogSeen&) = default;
};

// One life of the process that has the log. It is killed by the end of this object.
class LogLife {
 public:
  explicit LogLife(const storage::LogConfig& config = SmallLogConfig(), const storage::LogCheckpoints& checkpoints = {})
      : files_(World().disk, 16) {
    World().Run([&](fiber::Fiber& self) {
      auto opened = storage::Log::Open(self, World().env(), files_, nullptr, {{"topic", PartitionIndex(0)}, kLogFolder},
                                       config, checkpoints);
      if (opened.ok()) {
        log_ = *opened;
      } else {
        INVARIANT(!opened.status().message().empty());
      }
    });
  }
  LogLife(const LogLife&) = delete;
  LogLife& operator=(const LogLife&) = delete;

  bool is_open() const { return log_ != nullptr; }
  void Append(const storage::TestBatch& what) {
    World().Run([&](fiber::Fiber& self) {
      ByteBuffer batch = storage::Encode(what);
      log_->Append(self, batch, {.origin = storage::AppendOrigin::kClient, .leader_epoch = LeaderEpoch(0)});
      log_->SetHighWatermark(log_->log_end_offset());
    });
  }
  LogSeen ReadAll() {
    constexpr int64_t kReadMax = 1 << 20;
    LogSeen seen{.start = log_->log_start_offset(), .end = log_->log_end_offset()};
    World().Run([&](fiber::Fiber& self) {
      Offset from = log_->log_start_offset();
      while (from < log_->log_end_offset()) {
        const storage::ReadResult read =
            log_->Read(self, {.from = from, .bytes_max = kReadMax, .upper_bound = log_->log_end_offset()});
        if (!read.ok() || read.file == nullptr) return;
        ByteBuffer bytes;
        if (log_->ReadBytes(self, read, bytes) != storage::ReadError::kNone) return;
        INVARIANT(read.next_offset > from);
        from = read.next_offset;
        AppendBytes(seen.bytes, bytes);
      }
    });
    return seen;
  }
  void Close() {
    World().Run([&](fiber::Fiber& self) { log_->Close(self); });
  }

 private:
  storage::OpenFiles files_;
  std::shared_ptr<storage::Log> log_;
};

using FileContents = MemoryDisk::Files;

inline FileContents CopyOf(const FileContents& files) {
  FileContents copy;
  for (const auto& [path, content] : files) copy.emplace_hint(copy.end(), path, std::make_shared<ByteBuffer>(*content));
  return copy;
}

inline void StartWith(FileContents files) {
  World().disk.folders = {"data", kLogFolder};
  World().disk.files = std::move(files);
}

// With an idempotent producer, so that there are snapshots. `closes`: a clean end writes them and trims the indexes.
enum class LogEnd : uint8_t { kClosed, kKilled };
inline FileContents WriteLog(LogEnd end) {
  StartWith({});
  {
    LogLife life;
    INVARIANT(life.is_open());
    for (int i = 0; i < kTemplateBatches; ++i) {
      life.Append({.values = {"some value", "another value", std::to_string(i)},
                   .producer_id = ProducerId(7),
                   .producer_epoch = ProducerEpoch(0),
                   .base_sequence = 3 * i});
    }
    if (end == LogEnd::kClosed) life.Close();
  }
  return std::exchange(World().disk.files, {});
}

}  // namespace odradek::fuzz
