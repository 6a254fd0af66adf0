#include "sim/kernel/shard_env.h"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

#include "engine/base/check.h"

namespace odradek::sim {
namespace {

// Offloaded work is the long kind: recovery, compaction, decompression.
constexpr Duration kOffloadMin = Duration::Micros(5);
constexpr Duration kOffloadMax = Duration::Micros(500);

DrawStream& StreamOf(Kernel& kernel, const NodeShard& shard, Purpose purpose) {
  const Entity node = EntityOf(kernel.node_name(shard.identity().node));
  return kernel.Stream(PartOf(node, static_cast<uint64_t>(shard.identity().shard.value())), purpose);
}

std::string_view LevelName(env::LogLevel level) {
  switch (level) {
    case env::LogLevel::kDebug:
      return "debug";
    case env::LogLevel::kInfo:
      return "info";
    case env::LogLevel::kWarning:
      return "warning";
    case env::LogLevel::kError:
      return "error";
  }
  return "unknown";
}

}  // namespace

ShardEntropy::ShardEntropy(Kernel& kernel, const NodeShard& shard)
    : draws_(StreamOf(kernel, shard, PurposeOf("entropy"))), shard_(shard) {}

uint64_t ShardEntropy::Next64() {
  return shard_.is_cut_off() ? 0 : draws_.Next();
}

void ShardProcess::Fatal(fiber::Fiber& self, std::string_view reason) {
  const NodeIndex node = shard_.identity().node;
  kernel_.Fold(base::HashName(reason), static_cast<uint64_t>(node.value()));
  kernel_.Trace(TraceKind::kNode, [&] { return fmt::format("fatal: {}", reason); });
  if (!self.is_killed() && !shard_.is_cut_off()) {
    kernel_.AfterEvent([&host = host_, node, why = std::string(reason)] { host.OnFatal(node, why); });
  }
  while (true) nobody_wakes_.Wait(self);
}

ShardOffload::ShardOffload(Kernel& kernel, const NodeShard& shard)
    : draws_(StreamOf(kernel, shard, PurposeOf("offload"))) {}

void ShardOffload::Run(fiber::Fiber& self, absl::AnyInvocable<void()> work) {
  const Duration takes = draws_.Between(kOffloadMin, kOffloadMax);
  const bool works_first = draws_.Below(2) == 0;
  if (works_first) work();
  fiber::SleepFor(self, takes);
  if (!works_first) work();
}

void ShardLog::Write(env::LogLevel level, std::string_view component, std::string_view message,
                     std::initializer_list<env::LogField> fields) {
  kernel_.FoldBytes(AsBytes(message));
  for (const env::LogField& field : fields) kernel_.FoldBytes(AsBytes(field.value));
  kernel_.Trace(TraceKind::kLog, [&] {
    std::string text = fmt::format("{} {}: {}", LevelName(level), component, message);
    for (const env::LogField& field : fields) text += fmt::format(" {}={}", field.key, field.value);
    return text;
  });
}

ShardEnv::ShardEnv(const Parts& parts, const NodeShard::Identity& identity, const ShardOptions& options)
    : shard_(parts.kernel, parts.time, identity, options),
      context_(parts.context, identity.node),
      entropy_(parts.kernel, shard_),
      process_(parts.kernel, parts.host, shard_),
      offload_(parts.kernel, shard_),
      log_(parts.kernel),
      env_{shard_.scheduler(), shard_, parts.disk, parts.network, entropy_,       process_,
           offload_,           shard_, shard_,     log_,          parts.observer, context_} {}

}  // namespace odradek::sim
