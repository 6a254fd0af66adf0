// The user's code on simulated nodes. Owned by the run; outlives the processes.
#pragma once

#include <memory>
#include <string>

#include "sim/lab/journal.h"
#include "sim/lab/lab.h"
#include "sim/workload/workload.h"

namespace odradek::lab {

// Never done: a service runs until the run ends.
class ProgramNode final : public workload::Workload {
 public:
  ProgramNode(const Program& kind, Process::Node node, Journal& journal);
  sim::Program program() override;
  void Hurry() override { node_.is_healed = true; }
  bool is_done() const override { return true; }
  std::string Progress() const override { return node_.name; }

 private:
  const Program& kind_;
  Process::Node node_;
  Journal& journal_;
};

class WorkloadNode final : public workload::Workload {
 public:
  WorkloadNode(const WorkloadKind& kind, Process::Node node, Journal& journal);
  sim::Program program() override;
  void Hurry() override { node_.is_healed = true; }
  bool is_done() const override { return work_->is_done(); }
  std::string Progress() const override { return node_.name + ": " + work_->Progress(); }

 private:
  Process::Node node_;
  Journal& journal_;
  std::unique_ptr<lab::Workload> work_;
};

}  // namespace odradek::lab
