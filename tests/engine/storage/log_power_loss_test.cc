// What a loss of power leaves of a log that was just being made shorter, case by case; the crash loops search widely.
#include "engine/base/ids.h"
#include "tests/engine/storage/log_fixture.h"

namespace odradek::storage {
namespace log_power_loss_test {

class LogPowerLossTest : public LogFixture {
 protected:
  static constexpr ProducerId kProducer{7};

  // As a follower gets it from a leader whose log was compacted.
  void Replicate(int64_t offset, int32_t sequence) {
    const AppendResult result = Append(Encode({.values = {"a", "b"},
                                               .producer_id = kProducer,
                                               .producer_epoch = ProducerEpoch(0),
                                               .base_sequence = sequence,
                                               .base_offset = Offset(offset),
                                               .leader_epoch = LeaderEpoch(0)}),
                                       {.origin = AppendOrigin::kReplication, .leader_epoch = LeaderEpoch(0)});
    ASSERT_TRUE(result.ok()) << result.problem;
  }
  bool KnowsProducer() const { return log_->producers().entries().contains(kProducer); }
  void ExpectProducersAreThoseOfTheFiles() {
    Run([&](fiber::Fiber& self) {
      EXPECT_EQ(log_->FoldFiles(self).producer_fingerprint, log_->Inspect().producer_fingerprint);
    });
  }
  void WriteFile(const std::string& name, ByteBuffer content) {
    const auto opened = machine_.model.Open("data/topic-0/" + name, env::OpenMode::kCreate);
    machine_.model.Write(*opened.file, content, 0);
    machine_.model.Close(opened.file);
  }
};

// The log starts at 0, and its first batch is too far away for a segment there. A truncation to before it empties the
// log; dying in it must not make a later segment, whose removal was not durable, the start of the log.
class TruncationAtOperationTest : public LogPowerLossTest, public testing::WithParamInterface<int64_t> {};

TEST_P(TruncationAtOperationTest, DoesNotRaiseTheStart) {
  config_.segment_offsets_max = 60;
  Open();
  for (int32_t i = 0; i < 4; ++i) Replicate(100 * (i + 1), 2 * i);
  EXPECT_EQ(Flush(), LogError::kNone);
  machine_.process().disk.operations_max = machine_.process().disk.operation_count() + GetParam();
  Run([&](fiber::Fiber& self) { log_->TruncateTo(self, Offset(50)); });
  machine_.process().KillFibers();
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    log_.reset();
    files_.reset();
    machine_.LosePower(seed + static_cast<uint64_t>(GetParam()) * 10);
    Boot();
    Open(RecoverFrom(0));
    EXPECT_LE(log_->log_start_offset(), Offset(100));
    ExpectProducersAreThoseOfTheFiles();
  }
}

INSTANTIATE_TEST_SUITE_P(Operations, TruncationAtOperationTest, testing::Range<int64_t>(1, 40));

// The active segment is empty and has no file yet when all others go: without one, some of them that come back would be
// taken for all that there was.
TEST_F(LogPowerLossTest, ALogOfWhichAllIsDeletedGoesOnInAFile) {
  config_.segment_offsets_max = 60;
  Open();
  Replicate(0, 0);
  Run([&](fiber::Fiber& self) { EXPECT_EQ(log_->Roll(self), LogError::kNone); });
  EXPECT_EQ(machine_.model.Find("data/topic-0/00000000000000000002.log"), nullptr);
  log_->SetHighWatermark(Offset(2));
  EXPECT_EQ(DeleteBefore(Offset(2)), LogError::kNone);
  EXPECT_NE(machine_.model.Find("data/topic-0/00000000000000000002.log"), nullptr);
  LosePowerAndReopen({.recovery_point = Offset(0), .log_start_offset = Offset(2)});
  EXPECT_TRUE(KnowsProducer());
  ExpectProducersAreThoseOfTheFiles();
}

// Everything lies below the log start: only the producers are kept, as a snapshot. The next start finds the files again
// that this one removed, and no more of them.
TEST_F(LogPowerLossTest, ProducersOfARemovedLogAreKeptAlsoTwice) {
  Open();
  Replicate(0, 0);
  EXPECT_EQ(Flush(), LogError::kNone);
  const LogCheckpoints marks{.recovery_point = Offset(5), .log_start_offset = Offset(5)};
  Reopen(marks);
  EXPECT_EQ(log_->log_end_offset(), Offset(5));
  EXPECT_TRUE(KnowsProducer());
  WriteFile("00000000000000000000.log", {});
  Reopen(marks);
  EXPECT_EQ(log_->log_end_offset(), Offset(5));
  EXPECT_TRUE(KnowsProducer());
  ExpectProducersAreThoseOfTheFiles();
}

// The snapshot of the first segment did not reach the disk, that of the removed one before it did.
TEST_F(LogPowerLossTest, ProducersAreKnownFromASnapshotBelowTheFirstSegment) {
  config_.segment_offsets_max = 60;
  Open();
  Replicate(0, 0);
  Run([&](fiber::Fiber& self) { EXPECT_EQ(log_->Roll(self), LogError::kNone); });
  EXPECT_EQ(Flush(), LogError::kNone);
  for (const char* name : {"00000000000000000000.log", "00000000000000000002.log"}) {
    machine_.model.Remove(std::string("data/topic-0/") + name);
  }
  WriteFile("00000000000000000100.log", {});
  WriteFile("00000000000000000100.snapshot", ByteBuffer(56));
  const LogCheckpoints marks{.recovery_point = Offset(100), .log_start_offset = Offset(2)};
  Reopen(marks);
  EXPECT_TRUE(KnowsProducer());
  ExpectProducersAreThoseOfTheFiles();
  // What is appended next makes newer snapshots, which nobody has synced: those that are durable stay.
  Replicate(170, 2);
  Replicate(260, 4);
  LosePowerAndReopen(marks);
  EXPECT_TRUE(KnowsProducer());
  ExpectProducersAreThoseOfTheFiles();
}

}  // namespace log_power_loss_test
}  // namespace odradek::storage
