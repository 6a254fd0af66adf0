// What a log does about bytes that the disk has changed: nothing is given out as if it were right, and a start says
// what it cuts off.
#include <gmock/gmock.h>

#include "engine/record/batch.h"
#include "tests/engine/storage/log_fixture.h"

namespace odradek::storage {
namespace log_damage_test {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kLogFile = "data/topic-0/00000000000000000000.log";

class LogDamageTest : public LogFixture {
 protected:
  // Batches of one record, whose positions are known.
  void OpenWithBatches(int count) {
    positions_.clear();
    Open();
    for (int i = 0; i < count; ++i) {
      positions_.push_back(machine_.model.Stat(kLogFile).size_bytes);
      AppendValues({"v" + std::to_string(i)});
    }
    ASSERT_EQ(Flush(), LogError::kNone);
  }
  void Flip(int batch, size_t field_at, int bit_index) {
    const sim::InodeRef file = machine_.model.Find(kLogFile);
    ASSERT_NE(file, nullptr);
    machine_.model.FlipBit(*file, positions_.at(static_cast<size_t>(batch)) + static_cast<int64_t>(field_at),
                           bit_index);
  }
  static constexpr size_t kOffsetByte = record::kBaseOffsetAt + 7;
  absl::Status TryReopen(const LogCheckpoints& marks = {}) {
    log_.reset();
    files_.reset();
    machine_.Kill();
    Boot();
    absl::Status status;
    Run([&](fiber::Fiber& self) {
      auto opened = Log::Open(self, machine_.process().env, *files_, nullptr,
                              {{"topic", PartitionIndex(0)}, "data/topic-0"}, config_, marks);
      status = opened.status();
      if (opened.ok()) log_ = *opened;
    });
    return status;
  }

