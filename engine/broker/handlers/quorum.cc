// What replicas of the metadata quorum ask each other, and administrators the quorum: Vote (0 to 2), BeginQuorumEpoch
// (0 to 1), EndQuorumEpoch (0 to 1), Fetch of the metadata log, FetchSnapshot (0 to 1), AddRaftVoter (0 to 1),
// RemoveRaftVoter (0), UpdateRaftVoter (0), DescribeQuorum (0 to 2). Sources: KIP-595, KIP-630, KIP-836, KIP-853.
#include <utility>

#include "engine/broker/handlers/forward.h"
#include "engine/broker/handlers/handlers.h"
#include "engine/raft/wire.h"

namespace odradek::broker {
namespace {

using protocol::ErrorCode;

// The machine's answer to what the request says. nullopt: what it says is wrong, and `response` tells it.
template <typename Answer, typename Request, typename Response>
std::optional<Answer> AskQuorum(RequestContext& context, raft::Checked<Request> checked, Response& response) {
  if (checked.error != ErrorCode::kNone) {
    response.error_code = protocol::ToWire(checked.error);
    return std::nullopt;
  }
  raft::Response answer = context.node.controller().quorum().Ask(context.self, std::move(checked.message));
  return std::get<Answer>(std::move(answer));
}

// From one replica to another.
template <typename Answer, typename Response, typename Request>
Response AnswerReplica(RequestContext& context, const Request& request) {
  Response response;
  const raft::Identity& identity = context.node.controller().quorum().identity();
  const auto answer = AskQuorum<Answer>(context, raft::Read(request, identity), response);
  return answer ? raft::Write(*answer, identity, context.version()) : response;
}

// Of requests that say nothing about how long they may take.
constexpr Duration kTimeout = Duration::Seconds(30);

// A client of a broker need not know who leads the quorum. nullopt: this replica answers.
template <typename Response, typename Request>
std::optional<Response> AskLeader(RequestContext& context, const Request& request, Duration timeout) {
  const bool leads = context.node.controller().quorum().leadership().epoch_start.has_value();
  return leads ? std::nullopt : Forward<Response>(context, request, ErrorCode::kNotController, timeout);
}

template <typename Response, typename Request>
raft::VoterChangeResponse ChangeVoters(RequestContext& context, const Request& request) {
  Response refusal;
  const raft::Identity& identity = context.node.controller().quorum().identity();
  auto answer = AskQuorum<raft::VoterChangeResponse>(context, raft::Read(request, identity), refusal);
  if (answer) return *std::move(answer);
  raft::VoterChangeResponse refused;
  refused.error = static_cast<ErrorCode>(refusal.error_code);
  return refused;
}

}  // namespace

protocol::VoteResponse HandleVote(RequestContext& context, const protocol::VoteRequest& request) {
  return AnswerReplica<raft::VoteResponse, protocol::VoteResponse>(context, request);
}

protocol::BeginQuorumEpochResponse HandleBeginQuorumEpoch(RequestContext& context,
                                                          const protocol::BeginQuorumEpochRequest& request) {
  return AnswerReplica<raft::BeginQuorumEpochResponse, protocol::BeginQuorumEpochResponse>(context, request);
}

protocol::EndQuorumEpochResponse HandleEndQuorumEpoch(RequestContext& context,
                                                      const protocol::EndQuorumEpochRequest& request) {
  return AnswerReplica<raft::EndQuorumEpochResponse, protocol::EndQuorumEpochResponse>(context, request);
}

protocol::FetchResponse HandleQuorumFetch(RequestContext& context, const protocol::FetchRequest& request) {
  protocol::FetchResponse response;
  const raft::Identity& identity = context.node.controller().quorum().identity();
  // A leader holds a fetch that has nothing to give.
  context.work_place.GiveUp();
  auto answer = AskQuorum<raft::FetchResponse>(context, raft::Read(request, identity, context.version()), response);
  if (!answer) return response;
  context.held_bytes = std::move(answer->batches.bytes);
  response = raft::Write(*answer, identity, context.version());
  if (answer->standing.error == ErrorCode::kNone) {
    response.responses.front().partitions.front().records = protocol::RecordsField(Bytes(context.held_bytes));
  }
  return response;
}

protocol::FetchSnapshotResponse HandleFetchSnapshot(RequestContext& context,
                                                    const protocol::FetchSnapshotRequest& request) {
  protocol::FetchSnapshotResponse response;
  const raft::Identity& identity = context.node.controller().quorum().identity();
  auto answer = AskQuorum<raft::FetchSnapshotResponse>(context, raft::Read(request, identity), response);
  if (!answer) return response;
  context.held_bytes = std::move(answer->bytes);
  response = raft::Write(*answer, identity, context.version());
  if (answer->standing.error == ErrorCode::kNone) {
    auto& partition = response.topics.front().partitions.front();
    partition.unaligned_records = protocol::RecordsField(Bytes(context.held_bytes));
  }
  return response;
}

protocol::AddRaftVoterResponse HandleAddRaftVoter(RequestContext& context,
                                                  const protocol::AddRaftVoterRequest& request) {
  // The answer comes when the change is committed.
  context.work_place.GiveUp();
  auto elsewhere = AskLeader<protocol::AddRaftVoterResponse>(context, request, Duration::Millis(request.timeout_ms));
  if (elsewhere) return *std::move(elsewhere);
  return raft::WriteAdd(ChangeVoters<protocol::AddRaftVoterResponse>(context, request));
}

protocol::RemoveRaftVoterResponse HandleRemoveRaftVoter(RequestContext& context,
                                                        const protocol::RemoveRaftVoterRequest& request) {
  context.work_place.GiveUp();
  if (auto elsewhere = AskLeader<protocol::RemoveRaftVoterResponse>(context, request, kTimeout)) {
    return *std::move(elsewhere);
  }
  return raft::WriteRemove(ChangeVoters<protocol::RemoveRaftVoterResponse>(context, request));
}

protocol::UpdateRaftVoterResponse HandleUpdateRaftVoter(RequestContext& context,
                                                        const protocol::UpdateRaftVoterRequest& request) {
  return raft::WriteUpdate(ChangeVoters<protocol::UpdateRaftVoterResponse>(context, request),
                           context.node.controller().quorum().identity());
}

protocol::DescribeQuorumResponse HandleDescribeQuorum(RequestContext& context,
                                                      const protocol::DescribeQuorumRequest& request) {
  if (auto elsewhere = AskLeader<protocol::DescribeQuorumResponse>(context, request, kTimeout)) {
    return *std::move(elsewhere);
  }
  const Quorum& quorum = context.node.controller().quorum();
  return raft::WriteDescription(request, quorum.machine(), quorum.machine().Describe(context.self.Now()),
                                context.home.env().clock.WallNow().timestamp());
}

}  // namespace odradek::broker
