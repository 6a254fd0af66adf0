#include "sim/explore/damage_ledger.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "engine/storage/file_names.h"
#include "sim/disk/sim_node_disk.h"
#include "sim/explore/disk_look.h"

namespace odradek::explore {

void DamageLedger::OnDamage(sim::NodeIndex node, const sim::DiskDamage& damage) {
  ++damage_count_;
  const std::string_view path = damage.path;
  const size_t file_at = path.rfind('/');
  if (file_at == std::string_view::npos || !path.ends_with(".log")) return;
  const std::string_view folder = path.substr(0, file_at);
  const std::optional<TopicPartition> partition = PartitionOfFolder(folder.substr(folder.rfind('/') + 1));
  if (!partition) return;
  const std::optional<storage::SegmentFileName> name = storage::ParseSegmentFileName(path.substr(file_at + 1));
  if (!name) return;
  const sim::DiskModel& disk = static_cast<sim::SimNodeDisk*>(cluster_.node(node).disk())->model();
  const properties::WrittenLog log = LookAtLog(disk, sim::DiskModel::View::kIntact, folder);
  for (const properties::WrittenSegment& segment : log.segments) {
    if (segment.base_offset != name->base_offset) continue;
    const auto begin = log.batches.begin() + static_cast<std::ptrdiff_t>(segment.batches_begin);
    const auto end = log.batches.begin() + static_cast<std::ptrdiff_t>(segment.batches_end);
    const auto hit = std::find_if(begin, end, [&](const auto& batch) { return batch.end_position > damage.begin; });
    if (hit != end) nodes_.NoteDamage(node, *partition, hit->base_offset);
  }
}

}  // namespace odradek::explore
