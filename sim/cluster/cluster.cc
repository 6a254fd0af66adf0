#include "sim/cluster/cluster.h"

#include <utility>

#include "engine/base/check.h"

namespace odradek::sim {

Cluster::Cluster(const ClusterOptions& options)
    : kernel_(options.kernel), network_(kernel_, options.network), context_(kernel_, options.context) {}

Cluster::~Cluster() {
  // What looks on may be gone already.
  observer_ = nullptr;
  context_.SetProbeObserver(nullptr);
  kernel_.SetTrace(nullptr);
  kernel_.SetHashLog(nullptr);
  CrashAll();
}

Node& Cluster::AddNode(NodeOptions options, Program program) {
  const Node::World world{kernel_, network_, context_, *this, [this] { return observer_; }};
  nodes_.push_back(std::make_unique<Node>(world, std::move(options), std::move(program)));
  Node& node = *nodes_.back();
  INVARIANT(static_cast<size_t>(node.index().value()) + 1 == nodes_.size());
  return node;
}

Node& Cluster::node(NodeIndex index) {
  REQUIRES(index.value() >= 0);
  REQUIRES(static_cast<size_t>(index.value()) < nodes_.size());
  return *nodes_[static_cast<size_t>(index.value())];
}

Node* Cluster::FindNode(std::string_view name) {
  for (const auto& node : nodes_) {
    if (node->name() == name) return node.get();
  }
  return nullptr;
}

void Cluster::BootAll() {
  for (const auto& node : nodes_) {
    if (!node->is_up()) node->Boot();
  }
}

RunOutcome Cluster::RunFor(Duration duration) {
  return kernel_.Run({.until = kernel_.Now() + duration});
}

void Cluster::CrashAll() {
  for (const auto& node : nodes_) {
    if (node->is_up()) node->Crash();
  }
}

void Cluster::OnFatal(NodeIndex node, const std::string& reason) {
  this->node(node).OnFatal(reason);
}

}  // namespace odradek::sim
