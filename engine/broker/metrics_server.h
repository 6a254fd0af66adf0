// Metrics in Prometheus' text format (version 0.0.4) over HTTP: GET /metrics. Names follow Kafka's JMX names in
// Prometheus' spelling.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "engine/config/broker_config.h"
#include "engine/env/env.h"
#include "engine/fiber/fiber.h"

namespace odradek::broker {

class Node;

class MetricsServer {
 public:
  explicit MetricsServer(Node& node) : node_(node) {}

  absl::Status Open(fiber::Fiber& self, const config::HostPort& address);
  // Until Close.
  void Serve(fiber::Fiber& self);
  void Close();

 private:
  void Answer(fiber::Fiber& self, env::Connection& connection);

  Node& node_;
  std::unique_ptr<env::Listener> listener_;
};

// The page: values of all shards at one instant. Suspends while it asks them.
std::string MetricsText(fiber::Fiber& self, Node& node);

}  // namespace odradek::broker
