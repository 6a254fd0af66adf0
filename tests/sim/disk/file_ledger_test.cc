// Why POSIX allows what these tests show: fsync(2) promises nothing about a write before it returns 0, not even an
// order; what is on the platter before is up to the kernel's write-back, which works in pages and sectors and by
// address. See also "All File Systems Are Not Created Equal" (OSDI '14) for reordered and torn writes, and "Can
// Applications Recover from fsync Failures?" (ATC '20) for pages that are marked clean by a failed sync.
#include "sim/disk/file_ledger.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace odradek::sim {
namespace {

std::string Seen(const PagedContent& content) {
  std::string text(static_cast<size_t>(content.size_bytes()), '?');
  content.Read(std::as_writable_bytes(std::span(text)), 0);
  return text;
}

std::string Sectors(std::string_view letters) {
  std::string text;
  for (const char letter : letters) text += std::string(kSectorBytes, letter == '0' ? '\0' : letter);
  return text;
}

void Put(FileLedger& ledger, std::string_view letters, int64_t first_sector) {
  ledger.Write(AsBytes(Sectors(letters)), first_sector * kSectorBytes);
}

void Lose(FileLedger& ledger, uint64_t seed, PowerLossFate fate = PowerLossFate::kDrawn) {
  base::Prng draws(seed);
  ledger.LosePower(draws, fate);
}

// Everything that a loss of power can leave.
template <typename Build>
std::set<std::string> Outcomes(Build build) {
  std::set<std::string> outcomes;
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    FileLedger ledger({});
    build(ledger);
    Lose(ledger, seed);
    std::string letters;
    const std::string bytes = Seen(ledger.visible());
    for (size_t at = 0; at < bytes.size(); at += kSectorBytes) letters += bytes[at] == '\0' ? '0' : bytes[at];
    outcomes.insert(letters);
  }
  return outcomes;
}

TEST(FileLedger, SyncedBytesSurvive) {
  EXPECT_EQ(Outcomes([](FileLedger& ledger) {
              Put(ledger, "abc", 0);
              ledger.Sync(ledger.last_change());
            }),
            std::set<std::string>{"abc"});
}

TEST(FileLedger, UnsyncedSectorsSurviveIndependently) {
  const std::set<std::string> outcomes = Outcomes([](FileLedger& ledger) {
    Put(ledger, "ab", 0);
    ledger.Sync(ledger.last_change());
    Put(ledger, "AB", 0);
  });
  EXPECT_EQ(outcomes, (std::set<std::string>{"ab", "aB", "Ab", "AB"}));
}

TEST(FileLedger, SectorMayBeWrittenBackAtAnyTime) {
  const std::set<std::string> outcomes = Outcomes([](FileLedger& ledger) {
    Put(ledger, "a", 0);
    ledger.Sync(ledger.last_change());
    Put(ledger, "b", 0);
    Put(ledger, "c", 0);
  });
  EXPECT_EQ(outcomes, (std::set<std::string>{"a", "b", "c"}));
}

TEST(FileLedger, LaterAppendMaySurviveWithoutTheEarlierOne) {
  const std::set<std::string> outcomes = Outcomes([](FileLedger& ledger) {
    Put(ledger, "a", 0);
    Put(ledger, "b", 1);
  });
  // The size and the bytes reach the platter separately, hence the zeros.
  EXPECT_EQ(outcomes, (std::set<std::string>{"", "a", "0", "ab", "0b", "a0", "00"}));
}

TEST(FileLedger, SectorBringsEarlierWritesToItAlong) {
  for (uint64_t seed = 0; seed < 500; ++seed) {
    FileLedger ledger({});
    ledger.Write(AsBytes("first"), 0);
    ledger.Write(AsBytes("second"), 5);
    Lose(ledger, seed);
    const std::string seen = Seen(ledger.visible());
    const std::set<std::string> possible = {"",
                                            "first",
                                            std::string(5, '\0'),
                                            "firstsecond",
                                            std::string("first") + std::string(6, '\0'),
                                            std::string(11, '\0')};
    EXPECT_TRUE(possible.contains(seen)) << testing::PrintToString(seen);
  }
}

TEST(FileLedger, CutIsKeptOrLostWithWhatFollowsBehindIt) {
  const std::set<std::string> outcomes = Outcomes([](FileLedger& ledger) {
    Put(ledger, "abc", 0);
    ledger.Sync(ledger.last_change());
    ledger.Truncate(kSectorBytes);
    Put(ledger, "B", 1);
  });
  EXPECT_EQ(outcomes, (std::set<std::string>{"abc", "a", "aB", "a0"}));
}

