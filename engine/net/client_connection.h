// One connection of a client to a broker: requests are pipelined, answers are matched to them in order. Shared by the
// fibers that call; its reader, sender and timer fibers hold it too, so it lives until the last of them has left.
// Open and Await suspend; Start and Close never do.
//
// Invariants:
//  1. Requests go out in the order of Start; the n-th answer belongs to the n-th request that expects one, or the
//     connection fails.
//  2. When the connection fails, every call in flight ends at once with a definite error, and says whether its bytes
//  may
//     have reached the peer.
//  3. A request that is not answered by its deadline fails the connection: what is behind it could not be told apart.
//  4. One timer for all calls, armed for the earliest deadline.
//  5. muted_until() is the end of the longest pause that an answer asked for (throttle_time_ms, KIP-219). Keeping it is
//     up to whoever starts calls: a call that is started nevertheless goes out.
//
// Source: protocol guide "Network"; KIP-511 (ApiVersions).
#pragma once

#include <deque>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/time.h"
#include "engine/env/env.h"
#include "engine/net/frame_reader.h"
#include "engine/net/message.h"
#include "engine/protocol/framing.h"
#include "engine/protocol/generated/api_versions.h"

namespace odradek::net {

enum class CallError : uint8_t {
  kNone,
  kConnect,             // no connection was made
  kDisconnected,        // the connection broke
  kTimedOut,            // no answer in time
  kClosed,              // closed at this end
  kUnsupportedVersion,  // the broker has no version of this API that we speak
  kNotEncodable,        // a value does not fit the version
  kBadResponse,         // the answer cannot be decoded
};

// Whether the peer may have executed a request.
enum class Delivery : uint8_t { kNotSent, kMaybeSent };

enum class Answer : uint8_t { kExpected, kNone };

// A response frame whose pool lives as long as it does.
struct ResponseFrame {
  std::shared_ptr<BufferPool> pool;
  Frame frame;
};

template <typename Response>
struct CallResult {
  CallError error = CallError::kNone;
  Delivery delivery = Delivery::kNotSent;
  std::string what;  // for people
  int16_t version = -1;
  Response response;
  std::shared_ptr<const ResponseFrame> frame;  // holds what the response's records fields point at
  bool ok() const { return error == CallError::kNone; }
};

struct VersionRange {
  int16_t min = 0;
  int16_t max = -1;
};

// A request under way.
struct PendingCall {
  protocol::ApiKey key = protocol::ApiKey::kApiVersions;
  int16_t version = -1;
  int32_t correlation_id = 0;
  Answer answer = Answer::kExpected;
  MonoTime deadline;
  bool done = false;
  CallError error = CallError::kNone;
  Delivery delivery = Delivery::kNotSent;
  std::string what;
  std::shared_ptr<const ResponseFrame> frame;
  fiber::WaitQueue changed;
};
using PendingCallPtr = std::shared_ptr<PendingCall>;

struct ClientConnectionOptions {
  std::string client_id;
  Duration setup_timeout = Duration::Seconds(10);
  Duration request_timeout = Duration::Seconds(30);
  int32_t response_bytes_max = std::numeric_limits<int32_t>::max();
};

class ClientConnection : public std::enable_shared_from_this<ClientConnection> {
 public:
  struct OpenResult {
    std::shared_ptr<ClientConnection> connection;  // null with an error
    CallError error = CallError::kNone;
    env::NetError net_error = env::NetError::kNone;  // with kConnect
    std::string what;
  };
  // Connects and learns the broker's API versions. REQUIRES: env outlives the node's fibers.
  static OpenResult Open(fiber::Fiber& self, env::Env& env, const env::Address& address,
                         ClientConnectionOptions options);

  // For Open only.
  ClientConnection(env::Env& env, std::unique_ptr<env::Connection> stream, ClientConnectionOptions options);
  ~ClientConnection();

  // The highest version that both ends speak; -1: none.
  int16_t PickVersion(protocol::ApiKey key, VersionRange ours) const;
  template <typename Request>
  int16_t PickVersion() const {
    return PickVersion(static_cast<protocol::ApiKey>(Request::kApiKey), {Request::kMinVersion, Request::kMaxVersion});
  }

  struct CallOptions {
    Duration timeout = Duration();  // 0: request_timeout
    Answer answer = Answer::kExpected;
    std::shared_ptr<const void> keep_alive = nullptr;  // of the records that the request carries; null: they are copied
  };

