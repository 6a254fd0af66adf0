// A log that is compacted on a simulated disk.
#pragma once

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "engine/record/control.h"
#include "tests/engine/storage/clean_batches.h"
#include "tests/engine/storage/log_fixture.h"

namespace odradek::storage {

class CleanLog : public LogFixture {
 protected:
  CleanLog() {
    config_.cleanup_compact = true;
    config_.cleanup_delete = false;
    config_.delete_retention = Duration::Millis(1000);
  }

  Offset AppendKeyed(const KeyedBatch& batch) {
    const AppendResult result = Append(EncodeKeyed(batch));
    EXPECT_TRUE(result.ok()) << result.problem;
    log_->SetHighWatermark(log_->log_end_offset());
    return result.base_offset;
  }
  void AppendEach(const std::vector<KeyValue>& records) {
    for (const KeyValue& record : records) AppendKeyed({.records = {record}});
  }
  // The end of the producer's transaction.
  void AppendMarker(ProducerId producer, record::ControlType type) {
    ByteBuffer marker = record::BuildEndTxnBatch(
        {.timestamp = Timestamp(1), .producer_id = producer, .producer_epoch = ProducerEpoch(0)},
        {.type = type, .coordinator_epoch = 0});
    EXPECT_TRUE(Append(std::move(marker), {.origin = AppendOrigin::kCoordinator, .leader_epoch = LeaderEpoch(0)}).ok());
    log_->SetHighWatermark(log_->log_end_offset());
  }
  void AppendToTxn(ProducerId producer, int32_t sequence, const std::vector<KeyValue>& records) {
    AppendKeyed({.records = records,
                 .producer_id = producer,
                 .producer_epoch = ProducerEpoch(0),
                 .base_sequence = sequence,
                 .kind = record::BatchKind::kTransactionalData});
  }
  void Roll() {
    Run([&](fiber::Fiber& self) { EXPECT_EQ(log_->Roll(self), LogError::kNone); });
  }
  CleanRange Find() {
    CleanRange range;
    Run([&](fiber::Fiber& self) { range = log_->FindCleanable(self); });
    return range;
  }
  CleanResult Clean(int64_t map_bytes = 1 << 20) {
    CleanResult result;
    Run([&](fiber::Fiber& self) {
      CleanOffsetMap map({.memory_bytes = map_bytes}, {.high = 1, .low = 2});
      IoThrottle throttle(std::numeric_limits<int64_t>::max());
      fiber::Event stop;
      CleanTools tools{.map = map, .throttle = throttle, .chunk_bytes = 100, .stop = stop};
      result = log_->Clean(self, log_->FindCleanable(self), tools);
    });
    return result;
  }
  void RollAndClean() {
    Roll();
    EXPECT_EQ(Clean().outcome, CleanOutcome::kDone);
  }
  ByteBuffer ReadBytesFrom(Offset from) {
    ByteBuffer all;
    Run([&](fiber::Fiber& self) {
      for (;;) {
        const ReadResult read =
            log_->Read(self, {.from = from, .bytes_max = 200, .upper_bound = log_->high_watermark()});
        ASSERT_TRUE(read.ok());
        if (read.file == nullptr) return;
        ASSERT_EQ(log_->ReadBytes(self, read, all), ReadError::kNone);
        from = read.next_offset;
      }
    });
    return all;
  }
  std::vector<std::string> ReadKeyed(Offset from = Offset(0)) { return DecodeKeyed(ReadBytesFrom(from)); }
  std::vector<AbortedTxn> Aborted() {
    AbortedTxnsResult aborted;
    Run([&](fiber::Fiber& self) {
      aborted = log_->AbortedTxns(self, log_->log_start_offset(), log_->log_end_offset());
    });
    EXPECT_EQ(aborted.error, ReadError::kNone);
    return aborted.txns;
  }
  void PassTime(Duration duration) { machine_.process().clock.wall = machine_.process().clock.wall + duration; }
};

}  // namespace odradek::storage
