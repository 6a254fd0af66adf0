#include <array>

#include "properties/property.h"

namespace odradek::properties {
namespace {

constexpr auto kAll = std::to_array<Property>({
    {"H1", "All sends and polls that mention an offset mention one value.", &OffsetsAgree},
    {"H2", "Every acknowledged record is there in the end, at the acknowledged offset.", &AckedRecordsAreNeverLost},
    {"H3", "A record of an idempotent producer is in the log at most once.", &IdempotentRecordsAreNeverDuplicated},
    {"H4", "Records of one producer session stand in the order in which they were sent, without gaps.",
     &ProducerOrderIsKept},
    {"H5", "Offsets that one assignment returns strictly increase.", &PollsAdvance},
    {"H6", "A consumer skips no record between two positions.", &PollsSkipNothing},
    {"H7", "Every record that is read was sent to that partition and did not fail.", &OnlySentRecordsAreRead},
    {"H8", "What a consumer was given once stays in the log.", &CommittedReadsAreRepeatable},
    {"H9", "What is acknowledged takes effect in the order of real time.", &AcknowledgementsFollowRealTime},
    {"H10", "The end offset that clients are told never decreases.", &EndOffsetsNeverGoBack},
    {"H11", "What failed has no effect, and what succeeded has it.", &FailuresHaveNoEffect},
    {"H12", "Records arrive with the bytes and the timestamp with which they were sent.", &RecordsArriveIntact},
    {"H13", "Acknowledged records are read at the acknowledged offset.", &AcknowledgementsNameTheRightOffset},
    {"P4", "A producer id belongs to one producer session.", &ProducerIdsAreGivenOnce},
    {"C1", "The last record of every key survives compaction.", &LastRecordsOfKeysSurvive},
    {"C3", "A deleted key does not come back when its tombstone is gone.", &DeletedKeysStayDeleted},
    {"C4", "A tombstone can be read for as long as delete.retention.ms says.", &TombstonesAreSeenInTime},
    {"C11", "A compacted topic takes no record without a key.", &CompactedTopicsTakeNoKeylessRecords},
    {"D1", "A log comes back from a loss of power with all that was promised durable.", &DurableLogsSurvivePowerLoss},
    {"D3", "What is acknowledged was synced, where the flush policy says so.", &AcknowledgedBatchesWereSynced},
    {"Z1", "The log start offset never goes back.", &LogStartNeverGoesBack},
    {"Z2", "Retention deletes what is old or too much, and nothing that is not yet visible.",
     &RetentionDeletesWhatIsOld},
    {"Z3", "Deleted records are never read again.", &DeletedRecordsStayDeleted},
    {"Z4", "Only offsets outside of the log are out of range.", &OnlyOffsetsOutsideAreOutOfRange},
    {"Z4", "Reads from below the log start give nothing.", &ReadsBelowTheStartFail},
    {"Z5", "A record of a deleted topic is not in the topic that took its name.", &DeletedTopicsStayDeleted},
    {"O1", "A search by timestamp finds the first record that is not older.", &TimestampSearchesFindTheFirst},
    {"O2", "No offset that a client is told lies below the log start.", &ListedOffsetsAreInTheLog},
    {"O2", "Offsets that searches find lie in the visible log.", &FoundOffsetsAreInTheLog},
    {"O3", "The earliest offset is the log start offset.", &EarliestOffsetsAreLogStarts},
    {"O4", "The latest offset is the high watermark.", &LatestOffsetsAreHighWatermarks},
    {"O5", "A search for the largest timestamp finds the first record that has it.", &LargestTimestampsAreFound},
    {"F1", "A request out of turn in a fetch session, or in a leader epoch of nobody, is refused.",
     &WrongRequestsAreRefused},
    {"F4", "An answer to a Fetch names each partition once.", &AnswersNamePartitionsOnce},
    {"V0", "When the faults stop, every client finishes and every partition can be read.", &HealedClustersConverge},
    {"V7", "A producer that goes on where it was is not refused.", &ProducersThatGoOnAreNotRefused},
    {"V7", "A correct idempotent producer can always go on.", &IdempotentProducersCanGoOn},
    {"V14", "A producer that began a new epoch gets on.", &NewEpochsGetOn},
});

}  // namespace

std::span<const Property> AllProperties() {
  return kAll;
}

Verdicts CheckAll(const history::History& history) {
  const Evidence evidence(history);
  Verdicts all;
  for (const Property& property : kAll) all.Add(property.id, property.check(evidence));
  return all;
}

}  // namespace odradek::properties
