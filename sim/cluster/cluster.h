// The whole simulated world of one run: kernel, network, and machines with their programs. Nodes stay in the order in
// which they were added.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/cluster/node.h"
#include "sim/kernel/kernel.h"
#include "sim/kernel/run_context.h"
#include "sim/network/network.h"

namespace odradek::sim {

struct ClusterOptions {
  KernelOptions kernel = {};
  NetworkOptions network = {};
  RunContextOptions context = {};
};

class Cluster final : private NodeHost {
 public:
  explicit Cluster(const ClusterOptions& options);
  // Kills what still runs; nobody is told any more.
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  Kernel& kernel() { return kernel_; }
  SimNetwork& network() { return network_; }
  RunContext& context() { return context_; }
  // nullptr: none. The observer is the caller's.
  void SetObserver(ClusterObserver* observer) { observer_ = observer; }

  // A machine that is off.
  Node& AddNode(NodeOptions options, Program program);
  const std::vector<std::unique_ptr<Node>>& nodes() const { return nodes_; }
  Node& node(NodeIndex index);
  // nullptr: no node has that name.
  Node* FindNode(std::string_view name);

  void BootAll();
  RunOutcome RunFor(Duration duration);
  // Kills every process that runs.
  void CrashAll();

 private:
  void OnFatal(NodeIndex node, const std::string& reason) override;

  Kernel kernel_;
  SimNetwork network_;
  RunContext context_;
  ClusterObserver* observer_ = nullptr;
  std::vector<std::unique_ptr<Node>> nodes_;
};

}  // namespace odradek::sim
