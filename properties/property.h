// Properties over a history: one sentence and one file each, near-linear in the length of the history. They know
// nothing of the simulator. What is legal is said in each file, with its source.
#pragma once

#include <span>
#include <string_view>

#include "properties/evidence.h"
#include "properties/findings.h"

namespace odradek::properties {

struct Property {
  std::string_view id;        // of the project's property catalogue: "H2"
  std::string_view sentence;  // what must be true
  Findings (*check)(const Evidence&);
};

// All checkers in the order of their ids.
std::span<const Property> AllProperties();

// Every property's verdict, in the order of AllProperties().
Verdicts CheckAll(const history::History& history);

// One function per file of this folder.
Findings OffsetsAgree(const Evidence&);
Findings AckedRecordsAreNeverLost(const Evidence&);
Findings IdempotentRecordsAreNeverDuplicated(const Evidence&);
Findings ProducerOrderIsKept(const Evidence&);
Findings PollsAdvance(const Evidence&);
Findings PollsSkipNothing(const Evidence&);
Findings OnlySentRecordsAreRead(const Evidence&);
Findings CommittedReadsAreRepeatable(const Evidence&);
Findings AcknowledgementsFollowRealTime(const Evidence&);
Findings EndOffsetsNeverGoBack(const Evidence&);
Findings FailuresHaveNoEffect(const Evidence&);
Findings RecordsArriveIntact(const Evidence&);
Findings AcknowledgementsNameTheRightOffset(const Evidence&);
Findings ProducerIdsAreGivenOnce(const Evidence&);
Findings DurableLogsSurvivePowerLoss(const Evidence&);
Findings LogStartNeverGoesBack(const Evidence&);
Findings DeletedRecordsStayDeleted(const Evidence&);
Findings DeletedTopicsStayDeleted(const Evidence&);
Findings ReadsBelowTheStartFail(const Evidence&);
Findings TimestampSearchesFindTheFirst(const Evidence&);
Findings RetentionDeletesWhatIsOld(const Evidence&);
Findings OnlyOffsetsOutsideAreOutOfRange(const Evidence&);
Findings AcknowledgedBatchesWereSynced(const Evidence&);
Findings ListedOffsetsAreInTheLog(const Evidence&);
Findings ProducersThatGoOnAreNotRefused(const Evidence&);
Findings NewEpochsGetOn(const Evidence&);
Findings WrongRequestsAreRefused(const Evidence&);
Findings AnswersNamePartitionsOnce(const Evidence&);
Findings FoundOffsetsAreInTheLog(const Evidence&);
Findings EarliestOffsetsAreLogStarts(const Evidence&);
Findings LatestOffsetsAreHighWatermarks(const Evidence&);
Findings LargestTimestampsAreFound(const Evidence&);
Findings LastRecordsOfKeysSurvive(const Evidence&);
Findings DeletedKeysStayDeleted(const Evidence&);
Findings TombstonesAreSeenInTime(const Evidence&);
Findings CompactedTopicsTakeNoKeylessRecords(const Evidence&);
Findings HealedClustersConverge(const Evidence&);
Findings IdempotentProducersCanGoOn(const Evidence&);

}  // namespace odradek::properties
