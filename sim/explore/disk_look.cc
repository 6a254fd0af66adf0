#include "sim/explore/disk_look.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include "engine/storage/file_names.h"

namespace odradek::explore {
namespace {

using properties::DirectoryLog;
using properties::DirectoryState;
using properties::WrittenLog;
using sim::DiskModel;
using sim::PagedContent;

ByteBuffer BytesOf(const PagedContent& content) {
  ByteBuffer bytes(static_cast<size_t>(content.size_bytes()));
  content.Read(bytes, 0);
  return bytes;
}

void AddFile(std::string_view name, const PagedContent& content, WrittenLog& log) {
  if (name.ends_with(".log") || name.ends_with(".log.swap") || name.ends_with(".snapshot"))
    log.Add(name, BytesOf(content));
}

DirectoryLog& LogOf(const TopicPartition& partition, DirectoryState& state) {
  // Files come folder by folder.
  const auto at = std::find_if(state.logs.rbegin(), state.logs.rend(),
                               [&](const DirectoryLog& log) { return log.partition == partition; });
  if (at != state.logs.rend()) return *at;
  state.logs.emplace_back().partition = partition;
  return state.logs.back();
}

}  // namespace

std::optional<TopicPartition> PartitionOfFolder(std::string_view folder) {
  const size_t dash = folder.rfind('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view number = folder.substr(dash + 1);
  int32_t index = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), index);
  if (error != std::errc() || end != number.data() + number.size()) return std::nullopt;
  return TopicPartition{std::string(folder.substr(0, dash)), PartitionIndex(index)};
}

WrittenLog LookAtLog(const DiskModel& disk, DiskModel::View view, std::string_view folder) {
  WrittenLog log;
  disk.VisitFiles(view, folder,
                  [&](std::string_view name, const PagedContent& content) { AddFile(name, content, log); });
  return log;
}

DirectoryState LookAtDirectory(const DiskModel& disk, std::string_view directory) {
  DirectoryState state;
  state.directory = directory;
  const auto take = [&](std::string_view path, const PagedContent& content, WrittenLog DirectoryLog::*which) {
    const size_t slash = path.find('/');
    if (slash == std::string_view::npos) return;
    const std::string_view folder = path.substr(0, slash);
    const auto partition = PartitionOfFolder(folder);
    if (!partition.has_value()) return;
    AddFile(path.substr(slash + 1), content, LogOf(*partition, state).*which);
  };
  const auto checkpoint = [](const PagedContent& content) {
    const ByteBuffer bytes = BytesOf(content);
    return properties::ReadCheckpoint(AsString(bytes));
  };
  disk.VisitFiles(DiskModel::View::kIntact, directory, [&](std::string_view path, const PagedContent& content) {
    if (path == storage::kCleanShutdownName) state.clean_marker = DirectoryState::Marker::kThere;
    if (path == storage::kRecoveryPointCheckpointName) state.recovery_points = checkpoint(content);
    if (path == storage::kLogStartCheckpointName) state.log_starts = checkpoint(content);
    if (path == storage::kHighWatermarkCheckpointName) state.high_watermarks = checkpoint(content);
    take(path, content, &DirectoryLog::files);
  });
  const size_t seen_count = state.logs.size();
  disk.VisitFiles(DiskModel::View::kIntactDurable, directory, [&](std::string_view path, const PagedContent& content) {
    if (path == storage::kCleanShutdownName) state.durable_clean_marker = DirectoryState::Marker::kThere;
    take(path, content, &DirectoryLog::durable);
  });
  for (size_t i = seen_count; i < state.logs.size(); ++i) state.logs[i].folder = DirectoryLog::Folder::kGone;
  return state;
}

}  // namespace odradek::explore
