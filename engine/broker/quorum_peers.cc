// What this replica asks others: a connection for each peer, one request on it at a time.
#include <fmt/format.h>

#include <utility>

#include "engine/base/check.h"
#include "engine/broker/quorum.h"
#include "engine/net/client_connection.h"

namespace odradek::broker {
namespace {

constexpr int16_t kFirstVoteVersionWithPreVotes = 2;
constexpr std::string_view kKraftVersionFeature = "kraft.version";

raft::KraftVersionsResponse KraftVersionsOf(const protocol::ApiVersionsResponse& versions) {
  raft::KraftVersionsResponse response;
  for (const auto& feature : versions.supported_features) {
    if (feature.name == kKraftVersionFeature) response.kraft_versions = {feature.min_version, feature.max_version};
  }
  return response;
}

}  // namespace

std::shared_ptr<net::ClientConnection> Quorum::ConnectTo(fiber::Fiber& self, NodeId peer, const env::Address& address,
                                                         raft::Failure& failure) {
  const auto known = peers_.find(peer);
  if (known != peers_.end() && known->second.address == address && known->second.connection->is_open()) {
    return known->second.connection;
  }
  net::ClientConnectionOptions options;
  options.client_id = fmt::format("raft-client-{}", machine_.self().id.value());
  options.setup_timeout = machine_.timeouts().request;
  options.request_timeout = machine_.timeouts().request;
  net::ClientConnection::OpenResult opened = net::ClientConnection::Open(self, env_, address, std::move(options));
  if (opened.connection == nullptr) {
    failure = opened.net_error == env::NetError::kRefused ? raft::Failure::kRefused : raft::Failure::kTimeout;
    return nullptr;
  }
  // Somebody may have connected meanwhile.
  Peer& slot = peers_[peer];
  if (slot.connection != nullptr) slot.connection->Close();
  slot = {opened.connection, address};
  return opened.connection;
}

void Quorum::SendTo(fiber::Fiber& self, const raft::SendRequest& request) {
  const env::Address address{request.at.host, request.at.port};
  raft::Failure failure = raft::Failure::kTimeout;
  const auto connection = ConnectTo(self, request.to, address, failure);
  if (connection == nullptr) return Step(raft::RequestFailed{request.id, failure});
  raft::Event event = Call(self, *connection, request);
  auto* failed = std::get_if<raft::RequestFailed>(&event);
  // A process that is gone refuses at once; one that hangs or is cut off does not.
  if (failed != nullptr && failed->failure == raft::Failure::kTimeout && !connection->is_open()) {
    if (ConnectTo(self, request.to, address, failure) == nullptr) failed->failure = failure;
  }
  Step(std::move(event));
}

template <typename Request, typename Response>
raft::Event Quorum::CallAs(fiber::Fiber& self, net::ClientConnection& connection, const Request& request,
                           raft::RequestId id, int16_t version_min) {
  const int16_t version = connection.PickVersion<Request>();
  if (version < version_min) return raft::RequestFailed{id, raft::Failure::kUnsupported};
  const net::CallResult<Response> result = connection.Call<Request, Response>(self, request, version);
  if (!result.ok()) return raft::RequestFailed{id, raft::Failure::kTimeout};
  if constexpr (std::is_same_v<Response, protocol::UpdateRaftVoterResponse>) {
    return raft::ResponseReceived{id, raft::Read(result.response, identity_)};
  } else {
    auto answer = raft::Read(result.response, identity_);
    if (answer) return raft::ResponseReceived{id, *std::move(answer)};
    REACHED(env_.context, "broker.quorum.unreadable_answer");
    return raft::RequestFailed{id, raft::Failure::kTimeout};
  }
}

raft::Event Quorum::Call(fiber::Fiber& self, net::ClientConnection& connection, const raft::SendRequest& request) {
  const raft::RequestId id = request.id;
  struct Visitor {
    Quorum& quorum;
    fiber::Fiber& self;
    net::ClientConnection& connection;
    raft::RequestId id;
    raft::Event operator()(const raft::VoteRequest& r) const {
      return quorum.CallAs<protocol::VoteRequest, protocol::VoteResponse>(
          self, connection, raft::Write(r, quorum.identity_), id,
          r.pre_vote ? kFirstVoteVersionWithPreVotes : int16_t{0});
    }
    raft::Event operator()(const raft::BeginQuorumEpochRequest& r) const {
      return quorum.CallAs<protocol::BeginQuorumEpochRequest, protocol::BeginQuorumEpochResponse>(
          self, connection, raft::Write(r, quorum.identity_), id);
    }
    raft::Event operator()(const raft::EndQuorumEpochRequest& r) const {
      return quorum.CallAs<protocol::EndQuorumEpochRequest, protocol::EndQuorumEpochResponse>(
          self, connection, raft::Write(r, quorum.identity_), id);
    }
    raft::Event operator()(const raft::FetchRequest& r) const {
      return quorum.CallAs<protocol::FetchRequest, protocol::FetchResponse>(self, connection,
                                                                            raft::Write(r, quorum.identity_), id);
    }
    raft::Event operator()(const raft::FetchSnapshotRequest& r) const {
      return quorum.CallAs<protocol::FetchSnapshotRequest, protocol::FetchSnapshotResponse>(
          self, connection, raft::Write(r, quorum.identity_), id);
    }
    raft::Event operator()(const raft::UpdateVoterRequest& r) const {
      return quorum.CallAs<protocol::UpdateRaftVoterRequest, protocol::UpdateRaftVoterResponse>(
          self, connection, raft::Write(r, quorum.identity_), id);
    }
    raft::Event operator()(const raft::KraftVersionsRequest&) const {
      return raft::ResponseReceived{id, KraftVersionsOf(connection.api_versions())};
    }
    // Only administrators ask for these.
    raft::Event operator()(const raft::AddVoterRequest&) const {
      return raft::RequestFailed{id, raft::Failure::kUnsupported};
    }
    raft::Event operator()(const raft::RemoveVoterRequest&) const {
      return raft::RequestFailed{id, raft::Failure::kUnsupported};
    }
  };
  return std::visit(Visitor{*this, self, connection, id}, request.request);
}

}  // namespace odradek::broker
