#include "sim/network/streams.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "engine/base/check.h"

namespace odradek::sim {
namespace {

constexpr Duration kOneNano = Duration::Nanos(1);
// A heavy tail doubles at most this often.
constexpr int kTailDoublingsMax = 10;

}  // namespace

Streams::Streams(Kernel& kernel, const NetworkOptions& options)
    : kernel_(kernel), options_(options), handler_(kernel.AddHandler(*this)) {
  REQUIRES(options.window_bytes_min > 0);
  REQUIRES(options.window_bytes_min <= options.window_bytes_max);
}

Streams::~Streams() {
  kernel_.RemoveHandler(handler_);
}

Link& Streams::LinkOf(const Direction& direction) {
  const auto at = links_.find(direction);
  if (at != links_.end()) return at->second;
  Link& link = links_[direction];
  link.direction = direction;
  link.options = direction.from == direction.to ? options_.loopback : options_.link;
  return link;
}

Duration Streams::Latency(Wire& wire, const Link& link) {
  const LinkOptions& options = link.options;
  Duration latency = options.latency_min;
  if (options.latency_spread.nanos() > 0) {
    latency =
        latency +
        Duration::Nanos(static_cast<int64_t>(wire.draws.Below(static_cast<uint64_t>(options.latency_spread.nanos()))));
  }
  if (options.tail_ppm > 0 && wire.draws.PartsPerMillion(options.tail_ppm)) {
    const int doublings = std::min(std::countl_zero(wire.draws.Next()), kTailDoublingsMax);
    latency = latency + options.tail_unit * (int64_t{1} << doublings);
  }
  return latency;
}

inline void Streams::PushAt(MonoTime at, EndId id, EventKind kind, size_t size_bytes) {
  ++wire(id).pending_events;
  kernel_.Push(at, handler_, {.kind = kind, .arg = (uint64_t{id.value()} << 32) | size_bytes});
}

void Streams::PushTo(EndId id, EventKind kind, Duration latency) {
  End& to = end(id);
  to.last_arrival = std::max(kernel_.Now() + latency, to.last_arrival + kOneNano);
  PushAt(to.last_arrival, id, kind, 0);
}

inline void Streams::ArriveSegment(EndId id, size_t size_bytes) {
  End& to = end(id);
  if (kernel_.Now() >= to.lost_after) {
    to.ring.DropBack(size_bytes);
    return;
  }
  switch (to.state) {
    case End::State::kConnecting:  // the answer to the attempt was lost, the data behind it says the same
      to.state = End::State::kOpen;
      to.writable.WakeAll();
      [[fallthrough]];
    case End::State::kOpen:
      to.visible_bytes += size_bytes;
      INVARIANT(to.visible_bytes <= to.ring.size());
      if (to.out->is_cut) MissAcknowledgement(PeerOf(id));
      TraceEnd(id, "received", size_bytes);
      to.readable.WakeOne();
      return;
    case End::State::kGone:
      to.ring.DropFront(size_bytes);
      if (end(PeerOf(id)).state == End::State::kOpen) PushTo(PeerOf(id), kReset, Latency(wire(id), *to.out));
      return;
    case End::State::kVanished: {
      to.ring.DropFront(size_bytes);
      End& sender = end(PeerOf(id));
      if (!sender.is_unanswered) to.held_since = kernel_.Now();
      sender.is_unanswered = true;
      ArmGiveUp(PeerOf(id), to.held_since);
      return;
    }
    case End::State::kAbsent:
      INVARIANT(!"bytes for an end that nobody opened");
  }
}

inline void Streams::OnSegment(EndId id, size_t size_bytes) {
  if (!InLink(id).is_blocked()) return ArriveSegment(id, size_bytes);
  Hold(id).bytes += size_bytes;
  if (InLink(id).is_cut) ArmGiveUp(PeerOf(id), end(id).held_since);
}

EndId Streams::Open(const Direction& direction, int32_t port) {
  Link& there = LinkOf(direction);
  Link& back = LinkOf({.from = direction.to, .to = direction.from});
  uint32_t slot = 0;
  if (free_wires_.empty()) {
    slot = static_cast<uint32_t>(wires_.size());
    wires_.emplace_back();
  } else {
    slot = free_wires_.back();
    free_wires_.pop_back();
  }
  wires_[slot] = std::make_unique<Wire>();
  Wire& wire = *wires_[slot];
  wire.server_port = port;
  const std::string& from = kernel_.node_name(direction.from);
  const std::string& to = kernel_.node_name(direction.to);
  const Entity whole = EntityOf(fmt::format("{}>{}", from, to));
  wire.draws = DrawStream(kernel_.options().seed, PartOf(whole, there.connection_count++), PurposeOf("stream"));
  const auto smallest = static_cast<uint64_t>(options_.window_bytes_min);
  const auto doublings = std::bit_width(static_cast<uint64_t>(options_.window_bytes_max) / smallest) - 1;
  for (End& end : wire.ends) {
    end.window_bytes = smallest << wire.draws.Between(0, doublings);
    end.is_one_byte = wire.draws.PartsPerMillion(options_.one_byte_stream_ppm);
  }
  const EndId client(slot * 2);
  End& mine = wire.ends[0];
  mine.host = direction.from;
  mine.state = End::State::kConnecting;
  mine.is_owned = true;
  mine.out = &there;
  mine.in = &back;
  // A name stands for an address, which is another text: nobody may find his peer by comparing the two.
  mine.peer_address = {.host = "ip-of-" + std::string(to), .port = port};
  End& theirs = wire.ends[1];
  theirs.host = direction.to;
  theirs.out = &back;
  theirs.in = &there;
  theirs.peer_address = {.host = from, .port = NextPort(direction.from)};
  PushTo(PeerOf(client), kSyn, Latency(wire, there));
  PushAt(kernel_.Now() + options_.connect_retry, client, kSynRetry, 0);
  return client;
}

Duration Streams::DrawLatency(EndId from) {
  return Latency(wire(from), *end(from).out);
}

void Streams::Transmit(EndId from, size_t size_bytes, Travel travel) {
  Wire& on = wire(from);
  End& to = on.ends[PeerOf(from).value() % 2];
  Link& link = *to.in;
  if (link.options.corrupt_ppm > 0) [[unlikely]]
    MaybeCorrupt(from, size_bytes);
  MonoTime departure = kernel_.Now();
  if (link.options.bytes_per_second > 0) {
    const auto nanos =
        static_cast<__int128>(size_bytes) * 1'000'000'000 / std::max<int64_t>(link.options.bytes_per_second, 1);
    departure = std::max(departure, link.free_at) + Duration::Nanos(static_cast<int64_t>(nanos));
    link.free_at = departure;
  }
  const Duration latency = travel == Travel::kDrawn ? Latency(on, link) : kOneNano;
  to.last_arrival = std::max(departure + latency, to.last_arrival + kOneNano);
  PushAt(to.last_arrival, PeerOf(from), kSegment, size_bytes);
  TraceEnd(from, "sent", size_bytes);
}

void Streams::MaybeCorrupt(EndId from, size_t size_bytes) {
  Wire& on = wire(from);
  if (!on.draws.PartsPerMillion(end(from).out->options.corrupt_ppm)) return;
  End& to = end(PeerOf(from));
  const uint64_t bit = on.draws.Below(size_bytes * 8);
  to.ring.at(to.ring.size() - size_bytes + bit / 8) ^= static_cast<std::byte>(1U << (bit % 8));
  TraceEnd(from, "corrupted", size_bytes);
}

void Streams::OnEvent(const Event& event) {
  const EndId id(static_cast<uint32_t>(event.arg >> 32));
  const auto size_bytes = static_cast<size_t>(event.arg & 0xffffffff);
  INVARIANT(wires_[id.value() / 2] != nullptr);
  --wire(id).pending_events;
  if (event.kind == kSegment) {
    OnSegment(id, size_bytes);
  } else {
    Dispatch(static_cast<EventKind>(event.kind), id, size_bytes);
  }
  TryFree(id);
}

void Streams::Dispatch(EventKind kind, EndId id, size_t size_bytes) {
  switch (kind) {
    case kSegment:
      return OnSegment(id, size_bytes);
    case kEnd:
      if (InLink(id).is_blocked()) {
        Hold(id).end = true;
        return;
      }
      return ArriveEnd(id);
    case kReset:
      if (InLink(id).is_cut) return;
      if (InLink(id).is_stalled) {
        Hold(id).reset = true;
        return;
      }
      return ArriveReset(id);
    case kRoom:
      if (InLink(id).is_blocked()) {
        Hold(id).room = true;
        return;
      }
      return end(id).writable.WakeAll();
    case kSyn:
      return OnSyn(PeerOf(id));
    case kSynAck:
      return OnSynAck(id);
    case kSynRetry:
      return OnSynRetry(id);
    case kUnreachable:
      if (end(id).state == End::State::kConnecting) Fail(id, env::NetError::kUnreachable);
      return;
    case kGiveUp:
      return OnGiveUp(id);
    case kRelease:
      return OnRelease(id);
  }
}

End::Held& Streams::Hold(EndId id) {
  End& to = end(id);
  if (!to.is_held) {
    to.is_held = true;
    to.held_since = kernel_.Now();
    InLink(id).held.push_back(id);
  }
  return to.held;
}

void Streams::ArriveEnd(EndId id) {
  End& to = end(id);
  if (to.state != End::State::kOpen || kernel_.Now() >= to.lost_after) return;
  to.end_arrived = true;
  TraceEnd(id, "end of stream arrived", 0);
  to.readable.WakeAll();
}

void Streams::ArriveReset(EndId id) {
  const End::State state = end(id).state;
  if (state == End::State::kConnecting) Fail(id, env::NetError::kRefused);
  if (state == End::State::kOpen) Fail(id, env::NetError::kReset);
}

void Streams::Fail(EndId id, env::NetError error) {
  End& failed = end(id);
  failed.error = error;
  failed.state = End::State::kGone;
  DropVisible(failed);
  TraceEnd(id, env::ToString(error), 0);
  failed.readable.WakeAll();
  failed.writable.WakeAll();
}

void Streams::DropVisible(End& end) {
  end.ring.DropFront(end.visible_bytes);
  end.visible_bytes = 0;
}

void Streams::OnSyn(EndId client) {
  End& mine = end(client);
  End& theirs = end(PeerOf(client));
  Link& there = *mine.out;
  if (mine.state != End::State::kConnecting || there.is_blocked()) return;
  const Host& host = HostOf(theirs.host);
  if (!host.is_up) {
    constexpr uint64_t kOneInFour = 4;  // some routers tell that a host does not answer, most networks stay silent
    if (wire(client).draws.Below(kOneInFour) == 0) PushTo(client, kUnreachable, options_.connect_retry);
    return;
  }
  const Duration latency = Latency(wire(client), *theirs.out);
  const auto port = host.ports.find(wire(client).server_port);
  const bool is_new = theirs.state == End::State::kAbsent;
  const bool is_refused = is_new ? there.is_refusing || port == host.ports.end() : theirs.state != End::State::kOpen;
  if (is_refused) return PushTo(client, kReset, latency);
  if (is_new) {
    ListenPort& listening = *port->second;
    if (listening.backlog.size() >= options_.backlog_max) return;
    theirs.state = End::State::kOpen;
    theirs.is_owned = true;
    listening.backlog.push_back(PeerOf(client));
    listening.waiters.WakeOne();
  }
  PushTo(client, kSynAck, latency);
}

void Streams::OnSynAck(EndId client) {
  if (InLink(client).is_blocked()) return;
  End& mine = end(client);
  if (mine.state == End::State::kGone && mine.is_closed && !mine.has_sent_end) {
    // The client has given up meanwhile, and says so.
    if (end(PeerOf(client)).state == End::State::kOpen) PushTo(PeerOf(client), kReset, DrawLatency(client));
    return;
  }
  if (mine.state != End::State::kConnecting) return;
  mine.state = End::State::kOpen;
  TraceEnd(client, "connected", 0);
  mine.writable.WakeAll();
}

void Streams::OnSynRetry(EndId client) {
  End& mine = end(client);
  if (mine.state != End::State::kConnecting) return;
  if (++mine.connect_tries >= options_.connect_tries_max) return Fail(client, env::NetError::kTimedOut);
  PushTo(PeerOf(client), kSyn, Latency(wire(client), *mine.out));
  PushAt(kernel_.Now() + options_.connect_retry * (int64_t{1} << mine.connect_tries), client, kSynRetry, 0);
}

void Streams::ArmGiveUp(EndId sender, MonoTime since) {
  End& from = end(sender);
  if (from.give_up_armed || from.state != End::State::kOpen) return;
  from.give_up_armed = true;
  PushAt(since + options_.give_up_after, sender, kGiveUp, 0);
}

void Streams::MissAcknowledgement(EndId sender) {
  End& from = end(sender);
  if (from.unacknowledged_since == MonoTime::Never()) from.unacknowledged_since = kernel_.Now();
  ArmGiveUp(sender, from.unacknowledged_since);
}

void Streams::OnGiveUp(EndId sender) {
  End& from = end(sender);
  End& to = end(PeerOf(sender));
  from.give_up_armed = false;
  if (from.state != End::State::kOpen) return;
  const bool is_held = to.is_held && to.held.bytes > 0 && from.out->is_cut;
  const bool is_unanswered = from.is_unanswered && to.state == End::State::kVanished;
  const bool is_unacknowledged = InLink(sender).is_cut && from.unacknowledged_since != MonoTime::Never();
  if (!is_held && !is_unanswered && !is_unacknowledged) return;
  const MonoTime since = is_held || is_unanswered ? to.held_since : from.unacknowledged_since;
  if (kernel_.Now() < since + options_.give_up_after) return ArmGiveUp(sender, since);
  to.lost_after = std::min(to.lost_after, kernel_.Now());
  Fail(sender, env::NetError::kTimedOut);
}

void Streams::LinkChanged(Link& link) {
  if (link.is_blocked()) return;
  for (const EndId id : EndsBetween({.from = link.direction.to, .to = link.direction.from})) {
    end(id).unacknowledged_since = MonoTime::Never();
  }
  const std::vector<EndId> held = std::exchange(link.held, {});
  for (const EndId id : held) {
    const Duration wait = wire(id).draws.Between(options_.retransmit_min, options_.retransmit_max);
    PushAt(kernel_.Now() + wait, id, kRelease, 0);
  }
}

void Streams::OnRelease(EndId id) {
  End& to = end(id);
  INVARIANT(to.is_held);
  if (InLink(id).is_blocked()) {
    to.held_since = kernel_.Now();
    InLink(id).held.push_back(id);
    if (InLink(id).is_cut && to.held.bytes > 0) ArmGiveUp(PeerOf(id), to.held_since);
    return;
  }
  to.is_held = false;
  const End::Held held = std::exchange(to.held, {});
  if (held.bytes > 0) ArriveSegment(id, held.bytes);
  if (held.end) ArriveEnd(id);
  if (held.room) to.writable.WakeAll();
  if (held.reset) ArriveReset(id);
}

void Streams::GiveRoom(EndId id) {
  end(PeerOf(id)).wants_room = false;
  PushTo(PeerOf(id), kRoom, Latency(wire(id), *end(id).out));
}

void Streams::SendEnd(EndId from) {
  End& mine = end(from);
  if (mine.has_sent_end || mine.state != End::State::kOpen) return;
  mine.has_sent_end = true;
  PushTo(PeerOf(from), kEnd, Latency(wire(from), *mine.out));
  mine.writable.WakeAll();
}

void Streams::Abort(EndId id) {
  if (end(id).state != End::State::kOpen) return;
  PushTo(PeerOf(id), kReset, Latency(wire(id), *end(id).out));
  Fail(id, env::NetError::kReset);
}

void Streams::Close(EndId id) {
  End& mine = end(id);
  mine.is_closed = true;
  if (mine.state == End::State::kOpen) {
    // What the peer sent will never be read: it is told so, as TCP does.
    if (mine.visible_bytes > 0) {
      PushTo(PeerOf(id), kReset, Latency(wire(id), *mine.out));
    } else {
      SendEnd(id);
    }
  }
  if (mine.state == End::State::kOpen || mine.state == End::State::kConnecting) mine.state = End::State::kGone;
  DropVisible(mine);
  mine.readable.WakeAll();
  mine.writable.WakeAll();
}

void Streams::Disown(EndId id) {
  REQUIRES(end(id).is_owned);
  end(id).is_owned = false;
  TryFree(id);
}

void Streams::Free(EndId id) {
  for (const End& end : wire(id).ends) {
    if (end.is_held) return;
    INVARIANT(end.readable.empty());
    INVARIANT(end.writable.empty());
  }
  const uint32_t slot = id.value() / 2;
  wires_[slot].reset();
  free_wires_.push_back(slot);
}

void Streams::AddTrace(EndId id, std::string_view what, size_t size_bytes) {
  kernel_.TraceAt({.node = end(id).host}, TraceKind::kNetwork, [&] {
    std::string text = fmt::format("stream {} with {}: {}", id.value() / 2, ToString(end(id).peer_address), what);
    if (size_bytes > 0) text += fmt::format(" {} bytes", size_bytes);
    return text;
  });
}

}  // namespace odradek::sim
