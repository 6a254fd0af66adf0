// Opens a log: what the folder holds (log_load.cc), what of it is whole after a crash (log_recover.cc), and what
// follows.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/absl_compat.h"
#include "engine/storage/batch_scanner.h"
#include "engine/storage/file_names.h"
#include "engine/storage/log.h"
#include "engine/storage/small_files.h"

namespace odradek::storage {

// Lives during Open().
class Log::Loader {
 public:
  Loader(fiber::Fiber& self, Log& log, const LogCheckpoints& checkpoints)
      : self_(self), log_(log), checkpoints_(checkpoints) {}

  absl::Status Run();

 private:
  struct FoundFiles {
    bool log = false;
    std::vector<SegmentFileKind> indexes;
  };

  absl::Status Problem(std::string_view file, std::string_view what) const {
    return base::DataLoss(fmt::format("{}: {}", Join(log_.place_.directory, file), what));
  }
  absl::Status DiskProblem(std::string_view file, env::DiskError error) const {
    return Problem(file, env::ToString(error));
  }
  absl::Status EndsTooEarly(Offset end) const {
    return Problem("", fmt::format("the log ends at offset {}, but it was synced up to {}: restore it", end.value(),
                                   checkpoints_.recovery_point.value()));
  }
  std::string LogFileName(const Segment& segment) const {
    return ToString(SegmentFileName{
        .base_offset = segment.base_offset(), .kind = SegmentFileKind::kLog, .suffix = FileSuffix::kNone});
  }
  void Warn(std::string_view message, std::string detail) const {
    log_.env_.log.Write(env::LogLevel::kWarning, "storage", message, {{"detail", std::move(detail)}});
  }

  absl::Status ScanFolder();
  absl::Status NoteFile(const env::DirectoryEntry& entry);
  absl::Status FinishSwaps();
  absl::Status RemoveFile(const std::string& name);
  absl::Status PlaceSegments();
  absl::Status FinishDeletion();
  absl::Status RebuildMissingIndexes();
  absl::Status LoadEpochs();
  absl::Status LoadCleanEnd();
  absl::Status Recover();
  // Where in `segment` the first batch to check begins, and its offset.
  struct Start {
    int64_t position = 0;
    Offset offset;
  };
  absl::StatusOr<Start> FindStart(Segment& segment, Offset recovery_point);
  absl::StatusOr<bool> IsBatchAt(Segment& segment, const IndexEntry& entry, Start& start);
  absl::Status RecoverSegment(Segment& segment, const Start& start, bool& torn);
  // A segment is right up to byte `position` of `file_size` and no further, because of `wrong`. An error: this must not
  // be cut off.
  struct BadEnd {
    int64_t position = 0;
    int64_t file_size = 0;
    std::string wrong;
  };
  absl::Status JudgeBadEnd(const Segment& segment, env::File& file, const BadEnd& end);
  // Before what stands at `from` and behind is cut off.
  absl::Status PrepareCut(Offset from);
  void Adopt(producers::ProducerStates states);
  absl::Status SettleProducersAt(Offset base);
  absl::Status SettleProducersAtEnd();
  // What stands before and behind a batch.
  struct Around {
    LeaderEpoch epoch = kNoLeaderEpoch;
    Offset next_base = kNoOffset;
    LeaderEpoch next_epoch = kNoLeaderEpoch;
  };
  bool IsGapOfNobody(Offset next, const record::BatchHeader& header) const;
  std::string WhatIsWrong(const Segment& segment, const BatchScanner& scanner, Bytes body, const Around& around) const;
  // What the batch behind the one that the scanner is at says of itself, if that one is not what it should be;
  // kNoOffset, kNoLeaderEpoch: not known.
  void LookBehind(const Segment& segment, const std::shared_ptr<env::File>& file, const BatchScanner& scanner,
                  Around& around);
  bool HasNotBegun(LeaderEpoch epoch) const;
  // Not the metadata log: it is never compacted, and what is missing there must not be passed over.
  bool MayHaveGaps() const { return log_.config_.damage != LogConfig::Damage::kRefuseUnlessTorn; }
  // Compaction and deletion leave gaps between batches below it.
  Offset GapsEnd() const {
    return std::max({checkpoints_.cleaned_until, checkpoints_.log_start_offset, checkpoints_.recovery_point});
  }
  // The batch stands in the log: its epoch began with it at the latest.
  void EnterEpoch(const record::BatchHeader& header);
  env::DiskError TakeBatch(Segment& segment, const record::BatchHeader& header, Bytes body);
  // Whether the segment begins where the log ends so far, with no hole: gaps that are meant end at a recovery point.
  bool Follows(const Segment& segment) const;
  absl::Status DropAfter(const Segment& segment);
  absl::Status SettleStart();
  absl::Status KeepProducersOnly(Segment& fresh);
  absl::Status RestoreProducers(Offset until);
  env::DiskError CarryProducersOver();
  absl::Status Finish();
  absl::Status RebuildEpochs();
  absl::Status CheckEpochs();

  fiber::Fiber& self_;
  Log& log_;
  const LogCheckpoints& checkpoints_;
  std::map<Offset, FoundFiles> found_;
  std::vector<SegmentFileName> swaps_;
  Offset damaged_from_ = kNoOffset;
  Offset cleaned_from_{std::numeric_limits<int64_t>::max()};
  std::map<Offset, int64_t> file_sizes_;
  bool epochs_lost_ = false;
  bool unclean_ = true;
  bool producers_ready_ = false;
  int64_t bytes_read_ = 0;
  int64_t bytes_truncated_ = 0;
};

}  // namespace odradek::storage
