// One cleaning of one log.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/storage/clean_fixture.h"

namespace odradek::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(CleanLog, KeepsTheNewestOfEachKeyAtItsOffset) {
  Open();
  Run([&](fiber::Fiber& self) { EXPECT_EQ(log_->TruncateFullyAndStartAt(self, Offset(13)), LogError::kNone); });
  const auto put = [&](int64_t offset, const KeyValue& record) {
    ByteBuffer batch = EncodeKeyed({.records = {record}, .base_offset = Offset(offset)});
    EXPECT_TRUE(Append(std::move(batch), {.origin = AppendOrigin::kReplication}).ok());
  };
  put(13, {"K1", "V5"});
  put(17, {"K5", "V2"});
  put(19, {"K2", "V7"});
  put(20, {"K7", "V1"});
  put(21, {"K8", "V4"});
  put(22, {"K4", "V6"});
  put(23, {"K1", "V1"});
  put(24, {"K1", "V2"});
  put(25, {"K1", "V9"});
  put(26, {"K9", "V6"});
  put(27, {"K8", "V22"});
  put(28, {"K2", "V25"});
  log_->SetHighWatermark(log_->log_end_offset());
  RollAndClean();
  EXPECT_THAT(ReadKeyed(Offset(13)),
              ElementsAre("17:K5=V2", "20:K7=V1", "22:K4=V6", "25:K1=V9", "26:K9=V6", "27:K8=V22", "28:K2=V25"));
  EXPECT_THAT(ReadKeyed(Offset(18)),
              ElementsAre("20:K7=V1", "22:K4=V6", "25:K1=V9", "26:K9=V6", "27:K8=V22", "28:K2=V25"));
}

TEST_F(CleanLog, NeverTouchesTheActiveSegment) {
  Open();
  AppendEach({{"a", "1"}, {"a", "2"}});
  EXPECT_EQ(Find().dirty_bytes, 0);
  EXPECT_EQ(Clean().outcome, CleanOutcome::kDone);
  EXPECT_THAT(ReadKeyed(), ElementsAre("0:a=1", "1:a=2"));
}

TEST_F(CleanLog, NeverTouchesWhatIsAboveTheHighWatermark) {
  Open();
  AppendEach({{"a", "1"}});
  Roll();
  AppendEach({{"a", "2"}});
  Roll();
  log_->SetHighWatermark(Offset(1));
  EXPECT_EQ(Find().end, Offset(1));
  EXPECT_EQ(Clean().outcome, CleanOutcome::kDone);
  log_->SetHighWatermark(Offset(2));
  EXPECT_THAT(ReadKeyed(), ElementsAre("0:a=1", "1:a=2"));
}

TEST_F(CleanLog, YoungSegmentsWaitForTheirLag) {
  config_.min_compaction_lag = Duration::Millis(5000);
  Open();
  const int64_t now = machine_.process().clock.wall.unix_millis();
  AppendEach({{"a", "1", now - 9000}});
  Roll();
  AppendEach({{"a", "2", now}});
  Roll();
  EXPECT_EQ(Find().end, Offset(1));
  PassTime(Duration::Millis(5001));
  EXPECT_EQ(Find().end, Offset(2));
}

TEST_F(CleanLog, ALogIsOverdueByItsFirstDirtyBatch) {
  config_.max_compaction_lag = Duration::Millis(1000);
  config_.segment_ms = Duration::Seconds(1000);
  Open();
  const int64_t now = machine_.process().clock.wall.unix_millis();
  AppendEach({{"a", "1", now - 5000}});
  Roll();
  EXPECT_EQ(Find().overdue, Duration::Millis(4000));
}

