#include "engine/broker/dispatch.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "engine/base/check.h"
#include "engine/broker/connection.h"
#include "engine/broker/handlers/handlers.h"
#include "engine/broker/node.h"
#include "engine/broker/shard.h"
#include "engine/protocol/framing.h"

namespace odradek::broker {
namespace {

using protocol::ApiKey;

// The encoded answer cut at its splices, the file ranges in between.
net::OutParts Assemble(protocol::Writer& writer, std::vector<storage::ReadResult>& files) {
  net::OutParts parts;
  if (writer.splices().empty()) {
    parts.emplace_back(writer.Take());
    return parts;
  }
  const Bytes all = writer.buffer();
  int64_t from = 0;
  const auto copy_until = [&](int64_t until) {
    const Bytes piece = all.subspan(static_cast<size_t>(from), static_cast<size_t>(until - from));
    if (!piece.empty()) parts.emplace_back(ByteBuffer(piece.begin(), piece.end()));
    from = until;
  };
  for (const protocol::Splice& splice : writer.splices()) {
    copy_until(splice.position);
    storage::ReadResult& file = files[static_cast<size_t>(splice.records.external().cookie)];
    parts.emplace_back(net::BorrowedFile{file.range(), file.file});
  }
  copy_until(static_cast<int64_t>(all.size()));
  return parts;
}

template <typename Response>
bool EncodeAnswer(RequestContext& context, const Response& response, net::OutParts& out) {
  protocol::Writer writer({}, context.home.flusher().spare_buffers().Take());
  const protocol::ResponseTo to{static_cast<ApiKey>(context.header.request_api_key), context.version(),
                                context.header.correlation_id};
  if (!protocol::EncodeFramed(to, response, writer)) {
    context.home.env().log.Write(
        env::LogLevel::kError, "broker", "answer cannot be encoded",
        {{"api", std::string(Response::kName)},
         {"why", writer.error() ? writer.error()->ToString() : std::string("larger than a frame can be")}});
    return false;
  }
  out = Assemble(writer, context.file_parts);
  return true;
}

enum class Handled : uint8_t { kAnswer, kMalformed, kUnencodable };

template <typename Request, auto kHandler>
Handled Run(RequestContext& context, protocol::Reader& reader, net::OutParts& out) {
  Request request;
  if (!request.Decode(reader, context.version())) return Handled::kMalformed;
  const auto response = kHandler(context, request);
  if (context.answer != RequestContext::Answer::kSend) return Handled::kAnswer;
  return EncodeAnswer(context, response, out) ? Handled::kAnswer : Handled::kUnencodable;
}

enum class ServedOn : uint8_t { kBrokerListeners, kControllerListeners, kAllListeners };

constexpr bool IsServedOn(ServedOn served_on, ListenerKind listener) {
  if (served_on == ServedOn::kAllListeners) return true;
  return (served_on == ServedOn::kBrokerListeners) == (listener == ListenerKind::kBroker);
}

struct Route {
  ApiKey key;
  ServedOn served_on;
  Handled (*run)(RequestContext&, protocol::Reader&, net::OutParts&);
};

template <typename Request, auto kHandler>
constexpr Route RouteTo(ServedOn served_on = ServedOn::kBrokerListeners) {
  return {static_cast<ApiKey>(Request::kApiKey), served_on, &Run<Request, kHandler>};
}

// One line per API; the order is that of the keys. What a controller's listener answers is Kafka's list (FEATURES 2.4).
constexpr auto kRoutes = std::to_array<Route>({
    RouteTo<protocol::ProduceRequest, &HandleProduce>(),
    RouteTo<protocol::FetchRequest, &HandleFetch>(),
    RouteTo<protocol::FetchRequest, &HandleQuorumFetch>(ServedOn::kControllerListeners),
    RouteTo<protocol::ListOffsetsRequest, &HandleListOffsets>(),
    RouteTo<protocol::MetadataRequest, &HandleMetadata>(),
    RouteTo<protocol::FindCoordinatorRequest, &HandleFindCoordinator>(),
    RouteTo<protocol::ApiVersionsRequest, &HandleApiVersions>(ServedOn::kAllListeners),
    RouteTo<protocol::CreateTopicsRequest, &HandleCreateTopics>(ServedOn::kAllListeners),
    RouteTo<protocol::DeleteTopicsRequest, &HandleDeleteTopics>(ServedOn::kAllListeners),
    RouteTo<protocol::DeleteRecordsRequest, &HandleDeleteRecords>(),
    RouteTo<protocol::InitProducerIdRequest, &HandleInitProducerId>(),
    RouteTo<protocol::OffsetForLeaderEpochRequest, &HandleOffsetForLeaderEpoch>(),
    RouteTo<protocol::DescribeConfigsRequest, &HandleDescribeConfigs>(ServedOn::kAllListeners),
    RouteTo<protocol::AlterConfigsRequest, &HandleAlterConfigs>(ServedOn::kAllListeners),
    RouteTo<protocol::DescribeLogDirsRequest, &HandleDescribeLogDirs>(),
    RouteTo<protocol::CreatePartitionsRequest, &HandleCreatePartitions>(ServedOn::kAllListeners),
    RouteTo<protocol::ElectLeadersRequest, &HandleElectLeaders>(ServedOn::kAllListeners),
    RouteTo<protocol::IncrementalAlterConfigsRequest, &HandleIncrementalAlterConfigs>(ServedOn::kAllListeners),
    RouteTo<protocol::AlterPartitionReassignmentsRequest, &HandleAlterPartitionReassignments>(ServedOn::kAllListeners),
    RouteTo<protocol::ListPartitionReassignmentsRequest, &HandleListPartitionReassignments>(ServedOn::kAllListeners),
    RouteTo<protocol::VoteRequest, &HandleVote>(ServedOn::kControllerListeners),
    RouteTo<protocol::BeginQuorumEpochRequest, &HandleBeginQuorumEpoch>(ServedOn::kControllerListeners),
    RouteTo<protocol::EndQuorumEpochRequest, &HandleEndQuorumEpoch>(ServedOn::kControllerListeners),
    RouteTo<protocol::DescribeQuorumRequest, &HandleDescribeQuorum>(ServedOn::kAllListeners),
    RouteTo<protocol::AlterPartitionRequest, &HandleAlterPartition>(ServedOn::kControllerListeners),
    RouteTo<protocol::FetchSnapshotRequest, &HandleFetchSnapshot>(ServedOn::kControllerListeners),
    RouteTo<protocol::DescribeClusterRequest, &HandleDescribeCluster>(ServedOn::kAllListeners),
    RouteTo<protocol::DescribeProducersRequest, &HandleDescribeProducers>(),
    RouteTo<protocol::BrokerRegistrationRequest, &HandleBrokerRegistration>(ServedOn::kControllerListeners),
    RouteTo<protocol::BrokerHeartbeatRequest, &HandleBrokerHeartbeat>(ServedOn::kControllerListeners),
    RouteTo<protocol::UnregisterBrokerRequest, &HandleUnregisterBroker>(ServedOn::kAllListeners),
    RouteTo<protocol::AllocateProducerIdsRequest, &HandleAllocateProducerIds>(ServedOn::kControllerListeners),
    RouteTo<protocol::AssignReplicasToDirsRequest, &HandleAssignReplicasToDirs>(ServedOn::kControllerListeners),
    RouteTo<protocol::DescribeTopicPartitionsRequest, &HandleDescribeTopicPartitions>(),
    RouteTo<protocol::AddRaftVoterRequest, &HandleAddRaftVoter>(ServedOn::kAllListeners),
    RouteTo<protocol::RemoveRaftVoterRequest, &HandleRemoveRaftVoter>(ServedOn::kAllListeners),
    RouteTo<protocol::UpdateRaftVoterRequest, &HandleUpdateRaftVoter>(ServedOn::kControllerListeners),
});

// Of one kind of listener.
template <ListenerKind kListener>
constexpr auto KeysServedOn() {
  constexpr auto is_served = [](const Route& route) { return IsServedOn(route.served_on, kListener); };
  std::array<ApiKey, static_cast<size_t>(std::ranges::count_if(kRoutes, is_served))> keys{};
  size_t count = 0;
  for (const Route& route : kRoutes) {
    if (is_served(route)) keys[count++] = route.key;
  }
  return keys;
}
constexpr auto kServedByBroker = KeysServedOn<ListenerKind::kBroker>();
constexpr auto kServedByController = KeysServedOn<ListenerKind::kController>();

const Route* FindRoute(int16_t key, ListenerKind listener) {
  const auto at = std::ranges::find_if(kRoutes, [&](const Route& route) {
    return static_cast<int16_t>(route.key) == key && IsServedOn(route.served_on, listener);
  });
  return at == kRoutes.end() ? nullptr : &*at;
}

// Passes the turn of a Produce on, also when it ends before it had one.
class AppendTurn {
 public:
  AppendTurn(fiber::Fiber& self, const RequestOrigin& origin, bool is_produce)
      : self_(self), origin_(origin), is_produce_(is_produce) {}
  // Called on every way out but unwinding; a killed node has no next turn.
  void GiveUp() {
    if (!is_produce_) return;
    origin_.connection.append_order().WaitForTurn(self_, origin_.append_ticket);
    origin_.connection.append_order().Pass();
  }

