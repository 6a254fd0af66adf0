// The disk model against a naive one: what is seen is exactly what an in-memory file system shows, and what a loss of
// power leaves can be explained, sector by sector and name by name, by states that existed since the last sync.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "sim/disk/disk_model.h"

namespace odradek::sim {
namespace disk_property {

using env::DiskError;
using env::OpenMode;

struct Step {
  uint8_t kind = 0;
  uint8_t name = 0;
  uint8_t other = 0;
  uint16_t at = 0;
  uint16_t size = 0;
};

void showValue(const Step& step, std::ostream& out) {
  out << "{" << int{step.kind} << ", " << int{step.name} << ", " << int{step.other} << ", " << step.at << ", "
      << step.size << "}";
}

constexpr std::string_view kNames[] = {"a", "b", "d/a", "d/b"};
constexpr std::string_view kDirectories[] = {"", "d"};

std::string_view DirectoryOf(std::string_view name) {
  return name.starts_with("d/") ? "d" : "";
}

struct NaiveFile {
  std::string content;
  // Since the last good sync, that state included.
  std::vector<std::string> versions = {""};
  // Writes that a failed sync gave up make the platter's state one that never was seen as a whole.
  bool sync_failed = false;
};

constexpr int kNothing = -1;

class NaiveDisk {
 public:
  NaiveDisk() {
    for (const std::string_view name : kNames) Set(name, kNothing);
  }
  int At(std::string_view name) const { return now_.at(std::string(name)); }
  void Set(std::string_view name, int file) {
    now_[std::string(name)] = file;
    since_sync_[std::string(name)].push_back(file);
  }
  int Create(std::string_view name) {
    files_.emplace_back();
    Set(name, static_cast<int>(files_.size()) - 1);
    return At(name);
  }
  NaiveFile& file(int index) { return files_[static_cast<size_t>(index)]; }
  void Changed(int index) { file(index).versions.push_back(file(index).content); }
  void SyncDirectory(std::string_view directory) {
    for (const std::string_view name : kNames) {
      if (DirectoryOf(name) == directory) since_sync_[std::string(name)] = {At(name)};
    }
  }

  bool Explains(std::string_view name, const std::string* content) {
    for (const int index : since_sync_.at(std::string(name))) {
      if (content == nullptr ? index == kNothing : index != kNothing && ExplainsContent(file(index), *content)) {
        return true;
      }
    }
    return false;
  }

 private:
  static std::string SectorOf(const std::string& content, size_t begin) {
    std::string sector = begin < content.size() ? content.substr(begin, kSectorBytes) : "";
    sector.resize(kSectorBytes, '\0');
    return sector;
  }
  // `sector` as it was in some version, zeros from where some version ended: a cut survives without the writes
  // before it.
  static bool ExplainsSector(const NaiveFile& file, const std::string& sector, size_t begin) {
    for (const std::string& cut : file.versions) {
      const size_t kept = std::min(sector.size(), cut.size() - std::min(begin, cut.size()));
      const bool zeros_behind = sector.find_first_not_of('\0', kept) == std::string::npos;
      for (const std::string& version : file.versions) {
        const std::string as_it_was = SectorOf(version, begin);
        if (sector == as_it_was.substr(0, sector.size())) return true;
        if (zeros_behind && sector.substr(0, kept) == as_it_was.substr(0, kept)) return true;
      }
    }
    return false;
  }
  static bool ExplainsContent(const NaiveFile& file, const std::string& content) {
    const bool size_existed = std::any_of(file.versions.begin(), file.versions.end(),
                                          [&](const std::string& v) { return v.size() == content.size(); });
    if (!size_existed) return false;
    for (size_t begin = 0; begin < content.size(); begin += kSectorBytes) {
      if (!ExplainsSector(file, content.substr(begin, kSectorBytes), begin)) return false;
    }
    return true;
  }

