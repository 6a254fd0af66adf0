// Which records the disks of a run have damaged: the offsets behind the bytes. One per run; never suspends.
#pragma once

#include "sim/cluster/cluster.h"
#include "sim/disk/disk_model.h"
#include "sim/kernel/node_disk.h"
#include "sim/workload/node_recorder.h"

namespace odradek::explore {

class DamageLedger final : public sim::DamageObserver {
 public:
  // Both outlive it.
  DamageLedger(sim::Cluster& cluster, workload::NodeRecorder& nodes) : cluster_(cluster), nodes_(nodes) {}
  DamageLedger(const DamageLedger&) = delete;
  DamageLedger& operator=(const DamageLedger&) = delete;

  // Tells the recorder of the first record that a damage reaches. Damage of other files than logs takes no record.
  void OnDamage(sim::NodeIndex node, const sim::DiskDamage& damage) override;

  uint64_t damage_count() const { return damage_count_; }

 private:
  sim::Cluster& cluster_;
  workload::NodeRecorder& nodes_;
  uint64_t damage_count_ = 0;
};

}  // namespace odradek::explore
