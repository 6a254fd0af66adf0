// Properties over a history: one sentence and one file each, near-linear in the length of the history. They know
// nothing of the simulator. What is legal is said in each file, with its source.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "sim/history/history.h"

namespace odradek::properties {

using history::History;
using history::Violation;

struct Property {
  std::string_view id;        // of the project's property catalogue: "H2"
  std::string_view sentence;  // what must be true
  std::vector<Violation> (*check)(const History&);
};

// All checkers in the order of their ids.
std::span<const Property> AllProperties();

// Every violation of every property, in the order of AllProperties().
std::vector<Violation> CheckAll(const History& history);

// One function per file of this folder.
std::vector<Violation> OffsetsAgree(const History&);
std::vector<Violation> AckedRecordsAreNeverLost(const History&);
std::vector<Violation> IdempotentRecordsAreNeverDuplicated(const History&);
std::vector<Violation> ProducerOrderIsKept(const History&);
std::vector<Violation> PollsAdvance(const History&);
std::vector<Violation> PollsSkipNothing(const History&);
std::vector<Violation> OnlySentRecordsAreRead(const History&);
std::vector<Violation> CommittedReadsAreRepeatable(const History&);
std::vector<Violation> EndOffsetsNeverGoBack(const History&);
std::vector<Violation> RecordsArriveIntact(const History&);
std::vector<Violation> DurableLogsSurvivePowerLoss(const History&);
std::vector<Violation> LogStartNeverGoesBack(const History&);
std::vector<Violation> DeletedRecordsStayDeleted(const History&);
std::vector<Violation> TimestampSearchesFindTheFirst(const History&);
std::vector<Violation> HealedClustersConverge(const History&);

}  // namespace odradek::properties
