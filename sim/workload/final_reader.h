// Reads every partition from its start to its end when all is healed: what the checkers take for the truth.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/client/config.h"
#include "engine/client/consumer_records.h"
#include "sim/history/history.h"
#include "sim/workload/recorder.h"
#include "sim/workload/workload.h"

namespace odradek::workload {

struct FinalReaderOptions {
  history::ClientId client = 0;
  // auto.offset.reset must be none.
  client::ConsumerConfig config;
  std::vector<TargetTopic> topics;
};

// All that a partition holds. The records of the last poll may go on behind `end_offset`, which was asked for before: a
// request that its client gave up may still arrive.
struct PartitionContents {
  int64_t asked_at_ns = 0;
  TopicPartition partition;
  Offset log_start_offset;
  Offset end_offset;
  std::vector<client::PartitionRecords> polled;
};
// For the checkers of `properties/`.
history::FinalRead FinalReadOf(const PartitionContents& contents);

class FinalReader final : public Workload {
 public:
  // Called once for each partition.
  using Sink = std::function<void(const PartitionContents& contents)>;

  FinalReader(const FinalReaderOptions& options, const Recorder& recorder, Sink sink);
  sim::Program program() override;
  void Hurry() override {}
  bool is_done() const override { return done_count_ == partitions_.size(); }
  std::string Progress() const override;

 private:
  class Process;

  const FinalReaderOptions options_;
  const Recorder& recorder_;
  const Sink sink_;
  std::vector<TopicPartition> partitions_;
  size_t done_count_ = 0;
  std::string last_problem_;
};

}  // namespace odradek::workload