TEST_F(CleanLog, ATombstoneStaysForItsRetentionAfterItsFirstCleaning) {
  Open();
  AppendEach({{"a", "1"}, {"b", "1"}, {"a", std::nullopt}, {"c", "1"}});
  RollAndClean();
  EXPECT_THAT(ReadKeyed(), ElementsAre("1:b=1", "2:a", "3:c=1"));
  PassTime(Duration::Millis(999));
  AppendEach({{"d", "1"}});
  RollAndClean();
  EXPECT_THAT(ReadKeyed(), ElementsAre("1:b=1", "2:a", "3:c=1", "4:d=1"));
  PassTime(Duration::Millis(1));
  AppendEach({{"e", "1"}});
  RollAndClean();
  EXPECT_THAT(ReadKeyed(), ElementsAre("1:b=1", "3:c=1", "4:d=1", "5:e=1"));
}

TEST_F(CleanLog, TheDeleteHorizonIsTheBaseTimestampAndRecordsKeepTheirs) {
  Open();
  AppendKeyed({.records = {{"a", std::nullopt, 500}, {"b", "1", 700}}});
  RollAndClean();
  const ByteBuffer bytes = ReadBytesFrom(Offset(0));
  const record::BatchHeader header = record::ParseHeader(bytes).header;
  EXPECT_TRUE(header.has_delete_horizon());
  EXPECT_EQ(header.base_timestamp.value(), machine_.process().clock.wall.unix_millis() + 1000);
  EXPECT_EQ(header.max_timestamp, Timestamp(700));
  record::RecordIterator records(header, bytes);
  ASSERT_EQ(records.Next(), record::RecordIterator::Found::kRecord);
  EXPECT_EQ(records.record().timestamp, Timestamp(500));
}

TEST_F(CleanLog, RecordsBehindAFullMapStay) {
  Open();
  AppendEach({{"a", "1"}, {"b", "1"}, {"a", "2"}, {"c", "1"}, {"a", std::nullopt}});
  Roll();
  // Room for two keys.
  const CleanResult first = Clean(3 * CleanOffsetMap::kEntryBytes);
  EXPECT_EQ(first.cleaned_until, Offset(3));
  EXPECT_THAT(ReadKeyed(), ElementsAre("1:b=1", "2:a=2", "3:c=1", "4:a"));
  EXPECT_EQ(Find().first_dirty, Offset(3));
  EXPECT_EQ(Clean().cleaned_until, Offset(5));
  EXPECT_THAT(ReadKeyed(), ElementsAre("1:b=1", "3:c=1", "4:a"));
}

TEST_F(CleanLog, ASecondCleaningWithoutNewRecordsChangesNothing) {
  Open();
  AppendEach({{"a", "1"}, {"a", "2"}, {"b", "1"}});
  RollAndClean();
  const ByteBuffer before = ReadBytesFrom(Offset(0));
  EXPECT_EQ(Find().dirty_bytes, 0);
  EXPECT_EQ(Clean().bytes_written, 0);
  EXPECT_EQ(ReadBytesFrom(Offset(0)), before);
}

TEST_F(CleanLog, CompressedBatchesKeepTheirCodec) {
  for (const record::Codec codec :
       {record::Codec::kGzip, record::Codec::kSnappy, record::Codec::kLz4, record::Codec::kZstd}) {
    log_.reset();
    LogFixture::Boot();
    machine_.model.CreateDirectory("data/topic-0");
    Open();
    const Offset at = AppendKeyed({.records = {{"a", "1"}, {"b", "1"}, {"a", "2"}}, .codec = codec});
    RollAndClean();
    const ByteBuffer bytes = ReadBytesFrom(at);
    EXPECT_EQ(record::ParseHeader(bytes).header.codec(), codec);
    EXPECT_EQ(DecodeKeyed(bytes), (std::vector<std::string>{std::to_string(at.value() + 1) + ":b=1",
                                                            std::to_string(at.value() + 2) + ":a=2"}));
  }
}

