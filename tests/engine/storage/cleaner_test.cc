#include "engine/storage/cleaner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/base/absl_compat.h"
#include "engine/storage/log_manager.h"
#include "tests/engine/storage/clean_batches.h"
#include "tests/engine/storage/test_world.h"

namespace odradek::storage {
namespace {

class CleanerTest : public testing::Test {
 protected:
  CleanerTest() {
    config_.cleanup_compact = true;
    config_.cleanup_delete = false;
    machine_.Boot();
  }
  ~CleanerTest() override {
    machine_.process().KillFibers();
    cleaner_.reset();
    manager_.reset();
  }

  void Start(const CleanerOptions& options = {}) {
    Run([&](fiber::Fiber& self) {
      auto opened = LogManager::Open(self, machine_.process().env,
                                     {.directory = "data", .cluster_id = "c", .node_id = NodeId(1)});
      ASSERT_TRUE(opened.ok()) << base::SV(opened.status().message());
      manager_ = *std::move(opened);
      ASSERT_TRUE(manager_->LoadAll(self).ok());
    });
    cleaner_ = std::make_unique<Cleaner>(machine_.process().env, options, std::vector<LogManager*>{manager_.get()});
  }
  std::shared_ptr<Log> Create(const std::string& topic) {
    std::shared_ptr<Log> log;
    Run([&](fiber::Fiber& self) {
      auto created = manager_->Create(self, {topic, PartitionIndex(0)}, Uuid::FromRandom(1, ++topics_), config_);
      ASSERT_TRUE(created.ok());
      log = *created;
    });
    return log;
  }
  void Put(Log& log, const std::vector<KeyValue>& records) {
    Run([&](fiber::Fiber& self) {
      for (const KeyValue& record : records) {
        ByteBuffer batch = EncodeKeyed({.records = {record}});
        EXPECT_TRUE(log.Append(self, batch, {.origin = AppendOrigin::kClient, .leader_epoch = LeaderEpoch(0)}).ok());
      }
      log.SetHighWatermark(log.log_end_offset());
      EXPECT_EQ(log.Roll(self), LogError::kNone);
    });
  }
  Cleaner::Worked CleanOne() {
    Cleaner::Worked worked{};
    Run([&](fiber::Fiber& self) { worked = cleaner_->CleanOne(self); });
    return worked;
  }
  void Run(fiber::Body body) { machine_.process().Run(std::move(body)); }