  std::vector<NaiveFile> files_;
  std::map<std::string, int> now_;
  std::map<std::string, std::vector<int>> since_sync_;
};

std::string ContentOf(const DiskModel& disk, const InodeRef& file) {
  std::string text(static_cast<size_t>(disk.SizeOf(*file)), '?');
  RC_ASSERT(disk.Read(*file, std::as_writable_bytes(std::span(text)), 0).ok());
  return text;
}

struct Worlds {
  DiskModel disk{DiskModelOptions{}};
  NaiveDisk naive;
  uint8_t next_letter = 0;
};

void Write(Worlds& worlds, std::string_view name, const Step& step) {
  const auto [file, error] = worlds.disk.Open(name, OpenMode::kCreate);
  RC_ASSERT(error == DiskError::kNone);
  int index = worlds.naive.At(name);
  if (index == kNothing) index = worlds.naive.Create(name);
  NaiveFile& naive = worlds.naive.file(index);
  const size_t at = step.at % 3000;
  const std::string bytes(step.size % 2500, static_cast<char>('A' + worlds.next_letter++ % 50));
  RC_ASSERT(worlds.disk.Write(*file, AsBytes(bytes), static_cast<int64_t>(at)).ok());
  if (!bytes.empty()) {
    naive.content.resize(std::max(naive.content.size(), at + bytes.size()), '\0');
    naive.content.replace(at, bytes.size(), bytes);
    worlds.naive.Changed(index);
  }
  worlds.disk.Close(file);
}

void ChangeFile(Worlds& worlds, std::string_view name, const Step& step) {
  const InodeRef file = worlds.disk.Find(name);
  const int index = worlds.naive.At(name);
  RC_ASSERT((file == nullptr) == (index == kNothing));
  if (file == nullptr) return;
  NaiveFile& naive = worlds.naive.file(index);
  switch (step.kind % 3) {
    case 0:
      RC_ASSERT(worlds.disk.Truncate(*file, step.at % 3000) == DiskError::kNone);
      naive.content.resize(step.at % 3000, '\0');
      worlds.naive.Changed(index);
      break;
    case 1:
      worlds.disk.Sync(*file);
      if (!naive.sync_failed) naive.versions.clear();
      worlds.naive.Changed(index);
      break;
    default:
      worlds.disk.FailSync(*file);
      naive.sync_failed = true;
      break;
  }
}

void ChangeName(Worlds& worlds, std::string_view name, std::string_view other, const Step& step) {
  const int index = worlds.naive.At(name);
  const DiskError expected = index == kNothing ? DiskError::kNotFound : DiskError::kNone;
  if (step.kind % 2 == 0) {
    RC_ASSERT(worlds.disk.Remove(name) == expected);
    if (index != kNothing) worlds.naive.Set(name, kNothing);
    return;
  }
  RC_ASSERT(worlds.disk.Rename(name, other) == expected);
  if (index == kNothing || name == other) return;
  worlds.naive.Set(name, kNothing);
  worlds.naive.Set(other, index);
}

void Take(Worlds& worlds, const Step& step) {
  const std::string_view name = kNames[step.name % std::size(kNames)];
  const std::string_view other = kNames[step.other % std::size(kNames)];
  switch (step.other % 8) {
    case 0:
    case 1:
    case 2:
      return Write(worlds, name, step);
    case 3:
    case 4:
      return ChangeFile(worlds, name, step);
    case 5:
    case 6:
      return ChangeName(worlds, name, other, step);
    default: {
      const std::string_view directory = kDirectories[step.name % std::size(kDirectories)];
      RC_ASSERT(worlds.disk.SyncDirectory(directory) == DiskError::kNone);
      worlds.naive.SyncDirectory(directory);
    }
  }
}

rc::Gen<std::vector<Step>> Steps() {
  return rc::gen::container<std::vector<Step>>(
      rc::gen::build<Step>(rc::gen::set(&Step::kind, rc::gen::arbitrary<uint8_t>()),
                           rc::gen::set(&Step::name, rc::gen::arbitrary<uint8_t>()),
                           rc::gen::set(&Step::other, rc::gen::arbitrary<uint8_t>()),
                           rc::gen::set(&Step::at, rc::gen::inRange<uint16_t>(0, 3000)),
                           rc::gen::set(&Step::size, rc::gen::inRange<uint16_t>(0, 2500))));
}

RC_GTEST_PROP(DiskProperty, SeenIsTheNaiveStateAndLossesAreExplained, ()) {
  const std::vector<Step> steps = *Steps();
  const auto seed = *rc::gen::arbitrary<uint64_t>();
  Worlds worlds;
  RC_ASSERT(worlds.disk.CreateDirectory("d") == DiskError::kNone);
  RC_ASSERT(worlds.disk.SyncDirectory("") == DiskError::kNone);
  for (const Step& step : steps) {
    Take(worlds, step);
    for (const std::string_view name : kNames) {
      const InodeRef file = worlds.disk.Find(name);
      const int index = worlds.naive.At(name);
      RC_ASSERT((file == nullptr) == (index == kNothing));
      if (file != nullptr) RC_ASSERT(ContentOf(worlds.disk, file) == worlds.naive.file(index).content);
    }
  }
  std::map<std::string_view, std::string> before;
  for (const std::string_view name : kNames) {
    if (const InodeRef file = worlds.disk.Find(name); file != nullptr) before[name] = ContentOf(worlds.disk, file);
  }
  const PowerLossReport report = worlds.disk.LosePower(seed, PowerLossFate::kDrawn);
  bool same = true;
  for (const std::string_view name : kNames) {
    const InodeRef file = worlds.disk.Find(name);
    const std::string content = file == nullptr ? "" : ContentOf(worlds.disk, file);
    RC_ASSERT(worlds.naive.Explains(name, file == nullptr ? nullptr : &content));
    same = same && (file != nullptr) == before.contains(name) && (file == nullptr || before[name] == content);
  }
  // The report is empty only if nothing was lost.
  if (!same) RC_ASSERT(!report.empty());
  if (report.empty()) RC_ASSERT(same);
  // What the platter holds is all there is: a second loss of power takes nothing.
  RC_ASSERT(worlds.disk.LosePower(seed + 1, PowerLossFate::kDrawn).empty());
}

}  // namespace disk_property
}  // namespace odradek::sim
