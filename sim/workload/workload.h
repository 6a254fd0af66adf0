// A workload is what the user of a client wants done: it outlives the client's processes, and a process that starts
// anew goes on where the one before it died. One node per workload. Owned by the run.
#pragma once

#include <string>

#include "sim/cluster/program.h"
#include "sim/history/history.h"

namespace odradek::workload {

// A topic that workloads use.
struct TargetTopic {
  std::string name;
  int32_t partition_count = 0;
  int16_t replication_factor = 1;
  // Whether records keep the timestamps with which they were sent (message.timestamp.type).
  bool keeps_timestamps = true;
};

class Workload {
 public:
  virtual ~Workload() = default;
  // Refers to the workload.
  virtual sim::Program program() = 0;
  // The faults are over: no more pauses, finish.
  virtual void Hurry() = 0;
  virtual bool is_done() const = 0;
  // For people: "producer 3: 17 of 40 records settled".
  virtual std::string Progress() const = 0;
};

}  // namespace odradek::workload