  TestMachine machine_;
  LogConfig config_;
  std::unique_ptr<LogManager> manager_;
  std::unique_ptr<Cleaner> cleaner_;
  uint64_t topics_ = 0;
};

TEST_F(CleanerTest, TakesTheDirtiestLogFirst) {
  config_.min_cleanable_ratio_ppm = 100'000;
  Start();
  const auto a = Create("a");
  const auto b = Create("b");
  Put(*a, {{"k", "1"}, {"k", "2"}});
  EXPECT_EQ(CleanOne(), Cleaner::Worked::kYes);
  Put(*a, {{"k", "3"}});
  Put(*b, {{"k", "1"}, {"k", "2"}});
  const int64_t size_before = a->size_bytes();
  EXPECT_EQ(CleanOne(), Cleaner::Worked::kYes);
  EXPECT_EQ(a->size_bytes(), size_before);
  EXPECT_EQ(CleanOne(), Cleaner::Worked::kYes);
  EXPECT_LT(a->size_bytes(), size_before);
  EXPECT_EQ(CleanOne(), Cleaner::Worked::kNo);
}

TEST_F(CleanerTest, WaitsForTheDirtyRatioUnlessALogIsOverdue) {
  config_.min_cleanable_ratio_ppm = 900'000;
  config_.max_compaction_lag = Duration::Seconds(5);
  Start();
  const auto log = Create("a");
  const int64_t now = machine_.process().clock.wall.unix_millis();
  Put(*log, {{"k", "1", now}, {"l", "1", now}});
  EXPECT_EQ(CleanOne(), Cleaner::Worked::kYes);
  Put(*log, {{"m", "1", now}});
  EXPECT_EQ(CleanOne(), Cleaner::Worked::kNo);
  machine_.process().clock.wall = machine_.process().clock.wall + Duration::Millis(5001);
  EXPECT_EQ(CleanOne(), Cleaner::Worked::kYes);
}

TEST_F(CleanerTest, LeavesLogsAloneThatAreNotCompacted) {
  config_.cleanup_compact = false;
  config_.cleanup_delete = true;
  Start();
  Put(*Create("a"), {{"k", "1"}, {"k", "2"}});
  EXPECT_EQ(CleanOne(), Cleaner::Worked::kNo);
}

TEST_F(CleanerTest, RemembersWhatCannotBeCleaned) {
  Start();
  const auto log = Create("a");
  Put(*log, {{"k", "1"}, {"k", "2"}});
  Run([&](fiber::Fiber& self) {
    env::OpenResult file =
        machine_.process().disk.Open(self, "data/a-0/00000000000000000000.log", env::OpenMode::kReadWrite);
    const std::byte damage[] = {std::byte{0x55}};
    const Bytes parts[] = {damage};
    EXPECT_TRUE(file.file->WriteAt(self, parts, 65).ok());
  });
  EXPECT_EQ(CleanOne(), Cleaner::Worked::kNo);
  EXPECT_EQ(cleaner_->numbers().uncleanable_count, 1);
  EXPECT_EQ(CleanOne(), Cleaner::Worked::kNo);
  EXPECT_EQ(cleaner_->numbers().uncleanable_count, 1);
  EXPECT_FALSE(log->is_offline());
}

TEST_F(CleanerTest, AFailingDiskTakesTheLogOffline) {
  Start();
  const auto log = Create("a");
  Put(*log, {{"k", "1"}, {"k", "2"}});
  machine_.process().disk.fault = [](const DiskOperation& operation) {
    return operation.path.ends_with(".cleaned") ? env::DiskError::kIo : env::DiskError::kNone;
  };
  EXPECT_EQ(CleanOne(), Cleaner::Worked::kNo);
  EXPECT_TRUE(log->is_offline());
}

TEST_F(CleanerTest, ADeletedLogIsNotInTheWayOfItsSuccessor) {
  Start();
  const auto log = Create("a");
  Put(*log, {{"k", "1"}, {"k", "2"}});
  std::vector<std::string> seen;
  machine_.process().disk.fault = [&](const DiskOperation& operation) {
    seen.push_back(operation.path);
    return env::DiskError::kNone;
  };
  machine_.process().scheduler.Spawn("cleaner", [&](fiber::Fiber& self) { cleaner_->CleanOne(self); });
  Run([&](fiber::Fiber& self) { EXPECT_TRUE(manager_->Delete(self, {"a", PartitionIndex(0)}).ok()); });
  const auto again = Create("a");
  EXPECT_EQ(again->log_end_offset(), Offset(0));
  for (const env::DirectoryEntry& entry : machine_.model.List("data/a-0").entries) {
    EXPECT_FALSE(entry.name.ends_with(".cleaned")) << entry.name;
  }
}

TEST_F(CleanerTest, TheThrottleSpreadsTheWork) {
  Start({.bytes_per_second_max = 1000, .chunk_bytes = 64});
  const auto log = Create("a");
  std::vector<KeyValue> records;
  for (int i = 0; i < 50; ++i) records.push_back({"k" + std::to_string(i % 3), "value"});
  Put(*log, records);
  const MonoTime before = machine_.process().clock.Now();
  EXPECT_EQ(CleanOne(), Cleaner::Worked::kYes);
  const int64_t bytes = cleaner_->numbers().bytes_read + cleaner_->numbers().bytes_written;
  EXPECT_GE(machine_.process().clock.Now() - before, Duration::Millis(bytes - 100));
}

TEST_F(CleanerTest, StopsInTheMiddleOfACleaning) {
  Start({.bytes_per_second_max = 1, .chunk_bytes = 64});
  const auto log = Create("a");
  Put(*log, {{"k", "1"}, {"k", "2"}, {"k", "3"}});
  const MonoTime before = machine_.process().clock.Now();
  machine_.process().scheduler.Spawn("cleaner", [&](fiber::Fiber& self) { cleaner_->Run(self); });
  Run([&](fiber::Fiber& self) {
    fiber::SleepFor(self, Duration::Seconds(1));
    cleaner_->Stop();
  });
  EXPECT_LE(machine_.process().clock.Now() - before, Duration::Seconds(2));
  EXPECT_FALSE(log->is_offline());
}

}  // namespace
}  // namespace odradek::storage
