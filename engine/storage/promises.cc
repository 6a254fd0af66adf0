#include "engine/storage/promises.h"

#include <fmt/format.h>

#include <limits>

#include "engine/base/check.h"

namespace odradek::storage {
namespace {

constexpr auto kPolicies =
    std::to_array({FlushPolicy::kNever, FlushPolicy::kByInterval, FlushPolicy::kByMessages, FlushPolicy::kEveryAppend});
constexpr auto kFaults =
    std::to_array({StorageFault::kProcessCrash, StorageFault::kPowerLoss, StorageFault::kSyncError,
                   StorageFault::kNoSpace, StorageFault::kIoError, StorageFault::kDamage, StorageFault::kHang});

constexpr Promise PromiseOf(FlushPolicy policy, StorageFault fault) {
  const bool every = policy == FlushPolicy::kEveryAppend;
  switch (fault) {
    case StorageFault::kProcessCrash:
      return {policy, fault, Survives::kAllAcknowledged, false, "written before it is acknowledged"};
    case StorageFault::kPowerLoss:
      return {policy, fault, every ? Survives::kAllAcknowledged : Survives::kAllFlushed, false,
              every ? "synced before it is acknowledged" : "acknowledged records behind the last sync may go"};
    case StorageFault::kSyncError:
      return {policy, fault, every ? Survives::kAllAcknowledged : Survives::kAllFlushed, true,
              "the sync is not repeated; what it covered is written again after the next start"};
    case StorageFault::kNoSpace:
      return {policy, fault, Survives::kAllAcknowledged, true, "the torn end is cut off"};
    case StorageFault::kDamage:
      return {policy, fault, Survives::kAllBeforeDamage, true, "one copy cannot be mended; what is lost is reported"};
    case StorageFault::kHang:
      return {policy, fault, Survives::kAllAcknowledged, true, "after odradek.log.dir.hang.timeout.ms"};
    case StorageFault::kIoError:
      break;
  }
  return {policy, fault, Survives::kAllAcknowledged, true, "as far as the disk gives it back"};
}

constexpr size_t kPromiseCount = kPolicies.size() * kFaults.size();

constexpr std::array<Promise, kPromiseCount> MakePromises() {
  std::array<Promise, kPromiseCount> all{};
  size_t at = 0;
  for (const FlushPolicy policy : kPolicies) {
    for (const StorageFault fault : kFaults) all[at++] = PromiseOf(policy, fault);
  }
  return all;
}

constexpr std::array<Promise, kPromiseCount> kPromises = MakePromises();

}  // namespace

std::string_view ToString(FlushPolicy policy) {
  switch (policy) {
    case FlushPolicy::kNever:
      return "never (default)";
    case FlushPolicy::kByInterval:
      return "flush.ms";
    case FlushPolicy::kByMessages:
      return "flush.messages > 1";
    case FlushPolicy::kEveryAppend:
      return "flush.messages = 1";
  }
  return "unknown";
}

std::string_view ToString(StorageFault fault) {
  switch (fault) {
    case StorageFault::kProcessCrash:
      return "process crash";
    case StorageFault::kPowerLoss:
      return "power loss";
    case StorageFault::kSyncError:
      return "failed fsync, then power loss";
    case StorageFault::kNoSpace:
      return "disk full";
    case StorageFault::kIoError:
      return "I/O error";
    case StorageFault::kDamage:
      return "damaged bytes";
    case StorageFault::kHang:
      return "disk hangs";
  }
  return "unknown";
}

std::string_view ToString(Survives survives) {
  switch (survives) {
    case Survives::kAllAcknowledged:
      return "all acknowledged";
    case Survives::kAllFlushed:
      return "all below the last sync";
    case Survives::kAllBeforeDamage:
      return "all before the damaged batch";
  }
  return "unknown";
}

FlushPolicy PolicyOf(const LogConfig& config) {
  if (config.flushes_every_append()) return FlushPolicy::kEveryAppend;
  if (config.flush_messages != std::numeric_limits<int64_t>::max()) return FlushPolicy::kByMessages;
  return config.flush_ms == Duration::kMax ? FlushPolicy::kNever : FlushPolicy::kByInterval;
}

std::span<const Promise> Promises() {
  return kPromises;
}

const Promise& PromiseFor(FlushPolicy policy, StorageFault fault) {
  for (const Promise& promise : kPromises) {
    if (promise.policy == policy && promise.fault == fault) return promise;
  }
  INVARIANT(false);
  return kPromises.front();
}

std::string PromisesAsMarkdown() {
  std::string out = "| flush policy | fault | survives | log goes offline | why |\n|---|---|---|---|---|\n";
  for (const Promise& promise : kPromises) {
    out += fmt::format("| {} | {} | {} | {} | {} |\n", ToString(promise.policy), ToString(promise.fault),
                       ToString(promise.survives), promise.log_goes_offline ? "yes" : "no", promise.note);
  }
  return out;
}

}  // namespace odradek::storage
