#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/env/world.h"

namespace odradek::env_test {
namespace disk_conformance {

using env::DiskError;
using env::OpenMode;
using testing::ElementsAre;

class DiskConformance : public Conformance {
 protected:
  static std::unique_ptr<env::File> Open(fiber::Fiber& self, World& world, std::string_view path,
                                         OpenMode mode = OpenMode::kCreate) {
    env::OpenResult opened = world.disk().Open(self, path, mode);
    EXPECT_EQ(opened.error, DiskError::kNone) << path;
    return std::move(opened.file);
  }
  static env::IoResult Write(fiber::Fiber& self, env::File& file, std::string_view text, int64_t offset) {
    const Bytes part = AsBytes(text);
    return file.WriteAt(self, {&part, 1}, offset);
  }
  static std::string Read(fiber::Fiber& self, env::File& file, int64_t offset, size_t size_bytes) {
    std::string text(size_bytes, '?');
    const env::IoResult read = file.ReadAt(self, std::as_writable_bytes(std::span(text)), offset);
    EXPECT_TRUE(read.ok()) << ToString(read.error);
    text.resize(static_cast<size_t>(read.size_bytes));
    return text;
  }
  static std::string ReadAll(fiber::Fiber& self, World& world, std::string_view path) {
    const auto file = Open(self, world, path, OpenMode::kReadOnly);
    return file == nullptr ? "" : Read(self, *file, 0, 100000);
  }
  static void Make(fiber::Fiber& self, World& world, std::string_view path, std::string_view text) {
    const auto file = Open(self, world, path);
    EXPECT_TRUE(Write(self, *file, text, 0).ok());
  }
};

TEST_P(DiskConformance, WrittenBytesAreReadBack) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    const auto file = Open(self, world, "a");
    std::vector<std::string> texts;
    std::string all;
    for (int i = 0; i < 2000; ++i) {
      texts.push_back(std::to_string(i) + ",");
      all += texts.back();
    }
    std::vector<Bytes> parts;
    for (const std::string& text : texts) parts.push_back(AsBytes(text));
    const env::IoResult written = file->WriteAt(self, parts, 0);
    EXPECT_TRUE(written.ok());
    EXPECT_EQ(written.size_bytes, static_cast<int64_t>(all.size()));
    EXPECT_EQ(Read(self, *file, 0, all.size()), all);
    EXPECT_EQ(Read(self, *file, 4097, 100), all.substr(4097, 100));
    EXPECT_EQ(file->Size(self).size_bytes, static_cast<int64_t>(all.size()));
  });
}

TEST_P(DiskConformance, LaterWriteWins) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    const auto file = Open(self, world, "a");
    Write(self, *file, "aaaaaaaa", 0);
    Write(self, *file, "bbbb", 2);
    Write(self, *file, "c", 3);
    EXPECT_EQ(Read(self, *file, 0, 100), "aabcbbaa");
  });
}

TEST_P(DiskConformance, ReadEndsAtTheEndOfTheFile) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    const auto file = Open(self, world, "a");
    Write(self, *file, "0123456789", 0);
    EXPECT_EQ(Read(self, *file, 7, 100), "789");
    EXPECT_EQ(Read(self, *file, 10, 100), "");
    EXPECT_EQ(Read(self, *file, int64_t{1} << 40, 100), "");
    EXPECT_EQ(Read(self, *file, 3, 0), "");
  });
}

TEST_P(DiskConformance, GapReadsAsZeros) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    const auto file = Open(self, world, "a");
    Write(self, *file, "a", 0);
    Write(self, *file, "b", 10000);
    EXPECT_EQ(Read(self, *file, 0, 20000), "a" + std::string(9999, '\0') + "b");
  });
}

TEST_P(DiskConformance, EmptyWriteDoesNotExtend) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    const auto file = Open(self, world, "a");
    EXPECT_TRUE(Write(self, *file, "", 100).ok());
    EXPECT_TRUE(file->WriteAt(self, {}, 100).ok());
    EXPECT_EQ(file->Size(self).size_bytes, 0);
  });
}

