// What a partition remembers of the producers that wrote to it: the last batches of each, by which a resent batch is
// recognised and a gap refused, and the transactions that are open. A pure machine, a fold of the partition's batches.
// Owned by a log; nothing suspends; time comes as an argument.
//
//  1. Check() changes nothing. Update() and UpdateMarker() follow the log and never refuse: what is in the log is true.
//  2. A producer has at most config.window_batches cached batches, all of its current epoch, in log order.
//  3. A producer with an open transaction never expires. Deleting records forgets no producer (KIP-360).
//  4. An unknown producer may begin with any sequence, a new epoch of a known one only with 0: the state of a producer
//     that was away for long is gone, and it must be able to go on (SEMANTICS 2).
//  5. Two instances that saw the same batches since the same snapshot are equal; if one started from an earlier
//     snapshot, Fingerprint() is still equal, since a snapshot keeps one batch of each producer (PROPERTIES P5).
//
// Source: KIP-98, KIP-360; Kafka's ProducerStateManager and ProducerAppendInfo.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/context.h"
#include "engine/base/ids.h"
#include "engine/base/time.h"
#include "engine/record/batch.h"
#include "engine/record/control.h"

namespace odradek::producers {

struct ProducersConfig {
  // As many as a producer may have in flight; Kafka's clients count on exactly 5.
  int32_t window_batches = 5;
  // producer.id.expiration.ms
  Duration expiration = Duration::Seconds(24 * 3600);
};

// Who made the batches decides which rules hold for them.
enum class Origin : uint8_t {
  kClient,       // epoch and sequence are checked
  kCoordinator,  // epoch is checked; a coordinator's records have no sequences
  kReplication,  // the leader has checked
};

struct CachedBatch {
  int32_t last_sequence = record::kNoSequence;
  Offset last_offset = kNoOffset;
  int32_t offset_delta = 0;
  Timestamp timestamp = kNoTimestamp;

  int32_t first_sequence() const;
  Offset base_offset() const { return last_offset - offset_delta; }
  friend bool operator==(const CachedBatch&, const CachedBatch&) = default;
};

struct ProducerEntry {
  ProducerEpoch epoch = kNoProducerEpoch;
  int32_t coordinator_epoch = -1;           // of the last marker
  Timestamp last_timestamp = kNoTimestamp;  // of the last batch or marker
  Offset current_txn_first_offset = kNoOffset;
  std::vector<CachedBatch> window;  // oldest first; empty after a marker that began a new epoch

  int32_t last_sequence() const { return window.empty() ? record::kNoSequence : window.back().last_sequence; }
  bool in_txn() const { return current_txn_first_offset != kNoOffset; }
  friend bool operator==(const ProducerEntry&, const ProducerEntry&) = default;
};

enum class Verdict : uint8_t {
  kAppend,
  kDuplicate,             // the batch is in the log: success, with the original's offsets
  kOutOfOrderSequence,    // OUT_OF_ORDER_SEQUENCE_NUMBER
  kInvalidProducerEpoch,  // INVALID_PRODUCER_EPOCH
  kInvalidTxnState,       // INVALID_TXN_STATE: not transactional while the producer's transaction is open
  kCoordinatorFenced,     // TRANSACTION_COORDINATOR_FENCED: a marker of an older coordinator
};

struct Admission {
  Verdict verdict = Verdict::kAppend;
  // kDuplicate: the original batch.
  Offset base_offset = kNoOffset;
  Offset last_offset = kNoOffset;
  Timestamp timestamp = kNoTimestamp;
  std::string what = {};  // of a refusal
};

// A transaction whose end has just been applied; offsets are inclusive.
struct CompletedTxn {
  ProducerId producer_id;
  Offset first_offset;
  Offset last_offset;  // of the marker
  record::ControlType type = record::ControlType::kAbort;
  friend bool operator==(const CompletedTxn&, const CompletedTxn&) = default;
};

struct Applied {
  std::optional<CompletedTxn> completed;
  record::BatchProblem problem;  // offsets that go back, or a control batch that does not parse: nothing was applied
};

enum class Rollback : uint8_t {
  kNothingToDo,   // no batch at or above the offset has left a trace
  kReplayNeeded,  // the state is empty now: decode a snapshot at or below the offset and apply the batches from there
};

class ProducerStates {
 public:
  // Knows nothing of the batches below `end_offset`.
  explicit ProducerStates(const ProducersConfig& config, Offset end_offset = Offset(0));

  // May this data batch be appended now? REQUIRES: not a control batch.
  Admission Check(const record::BatchHeader& batch, Origin origin, base::Context& context) const;
  // The same for the end of a transaction.
  Admission CheckMarker(const record::BatchHeader& batch, const record::EndTxnMarker& marker, Origin origin) const;

  // A data batch is in the log, with these offsets. Without producer id it leaves no trace. REQUIRES, here and below:
  // base_offset >= end_offset().
  void Update(const record::BatchHeader& batch);
  // nullopt: the producer had no open transaction.
  std::optional<CompletedTxn> UpdateMarker(const record::BatchHeader& batch, const record::EndTxnMarker& marker);
  // Whichever of the two `batch` asks for: for replaying a log. Offsets that go back are a problem, not a bug.
  // REQUIRES: `header` is ParseHeader(batch).
  Applied Apply(const record::BatchHeader& header, Bytes batch);

  // Everything at and above `offset` is gone from the log.
  Rollback TruncateTo(Offset offset);
  void Clear();

  // Forgets producers whose last timestamp is config.expiration ago or more.
  void ExpireAt(WallTime now);

  // First offset of the oldest transaction that is open, or ended by a marker at or above the high watermark: below
  // it everything is decided (SEMANTICS 18).
  std::optional<Offset> first_unstable_offset() const;
  void OnHighWatermark(Offset high_watermark);
  // The last stable offset that `completed` leaves behind, as the transaction index stores it.
  Offset LastStableOffsetAfter(const CompletedTxn& completed) const;

  const std::map<ProducerId, ProducerEntry>& entries() const { return entries_; }
  // After the last batch that left a trace.
  Offset end_offset() const { return end_offset_; }
  bool IsTxnStart(Offset offset) const { return open_txns_.contains(offset); }
  const ProducersConfig& config() const { return config_; }
  // Takes over an entry of a snapshot. REQUIRES: all of it is below end_offset(), the producer has no entry yet.
  void Restore(ProducerId id, ProducerEntry entry);

  // Over what a snapshot keeps.
  uint64_t Fingerprint() const;
  friend bool operator==(const ProducerStates& a, const ProducerStates& b) {
    return a.entries_ == b.entries_ && a.decided_txns_ == b.decided_txns_;
  }

 private:
  const ProducerEntry* Find(ProducerId id) const;
  Admission CheckEpoch(const record::BatchHeader& batch, const ProducerEntry& entry) const;
  const CachedBatch* FindDuplicate(const record::BatchHeader& batch, const ProducerEntry& entry,
                                   base::Context& context) const;
  Admission CheckSequence(const record::BatchHeader& batch, const ProducerEntry& entry, base::Context& context) const;
  ProducerEntry& Touch(const record::BatchHeader& batch);

  ProducersConfig config_;
  std::map<ProducerId, ProducerEntry> entries_;
  std::map<Offset, ProducerId> open_txns_;  // by first offset; the same as the entries say
  std::map<Offset, Offset> decided_txns_;   // first offset to marker, while the marker is not below the high watermark
  Offset end_offset_;
};

}  // namespace odradek::producers