TEST(FileLedger, ExtensionReadsAsZeros) {
  FileLedger ledger({});
  ledger.Write(AsBytes("abc"), 0);
  ledger.Truncate(1);
  ledger.Truncate(3);
  EXPECT_EQ(Seen(ledger.visible()), std::string("a\0\0", 3));
}

TEST(FileLedger, FailedSyncIsNotMadeGoodByTheNext) {
  FileLedger ledger({});
  Put(ledger, "ab", 0);
  ledger.Sync(ledger.last_change());
  Put(ledger, "B", 1);
  ledger.FailSync(ledger.last_change());
  EXPECT_EQ(Seen(ledger.visible()), Sectors("aB"));
  Put(ledger, "C", 2);
  ledger.Sync(ledger.last_change());
  EXPECT_EQ(Seen(ledger.visible()), Sectors("aBC"));
  Lose(ledger, 0, PowerLossFate::kKeepAll);
  EXPECT_EQ(Seen(ledger.visible()), Sectors("abC"));
}

TEST(FileLedger, EvictionShowsWhatAFailedSyncLost) {
  FileLedger ledger({});
  Put(ledger, "ab", 0);
  ledger.Sync(ledger.last_change());
  Put(ledger, "ABC", 0);
  ledger.FailSync(ledger.last_change());
  Put(ledger, "X", 0);
  EXPECT_TRUE(ledger.has_failed_sync());
  ledger.EvictClean();
  EXPECT_EQ(Seen(ledger.visible()), Sectors("Xb0"));
  ledger.Sync(ledger.last_change());
  EXPECT_FALSE(ledger.has_failed_sync());
  Lose(ledger, 1);
  EXPECT_EQ(Seen(ledger.visible()), Sectors("Xb0"));
}

TEST(FileLedger, RewritingGivenUpBytesSavesThem) {
  FileLedger ledger({});
  Put(ledger, "a", 0);
  ledger.FailSync(ledger.last_change());
  Put(ledger, "a", 0);
  ledger.Sync(ledger.last_change());
  Lose(ledger, 1);
  EXPECT_EQ(Seen(ledger.visible()), Sectors("a"));
}

TEST(FileLedger, SyncCoversNothingThatCameAfterItsStart) {
  FileLedger ledger({});
  Put(ledger, "a", 0);
  const uint64_t start = ledger.last_change();
  Put(ledger, "b", 1);
  ledger.Sync(start);
  Lose(ledger, 1, PowerLossFate::kLoseAll);
  EXPECT_EQ(Seen(ledger.visible()), Sectors("a"));
}

TEST(FileLedger, RottenBitIsSeenUnlessTheSectorIsDirty) {
  FileLedger ledger({});
  Put(ledger, "aa", 0);
  ledger.Sync(ledger.last_change());
  Put(ledger, "b", 1);
  ledger.FlipBit(0, 0);
  ledger.FlipBit(kSectorBytes, 0);
  EXPECT_EQ(Seen(ledger.visible())[0], 'a' ^ 1);
  EXPECT_EQ(Seen(ledger.visible())[kSectorBytes], 'b');
  ledger.Sync(ledger.last_change());
  Lose(ledger, 1);
  EXPECT_EQ(Seen(ledger.visible())[kSectorBytes], 'b');
}

TEST(FileLedger, OldChangesAreWrittenBackWhenTooManyArePending) {
  FileLedger ledger({.pending_bytes_max = 4 * kSectorBytes, .pending_count_max = 3});
  for (int64_t sector = 0; sector < 5; ++sector) Put(ledger, "x", sector);
  EXPECT_EQ(ledger.pending_count(), 3u);
  Lose(ledger, 1, PowerLossFate::kLoseAll);
  EXPECT_EQ(Seen(ledger.visible()), Sectors("xx"));
}

TEST(PagedContent, CopiesDoNotSeeEachOther) {
  PagedContent a;
  a.Write(AsBytes("abc"), kPageBytes - 1);
  PagedContent b = a;
  b.Write(AsBytes("X"), kPageBytes);
  EXPECT_EQ(Seen(a).substr(kPageBytes - 1), "abc");
  EXPECT_EQ(Seen(b).substr(kPageBytes - 1), "aXc");
  EXPECT_EQ(PagedContent::Differences(a, b, 2 * kPageBytes), (std::vector<ByteRange>{{kPageBytes, kPageBytes + 1}}));
}

TEST(PagedContent, HolesTakeNoSpace) {
  PagedContent content;
  content.Write(AsBytes("x"), int64_t{1} << 40);
  EXPECT_EQ(content.allocated_bytes(), kPageBytes);
  content.Resize(0);
  EXPECT_EQ(content.allocated_bytes(), 0);
}

}  // namespace
}  // namespace odradek::sim
