#include "engine/client/completed_fetch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/check.h"
#include "engine/record/control.h"

namespace odradek::client {

CompletedFetch::CompletedFetch(base::Context& context, Options options, Data data)
    : context_(context),
      options_(options),
      data_(std::move(data)),
      cursor_(data_.records),
      aborted_(data_.aborted),
      next_offset_(data_.fetch_offset) {
  std::ranges::sort(aborted_, [](const Aborted& a, const Aborted& b) { return a.first_offset > b.first_offset; });
}

void CompletedFetch::Fail(const record::BatchProblem& problem, Offset base_offset) {
  problem_ = fmt::format("batch at offset {}: {}", base_offset.value(), problem.what);
  done_ = true;
  records_.reset();
}

bool CompletedFetch::IsAborted(const record::BatchHeader& header) {
  while (!aborted_.empty() && aborted_.back().first_offset <= header.last_offset().value()) {
    aborted_producers_.insert(aborted_.back().producer_id);
    aborted_.pop_back();
  }
  return header.is_transactional() && aborted_producers_.contains(header.producer_id.value());
}

// A marker ends its producer's transaction; what the producer writes behind an abort is another one.
void CompletedFetch::NoteMarker(const record::BatchHeader& header, Bytes batch) {
  record::RecordIterator records(header, batch);
  if (records.Next() != record::RecordIterator::Found::kRecord) return;
  const auto key = record::ParseControlKey(records.record().key.value_or(Bytes()));
  if (key && key->Is(record::ControlType::kAbort)) aborted_producers_.erase(header.producer_id.value());
}

void CompletedFetch::EndBatch() {
  records_.reset();
  next_offset_ = std::max(next_offset_, batch_.next_offset());
}

std::string CompletedFetch::WhatIsWrong(const record::BatchHeader& header) const {
  if (header.last_offset() < next_offset_ && !MUTATION(context_, CL09)) {
    return fmt::format("it ends at offset {}, and the position is {}", header.last_offset().value(),
                       next_offset_.value());
  }
  record::BatchCursor behind = cursor_;
  const record::BatchCursor::Step next = behind.Next();
  if (next.found != record::BatchCursor::Found::kBatch || next.header.base_offset > header.last_offset()) return {};
  if (MUTATION(context_, CL09)) return {};
  return fmt::format("it ends at offset {}, and the next batch begins at {}", header.last_offset().value(),
                     next.header.base_offset.value());
}

bool CompletedFetch::NextBatch() {
  while (true) {
    const record::BatchCursor::Step step = cursor_.Next();
    if (step.found == record::BatchCursor::Found::kEnd) break;
    if (step.found == record::BatchCursor::Found::kProblem) {
      // The size limit may cut the last batch off, but never the first.
      if (step.problem.error == record::BatchError::kTruncated && found_batch_) break;
      Fail(step.problem, next_offset_);
      return false;
    }
    found_batch_ = true;
    if (data_.high_watermark != kNoOffset && step.header.last_offset() >= data_.high_watermark) {
      is_ahead_ = true;
      break;
    }
    if (std::string wrong = WhatIsWrong(step.header); !wrong.empty()) {
      Fail({record::BatchError::kBadBaseOffset, 0, std::move(wrong)}, step.header.base_offset);
      return false;
    }
    batch_ = step.header;
    if (options_.check_crcs == CrcCheck::kOn && !record::CheckCrc(step.batch)) {
      Fail({record::BatchError::kBadCrc, 0, "the checksum does not fit the bytes"}, batch_.base_offset);
      return false;
    }
    if (batch_.leader_epoch >= LeaderEpoch(0)) last_epoch_ = batch_.leader_epoch;
    const bool is_committed_only = options_.isolation_level == IsolationLevel::kReadCommitted;
    const bool is_aborted = is_committed_only && IsAborted(batch_);
    if (batch_.is_control()) NoteMarker(batch_, step.batch);
    if (batch_.is_control() || is_aborted) {
      EndBatch();
      continue;
    }
    records_ = std::make_shared<record::RecordIterator>(batch_, step.batch);
    return true;
  }
  done_ = true;
  return false;
}

void CompletedFetch::Take(int32_t count_max, PartitionRecords& out) {
  REQUIRES(count_max >= 0);
  bool uses_batch = false;
  const size_t count_before = out.records.size();
  while (!done_ && static_cast<int64_t>(out.records.size() - count_before) < count_max) {
    if (records_ == nullptr) {
      uses_batch = false;
      if (!NextBatch()) break;
    }
    const auto found = records_->Next();
    if (found == record::RecordIterator::Found::kProblem) {
      Fail(records_->problem(), batch_.base_offset);
      break;
    }
    if (found == record::RecordIterator::Found::kEnd) {
      EndBatch();
      continue;
    }
    const record::RecordView& record = records_->record();
    if (record.offset < next_offset_ && !MUTATION(context_, CL09)) continue;
    if (!std::exchange(uses_batch, true)) out.keep_alive.push_back(records_);
    out.records.push_back({.offset = record.offset,
                           .timestamp = record.timestamp,
                           .timestamp_type = batch_.timestamp_type(),
                           .leader_epoch = batch_.leader_epoch,
                           .producer_id = batch_.producer_id,
                           .producer_epoch = batch_.producer_epoch,
                           .sequence = record.sequence,
                           .key = record.key,
                           .value = record.value,
                           .headers = record.headers});
    next_offset_ = std::max(next_offset_, record.offset + 1);
    if (record.offset == batch_.last_offset()) EndBatch();
  }
  if (out.records.size() > count_before) out.keep_alive.push_back(data_.keep_alive);
  out.next_offset = next_offset_;
}

}  // namespace odradek::client
