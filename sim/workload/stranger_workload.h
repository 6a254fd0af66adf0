// A client of somebody else's making, which speaks the protocol by hand and is careless: it sends batches again after
// they were acknowledged, resends them with more records in them, goes on with an epoch that has ended, begins an epoch
// in the middle, sends in the wrong order, damages batches, repeats requests of a fetch session, and asks in leader
// epochs that nobody has begun. A broker must refuse all of it, or do what was meant. What it writes is in the history
// as anybody's sends.
//
// Invariants: every act has a producer id of its own; an act ends with the first answer that does not come.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/env/network.h"
#include "sim/workload/draw.h"
#include "sim/workload/recorder.h"
#include "sim/workload/workload.h"

namespace odradek::workload {

struct StrangerWorkloadOptions {
  history::ClientId client = 0;
  std::string client_id;
  env::Address broker;
  std::vector<TargetTopic> topics;
  Between<Duration> pause{};
  uint32_t foreign_epoch_ppm = 0;
  Duration request_timeout = Duration::Seconds(3);
};

class StrangerWorkload final : public Workload {
 public:
  StrangerWorkload(const StrangerWorkloadOptions& options, Recorder& recorder);
  sim::Program program() override;
  void Hurry() override { hurry_ = true; }
  bool is_done() const override { return is_done_; }
  std::string Progress() const override;

 private:
  class Process;

  const StrangerWorkloadOptions options_;
  Recorder& recorder_;
  bool hurry_ = false;
  bool is_done_ = false;
  uint64_t act_count_ = 0;
  uint64_t value_count_ = 0;
  int32_t session_ = 0;
};

}  // namespace odradek::workload