TEST_P(DiskConformance, TruncateForgetsWhatItCutsOff) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    const auto file = Open(self, world, "a");
    Write(self, *file, std::string(9000, 'x'), 0);
    EXPECT_EQ(file->Truncate(self, 3), DiskError::kNone);
    EXPECT_EQ(file->Size(self).size_bytes, 3);
    EXPECT_EQ(file->Truncate(self, 6), DiskError::kNone);
    EXPECT_EQ(Read(self, *file, 0, 100), std::string("xxx\0\0\0", 6));
    Write(self, *file, "y", 8);
    EXPECT_EQ(Read(self, *file, 0, 100), std::string("xxx\0\0\0\0\0y", 9));
    EXPECT_EQ(file->Truncate(self, 0), DiskError::kNone);
    EXPECT_EQ(Read(self, *file, 0, 100), "");
  });
}

TEST_P(DiskConformance, OpenModesAreKept) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    env::Disk& disk = world.disk();
    EXPECT_EQ(disk.Open(self, "a", OpenMode::kReadOnly).error, DiskError::kNotFound);
    EXPECT_EQ(disk.Open(self, "a", OpenMode::kReadWrite).error, DiskError::kNotFound);
    EXPECT_EQ(disk.Open(self, "a", OpenMode::kCreateNew).error, DiskError::kNone);
    EXPECT_EQ(disk.Open(self, "a", OpenMode::kCreateNew).error, DiskError::kExists);
    Write(self, *Open(self, world, "a", OpenMode::kReadWrite), "text", 0);
    EXPECT_EQ(ReadAll(self, world, "a"), "text");
    EXPECT_EQ(Read(self, *Open(self, world, "a", OpenMode::kCreate), 0, 10), "text");
    const auto read_only = Open(self, world, "a", OpenMode::kReadOnly);
    EXPECT_EQ(Write(self, *read_only, "x", 0).error, DiskError::kIo);
    EXPECT_NE(read_only->Truncate(self, 0), DiskError::kNone);
    EXPECT_EQ(ReadAll(self, world, "a"), "text");
  });
}

TEST_P(DiskConformance, HoldersOfAFileSeeEachOther) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    const auto writer = Open(self, world, "a");
    const auto reader = Open(self, world, "a", OpenMode::kReadOnly);
    Write(self, *writer, "text", 0);
    EXPECT_EQ(Read(self, *reader, 0, 10), "text");
    EXPECT_EQ(reader->Size(self).size_bytes, 4);
  });
}

TEST_P(DiskConformance, ErrorsSayWhatIsWrong) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    env::Disk& disk = world.disk();
    Make(self, world, "f", "");
    ASSERT_EQ(disk.CreateDirectory(self, "d"), DiskError::kNone);
    Make(self, world, "d/x", "");
    EXPECT_EQ(disk.Open(self, "d", OpenMode::kReadOnly).error, DiskError::kIsADirectory);
    EXPECT_EQ(disk.Open(self, "d", OpenMode::kCreate).error, DiskError::kIsADirectory);
    EXPECT_EQ(disk.Open(self, "none/x", OpenMode::kCreate).error, DiskError::kNotFound);
    EXPECT_EQ(disk.Open(self, "f/x", OpenMode::kCreate).error, DiskError::kNotADirectory);
    EXPECT_EQ(disk.Open(self, "f/", OpenMode::kReadOnly).error, DiskError::kNotADirectory);
    EXPECT_EQ(disk.Open(self, std::string(256, 'n'), OpenMode::kCreate).error, DiskError::kNameTooLong);
    EXPECT_EQ(disk.CreateDirectory(self, "d"), DiskError::kExists);
    EXPECT_EQ(disk.CreateDirectory(self, "f"), DiskError::kExists);
    EXPECT_EQ(disk.CreateDirectory(self, "none/d"), DiskError::kNotFound);
    EXPECT_EQ(disk.RemoveDirectory(self, "none"), DiskError::kNotFound);
    EXPECT_EQ(disk.RemoveDirectory(self, "f"), DiskError::kNotADirectory);
    EXPECT_EQ(disk.RemoveDirectory(self, "d"), DiskError::kNotEmpty);
    EXPECT_EQ(disk.Remove(self, "none"), DiskError::kNotFound);
    EXPECT_EQ(disk.Remove(self, "d"), DiskError::kIsADirectory);
    EXPECT_EQ(disk.List(self, "none").error, DiskError::kNotFound);
    EXPECT_EQ(disk.List(self, "f").error, DiskError::kNotADirectory);
    EXPECT_EQ(disk.Stat(self, "none").error, DiskError::kNotFound);
    EXPECT_EQ(disk.Stat(self, "f/x").error, DiskError::kNotADirectory);
    EXPECT_EQ(disk.SyncDirectory(self, "none"), DiskError::kNotFound);
    EXPECT_EQ(disk.SyncDirectory(self, "f"), DiskError::kNotADirectory);
    EXPECT_EQ(disk.Lock(self, "none/.lock").error, DiskError::kNotFound);
    EXPECT_EQ(disk.Space(self, "none").error, DiskError::kNotFound);
  });
}

