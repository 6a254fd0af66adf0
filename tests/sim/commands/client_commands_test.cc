#include "tests/sim/commands/client_commands.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace odradek::commands {
namespace commands_test {

using Commands = std::vector<Command>;

rc::Gen<Command> AnyCommand() {
  // Reads and writes are more frequent than faults.
  const auto kind = rc::gen::weightedElement<CommandKind>({{2, CommandKind::kCreateTopic},
                                                           {6, CommandKind::kProduce},
                                                           {4, CommandKind::kRead},
                                                           {2, CommandKind::kDeleteRecords},
                                                           {2, CommandKind::kListOffsets},
                                                           {1, CommandKind::kRestart},
                                                           {1, CommandKind::kCrash},
                                                           {1, CommandKind::kPowerLoss},
                                                           {1, CommandKind::kPause}});
  return rc::gen::build<Command>(rc::gen::set(&Command::kind, kind),
                                 rc::gen::set(&Command::topic, rc::gen::inRange<uint8_t>(0, 2)),
                                 rc::gen::set(&Command::partition, rc::gen::inRange<uint8_t>(0, 2)),
                                 rc::gen::set(&Command::amount, rc::gen::inRange<uint8_t>(0, 30)));
}

rc::Gen<Commands> AnyCommands() {
  return rc::gen::container<Commands>(AnyCommand());
}

// RC_PARAMS="seed=N" repeats what is generated, the seeds of the runs included.
uint64_t AnySeed() {
  return *rc::gen::noShrink(rc::gen::arbitrary<uint64_t>());
}

RC_GTEST_PROP(ClientCommands, TheBrokerDoesWhatTheModelSays, ()) {
  const Commands commands = *AnyCommands();
  const std::string problem = RunCommands(commands, {.seed = AnySeed()});
  if (!problem.empty()) RC_FAIL(problem);
}

RC_GTEST_PROP(ClientCommands, ARunIsAFunctionOfItsCommandsAndItsSeed, ()) {
  const Commands commands = *AnyCommands();
  const CommandOptions options{.seed = AnySeed(), .model_keeps_deleted_records = true};
  RC_ASSERT(RunCommands(commands, options) == RunCommands(commands, options));
}

// The shortest sequence on which the model and the broker disagree, as RapidCheck found it.
struct Shrunk {
  Commands commands;
  std::string problem;
};
Shrunk FindAndShrink(const CommandOptions& wrong, uint64_t seed) {
  Shrunk last;
  const auto result = rc::detail::checkTestable(
      [&] {
        const Commands commands = *AnyCommands();
        CommandOptions options = wrong;
        options.seed = AnySeed();
        const std::string problem = RunCommands(commands, options);
        if (problem.empty()) return;
        last = {commands, problem};
        RC_FAIL(problem);
      },
      rc::detail::TestMetadata(), rc::detail::TestParams{.seed = seed, .maxSuccess = 300});
  EXPECT_TRUE(result.is<rc::detail::FailureResult>()) << "nothing was found";
  return last;
}

size_t CountOf(const Commands& commands, CommandKind kind) {
  return static_cast<size_t>(
      std::count_if(commands.begin(), commands.end(), [&](const Command& command) { return command.kind == kind; }));
}

TEST(ClientCommandsShrink, ToTheCommandsThatTheMistakeTakes) {
  const CommandOptions wrong{.model_keeps_deleted_records = true};
  const Shrunk shrunk = FindAndShrink(wrong, 20261121);
  // A topic, a record, its deletion, and a look: nothing else, and no more than one record.
  ASSERT_EQ(shrunk.commands.size(), 4u) << rc::toString(shrunk.commands) << "\n" << shrunk.problem;
  EXPECT_EQ(shrunk.commands[0].kind, CommandKind::kCreateTopic);
  EXPECT_EQ(CountOf(shrunk.commands, CommandKind::kProduce), 1u);
  EXPECT_EQ(CountOf(shrunk.commands, CommandKind::kDeleteRecords), 1u);
  for (const Command& command : shrunk.commands) {
    if (command.kind == CommandKind::kProduce) {
      EXPECT_EQ(command.amount, 1);
    }
  }
}

TEST(ClientCommandsShrink, ToTheSameCommandsFromTheSameSeed) {
  const CommandOptions wrong{.model_keeps_deleted_records = true};
  const Shrunk first = FindAndShrink(wrong, 7);
  const Shrunk second = FindAndShrink(wrong, 7);
  EXPECT_EQ(first.commands, second.commands);
  EXPECT_EQ(first.problem, second.problem);
}

#if defined(ODRADEK_MUTATIONS)
// RT04: the log start offset is not checkpointed, and a restart brings deleted records back.
TEST(ClientCommandsShrink, AMistakeOfTheBrokerToFewCommands) {
  const Shrunk shrunk = FindAndShrink({.mutation = base::Mutation::kRT04}, 20261121);
  EXPECT_LE(shrunk.commands.size(), 6u) << rc::toString(shrunk.commands) << "\n" << shrunk.problem;
  EXPECT_GE(CountOf(shrunk.commands, CommandKind::kDeleteRecords), 1u);
}
#endif

}  // namespace commands_test
}  // namespace odradek::commands
