#include "tests/engine/protocol/oracle/oracle.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace odradek::protocol {
namespace {

TEST(Oracle, EveryVersionOfEveryMessageReencodesToKafkasBytes) {
  std::ifstream in("tests/engine/protocol/oracle/kafka-4.3.1.hex");
  ASSERT_TRUE(in) << "run from the project's root";
  const std::string lines{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const OracleResult result = CheckAgainstOracle(lines, AllMessageCases());
  EXPECT_GT(result.line_count, 1400);
  for (const std::string& failure : result.failures) ADD_FAILURE() << failure;
  for (const std::string& missing : result.missing) ADD_FAILURE() << "no bytes recorded for " << missing;
}

TEST(Oracle, NoticesAMessageThatReencodesOtherwise) {
  // A boolean of 2 is true to a reader, and no writer makes it.
  const std::string line = "DescribeClusterRequest 0 0200\n";
  EXPECT_EQ(CheckAgainstOracle(line, AllMessageCases()).failures.size(), 1u);
  EXPECT_EQ(CheckAgainstOracle("DescribeClusterRequest 0 0100\n", AllMessageCases()).failures.size(), 0u);
}

}  // namespace
}  // namespace odradek::protocol
