#include <gtest/gtest.h>

#include "engine/base/prng.h"
#include "tests/engine/protocol/message_case.h"

namespace odradek::protocol {
namespace {

constexpr int kRandomValuesPerVersion = 40;

TEST(MessageCodec, EveryMessageSurvivesTheRoundTripInEveryVersion) {
  const auto cases = AllMessageCases();
  ASSERT_GT(cases.size(), 70u);
  for (const MessageCase& message : cases) {
    for (int16_t version = message.min_version; version <= message.max_version; ++version) {
      RandomValues values(base::HashName(message.name) + static_cast<uint64_t>(version));
      for (int i = 0; i < kRandomValuesPerVersion; ++i) {
        const std::string problem = message.round_trip(values, version);
        ASSERT_EQ(problem, "") << message.name << " version " << version << " try " << i;
      }
    }
  }
}

}  // namespace
}  // namespace odradek::protocol
