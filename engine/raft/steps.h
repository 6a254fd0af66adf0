// What goes into the machine and what comes out of it. Plain values; nothing suspends.
//
// The shell carries out effects in order, those of one step before those of the next, and it begins none before a
// PersistQuorumState in front of it is on disk. That is all it takes for "persisted before it is answered": the machine
// never names a promise (a vote, an epoch, a leader) in an answer or a request in front of the effect that persists it.
// What was lost by a crash between two effects was not said to anybody.
//
// Log effects (append, truncate) take place in order but need not be on disk: that is what FlushLog and LogFlushed are
// for. A follower says an offset in a fetch, and a leader counts itself, only up to what is flushed (PROPERTIES K7).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/strong.h"
#include "engine/base/time.h"
#include "engine/raft/messages.h"
#include "engine/raft/quorum_state.h"
#include "engine/raft/types.h"

namespace odradek::raft {

// A request of ours, until it is answered or has failed. Never used twice by one machine.
using RequestId = base::Strong<struct RequestIdTag, int64_t>;
// A request of somebody else, until we answer; chosen by the shell.
using RequestToken = base::Strong<struct RequestTokenTag, int64_t>;
using FlushId = base::Strong<struct FlushIdTag, int64_t>;

// --- into the machine ---

struct RequestReceived {
  RequestToken token;
  Request request;
};

// Answers may come late, twice, or for requests that the machine has given up: it knows which ones it waits for.
struct ResponseReceived {
  RequestId id;
  Response response;
};

enum class Failure : uint8_t {
  kTimeout,      // no answer in time, or the connection broke
  kRefused,      // the connection is gone and a new one was refused: the process is not there
  kUnsupported,  // the peer does not speak the version that this takes
};
struct RequestFailed {
  RequestId id;
  Failure failure = Failure::kTimeout;
};

// A peer's port is closed, seen without a request of ours (its connection broke and a new one was refused).
struct PeerRefused {
  NodeId peer;
};

// The log is on disk as far as it went when FlushLog was said.
struct LogFlushed {
  FlushId id;
};

// The state machine above wants these batches in the log, if this replica still leads in that epoch (BUG_ZOO RF17: it
// may have been deposed and elected again since the caller looked). Offsets and epoch in the bytes are the shell's to
// set, from the AppendProposal that follows.
struct Propose {
  RequestToken token;
  LeaderEpoch epoch{0};
  // Records of each batch.
  std::vector<int32_t> record_counts;
  ByteBuffer bytes;
};

// The state machine above has written a snapshot, at the end of a committed batch.
struct SnapshotTaken {
  SnapshotId id;
  int64_t size_bytes = 0;
};

// Retention: the log up to this snapshot is no longer needed.
struct TrimLog {
  SnapshotId snapshot;
};

// The end of InstallSnapshot: the log has been replaced, and this is what the snapshot says about the quorum. nullopt:
// the bytes were no snapshot and are gone.
struct InstalledSnapshot {
  std::optional<VoterSet> voters;
  int16_t kraft_version = kStaticVoters;
};
struct SnapshotInstalled {
  SnapshotId id;
  std::optional<InstalledSnapshot> content;
};

// Give leadership away if it is still that of this epoch.
struct Resign {
  LeaderEpoch epoch{0};
};

// No elections any more; a leader hands over. Finished when may_stop() is true.
struct Shutdown {};

using Event = std::variant<RequestReceived, ResponseReceived, RequestFailed, PeerRefused, LogFlushed, Propose,
                           SnapshotTaken, TrimLog, SnapshotInstalled, Resign, Shutdown>;

struct Input {
  MonoTime now;
  Event event;
};

// --- out of the machine ---

struct PersistQuorumState {
  QuorumState state;
};

// As a follower: these bytes as they are.
struct AppendBatches {
  Batches batches;
};

// As a leader: the proposal, with these offsets and this epoch set in its batches.
struct AppendProposal {
  RequestToken token;
  Offset base_offset;
  LeaderEpoch epoch;
  ByteBuffer bytes;
};

// As a leader: a batch of what is given, in this order (EncodeControlBatch() makes the bytes).
struct LeaderChange {
  NodeId leader;
  std::vector<NodeId> voters;
  std::vector<NodeId> granting_voters;
  friend bool operator==(const LeaderChange&, const LeaderChange&) = default;
};
struct AppendControl {
  Offset base_offset;
  LeaderEpoch epoch;
  std::optional<LeaderChange> leader_change;
  std::optional<int16_t> kraft_version;
  std::optional<VoterSet> voters;
};

struct TruncateLog {
  Offset end;
};

struct FlushLog {
  FlushId id;
};

// To whom: a replica by id, or a bootstrap server, whose id is not known, by a number below −1.
struct SendRequest {
  RequestId id;
  NodeId to;
  Endpoint at;
  Request request;
};

struct SendResponse {
  RequestToken token;
  Response response;
};

// The answer to Propose. Appended is not committed: that is when the high watermark has passed `end`, in this epoch.
struct AnswerProposal {
  RequestToken token;
  ErrorCode error = ErrorCode::kNone;
  Offset base_offset{0};
  Offset end{0};
};

// Never falls. What is below may be applied.
struct AdvanceHighWatermark {
  Offset high_watermark;
};

// Said at every change of epoch or leader. The state machine of a leader may decide anything only when all below
// `epoch_start` is applied, and others may be told what it decided only when the high watermark is above it (BUG_ZOO
// RF14, CT11).
struct AnnounceLeader {
  LeaderEpoch epoch;
  NodeId leader;
  std::optional<Offset> epoch_start;  // this replica leads
};

// A snapshot from the leader, piece by piece, the first at position 0 (what an earlier attempt left is to be dropped).
struct WriteSnapshot {
  SnapshotId id;
  int64_t position_bytes = 0;
  ByteBuffer bytes;
};
// All of it is there: sync it, replace the log by it, answer with SnapshotInstalled.
struct InstallSnapshot {
  SnapshotId id;
};

// The snapshots that were left behind, and the log up to there, can be deleted.
struct DeleteLogPrefix {
  SnapshotId snapshot;
};

// A peer said what cannot be if everybody keeps the rules: two leaders in one epoch, truncation of what is committed.
// Nothing was changed; the node must not go on as if nothing were.
struct Fault {
  std::string what;
};

using Effect = std::variant<PersistQuorumState, AppendBatches, AppendProposal, AppendControl, TruncateLog, FlushLog,
                            SendRequest, SendResponse, AnswerProposal, AdvanceHighWatermark, AnnounceLeader,
                            WriteSnapshot, InstallSnapshot, DeleteLogPrefix, Fault>;

struct Output {
  std::vector<Effect> effects;
};

}  // namespace odradek::raft