TEST_P(DiskConformance, RenameRefusesWhatPosixRefuses) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    env::Disk& disk = world.disk();
    Make(self, world, "f", "");
    ASSERT_EQ(disk.CreateDirectory(self, "d"), DiskError::kNone);
    ASSERT_EQ(disk.CreateDirectory(self, "e"), DiskError::kNone);
    Make(self, world, "d/x", "");
    EXPECT_EQ(disk.Rename(self, "none", "f"), DiskError::kNotFound);
    EXPECT_EQ(disk.Rename(self, "f", "none/f"), DiskError::kNotFound);
    EXPECT_EQ(disk.Rename(self, "f", "d"), DiskError::kIsADirectory);
    EXPECT_EQ(disk.Rename(self, "d", "f"), DiskError::kNotADirectory);
    EXPECT_EQ(disk.Rename(self, "e", "d"), DiskError::kNotEmpty);
    EXPECT_EQ(disk.Rename(self, "d", "d/y"), DiskError::kIo);
    EXPECT_EQ(disk.Rename(self, "f", "f"), DiskError::kNone);
    EXPECT_EQ(disk.Rename(self, "d", "e"), DiskError::kNone);
    EXPECT_EQ(disk.Stat(self, "e/x").error, DiskError::kNone);
    EXPECT_EQ(disk.Stat(self, "d").error, DiskError::kNotFound);
  });
}

TEST_P(DiskConformance, RenameReplacesAtOnce) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    Make(self, world, "a", "old");
    Make(self, world, "a.tmp", "new");
    const auto old = Open(self, world, "a");
    fiber::TaskGroup group(self);
    // Whoever opens the name meanwhile finds one of the two.
    group.Spawn("reader", [&world](fiber::Fiber& reader) {
      while (true) {
        const std::string seen = ReadAll(reader, world, "a");
        EXPECT_TRUE(seen == "old" || seen == "new") << seen;
        if (seen != "old") return;
        fiber::Yield(reader);
      }
    });
    fiber::SleepFor(self, Duration::Micros(300));
    EXPECT_EQ(world.disk().Rename(self, "a.tmp", "a"), DiskError::kNone);
    group.Join(self);
    EXPECT_EQ(world.disk().Stat(self, "a.tmp").error, DiskError::kNotFound);
    EXPECT_EQ(Read(self, *old, 0, 10), "old");
  });
}

TEST_P(DiskConformance, RemovedFileLivesOnForItsHolders) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    const auto file = Open(self, world, "a");
    Write(self, *file, "text", 0);
    EXPECT_EQ(world.disk().Remove(self, "a"), DiskError::kNone);
    EXPECT_EQ(world.disk().Stat(self, "a").error, DiskError::kNotFound);
    Write(self, *file, "more", 4);
    EXPECT_EQ(Read(self, *file, 0, 10), "textmore");
    EXPECT_EQ(file->Sync(self), DiskError::kNone);
    Make(self, world, "a", "another");
    EXPECT_EQ(Read(self, *file, 0, 10), "textmore");
  });
}

TEST_P(DiskConformance, FileIsFollowedAcrossRenames) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    ASSERT_EQ(world.disk().CreateDirectory(self, "d"), DiskError::kNone);
    const auto file = Open(self, world, "d/a");
    EXPECT_EQ(world.disk().Rename(self, "d", "d-delete"), DiskError::kNone);
    Write(self, *file, "text", 0);
    EXPECT_EQ(ReadAll(self, world, "d-delete/a"), "text");
  });
}

TEST_P(DiskConformance, ListIsSortedByName) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    for (const std::string_view name : {"b", "a", "10", "9", "B"}) Make(self, world, name, "");
    ASSERT_EQ(world.disk().CreateDirectory(self, "c"), DiskError::kNone);
    const env::ListResult list = world.disk().List(self, "");
    EXPECT_EQ(list.error, DiskError::kNone);
    using env::FileKind;
    EXPECT_THAT(list.entries,
                ElementsAre(env::DirectoryEntry{"10", FileKind::kFile}, env::DirectoryEntry{"9", FileKind::kFile},
                            env::DirectoryEntry{"B", FileKind::kFile}, env::DirectoryEntry{"a", FileKind::kFile},
                            env::DirectoryEntry{"b", FileKind::kFile}, env::DirectoryEntry{"c", FileKind::kDirectory}));
    EXPECT_TRUE(world.disk().List(self, "c").entries.empty());
  });
}

