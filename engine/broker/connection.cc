#include "engine/broker/connection.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "engine/broker/dispatch.h"
#include "engine/broker/node.h"
#include "engine/broker/partition.h"
#include "engine/broker/shard.h"
#include "engine/protocol/framing.h"

namespace odradek::broker {

void ConnectionState::SetPoll(std::shared_ptr<Watch> watch) {
  std::erase_if(polls_, [](const auto& poll) { return poll.expired(); });
  if (ending_) watch->Signal();
  polls_.push_back(watch);
}

void ConnectionState::End() {
  ending_ = true;
  for (const std::weak_ptr<Watch>& poll : polls_) {
    if (const std::shared_ptr<Watch> watch = poll.lock()) watch->Signal();
  }
}

namespace {

// A request that keeps its connection from being idle, for as long as it runs.
class OpenRequest {
 public:
  explicit OpenRequest(ConnectionState& state) : state_(state) { state_.RequestBegins(); }
  ~OpenRequest() { state_.RequestEnds(); }
  OpenRequest(const OpenRequest&) = delete;
  OpenRequest& operator=(const OpenRequest&) = delete;

 private:
  ConnectionState& state_;
};

// All that a request's fiber needs, in one block of memory that the shard uses again.
struct ArrivedRequest {
  ArrivedRequest(const RequestOrigin& from, net::Frame bytes) : origin(from), frame(std::move(bytes)) {}
  const RequestOrigin origin;
  net::Frame frame;
};

void LogEnd(Shard& shard, const env::Connection& connection, std::string_view message, std::string why) {
  shard.env().log.Write(env::LogLevel::kWarning, "broker", message,
                        {{"peer", ToString(connection.peer())}, {"why", std::move(why)}});
}

// Reads requests and starts them, until the connection or the node ends.
void ReadRequests(fiber::Fiber& self, Node& node, Shard& shard, env::Connection& connection, ConnectionState& state,
                  net::AnswerQueue& answers, fiber::TaskGroup& requests) {
  const config::BrokerConfig& config = node.options().config;
  net::FrameReader reader(connection, shard.buffers(),
                          {.frame_bytes_max = config.request_bytes_max, .budget = &shard.memory()});
  while (!answers.is_closed() && !node.is_draining()) {
    net::FrameResult read = reader.ReadFrame(self);
    state.Touch(self.Now());
    if (!read.ok()) {
      if (read.error == net::FrameError::kBadLength) {
        REACHED(shard.env().context, "broker.connection.bad_frame_length");
        LogEnd(shard, connection, "connection closed: bad frame length", read.what);
      }
      return;
    }
    shard.queued_requests().Acquire(self, 1);
    const net::AnswerQueue::Slot slot = answers.Reserve();
    const AppendOrder::Ticket ticket = IsProduce(read.frame.bytes()) ? state.append_order().Take() : 0;
    auto arrived = std::allocate_shared<ArrivedRequest>(
        std::pmr::polymorphic_allocator<ArrivedRequest>(&shard.request_memory()),
        RequestOrigin{node, shard, state, answers, slot, ticket}, std::move(read.frame));
    requests.Spawn("request", [arrived = std::move(arrived)](fiber::Fiber& request) {
      const RequestOrigin& origin = arrived->origin;
      const OpenRequest open(origin.connection);
      WorkPlace work_place(origin.shard.queued_requests());
      HandleFrame(request, origin, work_place, std::shared_ptr<net::Frame>(arrived, &arrived->frame));
    });
    answers.WaitForRoom(self, static_cast<size_t>(node.options().pipelined_requests_max));
  }
}

}  // namespace

void ServeConnection(fiber::Fiber& self, Node& node, Shard& shard, AcceptedConnection accepted) {
  const std::unique_ptr<env::Connection> connection = std::move(accepted.connection);
  ConnectionState state(*connection, accepted.listener, accepted.kind, self.Now());
  fiber::TaskGroup senders(self);
  net::AnswerQueue answers(*connection, shard.flusher(), senders);
  fiber::TaskGroup requests(self);
  const Shard::ConnectionEntry entry(shard, state);
  ReadRequests(self, node, shard, *connection, state, answers, requests);
  state.End();
  requests.Join(self);
  answers.WaitUntilSent(self);
  connection->Close();
  answers.Close();
  senders.Join(self);
}

}  // namespace odradek::broker
