// What a platter does to bytes that it holds: rot, and writes that come down at the wrong place.
#include <algorithm>
#include <set>

#include "engine/base/check.h"
#include "sim/disk/disk_model.h"
#include "sim/disk/inode.h"

namespace odradek::sim {
namespace {

int64_t SectorCountOf(const PagedContent& content) {
  return (content.size_bytes() + kSectorBytes - 1) / kSectorBytes;
}

}  // namespace

int64_t DiskModel::DurableSizeOf(const Inode& file) {
  return file.ledger.durable().size_bytes();
}

void DiskModel::FlipBit(Inode& file, int64_t offset, int bit_index) {
  file.ToDamage().FlipBit(offset, bit_index);
  Account(file);
}

std::optional<int64_t> DiskModel::DrawDirtySector(const Inode& file, uint64_t last_change, base::Prng& draws) const {
  const std::set<int64_t> dirty = file.ledger.DirtySectors(last_change);
  if (dirty.empty()) return std::nullopt;
  return *std::next(dirty.begin(), static_cast<std::ptrdiff_t>(draws.Below(dirty.size())));
}

void DiskModel::SyncMisdirected(Inode& file, uint64_t last_change, int64_t from, const Sector& to) {
  REQUIRES(to.file != nullptr);
  REQUIRES(to.file.get() != &file || to.index != from);
  FileLedger& source = file.ToDamage();
  FileLedger& target = to.file->ToDamage();
  const PagedContent platter = source.durable();
  file.Change([&](FileLedger& ledger) { ledger.Sync(last_change); });
  const PagedContent written = source.durable();
  source.DamageSector(from, platter, from);
  target.DamageSector(to.index, written, from);
  Account(file);
  Account(*to.file);
}

std::optional<DiskModel::Sector> DiskModel::DrawSectorOf(Held where, std::string_view path_part,
                                                         base::Prng& draws) const {
  std::vector<Sector> last;  // of each file that fits
  int64_t sector_count = 0;
  for (const auto& [path, file] : Files()) {
    if (path.find(path_part) == std::string::npos) continue;
    const int64_t count = SectorCountOf(where == Held::kSeen ? file->ledger.visible() : file->ledger.durable());
    sector_count += count;
    last.push_back({file, count});
  }
  if (sector_count == 0) return std::nullopt;
  auto at = static_cast<int64_t>(draws.Below(static_cast<uint64_t>(sector_count)));
  for (const Sector& file : last) {
    if (at < file.index) return Sector{file.file, at};
    at -= file.index;
  }
  INVARIANT(!"a sector behind all others");
  return std::nullopt;
}

std::optional<DiskModel::Sector> DiskModel::DrawSector(std::string_view path_part, base::Prng& draws) const {
  return DrawSectorOf(Held::kSeen, path_part, draws);
}

std::optional<DiskModel::Sector> DiskModel::DrawDurableSector(std::string_view path_part, base::Prng& draws) const {
  return DrawSectorOf(Held::kDurable, path_part, draws);
}

std::vector<ByteRange> DiskModel::DamageOf(const Inode& file) {
  if (file.intact == nullptr) return {};
  const auto between = [](const PagedContent& a, const PagedContent& b) {
    return PagedContent::Differences(a, b, std::max(a.size_bytes(), b.size_bytes()));
  };
  std::vector<ByteRange> ranges = between(file.ledger.visible(), file.intact->visible());
  const std::vector<ByteRange> later = between(file.ledger.durable(), file.intact->durable());
  ranges.insert(ranges.end(), later.begin(), later.end());
  std::sort(ranges.begin(), ranges.end());
  std::vector<ByteRange> joined;
  for (const ByteRange& range : ranges) {
    if (!joined.empty() && range.begin <= joined.back().end) {
      joined.back().end = std::max(joined.back().end, range.end);
    } else {
      joined.push_back(range);
    }
  }
  return joined;
}

std::vector<std::string> DiskModel::DamagedFiles() const {
  std::vector<std::string> paths;
  for (const auto& [path, file] : Files()) {
    if (!DamageOf(*file).empty()) paths.push_back(path);
  }
  return paths;
}

void DiskModel::Repair() {
  for (const auto& [path, file] : Files()) {
    if (file->intact == nullptr) continue;
    file->ledger = *file->intact;
    file->intact.reset();
    Account(*file);
  }
}

}  // namespace odradek::sim
