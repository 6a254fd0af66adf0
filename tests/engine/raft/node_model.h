// A node of a test's quorum: the real machine on a model of a disk, and what is under way between them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "tests/engine/raft/checker.h"
#include "tests/engine/raft/disk_model.h"

namespace odradek::raft {

inline constexpr int64_t kSnapshotBytes = 5;

// A request under way, or its answer.
struct Wire {
  NodeId from;
  NodeId to;
  RequestId id;
  int64_t incarnation = 0;  // of the node that asked
  Request request;
  std::optional<Response> response = std::nullopt;
};

struct NodeModel {
  struct Asked {
    NodeId from;
    RequestId id;
    int64_t incarnation = 0;
    Request request;
  };
  struct Flush {
    FlushId id;
    Offset end;
  };
  Options options;
  DiskModel disk;
  std::optional<QuorumState> quorum_state;
  std::optional<Raft> machine;
  int64_t incarnation = 0;
  MonoTime now;
  std::optional<Flush> flush;
  std::optional<SnapshotId> install;
  std::map<RequestToken, Asked> asked;
  int64_t tokens = 0;
  int64_t faults = 0;

  ReplicaView view() const { return {options.self, &disk, &quorum_state, machine ? &*machine : nullptr}; }
};

inline Endpoints EndpointsOf(NodeId id) {
  return {{"CONTROLLER", "node", static_cast<uint16_t>(id.value())}};
}
inline ReplicaKey KeyOf(int32_t id, uint64_t directory = 1) {
  return {NodeId(id), Uuid{static_cast<uint64_t>(id) + 1000, directory}};
}
inline Voter VoterOf(const ReplicaKey& key) {
  return {key, EndpointsOf(key.id), {}};
}

struct WorldOptions {
  int32_t voters = 3;
  int32_t observers = 0;
  bool is_dynamic = false;
  int32_t entries_per_fetch = 2;
  uint64_t seed = 0;
  Timeouts timeouts;
};

}  // namespace odradek::raft
