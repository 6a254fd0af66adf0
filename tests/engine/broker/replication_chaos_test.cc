// Random faults on three nodes with a replicated partition: what a producer with acks=all was told is kept, once and in
// order, and replicas agree.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "engine/base/prng.h"
#include "tests/engine/broker/replicated_client.h"

namespace odradek::broker {
namespace quorum_test {

using protocol::ErrorCode;

constexpr std::string_view kTopic = "t";
constexpr Duration kShutdownPatience = Duration::Seconds(30);

class ReplicationChaosRun {
 public:
  ReplicationChaosRun(uint64_t seed, bool flushes)
      : world_({.seed = seed,
                .properties = {{"replica.lag.time.max.ms", "3000"},
                               {"replica.socket.timeout.ms", "3000"},
                               {"log.dirs", "d0,d1"}},
                .shard_count = seed % 3 == 0 ? 2 : 1}),
        draws_(seed),
        flushes_(flushes) {
    world_.CheckAlways([this] { CheckReplicas(); });
  }

  void Run() {
    ASSERT_TRUE(world_.RunUntil([&] { return world_.AllServe(); }));
    world_.StartClient([this](fiber::Fiber& self, env::Env& env) { RunClients(self, env); });
    world_.RunFor(Duration::Seconds(2));
    for (int round = 0; round < 14; ++round) {
      Fault();
      world_.RunFor(Draw(4000));
    }
    Mend();
    // The producer is told of a record that was made after the last fault: the partition works.
    const int64_t acknowledged = acknowledged_;
    ASSERT_TRUE(world_.RunUntil([&] { return world_.AllServe() && acknowledged_ > acknowledged; })) << Describe();
    faults_are_over_ = true;
    // Who is about to stop is up again afterwards.
    world_.RunFor(kShutdownPatience + Duration::Seconds(3));
    ASSERT_TRUE(world_.RunUntil([&] { return world_.client_done() && IsSettled(); })) << Describe();
    world_.RunFor(Duration::Seconds(2));
    Judge();
  }

 private:
  Duration Draw(uint64_t below_ms) { return Duration::Millis(static_cast<int64_t>(draws_.Below(below_ms))); }
  int32_t DrawNode() { return static_cast<int32_t>(1 + draws_.Below(kNodeCount)); }

  void Fault() {
    const int32_t id = DrawNode();
    const auto other = static_cast<int32_t>(1 + (id + draws_.Below(kNodeCount - 1)) % kNodeCount);
    sim::Node& node = world_.node(id);
    switch (draws_.Below(6)) {
      case 0:
        if (!flushes_ && !MayDie()) break;
        if (node.is_up()) node.Crash();
        node.BootAfter(Draw(3000));
        break;
      case 1:
        if (!flushes_ && !MayDie()) break;
        node.PowerLoss();
        node.BootAfter(Draw(3000));
        break;
      case 2:
        Cut(id, other);
        break;
      case 3:
        for (int32_t far = 1; far <= kNodeCount; ++far) {
          if (far == id) continue;
          Cut(id, far);
          Cut(far, id);
        }
        break;
      case 4:
        if (node.is_up()) node.ShutDown({.patience = kShutdownPatience, .restart_after = Draw(2000)});
        break;
      default:
        world_.cluster().network().Heal();
        break;
    }
  }
  void Cut(int32_t from, int32_t to) {
    world_.cluster().network().Cut({world_.node(from).index(), world_.node(to).index()});
  }
  // Without a sync for each record one node may die at a time: the controller cannot tell who has lost what, and trusts
  // nobody who did not stop in an orderly way (KIP-966). Two of three have everything.
  bool MayDie() {
    if (!world_.AllServe() || IsrSizeOf(world_, std::string(kTopic)) != kNodeCount) return false;
    const Offset committed =
        ReplicaOf(world_, LeaderOf(world_, std::string(kTopic)), std::string(kTopic))->machine().high_watermark();
    for (int32_t id = 1; id <= kNodeCount; ++id) {
      if (ReplicaOf(world_, id, std::string(kTopic))->log().log_end_offset() < committed) return false;
    }
    return true;
  }
  void Mend() {
    world_.cluster().network().Heal();
    for (int32_t id = 1; id <= kNodeCount; ++id) {
      if (!world_.node(id).is_up()) world_.node(id).BootAfter(Duration::Millis(1));
    }
  }

