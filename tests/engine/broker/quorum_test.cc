// Nodes that form a quorum in the simulator: they elect, replicate the metadata log, register as brokers, and go on
// when some of them die or are cut off. The settings are not offered to users before partitions are replicated.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/base/prng.h"
#include "tests/engine/broker/broker_world.h"

namespace odradek::broker {
namespace quorum_test {

using testing::ElementsAre;

constexpr int32_t kNodeCount = 3;
constexpr int32_t kClientPort = 9092;
constexpr int32_t kControllerPort = 9093;

std::string NameOf(int32_t id) {
  return "n" + std::to_string(id);
}

NodeOptions OptionsOf(int32_t id) {
  config::StaticConfig properties;
  const auto set = [&](std::string_view key, const std::string& value) {
    const absl::Status status = config::AddStaticProperty("test", key, value, properties);
    EXPECT_TRUE(status.ok()) << status;
  };
  const std::string host = NameOf(id);
  set("node.id", std::to_string(id));
  set("listeners", "PLAINTEXT://" + host + ":9092,CONTROLLER://" + host + ":9093");
  set("controller.listener.names", "CONTROLLER");
  set("log.dirs", "d0");
  NodeOptions out;
  out.static_properties = properties.properties;
  absl::StatusOr<config::BrokerConfig> resolved =
      config::ResolveBrokerConfig({.static_broker = &out.static_properties});
  EXPECT_TRUE(resolved.ok()) << resolved.status();
  out.config = std::move(*resolved);
  for (int32_t voter = 1; voter <= kNodeCount; ++voter) {
    out.config.quorum.voters.push_back({NodeId(voter), {NameOf(voter), kControllerPort}});
  }
  // Smaller than a user may set them: segments end, snapshots are taken, and the log before them goes.
  out.config.metadata_segment_bytes = 16384;
  out.config.snapshot_after_bytes = 3000;
  out.config.metadata_retention_bytes = 8000;
  out.log_directories = out.config.log_dirs;
  out.cluster_id = "AAAAAAAAAAAAAAAAAAAAAQ";
  return out;
}

class QuorumWorld {
 public:
  explicit QuorumWorld(uint64_t seed = 1)
      : cluster_({.kernel = {.seed = seed}, .context = {.buggify = {.armed_sites_ppm = 0}}}) {
    for (int32_t id = 1; id <= kNodeCount; ++id) {
      sim::NodeOptions node;
      node.name = NameOf(id);
      node.restart_after_fatal = Duration::Seconds(1);
      node.disk = [](sim::Kernel& kernel, sim::NodeIndex index) {
        return std::make_unique<sim::SimNodeDisk>(kernel, index, sim::DiskOptions{});
      };
      cluster_.AddNode(std::move(node), [id](std::span<env::Env* const> shards) {
        return std::make_unique<BrokerProgram>(shards, OptionsOf(id));
      });
    }
    cluster_.AddNode({.name = "c1", .role = "client"}, [this](std::span<env::Env* const> shards) {
      return std::make_unique<ClientProgram>(shards, body_);
    });
    for (int32_t id = 1; id <= kNodeCount; ++id) node(id).Boot();
  }

  sim::Cluster& cluster() { return cluster_; }
  sim::Node& node(int32_t id) { return *cluster_.FindNode(NameOf(id)); }
  // nullptr: it is off, or its quorum does not run yet.
  Controller* ControllerOf(int32_t id) {
    if (!node(id).is_up()) return nullptr;
    Node& broker = static_cast<BrokerProgram*>(node(id).instance())->node();
    return broker.has_quorum() ? &broker.controller() : nullptr;
  }
  bool IsServing(int32_t id) {
    return node(id).is_up() && static_cast<BrokerProgram*>(node(id).instance())->node().is_serving();
  }
  // 0: nobody leads.
  int32_t LeaderId() {
    for (int32_t id = 1; id <= kNodeCount; ++id) {
      Controller* const controller = ControllerOf(id);
      if (controller != nullptr && controller->quorum().leadership().epoch_start) return id;
    }
    return 0;
  }
  void RunFor(Duration duration) {
    const MonoTime until = cluster_.kernel().Now() + duration;
    while (cluster_.kernel().Now() < until) {
      cluster_.RunFor(Duration::Millis(10));
      CheckLeaders();
    }
  }
  template <typename Condition>
  bool RunUntil(Condition condition, Duration patience = Duration::Seconds(60)) {
    const MonoTime until = cluster_.kernel().Now() + patience;
    while (!condition() && cluster_.kernel().Now() < until) RunFor(Duration::Millis(10));
    return condition();
  }
  bool AllServe() {
    for (int32_t id = 1; id <= kNodeCount; ++id) {
      if (!IsServing(id)) return false;
    }
    return true;
  }
  // Begins the body on the client.
  void StartClient(ClientProgram::Body body) {
    client_done_ = false;
    body_ = [this, body = std::move(body)](fiber::Fiber& self, env::Env& env) {
      body(self, env);
      client_done_ = true;
    };
    sim::Node& client = *cluster_.FindNode("c1");
    if (client.is_up()) client.Crash();
    client.Boot();
  }
  void RunClient(ClientProgram::Body body) {
    StartClient(std::move(body));
    EXPECT_TRUE(RunUntil([this] { return client_done_; })) << "the client did not finish";
  }
  bool client_done() const { return client_done_; }

 private:
  // PROPERTIES K1: at most one leader in an epoch, whoever asks and whenever.
  void CheckLeaders() {
    for (int32_t id = 1; id <= kNodeCount; ++id) {
      Controller* const controller = ControllerOf(id);
      if (controller == nullptr) continue;
      const Quorum::Leadership& leadership = controller->quorum().leadership();
      if (!leadership.epoch_start) continue;
      const auto [at, is_new] = leaders_.emplace(leadership.epoch, id);
      EXPECT_EQ(at->second, id) << "epoch " << leadership.epoch.value();
    }
  }

  sim::Cluster cluster_;
  ClientProgram::Body body_;
  bool client_done_ = true;
  std::map<LeaderEpoch, int32_t> leaders_;
};

std::shared_ptr<net::ClientConnection> Connect(fiber::Fiber& self, env::Env& env, int32_t id) {
  return net::ClientConnection::Open(
             self, env, {NameOf(id), kClientPort},
             {.client_id = "test", .setup_timeout = Duration::Seconds(1), .request_timeout = Duration::Seconds(4)})
      .connection;
}

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
