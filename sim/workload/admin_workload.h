// Asks for offsets, deletes records, makes and deletes topics of its own and, if it is to, deletes and makes anew the
// topics that others use, moves their replicas and has leaders elected, until the faults are over. What it has deleted
// it makes again before it is done.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/client/admin.h"
#include "engine/client/config.h"
#include "sim/workload/draw.h"
#include "sim/workload/recorder.h"
#include "sim/workload/workload.h"

namespace odradek::workload {

struct AdminWorkloadOptions {
  history::ClientId client = 0;
  client::AdminConfig config;
  std::vector<TargetTopic> topics;
  Between<Duration> pause{};
  // How often each call is chosen, relative to the others.
  uint32_t list_offsets_weight = 1;
  uint32_t delete_records_weight = 0;
  uint32_t topics_weight = 0;
  // Replicas of a partition move to other brokers, as many as before, or such a move is called off.
  uint32_t reassign_weight = 0;
  uint32_t elect_leaders_weight = 0;
  // One of `made_topics`, which the others write to and read, is deleted and made anew.
  uint32_t recreate_weight = 0;
  std::vector<client::NewTopic> made_topics = {};
};

class AdminWorkload final : public Workload {
 public:
  AdminWorkload(const AdminWorkloadOptions& options, Recorder& recorder);
  sim::Program program() override;
  void Hurry() override { hurry_ = true; }
  bool is_done() const override { return is_done_; }
  std::string Progress() const override;

 private:
  class Process;

  const AdminWorkloadOptions options_;
  Recorder& recorder_;
  std::vector<TopicPartition> partitions_;
  bool hurry_ = false;
  bool is_done_ = false;
  uint64_t call_count_ = 0;
  uint64_t topic_count_ = 0;
  // The topic that may be missing: its deletion was asked for, and that it is there again is not known.
  const client::NewTopic* missing_ = nullptr;
};

}  // namespace odradek::workload
