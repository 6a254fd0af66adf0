#include "sim/history/history.h"

#include <gtest/gtest.h>

namespace odradek::history {
namespace {

Send Acked(Acks acks, const std::string& topic) {
  return {.acks = acks, .partition = {topic, PartitionIndex(0)}, .outcome = Outcome::kOk, .offset = Offset(7)};
}

TEST(History, OfAReplicatedTopicOnlyWhatAllReplicasAcknowledgedCounts) {
  History history;
  history.sends = {Acked(Acks::kLeader, "replicated"), Acked(Acks::kAll, "replicated"), Acked(Acks::kLeader, "single")};
  ForgetWhatLeadersAcknowledged({"replicated"}, history);
  EXPECT_EQ(history.sends[0].outcome, Outcome::kUnknown);
  EXPECT_EQ(history.sends[0].offset, kNoOffset);
  EXPECT_EQ(history.sends[1].outcome, Outcome::kOk);
  EXPECT_EQ(history.sends[2].outcome, Outcome::kOk);
}

}  // namespace
}  // namespace odradek::history
