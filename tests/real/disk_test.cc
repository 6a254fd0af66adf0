#include "engine/real/disk.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/real/real_world.h"

namespace odradek::real {
namespace {

using env::DiskError;
using env::OpenMode;
using testing::ElementsAre;

class RealDiskTest : public testing::Test {
 protected:
  env::Disk& disk() { return world_.env().disk; }

  std::unique_ptr<env::File> Open(fiber::Fiber& self, std::string_view path, OpenMode mode = OpenMode::kCreate) {
    env::OpenResult opened = disk().Open(self, path, mode);
    EXPECT_EQ(opened.error, DiskError::kNone);
    return std::move(opened.file);
  }
  static env::IoResult WriteText(fiber::Fiber& self, env::File& file, std::string_view text, int64_t offset) {
    const Bytes bytes = AsBytes(text);
    return file.WriteAt(self, {&bytes, 1}, offset);
  }
  static std::string ReadText(fiber::Fiber& self, env::File& file, int64_t offset, size_t size_bytes) {
    std::string text(size_bytes, '?');
    const env::IoResult read = file.ReadAt(self, {reinterpret_cast<std::byte*>(text.data()), text.size()}, offset);
    EXPECT_TRUE(read.ok());
    text.resize(static_cast<size_t>(read.size_bytes));
    return text;
  }

