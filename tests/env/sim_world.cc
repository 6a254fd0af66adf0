#include <span>
#include <utility>

#include "sim/cluster/cluster.h"
#include "sim/disk/sim_node_disk.h"
#include "tests/env/world.h"

namespace odradek::env_test {
namespace {

// Enough that each of the kernel's and the models' choices is met by some test.
constexpr uint64_t kSeedCount = 20;

class NoProgram final : public sim::ProgramInstance {};

class SimulatedWorld final : public World {
 public:
  SimulatedWorld(uint64_t seed, sim::Strategy strategy)
      : cluster_({.kernel = {.seed = seed, .strategy = strategy}}),
        node_(cluster_.AddNode({.name = "n1", .shard_count = 2, .disk = MakeDisk}, NoProgramAtAll)),
        silent_(cluster_.AddNode({.name = "silent"}, NoProgramAtAll)) {
    cluster_.network().Cut({.from = node_.index(), .to = silent_.index()});
    node_.Boot();
  }
  ~SimulatedWorld() override { cluster_.CrashAll(); }

  env::Env& env(ShardId shard) override { return node_.env(shard); }
  bool Run(fiber::Body body) override {
    bool has_ended = false;
    World::env().scheduler.Spawn("test", [&, body = std::move(body)](fiber::Fiber& self) mutable {
      body(self);
      has_ended = true;
      cluster_.kernel().Stop();
    });
    cluster_.RunFor(Duration::Seconds(3600));
    return has_ended;
  }
  void Kill() override { node_.Crash(); }
  int64_t FileSize(std::string_view path) override {
    sim::DiskModel& model = static_cast<sim::SimNodeDisk&>(*node_.disk()).model();
    const sim::InodeRef file = model.Find(path);
    return file == nullptr ? -1 : model.SizeOf(*file);
  }
  env::Address AnyPort() const override { return {.host = "n1", .port = 0}; }
  env::Address Silence() const override { return {.host = "silent", .port = 9092}; }
  int64_t more_than_buffers_bytes() const override { return int64_t{1} << 20; }

 private:
  static std::unique_ptr<sim::NodeDisk> MakeDisk(sim::Kernel& kernel, sim::NodeIndex node) {
    return std::make_unique<sim::SimNodeDisk>(kernel, node, sim::DiskOptions{});
  }
  static std::unique_ptr<sim::ProgramInstance> NoProgramAtAll(std::span<env::Env* const>) {
    return std::make_unique<NoProgram>();
  }

  sim::Cluster cluster_;
  sim::Node& node_;
  sim::Node& silent_;
};

}  // namespace

BackEnd SimulatedBackEnd() {
  BackEnd back_end{.name = "Simulated", .worlds = {}};
  back_end.worlds.push_back([] { return std::make_unique<SimulatedWorld>(0, sim::Strategy::kFifo); });
  for (uint64_t seed = 1; seed <= kSeedCount; ++seed) {
    back_end.worlds.push_back([seed] { return std::make_unique<SimulatedWorld>(seed, sim::Strategy::kRandom); });
  }
  return back_end;
}

}  // namespace odradek::env_test