  // --- Clients.

  void RunClients(fiber::Fiber& self, env::Env& env) {
    bool noise_ended = false;
    {
      ReplicatedClient client(self, env, std::string(kTopic));
      std::vector<std::pair<std::string, std::string>> configs = {{"min.insync.replicas", "2"}};
      if (flushes_) configs.push_back({"flush.messages", "1"});
      client.CreateTopic(kNodeCount, configs);
      env.scheduler.Spawn("noise", [this, &env, &noise_ended](fiber::Fiber& noise) {
        MakeNoise(noise, env);
        noise_ended = true;
      });
      ProduceInOrder(client);
    }
    while (!noise_ended) fiber::SleepFor(self, Duration::Millis(100));
  }
  // One record after the other, each again until it is acknowledged.
  void ProduceInOrder(ReplicatedClient& client) {
    std::optional<ProducerId> producer;
    while (!producer) producer = client.NewProducerId();
    int32_t sequence = 0;
    while (!faults_are_over_) {
      const ByteBuffer batch = BatchOf({std::to_string(sequence)}, {*producer, ProducerEpoch(0), sequence});
      const int32_t leader = client.FindLeader();
      const auto produced = leader == 0 ? ReplicatedClient::Produced{} : client.ProduceTo(leader, batch);
      last_error_ = produced.error;
      EXPECT_NE(produced.error, ErrorCode::kOutOfOrderSequenceNumber) << sequence;
      EXPECT_NE(produced.error, ErrorCode::kUnknownProducerId) << sequence;
      if (produced.error == ErrorCode::kNone) {
        ++sequence;
        acknowledged_ = sequence;
      }
      fiber::SleepFor(client.self(), Duration::Millis(20));
    }
  }
  // Records that only the leader must have: they make logs part.
  void MakeNoise(fiber::Fiber& self, env::Env& env) {
    ReplicatedClient client(self, env, std::string(kTopic));
    for (int i = 0; !faults_are_over_; ++i) {
      const int32_t id = 1 + i % kNodeCount;
      client.ProduceTo(id, BatchOf({"x" + std::to_string(i), "y" + std::to_string(i)}), 1);
      fiber::SleepFor(self, Duration::Millis(30));
    }
  }

  // --- What must be true.

