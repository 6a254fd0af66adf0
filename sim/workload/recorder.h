// Writes down what the clients of a run invoke and see: for the history, the hash and the trace. One per run, shared by
// all workloads; never suspends.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sim/history/history.h"
#include "sim/kernel/kernel.h"

namespace odradek::workload {

class Recorder {
 public:
  // Its time is the clock of the history.
  explicit Recorder(sim::Kernel& kernel) : kernel_(kernel) {}
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  int64_t NowNanos() const { return kernel_.Now().nanos(); }

  // A send begins; its outcome is unknown until EndSend, once.
  using SendIndex = size_t;
  SendIndex BeginSend(history::Send send);
  struct SendEnd {
    history::Outcome outcome = history::Outcome::kUnknown;
    Offset offset = kNoOffset;
    Timestamp timestamp = kNoTimestamp;  // of an ok send
    int16_t error = 0;
  };
  void EndSend(SendIndex index, const SendEnd& end);

  // Operations that began at span.invoked_ns and end now.
  void Add(history::Poll poll);
  void Add(history::ListOffsets call);
  void Add(history::DeleteRecords call);
  void Add(history::TopicDeletion call);
  void Add(history::Refusal refusal);
  void Add(history::FetchShape shape);
  // Replaces an earlier one of the partition.
  void Add(history::FinalRead read);

  history::History& history() { return history_; }
  const history::History& history() const { return history_; }

 private:
  sim::Kernel& kernel_;
  history::History history_;
};

}  // namespace odradek::workload
