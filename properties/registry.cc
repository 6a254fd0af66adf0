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
    {"H10", "The end offset that clients are told never decreases.", &EndOffsetsNeverGoBack},
    {"H12", "Records arrive with the bytes and the timestamp with which they were sent.", &RecordsArriveIntact},
    {"D1", "A log comes back from a loss of power with all that was promised durable.", &DurableLogsSurvivePowerLoss},
    {"Z1", "The log start offset never goes back.", &LogStartNeverGoesBack},
    {"Z3", "Deleted records are never read again.", &DeletedRecordsStayDeleted},
    {"O1", "A search by timestamp finds the first record that is not older.", &TimestampSearchesFindTheFirst},
    {"V0", "When the faults stop, every client finishes and every partition can be read.", &HealedClustersConverge},
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
