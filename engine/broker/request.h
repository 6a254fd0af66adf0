// One request on its way through the node: what a handler gets and what it may say about its answer.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/fiber/fiber.h"
#include "engine/fiber/sync.h"
#include "engine/net/frame_reader.h"
#include "engine/protocol/api.h"
#include "engine/protocol/generated/request_header.h"
#include "engine/storage/log_types.h"

namespace odradek::broker {

class ConnectionState;
class Node;
class Shard;

// The order of a connection's appends: a request's turn comes when the requests before it have written theirs.
class AppendOrder {
 public:
  using Ticket = uint64_t;
  Ticket Take() { return next_++; }
  void WaitForTurn(fiber::Fiber& self, Ticket ticket) {
    while (turn_ != ticket) changed_.Wait(self);
  }
  void Pass() {
    ++turn_;
    changed_.WakeAll();
  }

 private:
  Ticket next_ = 0;
  Ticket turn_ = 0;
  fiber::WaitQueue changed_;
};

// A request's place among those that the node works on (queued.max.requests). One that waits for others to do
// something, as a Fetch does for records, gives its place up: many idle consumers must not keep everybody else out.
class WorkPlace {
 public:
  // REQUIRES: acquired from `places`.
  explicit WorkPlace(fiber::Semaphore& places) : places_(&places) {}
  ~WorkPlace() { GiveUp(); }
  WorkPlace(const WorkPlace&) = delete;
  WorkPlace& operator=(const WorkPlace&) = delete;
  void GiveUp() {
    if (places_ != nullptr) std::exchange(places_, nullptr)->Release(1);
  }

 private:
  fiber::Semaphore* places_;
};

struct RequestContext {
  fiber::Fiber& self;
  Node& node;
  Shard& home;  // the shard of the connection
  ConnectionState& connection;
  protocol::RequestHeader header;
  // The request's bytes; shared, because a call to another shard may outlive this one.
  std::shared_ptr<net::Frame> frame;
  WorkPlace& work_place;
  AppendOrder::Ticket append_ticket = 0;  // Produce only

  // What the answer splices in, by the cookie of its ExternalRecords.
  std::vector<storage::ReadResult> file_parts;
  // What views in the answer point at.
  ByteBuffer held_bytes;
  enum class Answer : uint8_t { kSend, kNothing, kCloseConnection } answer = Answer::kSend;

  int16_t version() const { return header.request_api_version; }
  // The part of the frame that `view` points into, to be patched in place. REQUIRES: a view into the frame.
  MutableBytes Writable(Bytes view) const {
    const auto offset = static_cast<size_t>(view.data() - frame->bytes().data());
    return frame->mutable_bytes().subspan(offset, view.size());
  }
};

}  // namespace odradek::broker
