#include "tests/engine/storage/compaction_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/record/record_iterator.h"
#include "tests/engine/storage/clean_batches.h"

namespace odradek::storage {
namespace compaction_model_internal {

std::string KeyText(int32_t key) {
  return fmt::format("key-{}", key);
}

}  // namespace compaction_model_internal

ByteBuffer CompactionModel::Encode(KeyedAppend& batch, int64_t number) {
  namespace internal = compaction_model_internal;
  if (batch.marker) {
    // The time tells one marker from another.
    return record::BuildEndTxnBatch(
        {.timestamp = Timestamp(number), .producer_id = batch.producer_id, .producer_epoch = ProducerEpoch(0)},
        {.type = *batch.marker, .coordinator_epoch = 0});
  }
  KeyedBatch keyed;
  keyed.producer_id = batch.producer_id;
  keyed.base_sequence = batch.base_sequence;
  if (batch.producer_id != kNoProducerId) keyed.producer_epoch = ProducerEpoch(0);
  if (batch.is_transactional) keyed.kind = record::BatchKind::kTransactionalData;
  for (ModelRecord& record : batch.records) {
    record.id = ++last_id_;
    record.batch = number;
    if (batch.is_transactional) record.txn = TxnState::kOpen;
    KeyValue& one = keyed.records.emplace_back();
    one.key = internal::KeyText(record.key);
    // Its identity: a tombstone has no value to carry one.
    one.timestamp = record.id;
    if (!record.is_tombstone) one.value = std::to_string(record.id);
  }
  return EncodeKeyed(keyed);
}

int64_t CompactionModel::Start(KeyedAppend batch) {
  const int64_t number = ++last_batch_;
  batch.bytes = Encode(batch, number);
  by_crc_[record::ParseHeader(batch.bytes).header.crc] = number;
  batches_[number] = std::move(batch);
  return number;
}

void CompactionModel::Answered(int64_t number, Offset base_offset) {
  KeyedAppend& batch = batches_.at(number);
  if (batch.base_offset != base_offset) {
    verdict_->Fail(fmt::format("batch {} was appended at {} and answered with {}", number, batch.base_offset.value(),
                               base_offset.value()));
  }
  batch.answered = true;
}

void CompactionModel::Appended(uint32_t crc, Offset base_offset) {
  const auto at = by_crc_.find(crc);
  if (at == by_crc_.end()) return verdict_->Fail(fmt::format("nobody wrote the batch at {}", base_offset.value()));
  KeyedAppend& batch = batches_.at(at->second);
  batch.base_offset = base_offset;
  batch.under_way = false;
  if (batch.marker) return Decide(batch);
  for (size_t i = 0; i < batch.records.size(); ++i) {
    truth_[base_offset + static_cast<int64_t>(i)] = batch.records[i];
  }
}

void CompactionModel::Decide(const KeyedAppend& batch) {
  Marker& marker = markers_[batch.base_offset];
  marker = {.type = *batch.marker, .producer_id = batch.producer_id};
  for (auto& [offset, record] : truth_) {
    if (record.txn != TxnState::kOpen || batches_.at(record.batch).producer_id != batch.producer_id) continue;
    if (marker.first_offset == kNoOffset) marker.first_offset = offset;
    record.txn = marker.type == record::ControlType::kCommit ? TxnState::kCommitted : TxnState::kAborted;
    record.decided_at = batch.base_offset;
  }
}

void CompactionModel::Adopt(Bytes bytes) {
  record::BatchCursor cursor(bytes);
  for (record::BatchCursor::Step step = cursor.Next(); step.found == record::BatchCursor::Found::kBatch;
       step = cursor.Next()) {
    const auto at = by_crc_.find(step.header.crc);
    if (at != by_crc_.end() && batches_.at(at->second).under_way) Appended(step.header.crc, step.header.base_offset);
  }
  for (auto& [number, batch] : batches_) batch.under_way = false;
}

void CompactionModel::Cut(Offset end) {
  truth_.erase(truth_.lower_bound(end), truth_.end());
  markers_.erase(markers_.lower_bound(end), markers_.end());
  for (auto& [offset, record] : truth_) {
    if (record.decided_at < end) continue;
    record.txn = TxnState::kOpen;
    record.decided_at = kNoOffset;
  }
  for (auto& [number, batch] : batches_) {
    if (batch.base_offset >= end) batch.base_offset = kNoOffset;
  }
}

void CompactionModel::Forget() {
  truth_.clear();
  markers_.clear();
  for (auto& [number, batch] : batches_) batch.base_offset = kNoOffset;
}

void CompactionModel::CloseTxnOf(ProducerId id) {
  std::erase_if(truth_, [&](const auto& item) {
    return item.second.txn == TxnState::kOpen && batches_.at(item.second.batch).producer_id == id;
  });
}

void CompactionModel::CheckOne(Offset offset, const ModelRecord& record, Seen& seen) {
  const auto at = truth_.find(offset);
  if (at == truth_.end() || at->second.id != record.id || at->second.key != record.key ||
      at->second.is_tombstone != record.is_tombstone) {
    return verdict_->Fail(fmt::format("record {} of key {} is at {}, where {} was written", record.id, record.key,
                                      offset.value(),
                                      at == truth_.end() ? "nothing" : fmt::format("record {}", at->second.id)));
  }
  if (!seen.records.emplace(offset, at->second).second)
    verdict_->Fail(fmt::format("offset {} is there twice", offset.value()));
}

bool CompactionModel::Collect(Bytes bytes, Offset start, Seen& seen) {
  record::BatchCursor cursor(bytes);
  Offset next{0};
  for (;;) {
    const record::BatchCursor::Step step = cursor.Next();
    if (step.found == record::BatchCursor::Found::kEnd) return verdict_->ok();
    if (step.found == record::BatchCursor::Found::kProblem || !record::CheckCrc(step.batch)) {
      verdict_->Fail(fmt::format("what is read behind {} is not a whole batch", next.value()));
      return false;
    }
    if (step.header.base_offset < next) {
      verdict_->Fail(fmt::format("offset {} after {}", step.header.base_offset.value(), next.value() - 1));
      return false;
    }
    next = step.header.next_offset();
    if (step.header.is_control()) {
      if (step.header.base_offset >= start) seen.markers.insert(step.header.base_offset);
      continue;
    }
    CollectRecords(step.header, step.batch, start, seen);
  }
}

void CompactionModel::CollectRecords(const record::BatchHeader& header, Bytes batch, Offset start, Seen& seen) {
  record::RecordIterator records(header, batch);
  while (records.Next() == record::RecordIterator::Found::kRecord) {
    const record::RecordView& view = records.record();
    if (view.offset < start) continue;
    ModelRecord record;
    record.key = std::atoi(std::string(AsString(view.key.value_or(Bytes{}))).substr(4).c_str());
    record.is_tombstone = !view.value.has_value();
    record.id = view.timestamp.value();
    const bool says_so = !view.value || std::string(AsString(*view.value)) == std::to_string(record.id);
    if (!says_so) verdict_->Fail(fmt::format("the record at {} is damaged", view.offset.value()));
    CheckOne(view.offset, record, seen);
  }
}

// Which record of each key must be there, and which ones must not.
void CompactionModel::CheckKeys(const Read& read, const Seen& seen) {
  struct Newest {
    Offset written = kNoOffset;
    Offset there = kNoOffset;
    Offset first_there = kNoOffset;
    int64_t cleaned_count = 0;  // that are there below the cleaned end
  };
  std::map<int32_t, Newest> keys;
  for (const auto& [offset, record] : truth_) {
    if (offset < read.start || offset >= read.end || !record.counts()) continue;
    Newest& key = keys[record.key];
    key.written = offset;
    if (!seen.records.contains(offset)) continue;
    key.there = offset;
    if (key.first_there == kNoOffset) key.first_there = offset;
    if (offset < read.cleaned_until) ++key.cleaned_count;
  }
  for (const auto& [number, key] : keys) {
    const ModelRecord& newest = truth_.at(key.written);
    if (key.cleaned_count > 1) {
      verdict_->Fail(fmt::format("key {} has {} records below {}, where all is clean", number, key.cleaned_count,
                                 read.cleaned_until.value()));
    }
    if (key.there == key.written) continue;
    if (!newest.is_tombstone) {
      verdict_->Fail(fmt::format("the last record of key {} was at {}, and now it is at {}", number,
                                 key.written.value(), key.there.value()));
    } else if (read.now_ms < newest.appended_ms + delete_retention_.millis()) {
      verdict_->Fail(fmt::format("the tombstone of key {} at {} went too early", number, key.written.value()));
    } else if (key.first_there != kNoOffset) {
      verdict_->Fail(fmt::format("the tombstone of key {} at {} is gone, and an older record is at {}", number,
                                 key.written.value(), key.first_there.value()));
    }
    if (!verdict_->ok()) return;
  }
}

// What is open or aborted is left as it is, and so is what says so.
void CompactionModel::CheckTransactions(const Read& read, const Seen& seen) {
  for (const auto& [offset, record] : truth_) {
    const bool must = offset >= read.start && offset < read.end && !record.counts();
    if (must && !seen.records.contains(offset)) {
      return verdict_->Fail(fmt::format("the record at {} of a transaction is gone", offset.value()));
    }
  }
  std::vector<AbortedTxn> expected;
  for (const auto& [offset, marker] : markers_) {
    if (offset < read.start || offset >= read.end) continue;
    if (!seen.markers.contains(offset)) return verdict_->Fail(fmt::format("the marker at {} is gone", offset.value()));
    if (marker.type != record::ControlType::kAbort || marker.first_offset == kNoOffset) continue;
    expected.push_back({.producer_id = marker.producer_id, .first_offset = marker.first_offset, .last_offset = offset});
  }
  const auto same = [](const AbortedTxn& a, const AbortedTxn& b) {
    return a.producer_id == b.producer_id && a.first_offset == b.first_offset && a.last_offset == b.last_offset;
  };
  if (std::equal(expected.begin(), expected.end(), read.aborted.begin(), read.aborted.end(), same)) return;
  verdict_->Fail(fmt::format("{} aborted transactions are named for [{}, {}), there were {}", read.aborted.size(),
                             read.start.value(), read.end.value(), expected.size()));
}

void CompactionModel::Check(const Read& read) {
  Seen seen;
  if (!Collect(read.bytes, read.start, seen)) return;
  CheckKeys(read, seen);
  if (verdict_->ok()) CheckTransactions(read, seen);
}

void CompactionModel::CheckLoaded(const Loaded& loaded) {
  for (auto& [number, batch] : batches_) {
    if (batch.base_offset == kNoOffset || batch.base_offset < loaded.end) continue;
    const bool must =
        batch.next_offset() <= loaded.durable_end || (batch.answered && batch.next_offset() <= loaded.answered_below);
    if (must && batch.base_offset >= start_) {
      return verdict_->Fail(fmt::format("batch {} at [{}, {}) is lost: the log ends at {}", number,
                                        batch.base_offset.value(), batch.next_offset().value(), loaded.end.value()));
    }
  }
  Cut(loaded.end);
}

const KeyedAppend* CompactionModel::LastOf(ProducerId id) const {
  const KeyedAppend* last = nullptr;
  for (const auto& [number, batch] : batches_) {
    if (batch.producer_id != id || batch.marker || batch.base_offset == kNoOffset) continue;
    if (last == nullptr || batch.base_offset > last->base_offset) last = &batch;
  }
  return last;
}

}  // namespace odradek::storage
