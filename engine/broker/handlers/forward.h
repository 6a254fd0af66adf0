// What a client of a broker asks of the controller is carried to the active one.
#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include "engine/broker/connection.h"
#include "engine/broker/node.h"
#include "engine/broker/request.h"
#include "engine/broker/shard.h"
#include "engine/protocol/errors.h"

namespace odradek::broker {

// `error` is why this node's controller did not decide. nullopt: there is no active one, or it is asked of a
// controller, which must know better.
template <typename Response, typename Request>
std::optional<Response> Forward(RequestContext& context, const Request& request, protocol::ErrorCode error,
                                Duration timeout) {
  const bool is_forwarded =
      error == protocol::ErrorCode::kNotController && context.connection.kind() != ListenerKind::kController;
  if (!is_forwarded) return std::nullopt;
  REACHED(context.home.env().context, "broker.forwarded_to_controller");
  auto answer = context.node.controller().link().Ask<Response>(context.self, request, context.version(), timeout);
  if (answer.error != protocol::ErrorCode::kNone) return std::nullopt;
  return std::move(answer.response);
}

// For people: why nothing was decided.
inline std::string_view WhyUndecided(protocol::ErrorCode error) {
  return error == protocol::ErrorCode::kRequestTimedOut ? "The controller did not begin the request within timeout_ms."
                                                        : "This is not the active controller.";
}

}  // namespace odradek::broker
