#include "sim/workload/node_recorder.h"

#include <gtest/gtest.h>

#include "tests/sim/cluster/programs.h"

namespace odradek::workload {
namespace {

constexpr env::PartitionName kPartition{"orders", PartitionIndex(0)};

env::LogRecovered Recovered(int64_t end, env::ShutdownKind kind = env::ShutdownKind::kUnclean) {
  return {.partition = kPartition, .log_end_offset = Offset(end), .previous_shutdown = kind};
}

// A broker that observes what it is told to at each of its boots.
struct World {
  World() : recorder(cluster, history) {
    cluster.SetObserver(&recorder);
    node = &cluster.AddNode({.name = "b1"}, [this](std::span<env::Env* const> shards) {
      for (const env::Observation& observation : at_boot) shards[0]->observer.On(observation);
      at_boot.clear();
      return std::make_unique<sim::ProgramInstance>();
    });
  }
  sim::Cluster cluster{sim::ClusterOptions{}};
  history::History history;
  NodeRecorder recorder;
  std::vector<env::Observation> at_boot;
  sim::Node* node = nullptr;
};

TEST(NodeRecorder, APowerLossThatTookRecordsIsInTheLedger) {
  World world;
  world.at_boot = {Recovered(0), env::LogAppended{.partition = kPartition, .next_offset = Offset(10)},
                   env::LogFlushed{kPartition, Offset(6)}};
  world.node->Boot();
  world.node->PowerLoss();
  world.at_boot = {Recovered(8)};
  world.node->Boot();
  ASSERT_EQ(world.history.losses.size(), 1u);
  EXPECT_EQ(world.history.losses[0].end_before, Offset(10));
  EXPECT_EQ(world.history.losses[0].durable_end, Offset(6));
  EXPECT_EQ(world.history.losses[0].recovered_end, Offset(8));
  EXPECT_EQ(world.recorder.counts().lost_record_count, 2u);
}

TEST(NodeRecorder, ACrashMayTakeNothing) {
  World world;
  world.at_boot = {Recovered(0), env::LogAppended{.partition = kPartition, .next_offset = Offset(10)}};
  world.node->Boot();
  world.node->Crash();
  world.at_boot = {Recovered(8)};
  world.node->Boot();
  ASSERT_EQ(world.history.losses.size(), 1u);
  EXPECT_EQ(world.history.losses[0].durable_end, Offset(10));
}

TEST(NodeRecorder, PowerMayBeLostAfterTheProcessDied) {
  World world;
  world.at_boot = {Recovered(0), env::LogAppended{.partition = kPartition, .next_offset = Offset(10)},
                   env::LogFlushed{kPartition, Offset(6)}};
  world.node->Boot();
  world.node->Crash();
  world.node->PowerLoss();
  world.at_boot = {Recovered(7)};
  world.node->Boot();
  ASSERT_EQ(world.history.losses.size(), 1u);
  EXPECT_EQ(world.history.losses[0].durable_end, Offset(6));
}

TEST(NodeRecorder, DamageTakesWhatFollowsItAndNothingBefore) {
  World world;
  const TopicPartition partition{"orders", PartitionIndex(0)};
  world.at_boot = {Recovered(0), env::LogAppended{.partition = kPartition, .next_offset = Offset(10)},
                   env::LogFlushed{kPartition, Offset(10)}};
  world.node->Boot();
  world.recorder.NoteDamage(world.node->index(), partition, Offset(7));
  world.recorder.NoteDamage(world.node->index(), partition, Offset(8));
  world.node->Crash();
  env::LogRecovered shorter = Recovered(7);
  shorter.bytes_truncated = 100;
  world.at_boot = {shorter, env::LogAppended{.partition = kPartition, .next_offset = Offset(9)}};
  world.node->Boot();
  ASSERT_EQ(world.history.losses.size(), 1u);
  EXPECT_EQ(world.history.losses[0].cause, history::LossCause::kDamage);
  EXPECT_EQ(world.history.losses[0].durable_end, Offset(7));
  EXPECT_TRUE(world.history.losses[0].was_reported);
  // What was repaired is no excuse any more.
  world.recorder.NoteRepair(world.node->index());
  world.node->Crash();
  world.at_boot = {Recovered(7)};
  world.node->Boot();
  ASSERT_EQ(world.history.losses.size(), 2u);
  EXPECT_EQ(world.history.losses[1].cause, history::LossCause::kDeath);
  EXPECT_EQ(world.history.losses[1].durable_end, Offset(9));
}

// The start that cut the damage off died before its end; the next one finds a log that is whole.
TEST(NodeRecorder, DamageThatWasToldByAStartThatDiedWasTold) {
  for (const bool is_told : {true, false}) {
    World world;
    world.at_boot = {Recovered(0), env::LogAppended{.partition = kPartition, .next_offset = Offset(10)},
                     env::LogFlushed{kPartition, Offset(10)}};
    world.node->Boot();
    world.recorder.NoteDamage(world.node->index(), {"orders", PartitionIndex(0)}, Offset(7));
    world.node->Crash();
    world.at_boot.clear();
    if (is_told) world.at_boot = {env::LogCutOff{.partition = kPartition, .from = Offset(7)}};
    world.node->Boot();
    world.node->Crash();
    // A copy brings back what was damaged, and not what was cut off. Without a word of a cut nothing may be missing.
    world.recorder.NoteRepair(world.node->index());
    world.at_boot = {Recovered(7)};
    world.node->Boot();
    ASSERT_EQ(world.history.losses.size(), 1u);
    EXPECT_EQ(world.history.losses[0].cause, is_told ? history::LossCause::kDamage : history::LossCause::kDeath);
    EXPECT_EQ(world.history.losses[0].durable_end, Offset(is_told ? 7 : 10));
    EXPECT_EQ(world.history.losses[0].was_reported, is_told);
    // It is no word about a later loss.
    world.node->Crash();
    world.at_boot = {Recovered(5)};
    world.node->Boot();
    ASSERT_EQ(world.history.losses.size(), 2u);
    EXPECT_FALSE(world.history.losses[1].was_reported);
  }
}

// Its leader said what to cut off, and the node died over it.
TEST(NodeRecorder, ATruncationThatADeathCutShortMayHaveHappenedOrNot) {
  for (const int64_t left : {4, 7, 10}) {
    World world;
    world.at_boot = {Recovered(0), env::LogAppended{.partition = kPartition, .next_offset = Offset(10)},
                     env::LogFlushed{kPartition, Offset(10)}, env::LogTruncating{kPartition, Offset(4)}};
    world.node->Boot();
    world.node->Crash();
    world.at_boot = {Recovered(left)};
    world.node->Boot();
    EXPECT_TRUE(world.history.losses.empty()) << left;
    // It says nothing about a later death.
    world.node->Crash();
    world.at_boot = {Recovered(left - 1)};
    world.node->Boot();
    ASSERT_EQ(world.history.losses.size(), 1u) << left;
    EXPECT_EQ(world.history.losses[0].durable_end, Offset(left));
  }
}

TEST(NodeRecorder, ATruncationThatADeathCutShortTakesNothingBeforeIt) {
  World world;
  world.at_boot = {Recovered(0), env::LogAppended{.partition = kPartition, .next_offset = Offset(10)},
                   env::LogFlushed{kPartition, Offset(10)}, env::LogTruncating{kPartition, Offset(4)}};
  world.node->Boot();
  world.node->Crash();
  world.at_boot = {Recovered(3)};
  world.node->Boot();
  ASSERT_EQ(world.history.losses.size(), 1u);
  EXPECT_EQ(world.history.losses[0].durable_end, Offset(4));
}

TEST(NodeRecorder, ADeletedTopicLosesEverythingWhenItsSuccessorBegins) {
  World world;
  world.at_boot = {Recovered(0), env::LogAppended{.partition = kPartition, .next_offset = Offset(10)},
                   env::TopicDeleted{"orders", {}}, Recovered(0)};
  world.node->Boot();
  ASSERT_EQ(world.history.losses.size(), 1u);
  EXPECT_EQ(world.history.losses[0].cause, history::LossCause::kDeletion);
  EXPECT_EQ(world.history.losses[0].recovered_end, Offset(0));
  EXPECT_EQ(world.history.losses[0].end_before, Offset(10));
}

// The node dies between the deletion and the removal of the folder.
TEST(NodeRecorder, ADeletedTopicMayBeFoundOnceMoreByAStart) {
  World world;
  world.at_boot = {Recovered(0), env::LogAppended{.partition = kPartition, .next_offset = Offset(10)},
                   env::LogFlushed{.partition = kPartition, .durable_end = Offset(10)},
                   env::TopicDeleted{"orders", {}}};
  world.node->Boot();
  world.node->PowerLoss();
  world.at_boot = {Recovered(10), Recovered(0)};
  world.node->Boot();
  ASSERT_EQ(world.history.losses.size(), 1u);
  EXPECT_EQ(world.history.losses[0].cause, history::LossCause::kDeletion);
  EXPECT_EQ(world.history.losses[0].durable_end, Offset(0));
}

TEST(NodeRecorder, ALogThatComesBackWholeIsNoLoss) {
  World world;
  world.at_boot = {Recovered(0), env::LogAppended{.partition = kPartition, .next_offset = Offset(10)}};
  world.node->Boot();
  world.node->PowerLoss();
  world.at_boot = {Recovered(10)};
  world.node->Boot();
  EXPECT_TRUE(world.history.losses.empty());
}

TEST(NodeRecorder, TheOfflineLogOfADeletedTopicIsNobodysConcern) {
  World world;
  world.at_boot = {Recovered(0), env::LogOffline{.partition = kPartition}};
  world.node->Boot();
  EXPECT_TRUE(world.recorder.HasOfflineLog(world.node->index()));
  world.node->Crash();
  // Its deletion ends with an error of the disk.
  world.at_boot = {env::TopicDeleted{.topic = kPartition.topic}, env::LogOffline{.partition = kPartition}};
  world.node->Boot();
  EXPECT_FALSE(world.recorder.HasOfflineLog(world.node->index()));
}

TEST(NodeRecorder, StartsOfLogsAndLivesOfNodesAreWrittenDown) {
  World world;
  world.at_boot = {env::LogStartMoved{kPartition, Offset(3), env::LogStartReason::kRetention}};
  world.node->Boot();
  world.node->Crash();
  ASSERT_EQ(world.history.log_starts.size(), 1u);
  EXPECT_EQ(world.history.log_starts[0].log_start_offset, Offset(3));
  ASSERT_EQ(world.history.node_events.size(), 2u);
  EXPECT_EQ(world.history.node_events[0].kind, history::NodeEventKind::kBoot);
  EXPECT_EQ(world.history.node_events[1].kind, history::NodeEventKind::kCrash);
}

}  // namespace
}  // namespace odradek::workload
