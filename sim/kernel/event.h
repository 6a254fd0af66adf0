// What the kernel's queue holds: small values without closures or allocations. The traffic of a run is millions of
// them.
#pragma once

#include <cstdint>

#include "engine/base/strong.h"

namespace odradek::sim {

// Index into the kernel's table of handlers. Never used again after the handler is removed.
using HandlerId = base::Strong<struct HandlerIdTag, uint32_t>;

// Events of one chain happen in the order of their times, whatever the strategy. Another chain's can come between.
using ChainId = base::Strong<struct ChainIdTag, uint64_t>;
// In the order of time among all events.
inline constexpr ChainId kNoChain{UINT64_MAX};
// Of a handler's own numbering, below 2^32.
constexpr ChainId ChainOfHandler(HandlerId handler, uint32_t number) {
  return ChainId((uint64_t{handler.value()} << 32) | number);
}

struct Event {
  int64_t time_ns = 0;
  uint64_t tie = 0;
  HandlerId handler;
  uint16_t kind = 0;   // what the handler makes of it
  uint16_t small = 0;  // free for the handler
  uint64_t arg = 0;    // free for the handler; never a pointer: it is part of the history
};
static_assert(sizeof(Event) == 32);

class EventHandler {
 public:
  virtual void OnEvent(const Event& event) = 0;
  // For the strategy that orders chains (pct.h).
  virtual ChainId ChainOf(const Event& event) const { return ChainOfHandler(event.handler, 0); }

 protected:
  ~EventHandler() = default;
};

}  // namespace odradek::sim
