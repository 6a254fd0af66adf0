#include "engine/producers/producer_states.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "engine/base/check.h"
#include "engine/producers/snapshot.h"

namespace odradek::producers {
namespace {

constexpr int64_t kSequenceModulus = int64_t{1} << 31;

int32_t SequenceBefore(int32_t sequence, int32_t distance) {
  if (sequence < 0) return record::kNoSequence;
  const int64_t before = static_cast<int64_t>(sequence) - distance;
  return static_cast<int32_t>(before < 0 ? before + kSequenceModulus : before);
}

// A producer that has written nothing yet begins with 0.
int32_t SequenceToFollow(int32_t last_sequence, base::Context& context) {
  if (last_sequence == record::kNoSequence) return 0;
  if (last_sequence < std::numeric_limits<int32_t>::max()) return last_sequence + 1;
  REACHED(context, "producers.sequence_wraps");
  return MUTATION(context, ID07) ? record::kNoSequence : 0;
}

Admission Refusal(Verdict verdict, std::string what) {
  Admission admission;
  admission.verdict = verdict;
  admission.what = std::move(what);
  return admission;
}

}  // namespace

int32_t CachedBatch::first_sequence() const {
  return SequenceBefore(last_sequence, offset_delta);
}

ProducerStates::ProducerStates(const ProducersConfig& config, Offset end_offset)
    : config_(config), end_offset_(end_offset) {
  REQUIRES(end_offset >= Offset(0));
  REQUIRES(config.window_batches >= 1);
  REQUIRES(config.expiration > Duration::Nanos(0));
}

const ProducerEntry* ProducerStates::Find(ProducerId id) const {
  const auto it = entries_.find(id);
  return it == entries_.end() ? nullptr : &it->second;
}

Admission ProducerStates::CheckEpoch(const record::BatchHeader& batch, const ProducerEntry& entry) const {
  if (batch.producer_epoch >= entry.epoch) return {};
  return Refusal(Verdict::kInvalidProducerEpoch,
                 fmt::format("producer {} has epoch {}, the batch has {}", batch.producer_id.value(),
                             entry.epoch.value(), batch.producer_epoch.value()));
}

const CachedBatch* ProducerStates::FindDuplicate(const record::BatchHeader& batch, const ProducerEntry& entry,
                                                 base::Context& context) const {
  if (batch.producer_epoch != entry.epoch || batch.base_sequence < 0) return nullptr;
  const bool first_sequence_only = MUTATION(context, ID04);
  const size_t window = MUTATION(context, ID02) ? size_t{1} : entry.window.size();
  const size_t begin = entry.window.size() - std::min(window, entry.window.size());
  for (size_t i = begin; i < entry.window.size(); ++i) {
    const CachedBatch& cached = entry.window[i];
    if (cached.first_sequence() != batch.base_sequence) continue;
    if (cached.last_sequence == batch.last_sequence() || first_sequence_only) return &cached;
  }
  return nullptr;
}

Admission ProducerStates::CheckSequence(const record::BatchHeader& batch, const ProducerEntry& entry,
                                        base::Context& context) const {
  const bool new_epoch = batch.producer_epoch != entry.epoch;
  if (new_epoch && MUTATION(context, ID08)) return {};
  const int32_t expected = new_epoch ? 0 : SequenceToFollow(entry.last_sequence(), context);
  if (batch.base_sequence == expected) return {};
  const bool is_older = !new_epoch && !entry.window.empty() && batch.base_sequence >= 0 &&
                        batch.last_sequence() < entry.window.front().first_sequence();
  if (is_older && MUTATION(context, ID19)) return {};
  REACHED(context, "producers.out_of_order_sequence");
  return Refusal(
      Verdict::kOutOfOrderSequence,
      fmt::format("producer {} epoch {}: sequence {}, expected {}{}", batch.producer_id.value(),
                  batch.producer_epoch.value(), batch.base_sequence, expected, new_epoch ? " of a new epoch" : ""));
}

Admission ProducerStates::Check(const record::BatchHeader& batch, Origin origin, base::Context& context) const {
  REQUIRES(!batch.is_control());
  if (!batch.has_producer_id() || origin == Origin::kReplication) return {};
  const ProducerEntry* entry = Find(batch.producer_id);
  if (entry == nullptr) return {};
  if (origin == Origin::kClient) {
    const CachedBatch* duplicate = FindDuplicate(batch, *entry, context);
    if (duplicate != nullptr && !MUTATION(context, ID01)) {
      REACHED(context, "producers.duplicate");
      const Offset base_offset = MUTATION(context, ID06) ? end_offset_ : duplicate->base_offset();
      return {.verdict = Verdict::kDuplicate,
              .base_offset = base_offset,
              .last_offset = base_offset + duplicate->offset_delta,
              .timestamp = duplicate->timestamp};
    }
  }
  if (Admission stale = CheckEpoch(batch, *entry); stale.verdict != Verdict::kAppend) {
    REACHED(context, "producers.stale_epoch");
    if (MUTATION(context, ID09)) return {};
    return stale;
  }
  if (origin == Origin::kClient) {
    Admission gap = CheckSequence(batch, *entry, context);
    if (gap.verdict != Verdict::kAppend) return gap;
  }
  if (entry->in_txn() && !batch.is_transactional()) {
    return Refusal(Verdict::kInvalidTxnState,
                   fmt::format("producer {} has a transaction open since offset {}, the batch is not transactional",
                               batch.producer_id.value(), entry->current_txn_first_offset.value()));
  }
  return {};
}

Admission ProducerStates::CheckMarker(const record::BatchHeader& batch, const record::EndTxnMarker& marker,
                                      Origin origin) const {
  REQUIRES(batch.is_control());
  const ProducerEntry* entry = Find(batch.producer_id);
  if (entry == nullptr || origin == Origin::kReplication) return {};
  Admission stale = CheckEpoch(batch, *entry);
  if (stale.verdict != Verdict::kAppend) return stale;
  if (marker.coordinator_epoch < entry->coordinator_epoch) {
    return Refusal(Verdict::kCoordinatorFenced,
                   fmt::format("producer {}: marker of coordinator epoch {} after {}", batch.producer_id.value(),
                               marker.coordinator_epoch, entry->coordinator_epoch));
  }
  return {};
}

ProducerEntry& ProducerStates::Touch(const record::BatchHeader& batch) {
  REQUIRES(batch.base_offset >= end_offset_);
  ProducerEntry& entry = entries_[batch.producer_id];
  if (entry.epoch != batch.producer_epoch) {
    entry.epoch = batch.producer_epoch;
    entry.window.clear();
  }
  entry.last_timestamp = batch.max_timestamp;
  end_offset_ = batch.next_offset();
  return entry;
}

void ProducerStates::Update(const record::BatchHeader& batch) {
  REQUIRES(!batch.is_control());
  if (!batch.has_producer_id()) return;
  ProducerEntry& entry = Touch(batch);
  if (entry.window.size() == static_cast<size_t>(config_.window_batches)) entry.window.erase(entry.window.begin());
  entry.window.push_back({.last_sequence = batch.last_sequence(),
                          .last_offset = batch.last_offset(),
                          .offset_delta = batch.last_offset_delta,
                          .timestamp = batch.max_timestamp});
  INVARIANT(entry.window.size() <= static_cast<size_t>(config_.window_batches));
  if (batch.is_transactional() && !entry.in_txn()) {
    entry.current_txn_first_offset = batch.base_offset;
    open_txns_.emplace(batch.base_offset, batch.producer_id);
  }
}

std::optional<CompletedTxn> ProducerStates::UpdateMarker(const record::BatchHeader& batch,
                                                         const record::EndTxnMarker& marker) {
  REQUIRES(batch.is_control());
  if (!batch.has_producer_id()) return std::nullopt;
  ProducerEntry& entry = Touch(batch);
  entry.coordinator_epoch = marker.coordinator_epoch;
  if (!entry.in_txn()) return std::nullopt;
  const CompletedTxn completed{batch.producer_id, entry.current_txn_first_offset, batch.last_offset(), marker.type};
  entry.current_txn_first_offset = kNoOffset;
  const size_t closed = open_txns_.erase(completed.first_offset);
  INVARIANT(closed == 1);
  decided_txns_[completed.first_offset] = completed.last_offset;
  return completed;
}

Applied ProducerStates::Apply(const record::BatchHeader& header, Bytes batch) {
  Applied applied;
  if (!header.has_producer_id()) return applied;
  if (header.base_offset < end_offset_) {
    applied.problem = {record::BatchError::kBadBaseOffset, record::kBaseOffsetAt,
                       fmt::format("base offset {} after {}", header.base_offset.value(), end_offset_.value() - 1)};
    return applied;
  }
  if (!header.is_control()) {
    Update(header);
    return applied;
  }
  record::EndTxnResult read = record::ReadEndTxnMarker(header, batch);
  applied.problem = std::move(read.problem);
  if (read.marker) applied.completed = UpdateMarker(header, *read.marker);
  return applied;
}

Rollback ProducerStates::TruncateTo(Offset offset) {
  if (offset >= end_offset_) return Rollback::kNothingToDo;
  Clear();
  return Rollback::kReplayNeeded;
}

void ProducerStates::Clear() {
  entries_.clear();
  open_txns_.clear();
  decided_txns_.clear();
  end_offset_ = Offset(0);
}

void ProducerStates::ExpireAt(WallTime now) {
  const int64_t now_ms = now.unix_millis();
  const int64_t expiration_ms = config_.expiration.millis();
  std::erase_if(entries_, [&](const auto& item) {
    const ProducerEntry& entry = item.second;
    if (entry.in_txn()) return false;
    // Record timestamps come from outside and may be anything: no subtraction that overflows.
    const int64_t last_ms = std::max<int64_t>(entry.last_timestamp.value(), 0);
    return now_ms >= last_ms && now_ms - last_ms >= expiration_ms;
  });
}

std::optional<Offset> ProducerStates::first_unstable_offset() const {
  std::optional<Offset> first;
  if (!open_txns_.empty()) first = open_txns_.begin()->first;
  if (!decided_txns_.empty()) {
    const Offset decided = decided_txns_.begin()->first;
    first = first ? std::min(*first, decided) : decided;
  }
  return first;
}

void ProducerStates::OnHighWatermark(Offset high_watermark) {
  std::erase_if(decided_txns_, [&](const auto& txn) { return txn.second < high_watermark; });
}

Offset ProducerStates::LastStableOffsetAfter(const CompletedTxn& completed) const {
  REQUIRES(!open_txns_.contains(completed.first_offset));
  return open_txns_.empty() ? completed.last_offset + 1 : open_txns_.begin()->first;
}

void ProducerStates::Restore(ProducerId id, ProducerEntry entry) {
  REQUIRES(id != kNoProducerId);
  REQUIRES(entry.window.size() <= static_cast<size_t>(config_.window_batches));
  REQUIRES(entry.window.empty() || entry.window.back().last_offset < end_offset_);
  REQUIRES(entry.current_txn_first_offset < end_offset_);
  if (entry.in_txn()) open_txns_.emplace(entry.current_txn_first_offset, id);
  const bool is_new = entries_.emplace(id, std::move(entry)).second;
  REQUIRES(is_new);
}

uint64_t ProducerStates::Fingerprint() const {
  // FNV-1a.
  uint64_t hash = 0xcbf29ce484222325;
  for (const std::byte b : EncodeSnapshot(*this, {.end_offset = Offset(0)})) {
    hash ^= std::to_integer<uint64_t>(b);
    hash *= 0x100000001b3;
  }
  return hash;
}

}  // namespace odradek::producers