 private:
  fiber::Fiber& self_;
  const RequestOrigin& origin_;
  const bool is_produce_;
};

void Reject(const RequestOrigin& origin, std::string_view message, std::string why) {
  REACHED(origin.shard.env().context, "broker.request.rejected");
  origin.shard.env().log.Write(env::LogLevel::kWarning, "broker", message,
                               {{"peer", ToString(origin.connection.peer())}, {"why", std::move(why)}});
  origin.answers.FillClose(origin.slot);
}

// ApiVersions in a version that we do not speak: version 0's layout with the error and our own range (KIP-511).
void AnswerUnsupportedApiVersions(const RequestOrigin& origin, int32_t correlation_id) {
  protocol::ApiVersionsResponse response;
  response.error_code = static_cast<int16_t>(protocol::ErrorCode::kUnsupportedVersion);
  const protocol::ApiInfo& info = protocol::InfoOf(ApiKey::kApiVersions);
  response.api_keys.push_back({static_cast<int16_t>(info.key), info.min_version, info.stable_max_version});
  protocol::Writer writer;
  const bool encoded = protocol::EncodeFramed(protocol::ResponseTo{info.key, 0, correlation_id}, response, writer);
  INVARIANT(encoded);
  net::OutParts parts;
  parts.emplace_back(writer.Take());
  origin.answers.Fill(origin.slot, std::move(parts));
}

}  // namespace

bool IsProduce(Bytes frame) {
  return frame.size() >= 2 && LoadBigEndian<int16_t>(frame.data()) == static_cast<int16_t>(ApiKey::kProduce);
}

std::span<const ApiKey> ServedApis(ListenerKind listener) {
  if (listener == ListenerKind::kController) return kServedByController;
  return kServedByBroker;
}

void HandleFrame(fiber::Fiber& self, const RequestOrigin& origin, WorkPlace& work_place,
                 std::shared_ptr<net::Frame> frame) {
  AppendTurn turn(self, origin, IsProduce(frame->bytes()));
  protocol::Reader reader(frame->bytes());
  protocol::RequestHeader header;
  const protocol::RequestHeaderStatus status = protocol::DecodeRequestHeader(reader, header);
  const bool asks_versions = header.request_api_key == static_cast<int16_t>(ApiKey::kApiVersions);
  if (status == protocol::RequestHeaderStatus::kMalformed) {
    turn.GiveUp();
    const bool has_api = frame->bytes().size() >= 2 * sizeof(int16_t);
    return Reject(origin, "connection closed: malformed request header",
                  has_api ? fmt::format("api key {} version {}: {}", header.request_api_key, header.request_api_version,
                                        reader.error().ToString())
                          : reader.error().ToString());
  }
  if (status == protocol::RequestHeaderStatus::kUnsupportedVersion && asks_versions) {
    return AnswerUnsupportedApiVersions(origin, header.correlation_id);
  }
  const Route* route = FindRoute(header.request_api_key, origin.connection.kind());
  // Versions that Kafka has not settled are not served.
  const bool is_unsettled =
      status == protocol::RequestHeaderStatus::kOk &&
      header.request_api_version > protocol::InfoOf(static_cast<ApiKey>(header.request_api_key)).stable_max_version;
  if (is_unsettled || status != protocol::RequestHeaderStatus::kOk || route == nullptr) {
    turn.GiveUp();
    return Reject(origin, "connection closed: unsupported request",
                  fmt::format("api key {} version {} on listener {}", header.request_api_key,
                              header.request_api_version, origin.connection.listener()));
  }
  RequestContext context{.self = self,
                         .node = origin.node,
                         .home = origin.shard,
                         .connection = origin.connection,
                         .header = header,
                         .frame = std::move(frame),
                         .work_place = work_place,
                         .append_ticket = origin.append_ticket};
  const MonoTime begun = self.Now();
  origin.shard.request_metrics().Begin(route->key, begun);
  net::OutParts answer;
  switch (route->run(context, reader, answer)) {
    case Handled::kAnswer: {
      const Duration took = origin.shard.env().clock.Instant() - begun;
      origin.shard.request_metrics().End(route->key, self.Now(), took);
      break;
    }
    case Handled::kMalformed:
      turn.GiveUp();
      return Reject(origin, "connection closed: malformed request",
                    fmt::format("{} version {}: {}", protocol::InfoOf(route->key).name, header.request_api_version,
                                reader.error().ToString()));
    case Handled::kUnencodable:
      return origin.answers.FillClose(origin.slot);
  }
  switch (context.answer) {
    case RequestContext::Answer::kSend:
      return origin.answers.Fill(origin.slot, std::move(answer));
    case RequestContext::Answer::kNothing:
      return origin.answers.FillNothing(origin.slot);
    case RequestContext::Answer::kCloseConnection:
      return origin.answers.FillClose(origin.slot);
  }
}

}  // namespace odradek::broker
