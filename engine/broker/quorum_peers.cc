// What this replica asks others: a connection for each peer, one request on it at a time.
#include <fmt/format.h>

#include <type_traits>
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

// What answers a request of the quorum; for decltype only.
struct Answer {
  protocol::VoteResponse To(const protocol::VoteRequest&) const;
  protocol::BeginQuorumEpochResponse To(const protocol::BeginQuorumEpochRequest&) const;
  protocol::EndQuorumEpochResponse To(const protocol::EndQuorumEpochRequest&) const;
  protocol::FetchResponse To(const protocol::FetchRequest&) const;
  protocol::FetchSnapshotResponse To(const protocol::FetchSnapshotRequest&) const;
  protocol::UpdateRaftVoterResponse To(const protocol::UpdateRaftVoterRequest&) const;
};

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

template <typename Response, typename Request>
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
  const auto call = [&](const auto& asked) -> raft::Event {
    using Asked = std::decay_t<decltype(asked)>;
    constexpr bool is_of_admins =
        std::is_same_v<Asked, raft::AddVoterRequest> || std::is_same_v<Asked, raft::RemoveVoterRequest>;
    if constexpr (std::is_same_v<Asked, raft::KraftVersionsRequest>) {
      return raft::ResponseReceived{request.id, KraftVersionsOf(connection.api_versions())};
    } else if constexpr (is_of_admins) {
      return raft::RequestFailed{request.id, raft::Failure::kUnsupported};
    } else {
      int16_t version_min = 0;
      if constexpr (std::is_same_v<Asked, raft::VoteRequest>) {
        if (asked.pre_vote) version_min = kFirstVoteVersionWithPreVotes;
      }
      const auto wire = raft::Write(asked, identity_);
      return CallAs<decltype(Answer().To(wire))>(self, connection, wire, request.id, version_min);
    }
  };
  return std::visit(call, request.request);
}

}  // namespace odradek::broker
