// What a broker observed of itself, read from its log (--log-level debug --log-format json): the part of the history
// that the simulator's NodeRecorder takes from the observation port. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sim/history/history.h"

namespace odradek::real_cluster {

// From the wall clock, which logs show, to the time of a history: two moments at which both were read.
struct ClockPair {
  int64_t wall_ns = 0;
  int64_t history_ns = 0;
};
class HistoryClock {
 public:
  // The wall clock may have been slewed in between. REQUIRES: begin.history_ns < end.history_ns.
  HistoryClock(const ClockPair& begin, const ClockPair& end);
  int64_t At(int64_t wall_ns) const;

 private:
  const ClockPair begin_;
  int64_t drift_ns_ = 0;  // how much more than `length_ns_` the wall clock went on
  int64_t length_ns_ = 0;
};

// Starts of the node and moves of log starts. Lines that are no JSON, as of a process that was killed while it wrote,
// are left out. Logs show whole milliseconds: what is noted is never earlier than what happened.
void ReadBrokerLog(std::string_view text, const std::string& node, const HistoryClock& clock,
                   history::History& history);

// What several nodes noted, in the order of time.
void SortNodeNotes(history::History& history);

}  // namespace odradek::real_cluster
