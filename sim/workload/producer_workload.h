// Sends records with unique values and writes down what became of each.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/client/config.h"
#include "sim/workload/draw.h"
#include "sim/workload/recorder.h"
#include "sim/workload/workload.h"

namespace odradek::workload {

struct ProducerWorkloadOptions {
  history::ClientId client = 0;
  client::ProducerConfig config;
  std::vector<TargetTopic> topics;
  int64_t record_count = 0;
  Between<int64_t> value_bytes{0, 100};
  uint32_t keyed_ppm = 0;
  int32_t key_count = 16;
  uint32_t tombstone_ppm = 0;  // of the keyed records
  Between<int64_t> burst_records{1, 10};
  Between<Duration> pause{};
};

class ProducerWorkload final : public Workload {
 public:
  ProducerWorkload(const ProducerWorkloadOptions& options, Recorder& recorder);
  sim::Program program() override;
  void Hurry() override { hurry_ = true; }
  // Every record was sent and its outcome is known, as far as it can be.
  bool is_done() const override { return settled_count_ == options_.record_count; }
  std::string Progress() const override;

 private:
  class Process;

  const ProducerWorkloadOptions options_;
  Recorder& recorder_;
  bool hurry_ = false;
  int64_t sent_count_ = 0;
  int64_t settled_count_ = 0;
  int32_t session_ = 0;
};

}  // namespace odradek::workload