TEST_P(DiskConformance, StatTellsKindAndSize) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    Make(self, world, "f", "12345");
    ASSERT_EQ(world.disk().CreateDirectory(self, "d"), DiskError::kNone);
    const env::StatResult file = world.disk().Stat(self, "f");
    EXPECT_EQ(file.kind, env::FileKind::kFile);
    EXPECT_EQ(file.size_bytes, 5);
    EXPECT_EQ(world.disk().Stat(self, "d").kind, env::FileKind::kDirectory);
    EXPECT_EQ(world.disk().Stat(self, "").kind, env::FileKind::kDirectory);
  });
}

TEST_P(DiskConformance, SyncsSucceed) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    ASSERT_EQ(world.disk().CreateDirectory(self, "d"), DiskError::kNone);
    const auto file = Open(self, world, "d/a");
    Write(self, *file, "text", 0);
    EXPECT_EQ(file->Sync(self), DiskError::kNone);
    EXPECT_EQ(file->Sync(self), DiskError::kNone);
    EXPECT_EQ(world.disk().SyncDirectory(self, "d"), DiskError::kNone);
    EXPECT_EQ(world.disk().SyncDirectory(self, ""), DiskError::kNone);
    const env::SpaceResult space = world.disk().Space(self, "d");
    EXPECT_GT(space.free_bytes, 0);
    EXPECT_GE(space.total_bytes, space.free_bytes);
  });
}

TEST_P(DiskConformance, LockExcludesUntilItIsReleased) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    env::LockResult first = world.disk().Lock(self, ".lock");
    EXPECT_EQ(first.error, DiskError::kNone);
    EXPECT_EQ(world.disk().Stat(self, ".lock").error, DiskError::kNone);
    EXPECT_EQ(world.disk().Lock(self, ".lock").error, DiskError::kLocked);
    EXPECT_EQ(world.disk().Lock(self, ".other").error, DiskError::kNone);
    first.lock.reset();
    EXPECT_EQ(world.disk().Lock(self, ".lock").error, DiskError::kNone);
  });
}

TEST_P(DiskConformance, ConcurrentWritersOfDifferentRangesDoNotDisturbEachOther) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    const auto file = Open(self, world, "a");
    fiber::TaskGroup group(self);
    for (int i = 0; i < 10; ++i) {
      group.Spawn("writer", [&file, i](fiber::Fiber& writer) {
        const std::string text(1000, static_cast<char>('a' + i));
        EXPECT_TRUE(Write(writer, *file, text, i * 1000).ok());
        if (i % 3 != 0) return;
        EXPECT_EQ(file->Sync(writer), DiskError::kNone);
      });
    }
    group.Join(self);
    std::string all;
    for (int i = 0; i < 10; ++i) all += std::string(1000, static_cast<char>('a' + i));
    EXPECT_EQ(Read(self, *file, 0, 20000), all);
  });
}

TEST_P(DiskConformance, CancelledFiberLeavesItsCall) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    const auto file = Open(self, world, "a");
    fiber::TaskGroup group(self);
    group.Spawn("syncer", [&file](fiber::Fiber& syncer) {
      while (true) {
        Write(syncer, *file, "text", 0);
        file->Sync(syncer);
      }
    });
    fiber::SleepFor(self, Duration::Millis(2));
    group.Cancel();
    group.Join(self);
    EXPECT_EQ(Read(self, *file, 0, 10), "text");
  });
}

TEST_P(DiskConformance, DyingProcessWritesNothing) {
  ForEachWorld([](World& world) {
    world.env().scheduler.Spawn("stubborn", [&world](fiber::Fiber& self) {
      const auto file = Open(self, world, "a");
      const env::LockResult lock = world.disk().Lock(self, ".lock");
      try {
        fiber::SleepUntil(self, MonoTime::Never());
      } catch (const fiber::Killed&) {
        Write(self, *file, "from the grave", 0);
      }
    });
    EXPECT_TRUE(world.Run([](fiber::Fiber& self) { fiber::SleepFor(self, Duration::Millis(200)); }));
    world.Kill();
    EXPECT_EQ(world.FileSize("a"), 0);
  });
}

ODRADEK_CONFORMANCE_SUITE(DiskConformance);

}  // namespace disk_conformance
}  // namespace odradek::env_test
