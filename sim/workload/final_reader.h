// Reads every partition from its start to its end when all is healed: what the checkers take for the truth.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/client/config.h"
#include "sim/workload/recorder.h"
#include "sim/workload/workload.h"

namespace odradek::workload {

struct FinalReaderOptions {
  history::ClientId client = 0;
  // auto.offset.reset must be none.
  client::ConsumerConfig config;
  std::vector<TargetTopic> topics;
};

class FinalReader final : public Workload {
 public:
  FinalReader(const FinalReaderOptions& options, Recorder& recorder);
  sim::Program program() override;
  void Hurry() override {}
  bool is_done() const override { return done_count_ == partitions_.size(); }
  std::string Progress() const override;

 private:
  class Process;

  const FinalReaderOptions options_;
  Recorder& recorder_;
  std::vector<TopicPartition> partitions_;
  size_t done_count_ = 0;
  std::string last_problem_;
};

}  // namespace odradek::workload
