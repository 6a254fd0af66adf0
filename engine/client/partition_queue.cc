#include "engine/client/partition_queue.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "engine/base/check.h"

namespace odradek::client {
namespace {

// Modulo 2^31, as sequences count; the outstanding ones lie close together.
bool IsSequenceBefore(int32_t a, int32_t b) {
  const uint32_t distance = (static_cast<uint32_t>(b) - static_cast<uint32_t>(a)) & 0x7fffffffu;
  return distance != 0 && distance < 0x40000000u;
}

bool StandsBefore(const ProducerBatch& a, const ProducerBatch& b) {
  if (!a.sequence() || !b.sequence()) return a.id() < b.id();
  return IsSequenceBefore(a.sequence()->base_sequence, b.sequence()->base_sequence);
}

}  // namespace

bool PartitionQueue::TryAppend(const record::NewRecord& record, SendCallback& callback) {
  if (queued_.empty()) return false;
  ProducerBatch& last = *queued_.back();
  if (last.TryAppend(record, options_.batch_bytes, callback)) return true;
  last.CloseForAppends();
  return false;
}

void PartitionQueue::Push(BatchPtr batch) {
  REQUIRES(batch != nullptr);
  if (!queued_.empty()) queued_.back()->CloseForAppends();
  queued_.push_back(std::move(batch));
}

MonoTime PartitionQueue::ReadyAt(MonoTime now, Hurry hurry) const {
  if (queued_.empty()) return MonoTime::Never();
  const ProducerBatch& batch = *queued_.front();
  if (batch.attempt_count > 0) return batch.retry_at;
  const bool is_ready = hurry == Hurry::kYes || queued_.size() > 1 || batch.is_full(options_.batch_bytes);
  return is_ready ? now : batch.created_at() + options_.linger;
}

void PartitionQueue::StartChain(const ProducerIdentity& identity) {
  identity_ = identity;
  next_sequence_ = options_.first_sequence;
  is_chain_proven_ = false;
  broken_ = false;
  needs_new_producer_id_ = false;
}

bool PartitionQueue::SettleIdentity(const ProducerIdentity& identity) {
  if (identity.id == kNoProducerId) return false;
  if (identity_.id == kNoProducerId) StartChain(identity);
  if (!broken_) return true;
  if (!in_flight_.empty() || HasSequencedInQueue()) return false;
  if (identity.id != identity_.id) {
    StartChain(identity);
    return true;
  }
  if (identity_.epoch.value() == std::numeric_limits<int16_t>::max() - 1) {
    needs_new_producer_id_ = true;
    return false;
  }
  context_.Reached("client.producer.epoch_bump");
  [[maybe_unused]] const int32_t next_before = next_sequence_;
  StartChain({identity_.id, ProducerEpoch(static_cast<int16_t>(identity_.epoch.value() + 1))});
  // Only the very first chain may start anywhere; a new epoch starts at 0.
  next_sequence_ = MUTATION(context_, CL03) ? next_before : 0;
  return true;
}

bool PartitionQueue::MayFollow(const ProducerBatch& batch, const ProducerIdentity& identity) {
  if (batch.sequence()) return in_flight_.empty();
  if (in_flight_.size() >= kSequencedInFlightMax || !SettleIdentity(identity)) return false;
  return is_chain_proven_ || in_flight_.empty();
}

BatchPtr PartitionQueue::TakeForSend(const ProducerIdentity& identity) {
  if (queued_.empty()) return nullptr;
  ProducerBatch& batch = *queued_.front();
  if (options_.max_in_flight == 1 && !in_flight_.empty()) return nullptr;
  if (options_.idempotence == Idempotence::kOn) {
    if (!MayFollow(batch, identity)) return nullptr;
    if (!batch.sequence()) {
      batch.SetSequence({identity_.id, identity_.epoch, next_sequence_});
      next_sequence_ = record::SequenceAfter(next_sequence_, batch.record_count());
    }
  }
  BatchPtr taken = std::move(queued_.front());
  queued_.pop_front();
  ++taken->attempt_count;
  in_flight_.push_back(taken);
  return taken;
}

void PartitionQueue::Land(const BatchPtr& batch) {
  const auto found = std::ranges::find(in_flight_, batch);
  REQUIRES(found != in_flight_.end());
  in_flight_.erase(found);
}

void PartitionQueue::OnSuccess(const BatchPtr& batch) {
  Land(batch);
  const auto& sequence = batch->sequence();
  if (sequence && ProducerIdentity{sequence->producer_id, sequence->epoch} == identity_) is_chain_proven_ = true;
}

void PartitionQueue::InsertInOrder(BatchPtr batch) {
  if (MUTATION(context_, CL01)) {
    queued_.push_back(std::move(batch));
    return;
  }
  const auto at = std::ranges::find_if(queued_, [&batch](const BatchPtr& other) {
    if (batch->sequence().has_value() != other->sequence().has_value()) return batch->sequence().has_value();
    return StandsBefore(*batch, *other);
  });
  queued_.insert(at, std::move(batch));
}

void PartitionQueue::OnRetry(const BatchPtr& batch) {
  Land(batch);
  REQUIRES(!batch->is_complete());
  // A chain that broke meanwhile has no place for it any more.
  if (broken_ && batch->sequence() && !batch->maybe_appended) batch->DropSequence();
  InsertInOrder(batch);
}

void PartitionQueue::OnFailure(const BatchPtr& batch) {
  Land(batch);
  if (!batch->sequence()) return;
  if (MUTATION(context_, CL06)) {
    next_sequence_ = batch->sequence()->base_sequence;
    return;
  }
  BreakChain();
}

void PartitionQueue::OnSplit(const BatchPtr& batch, std::vector<std::unique_ptr<ProducerBatch>> parts) {
  Land(batch);
  for (auto& part : parts) InsertInOrder(std::move(part));
}

void PartitionQueue::BreakChain() {
  if (options_.idempotence == Idempotence::kOff) return;
  broken_ = true;
  // Stable: what keeps its sequence stays in front, in order; the rest follows in its old order.
  for (const BatchPtr& batch : queued_) {
    if (!batch->sequence()) continue;
    if (batch->maybe_appended && MUTATION(context_, CL16)) batch->maybe_appended = false;
    if (!batch->maybe_appended) batch->DropSequence();
  }
  std::ranges::stable_partition(queued_, [](const BatchPtr& batch) { return batch->sequence().has_value(); });
  const auto unsequenced = std::ranges::find_if(queued_, [](const BatchPtr& batch) { return !batch->sequence(); });
  if (queued_.end() - unsequenced > 1 && MUTATION(context_, CL02)) std::reverse(unsequenced, queued_.end());
}

bool PartitionQueue::IsFirstOutstanding(const ProducerBatch& batch) const {
  REQUIRES(batch.sequence().has_value());
  const auto is_before = [&batch](const BatchPtr& other) {
    return other.get() != &batch && other->sequence() && other->sequence()->epoch == batch.sequence()->epoch &&
           StandsBefore(*other, batch);
  };
  return std::ranges::none_of(queued_, is_before) && std::ranges::none_of(in_flight_, is_before);
}

std::vector<BatchPtr> PartitionQueue::Expire(MonoTime created_before) {
  std::vector<BatchPtr> expired;
  const auto is_old = [created_before](const BatchPtr& batch) {
    return batch->created_at() <= created_before && !batch->is_complete();
  };
  std::ranges::copy_if(in_flight_, std::back_inserter(expired), is_old);
  std::ranges::copy_if(queued_, std::back_inserter(expired), is_old);
  std::erase_if(queued_, is_old);
  bool breaks = false;
  for (const BatchPtr& batch : expired) {
    if (!batch->sequence()) continue;
    if (MUTATION(context_, CL06)) {
      next_sequence_ = batch->sequence()->base_sequence;
    } else {
      breaks = true;
    }
  }
  if (breaks) BreakChain();
  return expired;
}

std::vector<BatchPtr> PartitionQueue::DrainAll() {
  std::vector<BatchPtr> all;
  for (const BatchPtr& batch : in_flight_) {
    if (!batch->is_complete()) all.push_back(batch);
  }
  for (BatchPtr& batch : std::exchange(queued_, {})) all.push_back(std::move(batch));
  return all;
}

const ProducerBatch* PartitionQueue::Oldest() const {
  const ProducerBatch* oldest = nullptr;
  const auto consider = [&oldest](const ProducerBatch& batch) {
    if (oldest == nullptr || batch.created_at() < oldest->created_at()) oldest = &batch;
  };
  for (const BatchPtr& batch : in_flight_) {
    if (!batch->is_complete()) consider(*batch);
  }
  for (const BatchPtr& batch : queued_) consider(*batch);
  return oldest;
}

MonoTime PartitionQueue::OldestCreatedAt() const {
  const ProducerBatch* oldest = Oldest();
  return oldest == nullptr ? MonoTime::Never() : oldest->created_at();
}

}  // namespace odradek::client
