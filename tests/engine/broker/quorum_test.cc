// Nodes that form a quorum in the simulator: they elect, replicate the metadata log, register as brokers, and go on
// when some of them die or are cut off.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "engine/base/prng.h"
#include "tests/engine/broker/quorum_world.h"

namespace odradek::broker {
namespace quorum_test {

using testing::ElementsAre;

// True: it is there now, for certain.
bool CreateTopic(fiber::Fiber& self, net::ClientConnection& connection, const std::string& name) {
  protocol::CreateTopicsRequest request;
  request.timeout_ms = 3000;
  auto& topic = request.topics.emplace_back();
  topic.name = name;
  topic.num_partitions = 3;
  topic.replication_factor = 1;
  const auto answer = connection.Call<protocol::CreateTopicsRequest, protocol::CreateTopicsResponse>(self, request);
  return answer.ok() && answer.response.topics.size() == 1 && answer.response.topics[0].error_code == 0;
}

TEST(QuorumOfThree, ElectsRegistersAndServes) {
  QuorumWorld world;
  ASSERT_TRUE(world.RunUntil([&] { return world.AllServe(); }));
  world.RunClient([](fiber::Fiber& self, env::Env& env) {
    for (int32_t id = 1; id <= kNodeCount; ++id) {
      const auto connection = Connect(self, env, id);
      ASSERT_NE(connection, nullptr);
      // Whoever is asked carries it to the active controller.
      EXPECT_TRUE(CreateTopic(self, *connection, "t" + std::to_string(id))) << id;
      connection->Close();
    }
  });
  world.RunFor(Duration::Seconds(1));
  for (int32_t id = 1; id <= kNodeCount; ++id) {
    const metadata::Image& image = world.ControllerOf(id)->image();
    EXPECT_EQ(image.topics().size(), 3u) << id;
    EXPECT_EQ(image.brokers().size(), 3u) << id;
    for (const auto& [node, broker] : image.brokers()) {
      EXPECT_FALSE(broker.fenced) << id;
      EXPECT_EQ(broker.rack, std::nullopt) << id;
    }
    std::set<NodeId> leaders;
    for (const auto& [name, topic] : image.topics()) {
      for (const auto& [index, partition] : topic->partitions) leaders.insert(partition.leader);
    }
    EXPECT_THAT(leaders, ElementsAre(NodeId(1), NodeId(2), NodeId(3)));
    EXPECT_EQ(metadata::Fingerprint(image), metadata::Fingerprint(world.ControllerOf(1)->image())) << id;
  }
}

TEST(QuorumOfThree, IsDescribedByEveryBroker) {
  QuorumWorld world;
  ASSERT_TRUE(world.RunUntil([&] { return world.AllServe() && world.LeaderId() != 0; }));
  world.RunClient([&](fiber::Fiber& self, env::Env& env) {
    protocol::DescribeQuorumRequest request;
    auto& topic = request.topics.emplace_back();
    topic.topic_name = "__cluster_metadata";
    topic.partitions.emplace_back();
    for (int32_t id = 1; id <= kNodeCount; ++id) {
      const auto connection = Connect(self, env, id);
      ASSERT_NE(connection, nullptr);
      const auto answer =
          connection->Call<protocol::DescribeQuorumRequest, protocol::DescribeQuorumResponse>(self, request);
      ASSERT_TRUE(answer.ok()) << answer.what;
      EXPECT_EQ(answer.response.error_code, 0) << id;
      const auto& partition = answer.response.topics.at(0).partitions.at(0);
      EXPECT_EQ(partition.error_code, 0) << id;
      EXPECT_EQ(partition.leader_id, world.LeaderId()) << id;
      EXPECT_EQ(partition.current_voters.size(), 3u) << id;
      connection->Close();
    }
  });
}

TEST(QuorumOfThree, GoesOnWithoutItsLeaderAndTakesItBack) {
  QuorumWorld world;
  ASSERT_TRUE(world.RunUntil([&] { return world.AllServe(); }));
  const int32_t first = world.LeaderId();
  ASSERT_NE(first, 0);
  const LeaderEpoch first_epoch = world.ControllerOf(first)->quorum().leadership().epoch;
  world.node(first).Crash();
  ASSERT_TRUE(world.RunUntil([&] { return world.LeaderId() != 0; }, Duration::Seconds(10)));
  const int32_t second = world.LeaderId();
  EXPECT_GT(world.ControllerOf(second)->quorum().leadership().epoch, first_epoch);
  world.RunClient([&](fiber::Fiber& self, env::Env& env) {
    const auto connection = Connect(self, env, second);
    ASSERT_NE(connection, nullptr);
    // Until what it was elected with is committed, it is not the active one.
    bool created = false;
    for (int i = 0; i < 100 && !created; ++i) {
      created = CreateTopic(self, *connection, "without-the-first");
      if (!created) fiber::SleepFor(self, Duration::Millis(50));
    }
    EXPECT_TRUE(created);
    connection->Close();
  });
  // Its session is over by then.
  ASSERT_TRUE(world.RunUntil([&] { return world.ControllerOf(second)->image().FindBroker(NodeId(first))->fenced; }))
      << first;
  world.node(first).Boot();
  ASSERT_TRUE(world.RunUntil([&] { return world.AllServe(); }));
  EXPECT_NE(world.ControllerOf(first)->image().FindTopic("without-the-first"), nullptr);
}

// A leader that hears from nobody must not decide anything, and whoever it told so was told the truth.
TEST(QuorumOfThree, ALeaderThatIsCutOffDecidesNothing) {
  QuorumWorld world;
  ASSERT_TRUE(world.RunUntil([&] { return world.AllServe(); }));
  const int32_t old_leader = world.LeaderId();
  for (int32_t id = 1; id <= kNodeCount; ++id) {
    if (id == old_leader) continue;
    world.cluster().network().Cut({world.node(old_leader).index(), world.node(id).index()});
    world.cluster().network().Cut({world.node(id).index(), world.node(old_leader).index()});
  }
  bool created = true;
  world.RunClient([&](fiber::Fiber& self, env::Env& env) {
    const auto connection = Connect(self, env, old_leader);
    ASSERT_NE(connection, nullptr);
    created = CreateTopic(self, *connection, "nobody-heard");
    connection->Close();
  });
  EXPECT_FALSE(created);
  world.cluster().network().Heal();
  ASSERT_TRUE(world.RunUntil([&] { return world.LeaderId() != 0 && world.AllServe(); }));
  world.RunFor(Duration::Seconds(5));
  for (int32_t id = 1; id <= kNodeCount; ++id) {
    EXPECT_EQ(world.ControllerOf(id)->image().FindTopic("nobody-heard"), nullptr) << id;
  }
}

class QuorumChaos : public testing::TestWithParam<uint64_t> {};

// What was answered with success is there in the end, on every node, and nodes agree.
TEST_P(QuorumChaos, KeepsWhatItSaidAndAgrees) {
  QuorumWorld world(GetParam());
  base::Prng draws(GetParam());
  std::set<std::string> acknowledged;
  bool faults_are_over = false;
  world.StartClient([&](fiber::Fiber& self, env::Env& env) {
    int32_t attempt = 0;
    while (!faults_are_over) {
      const auto connection = Connect(self, env, 1 + attempt % kNodeCount);
      const std::string name = "t" + std::to_string(attempt++);
      if (connection != nullptr && CreateTopic(self, *connection, name)) acknowledged.insert(name);
      if (connection != nullptr) connection->Close();
      fiber::SleepFor(self, Duration::Millis(200));
    }
  });
  for (int round = 0; round < 12; ++round) {
    const auto id = static_cast<int32_t>(1 + draws.Below(kNodeCount));
    const auto other = static_cast<int32_t>(1 + (id + draws.Below(kNodeCount - 1)) % kNodeCount);
    sim::Node& node = world.node(id);
    switch (draws.Below(4)) {
      case 0:
        if (node.is_up()) node.Crash();
        node.BootAfter(Duration::Millis(static_cast<int64_t>(draws.Below(3000))));
        break;
      case 1:
        node.PowerLoss();
        node.BootAfter(Duration::Millis(static_cast<int64_t>(draws.Below(3000))));
        break;
      case 2:
        world.cluster().network().Cut({node.index(), world.node(other).index()});
        break;
      default:
        world.cluster().network().Heal();
        break;
    }
    world.RunFor(Duration::Millis(static_cast<int64_t>(draws.Below(4000))));
  }
  world.cluster().network().Heal();
  for (int32_t id = 1; id <= kNodeCount; ++id) {
    if (!world.node(id).is_up()) world.node(id).Boot();
  }
  faults_are_over = true;
  ASSERT_TRUE(world.RunUntil([&] { return world.client_done() && world.AllServe() && world.LeaderId() != 0; }));
  world.RunFor(Duration::Seconds(15));
  const metadata::Image& image = world.ControllerOf(1)->image();
  for (const std::string& name : acknowledged) EXPECT_NE(image.FindTopic(name), nullptr) << name;
  EXPECT_GT(acknowledged.size(), 0u);
  for (int32_t id = 2; id <= kNodeCount; ++id) {
    EXPECT_EQ(metadata::Fingerprint(world.ControllerOf(id)->image()), metadata::Fingerprint(image)) << id;
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, QuorumChaos, testing::Range<uint64_t>(1, 41));

}  // namespace quorum_test
}  // namespace odradek::broker
