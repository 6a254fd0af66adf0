// The state of links and streams, for sim/network only. A wire is one stream with its two ends; each end receives into
// its own ring, in which the bytes on their way lie behind those that have arrived. A wire is freed when nobody holds
// either end and no event for it is in the kernel's queue.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "engine/env/network.h"
#include "engine/fiber/fiber.h"
#include "sim/kernel/kernel.h"
#include "sim/network/byte_ring.h"
#include "sim/network/options.h"

namespace odradek::sim {

// wire * 2 + side.
using EndId = base::Strong<struct EndIdTag, uint32_t>;
constexpr EndId PeerOf(EndId end) {
  return EndId(end.value() ^ 1);
}

// One direction between two hosts.
struct Link {
  Direction direction;
  LinkOptions options = {};
  bool is_cut = false;
  bool is_stalled = false;
  bool is_refusing = false;
  MonoTime free_at = {};          // when the last byte so far has left the sender
  uint64_t connection_count = 0;  // opened over this direction so far
  std::vector<EndId> held = {};   // ends that hold back what arrived while the link was blocked
  bool is_blocked() const { return is_cut || is_stalled; }
};

struct alignas(64) End {
  enum class State : uint8_t {
    kAbsent,      // the server's end before the client's first packet
    kConnecting,  // the client's end before the answer
    kOpen,
    kGone,      // closed: its host answers what comes with a reset
    kVanished,  // lost with the power of its host: nothing answers
  };

  // Touched by every segment: in the first cache lines.
  State state = State::kAbsent;
  bool is_owned = false;       // by a connection object or a listener's backlog
  bool is_closed = false;      // by its owner
  bool has_sent_end = false;   // no more bytes come from here
  bool is_severed = false;     // by a fault, not by its owner
  bool end_arrived = false;    // the peer's end of stream
  bool wants_room = false;     // a sender waits for the peer's window
  bool is_one_byte = false;    // reads deliver a byte at a time
  bool is_held = false;        // stands in its incoming link's list
  bool give_up_armed = false;  // a kGiveUp event is under way
  bool is_unanswered = false;  // it sent to a peer that has vanished
  uint8_t connect_tries = 0;
  env::NetError error = env::NetError::kNone;
  Link* out = nullptr;  // towards the peer
  Link* in = nullptr;   // from the peer
  ByteRing ring;
  size_t visible_bytes = 0;
  size_t window_bytes = 0;  // the ring never holds more
  MonoTime last_arrival;    // of what is on its way to this end
  MonoTime lost_after = MonoTime::Never();
  fiber::WaitQueue readable;
  fiber::WaitQueue writable;

  NodeIndex host = kNoNodeIndex;
  env::Address peer_address;
  MonoTime held_since;  // also: since when its bytes vanish
  // Since when bytes from here arrive, but no acknowledgement comes back.
  MonoTime unacknowledged_since = MonoTime::Never();
  // Came while the incoming link was blocked.
  struct Held {
    size_t bytes = 0;
    bool end = false;
    bool reset = false;
    bool room = false;
    bool any() const { return bytes > 0 || end || reset || room; }
  } held;
};

// A port on which a host listens.
struct ListenPort {
  NodeIndex host = kNoNodeIndex;
  env::Address address = {};
  bool is_open = false;
  std::deque<EndId> backlog = {};
  fiber::WaitQueue waiters;
};

struct Wire {
  uint32_t pending_events = 0;
  int32_t server_port = 0;
  DrawStream draws{0, Entity{}, Purpose{}};
  End ends[2];  // client, server
};

}  // namespace odradek::sim
