#include "engine/storage/log_manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/absl_compat.h"
#include "tests/engine/storage/test_batches.h"
#include "tests/engine/storage/test_world.h"

namespace odradek::storage {
namespace log_manager_test {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

const TopicPartition kFirst{"topic", PartitionIndex(0)};
const TopicPartition kSecond{"topic", PartitionIndex(1)};
constexpr TopicId kTopicId{5, 6};

class LogManagerTest : public testing::Test {
 protected:
  LogManagerTest() { machine_.Boot(); }

  void Run(fiber::Body body) { machine_.process().Run(std::move(body)); }
  std::string Open(LogManagerOptions options = {.directory = "data", .cluster_id = "cluster", .node_id = NodeId(1)}) {
    std::string problem;
    Run([&](fiber::Fiber& self) {
      auto opened = LogManager::Open(self, machine_.process().env, options);
      if (opened.ok()) {
        manager_ = *std::move(opened);
      } else {
        problem = std::string(base::SV(opened.status().message()));
      }
    });
    return problem;
  }
  void Load() {
    Run([&](fiber::Fiber& self) { EXPECT_TRUE(manager_->LoadAll(self).ok()); });
  }
  void OpenAndLoad() {
    ASSERT_EQ(Open(), "");
    Load();
  }
  void Kill() {
    machine_.process().KillFibers();
    manager_.reset();
    machine_.Boot();
  }
  void LosePower() {
    machine_.process().KillFibers();
    manager_.reset();
    machine_.LosePower(3, sim::PowerLossFate::kLoseAll);
    machine_.Boot();
  }
  void Create(const TopicPartition& name) {
    Run([&](fiber::Fiber& self) { EXPECT_TRUE(manager_->Create(self, name, kTopicId, {}).ok()); });
  }
  void Append(const TopicPartition& name, const std::string& value) {
    Run([&](fiber::Fiber& self) {
      const std::shared_ptr<Log> log = manager_->Find(name);
      ByteBuffer batch = OneRecord(value);
      EXPECT_TRUE(log->Append(self, batch, {.origin = AppendOrigin::kClient, .leader_epoch = LeaderEpoch(0)}).ok());
      log->SetHighWatermark(log->log_end_offset());
    });
  }
  bool CloseCleanly() {
    bool ok = false;
    Run([&](fiber::Fiber& self) { ok = manager_->CloseCleanly(self, BrokerEpoch(77)).ok(); });
    return ok;
  }
  std::vector<std::string> FileNames(const std::string& folder = "data") {
    std::vector<std::string> names;
    for (const env::DirectoryEntry& entry : machine_.model.List(folder).entries) names.push_back(entry.name);
    return names;
  }
  void Write(const std::string& path, std::string_view text) {
    const sim::DiskModel::OpenOutcome file = machine_.model.Open(path, env::OpenMode::kCreate);
    machine_.model.Truncate(*file.file, 0);
    machine_.model.Write(*file.file, AsBytes(text), 0);
    machine_.model.Close(file.file);
  }

