#include "sim/lab/nodes.h"

#include <functional>
#include <utility>

#include "engine/base/check.h"

namespace odradek::lab {
namespace {

using Body = std::function<void(fiber::Fiber& self, Process& process)>;

// One life of a node: one fiber that runs the user's code.
class Instance final : public sim::ProgramInstance {
 public:
  Instance(const Process::Node& node, env::Env& env, Journal& journal, Body body)
      : process_(node, env, journal), body_(std::move(body)) {
    env.scheduler.Spawn("main", [this](fiber::Fiber& self) { body_(self, process_); });
  }
  void RequestShutdown() override { process_.RequestStop(); }

 private:
  Process process_;
  const Body body_;
};

sim::Program ProgramOf(const Process::Node& node, Journal& journal, Body body) {
  return [&node, &journal, body = std::move(body)](std::span<env::Env* const> shards) {
    return std::make_unique<Instance>(node, *shards[0], journal, body);
  };
}

}  // namespace

ProgramNode::ProgramNode(const Program& kind, Process::Node node, Journal& journal)
    : kind_(kind), node_(std::move(node)), journal_(journal) {
  REQUIRES(kind_.run != nullptr);
}

sim::Program ProgramNode::program() {
  return ProgramOf(node_, journal_, kind_.run);
}

WorkloadNode::WorkloadNode(const WorkloadKind& kind, Process::Node node, Journal& journal)
    : node_(std::move(node)), journal_(journal), work_(kind.make(node_.settings)) {
  REQUIRES(work_ != nullptr);
}

sim::Program WorkloadNode::program() {
  return ProgramOf(node_, journal_, [this](fiber::Fiber& self, Process& process) { work_->Run(self, process); });
}

}  // namespace odradek::lab
