#include "sim/disk/sim_node_disk.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
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
      damage_draws_(kernel.Stream(entity_, PurposeOf("damage"))),
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

std::vector<env::OpenCall> SimNodeDisk::OpenCalls(MonoTime before) const {
  std::vector<env::OpenCall> calls;
  for (const DiskCall* call = first_call_; call != nullptr && call->began_at() < before; call = call->after_) {
    calls.push_back(call->Describe());
  }
  return calls;
}

void SimNodeDisk::Inject(const DiskFault& fault) {
  const DrawStream draws(kernel_.options().seed, PartOf(entity_, ++injected_count_), PurposeOf("disk fault"));
  if (fault.kind == DiskFaultKind::kRotAtRest) return RotAtRest(fault, draws);
  faults_.push_back({.fault = fault, .draws = draws});
}

void SimNodeDisk::Heal() {
  faults_.clear();
  healed_.WakeAll();
}

void SimNodeDisk::Repair() {
  REQUIRES(open_count() == 0);
  kernel_.TraceAt({.node = node_}, TraceKind::kDisk, [&] {
    std::string text = "repaired:";
    for (const std::string& path : model_.DamagedFiles()) text += " " + path;
    return text;
  });
  model_.Repair();
}

void SimNodeDisk::NoteDamage(DiskFaultKind kind, std::string_view path, int64_t begin, int64_t end) {
  damages_.push_back({.at = kernel_.Now(), .kind = kind, .path = std::string(path), .begin = begin, .end = end});
  kernel_.FoldBytes(AsBytes(path));
  kernel_.Fold(static_cast<uint64_t>(begin), static_cast<uint64_t>(end));
  kernel_.TraceAt({.node = node_}, TraceKind::kFault, [&] {
    const std::string_view what = kind == DiskFaultKind::kMisdirectedRead    ? "misdirected read"
                                  : kind == DiskFaultKind::kMisdirectedWrite ? "misdirected write"
                                                                             : "rot";
    return fmt::format("{}: {} [{}, {})", what, path, begin, end);
  });
  if (damage_observer_ != nullptr) damage_observer_->OnDamage(node_, damages_.back());
}

void SimNodeDisk::RotAtRest(const DiskFault& fault, DrawStream draws) {
  base::Prng places(draws.Next());
  const std::vector<std::pair<std::string, InodeRef>> files = model_.Files();
  const uint64_t count = fault.count_max == UINT64_MAX ? 1 : fault.count_max;
  for (uint64_t i = 0; i < count; ++i) {
    const std::optional<DiskModel::Sector> sector = model_.DrawDurableSector(fault.path_part, places);
    if (!sector) return;
    const int64_t in_sector = static_cast<int64_t>(places.Below(kSectorBytes));
    const int64_t last = DiskModel::DurableSizeOf(*sector->file) - 1;
    const int64_t offset = std::min(sector->index * kSectorBytes + in_sector, last);
    const auto bit_index = static_cast<int>(places.Below(8));
    model_.FlipBit(*sector->file, offset, bit_index);
    for (const auto& [path, file] : files) {
      if (file == sector->file) NoteDamage(fault.kind, path, offset, offset + 1);
    }
  }
}

void SimNodeDisk::Rot(Inode& file, std::string_view path, int64_t begin, int64_t end) {
  const int64_t at = damage_draws_.Between(begin, end - 1);
  const auto bit_index = static_cast<int>(damage_draws_.Below(8));
  model_.FlipBit(file, at, bit_index);
  NoteDamage(DiskFaultKind::kBitRot, path, at, at + 1);
}

void SimNodeDisk::Misread(MutableBytes bytes, std::string_view path, int64_t offset) {
  REQUIRES(!bytes.empty());
  const auto size_bytes = static_cast<int64_t>(bytes.size());
  const int64_t at = damage_draws_.Between(offset, offset + size_bytes - 1);
  base::Prng places(damage_draws_.Next());
  const std::optional<DiskModel::Sector> from = model_.DrawSector("", places);
  if (!from) return;
  std::array<std::byte, kSectorBytes> sector{};
  model_.Read(*from->file, sector, from->index * kSectorBytes);
  const int64_t sector_begin = at / kSectorBytes * kSectorBytes;
  const int64_t begin = std::max(sector_begin, offset);
  const int64_t end = std::min(sector_begin + kSectorBytes, offset + size_bytes);
  const Bytes wrong =
      Bytes(sector).subspan(static_cast<size_t>(begin - sector_begin), static_cast<size_t>(end - begin));
  const MutableBytes into = bytes.subspan(static_cast<size_t>(begin - offset), wrong.size());
  if (std::equal(wrong.begin(), wrong.end(), into.begin())) return;
  std::copy(wrong.begin(), wrong.end(), into.begin());
  NoteDamage(DiskFaultKind::kMisdirectedRead, path, begin, end);
}

void SimNodeDisk::SyncMisdirected(const InodeRef& file, std::string_view path, uint64_t last_change) {
  base::Prng places(damage_draws_.Next());
  const std::optional<int64_t> from = model_.DrawDirtySector(*file, last_change, places);
  const std::optional<DiskModel::Sector> to = model_.DrawDurableSector("", places);
  const bool is_possible = from && to && (to->file != file || to->index != *from);
  if (!is_possible) return model_.Sync(*file, last_change);
  const std::vector<std::pair<std::string, InodeRef>> files = model_.Files();
  model_.SyncMisdirected(*file, last_change, *from, *to);
  // Whether processes see it at once or after the next start.
  if (damage_draws_.Below(2) == 0) {
    model_.EvictClean(*file);
    model_.EvictClean(*to->file);
  }
  NoteDamage(DiskFaultKind::kMisdirectedWrite, path, *from * kSectorBytes, (*from + 1) * kSectorBytes);
  for (const auto& [name, other] : files) {
    if (other != to->file) continue;
    NoteDamage(DiskFaultKind::kMisdirectedWrite, name, to->index * kSectorBytes, (to->index + 1) * kSectorBytes);
  }
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