  std::vector<int64_t> positions_;
};

TEST_F(LogDamageTest, ReadOfABatchWhoseOffsetFellTakesTheLogOffline) {
  OpenWithBatches(6);
  Flip(3, kOffsetByte, 0);  // 3 becomes 2
  EXPECT_EQ(ReadErrorAt(Offset(3)), ReadError::kOffline);
  EXPECT_TRUE(log_->is_offline());
  EXPECT_THAT(log_->offline_reason(), HasSubstr("read of a damaged batch in 00000000000000000000.log"));
}

TEST_F(LogDamageTest, ReadOfABatchWhoseOffsetRoseTakesTheLogOffline) {
  OpenWithBatches(6);
  Flip(3, kOffsetByte, 2);  // 3 becomes 7
  EXPECT_EQ(ReadErrorAt(Offset(3)), ReadError::kOffline);
}

// What was appended lately is known in memory, and the file may still hold something else.
TEST_F(LogDamageTest, ReadsAfterAStartFindTheSame) {
  for (const int bit_index : {0, 2}) {
    for (const int64_t index_interval_bytes : {1, 100, 100000}) {
      StartAfresh();
      config_.index_interval_bytes = index_interval_bytes;
      OpenWithBatches(8);
      Close();
      Reopen({.recovery_point = Offset(8), .previous_shutdown = env::ShutdownKind::kClean});
      Flip(3, kOffsetByte, bit_index);
      EXPECT_EQ(ReadErrorAt(Offset(3)), ReadError::kOffline) << bit_index << " " << index_interval_bytes;
    }
  }
}

// Found by fuzz_log_files: the first read left the index aside, and the second one believed that it named offset 0.
TEST_F(LogDamageTest, AnIndexThatLeadsAstrayIsLeftAsideByEveryRead) {
  config_.segment_bytes = 300;
  config_.index_interval_bytes = 100;
  Open();
  for (int i = 0; i < 5; ++i) AppendValues({"some value", "another value", std::to_string(i)});
  const std::vector<std::string> all = ReadAll();
  Run([&](fiber::Fiber& self) { log_->Close(self); });
  const LogCheckpoints clean{.recovery_point = log_->log_end_offset(), .previous_shutdown = env::ShutdownKind::kClean};
  // The second batch's position, for a batch that ends with the first offset.
  const sim::InodeRef index = machine_.model.Find("data/topic-0/00000000000000000000.index");
  ASSERT_GE(machine_.model.SizeOf(*index), 8);
  machine_.model.Write(*index, ByteBuffer(4), 0);
  Reopen(clean);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(ReadAll(), all);
}

TEST_F(LogDamageTest, SearchByTimeThatMeetsADamagedBatchTakesTheLogOffline) {
  OpenWithBatches(4);
  Flip(0, record::kMaxTimestampAt + 7, 3);
  Run([&](fiber::Fiber& self) {
    EXPECT_EQ(log_->FindByTimestamp(self, Timestamp(1), Offset(4)).error, ReadError::kOffline);
  });
}

// What is not a batch any more hides the timestamps of all behind it: the segment must not be passed over.
TEST_F(LogDamageTest, SearchByTimeDoesNotPassOverASegmentThatBeginsWithGarbage) {
  OpenWithBatches(4);
  Run([&](fiber::Fiber& self) { EXPECT_EQ(log_->Roll(self), LogError::kNone); });
  AppendValues({"in the next segment"});
  Close();
  const sim::InodeRef file = machine_.model.Find(kLogFile);
  machine_.model.Write(*file, ByteBuffer(record::kBatchOverheadBytes, std::byte{0x11}), 0);
  const sim::InodeRef times = machine_.model.Find("data/topic-0/00000000000000000000.timeindex");
  if (times != nullptr) machine_.model.Truncate(*times, 0);
  Reopen(Clean());
  Run([&](fiber::Fiber& self) {
    EXPECT_EQ(log_->FindByTimestamp(self, Timestamp(1), Offset(5)).error, ReadError::kOffline);
  });
}

// The batch is the last one of its segment, so that no other contradicts it; the index entry names it.
TEST_F(LogDamageTest, ReadOfALastBatchOfASegmentWhoseOffsetFellTakesTheLogOffline) {
  config_.index_interval_bytes = 1;
  OpenWithBatches(4);
  Run([&](fiber::Fiber& self) { EXPECT_EQ(log_->Roll(self), LogError::kNone); });
  AppendValues({"v4"});
  Close();
  Reopen({.recovery_point = Offset(5), .previous_shutdown = env::ShutdownKind::kClean});
  Flip(3, kOffsetByte, 0);  // 3 becomes 2
  EXPECT_EQ(ReadErrorAt(Offset(3)), ReadError::kOffline);
}

TEST_F(LogDamageTest, SearchByTimeThatMeetsABatchWithAnotherOffsetTakesTheLogOffline) {
  for (const size_t offset_byte : {size_t{3}, kOffsetByte}) {
    StartAfresh();
    OpenWithBatches(4);
    Flip(0, offset_byte, 1);  // 0 becomes 2^33, or 2
    Run([&](fiber::Fiber& self) {
      EXPECT_EQ(log_->FindByTimestamp(self, Timestamp(1), Offset(4)).error, ReadError::kOffline) << offset_byte;
    });
  }
}

TEST_F(LogDamageTest, SearchForTheLargestTimestampThatMeetsADamagedBatchTakesTheLogOffline) {
  for (const size_t field : {size_t{3}, kOffsetByte, record::kMaxTimestampAt + 7}) {
    StartAfresh();
    OpenWithBatches(5);
    Flip(2, field, 2);
    Run([&](fiber::Fiber& self) {
      // Not all of the segment is visible, so that every batch is looked at.
      EXPECT_EQ(log_->FindMaxTimestamp(self, Offset(4)).error, ReadError::kOffline) << field;
    });
  }
}

// What is old is decided without it, but nobody is told that there is nothing newer (bit_rot, seed 1500007).
TEST_F(LogDamageTest, SearchByTimeDoesNotPassOverADamagedBatchThatMayBeTheLatest) {
  for (const bool is_largest : {true, false}) {
    StartAfresh();
    Open();
    int64_t last_at = 0;
    for (const int64_t timestamp : {1000, 2000, 3000}) {
      last_at = machine_.model.Stat(kLogFile).size_bytes;
      EXPECT_TRUE(Append(Encode({.values = {"v"}, .timestamp = Timestamp(timestamp)})).ok());
    }
    Close();
    Reopen({.recovery_point = Offset(3), .previous_shutdown = env::ShutdownKind::kClean});
    machine_.model.FlipBit(*machine_.model.Find(kLogFile), last_at + record::kBatchOverheadBytes + 2, 1);
    Run([&](fiber::Fiber& self) {
      const TimestampResult found = is_largest ? log_->FindMaxTimestamp(self, Offset(3))
                                               : log_->FindByTimestamp(self, Timestamp(2500), Offset(3));
      EXPECT_EQ(found.error, ReadError::kOffline);
    });
  }
}

TEST_F(LogDamageTest, RecoverySaysThatItCutsOffWhatNoInterruptedWriteLeaves) {
  OpenWithBatches(4);
  Flip(2, record::kBatchOverheadBytes + 3, 5);
  Reopen();
  EXPECT_THAT(ReadAll(), ElementsAre("0:v0", "1:v1"));
  EXPECT_EQ(machine_.context.reached["storage.recovery.cut_off_damage"], 1);
  EXPECT_EQ(machine_.process().observer.last_recovery.damaged_from, Offset(2));
  EXPECT_GT(machine_.process().observer.last_recovery.bytes_truncated, 0);
}

TEST_F(LogDamageTest, RecoveryDoesNotCallATornEndDamage) {
  OpenWithBatches(4);
  const sim::InodeRef file = machine_.model.Find(kLogFile);
  machine_.model.Truncate(*file, positions_.at(3) + 30);
  Reopen();
  EXPECT_EQ(log_->log_end_offset(), Offset(3));
  EXPECT_EQ(machine_.context.reached["storage.recovery.cut_off_damage"], 0);
  EXPECT_EQ(machine_.process().observer.last_recovery.damaged_from, kNoOffset);
}

TEST_F(LogDamageTest, RecoveryCutsOffABatchWhoseOffsetRose) {
  OpenWithBatches(6);
  Flip(3, kOffsetByte, 2);
  Reopen();
  EXPECT_THAT(ReadAll(), ElementsAre("0:v0", "1:v1", "2:v2"));
  EXPECT_EQ(machine_.process().observer.last_recovery.damaged_from, Offset(3));
}

// It is the last one, so that no batch behind it contradicts; but nothing was compacted here (bit_rot, seeds 124,
// 3000192 and 3003970).
TEST_F(LogDamageTest, ALastBatchWhoseOffsetRoseIsNotBelieved) {
  constexpr auto kUnclean = env::ShutdownKind::kUnclean;
  for (const LogCheckpoints& marks :
       {LogCheckpoints{.recovery_point = Offset(3), .previous_shutdown = kUnclean},
        LogCheckpoints{.recovery_point = Offset(1), .previous_shutdown = kUnclean}, LogCheckpoints{}, Clean()}) {
    for (const size_t offset_byte : {kOffsetByte, kOffsetByte - 3}) {
      StartAfresh();
      OpenWithBatches(3);
      Close();
      Flip(2, offset_byte, 2);
      Reopen(marks);
      EXPECT_EQ(log_->log_end_offset(), Offset(2));
      EXPECT_EQ(machine_.process().observer.last_recovery.damaged_from, Offset(2));
    }
  }
}

TEST_F(LogDamageTest, AGapIsBelievedWhereSomethingIsOrWasCompacted) {
  for (const bool compacts : {true, false}) {
    StartAfresh();
    config_.cleanup_compact = compacts;
    OpenWithBatches(3);
    Close();
    Flip(2, kOffsetByte - 3, 2);
    Reopen({.recovery_point = Offset(3), .cleaned_until = compacts ? kNoOffset : Offset(0)});
    EXPECT_GT(log_->log_end_offset(), Offset(3));
  }
}

// Batches that a crash left are written once more before they count as synced, and damage must not become durable by
// it: no checksum covers the epoch (bit_rot, seeds 3000647 and 3001465).
TEST_F(LogDamageTest, WhatRecoverySawIsNotWrittenAgainWithAnotherEpoch) {
  OpenWithBatches(3);
  Reopen();
  Flip(1, record::kLeaderEpochAt + 3, 4);
  EXPECT_EQ(Flush(), LogError::kOffline);
  EXPECT_THAT(log_->offline_reason(), HasSubstr("writing recovered batches again"));
}

// No checksum covers the epoch, and it must not get into the list of epochs, which outlives the batch.
TEST_F(LogDamageTest, ALeaderEpochThatNeverBeganIsNotBelieved) {
  for (const int count : {1, 3}) {
    for (const auto& marks : {LogCheckpoints{}, Clean()}) {
      StartAfresh();
      OpenWithBatches(count);
      if (marks.previous_shutdown == env::ShutdownKind::kClean) Close();
      Flip(count - 1, record::kLeaderEpochAt + 3, 4);  // 0 becomes 16
      Reopen(marks);
      EXPECT_EQ(log_->log_end_offset(), Offset(count - 1));
      EXPECT_LE(log_->latest_epoch(), LeaderEpoch(0));
      EXPECT_EQ(machine_.process().observer.last_recovery.damaged_from, Offset(count - 1));
    }
  }
}

// The list of epochs has no checksum either.
TEST_F(LogDamageTest, BatchesThatAgreeOnALeaderEpochAreBelievedMoreThanTheList) {
  OpenWithBatches(2);
  const AppendOptions later{.origin = AppendOrigin::kClient, .leader_epoch = LeaderEpoch(5)};
  for (const char* value : {"v2", "v3"}) EXPECT_TRUE(Append(OneRecord(value), later).ok());
  const sim::InodeRef list = machine_.model.Find("data/topic-0/leader-epoch-checkpoint");
  ASSERT_NE(list, nullptr);
  const std::string wrong = "0\n2\n0 0\n4 2\n";
  ASSERT_EQ(machine_.model.SizeOf(*list), static_cast<int64_t>(wrong.size()));
  machine_.model.Write(*list, AsBytes(wrong), 0);
  Reopen();
  EXPECT_EQ(log_->log_end_offset(), Offset(4));
  EXPECT_EQ(log_->EpochAt(Offset(2)), LeaderEpoch(5));
  ExpectFoldMatches();
}

// Death between the cut and its report: the next start finds a log that ends there, and nothing above in the marks.
TEST_F(LogDamageTest, TheRecoveryPointGoesDownBeforeTheCut) {
  struct Marks final : LogMarks {
    env::DiskError Persist(fiber::Fiber&, const TopicPartition&, const Wish& wish) override {
      if (wish.recovery_point_at_most == kNoOffset) return env::DiskError::kNone;
      sizes.push_back(model->Stat(kLogFile).size_bytes);
      recovery_points.push_back(wish.recovery_point_at_most);
      return env::DiskError::kNone;
    }
    sim::DiskModel* model = nullptr;
    std::vector<Offset> recovery_points;
    std::vector<int64_t> sizes;
  } marks;
  marks.model = &machine_.model;
  OpenWithBatches(4);
  const int64_t size_before = machine_.model.Stat(kLogFile).size_bytes;
  Flip(1, record::kBatchOverheadBytes + 3, 5);
  log_.reset();
  files_.reset();
  machine_.Kill();
  Boot();
  Run([&](fiber::Fiber& self) {
    auto opened = Log::Open(self, machine_.process().env, *files_, &marks,
                            {{"topic", PartitionIndex(0)}, "data/topic-0"}, config_, {.recovery_point = Offset(3)});
    ASSERT_TRUE(opened.ok());
    log_ = *opened;
  });
  EXPECT_EQ(log_->log_end_offset(), Offset(1));
  ASSERT_FALSE(marks.sizes.empty());
  EXPECT_EQ(marks.recovery_points.front(), Offset(1));
  EXPECT_EQ(marks.sizes.front(), size_before);
}

// As the metadata log: every batch was synced before the next was written.
class RefusingLogTest : public LogDamageTest {
 protected:
  RefusingLogTest() { config_.damage = LogConfig::Damage::kRefuseUnlessTorn; }
};

TEST_F(RefusingLogTest, StartsWithoutATornLastBatch) {
  OpenWithBatches(4);
  const sim::InodeRef file = machine_.model.Find(kLogFile);
  machine_.model.Truncate(*file, positions_.at(3) + 30);
  ASSERT_TRUE(TryReopen().ok());
  EXPECT_EQ(log_->log_end_offset(), Offset(3));
}

TEST_F(RefusingLogTest, StartsWithoutALastBatchOfWhichASectorIsMissing) {
  OpenWithBatches(2);
  AppendValues({std::string(2000, 'x')});
  const sim::InodeRef file = machine_.model.Find(kLogFile);
  machine_.model.Write(*file, ByteBuffer(sim::kSectorBytes), 2 * sim::kSectorBytes);
  ASSERT_TRUE(TryReopen().ok());
  EXPECT_EQ(log_->log_end_offset(), Offset(2));
}

TEST_F(RefusingLogTest, RefusesADamagedBatchInTheMiddle) {
  for (const size_t field : {size_t{7}, record::kLengthAt + 3, record::kLeaderEpochAt + 3, record::kMagicAt,
                             record::kCrcAt, record::kProducerIdAt, record::kBatchOverheadBytes + 2}) {
    StartAfresh();
    OpenWithBatches(5);
    Flip(2, field, 2);
    const absl::Status status = TryReopen();
    // A leader epoch that rose shows at the next batch.
    ASSERT_FALSE(status.ok()) << field;
    EXPECT_THAT(std::string(base::SV(status.message())), HasSubstr("00000000000000000000.log: byte ")) << field;
    EXPECT_THAT(std::string(base::SV(status.message())), HasSubstr(" offset ")) << field;
  }
}

// It was synced, and others may have acted on it.
TEST_F(RefusingLogTest, RefusesADamagedLastBatchThatIsAllThere) {
  for (const size_t field : {record::kLengthAt + 3, record::kCrcAt, record::kBatchOverheadBytes + 2,
                             record::kLeaderEpochAt + 2, kOffsetByte - 3}) {
    StartAfresh();
    OpenWithBatches(3);
    Flip(2, field, 1);
    const int64_t size_before = machine_.model.Stat(kLogFile).size_bytes;
    const absl::Status status = TryReopen();
    ASSERT_FALSE(status.ok()) << field;
    EXPECT_THAT(std::string(base::SV(status.message())), HasSubstr("the disk damaged it")) << field;
    EXPECT_EQ(machine_.model.Stat(kLogFile).size_bytes, size_before) << field;
  }
}

TEST_F(RefusingLogTest, RefusesToCutBelowWhatWasSynced) {
  OpenWithBatches(3);
  const sim::InodeRef file = machine_.model.Find(kLogFile);
  machine_.model.Truncate(*file, positions_.at(2) + 30);
  const absl::Status status = TryReopen({.recovery_point = Offset(3)});
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(std::string(base::SV(status.message())),
              HasSubstr("the log ends at offset 2, but it was synced up to 3: restore it"));
  EXPECT_EQ(machine_.model.Stat(kLogFile).size_bytes, positions_.at(2) + 30);
}

TEST_F(RefusingLogTest, RefusesALastBatchWhoseOffsetRoseAfterACleanShutdown) {
  OpenWithBatches(3);
  Close();
  Flip(2, kOffsetByte - 3, 3);
  EXPECT_FALSE(TryReopen({.recovery_point = Offset(3), .previous_shutdown = env::ShutdownKind::kClean}).ok());
}

// Batches are synced one by one: of several that are wrong the first at least was whole (bit_rot, seed 1400020).
TEST_F(RefusingLogTest, RefusesDamageInEveryBatch) {
  OpenWithBatches(3);
  for (size_t batch = 0; batch < 3; ++batch) {
    // Two bits, so that one flipped bit explains none of them.
    Flip(batch, record::kBatchOverheadBytes + 2, 1);
    Flip(batch, record::kBatchOverheadBytes + 4, 1);
  }
  const int64_t size_before = machine_.model.Stat(kLogFile).size_bytes;
  const absl::Status status = TryReopen();
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(std::string(base::SV(status.message())), HasSubstr("something was written behind it"));
  EXPECT_EQ(machine_.model.Stat(kLogFile).size_bytes, size_before);
}

// The first segment ends inside of a batch, but it was synced before the next one began (bit_rot, seed 3001947).
TEST_F(RefusingLogTest, RefusesATornEndBeforeAnotherSegment) {
  OpenWithBatches(3);
  Run([&](fiber::Fiber& self) { EXPECT_EQ(log_->Roll(self), LogError::kNone); });
  AppendValues({"in the next segment"});
  const sim::InodeRef file = machine_.model.Find(kLogFile);
  machine_.model.Truncate(*file, positions_.at(2) + 30);
  const absl::Status status = TryReopen();
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(std::string(base::SV(status.message())), HasSubstr("another segment follows"));
  EXPECT_EQ(machine_.model.Stat(kLogFile).size_bytes, positions_.at(2) + 30);
}

// The list of epochs is not made from batches that may be damaged too, nor written again before both agree (bit_rot,
// seeds 3003147 and 3004643).
TEST_F(RefusingLogTest, RefusesAListOfEpochsThatIsNotOneOrThatBatchesContradict) {
  constexpr std::string_view kList = "data/topic-0/leader-epoch-checkpoint";
  for (const auto& [wrong, told] : {std::pair{"0\n1\n0 ?\n", "restore it, or remove it"},
                                    std::pair{"0\n1\n1 0\n", "leader epoch 1 begins at offset 0"}}) {
    StartAfresh();
    OpenWithBatches(2);
    const sim::InodeRef list = machine_.model.Find(kList);
    ASSERT_EQ(machine_.model.SizeOf(*list), std::ssize(std::string_view(wrong)));
    machine_.model.Write(*list, AsBytes(std::string_view(wrong)), 0);
    const absl::Status status = TryReopen({.recovery_point = Offset(2)});
    ASSERT_FALSE(status.ok());
    EXPECT_THAT(std::string(base::SV(status.message())), HasSubstr(told));
    EXPECT_THAT(std::string(base::SV(status.message())), HasSubstr("leader-epoch-checkpoint"));
  }
}

// No length leads from one to the next (bit_rot, seed 3000830).
TEST_F(RefusingLogTest, RefusesDamageInEveryBatchOfWhichTheFirstSeemsToReachBehindTheEnd) {
  OpenWithBatches(3);
  Flip(0, record::kLengthAt + 2, 1);
  Flip(1, record::kLengthAt + 2, 1);
  Flip(2, record::kCrcAt, 1);
  Flip(2, record::kCrcAt + 1, 1);
  const absl::Status status = TryReopen();
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(std::string(base::SV(status.message())), HasSubstr("something was written behind it"));
}

TEST_F(RefusingLogTest, RefusesAHoleBeforeAWholeBatch) {
  OpenWithBatches(2);
  AppendValues({std::string(2000, 'x')});
  AppendValues({"whole"});
  const sim::InodeRef file = machine_.model.Find(kLogFile);
  machine_.model.Write(*file, ByteBuffer(sim::kSectorBytes), 2 * sim::kSectorBytes);
  const absl::Status status = TryReopen();
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(std::string(base::SV(status.message())), HasSubstr("a whole batch stands behind it"));
}

// The file has no checksum; the list of epochs is another one, and begins where the log does.
TEST_F(LogDamageTest, DamagedLogStartsDoNotBringDeletedRecordsBack) {
  Open();
  Run([&](fiber::Fiber& self) { ASSERT_EQ(log_->StartEpoch(self, LeaderEpoch(0)), LogError::kNone); });
  for (int i = 0; i < 5; ++i) AppendValues({"v"});
  ASSERT_EQ(DeleteBefore(Offset(3)), LogError::kNone);
  Close();
  Reopen({.are_log_starts_damaged = true, .previous_shutdown = env::ShutdownKind::kClean});
  EXPECT_EQ(log_->log_start_offset(), Offset(3));
}

// Nobody but memory knows a producer whose batches are gone, when the snapshots that took their place are damaged.
TEST_F(LogDamageTest, DamagedSnapshotsDoNotMakeADeletionForgetProducers) {
  Open();
  const auto roll = [&] { Run([&](fiber::Fiber& self) { ASSERT_EQ(log_->Roll(self), LogError::kNone); }); };
  ASSERT_TRUE(
      Append(
          Encode(
              {.values = {"v"}, .producer_id = ProducerId(7), .producer_epoch = ProducerEpoch(0), .base_sequence = 0}))
          .ok());
  for (const Offset offset : {Offset(1), Offset(2)}) {
    roll();
    AppendValues({"of nobody"});
    if (offset == Offset(1)) {
      ASSERT_EQ(DeleteBefore(offset), LogError::kNone);
    }
  }
  Retain();
  Close();
  // Not the one at the end, from which memory is restored.
  for (const std::string name : {"00000000000000000001", "00000000000000000002"}) {
    machine_.model.FlipBit(*machine_.model.Find("data/topic-0/" + name + ".snapshot"), 10, 0);
  }
  Reopen(Clean());
  log_->SetHighWatermark(log_->log_end_offset());
  ASSERT_EQ(DeleteBefore(Offset(2)), LogError::kNone);
  ASSERT_EQ(log_->producers().entries().count(ProducerId(7)), 1u);
  ExpectFoldMatches();
}

TEST_F(LogDamageTest, SegmentsThatVanishedAreTold) {
  Open();
  for (int i = 0; i < 3; ++i) {
    if (i > 0) Run([&](fiber::Fiber& self) { ASSERT_EQ(log_->Roll(self), LogError::kNone); });
    AppendValues({"v"});
  }
  Close();
  const auto remove = [&](std::string_view prefix) {
    for (const std::string& name : FileNames()) {
      if (name.starts_with(prefix)) machine_.model.Remove("data/topic-0/" + name);
    }
  };
  remove("00000000000000000001.");
  Reopen(Clean());
  EXPECT_THAT(machine_.process().log.lines, testing::IsEmpty());
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(ReadAll(), ElementsAre("0:v", "2:v"));
    EXPECT_THAT(machine_.process().log.lines,
                ElementsAre("records are lost: no segment has them log=data/topic-0 from=1 to=2"));
  }
  Close();
  remove("00000000000000000000.");
  Reopen({.log_start_offset = Offset(0), .previous_shutdown = env::ShutdownKind::kClean});
  EXPECT_EQ(log_->log_start_offset(), Offset(2));
  EXPECT_THAT(machine_.process().log.lines,
              ElementsAre("records are lost: the first segments are gone log=data/topic-0 log_start_offset=0 "
                          "first_segment=2"));
}

}  // namespace log_damage_test
}  // namespace odradek::storage
