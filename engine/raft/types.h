// The words of the quorum: who a replica is, where it is reached, how far a log goes. Plain values; nothing suspends.
// Source: KIP-595 (offset and epoch), KIP-853 (replica keys, endpoints).
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/uuid.h"

namespace odradek::raft {

// A replica is a node with one particular disk: a node that comes back with another directory is another replica, which
// has promised nothing. The zero id is "not known": static voters, and requests of old versions.
struct ReplicaKey {
  NodeId id = kNoNode;
  Uuid directory_id;

  bool is_none() const { return id == kNoNode; }
  friend auto operator<=>(const ReplicaKey&, const ReplicaKey&) = default;
};

// Whether `replica` is the one that `known` names; a name without a directory fits every directory of its node.
inline bool Matches(const ReplicaKey& known, const ReplicaKey& replica) {
  return known.id == replica.id && (known.directory_id.is_zero() || known.directory_id == replica.directory_id);
}

// The end of a log, or of a snapshot: `offset` is exclusive, `epoch` that of the record before it. The order is that of
// Raft §5.4.1: the log whose last epoch is later is more up to date, among equals the longer one.
struct OffsetAndEpoch {
  LeaderEpoch epoch{0};
  Offset offset{0};
  friend auto operator<=>(const OffsetAndEpoch&, const OffsetAndEpoch&) = default;
};

using SnapshotId = OffsetAndEpoch;

// The snapshot that `format` writes for a quorum with dynamic voters. It is never sent to anybody: the first leader
// copies what it says into the log (KIP-853).
inline constexpr SnapshotId kBootstrapSnapshot{LeaderEpoch(0), Offset(0)};

struct Endpoint {
  std::string listener;
  std::string host;
  uint16_t port = 0;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

using Endpoints = std::vector<Endpoint>;

// nullptr: no endpoint of that listener.
inline const Endpoint* EndpointOf(const Endpoints& endpoints, const std::string& listener) {
  for (const Endpoint& endpoint : endpoints) {
    if (endpoint.listener == listener) return &endpoint;
  }
  return nullptr;
}

// Which levels of the feature kraft.version a node can run at.
struct VersionRange {
  int16_t min = 0;
  int16_t max = 1;
  bool Contains(int16_t version) const { return min <= version && version <= max; }
  friend bool operator==(const VersionRange&, const VersionRange&) = default;
};

// kraft.version: 0 has static voters without directory ids, from 1 on the voters are records of the log.
inline constexpr int16_t kStaticVoters = 0;
inline constexpr int16_t kDynamicVoters = 1;

}  // namespace odradek::raft
