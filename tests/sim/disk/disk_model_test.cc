// Why POSIX allows what these tests show: rename(2) is atomic for those who look on, and says nothing about a crash;
// fsync(2): "Calling fsync() does not necessarily ensure that the entry in the directory containing the file has also
// reached disk. For that an explicit fsync() on a file descriptor for the directory is also needed." That different
// directory operations, and names and contents, reach the disk in any order is what "All File Systems Are Not Created
// Equal" (OSDI '14) found on the file systems that people use.
#include "sim/disk/disk_model.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace odradek::sim {
namespace {

using env::DiskError;
using env::OpenMode;

void PutFile(DiskModel& disk, std::string_view path, std::string_view text) {
  const auto [file, error] = disk.Open(path, OpenMode::kCreate);
  ASSERT_EQ(error, DiskError::kNone);
  EXPECT_EQ(disk.Truncate(*file, 0), DiskError::kNone);
  EXPECT_TRUE(disk.Write(*file, AsBytes(text), 0).ok());
  disk.Close(file);
}

void SyncFile(DiskModel& disk, std::string_view path) {
  disk.Sync(*disk.Find(path));
}

std::string GetFile(const DiskModel& disk, std::string_view path) {
  const InodeRef file = disk.Find(path);
  if (file == nullptr) return "(none)";
  std::string text(static_cast<size_t>(disk.SizeOf(*file)), '?');
  EXPECT_TRUE(disk.Read(*file, std::as_writable_bytes(std::span(text)), 0).ok());
  return text;
}

// "a=text d/b=text" of all files.
std::string AllFiles(const DiskModel& disk) {
  std::string all;
  for (const auto& [path, file] : disk.Files()) {
    if (!all.empty()) all += ' ';
    all += path + "=" + GetFile(disk, path);
  }
  return all;
}

template <typename Build>
std::set<std::string> OutcomesOf(Build build) {
  std::set<std::string> outcomes;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    DiskModel disk({});
    build(disk);
    disk.LosePower(seed, PowerLossFate::kDrawn);
    outcomes.insert(AllFiles(disk));
  }
  return outcomes;
}

std::string Visited(const DiskModel& disk, DiskModel::View view, std::string_view folder) {
  std::string all;
  disk.VisitFiles(view, folder, [&](std::string_view path, const PagedContent& content) {
    std::string text(static_cast<size_t>(content.size_bytes()), '?');
    content.Read(std::as_writable_bytes(std::span(text)), 0);
    all += std::string(path) + "=" + text + ";";
  });
  return all;
}

TEST(DiskModel, ShowsWhatIsSeenAndWhatIsDurable) {
  DiskModel disk({});
  ASSERT_EQ(disk.CreateDirectory("d"), DiskError::kNone);
  PutFile(disk, "d/a", "old");
  SyncFile(disk, "d/a");
  EXPECT_EQ(disk.SyncDirectory("d"), DiskError::kNone);
  EXPECT_EQ(disk.SyncDirectory(""), DiskError::kNone);
  PutFile(disk, "d/a", "new");
  PutFile(disk, "d/b", "more");
  EXPECT_EQ(Visited(disk, DiskModel::View::kSeen, "d"), "a=new;b=more;");
  EXPECT_EQ(Visited(disk, DiskModel::View::kDurable, "d"), "a=old;");
  EXPECT_EQ(Visited(disk, DiskModel::View::kSeen, ""), "d/a=new;d/b=more;");
  EXPECT_EQ(Visited(disk, DiskModel::View::kSeen, "none"), "");
}

TEST(DiskModel, NameOfASyncedFileIsLostWithoutASyncOfTheDirectory) {
  EXPECT_EQ(OutcomesOf([](DiskModel& disk) {
              PutFile(disk, "a", "x");
              SyncFile(disk, "a");
            }),
            (std::set<std::string>{"", "a=x"}));
}

TEST(DiskModel, RenameIsOldOrNewNeverBothOrNeither) {
  EXPECT_EQ(OutcomesOf([](DiskModel& disk) {
              PutFile(disk, "a", "old");
              PutFile(disk, "a.tmp", "new");
              SyncFile(disk, "a");
              SyncFile(disk, "a.tmp");
              disk.SyncDirectory("");
              EXPECT_EQ(disk.Rename("a.tmp", "a"), DiskError::kNone);
            }),
            (std::set<std::string>{"a=old a.tmp=new", "a=new"}));
}

