// What a run looked like, for people and for `sim replay`: optional, and outside of the history, so that a run with a
// trace and one without have the same hash.
#pragma once

#include <cstdint>
#include <cstdio>
#include <deque>
#include <string>
#include <string_view>

#include "engine/base/ids.h"
#include "engine/base/time.h"

namespace odradek::sim {

// A node of the simulated world, in the order in which they were added. Not Kafka's node.id.
using NodeIndex = base::Strong<struct NodeIndexTag, int32_t>;
inline constexpr NodeIndex kNoNodeIndex{-1};

enum class TraceKind : uint8_t {
  kRun,       // begin, phases, end
  kNode,      // boot, kill, pause
  kFault,     // what the nemesis did
  kNetwork,   // connections and bytes
  kDisk,      // files
  kFiber,     // slices
  kMessage,   // between shards
  kLog,       // the engine's log lines
  kObserved,  // the observation port
  kProbe,     // REACHED and buggify
  kClient,    // operations of clients
};
std::string_view ToString(TraceKind kind);

// Where the run stands: which fiber of which shard of which node.
struct Place {
  NodeIndex node = kNoNodeIndex;
  ShardId shard{-1};
  uint64_t fiber = 0;
  std::string_view fiber_name = {};  // a literal
};

struct TraceEntry {
  MonoTime time;
  uint64_t event_number = 0;
  Place place;
  std::string node_name;
  TraceKind kind = TraceKind::kRun;
  std::string text;
};

// One line without a line end: "  12.345678901 #4711 n1/0 appender(7) disk: write ...".
std::string FormatTrace(const TraceEntry& entry);

class TraceSink {
 public:
  virtual ~TraceSink() = default;
  virtual void Add(TraceEntry entry) = 0;
};

// Keeps the last `capacity` entries.
class TraceRing final : public TraceSink {
 public:
  explicit TraceRing(size_t capacity) : capacity_(capacity) {}
  void Add(TraceEntry entry) override;
  const std::deque<TraceEntry>& entries() const { return entries_; }
  // How many were dropped at the old end.
  uint64_t dropped_count() const { return dropped_count_; }

 private:
  const size_t capacity_;
  std::deque<TraceEntry> entries_;
  uint64_t dropped_count_ = 0;
};

// Writes a line per entry. The stream is the caller's.
class TraceWriter final : public TraceSink {
 public:
  explicit TraceWriter(std::FILE* out) : out_(out) {}
  void Add(TraceEntry entry) override;

 private:
  std::FILE* out_;
};

}  // namespace odradek::sim
