#include "sim/kernel/trace.h"

#include <fmt/format.h>

#include <utility>

#include "sim/kernel/history_hash.h"

namespace odradek::sim {

std::string ToString(const Hash128& hash) {
  return fmt::format("{:016x}{:016x}", hash.high, hash.low);
}

std::string_view ToString(TraceKind kind) {
  switch (kind) {
    case TraceKind::kRun:
      return "run";
    case TraceKind::kNode:
      return "node";
    case TraceKind::kFault:
      return "fault";
    case TraceKind::kNetwork:
      return "network";
    case TraceKind::kDisk:
      return "disk";
    case TraceKind::kFiber:
      return "fiber";
    case TraceKind::kMessage:
      return "message";
    case TraceKind::kLog:
      return "log";
    case TraceKind::kObserved:
      return "observed";
    case TraceKind::kProbe:
      return "probe";
    case TraceKind::kClient:
      return "client";
  }
  return "unknown";
}

std::string FormatTrace(const TraceEntry& entry) {
  constexpr int64_t kNanosPerSecond = 1000 * 1000 * 1000;
  const int64_t nanos = entry.time.nanos();
  std::string line =
      fmt::format("{:5}.{:09} #{:<7} ", nanos / kNanosPerSecond, nanos % kNanosPerSecond, entry.event_number);
  std::string who = entry.node_name.empty() ? "-" : entry.node_name;
  if (entry.place.shard.value() >= 0) who += fmt::format("/{}", entry.place.shard.value());
  if (entry.place.fiber != 0) who += fmt::format(" {}({})", entry.place.fiber_name, entry.place.fiber);
  return line + fmt::format("{:<20} {}: {}", who, ToString(entry.kind), entry.text);
}

void TraceRing::Add(TraceEntry entry) {
  if (capacity_ == 0) return;
  if (entries_.size() == capacity_) {
    entries_.pop_front();
    ++dropped_count_;
  }
  entries_.push_back(std::move(entry));
}

void TraceWriter::Add(TraceEntry entry) {
  const std::string line = FormatTrace(entry);
  std::fprintf(out_, "%s\n", line.c_str());
}

}  // namespace odradek::sim
