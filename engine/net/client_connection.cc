#include "engine/net/client_connection.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/check.h"
#include "engine/protocol/errors.h"

namespace odradek::net {
namespace {

constexpr std::string_view kSoftwareName = "odradek";
constexpr std::string_view kSoftwareVersion = "0.1.0";

// A broker that does not know our version of ApiVersions answers in the layout of version 0, whatever was asked.
bool DecodeApiVersions(Bytes body, int16_t version, protocol::ApiVersionsResponse& out, std::string& what) {
  protocol::Reader reader(body);
  protocol::ResponseTo to{.key = protocol::ApiKey::kApiVersions, .version = version};
  if (protocol::DecodeResponseHeader(reader, to)) {
    protocol::Reader ahead = reader;
    int16_t error_code = 0;
    const bool refused =
        ahead.Int16(error_code) && error_code == protocol::ToWire(protocol::ErrorCode::kUnsupportedVersion);
    if (protocol::DecodeWhole(reader, refused ? int16_t{0} : version, out)) return true;
  }
  what = "the answer cannot be decoded: " + reader.error().ToString();
  return false;
}

// The first version whose answer comes at once and leaves the pause to the client; before it the broker held the
// answer back (KIP-219).
int16_t ThrottledByClientFrom(protocol::ApiKey key) {
  switch (key) {
    case protocol::ApiKey::kProduce:
    case protocol::ApiKey::kMetadata:
      return 6;
    case protocol::ApiKey::kFetch:
      return 8;
    case protocol::ApiKey::kListOffsets:
    case protocol::ApiKey::kCreateTopics:
      return 3;
    case protocol::ApiKey::kApiVersions:
    case protocol::ApiKey::kDeleteTopics:
    case protocol::ApiKey::kDescribeConfigs:
    case protocol::ApiKey::kFindCoordinator:
      return 2;
    case protocol::ApiKey::kAlterConfigs:
    case protocol::ApiKey::kCreatePartitions:
    case protocol::ApiKey::kDeleteRecords:
    case protocol::ApiKey::kDescribeLogDirs:
    case protocol::ApiKey::kInitProducerId:
      return 1;
    default:
      return 0;
  }
}

}  // namespace

ClientConnection::ClientConnection(env::Env& env, std::unique_ptr<env::Connection> stream,
                                   ClientConnectionOptions options)
    : env_(env), options_(std::move(options)), stream_(std::move(stream)), last_used_(env.clock.Now()) {
  REQUIRES(stream_ != nullptr);
}

ClientConnection::~ClientConnection() = default;

ClientConnection::OpenResult ClientConnection::Open(fiber::Fiber& self, env::Env& env, const env::Address& address,
                                                    ClientConnectionOptions options) {
  OpenResult result;
  const MonoTime deadline = self.Now() + options.setup_timeout;
  env::ConnectionResult stream = env.network.Connect(self, address, deadline);
  if (stream.error != env::NetError::kNone) {
    result.error = CallError::kConnect;
    result.net_error = stream.error;
    result.what = fmt::format("{}: {}", env::ToString(address), env::ToString(stream.error));
    return result;
  }
  auto connection = std::make_shared<ClientConnection>(env, std::move(stream.connection), std::move(options));
  env.scheduler.Spawn("response reader", [connection](fiber::Fiber& reader) { connection->RunReader(reader); });
  result.error = connection->Negotiate(self, result.what);
  if (result.error != CallError::kNone) {
    result.what = fmt::format("{}: ApiVersions: {}", env::ToString(address), result.what);
    connection->Fail(result.error, result.what);
    return result;
  }
  result.connection = std::move(connection);
  return result;
}

CallError ClientConnection::Negotiate(fiber::Fiber& self, std::string& what) {
  protocol::ApiVersionsRequest request;
  request.client_software_name = kSoftwareName;
  request.client_software_version = kSoftwareVersion;
  int16_t version = protocol::ApiVersionsRequest::kMaxVersion;
  while (true) {
    const PendingCallPtr call = Start(request, version, CallOptions{});
    WaitDone(self, *call);
    what = call->what;
    if (call->error != CallError::kNone) return call->error;
    if (!DecodeApiVersions(call->frame->frame.bytes(), version, api_versions_, what)) return CallError::kBadResponse;
    const auto error = static_cast<protocol::ErrorCode>(api_versions_.error_code);
    if (error == protocol::ErrorCode::kNone) {
      NoteThrottle(*call, Duration::Millis(api_versions_.throttle_time_ms));
      return CallError::kNone;
    }
    what = fmt::format("{} ({})", protocol::ErrorName(error), api_versions_.error_code);
    if (error != protocol::ErrorCode::kUnsupportedVersion || version == 0) return CallError::kUnsupportedVersion;
    // The answer may name the versions that would do; brokers before 2.4 say nothing.
    const int16_t theirs = PickVersion<protocol::ApiVersionsRequest>();
    version = theirs >= 0 && theirs < version ? theirs : int16_t{0};
  }
}

int16_t ClientConnection::PickVersion(protocol::ApiKey key, VersionRange ours) const {
  for (const auto& theirs : api_versions_.api_keys) {
    if (theirs.api_key != static_cast<int16_t>(key)) continue;
    const int16_t version = std::min(ours.max, theirs.max_version);
    return version >= std::max(ours.min, theirs.min_version) ? version : int16_t{-1};
  }
  return -1;
}

void ClientConnection::NoteThrottle(const PendingCall& call, Duration throttle) {
  if (throttle <= Duration() || call.version < ThrottledByClientFrom(call.key)) return;
  muted_until_ = std::max(muted_until_, env_.clock.Now() + throttle);
}

PendingCallPtr ClientConnection::NewCall(protocol::ApiKey key, int16_t version, const CallOptions& options) {
  auto call = std::make_shared<PendingCall>();
  call->key = key;
  call->version = version;
  call->answer = options.answer;
  const Duration timeout = options.timeout > Duration() ? options.timeout : options_.request_timeout;
  call->deadline = env_.clock.Now() + timeout;
  last_used_ = env_.clock.Now();
  if (version < 0) {
    Finish(*call, CallError::kUnsupportedVersion,
           fmt::format("{} offers no version of {} that we speak", env::ToString(peer()), protocol::InfoOf(key).name));
  } else if (!open_) {
    Finish(*call, CallError::kDisconnected, why_closed_);
  } else {
    call->correlation_id = next_correlation_id_;
    next_correlation_id_ = next_correlation_id_ == std::numeric_limits<int32_t>::max() ? 0 : next_correlation_id_ + 1;
  }
  return call;
}

protocol::RequestHeader ClientConnection::HeaderOf(const PendingCall& call) const {
  protocol::RequestHeader header;
  header.request_api_key = static_cast<int16_t>(call.key);
  header.request_api_version = call.version;
  header.correlation_id = call.correlation_id;
  header.client_id = options_.client_id;
  return header;
}

void ClientConnection::Enqueue(const PendingCallPtr& call, EncodedFrame frame) {
  if (frame.error) {
    Finish(*call, CallError::kNotEncodable, "the request does not fit the version: " + frame.error->ToString());
    return;
  }
  outgoing_.push_back({call, std::move(frame.parts)});
  if (call->answer == Answer::kExpected) in_flight_.push_back(call);
  if (!std::exchange(sender_running_, true)) {
    env_.scheduler.Spawn("request sender", [me = shared_from_this()](fiber::Fiber& self) { me->RunSender(self); });
  }
  if (call->deadline < timer_armed_for_) timer_changed_.WakeAll();
  if (!std::exchange(timer_running_, true)) {
    env_.scheduler.Spawn("request timer", [me = shared_from_this()](fiber::Fiber& self) { me->RunTimer(self); });
  }
}

void ClientConnection::WaitDone(fiber::Fiber& self, PendingCall& call) {
  while (!call.done) call.changed.Wait(self);
}

void ClientConnection::Finish(PendingCall& call, CallError error, std::string_view what) {
  if (call.done) return;
  call.done = true;
  call.error = error;
  call.what = what;
  call.changed.WakeAll();
}

void ClientConnection::Fail(CallError error, std::string_view what) {
  if (!open_) return;
  open_ = false;
  why_closed_ = what;
  stream_->Close();
  for (const PendingCallPtr& call : std::exchange(in_flight_, {})) Finish(*call, error, what);
  for (const Outgoing& unsent : std::exchange(outgoing_, {})) Finish(*unsent.call, error, what);
  timer_changed_.WakeAll();
}

void ClientConnection::RunSender(fiber::Fiber& self) {
  INVARIANT(sending_.empty());
  while (!outgoing_.empty()) {
    sending_ = std::exchange(outgoing_, {});
    PartViews views;
    for (const Outgoing& out : sending_) {
      out.call->delivery = Delivery::kMaybeSent;
      AppendViews(out.parts, views);
    }
    const env::NetError error = stream_->Send(self, views);
    if (error != env::NetError::kNone) Fail(CallError::kDisconnected, fmt::format("send: {}", env::ToString(error)));
    for (const Outgoing& out : std::exchange(sending_, {})) {
      if (error != env::NetError::kNone) {
        Finish(*out.call, CallError::kDisconnected, why_closed_);
      } else if (out.call->answer == Answer::kNone) {
        Finish(*out.call, CallError::kNone, "");
      }
    }
  }
  sender_running_ = false;
}

void ClientConnection::RunReader(fiber::Fiber& self) {
  FrameReader reader(*stream_, *pool_,
                     {.frame_bytes_max = options_.response_bytes_max, .limit_name = "the largest answer"});
  while (open_) {
    FrameResult result = reader.ReadFrame(self);
    if (!result.ok()) {
      const bool malformed = result.error == FrameError::kBadLength;
      Fail(malformed ? CallError::kBadResponse : CallError::kDisconnected, result.what);
      return;
    }
    if (!open_) return;
    const Bytes bytes = result.frame.bytes();
    if (in_flight_.empty() || bytes.size() < sizeof(int32_t)) {
      Fail(CallError::kBadResponse, "an answer that was not asked for");
      return;
    }
    const PendingCallPtr call = in_flight_.front();
    const auto correlation_id = LoadBigEndian<int32_t>(bytes.data());
    if (correlation_id != call->correlation_id) {
      Fail(CallError::kBadResponse,
           fmt::format("an answer with correlation id {} where {} was next", correlation_id, call->correlation_id));
      return;
    }
    in_flight_.pop_front();
    call->frame = std::make_shared<const ResponseFrame>(ResponseFrame{pool_, std::move(result.frame)});
    Finish(*call, CallError::kNone, "");
  }
}

MonoTime ClientConnection::EarliestDeadline() const {
  MonoTime earliest = MonoTime::Never();
  for (const PendingCallPtr& call : in_flight_) earliest = std::min(earliest, call->deadline);
  for (const Outgoing& out : outgoing_) earliest = std::min(earliest, out.call->deadline);
  for (const Outgoing& out : sending_) earliest = std::min(earliest, out.call->deadline);
  return earliest;
}

PendingCallPtr ClientConnection::ExpiredAt(MonoTime now) const {
  for (const PendingCallPtr& call : in_flight_) {
    if (call->deadline <= now) return call;
  }
  for (const Outgoing& out : sending_) {
    if (out.call->deadline <= now) return out.call;
  }
  for (const Outgoing& out : outgoing_) {
    if (out.call->deadline <= now) return out.call;
  }
  return nullptr;
}

void ClientConnection::RunTimer(fiber::Fiber& self) {
  while (open_) {
    const MonoTime earliest = EarliestDeadline();
    if (earliest == MonoTime::Never()) break;
    if (const PendingCallPtr expired = ExpiredAt(self.Now()); expired != nullptr) {
      const std::string what =
          fmt::format("{} was not answered in time by {}", protocol::InfoOf(expired->key).name, env::ToString(peer()));
      Finish(*expired, CallError::kTimedOut, what);
      Fail(CallError::kDisconnected, what);
      break;
    }
    timer_armed_for_ = earliest;
    timer_changed_.WaitUntil(self, earliest);
    timer_armed_for_ = MonoTime::Never();
  }
  timer_running_ = false;
}

}  // namespace odradek::net
