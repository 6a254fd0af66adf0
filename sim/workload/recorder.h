// Writes down what the clients of a run invoke and see: for the history, the hash and the trace. One per run, shared by
// all workloads; never suspends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "engine/env/env.h"
#include "sim/history/history.h"
#include "sim/kernel/kernel.h"

namespace odradek::workload {

class Recorder {
 public:
  // Its time is the clock of the history.
  explicit Recorder(sim::Kernel& kernel) : kernel_(&kernel) {}
  // Of a run against real processes: the history's time begins now, and there is neither a hash nor a trace.
  explicit Recorder(const env::Clock& clock) : clock_(&clock), began_(clock.Instant()) {}
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  int64_t NowNanos() const {
    return kernel_ != nullptr ? kernel_->Now().nanos() : (clock_->Instant() - began_).nanos();
  }

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
  // What was read so far is no longer the end: something is to happen before everything is read again.
  void FinalReadsBecomePolls(history::ClientId reader);

  history::History& history() { return history_; }
  const history::History& history() const { return history_; }

 private:
  void Fold(uint64_t x, uint64_t y) {
    if (kernel_ != nullptr) kernel_->Fold(x, y);
  }
  template <typename Text>
  void Trace(Text&& text) {
    if (kernel_ != nullptr) kernel_->Trace(sim::TraceKind::kClient, std::forward<Text>(text));
  }

  // One of the two.
  sim::Kernel* const kernel_ = nullptr;
  const env::Clock* const clock_ = nullptr;
  const MonoTime began_;
  history::History history_;
};

}  // namespace odradek::workload
