// A disk that hangs: which directory goes offline, and when the node ends.
#include "engine/broker/disk_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/broker/log_directories.h"
#include "engine/config/broker_config.h"
#include "engine/config/properties.h"
#include "engine/fiber/sync.h"
#include "sim/cluster/cluster.h"
#include "sim/disk/sim_node_disk.h"

namespace odradek::broker {
namespace disk_watch_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Duration kPatience = Duration::Seconds(1);

NodeOptions OptionsOf(const std::string& log_dirs) {
  config::StaticConfig properties;
  EXPECT_TRUE(config::AddStaticProperty("test", "log.dirs", log_dirs, properties).ok());
  NodeOptions options;
  options.static_properties = properties.properties;
  absl::StatusOr<config::BrokerConfig> resolved =
      config::ResolveBrokerConfig({.static_broker = &options.static_properties});
  EXPECT_TRUE(resolved.ok()) << resolved.status();
  options.config = std::move(*resolved);
  options.log_directories = options.config.log_dirs;
  options.cluster_id = "AAAAAAAAAAAAAAAAAAAAAQ";
  return options;
}

// The directories and the watch of one shard, and fibers that use the disk.
class Watched final : public sim::ProgramInstance {
 public:
  explicit Watched(std::span<env::Env* const> shards)
      : env_(*shards[0]),
        options_(OptionsOf("d0,d1,d2")),
        directories_(env_, options_),
        watch_(env_, directories_, {.patience = kPatience}) {
    env_.scheduler.Spawn("start", [this](fiber::Fiber& self) {
      const absl::Status loaded = directories_.Load(self);
      EXPECT_TRUE(loaded.ok()) << loaded;
      env_.scheduler.Spawn("watch", [this](fiber::Fiber& watcher) {
        watch_.Run(watcher, end_);
        ended_ = true;
      });
    });
  }
  void RequestShutdown() override { end_.Set(); }

  void Touch(const std::string& path) {
    env_.scheduler.Spawn("touch", [this, path](fiber::Fiber& self) {
      const env::OpenResult opened = env_.disk.Open(self, path, env::OpenMode::kCreate);
      EXPECT_EQ(opened.error, env::DiskError::kNone);
      ++touched_count_;
    });
  }
  void BeginWhatMustFinish(MonoTime now) { must_finish_.emplace(watch_, now); }
  void EndWhatMustFinish() { must_finish_.reset(); }

  std::vector<std::string> Offline() const {
    std::vector<std::string> paths;
    for (const LogDirectories::Offline& one : directories_.offline()) paths.push_back(one.path);
    return paths;
  }
  const LogDirectories& directories() const { return directories_; }
  int touched_count() const { return touched_count_; }
  bool has_ended() const { return ended_; }

 private:
  env::Env& env_;
  const NodeOptions options_;
  LogDirectories directories_;
  DiskWatch watch_;
  std::optional<DiskWatch::MustFinish> must_finish_;
  fiber::Event end_;
  int touched_count_ = 0;
  bool ended_ = false;
};

class DiskWatchTest : public testing::Test, private sim::ClusterObserver {
 protected:
  DiskWatchTest() : cluster_({.context = {.buggify = {.armed_sites_ppm = 0}}}) {
    sim::NodeOptions options;
    options.name = "n1";
    options.disk = [](sim::Kernel& kernel, sim::NodeIndex node) {
      return std::make_unique<sim::SimNodeDisk>(kernel, node, sim::DiskOptions{});
    };
    cluster_.SetObserver(this);
    node_ = &cluster_.AddNode(std::move(options),
                              [](std::span<env::Env* const> shards) { return std::make_unique<Watched>(shards); });
    node_->Boot();
    cluster_.RunFor(Duration::Seconds(5));
  }

