#include "engine/broker/connection.h"

#include <fmt/format.h>

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

// Counts against the node's queued.max.requests for as long as the request runs.
class QueuedRequest {
 public:
  QueuedRequest(fiber::Semaphore& queue, ConnectionState& state) : queue_(queue), state_(state) {
    state_.RequestBegins();
  }
  ~QueuedRequest() {
    state_.RequestEnds();
    queue_.Release(1);
  }
  QueuedRequest(const QueuedRequest&) = delete;
  QueuedRequest& operator=(const QueuedRequest&) = delete;

 private:
  fiber::Semaphore& queue_;
  ConnectionState& state_;
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
  while (!answers.is_closed() && !node.is_stopping()) {
    net::FrameResult read = reader.ReadFrame(self);
    state.Touch(self.Now());
    if (!read.ok()) {
      if (read.error == net::FrameError::kBadLength) {
        REACHED(shard.env().context, "broker.connection.bad_frame_length");
        LogEnd(shard, connection, "connection closed: bad frame length", read.what);
      }
      return;
    }
    auto frame = std::make_shared<net::Frame>(std::move(read.frame));
    shard.queued_requests().Acquire(self, 1);
    auto queued = std::make_unique<QueuedRequest>(shard.queued_requests(), state);
    const net::AnswerQueue::Slot slot = answers.Reserve();
    const AppendOrder::Ticket ticket = IsProduce(frame->bytes()) ? state.append_order().Take() : 0;
    requests.Spawn("request", [&node, &shard, &state, &answers, slot, ticket, frame = std::move(frame),
                               queued = std::move(queued)](fiber::Fiber& request) mutable {
      HandleFrame(request, {node, shard, state, answers, slot, ticket}, std::move(frame));
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