  void CheckReplicas() {
    for (int32_t id = 1; id <= kNodeCount; ++id) {
      const PartitionReplica* const replica = ReplicaOf(world_, id, std::string(kTopic));
      if (replica == nullptr || replica->machine().role() != replication::Role::kLeader) continue;
      const LeaderEpoch epoch = replica->machine().leader_epoch();
      // R5: nobody leads twice in one epoch, be it in another life.
      const auto [at, is_new] = leaders_.emplace(epoch, Led{id, world_.node(id).incarnation(), Offset(0)});
      EXPECT_EQ(at->second.id, id) << "epoch " << epoch.value();
      EXPECT_EQ(at->second.incarnation, world_.node(id).incarnation()) << "epoch " << epoch.value();
      // R2: of a leader it never falls.
      EXPECT_GE(replica->log().high_watermark(), at->second.high_watermark) << "epoch " << epoch.value();
      at->second.high_watermark = replica->log().high_watermark();
    }
  }
  bool IsSettled() {
    if (!world_.AllServe() || IsrSizeOf(world_, std::string(kTopic)) != kNodeCount) return false;
    const PartitionReplica* const first = ReplicaOf(world_, 1, std::string(kTopic));
    for (int32_t id = 1; id <= kNodeCount; ++id) {
      const PartitionReplica* const replica = ReplicaOf(world_, id, std::string(kTopic));
      if (replica->log().high_watermark() != first->log().log_end_offset()) return false;
      if (replica->log().log_end_offset() != first->log().log_end_offset()) return false;
    }
    return true;
  }
  void Judge() {
    std::vector<std::string> values[kNodeCount + 1];
    world_.RunClient([&](fiber::Fiber& self, env::Env& env) {
      ReplicatedClient client(self, env, std::string(kTopic));
      for (int32_t id = 1; id <= kNodeCount; ++id) values[id] = client.ReadAll(id);
    });
    // R3.
    for (int32_t id = 2; id <= kNodeCount; ++id) EXPECT_EQ(values[id], values[1]) << id;
    std::vector<std::string> kept;
    std::map<std::string, int> noise;
    for (const std::string& value : values[1]) {
      if (value[0] == 'x' || value[0] == 'y') {
        EXPECT_EQ(++noise[value], 1) << value;
      } else {
        kept.push_back(value);
      }
    }
    ASSERT_GE(static_cast<int64_t>(kept.size()), acknowledged_);
    for (size_t i = 0; i < kept.size(); ++i) ASSERT_EQ(kept[i], std::to_string(i));
    // Nothing is there that nobody sent.
    EXPECT_LE(static_cast<int64_t>(kept.size()), acknowledged_ + 1);
    for (int32_t id = 2; id <= kNodeCount; ++id) {
      const auto view = [this](int32_t of) { return ReplicaOf(world_, of, std::string(kTopic))->log().Inspect(); };
      EXPECT_EQ(view(id).producer_fingerprint, view(1).producer_fingerprint) << id;
    }
  }
  std::string Describe() {
    std::string text =
        "acknowledged " + std::to_string(acknowledged_) + ", then " + std::string(protocol::ErrorName(last_error_));
    for (int32_t id = 1; id <= kNodeCount; ++id) {
      text += "\n" + NameOf(id) + (world_.node(id).is_up() ? "" : " is off") + (world_.IsServing(id) ? " serves" : "");
      const PartitionReplica* const replica = ReplicaOf(world_, id, std::string(kTopic));
      if (replica == nullptr) continue;
      text += " role " + std::to_string(static_cast<int>(replica->machine().role())) + " epoch " +
              std::to_string(replica->machine().leader_epoch().value()) + " partition epoch " +
              std::to_string(replica->machine().partition_epoch().value()) + " hw " +
              std::to_string(replica->log().high_watermark().value()) + " end " +
              std::to_string(replica->log().log_end_offset().value());
    }
    return text;
  }

  struct Led {
    int32_t id = 0;
    uint64_t incarnation = 0;
    Offset high_watermark{0};
  };

  QuorumWorld world_;
  base::Prng draws_;
  const bool flushes_;
  int64_t acknowledged_ = 0;
  bool faults_are_over_ = false;
  ErrorCode last_error_ = ErrorCode::kNone;
  std::map<LeaderEpoch, Led> leaders_;
};

class ReplicationChaos : public testing::TestWithParam<std::tuple<uint64_t, bool>> {};

TEST_P(ReplicationChaos, KeepsWhatItAcknowledgedAndAgrees) {
  ReplicationChaosRun run(std::get<0>(GetParam()), std::get<1>(GetParam()));
  run.Run();
}
// These found mistakes: an answer that was not taken in and not told again (24), a second stop in an orderly way that
// lost the proof of the first (544, 716, 866).
INSTANTIATE_TEST_SUITE_P(Regressions, ReplicationChaos,
                         testing::Combine(testing::Values<uint64_t>(544, 716, 866), testing::Bool()));
INSTANTIATE_TEST_SUITE_P(Seeds, ReplicationChaos, testing::Combine(testing::Range<uint64_t>(1, 41), testing::Bool()));

}  // namespace quorum_test
}  // namespace odradek::broker
