// Damage to the files of a log: a log of several segments is written, then the input changes its files (bytes over,
// cut, added, removed), and the log is opened. It opens or says why not; what it then has is read to the end, appended
// to and closed. Nothing is asserted of what survives: that is the crash loops' work.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/check.h"
#include "engine/storage/log.h"
#include "tests/engine/storage/test_batches.h"
#include "tests/engine/storage/test_world.h"

namespace odradek::storage {
namespace fuzz {

constexpr int64_t kReadMax = 1 << 20;
constexpr int kEditsMax = 6;
constexpr size_t kEditBytesMax = 64;

// One life of the process that has the log.
class Life {
 public:
  Life(TestMachine& machine, const LogConfig& config) : process_(machine.Boot()), files_(process_.disk, 16) {
    process_.Run([&](fiber::Fiber& self) {
      auto opened = Log::Open(self, process_.env, files_, nullptr, {{"topic", PartitionIndex(0)}, "data/topic-0"},
                              config, LogCheckpoints{});
      if (opened.ok()) {
        log_ = *opened;
      } else {
        INVARIANT(!opened.status().message().empty());
      }
    });
  }
  ~Life() {
    log_.reset();
    process_.KillFibers();
  }
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;

  bool is_open() const { return log_ != nullptr; }
  void Append(const std::vector<std::string>& values) {
    process_.Run([&](fiber::Fiber& self) {
      ByteBuffer batch = Encode({.values = values});
      log_->Append(self, batch, {.origin = AppendOrigin::kClient, .leader_epoch = LeaderEpoch(0)});
      log_->SetHighWatermark(log_->log_end_offset());
    });
  }
  void ReadAll() {
    process_.Run([&](fiber::Fiber& self) {
      Offset from = log_->log_start_offset();
      while (from < log_->log_end_offset()) {
        const ReadResult read =
            log_->Read(self, {.from = from, .bytes_max = kReadMax, .upper_bound = log_->log_end_offset()});
        if (!read.ok() || read.file == nullptr) return;
        ByteBuffer bytes;
        if (log_->ReadBytes(self, read, bytes) != ReadError::kNone) return;
        INVARIANT(read.next_offset > from);
        from = read.next_offset;
      }
    });
  }
  void Close() {
    process_.Run([&](fiber::Fiber& self) { log_->Close(self); });
  }

 private:
  TestProcess& process_;
  OpenFiles files_;
  std::shared_ptr<Log> log_;
};

// Several segments, indexes with entries, a snapshot.
void Write(TestMachine& machine, const LogConfig& config, bool closes) {
  machine.model.CreateDirectory("data");
  machine.model.CreateDirectory("data/topic-0");
  Life life(machine, config);
  INVARIANT(life.is_open());
  for (int i = 0; i < 8; ++i) life.Append({"some value", "another value", std::to_string(i)});
  if (closes) life.Close();
}

void Edit(FuzzedDataProvider& input, sim::DiskModel& disk) {
  const auto files = disk.Files();
  if (files.empty()) return;
  const auto& [path, file] = files[input.ConsumeIntegralInRange<size_t>(0, files.size() - 1)];
  const int64_t size_bytes = disk.SizeOf(*file);
  enum class What : uint8_t { kOverwrite, kCut, kAppend, kRemove };
  switch (static_cast<What>(input.ConsumeIntegralInRange<int>(0, 3))) {
    case What::kOverwrite: {
      const auto at = input.ConsumeIntegralInRange<int64_t>(0, std::max<int64_t>(size_bytes - 1, 0));
      const std::vector<std::byte> bytes = input.ConsumeBytes<std::byte>(kEditBytesMax);
      disk.Write(*file, bytes, at);
      break;
    }
    case What::kCut:
      disk.Truncate(*file, input.ConsumeIntegralInRange<int64_t>(0, size_bytes));
      break;
    case What::kAppend: {
      const std::vector<std::byte> bytes = input.ConsumeBytes<std::byte>(kEditBytesMax);
      disk.Write(*file, bytes, size_bytes);
      break;
    }
    case What::kRemove:
      disk.Remove(path);
      break;
  }
}

void OpenDamaged(FuzzedDataProvider& input) {
  TestMachine machine;
  LogConfig config;
  config.segment_bytes = 300;
  config.index_interval_bytes = 100;
  Write(machine, config, input.ConsumeBool());
  machine.Kill();
  const int edit_count = input.ConsumeIntegralInRange<int>(1, kEditsMax);
  for (int i = 0; i < edit_count; ++i) Edit(input, machine.model);
  {
    Life life(machine, config);
    if (!life.is_open()) return;
    life.ReadAll();
    life.Append({"after the damage"});
    life.ReadAll();
    life.Close();
  }
  machine.Kill();
  Life again(machine, config);
  if (again.is_open()) again.ReadAll();
}

}  // namespace fuzz
}  // namespace odradek::storage

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzedDataProvider input(data, size);
  odradek::storage::fuzz::OpenDamaged(input);
  return 0;
}
