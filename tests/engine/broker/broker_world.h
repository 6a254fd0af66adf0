// A broker in the simulator and a fiber of a client beside it. Faults are off: what is tested is how the broker
// answers.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/broker/handlers/handlers.h"
#include "engine/broker/node.h"
#include "engine/config/broker_config.h"
#include "engine/config/properties.h"
#include "engine/net/client_connection.h"
#include "engine/protocol/errors.h"
#include "engine/record/builder.h"
#include "sim/cluster/cluster.h"
#include "sim/disk/sim_node_disk.h"

namespace odradek::broker {

// From properties as a user writes them.
inline void SetProperty(config::StaticConfig& into, std::string_view key, std::string_view value) {
  const absl::Status status = config::AddStaticProperty("test", key, value, into);
  EXPECT_TRUE(status.ok()) << status;
}
inline NodeOptions NodeOptionsFrom(const config::StaticConfig& properties) {
  NodeOptions out;
  out.static_properties = properties.properties;
  absl::StatusOr<config::BrokerConfig> resolved =
      config::ResolveBrokerConfig({.static_broker = &out.static_properties});
  EXPECT_TRUE(resolved.ok()) << resolved.status();
  out.config = std::move(*resolved);
  out.log_directories = out.config.log_dirs;
  return out;
}

class BrokerProgram final : public sim::ProgramInstance {
 public:
  BrokerProgram(std::span<env::Env* const> shards, NodeOptions options)
      : node_(ShardEnvs(shards.begin(), shards.end()), std::move(options)) {
    shards[0]->scheduler.Spawn("node", [this](fiber::Fiber& self) { status_ = node_.Run(self); });
  }
  void RequestShutdown() override { node_.RequestStop(); }
  Node& node() { return node_; }
  const absl::Status& status() const { return status_; }

 private:
  Node node_;
  absl::Status status_;
};

// Runs one function on a client's fiber.
class ClientProgram final : public sim::ProgramInstance {
 public:
  using Body = std::function<void(fiber::Fiber&, env::Env&)>;
  ClientProgram(std::span<env::Env* const> shards, Body body) {
    env::Env& env = *shards[0];
    env.scheduler.Spawn("client", [&env, body = std::move(body)](fiber::Fiber& self) { body(self, env); });
  }
};

class BrokerWorld {
 public:
  struct Options {
    config::PropertyMap properties;
    int32_t shard_count = 1;
    uint64_t seed = 1;
    std::optional<base::Mutation> mutation = std::nullopt;
  };

  BrokerWorld() : BrokerWorld(Options{}) {}
  explicit BrokerWorld(Options options)
      : options_(std::move(options)),
        cluster_({.kernel = {.seed = options_.seed},
                  .context = {.buggify = {.armed_sites_ppm = 0}, .mutation = options_.mutation}}) {
    sim::NodeOptions broker;
    broker.name = "n1";
    broker.shard_count = options_.shard_count;
    broker.disk = [](sim::Kernel& kernel, sim::NodeIndex node) {
      return std::make_unique<sim::SimNodeDisk>(kernel, node, sim::DiskOptions{});
    };
    cluster_.AddNode(std::move(broker), [this](std::span<env::Env* const> shards) {
      return std::make_unique<BrokerProgram>(shards, MakeOptions());
    });
    cluster_.AddNode({.name = "c1", .role = "client"}, [this](std::span<env::Env* const> shards) {
      return std::make_unique<ClientProgram>(shards, body_);
    });
    broker_node().Boot();
  }

  // Runs the body on the client, to its end.
  void Run(ClientProgram::Body body) {
    bool done = false;
    body_ = [&done, body = std::move(body)](fiber::Fiber& self, env::Env& env) {
      body(self, env);
      done = true;
    };
    sim::Node& client = *cluster_.FindNode("c1");
    client.Boot();
    cluster_.RunFor(Duration::Seconds(60));
    EXPECT_TRUE(done) << "the client did not finish";
    if (client.is_up()) client.Crash();
  }

  sim::Cluster& cluster() { return cluster_; }
  sim::Node& broker_node() { return *cluster_.FindNode("n1"); }
  Node& broker() { return static_cast<BrokerProgram&>(*broker_node().instance()).node(); }

