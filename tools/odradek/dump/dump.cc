#include "tools/odradek/dump/dump.h"

#include <charconv>
#include <optional>

#include "engine/storage/file_names.h"
#include "tools/odradek/dump/dumpers.h"
#include "tools/odradek/dump/input_file.h"

namespace odradek::tool {
namespace {

constexpr std::string_view kCheckpointSuffix = ".checkpoint";

struct MetadataSnapshotName {
  int64_t end_offset = 0;
  int32_t epoch = 0;
};

// "00000000000000000042-0000000007.checkpoint"
std::optional<MetadataSnapshotName> ParseMetadataSnapshotName(std::string_view name) {
  const std::string_view stem = name.substr(0, name.size() - kCheckpointSuffix.size());
  const size_t dash = stem.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  MetadataSnapshotName parsed;
  const auto offset = std::from_chars(stem.data(), stem.data() + dash, parsed.end_offset);
  const auto epoch = std::from_chars(stem.data() + dash + 1, stem.data() + stem.size(), parsed.epoch);
  const bool whole = offset.ec == std::errc() && offset.ptr == stem.data() + dash && epoch.ec == std::errc() &&
                     epoch.ptr == stem.data() + stem.size();
  if (!whole) return std::nullopt;
  return parsed;
}

void DumpMetadataSnapshot(InputFile& file, const DumpOptions& options, DumpReport& report) {
  if (const auto name = ParseMetadataSnapshotName(NameOf(file.path()))) {
    report.Print("Snapshot end offset: {}, epoch: {}\n", name->end_offset, name->epoch);
  } else {
    report.Print("KRaft bootstrap snapshot\n");
  }
  DumpBatches(file, options, report);
}

void DumpSegmentFile(InputFile& file, const storage::SegmentFileName& name, const DumpOptions& options,
                     DumpReport& report) {
  switch (name.kind) {
    case storage::SegmentFileKind::kLog:
      report.Print("Log starting offset: {}\n", name.base_offset.value());
      return DumpBatches(file, options, report);
    case storage::SegmentFileKind::kOffsetIndex:
      return DumpOffsetIndex(file, name.base_offset, options, report);
    case storage::SegmentFileKind::kTimeIndex:
      return DumpTimeIndex(file, name.base_offset, options, report);
    case storage::SegmentFileKind::kTxnIndex:
      return DumpTxnIndex(file, report);
    case storage::SegmentFileKind::kProducerSnapshot:
      return DumpProducerSnapshot(file, name.base_offset, report);
  }
}

}  // namespace

void DumpReport::Problem(std::string_view path, std::string_view what) {
  ++problem_count_;
  // Both streams often end in one terminal: in the order in which it happened.
  out_.flush();
  errors_ << "odradek dump-log: " << path << ": " << what << std::endl;
}

void DumpFile(const std::string& path, const DumpOptions& options, DumpReport& report) {
  report.Print("Dumping {}\n", path);
  InputFile file(path);
  if (!file.error().empty()) return report.Problem(path, file.error());
  const std::string_view name = NameOf(path);
  if (const auto segment = storage::ParseSegmentFileName(name)) {
    DumpSegmentFile(file, *segment, options, report);
  } else if (name.ends_with(kCheckpointSuffix)) {
    DumpMetadataSnapshot(file, options, report);
  } else if (IsTextFileName(name)) {
    DumpTextFile(file, report);
  } else {
    report.Problem(path, "is none of the files that this command knows (see odradek dump-log --help)");
  }
}

}  // namespace odradek::tool
