// Looking things up in a log. A look-up suspends, and what it looks at may be cut off or dropped meanwhile: it then
// starts again, so that an answer holds for one instant after the call and an error is an error of the disk.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/check.h"
#include "engine/record/record_iterator.h"
#include "engine/storage/batch_scanner.h"
#include "engine/storage/file_names.h"
#include "engine/storage/log.h"

namespace odradek::storage {

using env::DiskError;

namespace log_read_internal {

// The bytes of a read leave without being looked at: a base offset that is not what it was is found here at the ends of
// the range, and by the reader in between.
SeekError Confirm(fiber::Fiber& self, Segment& segment, const SeekResult& first, const SeekResult& last) {
  if (first.from_memory) {
    if (const SeekError error = segment.Confirm(self, *first.place); error != SeekError::kNone) return error;
  }
  const bool is_one = last.place->position == first.place->position;
  return last.from_memory && !is_one ? segment.Confirm(self, *last.place) : SeekError::kNone;
}

}  // namespace log_read_internal

Log::Attempt Log::ReadFailed(const ReadMark& mark, const Segment& segment, SeekError error, ReadError& result) {
  if (!SameAs(mark)) return Attempt::kAgain;
  if (!is_offline()) {
    const std::string_view what = error == SeekError::kDisk ? "read of" : "read of a damaged batch in";
    const SegmentFileName file{
        .base_offset = segment.base_offset(), .kind = SegmentFileKind::kLog, .suffix = FileSuffix::kNone};
    GoOffline(fmt::format("{} {}", what, ToString(file)), DiskError::kIo);
  }
  result = ReadError::kOffline;
  return Attempt::kDone;
}

ReadResult Log::Read(fiber::Fiber& self, const ReadOptions& options) {
  REQUIRES(options.bytes_max >= 0);
  for (;;) {
    ReadResult result;
    if (TryRead(self, options, result) == Attempt::kDone) return result;
    REACHED(env_.context, "storage.read_again");
  }
}

Log::Attempt Log::TryRead(fiber::Fiber& self, const ReadOptions& options, ReadResult& result) {
  const ReadMark before = mark();
  const bool below_start = options.from < log_start_ && !MUTATION(env_.context, RT07);
  if (below_start || options.from > log_end_) {
    result.error = ReadError::kOutOfRange;
    return Attempt::kDone;
  }
  result.next_offset = options.from;
  const Offset upper_bound = std::min(options.upper_bound, log_end_);
  if (options.from >= upper_bound) return Attempt::kDone;
  SegmentPtr segment = SegmentFor(options.from);
  SeekResult first;
  for (; segment != nullptr; segment = SegmentAfter(*segment)) {
    first = segment->Seek(self, std::max(options.from, segment->base_offset()));
    if (first.error != SeekError::kNone) return ReadFailed(before, *segment, first.error, result.error);
    if (first.place) break;
  }
  if (segment == nullptr) {
    // A follower of a compacted log may end in a gap: nothing is there before the next append.
    return SameAs(before) ? Attempt::kDone : Attempt::kAgain;
  }
  if (first.place->base_offset < log_start_ && options.from >= log_start_ && MUTATION(env_.context, RT06)) {
    result.error = ReadError::kOutOfRange;
    return Attempt::kDone;
  }
  if (first.place->last_offset >= upper_bound) return SameAs(before) ? Attempt::kDone : Attempt::kAgain;
  const bool fits = first.place->size_bytes <= options.bytes_max;
  if (!fits && options.first_batch == ReadOptions::FirstBatch::kIfItFits) {
    result.first_batch_too_large = true;
    return SameAs(before) ? Attempt::kDone : Attempt::kAgain;
  }
  const SeekResult last = segment->SeekEnd(self, *first.place, first.place->position + options.bytes_max, upper_bound);
  if (last.error != SeekError::kNone) return ReadFailed(before, *segment, last.error, result.error);
  const SeekError doubt = log_read_internal::Confirm(self, *segment, first, last);
  if (doubt != SeekError::kNone) return ReadFailed(before, *segment, doubt, result.error);
  const ManagedFile::Handle file = segment->OpenLog(self);
  if (file.error != DiskError::kNone) return ReadFailed(before, *segment, SeekError::kDisk, result.error);
  if (!SameAs(before)) return Attempt::kAgain;
  if (segment->base_offset() > options.from) NoteGap(options.from, first.place->base_offset);
  result.file = file.file;
  result.begin = first.place->position;
  result.size_bytes = last.place->end_position() - first.place->position;
  result.base_offset = first.place->base_offset;
  result.next_offset = last.place->last_offset + 1;
  return Attempt::kDone;
}

// Compaction leaves gaps; a file that vanished is one.
void Log::NoteGap(Offset from, Offset to) {
  if (config_.cleanup_compact || from >= to || to <= gaps_noted_to_) return;
  gaps_noted_to_ = to;
  REACHED(env_.context, "storage.gap_between_segments");
  env_.log.Write(
      env::LogLevel::kError, "storage", "records are lost: no segment has them",
      {{"log", place_.directory}, {"from", fmt::format("{}", from.value())}, {"to", fmt::format("{}", to.value())}});
}

ReadError Log::ReadBytes(fiber::Fiber& self, const ReadResult& range, ByteBuffer& into) {
  const size_t before = into.size();
  if (range.file == nullptr) return ReadError::kNone;
  const std::shared_ptr<env::File> file = range.file;
  into.resize(before + static_cast<size_t>(range.size_bytes));
  const env::IoResult read = file->ReadAt(self, MutableBytes(into).subspan(before), range.begin);
  if (read.ok() && read.size_bytes == range.size_bytes) return ReadError::kNone;
  into.resize(before);
  return ReadError::kOffline;
}

SeekError Log::ReadBatch(fiber::Fiber& self, Segment& segment, const BatchPlace& place, record::BatchHeader& header,
                         ByteBuffer& batch) {
  const ManagedFile::Handle log = segment.OpenLog(self);
  if (log.error != DiskError::kNone) return SeekError::kDisk;
  BatchScanner scanner(log.file, {.begin = place.position, .end = place.end_position()},
                       BatchScanner::kLookWindowBytes);
  if (scanner.Next(self) != BatchScanner::Found::kBatch) return SeekError::kDamaged;
  const Bytes body = scanner.Body(self);
  if (body.empty()) return SeekError::kDisk;
  if (scanner.header().base_offset != place.base_offset || !record::CheckCrc(body)) return SeekError::kDamaged;
  header = scanner.header();
  batch.assign(body.begin(), body.end());
  return SeekError::kNone;
}

// The first record of the batch that is wanted; found.offset stays kNoOffset if there is none.
SeekError Log::FindRecord(fiber::Fiber& self, Segment& segment, const BatchPlace& place, const RecordWanted& wanted,
                          TimestampOffset& found) {
  record::BatchHeader header;
  ByteBuffer batch;
  if (const SeekError error = ReadBatch(self, segment, place, header, batch); error != SeekError::kNone) return error;
  record::RecordIterator records(header, batch);
  while (records.Next() == record::RecordIterator::Found::kRecord) {
    const record::RecordView& record = records.record();
    if (record.timestamp < wanted.at_least || record.offset < wanted.from) continue;
    if (record.offset < wanted.upper_bound) {
      found = {.timestamp = record.timestamp, .offset = record.offset, .leader_epoch = header.leader_epoch};
    }
    break;
  }
  return SeekError::kNone;
}

SeekError Log::LargestOf(fiber::Fiber& self, Segment& segment, const BatchPlace& place, const RecordWanted& wanted,
                         Timestamp& largest) {
  record::BatchHeader header;
  ByteBuffer batch;
  if (const SeekError error = ReadBatch(self, segment, place, header, batch); error != SeekError::kNone) return error;
  record::RecordIterator records(header, batch);
  while (records.Next() == record::RecordIterator::Found::kRecord) {
    const record::RecordView& record = records.record();
    if (record.offset >= wanted.from && record.offset < wanted.upper_bound) {
      largest = std::max(largest, record.timestamp);
    }
  }
  return SeekError::kNone;
}

TimestampResult Log::FindByTimestamp(fiber::Fiber& self, Timestamp at_least, Offset upper_bound) {
  for (;;) {
    TimestampResult result;
    if (TryFindTimestamp(self, at_least, upper_bound, result) == Attempt::kDone) return result;
  }
}

Log::Attempt Log::TryFindTimestamp(fiber::Fiber& self, Timestamp at_least, Offset upper_bound,
                                   TimestampResult& result) {
  const ReadMark before = mark();
  const Offset from = MUTATION(env_.context, RT09) ? Offset(0) : log_start_;
  const Offset end = std::min(upper_bound, log_end_);
  SegmentPtr segment = SegmentFor(log_start_);
  for (; segment != nullptr && segment->base_offset() < end; segment = SegmentAfter(*segment)) {
    if (segment->LoadTimestamps(self) != DiskError::kNone)
      return ReadFailed(before, *segment, SeekError::kDisk, result.error);
    if (segment->largest_timestamp() < at_least && !segment->is_time_damaged()) continue;
    Offset next = std::max(from, segment->base_offset());
    for (;;) {
      const SeekResult batch = segment->SeekTimestamp(self, at_least, next);
      if (batch.error != SeekError::kNone) return ReadFailed(before, *segment, batch.error, result.error);
      if (!batch.place || batch.place->base_offset >= end) break;
      const RecordWanted wanted{.at_least = at_least, .from = from, .upper_bound = end};
      const SeekError error = FindRecord(self, *segment, *batch.place, wanted, result.found);
      if (error != SeekError::kNone) return ReadFailed(before, *segment, error, result.error);
      if (result.found.offset != kNoOffset) return SameAs(before) ? Attempt::kDone : Attempt::kAgain;
      next = batch.place->last_offset + 1;
    }
  }
  return SameAs(before) ? Attempt::kDone : Attempt::kAgain;
}

TimestampResult Log::FindMaxTimestamp(fiber::Fiber& self, Offset upper_bound) {
  for (;;) {
    TimestampResult result;
    if (TryFindMax(self, upper_bound, result) == Attempt::kDone) return result;
  }
}

SeekError Log::ConsiderForMax(fiber::Fiber& self, const SegmentPtr& segment, const BatchPlace& place,
                              Offset upper_bound, MaxBatch& best) {
  if (place.max_timestamp <= best.timestamp) return SeekError::kNone;
  Timestamp largest = place.max_timestamp;
  if (place.base_offset < log_start_ || place.last_offset >= upper_bound) {
    largest = kNoTimestamp;
    const RecordWanted visible{.at_least = kNoTimestamp, .from = log_start_, .upper_bound = upper_bound};
    const SeekError error = LargestOf(self, *segment, place, visible, largest);
    if (error != SeekError::kNone) return error;
  }
  if (largest > best.timestamp) best = {largest, place, segment};
  return SeekError::kNone;
}

// The first batch of the segment with the largest timestamp of what is visible, if it beats `best`.
SeekError Log::FindMaxBatch(fiber::Fiber& self, const SegmentPtr& segment, Offset upper_bound, MaxBatch& best) {
  const Offset from = std::max(log_start_, segment->base_offset());
  const bool whole = segment->base_offset() >= log_start_ && segment->next_offset() <= upper_bound;
  if (segment->LoadTimestamps(self) != DiskError::kNone) return SeekError::kDisk;
  if (segment->is_time_damaged()) return SeekError::kDamaged;
  if (segment->largest_timestamp() <= best.timestamp) return SeekError::kNone;
  if (whole) {
    const SeekResult batch = segment->SeekTimestamp(self, segment->largest_timestamp(), from);
    if (batch.error != SeekError::kNone || !batch.place) return batch.error;
    return ConsiderForMax(self, segment, *batch.place, upper_bound, best);
  }
  const SeekResult first = segment->Seek(self, from);
  if (first.error != SeekError::kNone || !first.place) return first.error;
  const ManagedFile::Handle log = segment->OpenLog(self);
  if (log.error != DiskError::kNone) return SeekError::kDisk;
  const int64_t end = std::max(segment->size_bytes(), first.place->position);
  BatchScanner scanner(log.file, {.begin = first.place->position, .end = end}, BatchScanner::kWalkWindowBytes);
  for (;;) {
    const BatchScanner::Found found = scanner.Next(self);
    if (found == BatchScanner::Found::kEnd) return SeekError::kNone;
    if (found == BatchScanner::Found::kDiskError) return SeekError::kDisk;
    if (found == BatchScanner::Found::kProblem) return SeekError::kDamaged;
    // Its timestamp is under the checksum, and its offset is not.
    const Bytes body = scanner.Body(self);
    if (body.empty()) return SeekError::kDisk;
    if (!record::CheckCrc(body)) return SeekError::kDamaged;
    const record::BatchHeader& header = scanner.header();
    const BatchPlace place{.base_offset = header.base_offset,
                           .last_offset = header.last_offset(),
                           .position = scanner.position(),
                           .size_bytes = header.size_bytes,
                           .max_timestamp = header.max_timestamp};
    if (const SeekError error = segment->CheckPlace(self, place); error != SeekError::kNone) return error;
    if (header.base_offset >= upper_bound) return SeekError::kNone;
    if (const SeekError error = ConsiderForMax(self, segment, place, upper_bound, best); error != SeekError::kNone) {
      return error;
    }
  }
}

Log::Attempt Log::TryFindMax(fiber::Fiber& self, Offset upper_bound, TimestampResult& result) {
  const ReadMark before = mark();
  const Offset end = std::min(upper_bound, log_end_);
  MaxBatch best;
  SegmentPtr segment = SegmentFor(log_start_);
  for (; segment != nullptr && segment->base_offset() < end; segment = SegmentAfter(*segment)) {
    const SeekError error = FindMaxBatch(self, segment, end, best);
    if (error != SeekError::kNone) return ReadFailed(before, *segment, error, result.error);
  }
  if (best.place) {
    const RecordWanted wanted{.at_least = best.timestamp, .from = log_start_, .upper_bound = end};
    const SeekError error = FindRecord(self, *best.segment, *best.place, wanted, result.found);
    if (error != SeekError::kNone) return ReadFailed(before, *best.segment, error, result.error);
    if (MUTATION(env_.context, RT10)) result.found.offset = best.place->last_offset;
  }
  return SameAs(before) ? Attempt::kDone : Attempt::kAgain;
}

AbortedTxnsResult Log::AbortedTxns(fiber::Fiber& self, Offset from, Offset upper_bound) {
  for (;;) {
    const ReadMark before = mark();
    AbortedTxnsResult result;
    bool again = false;
    SegmentPtr segment = SegmentFor(std::max(from, log_start_));
    for (; segment != nullptr && !again; segment = SegmentAfter(*segment)) {
      if (segment->LoadIndexes(self) != DiskError::kNone) {
        again = ReadFailed(before, *segment, SeekError::kDisk, result.error) == Attempt::kAgain;
        if (!again) return result;
        break;
      }
      bool complete = false;
      for (const AbortedTxn& txn : segment->txn_index().entries()) {
        if (txn.last_offset >= from && txn.first_offset < upper_bound) result.txns.push_back(txn);
        // Transactions that end later began at or above the last stable offset of this entry.
        if (txn.last_stable_offset >= upper_bound) complete = true;
        if (complete) break;
      }
      if (complete) break;
    }
    if (!again && SameAs(before)) return result;
  }
}

EpochEnd Log::EndOffsetForEpoch(LeaderEpoch epoch) const {
  return epochs_.list().EndOffsetFor(epoch, log_end_);
}

LeaderEpoch Log::EpochAt(Offset offset) const {
  return epochs_.list().EpochAt(offset);
}

}  // namespace odradek::storage
