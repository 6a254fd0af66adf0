// Nodes that form a quorum in the simulator, each broker and controller, and a client beside them.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/engine/broker/broker_world.h"

namespace odradek::broker {
namespace quorum_test {

inline constexpr int32_t kNodeCount = 3;
inline constexpr int32_t kClientPort = 9092;
inline constexpr int32_t kControllerPort = 9093;

inline std::string NameOf(int32_t id) {
  return "n" + std::to_string(id);
}

// A value may end with {id}.
inline NodeOptions OptionsOf(int32_t id, const config::PropertyMap& more = {}) {
  config::StaticConfig properties;
  const auto set = [&](std::string_view key, const std::string& value) { SetProperty(properties, key, value); };
  const std::string host = NameOf(id);
  set("node.id", std::to_string(id));
  set("listeners", "PLAINTEXT://" + host + ":9092,CONTROLLER://" + host + ":9093");
  set("controller.listener.names", "CONTROLLER");
  std::string voters;
  for (int32_t voter = 1; voter <= kNodeCount; ++voter) {
    voters += (voter == 1 ? "" : ",") + std::to_string(voter) + "@" + NameOf(voter) + ":9093";
  }
  set("controller.quorum.voters", voters);
  if (!more.contains("log.dirs")) set("log.dirs", "d0");
  for (const auto& [key, value] : more) {
    const size_t at = value.find("{id}");
    set(key, at == std::string::npos ? value : value.substr(0, at) + std::to_string(id));
  }
  NodeOptions out = NodeOptionsFrom(properties);
  // Smaller than a user may set them: segments end, snapshots are taken, and the log before them goes.
  out.config.metadata_segment_bytes = 16384;
  out.config.snapshot_after_bytes = 3000;
  out.config.metadata_retention_bytes = 8000;
  out.cluster_id = "AAAAAAAAAAAAAAAAAAAAAQ";
  return out;
}

class QuorumWorld {
 public:
  struct Options {
    uint64_t seed = 1;
    config::PropertyMap properties = {};
    int32_t shard_count = 1;  // with as many log.dirs
    uint32_t armed_sites_ppm = 0;
  };
  explicit QuorumWorld(uint64_t seed = 1) : QuorumWorld(Options{.seed = seed}) {}
  explicit QuorumWorld(const Options& options)
      : cluster_(
            {.kernel = {.seed = options.seed}, .context = {.buggify = {.armed_sites_ppm = options.armed_sites_ppm}}}) {
    for (int32_t id = 1; id <= kNodeCount; ++id) {
      sim::NodeOptions node;
      node.name = NameOf(id);
      node.shard_count = options.shard_count;
      node.restart_after_fatal = Duration::Seconds(1);
      node.disk = [](sim::Kernel& kernel, sim::NodeIndex index) {
        return std::make_unique<sim::SimNodeDisk>(kernel, index, sim::DiskOptions{});
      };
      cluster_.AddNode(std::move(node), [id, properties = options.properties](std::span<env::Env* const> shards) {
        return std::make_unique<BrokerProgram>(shards, OptionsOf(id, properties));
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
  // nullptr: it is off.
  Node* BrokerOf(int32_t id) {
    return node(id).is_up() ? &static_cast<BrokerProgram*>(node(id).instance())->node() : nullptr;
  }
  bool IsServing(int32_t id) { return node(id).is_up() && BrokerOf(id)->is_serving(); }
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
      if (check_ != nullptr) check_();
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
  // What must be true every ten milliseconds.
  void CheckAlways(std::function<void()> check) { check_ = std::move(check); }
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
  std::function<void()> check_;
};

inline std::shared_ptr<net::ClientConnection> Connect(fiber::Fiber& self, env::Env& env, int32_t id) {
  return net::ClientConnection::Open(
             self, env, {NameOf(id), kClientPort},
             {.client_id = "test", .setup_timeout = Duration::Seconds(1), .request_timeout = Duration::Seconds(4)})
      .connection;
}

}  // namespace quorum_test
}  // namespace odradek::broker
