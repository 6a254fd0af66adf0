// What a compacted log may and must hold, without any storage: every record that the log reported as appended, and what
// of it a reader must still find. Values are unique, so a record that is read says which one it is.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/ids.h"
#include "engine/base/time.h"
#include "engine/record/batch.h"
#include "engine/record/control.h"
#include "tests/engine/storage/log_model.h"

namespace odradek::storage {

enum class TxnState : uint8_t { kNone, kOpen, kCommitted, kAborted };

struct ModelRecord {
  int32_t key = 0;
  bool is_tombstone = false;
  int64_t id = 0;
  int64_t batch = 0;
  int64_t appended_ms = 0;  // by the wall clock
  TxnState txn = TxnState::kNone;
  Offset decided_at = kNoOffset;  // of the marker

  // Whether it counts for its key.
  bool counts() const { return txn == TxnState::kNone || txn == TxnState::kCommitted; }
};

// A batch as it was handed to the log: records, or the end of a transaction.
struct KeyedAppend {
  std::vector<ModelRecord> records;
  std::optional<record::ControlType> marker = std::nullopt;
  bool is_transactional = false;
  ProducerId producer_id = kNoProducerId;
  int32_t base_sequence = record::kNoSequence;
  Offset base_offset = kNoOffset;  // once it was reported
  bool under_way = true;           // neither reported nor lost in a crash
  bool answered = false;
  ByteBuffer bytes;

  int32_t last_sequence() const { return base_sequence + static_cast<int32_t>(records.size()) - 1; }
  Offset next_offset() const { return base_offset + (marker ? 1 : static_cast<int64_t>(records.size())); }
};

class CompactionModel {
 public:
  CompactionModel(Verdict& verdict, Duration delete_retention)
      : verdict_(&verdict), delete_retention_(delete_retention) {}

  // A batch is about to be appended; its number.
  int64_t Start(KeyedAppend batch);
  const KeyedAppend& Get(int64_t batch) const { return batches_.at(batch); }
  void Answered(int64_t batch, Offset base_offset);

  // The log reports a batch by its CRC.
  void Appended(uint32_t crc, Offset base_offset);
  void Cut(Offset end);
  void StartsAt(Offset start) { start_ = std::max(start_, start); }
  // The log began anew.
  void Forget();
  // What is written of its transaction lies below the start and counts no more.
  void CloseTxnOf(ProducerId id);

  // After a start: an append that was under way at the crash may have come as far as the file, without a report and
  // without an answer (promises.h says what of acknowledged ones survives, and nothing of the others).
  void Adopt(Bytes bytes);

  // All that is readable in [start, end). `cleaned_until`: below it every key has one record at most.
  struct Read {
    Bytes bytes;
    Offset start;
    Offset end;
    Offset cleaned_until;
    int64_t now_ms = 0;
    std::vector<AbortedTxn> aborted;  // that the log names for this range
  };
  void Check(const Read& read);
  // After a start the log ends at `end`: what stood behind is lost, which is wrong for answered batches below
  // `answered_below` and for any below `durable_end`.
  struct Loaded {
    Offset end;
    Offset answered_below;
    Offset durable_end;
  };
  void CheckLoaded(const Loaded& loaded);

  // The last batch of the producer that is in the log; nullptr: none.
  const KeyedAppend* LastOf(ProducerId id) const;

 private:
  struct Seen {
    std::map<Offset, ModelRecord> records;
    std::set<Offset> markers;
  };
  struct Marker {
    record::ControlType type = record::ControlType::kAbort;
    ProducerId producer_id = kNoProducerId;
    Offset first_offset = kNoOffset;  // of its transaction; kNoOffset: there was none
  };
  ByteBuffer Encode(KeyedAppend& batch, int64_t number);
  void Decide(const KeyedAppend& batch);
  bool Collect(Bytes bytes, Offset start, Seen& seen);
  void CollectRecords(const record::BatchHeader& header, Bytes batch, Offset start, Seen& seen);
  void CheckOne(Offset offset, const ModelRecord& record, Seen& seen);
  void CheckKeys(const Read& read, const Seen& seen);
  void CheckTransactions(const Read& read, const Seen& seen);

  Verdict* verdict_;
  const Duration delete_retention_;
  std::map<int64_t, KeyedAppend> batches_;
  std::map<uint32_t, int64_t> by_crc_;
  std::map<Offset, ModelRecord> truth_;
  std::map<Offset, Marker> markers_;
  int64_t last_batch_ = 0;
  int64_t last_id_ = 0;
  Offset start_{0};
};

}  // namespace odradek::storage
