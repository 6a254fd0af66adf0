// A client's connection: the reader fiber frames, every request runs on a fiber of its own, answers leave in the order
// of their requests. Belongs to the shard that accepted it.
//
//  1. A request that cannot be decoded, an unknown API and an unsupported version end the connection, as with Kafka
//     (FEATURES 2.4); ApiVersions alone is answered in any version.
//  2. When the connection ends, its long polls are woken and its requests run to their end: an append is never cut off.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/broker/request.h"
#include "engine/env/env.h"
#include "engine/fiber/fiber.h"
#include "engine/net/answer_queue.h"

namespace odradek::broker {

class Watch;

// What a listener is for; each answers its own APIs, as in Kafka.
enum class ListenerKind : uint8_t { kBroker, kController };

// What requests of one connection share.
class ConnectionState {
 public:
  ConnectionState(env::Connection& connection, std::string_view listener, ListenerKind kind, MonoTime now)
      : connection_(connection), listener_(listener), kind_(kind), last_active_(now) {}

  // Name of the listener that the client came in by: it is told the brokers' addresses of that listener.
  const std::string& listener() const { return listener_; }
  ListenerKind kind() const { return kind_; }

  AppendOrder& append_order() { return append_order_; }
  bool is_ending() const { return ending_; }
  MonoTime last_active() const { return last_active_; }
  void Touch(MonoTime now) { last_active_ = now; }
  int32_t open_request_count() const { return open_request_count_; }
  void RequestBegins() { ++open_request_count_; }
  void RequestEnds() { --open_request_count_; }
  const env::Address& peer() const { return connection_.peer(); }

  // The one long poll that a connection's requests may sleep in at a time is woken when the connection ends.
  void SetPoll(std::shared_ptr<Watch> watch);
  // No more requests will come: polls end.
  void End();
  void CloseSocket() { connection_.Close(); }

 private:
  env::Connection& connection_;
  const std::string listener_;
  const ListenerKind kind_;
  AppendOrder append_order_;
  MonoTime last_active_;
  int32_t open_request_count_ = 0;
  bool ending_ = false;
  std::vector<std::weak_ptr<Watch>> polls_;
};

struct AcceptedConnection {
  std::unique_ptr<env::Connection> connection;
  std::string listener;
  ListenerKind kind = ListenerKind::kBroker;
};

// Serves the connection until it ends. Suspends.
void ServeConnection(fiber::Fiber& self, Node& node, Shard& shard, AcceptedConnection accepted);

}  // namespace odradek::broker
