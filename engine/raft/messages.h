// What replicas of the quorum say to each other, and administrators to the leader, stripped of what Kafka's messages
// carry besides: cluster id, topic and partition, which wire.h checks and fills in. Plain values; nothing suspends.
// Source: KIP-595 (vote, begin, end, fetch), KIP-996 (pre-vote), KIP-630 (snapshots), KIP-853 (voters), KIP-1166 (the
// follower's high watermark in Fetch).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/ids.h"
#include "engine/base/time.h"
#include "engine/protocol/errors.h"
#include "engine/raft/types.h"
#include "engine/raft/voter_set.h"

namespace odradek::raft {

using protocol::ErrorCode;

// Record batches that somebody else has read or made, and what the machine must know of them.
struct BatchFacts {
  Offset base_offset{0};
  Offset end_offset{0};  // exclusive
  LeaderEpoch epoch{0};
  // Of control batches: what they say about the quorum, and where.
  std::optional<VoterSet> voters = std::nullopt;
  Offset voters_offset{0};
  std::optional<int16_t> kraft_version = std::nullopt;
  Offset kraft_version_offset{0};
  friend bool operator==(const BatchFacts&, const BatchFacts&) = default;
};
struct Batches {
  std::vector<BatchFacts> facts;
  ByteBuffer bytes;  // all of them, one behind the other; the machine only passes them on
  friend bool operator==(const Batches&, const Batches&) = default;
};

struct VoteRequest {
  LeaderEpoch epoch{0};
  ReplicaKey candidate;
  // For whom this is; none in old versions. Another directory than ours: somebody means our predecessor.
  ReplicaKey voter;
  OffsetAndEpoch log_end;
  // "Would you vote for me?" The epoch is the sender's present one and nobody remembers anything (KIP-996).
  bool pre_vote = false;
  friend bool operator==(const VoteRequest&, const VoteRequest&) = default;
};

struct BeginQuorumEpochRequest {
  LeaderEpoch epoch{0};
  NodeId leader = kNoNode;
  Endpoints leader_endpoints;  // empty in old versions: those of the voter set
  ReplicaKey voter;
  friend bool operator==(const BeginQuorumEpochRequest&, const BeginQuorumEpochRequest&) = default;
};

struct EndQuorumEpochRequest {
  LeaderEpoch epoch{0};
  NodeId leader = kNoNode;
  Endpoints leader_endpoints;
  std::vector<ReplicaKey> successors;  // best first
  friend bool operator==(const EndQuorumEpochRequest&, const EndQuorumEpochRequest&) = default;
};

// The follower's log ends here and is on disk up to here: the leader counts it.
struct FetchRequest {
  LeaderEpoch epoch{0};
  ReplicaKey replica;
  Offset offset{0};
  LeaderEpoch last_epoch{0};
  // Answer also when the leader's is above this. nullopt: a version that does not say.
  std::optional<Offset> high_watermark = std::nullopt;
  Duration wait_max;
  int32_t bytes_max = 0;
  friend bool operator==(const FetchRequest&, const FetchRequest&) = default;
};

struct FetchSnapshotRequest {
  LeaderEpoch epoch{0};
  ReplicaKey replica;
  SnapshotId snapshot;
  int64_t position_bytes = 0;
  int32_t bytes_max = 0;
  friend bool operator==(const FetchSnapshotRequest&, const FetchSnapshotRequest&) = default;
};

struct AddVoterRequest {
  ReplicaKey replica;
  Endpoints endpoints;
  Duration timeout;
  bool ack_when_committed = true;
  friend bool operator==(const AddVoterRequest&, const AddVoterRequest&) = default;
};

struct RemoveVoterRequest {
  ReplicaKey replica;
  friend bool operator==(const RemoveVoterRequest&, const RemoveVoterRequest&) = default;
};

struct UpdateVoterRequest {
  LeaderEpoch epoch{0};
  Voter voter;
  friend bool operator==(const UpdateVoterRequest&, const UpdateVoterRequest&) = default;
};

// Which kraft.version a new voter can run at: an ApiVersions request, of which only this is looked at.
struct KraftVersionsRequest {
  friend bool operator==(const KraftVersionsRequest&, const KraftVersionsRequest&) = default;
};

using Request =
    std::variant<VoteRequest, BeginQuorumEpochRequest, EndQuorumEpochRequest, FetchRequest, FetchSnapshotRequest,
                 AddVoterRequest, RemoveVoterRequest, UpdateVoterRequest, KraftVersionsRequest>;

// What every answer between replicas begins with: how far the answering replica is.
struct Standing {
  ErrorCode error = ErrorCode::kNone;
  LeaderEpoch epoch{0};
  NodeId leader = kNoNode;
  Endpoints leader_endpoints;  // of the quorum's listener; empty: not known
  friend bool operator==(const Standing&, const Standing&) = default;
};

struct VoteResponse {
  Standing standing;
  bool granted = false;
  friend bool operator==(const VoteResponse&, const VoteResponse&) = default;
};

struct BeginQuorumEpochResponse {
  Standing standing;
  friend bool operator==(const BeginQuorumEpochResponse&, const BeginQuorumEpochResponse&) = default;
};

struct EndQuorumEpochResponse {
  Standing standing;
  friend bool operator==(const EndQuorumEpochResponse&, const EndQuorumEpochResponse&) = default;
};

struct FetchResponse {
  Standing standing;
  std::optional<Offset> high_watermark = std::nullopt;
  Offset log_start{0};
  std::optional<OffsetAndEpoch> diverging = std::nullopt;
  std::optional<SnapshotId> snapshot = std::nullopt;
  // The leader says from where to where to read, and the shell puts in the batches, at most bytes_max of them but at
  // least one, read before any later effect changes the log.
  Offset read_from{0};
  Offset read_end{0};
  int32_t bytes_max = 0;
  Batches batches;
  friend bool operator==(const FetchResponse&, const FetchResponse&) = default;
};

struct FetchSnapshotResponse {
  Standing standing;
  SnapshotId snapshot;
  int64_t size_bytes = 0;
  int64_t position_bytes = 0;
  // As with FetchResponse: what to read is the machine's, the bytes are the shell's.
  int32_t read_bytes = 0;
  ByteBuffer bytes;
  friend bool operator==(const FetchSnapshotResponse&, const FetchSnapshotResponse&) = default;
};

// To administrators, and to UpdateVoter.
struct VoterChangeResponse {
  ErrorCode error = ErrorCode::kNone;
  std::string message;
  // UpdateVoter's answer says where the leader is.
  LeaderEpoch epoch{0};
  NodeId leader = kNoNode;
  Endpoints leader_endpoints;
  friend bool operator==(const VoterChangeResponse&, const VoterChangeResponse&) = default;
};

struct KraftVersionsResponse {
  ErrorCode error = ErrorCode::kNone;
  VersionRange kraft_versions{0, 0};
  friend bool operator==(const KraftVersionsResponse&, const KraftVersionsResponse&) = default;
};

using Response = std::variant<VoteResponse, BeginQuorumEpochResponse, EndQuorumEpochResponse, FetchResponse,
                              FetchSnapshotResponse, VoterChangeResponse, KraftVersionsResponse>;

}  // namespace odradek::raft
