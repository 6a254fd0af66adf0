#include "sim/disk/sim_disk.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "tests/sim/disk/disk_world.h"

namespace odradek::sim {
namespace sim_disk_test {

using env::DiskError;

// Every call suspends.
DiskOptions SlowOptions() {
  DiskOptions options;
  options.read.inline_ppm = 0;
  options.write.inline_ppm = 0;
  options.metadata.inline_ppm = 0;
  return options;
}

TEST(SimDisk, EqualSeedsGiveEqualHistories) {
  const auto run = [](uint64_t seed) {
    DiskWorld world({.kernel = {.seed = seed}});
    for (int i = 0; i < 4; ++i) {
      world.Spawn([&world, i](fiber::Fiber& self) {
        const auto file = OpenFile(self, world.disk(), "f" + std::to_string(i % 2));
        for (int n = 0; n < 50; ++n) {
          WriteText(self, *file, "text " + std::to_string(n * i), n * 5);
          if (n % 10 != 0) continue;
          EXPECT_EQ(file->Sync(self), DiskError::kNone);
        }
      });
    }
    world.RunFor(Duration::Millis(5));
    world.LosePower();
    return std::pair(world.kernel.hash(), ToString(world.node_disk.last_loss()));
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1).first, run(2).first);
}

TEST(SimDisk, ProcessCrashKeepsWhatWasWritten) {
  DiskWorld world;
  ASSERT_TRUE(world.Run([&](fiber::Fiber& self) {
    const auto file = OpenFile(self, world.disk(), "a");
    WriteText(self, *file, "text", 0);
  }));
  world.Crash();
  world.Boot();
  ASSERT_TRUE(world.Run(
      [&](fiber::Fiber& self) { EXPECT_EQ(ReadText(self, *OpenFile(self, world.disk(), "a"), 0, 10), "text"); }));
}

TEST(SimDisk, DeadProcessLeavesNoHandleAndNoLock) {
  DiskWorld world({.disk = SlowOptions()});
  world.Spawn([&](fiber::Fiber& self) {
    const auto file = OpenFile(self, world.disk(), "a");
    const env::LockResult lock = world.disk().Lock(self, ".lock");
    EXPECT_EQ(lock.error, DiskError::kNone);
    while (true) file->Sync(self);
  });
  world.RunFor(Duration::Seconds(1));
  EXPECT_EQ(world.node_disk.open_count(), 3u);  // file, lock, call
  world.Crash();
  EXPECT_EQ(world.node_disk.open_count(), 0u);
  world.Boot();
  ASSERT_TRUE(
      world.Run([&](fiber::Fiber& self) { EXPECT_EQ(world.disk().Lock(self, ".lock").error, DiskError::kNone); }));
}

// A crash in the middle of write(2) leaves a part of it: POSIX makes writes atomic towards readers, not towards death.
TEST(SimDisk, CrashInTheMiddleOfAWriteLeavesAPrefix) {
  std::set<size_t> sizes;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    DiskWorld world({.kernel = {.seed = seed}, .disk = SlowOptions()});
    const std::string text = "0123456789";
    world.Spawn([&](fiber::Fiber& self) {
      const auto file = OpenFile(self, world.disk(), "a");
      WriteText(self, *file, text, 0);
      fiber::SleepUntil(self, MonoTime::Never());
    });
    world.RunFor(Duration::Micros(120));
    world.Crash();
    world.RunFor(Duration::Seconds(1));
    const InodeRef file = world.node_disk.model().Find("a");
    std::string seen(file == nullptr ? 0 : static_cast<size_t>(world.node_disk.model().SizeOf(*file)), '?');
    if (file != nullptr) world.node_disk.model().Read(*file, std::as_writable_bytes(std::span(seen)), 0);
    EXPECT_EQ(seen, text.substr(0, seen.size()));
    sizes.insert(seen.size());
  }
  EXPECT_GT(sizes.size(), 5u);
}

