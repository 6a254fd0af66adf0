#include "sim/network/network.h"

#include <utility>

#include "engine/base/check.h"
#include "sim/network/connection.h"
#include "sim/network/streams.h"

namespace odradek::sim {

SimNetwork::SimNetwork(Kernel& kernel, const NetworkOptions& options)
    : streams_(std::make_unique<Streams>(kernel, options)) {}

SimNetwork::~SimNetwork() {
  for (const auto& [host, network] : hosts_) INVARIANT(streams_->held_count(host) == 0);
}

env::Network& SimNetwork::AddHost(NodeIndex host) {
  streams_->AddHost(host);
  return *hosts_.emplace(host, std::make_unique<HostNetwork>(*streams_, host)).first->second;
}

void SimNetwork::AddName(NodeIndex host, std::string name) {
  streams_->AddName(host, std::move(name));
}

void SimNetwork::ProcessCrash(NodeIndex host) {
  streams_->ProcessCrash(host);
}

void SimNetwork::PowerLoss(NodeIndex host) {
  streams_->PowerLoss(host);
}

void SimNetwork::PowerOn(NodeIndex host) {
  streams_->PowerOn(host);
}

size_t SimNetwork::held_count(NodeIndex host) const {
  return streams_->held_count(host);
}

void SimNetwork::SetLink(const Direction& direction, const LinkOptions& options) {
  streams_->LinkOf(direction).options = options;
}

const LinkOptions& SimNetwork::link_options(const Direction& direction) const {
  return streams_->LinkOf(direction).options;
}

void SimNetwork::Cut(const Direction& direction) {
  streams_->LinkOf(direction).is_cut = true;
}

void SimNetwork::Mend(const Direction& direction) {
  Link& link = streams_->LinkOf(direction);
  link.is_cut = false;
  streams_->LinkChanged(link);
}

bool SimNetwork::is_cut(const Direction& direction) const {
  return streams_->LinkOf(direction).is_cut;
}

void SimNetwork::Stall(const Direction& direction) {
  streams_->LinkOf(direction).is_stalled = true;
}

void SimNetwork::Unstall(const Direction& direction) {
  Link& link = streams_->LinkOf(direction);
  link.is_stalled = false;
  streams_->LinkChanged(link);
}

void SimNetwork::Refuse(const Direction& direction) {
  streams_->LinkOf(direction).is_refusing = true;
}

void SimNetwork::Admit(const Direction& direction) {
  streams_->LinkOf(direction).is_refusing = false;
}

void SimNetwork::ResetConnections(const Direction& direction) {
  for (const EndId id : streams_->EndsBetween(direction)) {
    streams_->InjectReset(id);
    streams_->InjectReset(PeerOf(id));
  }
}

void SimNetwork::HalfClose(const Direction& direction) {
  for (const EndId id : streams_->EndsBetween(direction)) streams_->InjectEnd(id);
}

void SimNetwork::Heal() {
  std::vector<Direction> directions;
  for (const auto& [direction, link] : streams_->links()) directions.push_back(direction);
  for (const Direction& direction : directions) {
    Link& link = streams_->LinkOf(direction);
    const NetworkOptions& options = streams_->options();
    link.options = direction.from == direction.to ? options.loopback : options.link;
    link.is_cut = false;
    link.is_stalled = false;
    link.is_refusing = false;
    streams_->LinkChanged(link);
  }
}

}  // namespace odradek::sim
