// The part of Streams that is about hosts: names, ports, deaths, and faults on whole connections.
#include <algorithm>
#include <utility>

#include "engine/base/check.h"
#include "sim/network/streams.h"

namespace odradek::sim {

void Streams::AddHost(NodeIndex host) {
  REQUIRES(!hosts_.contains(host));
  hosts_.emplace(host, Host{});
}

void Streams::AddName(NodeIndex host, std::string name) {
  REQUIRES(hosts_.contains(host));
  REQUIRES(!Resolve(name, kNoNodeIndex).has_value());
  names_.emplace(std::move(name), host);
}

Streams::Host& Streams::HostOf(NodeIndex host) {
  const auto at = hosts_.find(host);
  REQUIRES(at != hosts_.end());
  return at->second;
}

std::optional<NodeIndex> Streams::Resolve(std::string_view name, NodeIndex asking) const {
  if (name.empty() || name == "localhost" || name == "0.0.0.0" || name == "127.0.0.1") return asking;
  for (const auto& [host, state] : hosts_) {
    if (kernel_.node_name(host) == name) return host;
  }
  const auto named = names_.find(name);
  return named == names_.end() ? std::nullopt : std::optional(named->second);
}

int32_t Streams::NextPort(NodeIndex host) {
  Host& on = HostOf(host);
  while (on.ports.contains(on.next_port)) on.next_port = on.next_port == kLastPort ? kFirstPort : on.next_port + 1;
  const int32_t port = on.next_port;
  on.next_port = port == kLastPort ? kFirstPort : port + 1;
  return port;
}

bool Streams::Listen(ListenPort& port) {
  Host& host = HostOf(port.host);
  if (!host.ports.emplace(port.address.port, &port).second) return false;
  port.is_open = true;
  return true;
}

void Streams::Unlisten(ListenPort& port) {
  if (!port.is_open) return;
  port.is_open = false;
  HostOf(port.host).ports.erase(port.address.port);
  const std::deque<EndId> backlog = std::exchange(port.backlog, {});
  for (const EndId id : backlog) {
    Abort(id);
    Disown(id);
  }
  port.waiters.WakeAll();
}

size_t Streams::held_count(NodeIndex host) const {
  size_t count = hosts_.at(host).ports.size();
  for (const auto& wire : wires_) {
    if (wire == nullptr) continue;
    for (const End& end : wire->ends) count += end.host == host && end.is_owned ? 1 : 0;
  }
  return count;
}

std::vector<EndId> Streams::EndsBetween(const Direction& direction) const {
  std::vector<EndId> ids;
  for (uint32_t slot = 0; slot < wires_.size(); ++slot) {
    if (wires_[slot] == nullptr) continue;
    for (uint32_t side = 0; side < 2; ++side) {
      const End& from = wires_[slot]->ends[side];
      const End& to = wires_[slot]->ends[1 - side];
      if (from.host == direction.from && to.host == direction.to && from.state == End::State::kOpen) {
        ids.push_back(EndId(slot * 2 + side));
      }
    }
  }
  return ids;
}

void Streams::InjectReset(EndId id) {
  PushTo(id, kReset, Latency(wire(id), InLink(id)));
}

void Streams::InjectEnd(EndId from) {
  end(from).is_severed = true;
  SendEnd(from);
}

void Streams::ProcessCrash(NodeIndex host) {
  // The backlog belongs to the ports, which end first.
  Host& on = HostOf(host);
  while (!on.ports.empty()) Unlisten(*on.ports.begin()->second);
  for (uint32_t slot = 0; slot < wires_.size(); ++slot) {
    for (uint32_t side = 0; side < 2; ++side) {
      if (wires_[slot] == nullptr || wires_[slot]->ends[side].host != host) continue;
      const End::State state = wires_[slot]->ends[side].state;
      if (state == End::State::kOpen || state == End::State::kConnecting) Close(EndId(slot * 2 + side));
    }
  }
}

void Streams::PowerLoss(NodeIndex host) {
  Host& on = HostOf(host);
  on.is_up = false;
  for (uint32_t slot = 0; slot < wires_.size(); ++slot) {
    for (uint32_t side = 0; side < 2; ++side) {
      if (wires_[slot] == nullptr || wires_[slot]->ends[side].host != host) continue;
      const EndId id(slot * 2 + side);
      End& lost = end(id);
      if (lost.state == End::State::kAbsent) continue;
      const MonoTime last_out = kernel_.Now() + Latency(wire(id), *lost.out);
      End& peer = end(PeerOf(id));
      peer.lost_after = std::min(peer.lost_after, last_out);
      lost.state = End::State::kVanished;
      DropVisible(lost);
    }
  }
  // Only now: ending a port must not tell anybody.
  while (!on.ports.empty()) Unlisten(*on.ports.begin()->second);
}

void Streams::PowerOn(NodeIndex host) {
  HostOf(host).is_up = true;
  for (uint32_t slot = 0; slot < wires_.size(); ++slot) {
    for (uint32_t side = 0; side < 2; ++side) {
      if (wires_[slot] == nullptr || wires_[slot]->ends[side].host != host) continue;
      const EndId id(slot * 2 + side);
      if (end(id).state != End::State::kVanished) continue;
      end(id).state = End::State::kGone;
      End& peer = end(PeerOf(id));
      if (peer.state != End::State::kOpen || !peer.is_unanswered) continue;
      peer.is_unanswered = false;
      PushTo(PeerOf(id), kReset, wire(id).draws.Between(options_.retransmit_min, options_.retransmit_max));
    }
  }
}

}  // namespace odradek::sim