TEST(SimDisk, DyingFiberHasNoEffect) {
  DiskWorld world;
  world.Spawn([&](fiber::Fiber& self) {
    const auto file = OpenFile(self, world.disk(), "a");
    try {
      fiber::SleepUntil(self, MonoTime::Never());
    } catch (const fiber::Killed&) {
      WriteText(self, *file, "from the grave", 0);
    }
  });
  world.RunFor(Duration::Seconds(1));
  const Hash128 before = world.kernel.hash();
  world.Crash();
  EXPECT_EQ(world.kernel.hash(), before);
  EXPECT_EQ(world.node_disk.model().Stat("a").size_bytes, 0);
}

TEST(SimDisk, SyncMakesBytesSurviveALossOfPower) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    DiskWorld world({.kernel = {.seed = seed}});
    ASSERT_TRUE(world.Run([&](fiber::Fiber& self) {
      const auto file = OpenFile(self, world.disk(), "a");
      WriteText(self, *file, "synced", 0);
      EXPECT_EQ(file->Sync(self), DiskError::kNone);
      EXPECT_EQ(world.disk().SyncDirectory(self, ""), DiskError::kNone);
    }));
    world.LosePower();
    EXPECT_TRUE(world.node_disk.last_loss().empty());
    world.Boot();
    ASSERT_TRUE(world.Run(
        [&](fiber::Fiber& self) { EXPECT_EQ(ReadText(self, *OpenFile(self, world.disk(), "a"), 0, 10), "synced"); }));
  }
}

// fsync(2) is about what was written before the call; what another fiber writes meanwhile may or may not be covered.
TEST(SimDisk, SyncDoesNotCoverWhatIsWrittenWhileItRuns) {
  DiskWorld world({.disk = {.sync = {.min = Duration::Millis(5), .max = Duration::Millis(5), .slow_ppm = 0}}});
  std::unique_ptr<env::File> file;
  ASSERT_TRUE(world.Run([&](fiber::Fiber& self) { file = OpenFile(self, world.disk(), "a"); }));
  world.node_disk.model().SyncDirectory("");
  world.Spawn([&](fiber::Fiber& self) { EXPECT_EQ(file->Sync(self), DiskError::kNone); });
  world.RunFor(Duration::Micros(100));
  ASSERT_TRUE(world.Run([&](fiber::Fiber& self) { WriteText(self, *file, "late", 0); }));
  file.reset();
  world.node_disk.SetPowerLossFate(PowerLossFate::kLoseAll);
  world.LosePower();
  ASSERT_EQ(world.node_disk.last_loss().contents.size(), 1u);
  EXPECT_EQ(world.node_disk.last_loss().contents[0].changed, (std::vector<ByteRange>{{0, 4}}));
}

// "Can Applications Recover from fsync Failures?" (ATC '20): the pages are clean after the failure, so the second sync
// has nothing to do and succeeds, and a restarted process reads from the page cache what is not on the platter.
TEST(SimDisk, SyncThatFollowsAFailedOneSucceedsAndSavesNothing) {
  DiskWorld world({.disk = {.evict_ppm = 0}});
  world.node_disk.Inject({.kind = DiskFaultKind::kSyncError, .path_part = "log", .count_max = 1});
  ASSERT_TRUE(world.Run([&](fiber::Fiber& self) {
    const auto file = OpenFile(self, world.disk(), "log");
    EXPECT_EQ(world.disk().SyncDirectory(self, ""), DiskError::kNone);
    WriteText(self, *file, "lost", 0);
    EXPECT_EQ(file->Sync(self), DiskError::kIo);
    EXPECT_EQ(ReadText(self, *file, 0, 4), "lost");
    EXPECT_EQ(file->Sync(self), DiskError::kNone);
  }));
  world.Crash();
  world.Boot();
  ASSERT_TRUE(world.Run([&](fiber::Fiber& self) {
    const auto file = OpenFile(self, world.disk(), "log");
    EXPECT_EQ(ReadText(self, *file, 0, 4), "lost");
    EXPECT_EQ(file->Sync(self), DiskError::kNone);
  }));
  world.node_disk.SetPowerLossFate(PowerLossFate::kKeepAll);
  world.LosePower();
  world.Boot();
  ASSERT_TRUE(world.Run([&](fiber::Fiber& self) {
    EXPECT_EQ(ReadText(self, *OpenFile(self, world.disk(), "log"), 0, 4), std::string(4, '\0'));
  }));
}

