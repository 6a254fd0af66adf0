#include "engine/storage/cleaner.h"

#include <algorithm>
#include <utility>

#include "engine/base/check.h"

namespace odradek::storage {
namespace cleaner_internal {

constexpr uint64_t kPpm = 1'000'000;

uint64_t RatioPpm(const CleanRange& range) {
  const auto dirty = static_cast<uint64_t>(range.dirty_bytes);
  const auto total = static_cast<uint64_t>(range.dirty_bytes + range.clean_bytes);
  if (total == 0) return 0;
  const auto ratio = static_cast<uint64_t>(static_cast<unsigned __int128>(dirty) * kPpm / total);
  // Kafka compares "more than", also with a ratio of 0.
  return dirty > 0 ? std::max<uint64_t>(ratio, 1) : 0;
}

bool IsDue(const CleanRange& range, const LogConfig& config) {
  if (range.end <= range.first_dirty || range.dirty_bytes == 0) return false;
  return range.overdue > Duration() || RatioPpm(range) > static_cast<uint64_t>(config.min_cleanable_ratio_ppm);
}

KeyHash DrawSecret(env::Entropy& entropy) {
  KeyHash secret;
  secret.high = entropy.Next64();
  secret.low = entropy.Next64();
  return secret;
}

// A log of a few batches meets a full map and the end of a chunk.
CleanerOptions Shrunk(CleanerOptions options, base::Context& context) {
  if (BUGGIFY(context, "storage.clean.tiny_map")) options.map.memory_bytes = 4 * CleanOffsetMap::kEntryBytes;
  if (BUGGIFY(context, "storage.clean.tiny_chunks")) options.chunk_bytes = 1;
  return options;
}

}  // namespace cleaner_internal

Cleaner::Cleaner(env::Env& env, const CleanerOptions& options, std::vector<LogManager*> directories)
    : env_(env),
      options_(cleaner_internal::Shrunk(options, env.context)),
      directories_(std::move(directories)),
      secret_(cleaner_internal::DrawSecret(env.entropy)),
      throttle_(options_.bytes_per_second_max) {}

void Cleaner::Configure(const CleanerOptions& options) {
  options_ = cleaner_internal::Shrunk(options, env_.context);
  throttle_.SetRate(options_.bytes_per_second_max);
  disturbed_.WakeAll();
}

void Cleaner::Run(fiber::Fiber& self) {
  while (!stop_.is_set()) {
    if (CleanOne(self) == Worked::kYes) {
      fiber::Yield(self);
      continue;
    }
    // CleanOne may have suspended and missed the waking.
    if (!stop_.is_set()) disturbed_.WaitUntil(self, self.Now() + options_.backoff);
  }
}

bool Cleaner::IsUncleanable(const std::shared_ptr<Log>& log) {
  const auto at = uncleanable_.find(log->name());
  if (at == uncleanable_.end()) return false;
  if (at->second.lock() == log) return true;
  uncleanable_.erase(at);
  return false;
}

std::optional<Cleaner::Candidate> Cleaner::FindDirtiest(fiber::Fiber& self) {
  std::optional<Candidate> dirtiest;
  uint64_t ratio_max = 0;
  numbers_.dirty_percent_max = 0;
  numbers_.overdue_max_seconds = 0;
  for (LogManager* directory : directories_) {
    for (const std::shared_ptr<Log>& log : directory->Logs()) {
      if (!log->config().cleanup_compact || log->is_offline() || IsUncleanable(log)) continue;
      const CleanRange range = log->FindCleanable(self);
      const uint64_t ratio = cleaner_internal::RatioPpm(range);
      constexpr uint64_t kPercentPpm = 10'000;
      const auto percent = static_cast<int64_t>(ratio / kPercentPpm);
      numbers_.dirty_percent_max = std::max(numbers_.dirty_percent_max, percent);
      numbers_.overdue_max_seconds = std::max(numbers_.overdue_max_seconds, range.overdue.millis() / 1000);
      if (!cleaner_internal::IsDue(range, log->config()) || (dirtiest && ratio <= ratio_max)) continue;
      ratio_max = ratio;
      dirtiest = Candidate{log, range};
    }
  }
  return dirtiest;
}

Cleaner::Worked Cleaner::CleanOne(fiber::Fiber& self) {
  const std::optional<Candidate> dirtiest = FindDirtiest(self);
  if (!dirtiest || stop_.is_set()) return Worked::kNo;
  CleanOffsetMap map(options_.map, secret_);
  CleanTools tools{
      .map = map, .throttle = throttle_, .chunk_bytes = std::max<int64_t>(options_.chunk_bytes, 1), .stop = stop_};
  const CleanResult result = dirtiest->log->Clean(self, dirtiest->range, tools);
  Note(*dirtiest, result);
  // One that was stopped would be found again at once.
  return result.outcome == CleanOutcome::kDone ? Worked::kYes : Worked::kNo;
}

void Cleaner::Note(const Candidate& cleaned, const CleanResult& result) {
  numbers_.bytes_read += result.bytes_read;
  numbers_.bytes_written += result.bytes_written;
  if (result.outcome == CleanOutcome::kUncleanable) {
    uncleanable_[cleaned.log->name()] = cleaned.log;
    ++numbers_.uncleanable_count;
    env_.log.Write(env::LogLevel::kError, "storage", "a log cannot be cleaned and is left as it is",
                   {{"directory", cleaned.log->directory()}, {"problem", result.problem}});
  }
  if (result.outcome != CleanOutcome::kDone) return;
  ++numbers_.cleaning_count;
  numbers_.map_utilization_percent = result.map_utilization_percent;
}

}  // namespace odradek::storage
