// The batches of one partition in order, and the sequence numbers of an idempotent producer there (KIP-98, KIP-360;
// SEMANTICS.md 1-7). Owned by the producer. A pure machine: time comes in as arguments, nothing suspends.
//
// Words: a batch is *sequenced* while it has (producer id, epoch, sequence); it is *outstanding* while it is sequenced
// or in flight; the *chain* is the run of sequences of one epoch, which the broker accepts without gaps only.
//
// Invariants:
//  1. Sequenced batches stand before the others, in the order of their sequences; a retried batch goes back to its
//  place.
//  2. A sequence belongs to one batch for ever. When a sequenced batch ends without success the chain is broken: no
//     sequence is assigned until nothing is outstanding, and then the epoch is one higher and sequences start at 0.
//     The higher epoch also fences whatever of the old one is still travelling.
//  3. A batch that may have been appended is never sequenced again: it is retried as it is or ends as unknown.
//  4. A retry waits until nothing is in flight; new batches follow each other without waiting, as many as the broker
//     remembers (5).
//  5. The first batch of a chain travels alone until it is acknowledged: a broker that does not know the producer
//  accepts
//     any sequence, and a second batch could overtake a first one that failed.
//  6. Without idempotence and with one request in flight, nothing is sent while a batch of the partition is in flight.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "engine/base/context.h"
#include "engine/base/ids.h"
#include "engine/base/time.h"
#include "engine/client/config.h"
#include "engine/client/producer_batch.h"

namespace odradek::client {

// Brokers remember the last five batches of a producer.
inline constexpr size_t kSequencedInFlightMax = 5;

struct ProducerIdentity {
  ProducerId id = kNoProducerId;
  ProducerEpoch epoch = kNoProducerEpoch;
  friend bool operator==(const ProducerIdentity&, const ProducerIdentity&) = default;
};

class PartitionQueue {
 public:
  struct Options {
    Idempotence idempotence = Idempotence::kOn;
    int32_t max_in_flight = 5;
    int64_t batch_bytes = 16384;
    Duration linger;
    int32_t first_sequence = 0;  // tests start near 2^31
  };

  PartitionQueue(base::Context& context, Options options) : context_(context), options_(options) {}

  bool TryAppend(const record::NewRecord& record, SendCallback& callback);
  void Push(BatchPtr batch);

  // Why the front batch would be sent before it is full or has lingered.
  enum class Hurry : uint8_t { kNo, kYes };
  // When the front batch may be sent as far as this partition is concerned; Never() if none.
  MonoTime ReadyAt(MonoTime now, Hurry hurry) const;
  // Takes the front batch for an attempt. nullptr: it must wait for others, or for an epoch. REQUIRES: ReadyAt() has
  // come. `identity` is the producer's; without an id an idempotent partition gives nothing.
  BatchPtr TakeForSend(const ProducerIdentity& identity);
  // Whether TakeForSend would need a new producer id because the epochs of this one are used up.
  bool needs_new_producer_id() const { return needs_new_producer_id_; }

  // How an attempt of a batch from TakeForSend ended. Each ends the batch's flight.
  void OnSuccess(const BatchPtr& batch);
  // Goes back to its place.
  void OnRetry(const BatchPtr& batch);
  // For good, without success.
  void OnFailure(const BatchPtr& batch);
  // It was completed while it was in flight.
  void OnDiscarded(const BatchPtr& batch) { Land(batch); }
  // In place of the batch, in this order.
  void OnSplit(const BatchPtr& batch, std::vector<std::unique_ptr<ProducerBatch>> parts);

  // Takes out, and breaks the chain where it must, every waiting batch that is older than `created_before`; those in
  // flight stay in flight but are listed too.
  std::vector<BatchPtr> Expire(MonoTime created_before);
  // Everything, for the end of the producer.
  std::vector<BatchPtr> DrainAll();

  // Whether every batch with a lower sequence has ended: only then does OUT_OF_ORDER_SEQUENCE_NUMBER mean a gap.
  bool IsFirstOutstanding(const ProducerBatch& batch) const;
  // After a proof that the broker has no such sequence: the batches of the broken chain that were certainly not
  // appended will be sequenced anew.
  void BreakChain();
  bool is_chain_broken() const { return broken_; }

  size_t queued_count() const { return queued_.size(); }
  size_t in_flight_count() const { return in_flight_.size(); }
  bool empty() const { return queued_.empty() && in_flight_.empty(); }
  const BatchPtr& front() const { return queued_.front(); }
  // The oldest batch that is not complete; nullptr: none. Until the queue changes.
  const ProducerBatch* Oldest() const;
  // When it was made; Never() if none.
  MonoTime OldestCreatedAt() const;
  const ProducerIdentity& identity() const { return identity_; }
  int32_t next_sequence() const { return next_sequence_; }

 private:
  bool HasSequencedInQueue() const { return !queued_.empty() && queued_.front()->sequence().has_value(); }
  void Land(const BatchPtr& batch);
  void InsertInOrder(BatchPtr batch);
  // A new epoch if the chain is broken and nothing of it is outstanding. False: not possible now.
  bool SettleIdentity(const ProducerIdentity& identity);
  bool MayFollow(const ProducerBatch& batch, const ProducerIdentity& identity);
  void StartChain(const ProducerIdentity& identity);

  base::Context& context_;
  const Options options_;
  std::deque<BatchPtr> queued_;
  std::vector<BatchPtr> in_flight_;  // in the order of sending
  ProducerIdentity identity_;        // of this partition's chain
  int32_t next_sequence_ = 0;
  bool is_chain_proven_ = false;  // a batch of it was acknowledged
  bool broken_ = false;
  bool needs_new_producer_id_ = false;
};

}  // namespace odradek::client