  // Encodes and queues. A call that cannot be sent is done already.
  template <typename Request>
  PendingCallPtr Start(const Request& request, int16_t version, CallOptions options) {
    auto call = NewCall(static_cast<protocol::ApiKey>(Request::kApiKey), version, options);
    if (call->done) return call;
    EncodedFrame frame = EncodeFrame(HeaderOf(*call), request, {.keep_alive = std::move(options.keep_alive)});
    Enqueue(call, std::move(frame));
    return call;
  }

  // Waits for the end of a call. An Answer::kNone call ends when its bytes were handed to the network.
  template <typename Response>
  CallResult<Response> Await(fiber::Fiber& self, const PendingCallPtr& call) {
    WaitDone(self, *call);
    CallResult<Response> result{.error = call->error,
                                .delivery = call->delivery,
                                .what = call->what,
                                .version = call->version,
                                .response = {},
                                .frame = call->frame};
    if (!result.ok() || call->answer == Answer::kNone) return result;
    protocol::Reader reader(result.frame->frame.bytes());
    protocol::ResponseTo to{.key = call->key, .version = call->version};
    if (!protocol::DecodeResponseHeader(reader, to) || !protocol::DecodeWhole(reader, call->version, result.response)) {
      result.error = CallError::kBadResponse;
      result.what = "the answer cannot be decoded: " + reader.error().ToString();
      return result;
    }
    if constexpr (requires { result.response.throttle_time_ms; }) {
      NoteThrottle(*call, Duration::Millis(result.response.throttle_time_ms));
    }
    return result;
  }

  template <typename Request, typename Response>
  CallResult<Response> Call(fiber::Fiber& self, const Request& request, int16_t version, CallOptions options) {
    const PendingCallPtr call = Start(request, version, std::move(options));
    return Await<Response>(self, call);
  }
  template <typename Request, typename Response>
  CallResult<Response> Call(fiber::Fiber& self, const Request& request, int16_t version) {
    return Call<Request, Response>(self, request, version, CallOptions{});
  }
  // With the highest version that both speak.
  template <typename Request, typename Response>
  CallResult<Response> Call(fiber::Fiber& self, const Request& request) {
    return Call<Request, Response>(self, request, PickVersion<Request>(), CallOptions{});
  }

  // Ends every call in flight with kClosed.
  void Close() { Fail(CallError::kClosed, "closed by the client"); }
  bool is_open() const { return open_; }
  // What Fail said.
  const std::string& why_closed() const { return why_closed_; }
  size_t in_flight_count() const { return in_flight_.size(); }
  MonoTime last_used() const { return last_used_; }
  // Nothing new is to be asked before.
  MonoTime muted_until() const { return muted_until_; }
  bool is_muted() const { return muted_until_ > env_.clock.Now(); }
  const env::Address& peer() const { return stream_->peer(); }
  const protocol::ApiVersionsResponse& api_versions() const { return api_versions_; }

 private:
  struct Outgoing {
    PendingCallPtr call;
    OutParts parts;
  };

  PendingCallPtr NewCall(protocol::ApiKey key, int16_t version, const CallOptions& options);
  protocol::RequestHeader HeaderOf(const PendingCall& call) const;
  void Enqueue(const PendingCallPtr& call, EncodedFrame frame);
  static void WaitDone(fiber::Fiber& self, PendingCall& call);
  static void Finish(PendingCall& call, CallError error, std::string_view what);
  void Fail(CallError error, std::string_view what);
  void RunReader(fiber::Fiber& self);
  void RunSender(fiber::Fiber& self);
  void RunTimer(fiber::Fiber& self);
  PendingCallPtr ExpiredAt(MonoTime now) const;
  MonoTime EarliestDeadline() const;
  CallError Negotiate(fiber::Fiber& self, std::string& what);
  void NoteThrottle(const PendingCall& call, Duration throttle);

  env::Env& env_;
  const ClientConnectionOptions options_;
  std::shared_ptr<BufferPool> pool_ = std::make_shared<BufferPool>();
  std::unique_ptr<env::Connection> stream_;
  bool open_ = true;
  std::string why_closed_;
  int32_t next_correlation_id_ = 0;
  std::vector<Outgoing> outgoing_;
  std::vector<Outgoing> sending_;         // with the network now
  std::deque<PendingCallPtr> in_flight_;  // expect an answer, in the order of their requests
  bool sender_running_ = false;
  bool timer_running_ = false;
  MonoTime timer_armed_for_ = MonoTime::Never();
  fiber::WaitQueue timer_changed_;
  MonoTime last_used_;
  MonoTime muted_until_;
  protocol::ApiVersionsResponse api_versions_;
};

}  // namespace odradek::net
