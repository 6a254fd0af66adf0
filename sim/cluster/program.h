// What runs on a simulated node.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "engine/env/env.h"

namespace odradek::sim {

// One process: the objects of a broker or client. Its constructor spawns fibers and does not wait; it is destroyed
// after all of its fibers are gone, whether they ended or were unwound.
class ProgramInstance {
 public:
  virtual ~ProgramInstance() = default;
  // Asks for a clean end: the process has ended when no fiber is left. A program that cannot stays as it is, and is
  // killed when the patience is over.
  virtual void RequestShutdown() {}
};

// Starts a process on a node: one env per shard, in the order of their ids, valid until the instance is destroyed.
using Program = std::function<std::unique_ptr<ProgramInstance>(std::span<env::Env* const> shards)>;

}  // namespace odradek::sim
