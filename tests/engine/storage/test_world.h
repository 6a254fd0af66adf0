// A machine for storage tests: a simulated disk that outlives the processes, and one process at a time with fibers, a
// clock that the test sets, and a context that counts probes and arms mutations and rare paths.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/prng.h"
#include "engine/env/env.h"
#include "sim/disk/disk_model.h"
#include "tests/engine/fiber/manual_executor.h"
#include "tests/engine/storage/model_disk.h"

namespace odradek::storage {

class TestContext final : public base::Context {
 public:
  void Reached(std::string_view name) override { ++reached[std::string(name)]; }
  bool Buggify(std::string_view site) override {
    return buggified.contains(std::string(site)) && draws.PartsPerMillion(buggify_ppm);
  }
  bool HasMutation(base::Mutation mutation) const override {
    if (!mutations.contains(mutation)) return false;
    ++mutation_hits;
    return true;
  }

  std::map<std::string, int64_t> reached;
  std::set<std::string> buggified;
  std::set<base::Mutation> mutations;
  mutable uint64_t mutation_hits = 0;
  uint64_t buggify_ppm = 200000;
  base::Prng draws{1};
};

class RecordingObserver final : public env::Observer {
 public:
  void On(const env::Observation& observation) override {
    if (const auto* recovered = std::get_if<env::LogRecovered>(&observation)) last_recovery = *recovered;
    if (std::holds_alternative<env::LogOffline>(observation)) ++offline_count;
    if (std::holds_alternative<env::SegmentDeleted>(observation)) ++segments_deleted;
  }
  env::LogRecovered last_recovery{};
  int64_t offline_count = 0;
  int64_t segments_deleted = 0;
};

// What storage does not use.
class NoNetwork final : public env::Network {
 public:
  env::ListenResult Listen(fiber::Fiber&, const env::Address&) override { std::abort(); }
  env::ConnectionResult Connect(fiber::Fiber&, const env::Address&, MonoTime) override { std::abort(); }
};
class NoProcess final : public env::Process {
 public:
  [[noreturn]] void Fatal(fiber::Fiber&, std::string_view) override { std::abort(); }
};
class InlineOffload final : public env::Offload {
 public:
  void Run(fiber::Fiber&, absl::AnyInvocable<void()> work) override { work(); }
};
class NoRounds final : public env::Rounds {
 public:
  void AtRoundEnd(env::RoundTask&) override { std::abort(); }
};
class NoShards final : public env::Shards {
 public:
  ShardId self() const override { return ShardId(0); }
  int32_t count() const override { return 1; }
  void Post(ShardId, absl::AnyInvocable<void()>) override { std::abort(); }
};
class TestLog final : public env::Log {
 public:
  void Write(env::LogLevel, std::string_view, std::string_view message,
             std::initializer_list<env::LogField> fields) override {
    std::string line(message);
    for (const env::LogField& field : fields) line += " " + std::string(field.key) + "=" + field.value;
    lines.push_back(std::move(line));
  }
  std::vector<std::string> lines;
};
class TestClock final : public env::Clock {
 public:
  explicit TestClock(fiber::ManualExecutor& executor) : executor_(executor) {}
  MonoTime Now() const override { return executor_.Now(); }
  MonoTime Instant() const override { return executor_.Now(); }
  WallTime WallNow() const override { return wall; }
  WallTime wall = WallTime::FromUnixMillis(1'700'000'000'000);

 private:
  fiber::ManualExecutor& executor_;
};
class TestEntropy final : public env::Entropy {
 public:
  uint64_t Next64() override { return draws.Next(); }
  base::Prng draws{7};
};

// One life of the process.
class TestProcess {
 public:
  TestProcess(sim::DiskModel& model, TestContext& context, env::Observer* outside)
      : disk(model),
        scheduler(executor, stacks),
        clock(executor),
        env{scheduler,
            clock,
            disk,
            network,
            entropy,
            process,
            offload,
            rounds,
            shards,
            log,
            outside != nullptr ? *outside : observer,
            context} {}
  ~TestProcess() { KillFibers(); }
  // Before what they use goes.
  void KillFibers() {
    if (!scheduler.is_dead()) executor.Kill(scheduler);
  }

  // Runs until nothing can go on.
  void Run(fiber::Body body) {
    scheduler.Spawn("test", std::move(body));
    executor.RunAll(scheduler);
  }

  ModelDisk disk;
  fiber::StackPool stacks;
  fiber::ManualExecutor executor;
  fiber::Scheduler scheduler;
  TestClock clock;
  NoNetwork network;
  TestEntropy entropy;
  NoProcess process;
  InlineOffload offload;
  NoRounds rounds;
  NoShards shards;
  TestLog log;
  RecordingObserver observer;
  env::Env env;
};

class TestMachine {
 public:
  TestMachine() : model(sim::DiskModelOptions{}) {}

  // The process is killed first; its page cache stays.
  TestProcess& Boot() {
    process_.reset();
    process_ = std::make_unique<TestProcess>(model, context, observer);
    process_->clock.wall = wall;
    return *process_;
  }
  TestProcess& process() { return *process_; }
  void Kill() {
    if (process_ != nullptr) wall = process_->clock.wall;
    process_.reset();
  }
  sim::PowerLossReport LosePower(uint64_t seed, sim::PowerLossFate fate = sim::PowerLossFate::kDrawn) {
    Kill();
    return model.LosePower(seed, fate);
  }

  sim::DiskModel model;
  TestContext context;
  env::Observer* observer = nullptr;  // set: gets what the process reports
  WallTime wall = WallTime::FromUnixMillis(1'700'000'000'000);

 private:
  std::unique_ptr<TestProcess> process_;
};

}  // namespace odradek::storage
