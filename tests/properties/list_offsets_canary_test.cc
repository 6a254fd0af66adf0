// Canaries of the properties of ListOffsets: bad histories that they must reject and good ones that they must accept.
#include <gtest/gtest.h>

#include "properties/property.h"
#include "tests/properties/history_builder.h"

namespace odradek::properties {
namespace list_offsets_canary_test {

TEST(TimestampSearchesFindTheFirst, RejectsAnOlderRecordAndAPassedOne) {
  HistoryBuilder run = Good();  // timestamps 10 and 20
  run.Searched(history::OffsetQuery::kByTimestamp, 0, 10, 40).timestamp = Timestamp(15);
  EXPECT_FALSE(Holds(&TimestampSearchesFindTheFirst, run));
  run.history().list_offsets[0].offset = Offset(1);
  run.history().list_offsets[0].found_timestamp = Timestamp(20);
  EXPECT_TRUE(Holds(&TimestampSearchesFindTheFirst, run));
  run.history().list_offsets[0].timestamp = Timestamp(5);
  EXPECT_FALSE(Holds(&TimestampSearchesFindTheFirst, run));
}

TEST(TimestampSearchesFindTheFirst, RejectsAnotherTimestampThanTheRecordHas) {
  HistoryBuilder run = Good();
  run.Searched(history::OffsetQuery::kByTimestamp, 1, 19, 40).timestamp = Timestamp(15);
  EXPECT_FALSE(Holds(&TimestampSearchesFindTheFirst, run));
}

TEST(TimestampSearchesFindTheFirst, RejectsNothingFoundWhereSomethingWas) {
  HistoryBuilder run = Good();
  run.Listed(history::OffsetQuery::kByTimestamp, -1, 40).timestamp = Timestamp(15);
  EXPECT_FALSE(Holds(&TimestampSearchesFindTheFirst, run));
  run.history().list_offsets[0].timestamp = Timestamp(21);
  EXPECT_TRUE(Holds(&TimestampSearchesFindTheFirst, run));
}

TEST(TimestampSearchesFindTheFirst, AcceptsADeposedLeaderThatHasNotGotItAndNoOther) {
  HistoryBuilder run = Good();
  run.history().promise.linearizable = false;
  run.Listed(history::OffsetQuery::kByTimestamp, -1, 40).timestamp = Timestamp(15);
  EXPECT_TRUE(Holds(&TimestampSearchesFindTheFirst, run));
  run.Searched(history::OffsetQuery::kByTimestamp, 1, 20, 41).timestamp = Timestamp(5);
  EXPECT_FALSE(Holds(&TimestampSearchesFindTheFirst, run)) << "it passed one over";
}

TEST(ListedOffsetsAreInTheLog, RejectsAnOffsetBelowAnEarlierStart) {
  HistoryBuilder run;
  run.StartsAt(3, 10);
  run.Listed(history::OffsetQuery::kByTimestamp, 3, 20);
  run.Listed(history::OffsetQuery::kByTimestamp, 1, 5);  // asked before
  EXPECT_TRUE(Holds(&ListedOffsetsAreInTheLog, run));
  run.Listed(history::OffsetQuery::kEarliest, 2, 30);
  EXPECT_FALSE(Holds(&ListedOffsetsAreInTheLog, run));
}

TEST(LargestTimestampsAreFound, RejectsALaterRecordAndOneThatIsNotTheLargest) {
  HistoryBuilder run = Good();  // timestamps 10 and 20
  history::ListOffsets& call = run.Listed(history::OffsetQuery::kMaxTimestamp, 1, 40);
  call.found_timestamp = Timestamp(20);
  EXPECT_TRUE(Holds(&LargestTimestampsAreFound, run));
  run.history().list_offsets[0].offset = Offset(0);
  EXPECT_FALSE(Holds(&LargestTimestampsAreFound, run)) << "the record there has another timestamp";
  run.history().list_offsets[0].found_timestamp = Timestamp(10);
  EXPECT_FALSE(Holds(&LargestTimestampsAreFound, run)) << "an acknowledged one is larger";
}

TEST(LargestTimestampsAreFound, AcceptsALargerOneThatCameLater) {
  HistoryBuilder run = Good();
  run.Listed(history::OffsetQuery::kMaxTimestamp, 0, 15).found_timestamp = Timestamp(10);
  EXPECT_TRUE(Holds(&LargestTimestampsAreFound, run));
}

TEST(LargestTimestampsAreFound, AcceptsADeposedLeaderThatHasNotGotItAndNoOther) {
  HistoryBuilder run = Good();
  run.history().promise.linearizable = false;
  run.Searched(history::OffsetQuery::kMaxTimestamp, 0, 10, 40);
  EXPECT_TRUE(Holds(&LargestTimestampsAreFound, run));
  run.Searched(history::OffsetQuery::kMaxTimestamp, 0, 20, 41);
  EXPECT_FALSE(Holds(&LargestTimestampsAreFound, run)) << "the record there has another timestamp";
}

TEST(LargestTimestampsAreFound, RejectsASmallerOneAndALaterRecord) {
  HistoryBuilder run = Good();
  run.Searched(history::OffsetQuery::kMaxTimestamp, 1, 20, 40);
  EXPECT_TRUE(Holds(&LargestTimestampsAreFound, run));
  run.Searched(history::OffsetQuery::kMaxTimestamp, 0, 10, 41);
  EXPECT_FALSE(Holds(&LargestTimestampsAreFound, run));
  HistoryBuilder equal = Good();
  equal.history().final_reads[0].records[0].timestamp = Timestamp(20);
  equal.Searched(history::OffsetQuery::kMaxTimestamp, 1, 20, 40);
  EXPECT_FALSE(Holds(&LargestTimestampsAreFound, equal));
}

TEST(FoundOffsetsAreInTheLog, RejectsOffsetsOutsideOfIt) {
  HistoryBuilder run = Good();
  run.StartsAt(1, 5);
  run.VisibleTo(2, 6);
  run.Searched(history::OffsetQuery::kByTimestamp, 1, 20, 40);
  EXPECT_TRUE(Holds(&FoundOffsetsAreInTheLog, run));
  run.Searched(history::OffsetQuery::kByTimestamp, 0, 10, 41);
  EXPECT_FALSE(Holds(&FoundOffsetsAreInTheLog, run));
  run.history().list_offsets.pop_back();
  run.Searched(history::OffsetQuery::kMaxTimestamp, 2, 20, 42);
  EXPECT_FALSE(Holds(&FoundOffsetsAreInTheLog, run));
}

TEST(EarliestOffsetsAreLogStarts, RejectsOlderAndInventedStarts) {
  HistoryBuilder run;
  run.StartsAt(3, 10);
  run.Listed(history::OffsetQuery::kEarliest, 3, 20);
  run.Listed(history::OffsetQuery::kEarliest, 5, 30);  // reported a little later
  run.StartsAt(5, 33);
  EXPECT_TRUE(Holds(&EarliestOffsetsAreLogStarts, run));
  run.Listed(history::OffsetQuery::kEarliest, 4, 31);
  EXPECT_FALSE(Holds(&EarliestOffsetsAreLogStarts, run));
  run.history().list_offsets.pop_back();
  run.Listed(history::OffsetQuery::kEarliest, 3, 40);
  EXPECT_FALSE(Holds(&EarliestOffsetsAreLogStarts, run));
}

TEST(LatestOffsetsAreHighWatermarks, RejectsLowerAndHigherOnes) {
  HistoryBuilder run;
  run.VisibleTo(3, 10);
  run.VisibleTo(5, 30);
  run.Listed(history::OffsetQuery::kLatest, 3, 20);
  EXPECT_TRUE(Holds(&LatestOffsetsAreHighWatermarks, run));
  run.Listed(history::OffsetQuery::kLatest, 4, 21);
  EXPECT_FALSE(Holds(&LatestOffsetsAreHighWatermarks, run));
  run.history().list_offsets.pop_back();
  run.Listed(history::OffsetQuery::kLatest, 4, 40);
  EXPECT_FALSE(Holds(&LatestOffsetsAreHighWatermarks, run));
  run.Lost(4, 0, 35);
  EXPECT_TRUE(Holds(&LatestOffsetsAreHighWatermarks, run));
}

}  // namespace list_offsets_canary_test
}  // namespace odradek::properties
