// A cluster on this machine for whoever builds on it: every node a process of its own, all on the loopback interface.
//
//  1. Nothing outlives the run: who ends it ends every node, and a node that hangs is killed.
//  2. A node that ends by itself is told, and how it is started again; the others go on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace odradek::tool::dev {

struct Options {
  std::string program;  // the odradek that runs a node
  int32_t brokers = 3;
  int32_t port = 9092;              // of the first node's clients, the next ones' above
  int32_t controller_port = 19092;  // likewise
  std::string data;                 // a folder with one of each node
  // KEY=VALUE, of every node.
  std::vector<std::string> overrides;
  std::string log_level = "warning";
};

// The server.properties of node `id`, from 1 on.
std::string PropertiesOf(const Options& options, int32_t id);

// Returns when SIGINT or SIGTERM has ended all nodes; the second signal kills them. An error: it could not begin, or
// the last node has ended by itself.
absl::Status Run(const Options& options);

}  // namespace odradek::tool::dev
