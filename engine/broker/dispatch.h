// From a frame to the handler of its API and back to an answer.
#pragma once

#include <memory>
#include <span>

#include "engine/broker/connection.h"
#include "engine/broker/request.h"
#include "engine/net/answer_queue.h"

namespace odradek::broker {

// Where a request came from and where its answer goes.
struct RequestOrigin {
  Node& node;
  Shard& shard;
  ConnectionState& connection;
  net::AnswerQueue& answers;
  net::AnswerQueue::Slot slot;
  AppendOrder::Ticket append_ticket = 0;
};

// Handles the request and fills its slot, whatever happens. Suspends.
void HandleFrame(fiber::Fiber& self, const RequestOrigin& origin, WorkPlace& work_place,
                 std::shared_ptr<net::Frame> frame);

// Whether the frame's API key is Produce: known before decoding, since a Produce takes its place in the order of
// appends on arrival.
bool IsProduce(Bytes frame);

// The APIs that have a handler, ascending: what ApiVersions advertises. Any other one ends the connection.
std::span<const protocol::ApiKey> ServedApis(ListenerKind listener);

}  // namespace odradek::broker