TEST(SimDisk, CleanPagesOfAFailedSyncAreEvictedAtSomeTime) {
  DiskWorld world;
  world.node_disk.Inject({.kind = DiskFaultKind::kSyncError, .count_max = 1});
  ASSERT_TRUE(world.Run([&](fiber::Fiber& self) {
    const auto file = OpenFile(self, world.disk(), "log");
    WriteText(self, *file, "lost", 0);
    EXPECT_EQ(file->Sync(self), DiskError::kIo);
    int reads = 0;
    while (ReadText(self, *file, 0, 4) == "lost" && reads < 1000) ++reads;
    EXPECT_GT(reads, 0);
    EXPECT_LT(reads, 1000);
  }));
}

TEST(SimDisk, InjectedErrorsHitWhatTheyName) {
  DiskWorld world;
  world.node_disk.Inject({.kind = DiskFaultKind::kWriteError, .path_part = "bad", .count_max = 1});
  world.node_disk.Inject({.kind = DiskFaultKind::kReadError, .path_part = "bad", .count_max = 1});
  ASSERT_TRUE(world.Run([&](fiber::Fiber& self) {
    const auto good = OpenFile(self, world.disk(), "good");
    EXPECT_TRUE(WriteText(self, *good, "text", 0).ok());
    EXPECT_EQ(world.disk().Open(self, "bad", env::OpenMode::kCreate).error, DiskError::kIo);
    const auto bad = OpenFile(self, world.disk(), "bad");
    EXPECT_TRUE(WriteText(self, *bad, "text", 0).ok());
    std::string text(4, '?');
    EXPECT_EQ(bad->ReadAt(self, std::as_writable_bytes(std::span(text)), 0).error, DiskError::kIo);
    EXPECT_EQ(ReadText(self, *bad, 0, 4), "text");
  }));
}

TEST(SimDisk, FailedWriteLeavesTheReportedPrefix) {
  std::set<int64_t> prefixes;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    DiskWorld world({.kernel = {.seed = seed}});
    ASSERT_TRUE(world.Run([&](fiber::Fiber& self) {
      const auto file = OpenFile(self, world.disk(), "a");
      world.node_disk.Inject({.kind = seed % 2 == 0 ? DiskFaultKind::kNoSpace : DiskFaultKind::kWriteError});
      const env::IoResult written = WriteText(self, *file, "0123456789", 0);
      EXPECT_EQ(written.error, seed % 2 == 0 ? DiskError::kNoSpace : DiskError::kIo);
      EXPECT_EQ(file->Size(self).size_bytes, written.size_bytes);
      prefixes.insert(written.size_bytes);
    }));
  }
  EXPECT_GT(prefixes.size(), 5u);
}

TEST(SimDisk, HungOperationsReturnAfterHeal) {
  DiskWorld world;
  world.node_disk.Inject({.kind = DiskFaultKind::kHang, .path_part = "a"});
  bool done = false;
  world.Spawn([&](fiber::Fiber& self) {
    OpenFile(self, world.disk(), "a");
    done = true;
  });
  world.RunFor(Duration::Seconds(100));
  EXPECT_FALSE(done);
  const std::vector<env::OpenCall> calls = world.disk().OpenCalls(world.kernel.Now() - Duration::Seconds(50));
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].path, "a");
  EXPECT_EQ(calls[0].what, "open");
  EXPECT_TRUE(world.disk().OpenCalls(calls[0].since).empty());
  world.node_disk.Heal();
  world.RunFor(Duration::Seconds(1));
  EXPECT_TRUE(done);
  EXPECT_TRUE(world.disk().OpenCalls(world.kernel.Now()).empty());
}

TEST(SimDisk, HungOperationsDieWithTheProcess) {
  DiskWorld world;
  world.node_disk.Inject({.kind = DiskFaultKind::kHang});
  world.Spawn([&](fiber::Fiber& self) { OpenFile(self, world.disk(), "a"); });
  world.RunFor(Duration::Seconds(1));
  world.Crash();
  world.node_disk.Heal();
  EXPECT_EQ(world.node_disk.model().Stat("a").error, DiskError::kNotFound);
}

