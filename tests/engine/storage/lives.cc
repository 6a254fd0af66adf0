#include "tests/engine/storage/lives.h"

#include <fmt/format.h>

namespace odradek::storage {

Lives::Lives(const CrashLoopOptions& options) : options_(options), draws_(options.seed) {
  machine_.context.mutations = options.mutations;
  machine_.context.draws = base::Prng(options.seed + 1);
}

CrashLoopResult Lives::Run() {
  for (life_ = 0; life_ < options_.lives && verdict_.ok(); ++life_) RunLife();
  machine_.Kill();
  result_.problem = verdict_.problem();
  result_.reached = machine_.context.reached;
  result_.mutation_hits = machine_.context.mutation_hits;
  return result_;
}

TestProcess& Lives::BeginLife(int64_t operations_bound) {
  TestProcess& process = machine_.Boot();
  completed_close_ = false;
  process.disk.operations_max = OneIn(4) ? INT64_MAX : 20 + Draw(operations_bound);
  if (options_.traces_disk) {
    process.disk.watch = [this](const DiskOperation& operation) {
      Note(fmt::format("disk {}: {} {}", operation.number, ToString(operation.call), operation.path));
    };
  }
  return process;
}

bool Lives::EndLife() {
  TestProcess& process = machine_.process();
  process.KillFibers();
  for (const std::string& line : process.log.lines) Note("log: " + line);
  manager_.reset();
  if (OneIn(2)) {
    Note(completed_close_ ? "stopped" : "killed");
    machine_.Kill();
    return false;
  }
  Note(completed_close_ ? "stopped, power lost" : "power lost");
  const sim::PowerLossReport lost = machine_.LosePower(draws_.Next());
  if (options_.traces_disk) Note(ToString(lost));
  return true;
}

absl::StatusOr<std::shared_ptr<LogManager>> Lives::OpenManager(fiber::Fiber& self) {
  return LogManager::Open(self, machine_.process().env,
                          {.directory = "data",
                           .cluster_id = "cluster",
                           .node_id = NodeId(1),
                           .open_files_max = static_cast<int32_t>(3 + Draw(20)),
                           .default_config = config_});
}

LogConfig Lives::DrawConfig(const Sizes& sizes) {
  LogConfig config;
  config.segment_bytes = sizes.segment_bytes_min + Draw(sizes.segment_bytes_range);
  config.index_interval_bytes = Draw(3) * 150;
  config.index_piece_bytes = 24 + Draw(3) * 24;
  config.segment_index_bytes = 400;
  config.segment_offsets_max = 60;
  config.file_delete_delay = Duration::Seconds(Draw(sizes.delete_delays));
  config.retention_ms = kNoLimit;
  if (options_.policy == FlushPolicy::kEveryAppend) config.flush_messages = 1;
  if (options_.policy == FlushPolicy::kByMessages) config.flush_messages = 5;
  if (options_.policy == FlushPolicy::kByInterval) config.flush_ms = Duration::Millis(3);
  return config;
}

void Lives::DrawBuggify() {
  if (OneIn(3)) machine_.context.buggified = {"storage.early_roll", "storage.tiny_index"};
}

}  // namespace odradek::storage
