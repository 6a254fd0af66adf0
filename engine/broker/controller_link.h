// How a node asks the active controller where it is another node: one connection to the leader of the quorum, by the
// controllers' listener. Lives on shard 0; any number of fibers may ask at the same time.
//
//  1. A request is sent once, to one controller. What becomes of it if the connection breaks is not known, and is said.
#pragma once

#include <memory>
#include <string>

#include "engine/broker/quorum.h"
#include "engine/env/env.h"
#include "engine/net/client_connection.h"
#include "engine/protocol/errors.h"

namespace odradek::broker {

class ControllerLink {
 public:
  // Both outlive it.
  ControllerLink(env::Env& env, const Quorum& quorum) : env_(env), quorum_(quorum) {}
  ~ControllerLink() { Close(); }
  ControllerLink(const ControllerLink&) = delete;
  ControllerLink& operator=(const ControllerLink&) = delete;

  template <typename Response>
  struct Answer {
    // kNone, kNotController (nobody is known to lead), kNetworkException (it may have been carried out or not).
    protocol::ErrorCode error = protocol::ErrorCode::kNone;
    Response response = {};
  };
  template <typename Response, typename Request>
  Answer<Response> Ask(fiber::Fiber& self, const Request& request, int16_t version_max, Duration timeout) {
    const std::shared_ptr<net::ClientConnection> connection = Connect(self, timeout);
    if (connection == nullptr) return {.error = protocol::ErrorCode::kNotController};
    const int16_t version =
        connection->PickVersion(static_cast<protocol::ApiKey>(Request::kApiKey), {Request::kMinVersion, version_max});
    net::CallResult<Response> result =
        connection->Call<Request, Response>(self, request, version, {.timeout = timeout});
    if (!result.ok()) return {.error = protocol::ErrorCode::kNetworkException};
    return {.response = std::move(result.response)};
  }
  void Close();

 private:
  // nullptr: nobody leads, or cannot be reached.
  std::shared_ptr<net::ClientConnection> Connect(fiber::Fiber& self, Duration timeout);

  env::Env& env_;
  const Quorum& quorum_;
  std::shared_ptr<net::ClientConnection> connection_;
  env::Address address_;
};

}  // namespace odradek::broker
