// Producer state and epochs computed from the files alone, to be compared with what a log has in memory.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/producers/snapshot.h"
#include "engine/storage/batch_scanner.h"
#include "engine/storage/file_names.h"
#include "engine/storage/log.h"
#include "engine/storage/small_files.h"

namespace odradek::storage {

using env::DiskError;

namespace log_fold_internal {

struct Folded {
  std::optional<producers::ProducerStates> states;
  EpochList epochs;
  Offset next;
};

// Empty: the batch fits.
std::string Take(const record::BatchHeader& header, Bytes body, Offset log_start, Folded& folded) {
  if (header.base_offset < folded.next) {
    return fmt::format("offset {} after {}", header.base_offset.value(), folded.next.value());
  }
  if (body.empty() || !record::CheckCrc(body)) return fmt::format("wrong CRC at offset {}", header.base_offset.value());
  folded.next = header.next_offset();
  const bool readable = header.next_offset() > log_start;
  if (readable && header.leader_epoch > folded.epochs.latest())
    folded.epochs.Assign(header.leader_epoch, header.base_offset);
  if (header.has_producer_id() && header.base_offset >= folded.states->end_offset()) {
    folded.states->Apply(header, body);
  }
  return {};
}

// Whether `all` says the same of every batch that begins an epoch in `some`.
bool IsPartOf(const EpochList& some, const EpochList& all) {
  return std::all_of(some.entries().begin(), some.entries().end(),
                     [&](const EpochEntry& entry) { return all.EpochAt(entry.start_offset) == entry.epoch; });
}

}  // namespace log_fold_internal

LogFold Log::FoldFiles(fiber::Fiber& self) {
  namespace internal = log_fold_internal;
  LogFold fold;
  internal::Folded folded;
  std::vector<SegmentPtr> segments;
  for (const auto& [base, segment] : segments_) segments.push_back(segment);
  folded.next = segments.front()->base_offset();
  folded.states.emplace(producers_.states().config(), folded.next);
  // From the oldest snapshot: the longest way to the same state. One of a segment that is being dropped leads nowhere.
  // Compaction takes batches out that only snapshots remember: then the newest one counts.
  const bool compacted = MayHaveBeenCompacted() || replacements_ > 0;
  std::vector<Offset> snapshots = producers_.SnapshotOffsets();
  if (compacted) std::reverse(snapshots.begin(), snapshots.end());
  for (const Offset offset : snapshots) {
    if (offset < folded.next) continue;
    const SegmentFileName name{
        .base_offset = offset, .kind = SegmentFileKind::kProducerSnapshot, .suffix = FileSuffix::kNone};
    const SmallFile file = ReadSmallFile(self, env_.disk, Join(place_.directory, ToString(name)));
    auto decoded = producers::DecodeSnapshot(file.content, producers_.PlaceAt(offset), producers_.states().config());
    if (!file.ok() || !decoded.ok()) continue;
    folded.states = *std::move(decoded);
    break;
  }
  for (const SegmentPtr& segment : segments) {
    if (segment->empty()) {
      // Its name says where the log goes on.
      folded.next = std::max(folded.next, segment->base_offset());
      continue;
    }
    const ManagedFile::Handle file = segment->OpenLog(self);
    if (file.error != DiskError::kNone) {
      fold.problem = env::ToString(file.error);
      return fold;
    }
    BatchScanner scanner(file.file, {.begin = 0, .end = segment->size_bytes()}, BatchScanner::kWalkWindowBytes);
    BatchScanner::Found found = scanner.Next(self);
    for (; found == BatchScanner::Found::kBatch; found = scanner.Next(self)) {
      const Bytes body = scanner.Body(self);
      fold.problem = internal::Take(scanner.header(), body, log_start_, folded);
      if (!fold.problem.empty()) return fold;
    }
    if (found != BatchScanner::Found::kEnd) {
      fold.problem = fmt::format("segment {}: {}", segment->base_offset().value(), scanner.problem().what);
      return fold;
    }
  }
  folded.epochs.TruncateFromStart(log_start_);
  folded.epochs.TruncateFromEnd(log_end_);
  if (compacted && internal::IsPartOf(folded.epochs, epochs_.list())) folded.epochs = epochs_.list();
  folded.states->ExpireAt(producers_expired_at_);
  fold.ok = true;
  fold.producer_fingerprint = folded.states->Fingerprint();
  fold.epochs = folded.epochs.entries();
  fold.log_end_offset = folded.next;
  return fold;
}

}  // namespace odradek::storage
