// The disk of a simulated node: DiskModel under virtual time, with faults. Outlives the processes that use it; owned by
// whoever runs the node.
//
// An operation returns at once or takes a drawn time; what suspends may take effect early or late in that time, in two
// parts (a read or write that another fiber overtakes in the middle), or not at all if the process dies first. A sync
// covers what came before it started and nothing later.
//
// Draws are keyed by (node, purpose) and, for faults, by the number of the injection: a plan without one fault meets
// the same others.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/env/disk.h"
#include "engine/fiber/fiber.h"
#include "sim/disk/disk_model.h"
#include "sim/kernel/kernel.h"
#include "sim/kernel/node_disk.h"

namespace odradek::sim {

// How long one kind of operation takes.
struct DiskTimes {
  // Share of the calls that take no time and do not suspend.
  uint32_t inline_ppm = 0;
  Duration min = Duration::Micros(1);
  Duration max = Duration::Micros(100);
  // Share of the rest that takes up to slow_max.
  uint32_t slow_ppm = 5'000;
  Duration slow_max = Duration::Millis(20);
};

struct DiskOptions {
  DiskModelOptions model = {};
  // From the page cache, mostly.
  DiskTimes read = {.inline_ppm = 900'000};
  DiskTimes write = {.inline_ppm = 900'000};
  DiskTimes sync = {
      .min = Duration::Micros(50), .max = Duration::Millis(4), .slow_ppm = 20'000, .slow_max = Duration::Millis(300)};
  // Names and sizes.
  DiskTimes metadata = {.inline_ppm = 700'000};
  int64_t open_files_max = 1 << 16;
  // Reads and opens of a file whose sync failed that find its clean pages evicted.
  uint32_t evict_ppm = 50'000;
};

class DiskCall;
class SimDisk;

class SimNodeDisk final : public NodeDisk {
 public:
  SimNodeDisk(Kernel& kernel, NodeIndex node, const DiskOptions& options);
  // REQUIRES: nothing is open.
  ~SimNodeDisk() override;
  SimNodeDisk(const SimNodeDisk&) = delete;
  SimNodeDisk& operator=(const SimNodeDisk&) = delete;

  env::Disk& disk() override;
  void Boot() override;
  void CutOff() override;
  // REQUIRES: nothing is open: the objects of a process die with it.
  void ProcessCrash() override;
  void PowerLoss() override;
  void Wipe() override;
  size_t open_count() const override;
  void Inject(const DiskFault& fault) override;
  void Heal() override;
  void Repair() override;
  void SetCapacity(int64_t capacity_bytes) override { model_.SetCapacity(capacity_bytes); }
  void SetObserver(DiskObserver* observer) override { observer_ = observer; }
  void SetDamageObserver(DamageObserver* observer) override { damage_observer_ = observer; }

  // For power losses to come.
  void SetPowerLossFate(PowerLossFate fate) { fate_ = fate; }
  // What the last loss of power took.
  const PowerLossReport& last_loss() const { return last_loss_; }
  // The ledger of all that was ever damaged, in order; DiskModel::DamageOf says what still is.
  const std::vector<DiskDamage>& damages() const { return damages_; }
  DiskModel& model() { return model_; }
  std::vector<env::OpenCall> OpenCalls(MonoTime before) const;

 private:
  friend class SimDisk;
  friend class SimFile;
  friend class SimFileLock;
  friend class DiskCall;

  struct ArmedFault {
    DiskFault fault;
    DrawStream draws;
    uint64_t hit_count = 0;
  };

  // Whether a fault of this kind hits the operation; counts it.
  bool Hits(DiskFaultKind kind, std::string_view path);
  void NoteDamage(DiskFaultKind kind, std::string_view path, int64_t begin, int64_t end);
  void RotAtRest(const DiskFault& fault, DrawStream draws);
  // A read found `bytes` of the file: one of them rots.
  void Rot(Inode& file, std::string_view path, int64_t begin, int64_t end);
  // One sector of what was read from `offset` on becomes another one.
  void Misread(MutableBytes bytes, std::string_view path, int64_t offset);
  void SyncMisdirected(const InodeRef& file, std::string_view path, uint64_t last_change);
  Duration SlowDelay(std::string_view path);
  const DiskTimes& TimesOf(DiskOperation operation) const;
  Duration DrawTime(DiskOperation operation);
  void MaybeEvict(Inode& file);

  Kernel& kernel_;
  const NodeIndex node_;
  const Entity entity_;
  const DiskOptions options_;
  DiskModel model_;
  DrawStream& time_draws_;
  DrawStream& shape_draws_;
  DrawStream& evict_draws_;
  DrawStream& loss_draws_;
  DrawStream& damage_draws_;
  std::deque<ArmedFault> faults_;
  uint64_t injected_count_ = 0;
  fiber::WaitQueue healed_;
  DiskObserver* observer_ = nullptr;
  DamageObserver* damage_observer_ = nullptr;
  std::vector<DiskDamage> damages_;
  std::unique_ptr<SimDisk> disk_;
  PowerLossFate fate_ = PowerLossFate::kDrawn;
  PowerLossReport last_loss_;
  size_t call_count_ = 0;
  DiskCall* first_call_ = nullptr;  // of those that are under way
  DiskCall* last_call_ = nullptr;
  bool is_cut_off_ = false;
};

}  // namespace odradek::sim
