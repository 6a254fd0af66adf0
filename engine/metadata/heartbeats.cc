#include "engine/metadata/heartbeats.h"

#include <algorithm>
#include <limits>

#include "engine/base/check.h"

namespace odradek::metadata {
namespace {

// Before every time.
constexpr MonoTime kOver = MonoTime::FromNanos(std::numeric_limits<int64_t>::min());

}  // namespace

Heartbeats::Heartbeats(Duration session_timeout) : session_timeout_(session_timeout) {
  REQUIRES(session_timeout > Duration());
}

void Heartbeats::Begin(const Image& image, MonoTime now) {
  contacts_.clear();
  for (const auto& [id, broker] : image.brokers()) {
    contacts_[id] = {broker.epoch, now + session_timeout_, kNoOffset, std::nullopt};
  }
  INVARIANT(contacts_.size() == image.brokers().size());
}

void Heartbeats::Registered(BrokerIdentity broker, MonoTime now) {
  REQUIRES(broker.id != kNoNode);
  REQUIRES(broker.epoch >= BrokerEpoch(0));
  if (Contact* const known = Find(broker); known != nullptr) {
    known->session_end = std::max(known->session_end, now + session_timeout_);
    return;
  }
  contacts_[broker.id] = {broker.epoch, now + session_timeout_, kNoOffset, std::nullopt};
}

void Heartbeats::Received(BrokerIdentity broker, Offset metadata_offset, MonoTime now) {
  Contact* const contact = Find(broker);
  if (contact == nullptr) return;
  contact->session_end = std::max(contact->session_end, now + session_timeout_);
  contact->metadata_offset = metadata_offset;
}

void Heartbeats::Decided(BrokerIdentity broker, const ControlChange& change, Offset last_offset) {
  REQUIRES(last_offset >= Offset(0));
  Contact* const contact = Find(broker);
  if (contact == nullptr) return;
  if (change.to == Control::kShuttingDown && !contact->shutdown_offset) contact->shutdown_offset = last_offset;
  const bool becomes_fenced = change.to == Control::kFenced && change.from != Control::kFenced;
  // One that was told to stop does not beat any more, and its successor need not wait.
  if (becomes_fenced || change.to == Control::kShutDownNow) Fenced(broker);
}

void Heartbeats::Fenced(BrokerIdentity broker) {
  Contact* const contact = Find(broker);
  if (contact == nullptr) return;
  contact->session_end = kOver;
  contact->shutdown_offset.reset();
}

void Heartbeats::Unregistered(NodeId broker) {
  contacts_.erase(broker);
}

Session Heartbeats::SessionOf(BrokerIdentity broker, MonoTime now) const {
  const Contact* const contact = Find(broker);
  return contact != nullptr && contact->session_end >= now ? Session::kLive : Session::kExpired;
}

std::optional<Heartbeats::Silence> Heartbeats::Longest(const Image& image) const {
  std::optional<Silence> longest;
  for (const auto& [id, broker] : image.brokers()) {
    if (broker.fenced) continue;
    const Contact* const contact = Find({id, broker.epoch});
    const MonoTime end = contact == nullptr ? kOver : contact->session_end;
    if (!longest || end < longest->end) longest = Silence{{id, broker.epoch}, end};
  }
  return longest;
}

std::optional<BrokerIdentity> Heartbeats::FindExpired(const Image& image, MonoTime now) const {
  const std::optional<Silence> longest = Longest(image);
  if (!longest || longest->end >= now) return std::nullopt;
  INVARIANT(SessionOf(longest->broker, now) == Session::kExpired);
  return longest->broker;
}

MonoTime Heartbeats::NextCheck(const Image& image) const {
  const std::optional<Silence> longest = Longest(image);
  return longest ? longest->end + Duration::Nanos(1) : MonoTime::Never();
}

std::optional<Offset> Heartbeats::ShutdownOffset(BrokerIdentity broker) const {
  const Contact* const contact = Find(broker);
  return contact == nullptr ? std::nullopt : contact->shutdown_offset;
}

std::optional<Offset> Heartbeats::LowestActiveOffset(const Image& image) const {
  std::optional<Offset> lowest;
  for (const auto& [id, broker] : image.brokers()) {
    if (!broker.is_active()) continue;
    const Contact* const contact = Find({id, broker.epoch});
    const Offset offset = contact == nullptr ? kNoOffset : contact->metadata_offset;
    lowest = lowest ? std::min(*lowest, offset) : offset;
  }
  return lowest;
}

const Heartbeats::Contact* Heartbeats::Find(BrokerIdentity broker) const {
  const auto at = contacts_.find(broker.id);
  return at == contacts_.end() || at->second.epoch != broker.epoch ? nullptr : &at->second;
}

Heartbeats::Contact* Heartbeats::Find(BrokerIdentity broker) {
  const auto at = contacts_.find(broker.id);
  return at == contacts_.end() || at->second.epoch != broker.epoch ? nullptr : &at->second;
}

}  // namespace odradek::metadata
