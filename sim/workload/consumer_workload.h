// Reads what the producers write, seeks about, and writes down every poll.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/client/config.h"
#include "sim/workload/draw.h"
#include "sim/workload/recorder.h"
#include "sim/workload/workload.h"

namespace odradek::workload {

struct ConsumerWorkloadOptions {
  history::ClientId client = 0;
  // auto.offset.reset must be none: the workload has to know where it reads.
  client::ConsumerConfig config;
  std::vector<TargetTopic> topics;
  uint32_t seek_ppm = 0;
  uint32_t pause_resume_ppm = 0;
  Between<Duration> pause{};
};

class ConsumerWorkload final : public Workload {
 public:
  ConsumerWorkload(const ConsumerWorkloadOptions& options, Recorder& recorder);
  sim::Program program() override;
  // From now on the consumer reads on to the end that each partition has then, and is done.
  void Hurry() override { hurry_ = true; }
  bool is_done() const override { return is_done_; }
  std::string Progress() const override;

 private:
  class Process;

  const ConsumerWorkloadOptions options_;
  Recorder& recorder_;
  std::vector<TopicPartition> partitions_;
  bool hurry_ = false;
  bool is_done_ = false;
  int32_t assignment_ = 0;
  uint64_t record_count_ = 0;
  std::string last_problem_;
};

}  // namespace odradek::workload