TEST(DiskModel, RenamedFileMayBeEmptyWhenItWasNotSynced) {
  const std::set<std::string> outcomes = OutcomesOf([](DiskModel& disk) {
    PutFile(disk, "a", "old");
    SyncFile(disk, "a");
    disk.SyncDirectory("");
    PutFile(disk, "a.tmp", "new");
    EXPECT_EQ(disk.Rename("a.tmp", "a"), DiskError::kNone);
  });
  EXPECT_TRUE(outcomes.contains("a="));
  EXPECT_TRUE(outcomes.contains(std::string("a=") + std::string(3, '\0')));
  EXPECT_TRUE(outcomes.contains("a=new"));
  EXPECT_TRUE(outcomes.contains("a=old"));
  EXPECT_TRUE(outcomes.contains("a=old a.tmp="));
}

TEST(DiskModel, OperationsOnDifferentNamesSurviveInAnyOrder) {
  EXPECT_EQ(OutcomesOf([](DiskModel& disk) {
              PutFile(disk, "a", "");
              disk.SyncDirectory("");
              EXPECT_EQ(disk.Remove("a"), DiskError::kNone);
              PutFile(disk, "b", "");
            }),
            (std::set<std::string>{"", "a=", "b=", "a= b="}));
}

TEST(DiskModel, FileInADirectoryThatWasNotSyncedItselfIsLost) {
  const std::set<std::string> outcomes = OutcomesOf([](DiskModel& disk) {
    EXPECT_EQ(disk.CreateDirectory("d"), DiskError::kNone);
    PutFile(disk, "d/a", "x");
    SyncFile(disk, "d/a");
    EXPECT_EQ(disk.SyncDirectory("d"), DiskError::kNone);
  });
  EXPECT_EQ(outcomes, (std::set<std::string>{"", "d/a=x"}));
}

TEST(DiskModel, DurableFileIsNeverLostByMoves) {
  EXPECT_EQ(OutcomesOf([](DiskModel& disk) {
              EXPECT_EQ(disk.CreateDirectory("d"), DiskError::kNone);
              PutFile(disk, "d/a", "x");
              SyncFile(disk, "d/a");
              disk.SyncDirectory("d");
              disk.SyncDirectory("");
              EXPECT_EQ(disk.CreateDirectory("e"), DiskError::kNone);
              EXPECT_EQ(disk.Rename("d/a", "e/a"), DiskError::kNone);
              EXPECT_EQ(disk.RemoveDirectory("d"), DiskError::kNone);
            }),
            (std::set<std::string>{"d/a=x", "e/a=x"}));
}

TEST(DiskModel, SyncOfEitherDirectoryMakesARenameDurable) {
  for (const std::string_view synced : {"d", "e"}) {
    DiskModel disk({});
    EXPECT_EQ(disk.CreateDirectory("d"), DiskError::kNone);
    EXPECT_EQ(disk.CreateDirectory("e"), DiskError::kNone);
    PutFile(disk, "d/a", "");
    disk.SyncDirectory("d");
    disk.SyncDirectory("");
    EXPECT_EQ(disk.Rename("d/a", "e/b"), DiskError::kNone);
    EXPECT_EQ(disk.SyncDirectory(synced), DiskError::kNone);
    EXPECT_TRUE(disk.LosePower(1, PowerLossFate::kLoseAll).empty());
    EXPECT_EQ(AllFiles(disk), "e/b=");
  }
}

TEST(DiskModel, RemovedFileCanBeReadUntilItIsClosed) {
  DiskModel disk({});
  PutFile(disk, "a", "text");
  const InodeRef file = disk.Open("a", OpenMode::kReadWrite).file;
  EXPECT_EQ(disk.Remove("a"), DiskError::kNone);
  std::string text(4, '?');
  EXPECT_EQ(disk.Read(*file, std::as_writable_bytes(std::span(text)), 0).size_bytes, 4);
  EXPECT_EQ(text, "text");
  EXPECT_EQ(disk.used_bytes(), kPageBytes);
  disk.Close(file);
  EXPECT_EQ(disk.used_bytes(), 0);
}

TEST(DiskModel, FullDiskTakesAPrefix) {
  DiskModel disk({.capacity_bytes = 2 * kPageBytes + 100});
  PutFile(disk, "a", "x");
  const InodeRef file = disk.Open("a", OpenMode::kReadWrite).file;
  const ByteBuffer bytes(3 * kPageBytes, std::byte{'y'});
  const env::IoResult written = disk.Write(*file, bytes, 1);
  EXPECT_EQ(written.error, DiskError::kNoSpace);
  EXPECT_EQ(written.size_bytes, 2 * kPageBytes - 1);
  EXPECT_EQ(disk.free_bytes(), 0);
  // What has its page is overwritten in place.
  EXPECT_TRUE(disk.Write(*file, Bytes(bytes).first(100), 0).ok());
  EXPECT_EQ(disk.Open("b", OpenMode::kCreate).error, DiskError::kNoSpace);
  EXPECT_EQ(disk.CreateDirectory("d"), DiskError::kNoSpace);
  EXPECT_EQ(disk.Truncate(*file, kPageBytes), DiskError::kNone);
  EXPECT_EQ(disk.free_bytes(), kPageBytes);
  disk.Close(file);
}

