#include "sim/disk/sim_node_disk.h"

#include <fmt/format.h>

#include <utility>

#include "engine/base/check.h"
#include "sim/disk/sim_disk.h"

namespace odradek::sim {

SimNodeDisk::SimNodeDisk(Kernel& kernel, NodeIndex node, const DiskOptions& options)
    : kernel_(kernel),
      node_(node),
      entity_(EntityOf(kernel.node_name(node))),
      options_(options),
      model_(options.model),
      time_draws_(kernel.Stream(entity_, PurposeOf("disk time"))),
      shape_draws_(kernel.Stream(entity_, PurposeOf("disk shape"))),
      evict_draws_(kernel.Stream(entity_, PurposeOf("disk eviction"))),
      loss_draws_(kernel.Stream(entity_, PurposeOf("power loss"))),
      disk_(std::make_unique<SimDisk>(*this)) {}

SimNodeDisk::~SimNodeDisk() {
  REQUIRES(open_count() == 0);
}

env::Disk& SimNodeDisk::disk() {
  return *disk_;
}

void SimNodeDisk::Boot() {
  REQUIRES(open_count() == 0);
  is_cut_off_ = false;
}

void SimNodeDisk::CutOff() {
  is_cut_off_ = true;
}

void SimNodeDisk::ProcessCrash() {
  is_cut_off_ = true;
  REQUIRES(open_count() == 0);
}

void SimNodeDisk::PowerLoss() {
  is_cut_off_ = true;
  REQUIRES(open_count() == 0);
  const uint64_t draw_seed = loss_draws_.Next();
  last_loss_ = model_.LosePower(draw_seed, fate_);
  const std::string text = ToString(last_loss_);
  kernel_.FoldBytes(AsBytes(text));
  kernel_.TraceAt({.node = node_}, TraceKind::kDisk, [&] {
    return fmt::format("power loss: {}", last_loss_.empty() ? "nothing was lost" : std::string_view(text));
  });
}

void SimNodeDisk::Wipe() {
  REQUIRES(open_count() == 0);
  model_.Wipe();
  kernel_.TraceAt({.node = node_}, TraceKind::kDisk, [] { return std::string("wiped"); });
}

size_t SimNodeDisk::open_count() const {
  return call_count_ + static_cast<size_t>(model_.open_count());
}

void SimNodeDisk::Inject(const DiskFault& fault) {
  const DrawStream draws(kernel_.options().seed, PartOf(entity_, ++injected_count_), PurposeOf("disk fault"));
  faults_.push_back({.fault = fault, .draws = draws});
}

void SimNodeDisk::Heal() {
  faults_.clear();
  healed_.WakeAll();
}

bool SimNodeDisk::Hits(DiskFaultKind kind, std::string_view path) {
  for (ArmedFault& armed : faults_) {
    const DiskFault& fault = armed.fault;
    if (fault.kind != kind || armed.hit_count >= fault.count_max) continue;
    if (path.find(fault.path_part) == std::string_view::npos) continue;
    if (!armed.draws.PartsPerMillion(fault.probability_ppm)) continue;
    ++armed.hit_count;
    return true;
  }
  return false;
}

Duration SimNodeDisk::SlowDelay(std::string_view path) {
  Duration delay;
  for (ArmedFault& armed : faults_) {
    const DiskFault& fault = armed.fault;
    if (fault.kind != DiskFaultKind::kSlow || armed.hit_count >= fault.count_max) continue;
    if (path.find(fault.path_part) == std::string_view::npos) continue;
    if (!armed.draws.PartsPerMillion(fault.probability_ppm)) continue;
    ++armed.hit_count;
    delay = delay + fault.delay;
  }
  return delay;
}

const DiskTimes& SimNodeDisk::TimesOf(DiskOperation operation) const {
  switch (operation) {
    case DiskOperation::kRead:
      return options_.read;
    case DiskOperation::kWrite:
      return options_.write;
    case DiskOperation::kSync:
    case DiskOperation::kSyncDirectory:
      return options_.sync;
    default:
      return options_.metadata;
  }
}

Duration SimNodeDisk::DrawTime(DiskOperation operation) {
  const DiskTimes& times = TimesOf(operation);
  if (time_draws_.PartsPerMillion(times.inline_ppm)) return {};
  const bool is_slow = time_draws_.PartsPerMillion(times.slow_ppm);
  return is_slow ? time_draws_.Between(times.max, times.slow_max) : time_draws_.Between(times.min, times.max);
}

void SimNodeDisk::MaybeEvict(Inode& file) {
  if (!model_.HasFailedSync(file)) return;
  if (evict_draws_.PartsPerMillion(options_.evict_ppm)) model_.EvictClean(file);
}

}  // namespace odradek::sim
