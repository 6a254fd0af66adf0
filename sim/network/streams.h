// Links, wires and what travels on them, for sim/network only: connection objects append bytes to the ring of the other
// end and announce them here; faults change links and ends. Nothing here suspends.
//
// Invariants:
//  1. Bytes never overtake each other: they lie in the receiver's ring in the order in which they were sent, and an
//     arrival only says how many more of them are visible. Arrivals at one end are at strictly ascending instants.
//  2. ring.size() <= window_bytes at every end.
//  3. What arrives over a cut link waits until it is mended, but for resets and connection attempts, which are lost.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/check.h"
#include "sim/kernel/kernel.h"
#include "sim/network/options.h"
#include "sim/network/wire.h"

namespace odradek::sim {

class Streams final : private EventHandler {
 public:
  Streams(Kernel& kernel, const NetworkOptions& options);
  ~Streams();
  Streams(const Streams&) = delete;
  Streams& operator=(const Streams&) = delete;

  Kernel& kernel() { return kernel_; }
  const NetworkOptions& options() const { return options_; }

  void AddHost(NodeIndex host);
  void AddName(NodeIndex host, std::string name);
  std::optional<NodeIndex> Resolve(std::string_view name, NodeIndex asking) const;
  int32_t NextPort(NodeIndex host);
  void PowerOn(NodeIndex host);
  // Connections end as the operating system ends them.
  void ProcessCrash(NodeIndex host);
  // Connections vanish; of what is on its way out, only what has left arrives.
  void PowerLoss(NodeIndex host);
  // Ends and ports that the host's process holds.
  size_t held_count(NodeIndex host) const;

  Link& LinkOf(const Direction& direction);
  const std::map<Direction, Link>& links() const { return links_; }
  // After the link's state changed: what was held back goes on if it may.
  void LinkChanged(Link& link);

  // A port, or false if it is taken.
  bool Listen(ListenPort& port);
  void Unlisten(ListenPort& port);

  // The client's end of a new wire, already on its way to the server; owned by the caller.
  EndId Open(const Direction& direction, int32_t port);
  End& end(EndId id) { return wires_[id.value() / 2]->ends[id.value() % 2]; }
  Wire& wire(EndId id) { return *wires_[id.value() / 2]; }
  // The last `size_bytes` of the peer's ring set out.
  enum class Travel : uint8_t { kDrawn, kAtOnce };
  void Transmit(EndId from, size_t size_bytes, Travel travel);
  Duration DrawLatency(EndId from);
  // The owner took bytes out of the ring.
  void NoteRead(EndId id) {
    if (end(PeerOf(id)).wants_room) GiveRoom(id);
  }
  void SendEnd(EndId from);
  // Both sides see a reset: the other one when it arrives.
  void Abort(EndId id);
  void Close(EndId id);
  // The owner lets go of an end that is closed or gone.
  void Disown(EndId id);

  // All ends in use, for faults.
  std::vector<EndId> EndsBetween(const Direction& direction) const;
  // A reset for this end out of nowhere.
  void InjectReset(EndId id);
  // The peer sees the end of the stream, the owner a reset when it sends more.
  void InjectEnd(EndId from);

 private:
  enum EventKind : uint16_t {
    kSegment = 1,
    kEnd,
    kReset,
    kRoom,
    kSyn,
    kSynAck,
    kSynRetry,
    kUnreachable,
    kGiveUp,
    kRelease
  };
  struct Host {
    bool is_up = true;
    int32_t next_port = kFirstPort;
    std::map<int32_t, ListenPort*> ports;
  };
  static constexpr int32_t kFirstPort = 32768;
  static constexpr int32_t kLastPort = 60999;

  void OnEvent(const Event& event) override;
  // What arrives at one end keeps its order.
  ChainId ChainOf(const Event& event) const override {
    return ChainOfHandler(handler_, static_cast<uint32_t>(event.arg >> 32));
  }
  void Dispatch(EventKind kind, EndId id, size_t size_bytes);
  void PushTo(EndId id, EventKind kind, Duration latency);
  void PushAt(MonoTime at, EndId id, EventKind kind, size_t size_bytes);
  Duration Latency(Wire& wire, const Link& link);
  Link& InLink(EndId id) { return *end(id).in; }
  End::Held& Hold(EndId id);
  void ArmGiveUp(EndId sender, MonoTime since);
  void MissAcknowledgement(EndId sender);
  void MaybeCorrupt(EndId from, size_t size_bytes);
  // Frees the wire if nobody needs it any more.
  void TryFree(EndId id) {
    const Wire& on = wire(id);
    if (on.pending_events == 0 && !on.ends[0].is_owned && !on.ends[1].is_owned) Free(id);
  }
  void Free(EndId id);

  void OnSegment(EndId id, size_t size_bytes);
  void OnSyn(EndId client);
  void OnSynAck(EndId client);
  void OnSynRetry(EndId client);
  void OnGiveUp(EndId sender);
  void OnRelease(EndId id);
  void ArriveSegment(EndId id, size_t size_bytes);
  void ArriveEnd(EndId id);
  void ArriveReset(EndId id);
  void Fail(EndId id, env::NetError error);
  void GiveRoom(EndId id);
  void DropVisible(End& end);
  void TraceEnd(EndId id, std::string_view what, size_t size_bytes) {
    if (kernel_.is_recording()) [[unlikely]]
      AddTrace(id, what, size_bytes);
  }
  void AddTrace(EndId id, std::string_view what, size_t size_bytes);
  Host& HostOf(NodeIndex host);

  Kernel& kernel_;
  const NetworkOptions options_;
  const HandlerId handler_;
  std::map<NodeIndex, Host> hosts_;
  std::map<std::string, NodeIndex, std::less<>> names_;  // but for those of the nodes
  std::map<Direction, Link> links_;
  std::vector<std::unique_ptr<Wire>> wires_;
  std::vector<uint32_t> free_wires_;
};

}  // namespace odradek::sim