  RealWorld world_;
};

TEST_F(RealDiskTest, WritesPartsOneAfterTheOtherAndReadsThemBack) {
  world_.Run([&](fiber::Fiber& self) {
    const auto file = Open(self, "a");
    std::vector<std::string> texts;
    std::vector<Bytes> parts;
    for (int i = 0; i < 2000; ++i) texts.push_back(std::to_string(i) + ",");
    std::string all;
    for (const std::string& text : texts) {
      parts.push_back(AsBytes(text));
      all += text;
    }
    const env::IoResult written = file->WriteAt(self, parts, 3);
    EXPECT_TRUE(written.ok());
    EXPECT_EQ(written.size_bytes, static_cast<int64_t>(all.size()));
    EXPECT_EQ(ReadText(self, *file, 0, 100000), std::string(3, '\0') + all);
    EXPECT_EQ(ReadText(self, *file, 5, 4), (std::string(3, '\0') + all).substr(5, 4));
    EXPECT_EQ(ReadText(self, *file, 1000000, 10), "");
    EXPECT_EQ(file->Size(self).size_bytes, static_cast<int64_t>(all.size()) + 3);
    EXPECT_EQ(file->Sync(self), DiskError::kNone);
    EXPECT_EQ(file->Truncate(self, 5), DiskError::kNone);
    EXPECT_EQ(ReadText(self, *file, 3, 10), "0,");
  });
}

TEST_F(RealDiskTest, ColdReadsRunOffTheShard) {
  world_.Run([&](fiber::Fiber& self) {
    const auto file = Open(self, "a");
    const std::string text(size_t{1} << 20, 'x');
    WriteText(self, *file, text, 0);
    ASSERT_EQ(file->Sync(self), DiskError::kNone);
    auto& real_file = dynamic_cast<RealFile&>(*file);
    posix_fadvise(real_file.fd(), 0, 0, POSIX_FADV_DONTNEED);
    const bool cold = real_file.IsCached(0, static_cast<int64_t>(text.size())) == Cached::kNo;
    const uint64_t before = world_.node().counters().off_shard_calls;
    EXPECT_TRUE(ReadText(self, *file, 0, text.size()) == text);
    EXPECT_EQ(world_.node().counters().off_shard_calls - before, cold ? 1u : 0u);
    EXPECT_TRUE(ReadText(self, *file, 0, text.size()) == text);
    EXPECT_EQ(world_.node().counters().off_shard_calls - before, cold ? 1u : 0u);
  });
}

TEST_F(RealDiskTest, OpenModesAreKept) {
  world_.Run([&](fiber::Fiber& self) {
    EXPECT_EQ(disk().Open(self, "a", OpenMode::kReadOnly).error, DiskError::kNotFound);
    EXPECT_EQ(disk().Open(self, "a", OpenMode::kReadWrite).error, DiskError::kNotFound);
    EXPECT_EQ(disk().Open(self, "a", OpenMode::kCreateNew).error, DiskError::kNone);
    EXPECT_EQ(disk().Open(self, "a", OpenMode::kCreateNew).error, DiskError::kExists);
    EXPECT_EQ(disk().Open(self, "a", OpenMode::kCreate).error, DiskError::kNone);
    EXPECT_EQ(disk().Open(self, "a/b", OpenMode::kCreate).error, DiskError::kNotADirectory);
    EXPECT_EQ(disk().Open(self, std::string(300, 'n'), OpenMode::kCreate).error, DiskError::kNameTooLong);
    const auto read_only = Open(self, "a", OpenMode::kReadOnly);
    EXPECT_FALSE(WriteText(self, *read_only, "x", 0).ok());
  });
}

TEST_F(RealDiskTest, WhatIsNoFileIsNotOpened) {
  ASSERT_EQ(mkfifo((world_.folder() + "/fifo").c_str(), 0600), 0);
  world_.Run([&](fiber::Fiber& self) {
    ASSERT_EQ(disk().CreateDirectory(self, "d"), DiskError::kNone);
    EXPECT_EQ(disk().Open(self, "d", OpenMode::kReadOnly).error, DiskError::kIsADirectory);
    EXPECT_EQ(disk().Open(self, "fifo", OpenMode::kReadOnly).error, DiskError::kIo);
  });
}

TEST_F(RealDiskTest, DirectoriesAreMadeListedRenamedAndRemoved) {
  world_.Run([&](fiber::Fiber& self) {
    EXPECT_EQ(disk().CreateDirectory(self, "d"), DiskError::kNone);
    EXPECT_EQ(disk().CreateDirectory(self, "d"), DiskError::kExists);
    EXPECT_EQ(disk().CreateDirectory(self, "no/d"), DiskError::kNotFound);
    Open(self, "d/b");
    Open(self, "d/a");
    EXPECT_EQ(disk().CreateDirectory(self, "d/c"), DiskError::kNone);
    const env::ListResult list = disk().List(self, "d");
    EXPECT_EQ(list.error, DiskError::kNone);
    EXPECT_THAT(list.entries, ElementsAre(env::DirectoryEntry{"a", env::FileKind::kFile},
                                          env::DirectoryEntry{"b", env::FileKind::kFile},
                                          env::DirectoryEntry{"c", env::FileKind::kDirectory}));
    EXPECT_EQ(disk().RemoveDirectory(self, "d"), DiskError::kNotEmpty);
    EXPECT_EQ(disk().Remove(self, "d/c"), DiskError::kIsADirectory);
    EXPECT_EQ(disk().Remove(self, "d/x"), DiskError::kNotFound);
    EXPECT_EQ(disk().Rename(self, "d/a", "d/b"), DiskError::kNone);
    EXPECT_EQ(disk().Rename(self, "d", "e"), DiskError::kNone);
    EXPECT_EQ(disk().SyncDirectory(self, "e"), DiskError::kNone);
    EXPECT_EQ(disk().SyncDirectory(self, "d"), DiskError::kNotFound);
    EXPECT_EQ(disk().Stat(self, "e").kind, env::FileKind::kDirectory);
    EXPECT_EQ(disk().Stat(self, "e/b").kind, env::FileKind::kFile);
    EXPECT_EQ(disk().Stat(self, "e/a").error, DiskError::kNotFound);
    EXPECT_EQ(disk().Remove(self, "e/b"), DiskError::kNone);
    EXPECT_EQ(disk().RemoveDirectory(self, "e/c"), DiskError::kNone);
    EXPECT_EQ(disk().RemoveDirectory(self, "e"), DiskError::kNone);
    EXPECT_EQ(disk().List(self, "e").error, DiskError::kNotFound);
  });
}

TEST_F(RealDiskTest, ARemovedFileIsStillReadByItsHolder) {
  world_.Run([&](fiber::Fiber& self) {
    const auto file = Open(self, "a");
    WriteText(self, *file, "still here", 0);
    ASSERT_EQ(disk().Remove(self, "a"), DiskError::kNone);
    EXPECT_EQ(ReadText(self, *file, 0, 100), "still here");
  });
}

TEST_F(RealDiskTest, LockExcludesOtherHoldersOfThisAndAnotherProcess) {
  world_.Run([&](fiber::Fiber& self) {
    env::LockResult first = disk().Lock(self, ".lock");
    ASSERT_EQ(first.error, DiskError::kNone);
    EXPECT_EQ(disk().Lock(self, ".lock").error, DiskError::kLocked);
    // As Java's FileChannel.tryLock() asks, in another process.
    const std::string path = world_.folder() + "/.lock";
    const pid_t child = fork();
    if (child == 0) {
      const int fd = open(path.c_str(), O_RDWR);
      struct flock whole {};
      whole.l_type = F_WRLCK;
      _exit(fcntl(fd, F_SETLK, &whole) == 0 ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 1);
    first.lock.reset();
    EXPECT_EQ(disk().Lock(self, ".lock").error, DiskError::kNone);
  });
}

TEST_F(RealDiskTest, AFullDiskIsToldWithWhatWasWritten) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  world_.Run([&](fiber::Fiber& self) {
    // /dev/full is no regular file: a link to it would not be opened. The size limit of a process takes its place.
    const auto file = Open(self, "a");
    signal(SIGXFSZ, SIG_IGN);
    rlimit small = before;
    small.rlim_cur = 10000;
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    const std::string text(20000, 'x');
    const env::IoResult written = WriteText(self, *file, text, 0);
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
    EXPECT_FALSE(written.ok());
    EXPECT_EQ(written.size_bytes, 10000);
  });
}

TEST_F(RealDiskTest, SpaceIsThere) {
  world_.Run([&](fiber::Fiber& self) {
    EXPECT_GT(disk().Space(self, "").free_bytes, 0);
    EXPECT_EQ(disk().Space(self, "no").error, DiskError::kNotFound);
  });
}

TEST(DiskErrorOf, NamesWhatCallersBranchOn) {
  EXPECT_EQ(DiskErrorOf(ENOSPC), DiskError::kNoSpace);
  EXPECT_EQ(DiskErrorOf(EDQUOT), DiskError::kNoSpace);
  EXPECT_EQ(DiskErrorOf(EIO), DiskError::kIo);
  EXPECT_EQ(DiskErrorOf(EMFILE), DiskError::kTooManyOpenFiles);
  EXPECT_EQ(DiskErrorOf(ENFILE), DiskError::kTooManyOpenFiles);
  EXPECT_EQ(DiskErrorOf(EACCES), DiskError::kAccessDenied);
  EXPECT_EQ(DiskErrorOf(EROFS), DiskError::kAccessDenied);
}

TEST_F(RealDiskTest, AKilledFibersSyncIsReapedBeforeItUnwinds) {
  world_.env().scheduler.Spawn("syncer", [&](fiber::Fiber& self) {
    const auto file = Open(self, "a");
    const std::string text(size_t{8} << 20, 'x');
    while (true) {
      WriteText(self, *file, text, 0);
      file->Sync(self);
    }
  });
  world_.Run([&](fiber::Fiber& self) { fiber::SleepFor(self, Duration::Millis(20)); });
  world_.node().Kill();
  EXPECT_EQ(world_.env().scheduler.fiber_count(), 0u);
}

TEST_F(RealDiskTest, ADeadNodeWritesNothing) {
  world_.env().scheduler.Spawn("stubborn", [&](fiber::Fiber& self) {
    const auto file = Open(self, "a");
    try {
      fiber::SleepUntil(self, MonoTime::Never());
    } catch (const fiber::Killed&) {
      WriteText(self, *file, "from the grave", 0);
    }
  });
  world_.Run([&](fiber::Fiber& self) { fiber::SleepFor(self, Duration::Millis(1)); });
  world_.node().Kill();
  EXPECT_EQ(std::filesystem::file_size(world_.folder() + "/a"), 0u);
}

}  // namespace
}  // namespace odradek::real
