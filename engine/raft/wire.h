// Kafka's messages of the quorum to the machine's, and back. A Kafka message carries lists of topics and partitions, of
// which there is exactly one here: __cluster_metadata-0. Pure; messages are input and never asserted on.
//
//  1. What a Read() gives has passed every check that needs no state: cluster, topic, partition, counts.
//  2. An answer with an error for the whole request has epoch −1: it says nothing about where the quorum stands.
//
// Source: FEATURES.md 2.1; KIP-595, KIP-853.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/protocol/generated/add_raft_voter.h"
#include "engine/protocol/generated/begin_quorum_epoch.h"
#include "engine/protocol/generated/describe_quorum.h"
#include "engine/protocol/generated/end_quorum_epoch.h"
#include "engine/protocol/generated/fetch.h"
#include "engine/protocol/generated/fetch_snapshot.h"
#include "engine/protocol/generated/remove_raft_voter.h"
#include "engine/protocol/generated/update_raft_voter.h"
#include "engine/protocol/generated/vote.h"
#include "engine/raft/messages.h"
#include "engine/raft/raft.h"

namespace odradek::raft {

inline constexpr std::string_view kMetadataTopic = "__cluster_metadata";

struct Identity {
  std::string cluster_id;
  // Answers name the leader's endpoint of this listener.
  std::string listener;
};

// kNone and the message, or what the whole request is to be answered with.
template <typename Message>
struct Checked {
  ErrorCode error = ErrorCode::kNone;
  Message message = {};
};

Checked<VoteRequest> Read(const protocol::VoteRequest& request, const Identity& identity);
Checked<BeginQuorumEpochRequest> Read(const protocol::BeginQuorumEpochRequest& request, const Identity& identity);
Checked<EndQuorumEpochRequest> Read(const protocol::EndQuorumEpochRequest& request, const Identity& identity);
// `version` decides how the topic is named and whether the follower says its high watermark.
Checked<FetchRequest> Read(const protocol::FetchRequest& request, const Identity& identity, int16_t version);
Checked<FetchSnapshotRequest> Read(const protocol::FetchSnapshotRequest& request, const Identity& identity);
Checked<AddVoterRequest> Read(const protocol::AddRaftVoterRequest& request, const Identity& identity);
Checked<RemoveVoterRequest> Read(const protocol::RemoveRaftVoterRequest& request, const Identity& identity);
Checked<UpdateVoterRequest> Read(const protocol::UpdateRaftVoterRequest& request, const Identity& identity);

// A pre-vote needs version 2: an older peer is Failure::kUnsupported.
protocol::VoteRequest Write(const VoteRequest& request, const Identity& identity);
protocol::BeginQuorumEpochRequest Write(const BeginQuorumEpochRequest& request, const Identity& identity);
protocol::EndQuorumEpochRequest Write(const EndQuorumEpochRequest& request, const Identity& identity);
protocol::FetchRequest Write(const FetchRequest& request, const Identity& identity);
protocol::FetchSnapshotRequest Write(const FetchSnapshotRequest& request, const Identity& identity);
protocol::UpdateRaftVoterRequest Write(const UpdateVoterRequest& request, const Identity& identity);

// nullopt: not about the metadata log.
std::optional<VoteResponse> Read(const protocol::VoteResponse& response, const Identity& identity);
std::optional<BeginQuorumEpochResponse> Read(const protocol::BeginQuorumEpochResponse& response,
                                             const Identity& identity);
std::optional<EndQuorumEpochResponse> Read(const protocol::EndQuorumEpochResponse& response, const Identity& identity);
// The batches are read too; what is damaged and all behind it is left out.
std::optional<FetchResponse> Read(const protocol::FetchResponse& response, const Identity& identity);
std::optional<FetchSnapshotResponse> Read(const protocol::FetchSnapshotResponse& response, const Identity& identity);
VoterChangeResponse Read(const protocol::UpdateRaftVoterResponse& response, const Identity& identity);

// Older versions have no place for the leader's endpoint.
protocol::VoteResponse Write(const VoteResponse& response, const Identity& identity, int16_t version);
protocol::BeginQuorumEpochResponse Write(const BeginQuorumEpochResponse& response, const Identity& identity,
                                         int16_t version);
protocol::EndQuorumEpochResponse Write(const EndQuorumEpochResponse& response, const Identity& identity,
                                       int16_t version);
// Without the records, which the shell puts in.
protocol::FetchResponse Write(const FetchResponse& response, const Identity& identity, int16_t version);
protocol::FetchSnapshotResponse Write(const FetchSnapshotResponse& response, const Identity& identity, int16_t version);
protocol::AddRaftVoterResponse WriteAdd(const VoterChangeResponse& response);
protocol::RemoveRaftVoterResponse WriteRemove(const VoterChangeResponse& response);
protocol::UpdateRaftVoterResponse WriteUpdate(const VoterChangeResponse& response, const Identity& identity);

// KIP-836. `description` has no value on a replica that does not lead: the answer names who does, as far as `quorum`
// knows. `now` is what ages are taken from.
protocol::DescribeQuorumResponse WriteDescription(const protocol::DescribeQuorumRequest& request, const Raft& quorum,
                                                  const std::optional<QuorumDescription>& description, Timestamp now);

}  // namespace odradek::raft
