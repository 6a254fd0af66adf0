#include "engine/storage/checkpoint_files.h"

#include <algorithm>
#include <utility>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "engine/storage/file_names.h"
#include "engine/storage/small_files.h"

namespace odradek::storage {

using env::DiskError;

namespace checkpoint_files_internal {

constexpr auto kKinds = std::to_array({CheckpointKind::kRecoveryPoint, CheckpointKind::kLogStart,
                                       CheckpointKind::kHighWatermark, CheckpointKind::kCleaner});

std::string_view FileName(CheckpointKind kind) {
  switch (kind) {
    case CheckpointKind::kRecoveryPoint:
      return kRecoveryPointCheckpointName;
    case CheckpointKind::kLogStart:
      return kLogStartCheckpointName;
    case CheckpointKind::kCleaner:
      return kCleanerCheckpointName;
    case CheckpointKind::kHighWatermark:
      break;
  }
  return kHighWatermarkCheckpointName;
}

Offset ValueOf(const Log& log, CheckpointKind kind) {
  switch (kind) {
    case CheckpointKind::kRecoveryPoint:
      return log.recovery_point();
    case CheckpointKind::kLogStart:
      return log.log_start_offset();
    case CheckpointKind::kCleaner:
    case CheckpointKind::kHighWatermark:
      break;
  }
  return log.high_watermark();
}

Offset Find(const OffsetCheckpoint& offsets, const TopicPartition& name) {
  const auto it = offsets.find(name);
  return it == offsets.end() ? kNoOffset : it->second;
}

}  // namespace checkpoint_files_internal

DiskError CheckpointFiles::LoadOne(fiber::Fiber& self, std::string_view file_name, File& file) {
  const std::string path = Join(folder_, file_name);
  const SmallFile read = ReadSmallFile(self, env_.disk, path);
  if (read.error == DiskError::kNotFound) return DiskError::kNone;
  if (!read.ok()) {
    env_.log.Write(env::LogLevel::kError, "storage", "a checkpoint cannot be read",
                   {{"file", path}, {"error", std::string(env::ToString(read.error))}});
    return read.error;
  }
  auto parsed = ParseOffsetCheckpoint(path, read.content);
  file.was_damaged = file.is_damaged = !parsed.ok();
  if (parsed.ok()) {
    file.on_disk = *std::move(parsed);
    file.wanted = file.on_disk;
    return DiskError::kNone;
  }
  REACHED(env_.context, "storage.damaged_checkpoint");
  env_.log.Write(env::LogLevel::kWarning, "storage", "a damaged checkpoint is ignored",
                 {{"problem", std::string(base::SV(parsed.status().message()))}});
  return DiskError::kNone;
}

DiskError CheckpointFiles::Load(fiber::Fiber& self) {
  DiskError error = DiskError::kNone;
  for (const CheckpointKind kind : checkpoint_files_internal::kKinds) {
    const DiskError one = LoadOne(self, checkpoint_files_internal::FileName(kind), FileOf(kind));
    if (one != DiskError::kNone) error = one;
  }
  return error;
}

LogCheckpoints CheckpointFiles::For(const TopicPartition& name) const {
  const auto find = [&](CheckpointKind kind) {
    return checkpoint_files_internal::Find(files_[static_cast<size_t>(kind)].wanted, name);
  };
  LogCheckpoints marks;
  marks.recovery_point = find(CheckpointKind::kRecoveryPoint);
  marks.log_start_offset = find(CheckpointKind::kLogStart);
  marks.are_log_starts_damaged = are_log_starts_damaged();
  marks.high_watermark = find(CheckpointKind::kHighWatermark);
  marks.cleaned_until = find(CheckpointKind::kCleaner);
  return marks;
}

DiskError CheckpointFiles::Store(fiber::Fiber& self, CheckpointKind kind) {
  File& file = FileOf(kind);
  REQUIRES(file.writing.is_locked());
  if (file.wanted == file.on_disk && !file.is_damaged) return DiskError::kNone;
  const OffsetCheckpoint content = file.wanted;
  const std::string text = FormatOffsetCheckpoint(content);
  const std::string path = Join(folder_, checkpoint_files_internal::FileName(kind));
  const DiskError error = ReplaceSmallFile(self, env_.disk, env_.context, path, AsBytes(text));
  if (error != DiskError::kNone) return error;
  file.on_disk = content;
  file.is_damaged = false;
  return error;
}

// Whoever waits for the file while another one writes it finds all wishes that came meanwhile written at once.
DiskError CheckpointFiles::Set(fiber::Fiber& self, CheckpointKind kind, const TopicPartition& name, Offset offset) {
  File& file = FileOf(kind);
  file.wanted[name] = offset;
  fiber::MutexLock lock(self, file.writing);
  return Store(self, kind);
}

DiskError CheckpointFiles::Persist(fiber::Fiber& self, const TopicPartition& name, const Wish& wish) {
  if (wish.log_start != kNoOffset) {
    const DiskError error = Set(self, CheckpointKind::kLogStart, name, wish.log_start);
    if (error != DiskError::kNone) return error;
  }
  if (wish.cleaned_until_at_most != kNoOffset) {
    const DiskError error = Lower(self, CheckpointKind::kCleaner, name, wish.cleaned_until_at_most);
    if (error != DiskError::kNone) return error;
  }
  if (wish.cleaned_until != kNoOffset) {
    const DiskError error = Set(self, CheckpointKind::kCleaner, name, wish.cleaned_until);
    if (error != DiskError::kNone) return error;
  }
  if (wish.recovery_point_at_most != kNoOffset) {
    const DiskError error = Lower(self, CheckpointKind::kRecoveryPoint, name, wish.recovery_point_at_most);
    if (error != DiskError::kNone) return error;
  }
  if (wish.recovery_point == kNoOffset) return DiskError::kNone;
  return Set(self, CheckpointKind::kRecoveryPoint, name, wish.recovery_point);
}

DiskError CheckpointFiles::Lower(fiber::Fiber& self, CheckpointKind kind, const TopicPartition& name, Offset offset) {
  File& file = FileOf(kind);
  const Offset wanted = checkpoint_files_internal::Find(file.wanted, name);
  const Offset on_disk = checkpoint_files_internal::Find(file.on_disk, name);
  if (std::max(wanted, on_disk) > offset) return Set(self, kind, name, offset);
  if (!file.is_damaged) return DiskError::kNone;
  // Whoever repairs the file must not bring back what it says of this log.
  fiber::MutexLock lock(self, file.writing);
  return Store(self, kind);
}

DiskError CheckpointFiles::Write(fiber::Fiber& self, CheckpointKind kind,
                                 const std::vector<std::shared_ptr<Log>>& logs) {
  REQUIRES(kind != CheckpointKind::kCleaner);
  File& file = FileOf(kind);
  fiber::MutexLock lock(self, file.writing);
  if (MUTATION(env_.context, LG16)) file.wanted.clear();
  for (const std::shared_ptr<Log>& log : logs) {
    if (!log->has_folder()) continue;
    const Offset offset = checkpoint_files_internal::ValueOf(*log, kind);
    if (MUTATION(env_.context, LG16) && checkpoint_files_internal::Find(file.on_disk, log->name()) == offset) continue;
    Offset& wanted = file.wanted.try_emplace(log->name(), offset).first->second;
    // A start that is being raised is here before the log shows it.
    wanted = kind == CheckpointKind::kLogStart && !MUTATION(env_.context, RT04) ? std::max(wanted, offset) : offset;
  }
  return Store(self, kind);
}

DiskError CheckpointFiles::Erase(fiber::Fiber& self, const TopicPartition& name) {
  for (const CheckpointKind kind : checkpoint_files_internal::kKinds) {
    File& file = FileOf(kind);
    fiber::MutexLock lock(self, file.writing);
    file.wanted.erase(name);
    if (!file.on_disk.contains(name)) continue;
    if (const DiskError error = Store(self, kind); error != DiskError::kNone) return error;
  }
  return DiskError::kNone;
}

}  // namespace odradek::storage
