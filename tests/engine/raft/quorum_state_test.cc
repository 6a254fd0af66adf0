#include "engine/raft/quorum_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "engine/base/absl_compat.h"

namespace odradek::raft {
namespace {

using ::testing::HasSubstr;

std::string TextOf(const absl::Status& status) {
  return std::string(base::SV(status.message()));
}

TEST(QuorumState, Version0IsKafkasLine) {
  QuorumState state;
  state.leader_id = NodeId(1);
  state.leader_epoch = LeaderEpoch(2);
  state.current_voters = {NodeId(1)};
  const std::string text = EncodeQuorumState(state);
  EXPECT_EQ(text, R"({"clusterId":"","leaderId":1,"leaderEpoch":2,"votedId":-1,"appliedOffset":0,)"
                  R"("currentVoters":[{"voterId":1}],"data_version":0})");
  EXPECT_EQ(*DecodeQuorumState(text), state);
}

TEST(QuorumState, Version1IsKafkasLine) {
  QuorumState state;
  state.version = QuorumStateVersion::kV1;
  state.leader_epoch = LeaderEpoch(2);
  state.voted_id = NodeId(1);
  state.voted_directory_id = Uuid{0, 1};
  const std::string text = EncodeQuorumState(state);
  EXPECT_EQ(text, R"({"leaderId":-1,"leaderEpoch":2,"votedId":1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAQ",)"
                  R"("data_version":1})");
  EXPECT_EQ(*DecodeQuorumState(text), state);
}

TEST(QuorumState, BadTextIsAnErrorThatNamesTheField) {
  EXPECT_THAT(TextOf(DecodeQuorumState("").status()), HasSubstr("not a JSON object"));
  EXPECT_THAT(TextOf(DecodeQuorumState("[]").status()), HasSubstr("not a JSON object"));
  EXPECT_THAT(TextOf(DecodeQuorumState("{}").status()), HasSubstr("data_version"));
  EXPECT_THAT(TextOf(DecodeQuorumState(R"({"data_version":7})").status()), HasSubstr("unknown data_version 7"));
  EXPECT_THAT(TextOf(DecodeQuorumState(R"({"data_version":0,"leaderId":1e99})").status()), HasSubstr("leaderId"));
  // 2^64 - 1 is not -1, "no leader".
  EXPECT_THAT(TextOf(DecodeQuorumState(R"({"data_version":0,"leaderId":18446744073709551615})").status()),
              HasSubstr("leaderId"));
  EXPECT_THAT(TextOf(DecodeQuorumState(R"({"data_version":0,"leaderId":1,"leaderEpoch":-2,"votedId":-1})").status()),
              HasSubstr("leaderEpoch"));
  EXPECT_THAT(
      TextOf(DecodeQuorumState(R"({"data_version":0,"leaderId":1,"leaderEpoch":2,"votedId":-1,"currentVoters":[3]})")
                 .status()),
      HasSubstr("currentVoters"));
  EXPECT_THAT(
      TextOf(DecodeQuorumState(R"({"data_version":1,"leaderId":1,"leaderEpoch":2,"votedId":-1,"votedDirectoryId":"x"})")
                 .status()),
      HasSubstr("votedDirectoryId"));
}

RC_GTEST_PROP(QuorumStateProperty, AnyTextGivesAStateOrAnError, (std::string text)) {
  const auto state = DecodeQuorumState(text);
  RC_ASSERT(state.ok() || TextOf(state.status()).starts_with("quorum-state: "));
}

TEST(KafkaQuorumState, ReadsAndWritesTheSameLine) {
  std::ifstream file("tests/engine/raft/testdata/kafka_4.3.1_quorum_state", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto state = DecodeQuorumState(text);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->version, QuorumStateVersion::kV1);
  EXPECT_EQ(state->leader_id, NodeId(1));
  EXPECT_EQ(EncodeQuorumState(*state), text);
}

}  // namespace
}  // namespace odradek::raft
