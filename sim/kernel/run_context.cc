#include "sim/kernel/run_context.h"

#include <fmt/format.h>

#include "engine/base/check.h"

namespace odradek::sim {
namespace {

constexpr uint64_t kMillion = 1'000'000;

RunContext::Counts& CountsOf(RunContext::Table& table, std::string_view name) {
  const auto at = table.find(name);
  if (at != table.end()) return at->second;
  return table.emplace(std::string(name), RunContext::Counts{}).first->second;
}

}  // namespace

RunContext::RunContext(Kernel& kernel, const RunContextOptions& options) : kernel_(kernel), options_(options) {
  REQUIRES(options.buggify.armed_sites_ppm <= kMillion);
  REQUIRES(options.buggify.fire_ppm <= kMillion);
}

void RunContext::Reached(NodeIndex node, std::string_view name) {
  Counts& counts = CountsOf(probes_, name);
  ++counts.visited;
  ++counts.fired;
  kernel_.Fold(base::HashName(name), static_cast<uint64_t>(node.value()));
  kernel_.Trace(TraceKind::kProbe, [&] { return fmt::format("reached {}", name); });
  if (observer_ != nullptr) observer_->OnProbe(node, name);
}

bool RunContext::IsArmed(std::string_view site) const {
  const uint64_t random =
      base::KeyedDraw(kernel_.options().seed, EntityOf(site).value(), PurposeOf("buggify.armed").value(), 0);
  return base::BoundedDraw(random, kMillion) < options_.buggify.armed_sites_ppm;
}

bool RunContext::Buggify(NodeIndex node, std::string_view site) {
  if (!buggify_enabled_) return false;
  Counts& counts = CountsOf(sites_, site);
  ++counts.visited;
  if (!IsArmed(site)) return false;
  const Entity who = node == kNoNodeIndex ? EntityOf("no node") : EntityOf(kernel_.node_name(node));
  if (!kernel_.Stream(who, PurposeOf(site)).PartsPerMillion(options_.buggify.fire_ppm)) return false;
  ++counts.fired;
  kernel_.Fold(base::HashName(site), static_cast<uint64_t>(node.value()));
  kernel_.Trace(TraceKind::kProbe, [&] { return fmt::format("buggify {}", site); });
  return true;
}

}  // namespace odradek::sim
