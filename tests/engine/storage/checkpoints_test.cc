#include "engine/storage/checkpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "engine/base/absl_compat.h"
#include "engine/storage/file_names.h"
#include "engine/storage/meta_properties.h"
#include "engine/storage/promises.h"

namespace odradek::storage {
namespace checkpoints_test {

using testing::HasSubstr;

std::string ErrorOf(const absl::Status& status) {
  return std::string(base::SV(status.message()));
}

TEST(OffsetCheckpoint, HasKafkasLayout) {
  const OffsetCheckpoint offsets{{{"a", PartitionIndex(1)}, Offset(5)}, {{"a-b", PartitionIndex(0)}, Offset(0)}};
  EXPECT_EQ(FormatOffsetCheckpoint(offsets), "0\n2\na 1 5\na-b 0 0\n");
  EXPECT_EQ(*ParseOffsetCheckpoint("f", AsBytes(FormatOffsetCheckpoint(offsets))), offsets);
}

TEST(OffsetCheckpoint, NamesFileAndLineOfWhatIsWrong) {
  const auto error = [](std::string_view text) {
    return ErrorOf(ParseOffsetCheckpoint("dir/file", AsBytes(text)).status());
  };
  EXPECT_THAT(error("1\n0\n"), HasSubstr("dir/file:1: version 0 expected"));
  EXPECT_THAT(error("0\n"), HasSubstr("dir/file:1"));
  EXPECT_THAT(error("0\nx\n"), HasSubstr("dir/file:2"));
  EXPECT_THAT(error("0\n1\nt 0\n"), HasSubstr("dir/file:3"));
  EXPECT_THAT(error("0\n1\nt 0 -1\n"), HasSubstr("dir/file:3"));
  EXPECT_THAT(error("0\n2\nt 0 1\n"), HasSubstr("2 entries announced, 1 found"));
  EXPECT_THAT(error("0\n1\nt 0 1\nt 1 1\n"), HasSubstr("dir/file:4: more lines"));
  EXPECT_THAT(error("0\n2\nt 0 1\nt 0 2\n"), HasSubstr("listed twice"));
}

TEST(OffsetCheckpoint, AnEmptyFileHasNoEntries) {
  EXPECT_EQ(*ParseOffsetCheckpoint("f", {}), OffsetCheckpoint{});
}

TEST(EpochCheckpoint, AnEmptyFileIsDamaged) {
  EXPECT_FALSE(ParseEpochCheckpoint("f", {}).ok());
}

TEST(EpochCheckpoint, HasKafkasLayoutAndRises) {
  const std::vector<EpochEntry> entries{{LeaderEpoch(0), Offset(0)}, {LeaderEpoch(3), Offset(17)}};
  EXPECT_EQ(FormatEpochCheckpoint(entries), "0\n2\n0 0\n3 17\n");
  EXPECT_EQ(*ParseEpochCheckpoint("f", AsBytes("0\n2\n0 0\n3 17\n")), entries);
  EXPECT_THAT(ErrorOf(ParseEpochCheckpoint("f", AsBytes("0\n2\n3 0\n2 5\n")).status()), HasSubstr("f:4"));
}

TEST(PartitionMetadata, HasKafkasLayout) {
  const TopicId id{0x0123456789abcdef, 0xfedcba9876543210};
  const std::string text = FormatPartitionMetadata(id);
  EXPECT_EQ(text, "version: 0\ntopic_id: " + id.ToString());
  EXPECT_EQ(*ParsePartitionMetadata("f", AsBytes(text)), id);
  EXPECT_FALSE(ParsePartitionMetadata("f", AsBytes("version: 0\ntopic_id: nonsense")).ok());
}

TEST(MetaProperties, ReadsWhatKafkaWrites) {
  constexpr std::string_view kText =
      "#\n#Sat Nov 21 00:00:00 UTC 2026\ndirectory.id=p4T1DkOYTBGhCNcVZm8p1A\ncluster.id=5L6g3nShT-eMCtK--X86sw\n"
      "version=1\nnode.id=3\n";
  const auto meta = ParseMetaProperties("f", AsBytes(kText));
  ASSERT_TRUE(meta.ok()) << ErrorOf(meta.status());
  EXPECT_EQ(meta->cluster_id, "5L6g3nShT-eMCtK--X86sw");
  EXPECT_EQ(meta->node_id, NodeId(3));
  EXPECT_EQ(meta->directory_id.ToString(), "p4T1DkOYTBGhCNcVZm8p1A");
  EXPECT_EQ(*ParseMetaProperties("f", AsBytes(FormatMetaProperties(*meta))), *meta);
}

TEST(MetaProperties, NamesWhatIsWrong) {
  const auto error = [](std::string_view text) { return ErrorOf(ParseMetaProperties("f", AsBytes(text)).status()); };
  EXPECT_THAT(error(""), HasSubstr("\"version\" is missing"));
  EXPECT_THAT(error("version=7\n"), HasSubstr("f:1: version 7"));
  EXPECT_THAT(error("version=1\nnode.id=x\ncluster.id=a\n"), HasSubstr("f:2: \"x\" is not a node id"));
  EXPECT_THAT(error("version=1\nnonsense\n"), HasSubstr("f: \"node.id\" is missing"));
  EXPECT_THAT(error("version=1\n=\n"), HasSubstr("f:2: a line without a key"));
}

// What stands in a file of an older Kafka, or of a cluster with an unusual name, is written again when it gets a
// directory id.
TEST(MetaProperties, WhatWasReadIsWrittenAsTheSame) {
  for (const std::string_view text :
       {"version=0\nbroker.id=3\ncluster.id=a\n", "version=1\nnode.id=3\ncluster.id=\\ \n",
        "version=1\nnode.id=3\ncluster.id=a\\tb\\\\ \\:=c \n"}) {
    const auto once = ParseMetaProperties("f", AsBytes(text));
    ASSERT_TRUE(once.ok()) << ErrorOf(once.status());
    const auto twice = ParseMetaProperties("f", AsBytes(FormatMetaProperties(*once)));
    ASSERT_TRUE(twice.ok()) << ErrorOf(twice.status());
    EXPECT_EQ(*twice, *once);
  }
}

TEST(CleanShutdown, CarriesTheBrokerEpoch) {
  EXPECT_EQ(FormatCleanShutdown(BrokerEpoch(42)), "{\"version\":0,\"brokerEpoch\":42}");
  EXPECT_EQ(ParseCleanShutdown(AsBytes("{\"version\":0,\"brokerEpoch\":42}")), BrokerEpoch(42));
  EXPECT_EQ(ParseCleanShutdown(AsBytes("{ \"brokerEpoch\": -1, \"version\": 0 }")), BrokerEpoch(-1));
  EXPECT_EQ(ParseCleanShutdown({}), BrokerEpoch(-1));
}

RC_GTEST_PROP(OffsetCheckpoint, ParsingIsTotal, (const std::string& text)) {
  const auto parsed = ParseOffsetCheckpoint("f", AsBytes(text));
  const auto epochs = ParseEpochCheckpoint("f", AsBytes(text));
  const auto meta = ParseMetaProperties("f", AsBytes(text));
  RC_ASSERT(parsed.ok() || !parsed.status().message().empty());
  RC_ASSERT(epochs.ok() || !epochs.status().message().empty());
  RC_ASSERT(meta.ok() || !meta.status().message().empty());
}

TEST(FileNames, AreKafkas) {
  const SegmentFileName name{
      .base_offset = Offset(42), .kind = SegmentFileKind::kTimeIndex, .suffix = FileSuffix::kSwap};
  EXPECT_EQ(ToString(name), "00000000000000000042.timeindex.swap");
  EXPECT_EQ(ParseSegmentFileName("00000000000000000042.timeindex.swap"), name);
  for (const char* other : {"42.log", "0000000000000000004x.log", "00000000000000000042", "00000000000000000042.logs",
                            "99999999999999999999.log", "leader-epoch-checkpoint"}) {
    EXPECT_EQ(ParseSegmentFileName(other), std::nullopt) << other;
  }
}

TEST(FolderNames, TellPartitionsFromWhatWaitsForDeletion) {
  EXPECT_EQ(ParseFolderName("my-topic-12")->partition, (TopicPartition{"my-topic", PartitionIndex(12)}));
  const TopicPartition long_name{std::string(249, 't'), PartitionIndex(7)};
  const std::string marked = MarkedFolderName(long_name, Uuid{1, 2}, FolderKind::kDelete);
  EXPECT_LE(marked.size(), 255u);
  EXPECT_EQ(ParseFolderName(marked)->kind, FolderKind::kDelete);
  EXPECT_EQ(ParseFolderName(MarkedFolderName({"a", PartitionIndex(0)}, Uuid{1, 2}, FolderKind::kStray))->partition,
            (TopicPartition{"a", PartitionIndex(0)}));
  for (const char* other : {"lost+found", "topic", "topic-", "-1", "topic-x", "topic--1"}) {
    EXPECT_FALSE(ParseFolderName(other) && ParseFolderName(other)->kind == FolderKind::kPartition &&
                 ToString(ParseFolderName(other)->partition) == other &&
                 ParseFolderName(other)->partition.topic.back() != '-')
        << other;
  }
}

TEST(Promises, HaveARowForEveryPolicyAndFault) {
  EXPECT_EQ(Promises().size(), 28u);
  for (const Promise& promise : Promises()) {
    EXPECT_EQ(&PromiseFor(promise.policy, promise.fault), &promise);
    EXPECT_FALSE(promise.note.empty());
  }
  EXPECT_EQ(PromiseFor(FlushPolicy::kEveryAppend, StorageFault::kPowerLoss).survives, Survives::kAllAcknowledged);
  EXPECT_EQ(PromiseFor(FlushPolicy::kNever, StorageFault::kPowerLoss).survives, Survives::kAllFlushed);
  EXPECT_THAT(PromisesAsMarkdown(), HasSubstr("| flush.messages = 1 | power loss | all acknowledged |"));
}

TEST(Promises, AreTheTableOfTheReadme) {
  std::ifstream readme("engine/storage/README.md");
  const std::string text((std::istreambuf_iterator<char>(readme)), std::istreambuf_iterator<char>());
  EXPECT_THAT(text, HasSubstr(PromisesAsMarkdown()));
}

TEST(Promises, KnowThePolicyOfAConfiguration) {
  LogConfig config;
  EXPECT_EQ(PolicyOf(config), FlushPolicy::kNever);
  config.flush_ms = Duration::Seconds(1);
  EXPECT_EQ(PolicyOf(config), FlushPolicy::kByInterval);
  config.flush_messages = 100;
  EXPECT_EQ(PolicyOf(config), FlushPolicy::kByMessages);
  config.flush_messages = 1;
  EXPECT_EQ(PolicyOf(config), FlushPolicy::kEveryAppend);
}

}  // namespace checkpoints_test
}  // namespace odradek::storage
