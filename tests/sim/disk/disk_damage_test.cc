#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/base/prng.h"
#include "tests/sim/disk/disk_world.h"

namespace odradek::sim {
namespace disk_damage_test {

using env::DiskError;

std::string Contents(const DiskModel& model, DiskModel::View view) {
  std::string all;
  model.VisitFiles(view, "", [&](std::string_view path, const PagedContent& content) {
    std::string bytes(static_cast<size_t>(content.size_bytes()), '?');
    content.Read(std::as_writable_bytes(std::span(bytes)), 0);
    all += std::string(path) + "=" + bytes + ";";
  });
  return all;
}

// A file of whole sectors that is durable, name and all.
void MakeFile(DiskWorld& world, std::string_view path, const std::string& sectors) {
  ASSERT_TRUE(world.Run([&](fiber::Fiber& self) {
    const auto file = OpenFile(self, world.disk(), path);
    for (size_t i = 0; i < sectors.size(); ++i) {
      WriteText(self, *file, std::string(kSectorBytes, sectors[i]), static_cast<int64_t>(i) * kSectorBytes);
    }
    EXPECT_EQ(file->Sync(self), DiskError::kNone);
    EXPECT_EQ(world.disk().SyncDirectory(self, ""), DiskError::kNone);
  }));
}

// The first byte of every sector.
std::string Sectors(DiskWorld& world, std::string_view path) {
  std::string firsts;
  EXPECT_TRUE(world.Run([&](fiber::Fiber& self) {
    const auto file = OpenFile(self, world.disk(), path);
    const std::string text = ReadText(self, *file, 0, 100 * kSectorBytes);
    for (size_t at = 0; at < text.size(); at += kSectorBytes) firsts += text[at];
  }));
  return firsts;
}

std::vector<ByteRange> DamageOf(DiskWorld& world, std::string_view path) {
  return DiskModel::DamageOf(*world.node_disk.model().Find(path));
}

DiskWorld::Options NoEviction(uint64_t seed) {
  return {.kernel = {.seed = seed}, .disk = {.evict_ppm = 0}};
}

TEST(DiskDamage, RotAtRestFlipsOneDurableBitOfAFileThatFits) {
  DiskWorld world;
  MakeFile(world, "a.log", "abcd");
  MakeFile(world, "b.index", "efgh");
  world.node_disk.Inject({.kind = DiskFaultKind::kRotAtRest, .path_part = ".log"});
  ASSERT_EQ(world.node_disk.damages().size(), 1u);
  const DiskDamage& damage = world.node_disk.damages().front();
  EXPECT_EQ(damage.path, "a.log");
  const std::vector<ByteRange> one = {{damage.begin, damage.end}};
  EXPECT_EQ(DamageOf(world, "a.log"), one);
  EXPECT_TRUE(DamageOf(world, "b.index").empty());
  EXPECT_EQ(world.node_disk.model().DamagedFiles(), std::vector<std::string>{"a.log"});
}

TEST(DiskDamage, RotAtRestOfAnEmptyDiskDoesNothing) {
  DiskWorld world;
  world.node_disk.Inject({.kind = DiskFaultKind::kRotAtRest, .count_max = 5});
  EXPECT_TRUE(world.node_disk.damages().empty());
}

TEST(DiskDamage, WhatIsOverwrittenIsNotDamagedAnyMore) {
  DiskWorld world;
  MakeFile(world, "a", "abcd");
  world.node_disk.Inject({.kind = DiskFaultKind::kRotAtRest, .count_max = 8});
  EXPECT_FALSE(DamageOf(world, "a").empty());
  MakeFile(world, "a", "ABCD");
  EXPECT_TRUE(DamageOf(world, "a").empty());
}

TEST(DiskDamage, MisdirectedReadReturnsAnotherSectorOnce) {
  DiskWorld world;
  MakeFile(world, "a", "abcdefgh");
  world.node_disk.Inject({.kind = DiskFaultKind::kMisdirectedRead, .count_max = 1});
  // A sector that is read where it lies is no damage: some draws hit it.
  int wrong_count = 0;
  for (int i = 0; i < 8; ++i) {
    const std::string read = Sectors(world, "a");
    if (read != "abcdefgh") ++wrong_count;
  }
  EXPECT_EQ(wrong_count, 1);
  EXPECT_EQ(world.node_disk.damages().size(), 1u);
  EXPECT_TRUE(world.node_disk.model().DamagedFiles().empty());
}

TEST(DiskDamage, MisdirectedWriteIsSeenAfterTheNextStart) {
  int hidden_count = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    DiskWorld world(NoEviction(seed));
    MakeFile(world, "a", "abcd");
    MakeFile(world, "b", "ef");
    world.node_disk.Inject({.kind = DiskFaultKind::kMisdirectedWrite, .path_part = "b", .count_max = 1});
    MakeFile(world, "b", "EF");
    // A sector that comes down where it belongs is written.
    if (world.node_disk.damages().empty()) continue;
    ASSERT_EQ(world.node_disk.damages().size(), 2u);
    const std::string before = Sectors(world, "a") + Sectors(world, "b");
    if (before == "abcdEF") ++hidden_count;
    world.LosePower();
    world.Boot();
    const std::string after = Sectors(world, "a") + Sectors(world, "b");
    // One of the two was not written; where it came down, something is gone.
    EXPECT_NE(after, "abcdEF");
    EXPECT_TRUE(after[4] == 'e' || after[5] == 'f') << after;
    EXPECT_TRUE(after.find_first_of("EF") < 6) << after;
  }
  EXPECT_GT(hidden_count, 2);
  EXPECT_LT(hidden_count, 18);
}

TEST(DiskDamage, MisdirectedWriteNeedsSomethingToWrite) {
  DiskWorld world;
  MakeFile(world, "a", "a");
  world.node_disk.Inject({.kind = DiskFaultKind::kMisdirectedWrite});
  ASSERT_TRUE(world.Run(
      [&](fiber::Fiber& self) { EXPECT_EQ(OpenFile(self, world.disk(), "a")->Sync(self), DiskError::kNone); }));
  EXPECT_TRUE(world.node_disk.damages().empty());
}

// The twin of a file goes through everything that the file goes through but the damage: the same world without faults
// of the platter ends with the same bytes.
TEST(DiskDamage, RepairedDiskIsAsOneThatWasNeverDamaged) {
  const auto run = [](uint64_t seed, bool damaged) {
    DiskWorld world(NoEviction(seed));
    base::Prng draws(seed);
    for (int step = 0; step < 60; ++step) {
      const std::string path = draws.Below(2) == 0 ? "a" : "b";
      const auto offset = static_cast<int64_t>(draws.Below(6 * kSectorBytes));
      const std::string text(1 + draws.Below(900), static_cast<char>('A' + draws.Below(26)));
      const uint64_t what = draws.Below(10);
      if (damaged && step % 7 == 3) world.node_disk.Inject({.kind = DiskFaultKind::kRotAtRest, .count_max = 3});
      if (damaged && step % 5 == 1) {
        world.node_disk.Inject({.kind = DiskFaultKind::kMisdirectedWrite, .count_max = 1});
      }
      if (what == 9) {
        world.LosePower();
        world.Boot();
        continue;
      }
      EXPECT_TRUE(world.Run([&](fiber::Fiber& self) {
        const auto file = OpenFile(self, world.disk(), path);
        if (what < 5) WriteText(self, *file, text, offset);
        if (what == 5) file->Truncate(self, offset);
        if (what == 6) world.disk().SyncDirectory(self, "");
        if (what >= 7) file->Sync(self);
      }));
    }
    DiskModel& model = world.node_disk.model();
    const std::string intact = Contents(model, DiskModel::View::kIntact);
    world.Crash();
    world.node_disk.Heal();
    world.node_disk.Repair();
    EXPECT_EQ(Contents(model, DiskModel::View::kSeen), intact);
    EXPECT_TRUE(model.DamagedFiles().empty());
    std::string ends = Contents(model, DiskModel::View::kSeen) + Contents(model, DiskModel::View::kDurable);
    world.node_disk.PowerLoss();
    world.Boot();
    return ends + Contents(model, DiskModel::View::kSeen);
  };
  for (uint64_t seed = 1; seed <= 40; ++seed) EXPECT_EQ(run(seed, true), run(seed, false)) << seed;
}

TEST(DiskDamage, IsPartOfTheHistoryHash) {
  const auto hash = [](bool damaged) {
    DiskWorld world;
    MakeFile(world, "a", "abcd");
    if (damaged) world.node_disk.Inject({.kind = DiskFaultKind::kRotAtRest});
    return world.kernel.hash();
  };
  EXPECT_NE(hash(true), hash(false));
  EXPECT_EQ(hash(true), hash(true));
}

TEST(DiskDamage, ObserverIsToldOfEach) {
  class Listener final : public DamageObserver {
   public:
    void OnDamage(NodeIndex, const DiskDamage& damage) override { paths.push_back(damage.path); }
    std::vector<std::string> paths;
  };
  Listener listener;
  DiskWorld world;
  MakeFile(world, "a", "a");
  world.node_disk.SetDamageObserver(&listener);
  world.node_disk.Inject({.kind = DiskFaultKind::kRotAtRest, .count_max = 2});
  EXPECT_EQ(listener.paths, (std::vector<std::string>{"a", "a"}));
}

}  // namespace disk_damage_test
}  // namespace odradek::sim
