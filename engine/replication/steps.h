// What goes into the machine and what comes out of it. Plain values; nothing suspends.
//
// What the shell owes:
//  - Effects are carried out in order, those of one step before those of the next, each one finished before the next
//    begins. BeginLeaderEpoch, TruncateLog and RestartLog leave the epochs on disk; nothing else needs to be there.
//  - A broker that starts tells a new machine nothing of the metadata before its own registration is in it: in the
//  epoch
//    in which it led before, it may have lost what it appended, and must not append again (R5).
//  - Events that tell of the log (Appended, Flushed, LogStartRaised) come in the order in which the log changed. An
//    append that is under way when a PartitionChanged, PartitionRemoved or Resign is due is finished and told first
//    (BUG_ZOO RP24).
//  - AlterPartition requests of one leader reach the controller in the order in which they are sent, if they reach it:
//  an
//    answer to the last attempt that proves that it was not applied is taken to prove that for all earlier ones.
//  - Answers may come late, twice, or never. Those to another question than the present one are ignored.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "engine/base/ids.h"
#include "engine/base/time.h"
#include "engine/protocol/errors.h"
#include "engine/replication/epoch_cache.h"
#include "engine/replication/isr.h"
#include "engine/replication/types.h"

namespace odradek::replication {

using protocol::ErrorCode;

// --- what a follower asks its leader ---

// Of a partition in a Fetch request.
struct FetchPosition {
  LeaderEpoch current_leader_epoch = kNoLeaderEpoch;  // of a request; none: an old version, nothing is checked
  Offset fetch_offset{0};
  LeaderEpoch last_fetched_epoch = kNoLeaderEpoch;  // none: nothing to compare
  Offset log_start = kNoOffset;
  friend bool operator==(const FetchPosition&, const FetchPosition&) = default;
};

// OffsetForLeaderEpoch: where does the leader's log end in this epoch?
struct EpochEndQuestion {
  LeaderEpoch current_leader_epoch = kNoLeaderEpoch;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  friend bool operator==(const EpochEndQuestion&, const EpochEndQuestion&) = default;
};

// ListOffsets, the latest and the earliest local one: where does the leader's log begin and end?
struct OffsetsQuestion {
  LeaderEpoch current_leader_epoch = kNoLeaderEpoch;
  Offset own_end{0};  // not sent
  friend bool operator==(const OffsetsQuestion&, const OffsetsQuestion&) = default;
};

using Question = std::variant<FetchPosition, EpochEndQuestion, OffsetsQuestion>;

struct FetchedBatch {
  Offset base_offset{0};
  Offset next_offset{0};  // after the last record
  LeaderEpoch epoch{0};
  friend bool operator==(const FetchedBatch&, const FetchedBatch&) = default;
};

// --- into the machine ---

struct PartitionChanged {
  Registration registration;
};
// The topic is gone, or the metadata names this broker as a replica no more.
struct PartitionRemoved {};
// Surroundings::brokers is another: somebody was fenced, shuts down, came back.
struct BrokersChanged {};
struct LimitsChanged {
  Duration replica_lag_time_max;
  Duration replica_fetch_backoff;
  int32_t min_insync_replicas = 1;
  OwnEnd own_end = OwnEnd::kAppended;
};

// As the leader of this epoch we have appended up to `end`.
struct Appended {
  LeaderEpoch leader_epoch{0};
  Offset end{0};
};
// Our log is on disk up to `end`. Only needed with OwnEnd::kFlushed.
struct Flushed {
  Offset end{0};
};
// Retention has moved the log start of a leader. REQUIRES: not above the high watermark.
struct LogStartRaised {
  Offset start{0};
};

// acks=all: what was appended in this epoch up to `end` is to be acknowledged when it is committed.
struct AwaitCommit {
  Token token{0};
  LeaderEpoch leader_epoch{0};
  Offset end{0};
  MonoTime until;
};

enum class Throttle : uint8_t {
  kNo,
  kYes  // the quota of leader.replication.throttled.rate is used up, and this follower is one that it is for (KIP-73)
};
struct FollowerFetch {
  Token token{0};
  NodeId replica = kNoNode;
  BrokerEpoch broker_epoch = kNoBrokerEpoch;
  FetchPosition position;
  Throttle throttle = Throttle::kNo;
};

// What the controller has in the end, with an answer without error.
struct CommittedIsr {
  NodeId leader = kNoNode;
  LeaderEpoch leader_epoch{0};
  PartitionEpoch partition_epoch{0};
  NodeIds isr;
  LeaderRecoveryState recovery = LeaderRecoveryState::kRecovered;
};
// `error`: of the request as a whole or of this partition in it; REQUEST_TIMED_OUT or NETWORK_EXCEPTION if there was no
// answer.
struct AlterPartitionAnswered {
  AttemptId attempt{0};
  ErrorCode error = ErrorCode::kNone;
  CommittedIsr committed;
};

// −1: up to the high watermark. Answered when the low watermark, which is what all live replicas have deleted, is
// there.
struct DeleteRecords {
  Token token{0};
  Offset before{0};
  MonoTime until;
};

struct Fetched {
  FetchPosition asked;
  ErrorCode error = ErrorCode::kNone;  // NETWORK_EXCEPTION: there was no answer
  EpochEndOffset diverging;
  Offset high_watermark = kNoOffset;
  Offset log_start = kNoOffset;
  std::vector<FetchedBatch> batches;
};
struct EpochEndAnswered {
  EpochEndQuestion asked;
  ErrorCode error = ErrorCode::kNone;
  EpochEndOffset end;
};
struct OffsetsAnswered {
  OffsetsQuestion asked;
  ErrorCode error = ErrorCode::kNone;
  Offset log_start{0};
  Offset log_end{0};
};

// NOT_LEADER_OR_FOLLOWER: this broker shuts down; another leader epoch may bring the replica back. KAFKA_STORAGE_ERROR:
// its log directory is gone, and the replica with it.
struct Resign {
  ErrorCode why = ErrorCode::kNotLeaderOrFollower;
};

using Event = std::variant<PartitionChanged, PartitionRemoved, BrokersChanged, LimitsChanged, Appended, Flushed,
                           LogStartRaised, AwaitCommit, FollowerFetch, AlterPartitionAnswered, DeleteRecords, Fetched,
                           EpochEndAnswered, OffsetsAnswered, Resign>;

// --- out of the machine ---

// The log's leader epoch begins here, durably, before anything is appended in it.
struct BeginLeaderEpoch {
  LeaderEpoch leader_epoch;
  Offset start;
};
// The high watermark is at most `end` afterwards.
struct TruncateLog {
  Offset end;
};
// Drops everything; the log begins, and its high watermark stands, at `start`.
struct RestartLog {
  Offset start;
};
// The first `batches` of the batches that came with the answer, as they are.
struct AppendFetched {
  size_t batches = 0;
  Offset end;
};
// The high watermark is at least `start` afterwards. Nobody reads below `start` from now on, whatever else takes
// longer.
struct RaiseLogStart {
  Offset start;
};
struct AdvanceHighWatermark {
  Offset high_watermark;
};

struct SendAlterPartition {
  AttemptId attempt{0};
  LeaderEpoch leader_epoch;
  PartitionEpoch partition_epoch;
  NodeIds isr;
  std::vector<BrokerEpoch> broker_epochs;  // of `isr`, in the same order
  LeaderRecoveryState recovery = LeaderRecoveryState::kRecovered;
};

struct AnswerCommit {
  Token token{0};
  ErrorCode error = ErrorCode::kNone;
};
struct AnswerDeleteRecords {
  Token token{0};
  ErrorCode error = ErrorCode::kNone;
  Offset low_watermark = kNoOffset;
};

// Of a Fetch. With an error nothing else is set but the hint.
struct FetchAnswer {
  ErrorCode error = ErrorCode::kNone;
  LeaderHint hint;
  EpochEndOffset diverging;
  Offset high_watermark = kNoOffset;
  Offset log_start = kNoOffset;
  // May be read; empty: there is nothing yet.
  Offset read_from{0};
  Offset read_end{0};
  NodeId preferred_read_replica = kNoNode;  // read there, nothing is read here (KIP-392)
  friend bool operator==(const FetchAnswer&, const FetchAnswer&) = default;
};
struct AnswerFetch {
  Token token{0};
  FetchAnswer answer;
};

enum class Role : uint8_t { kNone, kLeader, kFollower };
// At every change of leader, leader epoch or role. Whoever asks again must look who leads now.
struct AnnounceRole {
  Role role = Role::kNone;
  NodeId leader = kNoNode;
  LeaderEpoch leader_epoch;
};
// As a leader: the controller has committed another ISR.
struct AnnounceIsr {
  NodeIds isr;
  PartitionEpoch partition_epoch;
};

// Somebody said what cannot be if all keep the rules, or what is only possible after an unclean election.
enum class Trouble : uint8_t {
  kTruncatesBelowHighWatermark,  // done nevertheless: the log of the leader is what counts
  kFetchedOutOfOrder,            // not appended
  kDivergesInLaterEpoch,         // not truncated
  kContradictoryMetadata,        // ignored: two leaders in one epoch, an epoch that falls
};
struct ReportTrouble {
  Trouble trouble;
};

using Effect = std::variant<BeginLeaderEpoch, TruncateLog, RestartLog, AppendFetched, RaiseLogStart,
                            AdvanceHighWatermark, SendAlterPartition, AnswerCommit, AnswerDeleteRecords, AnswerFetch,
                            AnnounceRole, AnnounceIsr, ReportTrouble>;

struct Output {
  // Most steps of a leader have one or two: those cost no allocation.
  absl::InlinedVector<Effect, 2> effects;
};

}  // namespace odradek::replication
