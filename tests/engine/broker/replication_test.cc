// Partitions on three nodes in the simulator: they replicate, go on when a leader dies, and lose nothing that was
// acknowledged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/base/prng.h"
#include "tests/engine/broker/replicated_client.h"

namespace odradek::broker {
namespace quorum_test {

using protocol::ErrorCode;
using testing::ElementsAre;
using testing::ElementsAreArray;

std::vector<std::string> Numbers(int from, int to) {
  std::vector<std::string> values;
  for (int i = from; i < to; ++i) values.push_back(std::to_string(i));
  return values;
}

bool InSync(QuorumWorld& world, const std::string& topic, size_t count) {
  return world.RunUntil([&] { return IsrSizeOf(world, topic) == count; });
}

void StopOneWay(QuorumWorld& world, int32_t from, int32_t to) {
  world.cluster().network().Cut({world.node(from).index(), world.node(to).index()});
}

void Isolate(QuorumWorld& world, int32_t id) {
  for (int32_t other = 1; other <= kNodeCount; ++other) {
    if (other == id) continue;
    StopOneWay(world, id, other);
    StopOneWay(world, other, id);
  }
}

TEST(Replication, AcknowledgesWhatAllHaveAndShowsItEverywhere) {
  QuorumWorld world;
  ASSERT_TRUE(world.RunUntil([&] { return world.AllServe(); }));
  world.RunClient([](fiber::Fiber& self, env::Env& env) {
    ReplicatedClient client(self, env, "t");
    client.CreateTopic(3);
    fiber::SleepFor(self, Duration::Millis(500));
    for (int i = 0; i < 20; ++i) {
      const auto produced = client.Produce({std::to_string(i)});
      EXPECT_EQ(produced.error, ErrorCode::kNone);
      EXPECT_EQ(produced.base_offset, i);
    }
    // Followers hear of the high watermark with their next fetch.
    fiber::SleepFor(self, Duration::Seconds(1));
    for (int32_t id = 1; id <= kNodeCount; ++id) {
      EXPECT_THAT(client.ReadAll(id), ElementsAreArray(Numbers(0, 20))) << id;
    }
  });
  EXPECT_EQ(IsrSizeOf(world, "t"), 3u);
}

// The nodes other than this one.
std::vector<int32_t> Others(int32_t than) {
  std::vector<int32_t> others;
  for (int32_t id = 1; id <= kNodeCount; ++id) {
    if (id != than) others.push_back(id);
  }
  return others;
}

// With `values` in it, acknowledged by all three.
void Fill(QuorumWorld& world, const std::vector<std::string>& values,
          const std::vector<std::pair<std::string, std::string>>& configs = {}) {
  ASSERT_TRUE(world.RunUntil([&] { return world.AllServe(); }));
  world.RunClient([&](fiber::Fiber& self, env::Env& env) {
    ReplicatedClient client(self, env, "t");
    client.CreateTopic(3, configs);
    while (client.FindLeader() == 0) fiber::SleepFor(self, Duration::Millis(20));
    for (const std::string& value : values) ASSERT_EQ(client.Produce({value}).error, ErrorCode::kNone) << value;
  });
  ASSERT_TRUE(InSync(world, "t", 3));
}

// What everybody shows, and that their logs are the same.
void ExpectEverywhere(QuorumWorld& world, const std::vector<std::string>& values) {
  ASSERT_TRUE(world.RunUntil([&] { return world.AllServe(); }));
  ASSERT_TRUE(InSync(world, "t", 3));
  world.RunFor(Duration::Seconds(2));
  world.RunClient([&](fiber::Fiber& self, env::Env& env) {
    ReplicatedClient client(self, env, "t");
    for (int32_t id = 1; id <= kNodeCount; ++id) EXPECT_THAT(client.ReadAll(id), ElementsAreArray(values)) << id;
  });
  const storage::LogView first = ReplicaOf(world, 1, "t")->log().Inspect();
  for (int32_t id = 2; id <= kNodeCount; ++id) {
    const storage::LogView view = ReplicaOf(world, id, "t")->log().Inspect();
    EXPECT_EQ(view.log_end_offset, first.log_end_offset) << id;
    EXPECT_EQ(view.high_watermark, first.high_watermark) << id;
    EXPECT_EQ(view.producer_fingerprint, first.producer_fingerprint) << id;
  }
}

TEST(Replication, GoesOnWhenItsLeaderCrashesAndTakesItBack) {
  QuorumWorld world;
  Fill(world, Numbers(0, 10));
  const int32_t first = LeaderOf(world, "t");
  world.node(first).Crash();
  ASSERT_TRUE(world.RunUntil([&] { return LeaderOf(world, "t") != 0; }));
  const int32_t second = LeaderOf(world, "t");
  EXPECT_NE(second, first);
  world.RunClient([&](fiber::Fiber& self, env::Env& env) {
    ReplicatedClient client(self, env, "t");
    EXPECT_EQ(client.ProduceTo(second, BatchOf(Numbers(10, 15))).error, ErrorCode::kNone);
  });
  world.node(first).Boot();
  ExpectEverywhere(world, Numbers(0, 15));
}

TEST(Replication, LosesNothingByAPowerLossOfTheLeader) {
  QuorumWorld world;
  Fill(world, Numbers(0, 10));
  const int32_t first = LeaderOf(world, "t");
  // Nothing was flushed there; the others have it.
  world.node(first).PowerLoss();
  world.node(first).BootAfter(Duration::Seconds(1));
  ASSERT_TRUE(world.RunUntil([&] { return LeaderOf(world, "t") != 0 && LeaderOf(world, "t") != first; }));
  ExpectEverywhere(world, Numbers(0, 10));
}

TEST(Replication, ComesBackAfterEverybodyHasCrashed) {
  QuorumWorld world;
  Fill(world, Numbers(0, 10));
  for (int32_t id = 1; id <= kNodeCount; ++id) world.node(id).Crash();
  for (int32_t id = 1; id <= kNodeCount; ++id) world.node(id).Boot();
  ExpectEverywhere(world, Numbers(0, 10));
}

TEST(Replication, ComesBackAfterEverybodyHasLostPowerIfAllWasFlushed) {
  QuorumWorld world;
  Fill(world, Numbers(0, 10), {{"flush.messages", "1"}});
  for (int32_t id = 1; id <= kNodeCount; ++id) world.node(id).PowerLoss();
  for (int32_t id = 1; id <= kNodeCount; ++id) world.node(id).Boot();
  ExpectEverywhere(world, Numbers(0, 10));
}

TEST(Replication, AFollowerThatWasAwayCatchesUp) {
  QuorumWorld world;
  Fill(world, Numbers(0, 5));
  const int32_t away = Others(LeaderOf(world, "t"))[0];
  world.node(away).Crash();
  // Its membership ends with its session: only then all who are in sync have it.
  ASSERT_TRUE(InSync(world, "t", 2));
  world.RunClient([](fiber::Fiber& self, env::Env& env) {
    ReplicatedClient client(self, env, "t");
    for (const std::string& value : Numbers(5, 40)) ASSERT_EQ(client.Produce({value}).error, ErrorCode::kNone);
  });
  world.node(away).Boot();
  ExpectEverywhere(world, Numbers(0, 40));
}

TEST(Replication, AFollowerThatLostPowerCatchesUp) {
  QuorumWorld world;
  Fill(world, Numbers(0, 30));
  const int32_t away = Others(LeaderOf(world, "t"))[0];
  world.node(away).PowerLoss();
  world.node(away).BootAfter(Duration::Seconds(1));
  ExpectEverywhere(world, Numbers(0, 30));
}

TEST(Replication, RefusesWhatTooFewWouldHave) {
  QuorumWorld world;
  Fill(world, Numbers(0, 5), {{"min.insync.replicas", "3"}});
  const int32_t leader = LeaderOf(world, "t");
  const int32_t away = Others(leader)[0];
  world.node(away).Crash();
  world.RunClient([&](fiber::Fiber& self, env::Env& env) {
    ReplicatedClient client(self, env, "t");
    // It is in the ISR still, and has not got it.
    EXPECT_EQ(client.ProduceTo(leader, BatchOf({"5"})).error, ErrorCode::kRequestTimedOut);
    // Who asks for less is not held up.
    EXPECT_EQ(client.ProduceTo(leader, BatchOf({"6"}), 1).error, ErrorCode::kNone);
    EXPECT_THAT(client.ReadAll(leader), ElementsAreArray(Numbers(0, 5)));
  });
  ASSERT_TRUE(InSync(world, "t", 2));
  world.RunClient([&](fiber::Fiber& self, env::Env& env) {
    ReplicatedClient client(self, env, "t");
    EXPECT_EQ(client.ProduceTo(leader, BatchOf({"7"})).error, ErrorCode::kNotEnoughReplicas);
    EXPECT_EQ(client.ProduceTo(leader, BatchOf({"7"}), 1).error, ErrorCode::kNone);
    EXPECT_THAT(client.ReadAll(leader), ElementsAreArray(Numbers(0, 5)));
  });
  world.node(away).Boot();
  // What was appended is committed when there are enough again.
  ExpectEverywhere(world, Numbers(0, 8));
}

// KIP-858: a replica whose disk fails is in no directory, until the next start.
TEST(Replication, AnotherLeadsWhenTheDiskOfTheLeaderFails) {
  QuorumWorld world;
  Fill(world, Numbers(0, 10));
  const int32_t first = LeaderOf(world, "t");
  world.node(first).disk()->Inject({.kind = sim::DiskFaultKind::kWriteError, .path_part = "t-0/"});
  world.RunClient([&](fiber::Fiber& self, env::Env& env) {
    ReplicatedClient client(self, env, "t");
    EXPECT_EQ(client.Produce({"10"}).error, ErrorCode::kKafkaStorageError);
  });
  ASSERT_TRUE(world.RunUntil([&] { return LeaderOf(world, "t") != first && LeaderOf(world, "t") != 0; }));
  world.RunClient([&](fiber::Fiber& self, env::Env& env) {
    ReplicatedClient client(self, env, "t");
    EXPECT_EQ(client.Produce({"10"}).error, ErrorCode::kNone);
    EXPECT_EQ(client.FetchFrom(first, 0).error, ErrorCode::kKafkaStorageError);
  });
  EXPECT_EQ(IsrSizeOf(world, "t"), 2u);
  world.node(first).disk()->Heal();
  world.node(first).Crash();
  world.node(first).Boot();
  ExpectEverywhere(world, Numbers(0, 11));
}

TEST(Replication, TheDiskOfAFollowerFails) {
  QuorumWorld world;
  Fill(world, Numbers(0, 10));
  const int32_t away = Others(LeaderOf(world, "t"))[0];
  world.node(away).disk()->Inject({.kind = sim::DiskFaultKind::kWriteError, .path_part = "t-0/"});
  world.RunClient([&](fiber::Fiber& self, env::Env& env) {
    ReplicatedClient client(self, env, "t");
    // Nobody waits for replica.lag.time.max.ms.
    const MonoTime begun = self.Now();
    while (client.Produce({"10"}).error != ErrorCode::kNone) fiber::SleepFor(self, Duration::Millis(50));
    EXPECT_LT(self.Now() - begun, Duration::Seconds(4));
  });
  EXPECT_EQ(IsrSizeOf(world, "t"), 2u);
}

TEST(Replication, TellsWhoLeads) {
  QuorumWorld world;
  Fill(world, Numbers(0, 1));
  const int32_t leader = LeaderOf(world, "t");
  world.RunClient([&](fiber::Fiber& self, env::Env& env) {
    ReplicatedClient client(self, env, "t");
    for (const int32_t other : Others(leader)) {
      const auto produced = client.ProduceTo(other, BatchOf({"x"}));
      EXPECT_EQ(produced.error, ErrorCode::kNotLeaderOrFollower);
      EXPECT_EQ(produced.current_leader, leader);
      EXPECT_THAT(produced.endpoints, ElementsAre(leader));
      EXPECT_EQ(client.FetchLogStart(other), -1);
    }
    EXPECT_EQ(client.FetchLogStart(leader), 0);
  });
}

// What only an isolated leader had was never committed, and goes when it comes back.
TEST(Replication, AnIsolatedLeaderTruncatesWhatNobodyElseHas) {
  QuorumWorld world;
  Fill(world, Numbers(0, 5));
  const int32_t old_leader = LeaderOf(world, "t");
  Isolate(world, old_leader);
  world.RunClient([&](fiber::Fiber& self, env::Env& env) {
    ReplicatedClient client(self, env, "t");
    EXPECT_EQ(client.ProduceTo(old_leader, BatchOf({"alone"}), 1).error, ErrorCode::kNone);
    EXPECT_EQ(client.ProduceTo(old_leader, BatchOf({"waits"})).error, ErrorCode::kRequestTimedOut);
  });
  const auto leads_elsewhere = [&] {
    for (const int32_t id : Others(old_leader)) {
      const PartitionReplica* const replica = ReplicaOf(world, id, "t");
      if (replica != nullptr && replica->machine().role() == replication::Role::kLeader) return true;
    }
    return false;
  };
  ASSERT_TRUE(world.RunUntil(leads_elsewhere));
  world.RunClient([&](fiber::Fiber& self, env::Env& env) {
    ReplicatedClient client(self, env, "t");
    EXPECT_EQ(client.ProduceTo(LeaderOf(world, "t"), BatchOf(Numbers(5, 7))).error, ErrorCode::kNone);
    // It does not show what is not committed.
    EXPECT_THAT(client.ReadAll(old_leader), ElementsAreArray(Numbers(0, 5)));
  });
  world.cluster().network().Heal();
  ExpectEverywhere(world, Numbers(0, 7));
}

TEST(Replication, ALeaderThatStopsHandsOver) {
  QuorumWorld world;
  Fill(world, Numbers(0, 5));
  const int32_t first = LeaderOf(world, "t");
  const MonoTime before = world.cluster().kernel().Now();
  world.node(first).ShutDown({.patience = Duration::Seconds(30)});
  ASSERT_TRUE(world.RunUntil([&] { return LeaderOf(world, "t") != 0 && LeaderOf(world, "t") != first; }));
  // Without waiting for a session to end.
  EXPECT_LT(world.cluster().kernel().Now() - before, Duration::Seconds(3));
  ASSERT_TRUE(world.RunUntil([&] { return !world.node(first).is_up(); }));
  world.RunClient([](fiber::Fiber& self, env::Env& env) {
    ReplicatedClient client(self, env, "t");
    EXPECT_EQ(client.Produce(Numbers(5, 8)).error, ErrorCode::kNone);
  });
  world.node(first).Boot();
  ExpectEverywhere(world, Numbers(0, 8));
}

// A process that stops before it was registered has lost nothing, and must not lose the proof of that.
TEST(Replication, WhoStopsTwiceInAnOrderlyWayMayStillLead) {
  QuorumWorld world;
  Fill(world, Numbers(0, 5));
  for (int32_t id = 1; id <= kNodeCount; ++id) {
    world.node(id).ShutDown({.patience = Duration::Seconds(60)});
    ASSERT_TRUE(world.RunUntil([&] { return !world.node(id).is_up(); }));
  }
  // Alone it finds no quorum.
  world.node(kNodeCount).Boot();
  world.RunFor(Duration::Seconds(2));
  world.node(kNodeCount).ShutDown({.patience = Duration::Seconds(60)});
  ASSERT_TRUE(world.RunUntil([&] { return !world.node(kNodeCount).is_up(); }));
  for (int32_t id = 1; id <= kNodeCount; ++id) world.node(id).Boot();
  ExpectEverywhere(world, Numbers(0, 5));
}

TEST(Replication, AConsumerReadsFromAReplicaInItsRack) {
  QuorumWorld world(
      {.properties = {{"broker.rack", "r{id}"},
                      {"replica.selector.class", "org.apache.kafka.common.replica.RackAwareReplicaSelector"}}});
  Fill(world, Numbers(0, 5));
  const int32_t leader = LeaderOf(world, "t");
  const int32_t near = Others(leader)[1];
  world.RunClient([&](fiber::Fiber& self, env::Env& env) {
    ReplicatedClient client(self, env, "t");
    fiber::SleepFor(self, Duration::Seconds(1));
    const auto sent_away = client.FetchFrom(leader, 0, "r" + std::to_string(near));
    EXPECT_EQ(sent_away.error, ErrorCode::kNone);
    EXPECT_EQ(sent_away.preferred_read_replica, near);
    EXPECT_TRUE(sent_away.values.empty());
    EXPECT_THAT(client.FetchFrom(near, 0, "r" + std::to_string(near)).values, ElementsAreArray(Numbers(0, 5)));
    EXPECT_THAT(client.FetchFrom(leader, 0, "r" + std::to_string(leader)).values, ElementsAreArray(Numbers(0, 5)));
    // What a follower has not got yet is not out of range.
    EXPECT_EQ(client.FetchFrom(near, 7).error, ErrorCode::kOffsetNotAvailable);
    EXPECT_EQ(client.FetchFrom(leader, 7).error, ErrorCode::kOffsetOutOfRange);
  });
}

// KIP-207, also of searches by time: until a new leader's high watermark has reached where it began, somebody may have
// been told more by the one before.
TEST(Replication, ANewLeaderTellsNoEndBeforeItKnowsWhatIsCommitted) {
  QuorumWorld world;
  Fill(world, Numbers(0, 5), {{"min.insync.replicas", "3"}});
  const int32_t first = LeaderOf(world, "t");
  const int32_t away = Others(first)[0];
  const int32_t second = Others(first)[1];
  world.node(away).Crash();
  ASSERT_TRUE(InSync(world, "t", 2));
  world.RunClient([&](fiber::Fiber& self, env::Env& env) {
    ReplicatedClient client(self, env, "t");
    ASSERT_EQ(client.ProduceTo(first, BatchOf({"5"}), 1).error, ErrorCode::kNone);
  });
  ASSERT_TRUE(world.RunUntil([&] { return ReplicaOf(world, second, "t")->machine().log().end() == Offset(6); }));
  world.node(first).ShutDown({.patience = Duration::Seconds(30)});
  ASSERT_TRUE(world.RunUntil([&] { return LeaderOf(world, "t") == second; }));
  world.RunClient([&](fiber::Fiber& self, env::Env& env) {
    ReplicatedClient client(self, env, "t");
    constexpr Timestamp kLatest{-1};
    constexpr Timestamp kEarliest{-2};
    constexpr Timestamp kLargest{-3};
    constexpr Timestamp kFar{int64_t{1} << 60};
    for (const Timestamp wanted : {kLatest, kLargest, kFar}) {
      EXPECT_EQ(client.ListOffset(second, wanted).error, ErrorCode::kOffsetNotAvailable) << wanted.value();
    }
    EXPECT_EQ(client.ListOffset(second, kEarliest).offset, Offset(0));
  });
  for (const int32_t id : {first, away}) {
    ASSERT_TRUE(world.RunUntil([&] { return !world.node(id).is_up(); }));
    world.node(id).Boot();
  }
  ExpectEverywhere(world, Numbers(0, 6));
  world.RunClient([&](fiber::Fiber& self, env::Env& env) {
    ReplicatedClient client(self, env, "t");
    EXPECT_EQ(client.ListOffset(LeaderOf(world, "t"), Timestamp(-1)).offset, Offset(6));
  });
}

TEST(Replication, DeleteRecordsWaitsForAllLiveReplicas) {
  QuorumWorld world;
  Fill(world, Numbers(0, 10));
  const int32_t leader = LeaderOf(world, "t");
  world.RunClient([&](fiber::Fiber& self, env::Env& env) {
    ReplicatedClient client(self, env, "t");
    protocol::DeleteRecordsRequest request;
    request.timeout_ms = 3000;
    auto& topic = request.topics.emplace_back();
    topic.name = "t";
    topic.partitions.push_back({0, 6});
    const auto answer =
        client.To(leader)->Call<protocol::DeleteRecordsRequest, protocol::DeleteRecordsResponse>(self, request);
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(answer.response.topics[0].partitions[0].error_code, 0);
    EXPECT_EQ(answer.response.topics[0].partitions[0].low_watermark, 6);
    for (int32_t id = 1; id <= kNodeCount; ++id) {
      EXPECT_EQ(ReplicaOf(world, id, "t")->log().log_start_offset(), Offset(6)) << id;
    }
    const auto elsewhere = client.To(Others(leader)[0])
                               ->Call<protocol::DeleteRecordsRequest, protocol::DeleteRecordsResponse>(self, request);
    EXPECT_EQ(elsewhere.response.topics[0].partitions[0].error_code, protocol::ToWire(ErrorCode::kNotLeaderOrFollower));
  });
  // One that was away deletes when it comes back.
  const int32_t away = Others(leader)[0];
  world.node(away).Crash();
  world.node(away).Boot();
  ASSERT_TRUE(world.RunUntil([&] { return world.AllServe(); }));
  ASSERT_TRUE(InSync(world, "t", 3));
  EXPECT_EQ(ReplicaOf(world, away, "t")->log().log_start_offset(), Offset(6));
}

TEST(Replication, ATopicThatIsDeletedWhileFollowersFetchMayBeMadeAnew) {
  QuorumWorld world;
  Fill(world, Numbers(0, 10));
  for (int round = 0; round < 3; ++round) {
    world.RunClient([](fiber::Fiber& self, env::Env& env) {
      ReplicatedClient client(self, env, "t");
      client.DeleteTopic();
      client.CreateTopic(3);
      while (client.FindLeader() == 0) fiber::SleepFor(self, Duration::Millis(20));
      for (int attempt = 0; attempt < 50; ++attempt) {
        if (client.Produce({"0"}).error == ErrorCode::kNone) return;
        fiber::SleepFor(self, Duration::Millis(20));
      }
      FAIL() << "nobody takes it";
    });
    ExpectEverywhere(world, Numbers(0, 1));
  }
}

}  // namespace quorum_test
}  // namespace odradek::broker
