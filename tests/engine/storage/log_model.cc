#include "tests/engine/storage/log_model.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/record/builder.h"
#include "engine/record/record_iterator.h"

namespace odradek::storage {

int64_t LogModel::Start(const NewBatch& wanted) {
  const int64_t id = ++last_id_;
  ModelBatch batch;
  batch.id = id;
  batch.timestamps = wanted.timestamps;
  batch.producer_id = wanted.producer_id;
  batch.base_sequence = wanted.base_sequence;
  if (wanted.base_offset) batch.base_offset = *wanted.base_offset;
  record::BatchBuilder builder(
      {.compression = {}, .base_offset = wanted.base_offset.value_or(Offset(0)), .leader_epoch = wanted.leader_epoch});
  for (size_t i = 0; i < wanted.timestamps.size(); ++i) {
    const std::string value =
        fmt::format("{}.{}.{}", id, i, std::string(static_cast<size_t>(wanted.payload_bytes), 'x'));
    builder.Append({.timestamp = Timestamp(wanted.timestamps[i]), .key = std::nullopt, .value = AsBytes(value)});
  }
  if (wanted.producer_id != kNoProducerId) {
    builder.SetProducer({.id = wanted.producer_id, .epoch = ProducerEpoch(0), .base_sequence = wanted.base_sequence});
  }
  batch.bytes = builder.Build();
  batches_[id] = std::move(batch);
  return id;
}

void LogModel::Acked(int64_t id, Offset base_offset) {
  ModelBatch& batch = batches_.at(id);
  if (batch.state == BatchState::kGone || batch.state == BatchState::kCutUnsynced) {
    verdict_->Fail(fmt::format("batch {} was cut off and is acknowledged", id));
  }
  if (batch.state == BatchState::kThere && batch.base_offset != base_offset) {
    verdict_->Fail(
        fmt::format("batch {} is at {} and acknowledged at {}", id, batch.base_offset.value(), base_offset.value()));
  }
  Seen(id, base_offset);
  batch.answered = true;
}

void LogModel::Seen(int64_t id, Offset base_offset) {
  const auto it = batches_.find(id);
  if (it == batches_.end()) return verdict_->Fail(fmt::format("batch {} was never written", id));
  ModelBatch& batch = it->second;
  if (batch.state == BatchState::kGone || batch.state == BatchState::kCutUnsynced) {
    return verdict_->Fail(fmt::format("batch {} is back at {}", id, base_offset.value()));
  }
  if (batch.state == BatchState::kThere && batch.base_offset != base_offset) {
    return verdict_->Fail(
        fmt::format("batch {} moved from {} to {}", id, batch.base_offset.value(), base_offset.value()));
  }
  batch.state = BatchState::kThere;
  batch.base_offset = base_offset;
}

std::vector<int64_t> LogModel::IdsIn(Bytes bytes, std::vector<Offset>& offsets) {
  std::vector<int64_t> ids;
  record::BatchCursor cursor(bytes);
  for (;;) {
    const record::BatchCursor::Step step = cursor.Next();
    if (step.found == record::BatchCursor::Found::kEnd) return ids;
    if (step.found == record::BatchCursor::Found::kProblem) {
      verdict_->Fail("read bytes that are not batches: " + step.problem.what);
      return ids;
    }
    if (!record::CheckCrc(step.batch)) {
      verdict_->Fail(fmt::format("read a batch with a wrong CRC at {}", step.header.base_offset.value()));
      return ids;
    }
    record::RecordIterator records(step.header, step.batch);
    if (records.Next() != record::RecordIterator::Found::kRecord || !records.record().value) {
      verdict_->Fail("read a batch without a record");
      return ids;
    }
    ids.push_back(std::atoll(std::string(AsString(*records.record().value)).c_str()));
    offsets.push_back(step.header.base_offset);
  }
}

void LogModel::CheckRead(Bytes bytes, Offset from) {
  std::vector<Offset> offsets;
  const std::vector<int64_t> ids = IdsIn(bytes, offsets);
  for (size_t i = 0; i < ids.size() && verdict_->ok(); ++i) {
    Seen(ids[i], offsets[i]);
    if (!verdict_->ok()) return;
    if (i == 0 && Get(ids[i]).next_offset() <= from) {
      verdict_->Fail(fmt::format("a read from {} begins with a batch that ends at {}", from.value(),
                                 Get(ids[i]).next_offset().value()));
    }
  }
}

void LogModel::CheckLoaded(const Loaded& loaded) {
  std::vector<Offset> offsets;
  const std::vector<int64_t> ids = IdsIn(loaded.bytes, offsets);
  std::map<int64_t, Offset> there;
  for (size_t i = 0; i < ids.size() && verdict_->ok(); ++i) {
    const auto it = batches_.find(ids[i]);
    const bool may_return = it != batches_.end() && it->second.state == BatchState::kCutUnsynced && loaded.power_lost &&
                            it->second.base_offset == offsets[i];
    if (may_return) it->second.state = BatchState::kThere;
    Seen(ids[i], offsets[i]);
    if (!there.emplace(ids[i], offsets[i]).second) verdict_->Fail(fmt::format("batch {} is there twice", ids[i]));
  }
  if (!verdict_->ok()) return;
  for (auto& [id, batch] : batches_) {
    if (loaded.power_lost && batch.state == BatchState::kCutUnsynced) batch.state = BatchState::kGone;
    if (batch.state == BatchState::kGone || batch.state == BatchState::kCutUnsynced || there.contains(id)) continue;
    if (batch.state == BatchState::kMaybe) {
      batch.state = BatchState::kGone;
      continue;
    }
    const bool cut = maybe_truncated_ && batch.next_offset() > *maybe_truncated_;
    const Offset must = batch.answered ? loaded.answered_below : loaded.seen_below;
    if (batch.next_offset() <= loaded.log_start) {
      // Nobody can read it any more; whether its producer is remembered is another matter.
      if (batch.next_offset() > must || cut) batch.state = BatchState::kGone;
      continue;
    }
    if (batch.next_offset() <= must && !cut) {
      verdict_->Fail(fmt::format("batch {} at [{}, {}) is lost: the log is [{}, {}), {} and below must survive", id,
                                 batch.base_offset.value(), batch.next_offset().value(), loaded.log_start.value(),
                                 loaded.log_end.value(), must.value()));
      return;
    }
    batch.state = cut && !loaded.power_lost ? BatchState::kCutUnsynced : BatchState::kGone;
  }
  maybe_truncated_.reset();
}

void LogModel::Synced(Offset end) {
  for (auto& [id, batch] : batches_) {
    if (batch.state == BatchState::kCutUnsynced && batch.base_offset < end) batch.state = BatchState::kGone;
  }
}

Offset LogModel::Truncate(Offset offset, Offset log_start, Offset log_end) {
  if (offset >= log_end) return log_end;
  Offset end = log_start;
  for (auto& [id, batch] : batches_) {
    if (batch.state != BatchState::kThere) continue;
    if (batch.next_offset() > offset) {
      batch.state = BatchState::kGone;
    } else {
      end = std::max(end, batch.next_offset());
    }
  }
  return end;
}

Offset LogModel::FindTime(int64_t at_least, Offset from, Offset end) const {
  Offset best = kNoOffset;
  for (const auto& [id, batch] : batches_) {
    if (batch.state != BatchState::kThere) continue;
    for (int64_t i = 0; i < batch.count(); ++i) {
      const Offset at = batch.base_offset + i;
      if (at < from || at >= end || batch.timestamps[static_cast<size_t>(i)] < at_least) continue;
      if (best == kNoOffset || at < best) best = at;
    }
  }
  return best;
}

std::optional<int64_t> LogModel::LargestTimestamp(Offset from, Offset end) const {
  std::optional<int64_t> largest;
  for (const auto& [id, batch] : batches_) {
    if (batch.state != BatchState::kThere) continue;
    for (int64_t i = 0; i < batch.count(); ++i) {
      const Offset at = batch.base_offset + i;
      if (at < from || at >= end) continue;
      largest = std::max(largest.value_or(INT64_MIN), batch.timestamps[static_cast<size_t>(i)]);
    }
  }
  return largest;
}

Offset LogModel::FindMax(Offset from, Offset end) const {
  const std::optional<int64_t> largest = LargestTimestamp(from, end);
  return largest ? FindTime(*largest, from, end) : kNoOffset;
}

bool LogModel::Knows(Offset from, Offset end) const {
  int64_t known_count = 0;
  for (const auto& [id, batch] : batches_) {
    if (batch.state != BatchState::kThere) continue;
    const Offset begin = std::max(from, batch.base_offset);
    const Offset finish = std::min(end, batch.next_offset());
    if (begin < finish) known_count += finish - begin;
  }
  return known_count == end - from;
}

const ModelBatch* LogModel::LastOf(ProducerId id) const {
  const ModelBatch* last = nullptr;
  for (const auto& [batch_id, batch] : batches_) {
    if (batch.producer_id != id || batch.state != BatchState::kThere) continue;
    if (last == nullptr || batch.base_offset > last->base_offset) last = &batch;
  }
  return last;
}

bool LogModel::MayHave(ProducerId id, int32_t last_sequence) const {
  for (const auto& [batch_id, batch] : batches_) {
    if (batch.producer_id == id && batch.last_sequence() == last_sequence) return true;
  }
  return false;
}

}  // namespace odradek::storage