TEST_F(CleanLog, TheLastBatchOfAProducerStaysWithoutRecords) {
  Open();
  AppendKeyed(
      {.records = {{"a", "1"}}, .producer_id = ProducerId(7), .producer_epoch = ProducerEpoch(0), .base_sequence = 0});
  AppendKeyed(
      {.records = {{"a", "2"}}, .producer_id = ProducerId(7), .producer_epoch = ProducerEpoch(0), .base_sequence = 1});
  AppendEach({{"a", "3"}, {"b", "1"}});
  RollAndClean();
  EXPECT_THAT(ReadKeyed(), ElementsAre("1-1:empty", "2:a=3", "3:b=1"));
  Reopen(RecoverFrom(0));
  log_->SetHighWatermark(log_->log_end_offset());
  AppendKeyed(
      {.records = {{"c", "1"}}, .producer_id = ProducerId(7), .producer_epoch = ProducerEpoch(0), .base_sequence = 2});
}

TEST_F(CleanLog, TheLastOffsetOfASegmentStays) {
  Open();
  AppendEach({{"a", "1"}, {"a", "2"}});
  Roll();
  AppendEach({{"a", "3"}});
  config_.segment_bytes = 100;
  log_->SetConfig(config_);
  RollAndClean();
  EXPECT_THAT(ReadKeyed(), ElementsAre("1-1:empty", "2:a=3"));
  EXPECT_EQ(log_->log_end_offset(), Offset(3));
}

TEST_F(CleanLog, ControlBatchesAndTheirIndexStay) {
  Open();
  const ProducerId producer(9);
  AppendKeyed({.records = {{"a", "1"}}});
  AppendToTxn(producer, 0, {{"a", "aborted"}});
  AppendMarker(producer, record::ControlType::kAbort);
  AppendEach({{"b", "1"}, {"b", "2"}});
  RollAndClean();
  EXPECT_THAT(ReadKeyed(), ElementsAre("0:a=1", "1:a=aborted", "2:control", "4:b=2"));
  ASSERT_EQ(Aborted().size(), 1u);
  EXPECT_EQ(Aborted()[0].first_offset, Offset(1));
}

TEST_F(CleanLog, AMarkerBehindTheRangeSaysThatItsTransactionIsAborted) {
  Open();
  const ProducerId producer(9);
  AppendKeyed({.records = {{"a", "1"}}});
  AppendToTxn(producer, 0, {{"a", "aborted"}});
  Roll();
  AppendMarker(producer, record::ControlType::kAbort);
  EXPECT_EQ(Clean().cleaned_until, Offset(2));
  EXPECT_THAT(ReadKeyed(), ElementsAre("0:a=1", "1:a=aborted", "2:control"));
}

TEST_F(CleanLog, SmallSegmentsAreJoined) {
  Open();
  for (int i = 0; i < 6; ++i) {
    AppendEach({{"k" + std::to_string(i), "1"}, {"hot", std::to_string(i)}});
    Roll();
  }
  EXPECT_EQ(log_->Inspect().segment_count, 7);
  EXPECT_EQ(Clean().outcome, CleanOutcome::kDone);
  EXPECT_EQ(log_->Inspect().segment_count, 2);
  EXPECT_THAT(ReadKeyed(Offset(8)), ElementsAre("8:k4=1", "10:k5=1", "11:hot=5"));
}

TEST_F(CleanLog, JoinedSegmentsKeepTheirOffsetsInReach) {
  config_.segment_offsets_max = 4;
  Open();
  for (int i = 0; i < 6; ++i) {
    AppendEach({{"k" + std::to_string(i), "1"}, {"hot", std::to_string(i)}});
    Roll();
  }
  EXPECT_EQ(Clean().outcome, CleanOutcome::kDone);
  EXPECT_EQ(log_->Inspect().segment_count, 4);
}

TEST_F(CleanLog, TimestampsAreFoundAfterCleaning) {
  Open();
  AppendEach({{"a", "1", 9000}, {"b", "1", 100}, {"a", "2", 300}, {"c", "1", 200}});
  RollAndClean();
  EXPECT_EQ(FindTime(150).offset, Offset(2));
  EXPECT_EQ(FindTime(301).offset, kNoOffset);
  TimestampResult max;
  Run([&](fiber::Fiber& self) { max = log_->FindMaxTimestamp(self, log_->log_end_offset()); });
  EXPECT_EQ(max.found.offset, Offset(2));
}