 private:
  NodeOptions MakeOptions() const {
    config::StaticConfig properties;
    std::string dirs = "d0";
    for (int32_t i = 1; i < options_.shard_count; ++i) dirs += ",d" + std::to_string(i);
    if (!options_.properties.contains("listeners")) SetProperty(properties, "listeners", "PLAINTEXT://n1:9092");
    SetProperty(properties, "log.dirs", dirs);
    for (const auto& [key, value] : options_.properties) SetProperty(properties, key, value);
    return NodeOptionsFrom(properties);
  }

  const Options options_;
  sim::Cluster cluster_;
  ClientProgram::Body body_;
};

// A client's connection that fails the test when a call fails.
class TestClient {
 public:
  TestClient(fiber::Fiber& self, env::Env& env) : self_(self), env_(env) {
    // The broker may still be starting.
    for (int i = 0; i < 100 && connection_ == nullptr; ++i) {
      connection_ = net::ClientConnection::Open(self, env, {"n1", 9092}, {.client_id = "test"}).connection;
      if (connection_ == nullptr) fiber::SleepFor(self, Duration::Millis(100));
    }
    EXPECT_NE(connection_, nullptr);
  }
  ~TestClient() {
    if (connection_ != nullptr) connection_->Close();
  }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  // Holds the frame that the response's records point into.
  template <typename Response, typename Request>
  net::CallResult<Response> Ask(const Request& request, int16_t version) {
    net::CallResult<Response> result = connection_->Call<Request, Response>(self_, request, version);
    EXPECT_TRUE(result.ok()) << result.what;
    return result;
  }
  // How the connection ends when it is asked this.
  template <typename Response, typename Request>
  net::CallError AskAndFail(const Request& request, int16_t version) {
    return connection_->Call<Request, Response>(self_, request, version).error;
  }

  void CreateTopic(const std::string& name, int32_t partitions,
                   const std::vector<std::pair<std::string, std::string>>& configs = {}) {
    protocol::CreateTopicsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = partitions;
    topic.replication_factor = 1;
    for (const auto& [key, value] : configs) topic.configs.push_back({key, value});
    const auto created = Ask<protocol::CreateTopicsResponse>(request, 7);
    ASSERT_EQ(created.response.topics.size(), 1u);
    EXPECT_EQ(created.response.topics[0].error_code, 0) << created.response.topics[0].error_message.value_or("");
  }

  net::ClientConnection& connection() { return *connection_; }
  fiber::Fiber& self() { return self_; }
  env::Env& env() { return env_; }

 private:
  fiber::Fiber& self_;
  env::Env& env_;
  std::shared_ptr<net::ClientConnection> connection_;
};

// One batch of the values, without keys.
inline ByteBuffer BatchOf(const std::vector<std::string>& values, const record::ProducerFields& producer = {},
                          record::Codec codec = record::Codec::kNone) {
  record::BatchBuilder builder({.compression = {.codec = codec}});
  for (const std::string& value : values) builder.Append({.timestamp = Timestamp(1000), .value = AsBytes(value)});
  builder.SetProducer(producer);
  return builder.Build();
}

inline protocol::ProduceRequest ProduceTo(const std::string& topic, Bytes batch, int16_t acks = -1) {
  protocol::ProduceRequest request;
  request.acks = acks;
  request.timeout_ms = 1000;
  auto& out = request.topic_data.emplace_back();
  out.name = topic;
  out.partition_data.push_back({0, protocol::RecordsField(batch)});
  return request;
}

inline protocol::FetchRequest FetchFrom(const std::string& topic, int64_t offset) {
  protocol::FetchRequest request;
  request.replica_id = -1;
  request.max_wait_ms = 100;
  request.min_bytes = 1;
  request.max_bytes = 1 << 20;
  auto& out = request.topics.emplace_back();
  out.topic = topic;
  auto& partition = out.partitions.emplace_back();
  partition.fetch_offset = offset;
  partition.partition_max_bytes = 1 << 20;
  return request;
}

}  // namespace odradek::broker
