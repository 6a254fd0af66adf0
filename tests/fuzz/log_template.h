// The files of a log of several segments, with indexes and producer snapshots, as our own broker leaves them; and a
// life of a process with that log. For fuzzers.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/check.h"
#include "engine/storage/log.h"
#include "tests/engine/storage/test_batches.h"
#include "tests/engine/storage/test_world.h"

namespace odradek::fuzz {

inline constexpr const char* kLogFolder = "data/topic-0";

inline storage::LogConfig SmallLogConfig() {
  storage::LogConfig config;
  config.segment_bytes = 300;
  config.index_interval_bytes = 100;
  return config;
}

// One life of the process that has the log.
class LogLife {
 public:
  explicit LogLife(storage::TestMachine& machine) : process_(machine.Boot()), files_(process_.disk, 16) {
    process_.Run([&](fiber::Fiber& self) {
      auto opened = storage::Log::Open(self, process_.env, files_, nullptr, {{"topic", PartitionIndex(0)}, kLogFolder},
                                       SmallLogConfig(), storage::LogCheckpoints{});
      if (opened.ok()) {
        log_ = *opened;
      } else {
        INVARIANT(!opened.status().message().empty());
      }
    });
  }
  ~LogLife() {
    log_.reset();
    process_.KillFibers();
  }
  LogLife(const LogLife&) = delete;
  LogLife& operator=(const LogLife&) = delete;

  bool is_open() const { return log_ != nullptr; }
  void Append(const storage::TestBatch& what) {
    process_.Run([&](fiber::Fiber& self) {
      ByteBuffer batch = storage::Encode(what);
      log_->Append(self, batch, {.origin = storage::AppendOrigin::kClient, .leader_epoch = LeaderEpoch(0)});
      log_->SetHighWatermark(log_->log_end_offset());
    });
  }
  void ReadAll() {
    constexpr int64_t kReadMax = 1 << 20;
    process_.Run([&](fiber::Fiber& self) {
      Offset from = log_->log_start_offset();
      while (from < log_->log_end_offset()) {
        const storage::ReadResult read =
            log_->Read(self, {.from = from, .bytes_max = kReadMax, .upper_bound = log_->log_end_offset()});
        if (!read.ok() || read.file == nullptr) return;
        ByteBuffer bytes;
        if (log_->ReadBytes(self, read, bytes) != storage::ReadError::kNone) return;
        INVARIANT(read.next_offset > from);
        from = read.next_offset;
      }
    });
  }
  void Close() {
    process_.Run([&](fiber::Fiber& self) { log_->Close(self); });
  }

 private:
  storage::TestProcess& process_;
  storage::OpenFiles files_;
  std::shared_ptr<storage::Log> log_;
};

using FileContents = std::map<std::string, ByteBuffer>;

inline FileContents ContentsOf(storage::TestMachine& machine) {
  FileContents contents;
  for (const auto& [path, file] : machine.model.Files()) {
    ByteBuffer& content = contents[path];
    content.resize(static_cast<size_t>(machine.model.SizeOf(*file)));
    machine.model.Read(*file, content, 0);
  }
  return contents;
}

// With an idempotent producer, so that there are snapshots. `closes`: a clean end writes them and trims the indexes.
enum class LogEnd : uint8_t { kClosed, kKilled };
inline FileContents WriteLog(LogEnd end) {
  storage::TestMachine machine;
  machine.model.CreateDirectory("data");
  machine.model.CreateDirectory(kLogFolder);
  {
    LogLife life(machine);
    INVARIANT(life.is_open());
    for (int i = 0; i < 8; ++i) {
      life.Append({.values = {"some value", "another value", std::to_string(i)},
                   .producer_id = ProducerId(7),
                   .producer_epoch = ProducerEpoch(0),
                   .base_sequence = 3 * i});
    }
    if (end == LogEnd::kClosed) life.Close();
  }
  machine.Kill();
  return ContentsOf(machine);
}

}  // namespace odradek::fuzz