  // Calls of such paths do not return from now on.
  void Hang(const std::string& path_part) {
    node_->disk()->Inject({.kind = sim::DiskFaultKind::kHang, .path_part = path_part});
  }
  void Heal() { node_->disk()->Heal(); }
  Watched& watched() { return static_cast<Watched&>(*node_->instance()); }
  void RunMillis(int64_t millis) { cluster_.RunFor(Duration::Millis(millis)); }
  MonoTime Now() { return cluster_.kernel().Now(); }

  sim::Cluster cluster_;
  sim::Node* node_ = nullptr;
  std::vector<std::string> fatal_reasons_;

 private:
  void OnLife(const sim::LifeEvent& event) override {
    if (event.kind == sim::LifeKind::kFatal) fatal_reasons_.push_back(event.reason);
  }
};

TEST_F(DiskWatchTest, ACallThatReturnsWithinThePatienceIsNoHang) {
  Hang("d1/");
  watched().Touch("d1/file");
  RunMillis(900);
  EXPECT_EQ(watched().touched_count(), 0);
  Heal();
  RunMillis(3000);
  EXPECT_EQ(watched().touched_count(), 1);
  EXPECT_THAT(watched().Offline(), IsEmpty());
}

TEST_F(DiskWatchTest, ADirectoryThatHangsGoesOfflineOnceAndTheOthersGoOn) {
  Hang("d1/");
  watched().Touch("d1/file");
  RunMillis(3000);
  ASSERT_THAT(watched().Offline(), ElementsAre("d1"));
  EXPECT_THAT(watched().directories().offline()[0].why, HasSubstr("the disk does not answer: open of d1/file has not"));
  watched().Touch("d2/file");
  RunMillis(3000);
  EXPECT_EQ(watched().touched_count(), 1);
  EXPECT_THAT(watched().Offline(), ElementsAre("d1"));
  EXPECT_TRUE(node_->is_up());
}

TEST_F(DiskWatchTest, TheDirectoryOfTheMetadataLogEndsTheNode) {
  Hang("d0/");
  watched().Touch("d0/file");
  RunMillis(900);
  EXPECT_TRUE(node_->is_up());
  RunMillis(1100);
  EXPECT_FALSE(node_->is_up());
  ASSERT_EQ(fatal_reasons_.size(), 1u);
  EXPECT_THAT(fatal_reasons_[0], HasSubstr("the disk does not answer: open of d0/file"));
}

TEST_F(DiskWatchTest, AnyDirectoryEndsTheNodeThatMustFinish) {
  watched().BeginWhatMustFinish(Now());
  Hang("d1/");
  watched().Touch("d1/file");
  RunMillis(3000);
  EXPECT_FALSE(node_->is_up());
  EXPECT_EQ(fatal_reasons_.size(), 1u);
}

// A start that loads slowly but gets on.
TEST_F(DiskWatchTest, WhatMustFinishMayTakeLongIfTheDiskAnswers) {
  watched().BeginWhatMustFinish(Now());
  RunMillis(10000);
  EXPECT_TRUE(node_->is_up());
  watched().EndWhatMustFinish();
  Hang("d1/");
  watched().Touch("d1/file");
  RunMillis(3000);
  EXPECT_TRUE(node_->is_up());
  EXPECT_THAT(watched().Offline(), ElementsAre("d1"));
}

TEST_F(DiskWatchTest, ACallOutsideOfTheDirectoriesConcernsOnlyWhatMustFinish) {
  Hang("elsewhere");
  watched().Touch("elsewhere");
  RunMillis(3000);
  EXPECT_THAT(watched().Offline(), IsEmpty());
  EXPECT_TRUE(node_->is_up());
  watched().BeginWhatMustFinish(Now());
  RunMillis(3000);
  EXPECT_FALSE(node_->is_up());
}

TEST_F(DiskWatchTest, EndsWhenItIsTold) {
  EXPECT_FALSE(watched().has_ended());
  watched().RequestShutdown();
  RunMillis(10);
  EXPECT_TRUE(watched().has_ended());
}

}  // namespace disk_watch_test
}  // namespace odradek::broker