TEST_F(CleanLog, AnEmptyBatchHasNoTimestampToFind) {
  Open();
  AppendEach({{"a", "1", 100}, {"b", "1", 9000}});
  Roll();
  AppendEach({{"b", "2", 50}});
  config_.segment_bytes = 150;
  log_->SetConfig(config_);
  RollAndClean();
  EXPECT_THAT(ReadKeyed(), ElementsAre("0:a=1", "1-1:empty", "2:b=2"));
  TimestampResult max;
  Run([&](fiber::Fiber& self) { max = log_->FindMaxTimestamp(self, log_->log_end_offset()); });
  EXPECT_EQ(max.found,
            (TimestampOffset{.timestamp = Timestamp(100), .offset = Offset(0), .leader_epoch = LeaderEpoch(0)}));
  EXPECT_EQ(FindTime(101).offset, kNoOffset);
}

TEST_F(CleanLog, ATruncationStopsACleaningAndLowersItsMark) {
  Open();
  AppendEach({{"a", "1"}, {"a", "2"}});
  RollAndClean();
  AppendEach({{"a", "3"}});
  Roll();
  CleanResult result;
  Run([&](fiber::Fiber& self) {
    CleanOffsetMap map({.memory_bytes = 4096}, {});
    IoThrottle throttle(std::numeric_limits<int64_t>::max());
    fiber::Event stop;
    CleanTools tools{.map = map, .throttle = throttle, .stop = stop};
    const CleanRange range = log_->FindCleanable(self);
    EXPECT_EQ(log_->TruncateTo(self, Offset(1)), LogError::kNone);
    EXPECT_EQ(log_->FindCleanable(self).first_dirty, Offset(0));
    result = log_->Clean(self, range, tools);
  });
  EXPECT_EQ(result.outcome, CleanOutcome::kDone);
  EXPECT_THAT(FileNames(), testing::Not(testing::Contains(HasSubstr(".cleaned"))));
}

TEST_F(CleanLog, ADamagedBatchMakesTheLogUncleanable) {
  Open();
  AppendEach({{"a", "1"}, {"a", "2"}});
  Roll();
  const std::byte damage[] = {std::byte{0x55}};
  Run([&](fiber::Fiber& self) {
    env::OpenResult file =
        machine_.process().disk.Open(self, "data/topic-0/00000000000000000000.log", env::OpenMode::kReadWrite);
    const Bytes parts[] = {damage};
    EXPECT_TRUE(file.file->WriteAt(self, parts, 65).ok());
  });
  const CleanResult result = Clean();
  EXPECT_EQ(result.outcome, CleanOutcome::kUncleanable);
  EXPECT_THAT(result.problem, HasSubstr("damaged"));
  EXPECT_FALSE(log_->is_offline());
}

TEST_F(CleanLog, ReplacedFilesGoAfterTheirDelay) {
  config_.file_delete_delay = Duration::Millis(0);
  Open();
  AppendEach({{"a", "1"}, {"a", "2"}});
  RollAndClean();
  EXPECT_THAT(FileNames(), testing::Contains(HasSubstr(".deleted")));
  Run([&](fiber::Fiber& self) { log_->RemoveDeletedFiles(self); });
  EXPECT_THAT(FileNames(), testing::Not(testing::Contains(HasSubstr(".deleted"))));
  EXPECT_THAT(ReadKeyed(), ElementsAre("1:a=2"));
}

TEST_F(CleanLog, ACleanedLogIsTheSameAfterACrash) {
  Open();
  AppendEach({{"a", "1"}, {"b", "1"}, {"a", "2"}});
  RollAndClean();
  AppendEach({{"c", "1"}});
  Reopen(RecoverFrom(0));
  log_->SetHighWatermark(log_->log_end_offset());
  EXPECT_THAT(ReadKeyed(), ElementsAre("1:b=1", "2:a=2", "3:c=1"));
  ExpectFoldMatches();
}

}  // namespace
}  // namespace odradek::storage
