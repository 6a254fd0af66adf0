// Makes the topics of a run, and tries again until they are there.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/client/admin.h"
#include "sim/workload/workload.h"

namespace odradek::workload {

class TopicSetup final : public Workload {
 public:
  TopicSetup(const client::CommonConfig& config, std::vector<client::NewTopic> topics);
  sim::Program program() override;
  void Hurry() override {}
  bool is_done() const override { return made_count_ == topics_.size(); }
  std::string Progress() const override;

 private:
  class Process;

  const client::CommonConfig config_;
  const std::vector<client::NewTopic> topics_;
  size_t made_count_ = 0;
  std::string last_problem_;
};

}  // namespace odradek::workload