  TestMachine machine_;
  std::unique_ptr<LogManager> manager_;
};

TEST_F(LogManagerTest, NewDirectoryGetsAnIdentityThatLasts) {
  ASSERT_EQ(Open(), "");
  const MetaProperties meta = manager_->meta();
  EXPECT_EQ(meta.cluster_id, "cluster");
  EXPECT_FALSE(meta.directory_id.is_zero());
  EXPECT_EQ(manager_->previous_shutdown(), env::ShutdownKind::kUnclean);
  LosePower();
  ASSERT_EQ(Open({.directory = "data", .cluster_id = "", .node_id = kNoNode}), "");
  EXPECT_EQ(manager_->meta(), meta);
}

TEST_F(LogManagerTest, RefusesAnotherClusterOrNode) {
  ASSERT_EQ(Open(), "");
  Kill();
  const std::string cluster = Open({.directory = "data", .cluster_id = "other", .node_id = NodeId(1)});
  EXPECT_THAT(cluster, HasSubstr("data/meta.properties"));
  EXPECT_THAT(cluster, HasSubstr("cluster.id is cluster, the node is configured for cluster other"));
  EXPECT_THAT(Open({.directory = "data", .cluster_id = "cluster", .node_id = NodeId(2)}),
              HasSubstr("node.id is 1, the node is configured as 2"));
}

TEST_F(LogManagerTest, RefusesASecondProcess) {
  ASSERT_EQ(Open(), "");
  const std::unique_ptr<LogManager> first = std::move(manager_);
  EXPECT_THAT(Open(), HasSubstr("in use by another process"));
}

TEST_F(LogManagerTest, FullDiskAtTheStartIsAClearError) {
  machine_.process().disk.fault = [](const DiskOperation& operation) {
    return operation.call == DiskCall::kWrite ? env::DiskError::kNoSpace : env::DiskError::kNone;
  };
  EXPECT_THAT(Open(), HasSubstr("data/meta.properties: cannot be written: no space left"));
}

TEST_F(LogManagerTest, CleanShutdownIsKnownOnceAndOnlyOnce) {
  OpenAndLoad();
  Create(kFirst);
  Append(kFirst, "a");
  EXPECT_TRUE(CloseCleanly());
  LosePower();
  ASSERT_EQ(Open(), "");
  EXPECT_EQ(manager_->previous_shutdown(), env::ShutdownKind::kClean);
  EXPECT_EQ(manager_->previous_broker_epoch(), BrokerEpoch(77));
  EXPECT_THAT(FileNames(), Not(Contains(".kafka_cleanshutdown")));
  LosePower();
  OpenAndLoad();
  EXPECT_EQ(manager_->previous_shutdown(), env::ShutdownKind::kUnclean);
  EXPECT_EQ(manager_->Find(kFirst)->log_end_offset(), Offset(1));
  EXPECT_EQ(manager_->TopicIdOf(kFirst), kTopicId);
}

TEST_F(LogManagerTest, ALogThatCannotBeLoadedIsNotTheEndAndForbidsTheMarker) {
  OpenAndLoad();
  Create(kFirst);
  Create(kSecond);
  Append(kFirst, "a");
  Append(kSecond, "b");
  Kill();
  machine_.process().disk.fault = [](const DiskOperation& operation) {
    const bool hits = operation.call == DiskCall::kRead && operation.path.find("topic-1/0") != std::string::npos;
    return hits ? env::DiskError::kIo : env::DiskError::kNone;
  };
  OpenAndLoad();
  ASSERT_EQ(manager_->failed_logs().size(), 1u);
  EXPECT_EQ(manager_->failed_logs()[0].name, kSecond);
  EXPECT_THAT(manager_->failed_logs()[0].problem, HasSubstr("topic-1"));
  EXPECT_NE(manager_->Find(kFirst), nullptr);
  EXPECT_FALSE(CloseCleanly());
  EXPECT_THAT(FileNames(), Not(Contains(".kafka_cleanshutdown")));
}

TEST_F(LogManagerTest, ForeignThingsAreLeftAlone) {
  ASSERT_EQ(Open(), "");
  Kill();
  machine_.model.CreateDirectory("data/lost+found");
  machine_.model.CreateDirectory("data/topic-0");
  Write("data/readme.txt", "hello");
  Write("data/recovery-point-offset-checkpoint", "garbage");
  Write("data/topic-0/leader-epoch-checkpoint", "garbage");
  Write("data/topic-0/00000000000000000000.log", "garbage");
  OpenAndLoad();
  EXPECT_THAT(FileNames(), testing::IsSupersetOf({"lost+found", "readme.txt"}));
  ASSERT_NE(manager_->Find(kFirst), nullptr);
  EXPECT_EQ(manager_->Find(kFirst)->log_end_offset(), Offset(0));
  EXPECT_EQ(manager_->failed_logs().size(), 0u);
}

TEST_F(LogManagerTest, CheckpointsKeepLogsThatAreNotLoaded) {
  OpenAndLoad();
  Create(kFirst);
  Create(kSecond);
  Append(kFirst, "a");
  Append(kSecond, "b");
  Run([&](fiber::Fiber& self) { EXPECT_TRUE(manager_->CheckpointHighWatermarks(self)); });
  Kill();
  machine_.process().disk.fault = [](const DiskOperation& operation) {
    const bool hits = operation.call == DiskCall::kRead && operation.path.find("topic-1/0") != std::string::npos;
    return hits ? env::DiskError::kIo : env::DiskError::kNone;
  };
  OpenAndLoad();
  Append(kFirst, "c");
  Run([&](fiber::Fiber& self) { EXPECT_TRUE(manager_->CheckpointHighWatermarks(self)); });
  Kill();
  OpenAndLoad();
  EXPECT_EQ(manager_->Find(kFirst)->high_watermark(), Offset(2));
  EXPECT_EQ(manager_->Find(kSecond)->high_watermark(), Offset(1));
}

TEST_F(LogManagerTest, DeletedPartitionIsGoneAndItsNameIsFree) {
  OpenAndLoad();
  Create(kFirst);
  Append(kFirst, "old");
  Run([&](fiber::Fiber& self) {
    manager_->Find(kFirst)->Flush(self);
    EXPECT_TRUE(manager_->CheckpointRecoveryPoints(self));
    EXPECT_TRUE(manager_->Delete(self, kFirst).ok());
    EXPECT_EQ(manager_->Find(kFirst), nullptr);
    const auto again = manager_->Create(self, kFirst, TopicId{7, 8}, {});
    ASSERT_TRUE(again.ok());
    EXPECT_EQ((*again)->log_end_offset(), Offset(0));
    EXPECT_EQ((*again)->MakeFolder(self), LogError::kNone);
    fiber::SleepFor(self, Duration::Seconds(61));
    manager_->RemoveDeletedFiles(self);
  });
  for (const std::string& name : FileNames()) EXPECT_THAT(name, Not(HasSubstr("-delete")));
  LosePower();
  OpenAndLoad();
  EXPECT_EQ(manager_->TopicIdOf(kFirst), (TopicId{7, 8}));
  EXPECT_EQ(manager_->Find(kFirst)->recovery_point(), Offset(0));
}

TEST_F(LogManagerTest, AFolderThatVanishedIsToldAndOneThatWasDeletedIsNot) {
  const TopicPartition vanished{"vanished", PartitionIndex(0)};
  const TopicPartition deleted{"deleted", PartitionIndex(0)};
  OpenAndLoad();
  for (const TopicPartition& name : {vanished, deleted}) {
    Create(name);
    Append(name, "v");
  }
  ASSERT_TRUE(CloseCleanly());
  Kill();
  for (const std::string& file : FileNames("data/vanished-0")) machine_.model.Remove("data/vanished-0/" + file);
  machine_.model.RemoveDirectory("data/vanished-0");
  OpenAndLoad();
  Run([&](fiber::Fiber& self) { ASSERT_TRUE(manager_->Delete(self, deleted).ok()); });
  Create(deleted);
  EXPECT_THAT(machine_.process().log.lines, testing::IsEmpty());
  Create(vanished);
  EXPECT_THAT(machine_.process().log.lines,
              testing::ElementsAre("records that were synced are lost: their folder is gone log=data/vanished-0 "
                                   "synced_up_to=1"));
}

// A process that dies between the two leaves the entry beside the renamed folder (delete_and_recreate, 1500136).
TEST_F(LogManagerTest, ALogWhoseDeletionWasCutOffIsForgotten) {
  OpenAndLoad();
  Create(kFirst);
  Append(kFirst, "v");
  ASSERT_TRUE(CloseCleanly());
  Kill();
  const std::string folder = "data/" + ToString(kFirst);
  machine_.model.Rename(folder, folder + ".0123456789abcdef0123456789abcdef-delete");
  OpenAndLoad();
  Run([&](fiber::Fiber& self) { manager_->RemoveDeletedFiles(self); });
  Create(kFirst);
  EXPECT_THAT(machine_.process().log.lines, testing::IsEmpty());
}

TEST_F(LogManagerTest, ANewLogCanBeginAnywhereBeforeItHasAFolder) {
  OpenAndLoad();
  Create(kFirst);
  Run([&](fiber::Fiber& self) {
    const std::shared_ptr<Log> log = manager_->Find(kFirst);
    EXPECT_EQ(log->StartEpoch(self, LeaderEpoch(3)), LogError::kNone);
    EXPECT_EQ(log->TruncateTo(self, Offset(0)), LogError::kNone);
    EXPECT_EQ(log->TruncateFullyAndStartAt(self, Offset(100)), LogError::kNone);
    EXPECT_EQ(log->log_end_offset(), Offset(100));
  });
  Kill();
  OpenAndLoad();
  EXPECT_EQ(manager_->Find(kFirst)->log_start_offset(), Offset(100));
}

TEST_F(LogManagerTest, RefusesAPartitionOfAnotherTopicId) {
  OpenAndLoad();
  Create(kFirst);
  Run([&](fiber::Fiber& self) {
    EXPECT_TRUE(manager_->Create(self, kFirst, kTopicId, {}).ok());
    const auto other = manager_->Create(self, kFirst, TopicId{1, 1}, {});
    ASSERT_FALSE(other.ok());
    EXPECT_THAT(std::string(base::SV(other.status().message())), HasSubstr("belongs to topic id"));
  });
}

TEST_F(LogManagerTest, ManyPartitionsNeedFewDescriptors) {
  ASSERT_EQ(Open({.directory = "data", .cluster_id = "cluster", .node_id = NodeId(1), .open_files_max = 8}), "");
  Load();
  for (int32_t i = 0; i < 50; ++i) Create({"many", PartitionIndex(i)});
  EXPECT_EQ(manager_->open_file_count(), 0u);
  for (int32_t i = 0; i < 50; ++i) Append({"many", PartitionIndex(i)}, "v");
  EXPECT_LE(manager_->open_file_count(), 8u);
  EXPECT_TRUE(CloseCleanly());
  Kill();
  OpenAndLoad();
  EXPECT_EQ(manager_->Logs().size(), 50u);
  for (const std::shared_ptr<Log>& log : manager_->Logs()) EXPECT_EQ(log->log_end_offset(), Offset(1));
}

TEST_F(LogManagerTest, LogStartOfDeleteRecordsIsDurableOnReturn) {
  OpenAndLoad();
  Create(kFirst);
  for (const char* value : {"a", "b", "c"}) Append(kFirst, value);
  Run([&](fiber::Fiber& self) {
    manager_->Find(kFirst)->Flush(self);
    EXPECT_EQ(manager_->Find(kFirst)->DeleteRecordsBefore(self, Offset(2)), LogError::kNone);
  });
  LosePower();
  OpenAndLoad();
  EXPECT_EQ(manager_->Find(kFirst)->log_start_offset(), Offset(2));
}

TEST_F(LogManagerTest, AnIdlePartitionHasNoFolder) {
  OpenAndLoad();
  Create(kFirst);
  Create(kSecond);
  Run([&](fiber::Fiber& self) {
    EXPECT_EQ(manager_->Find(kFirst)->StartEpoch(self, LeaderEpoch(3)), LogError::kNone);
    EXPECT_TRUE(manager_->CheckpointHighWatermarks(self));
  });
  EXPECT_THAT(FileNames(), Not(Contains(HasSubstr("topic-"))));
  Run([&](fiber::Fiber& self) {
    ByteBuffer batch = OneRecord("a");
    const AppendOptions options{.origin = AppendOrigin::kClient, .leader_epoch = LeaderEpoch(3)};
    EXPECT_TRUE(manager_->Find(kFirst)->Append(self, batch, options).ok());
    manager_->Find(kFirst)->Flush(self);
  });
  LosePower();
  OpenAndLoad();
  EXPECT_EQ(manager_->Find(kSecond), nullptr);
  EXPECT_EQ(manager_->TopicIdOf(kFirst), kTopicId);
  EXPECT_EQ(manager_->Find(kFirst)->latest_epoch(), LeaderEpoch(3));
  EXPECT_EQ(manager_->Find(kFirst)->log_end_offset(), Offset(1));
}

TEST_F(LogManagerTest, APartitionIsDeletedBeforeItHasAFolder) {
  OpenAndLoad();
  Create(kFirst);
  Run([&](fiber::Fiber& self) {
    EXPECT_TRUE(manager_->Delete(self, kFirst).ok());
    EXPECT_TRUE(manager_->Create(self, kFirst, TopicId{7, 8}, {}).ok());
  });
  EXPECT_EQ(manager_->TopicIdOf(kFirst), (TopicId{7, 8}));
  EXPECT_TRUE(CloseCleanly());
  EXPECT_THAT(FileNames(), Not(Contains(HasSubstr("topic-"))));
}

TEST_F(LogManagerTest, AFolderThatCannotBeMadeTakesTheLogOffline) {
  OpenAndLoad();
  Create(kFirst);
  machine_.process().disk.fault = [](const DiskOperation& operation) {
    const bool hits = operation.call == DiskCall::kSync && operation.path.find("topic-0") != std::string::npos;
    return hits ? env::DiskError::kIo : env::DiskError::kNone;
  };
  Run([&](fiber::Fiber& self) {
    ByteBuffer batch = OneRecord("a");
    const AppendOptions options{.origin = AppendOrigin::kClient, .leader_epoch = LeaderEpoch(0)};
    EXPECT_EQ(manager_->Find(kFirst)->Append(self, batch, options).error, AppendError::kOffline);
  });
  EXPECT_TRUE(manager_->Find(kFirst)->is_offline());
  EXPECT_FALSE(CloseCleanly());
}

TEST_F(LogManagerTest, StrayFolderIsSetAside) {
  OpenAndLoad();
  Create(kFirst);
  Append(kFirst, "a");
  Run([&](fiber::Fiber& self) { EXPECT_TRUE(manager_->MarkStray(self, kFirst).ok()); });
  EXPECT_EQ(manager_->Find(kFirst), nullptr);
  Kill();
  OpenAndLoad();
  EXPECT_EQ(manager_->Logs().size(), 0u);
  EXPECT_THAT(FileNames(), Contains(HasSubstr("-stray")));
}

}  // namespace log_manager_test
}  // namespace odradek::storage