TEST(SimDisk, SlowDiskTakesItsTime) {
  DiskWorld world;
  world.node_disk.Inject({.kind = DiskFaultKind::kSlow, .delay = Duration::Seconds(2)});
  ASSERT_TRUE(world.Run([&](fiber::Fiber& self) {
    const MonoTime before = self.Now();
    OpenFile(self, world.disk(), "a");
    EXPECT_GE(self.Now() - before, Duration::Seconds(2));
  }));
}

TEST(SimDisk, RottenBitStays) {
  DiskWorld world;
  ASSERT_TRUE(world.Run([&](fiber::Fiber& self) {
    const auto file = OpenFile(self, world.disk(), "a");
    const std::string text(1000, 'x');
    WriteText(self, *file, text, 0);
    EXPECT_EQ(file->Sync(self), DiskError::kNone);
    world.node_disk.Inject({.kind = DiskFaultKind::kBitRot, .count_max = 1});
    const std::string rotten = ReadText(self, *file, 0, 1000);
    EXPECT_NE(rotten, text);
    EXPECT_EQ(ReadText(self, *file, 0, 1000), rotten);
  }));
}

TEST(SimDisk, FullDiskRecoversWhenSpaceIsMade) {
  DiskWorld world;
  world.node_disk.SetCapacity(2 * kPageBytes);
  ASSERT_TRUE(world.Run([&](fiber::Fiber& self) {
    auto file = OpenFile(self, world.disk(), "a");
    EXPECT_EQ(WriteText(self, *file, std::string(3 * kPageBytes, 'x'), 0).error, DiskError::kNoSpace);
    EXPECT_EQ(world.disk().Space(self, "").free_bytes, 0);
    EXPECT_EQ(world.disk().Space(self, "").total_bytes, 2 * kPageBytes);
    EXPECT_EQ(world.disk().Remove(self, "a"), DiskError::kNone);
    EXPECT_EQ(world.disk().Open(self, "b", env::OpenMode::kCreate).error, DiskError::kNoSpace);
    file.reset();
    EXPECT_EQ(world.disk().Open(self, "b", env::OpenMode::kCreate).error, DiskError::kNone);
  }));
}

TEST(SimDisk, OpenFilesAreLimited) {
  DiskWorld world({.disk = {.open_files_max = 1}});
  ASSERT_TRUE(world.Run([&](fiber::Fiber& self) {
    const auto file = OpenFile(self, world.disk(), "a");
    EXPECT_EQ(world.disk().Open(self, "b", env::OpenMode::kCreate).error, DiskError::kTooManyOpenFiles);
  }));
}

TEST(SimDisk, ObserverSeesOperationsAndTraceNamesThem) {
  class Counter final : public DiskObserver {
   public:
    void OnDiskOperation(NodeIndex, DiskOperation operation, std::string_view path) override {
      if (operation == DiskOperation::kSync && path == "a") ++syncs;
    }
    int syncs = 0;
  };
  Counter counter;
  TraceRing trace(100);
  DiskWorld world;
  world.kernel.SetTrace(&trace);
  world.node_disk.SetObserver(&counter);
  ASSERT_TRUE(world.Run([&](fiber::Fiber& self) {
    const auto file = OpenFile(self, world.disk(), "a");
    WriteText(self, *file, "text", 3);
    EXPECT_EQ(file->Sync(self), DiskError::kNone);
  }));
  EXPECT_EQ(counter.syncs, 1);
  std::vector<std::string> texts;
  for (const TraceEntry& entry : trace.entries()) {
    if (entry.kind == TraceKind::kDisk) texts.push_back(entry.text);
  }
  EXPECT_EQ(texts, (std::vector<std::string>{"open a", "write a [3, 7)", "sync a"}));
}

TEST(SimDisk, WipedDiskIsEmpty) {
  DiskWorld world;
  ASSERT_TRUE(world.Run([&](fiber::Fiber& self) { OpenFile(self, world.disk(), "a"); }));
  world.Crash();
  world.node_disk.Wipe();
  world.Boot();
  ASSERT_TRUE(world.Run([&](fiber::Fiber& self) { EXPECT_TRUE(world.disk().List(self, "").entries.empty()); }));
}

}  // namespace sim_disk_test
}  // namespace odradek::sim
