// How a node's clocks see the kernel's time. sim/clock has the one with offset, drift and steps.
#pragma once

#include "engine/base/time.h"

namespace odradek::sim {

// Where simulated wall clocks stand at virtual time 0: 2026-01-01T00:00:00Z.
inline constexpr WallTime kWallTimeAtStart = WallTime::FromUnixMillis(1767225600000);

class NodeTime {
 public:
  virtual ~NodeTime() = default;
  // Never goes back while the kernel's time goes on.
  virtual MonoTime Mono(MonoTime kernel) const = 0;
  // The first instant of the kernel at which Mono() is at least `mono`, as things stand now.
  virtual MonoTime KernelTimeOf(MonoTime mono) const = 0;
  virtual WallTime Wall(MonoTime kernel) const = 0;
};

// A node with a perfect clock.
class PerfectTime final : public NodeTime {
 public:
  MonoTime Mono(MonoTime kernel) const override { return kernel; }
  MonoTime KernelTimeOf(MonoTime mono) const override { return mono; }
  WallTime Wall(MonoTime kernel) const override { return kWallTimeAtStart + Duration::Nanos(kernel.nanos()); }
};

}  // namespace odradek::sim
