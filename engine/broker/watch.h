// Where a long poll sleeps.
#pragma once

#include "engine/base/ids.h"
#include "engine/base/time.h"
#include "engine/fiber/fiber.h"

namespace odradek::broker {

// Shared by the poll and the partitions that it watches, perhaps of several shards.
class Watch {
 public:
  explicit Watch(ShardId home) : home_(home) {}
  ShardId home() const { return home_; }

  // On the home shard only.
  void Signal() {
    signalled_ = true;
    queue_.WakeAll();
  }
  void WaitUntil(fiber::Fiber& self, MonoTime deadline) {
    while (!signalled_) {
      if (queue_.WaitUntil(self, deadline) == fiber::Wake::kTimeout) return;
    }
  }

 private:
  const ShardId home_;
  bool signalled_ = false;
  fiber::WaitQueue queue_;
};

}  // namespace odradek::broker