TEST(DiskModel, ErrorsAreThoseOfPosix) {
  DiskModel disk({});
  PutFile(disk, "f", "");
  EXPECT_EQ(disk.CreateDirectory("d"), DiskError::kNone);
  PutFile(disk, "d/x", "");
  EXPECT_EQ(disk.Open("none", OpenMode::kReadWrite).error, DiskError::kNotFound);
  EXPECT_EQ(disk.Open("none/x", OpenMode::kCreate).error, DiskError::kNotFound);
  EXPECT_EQ(disk.Open("f/x", OpenMode::kCreate).error, DiskError::kNotADirectory);
  EXPECT_EQ(disk.Open("f/", OpenMode::kCreate).error, DiskError::kNotADirectory);
  EXPECT_EQ(disk.Open("d", OpenMode::kReadOnly).error, DiskError::kIsADirectory);
  EXPECT_EQ(disk.Open("f", OpenMode::kCreateNew).error, DiskError::kExists);
  EXPECT_EQ(disk.Open(std::string(256, 'n'), OpenMode::kCreate).error, DiskError::kNameTooLong);
  EXPECT_EQ(disk.CreateDirectory("f"), DiskError::kExists);
  EXPECT_EQ(disk.RemoveDirectory("d"), DiskError::kNotEmpty);
  EXPECT_EQ(disk.RemoveDirectory("f"), DiskError::kNotADirectory);
  EXPECT_EQ(disk.Remove("d"), DiskError::kIsADirectory);
  EXPECT_EQ(disk.Rename("f", "d"), DiskError::kIsADirectory);
  EXPECT_EQ(disk.Rename("d", "f"), DiskError::kNotADirectory);
  EXPECT_EQ(disk.Rename("d", "d/e"), DiskError::kIo);
  EXPECT_EQ(disk.Rename("none", "f"), DiskError::kNotFound);
  EXPECT_EQ(disk.Rename("f", "f"), DiskError::kNone);
  EXPECT_EQ(disk.CreateDirectory("e"), DiskError::kNone);
  EXPECT_EQ(disk.Rename("e", "d"), DiskError::kNotEmpty);
  EXPECT_EQ(disk.Rename("d", "e"), DiskError::kNone);
  EXPECT_EQ(AllFiles(disk), "e/x= f=");
}

TEST(DiskModel, ReportNamesWhatWasLost) {
  DiskModel disk({});
  PutFile(disk, "kept", "abc");
  SyncFile(disk, "kept");
  PutFile(disk, "tail", "abc");
  SyncFile(disk, "tail");
  disk.SyncDirectory("");
  PutFile(disk, "new", "abc");
  const InodeRef tail = disk.Open("tail", OpenMode::kReadWrite).file;
  EXPECT_TRUE(disk.Write(*tail, AsBytes("de"), 3).ok());
  disk.Close(tail);
  EXPECT_EQ(disk.Rename("tail", "renamed"), DiskError::kNone);
  const PowerLossReport report = disk.LosePower(7, PowerLossFate::kLoseAll);
  EXPECT_EQ(ToString(report),
            "undone: create new\n"
            "undone: rename tail to renamed\n"
            "gone: new\n"
            "changed: renamed, 5 bytes, now 3: [3, 5)\n");
}

TEST(DiskModel, EqualSeedsLoseTheSame) {
  const auto run = [](uint64_t seed) {
    DiskModel disk({});
    for (int i = 0; i < 20; ++i) {
      const std::string name = "f" + std::to_string(i);
      PutFile(disk, name, std::string(3000, 'x'));
      if (i % 3 == 0) disk.SyncDirectory("");
      if (i % 4 == 0) SyncFile(disk, name);
    }
    return ToString(disk.LosePower(seed, PowerLossFate::kDrawn)) + AllFiles(disk);
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

TEST(DiskModel, ManyUnsyncedNamesAreWrittenBack) {
  DiskModel disk({.pending_names_max = 4});
  for (const std::string_view name : {"a", "b", "c", "d", "e"}) PutFile(disk, name, "");
  EXPECT_EQ(disk.pending_operation_count(), 3u);
  disk.LosePower(1, PowerLossFate::kLoseAll);
  EXPECT_EQ(AllFiles(disk), "a= b=");
}

}  // namespace
}  // namespace odradek::sim
