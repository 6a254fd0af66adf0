#include "engine/metadata/partition_change.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/metadata/node_ids.h"
#include "tests/engine/metadata/cluster.h"

namespace odradek::metadata {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr PartitionRules kWithoutElr;
constexpr PartitionRules kElrOfTwo{kMetadataVersionMax, PartitionRules::Elr::kOn, 2};

// One partition of brokers 1, 2, 3 in a cluster of them and 4; what is changed about it is computed, not replayed.
class OnePartition {
 public:
  OnePartition() {
    partition_.replicas = Ids({1, 2, 3});
    partition_.isr = Ids({1, 2, 3});
    partition_.directories = {Uuid{9, 1}, Uuid{9, 2}, Uuid{9, 3}};
    partition_.leader = NodeId(1);
    partition_.leader_epoch = LeaderEpoch(5);
    partition_.partition_epoch = PartitionEpoch(7);
  }

  PartitionState& state() { return partition_; }
  PartitionTarget Target() const { return PartitionTarget(partition_); }
  void Fence(NodeId id) { cluster_.Fence(id); }
  std::optional<protocol::PartitionChangeRecord> Change(const PartitionTarget& target, const PartitionRules& rules,
                                                        const BrokerChange& change = {}) {
    const TopicState topic;
    const Candidates candidates(cluster_.image(), change);
    base::NullContext context;
    return ChangePartition({topic, PartitionIndex(0)}, partition_, target, rules, candidates, context);
  }
  PartitionState After(const PartitionTarget& target, const PartitionRules& rules, const BrokerChange& change = {}) {
    PartitionState out = partition_;
    const auto record = Change(target, rules, change);
    if (record) {
      EXPECT_TRUE(Merge(*record, out).ok());
    }
    EXPECT_EQ(StructureProblem(out, rules.min_isr), std::nullopt);
    return out;
  }

 private:
  Cluster cluster_{4};
  PartitionState partition_;
};

TEST(PartitionChange, NothingWantedIsNoRecord) {
  OnePartition p;
  EXPECT_EQ(p.Change(p.Target(), kWithoutElr), std::nullopt);
  EXPECT_EQ(p.Change(p.Target(), kElrOfTwo), std::nullopt);
}

TEST(PartitionChange, SmallerIsrKeepsTheLeaderEpochFromLevel12) {  // SEMANTICS.md 31, KAFKA-15021
  OnePartition p;
  PartitionTarget target = p.Target();
  target.isr = Ids({1, 2});
  EXPECT_EQ(p.After(target, kWithoutElr).leader_epoch, LeaderEpoch(5));
  EXPECT_EQ(p.After(target, {MetadataVersion(12)}).leader_epoch, LeaderEpoch(5));
  EXPECT_EQ(p.After(target, {MetadataVersion(11)}).leader_epoch, LeaderEpoch(6));
  EXPECT_EQ(p.After(target, {MetadataVersion(11)}).leader, NodeId(1));
}

TEST(PartitionChange, LargerIsrKeepsTheLeaderEpochAtEveryLevel) {
  OnePartition p;
  p.state().isr = Ids({1});
  PartitionTarget target = p.Target();
  target.isr = Ids({1, 2});
  EXPECT_EQ(p.After(target, {MetadataVersion(7)}).leader_epoch, LeaderEpoch(5));
  EXPECT_EQ(p.After(target, {MetadataVersion(7)}).partition_epoch, PartitionEpoch(8));
}

TEST(PartitionChange, LeaderStaysWhileItMayLead) {
  OnePartition p;
  p.state().leader = NodeId(2);
  PartitionTarget target = p.Target();
  target.isr = Ids({2, 1});
  EXPECT_EQ(p.After(target, kWithoutElr).leader, NodeId(2));
}

TEST(PartitionChange, PreferredElectionMovesOnlyToALiveIsrMember) {  // SEMANTICS.md 35, KAFKA-9866
  OnePartition p;
  p.state().leader = NodeId(2);
  PartitionTarget target = p.Target();
  target.election = Election::kPreferred;
  EXPECT_EQ(p.After(target, kWithoutElr).leader, NodeId(1));
  target.isr = Ids({2, 3});
  EXPECT_EQ(p.After(target, kWithoutElr).leader, NodeId(2));
  target.isr = Ids({1, 2, 3});
  p.Fence(NodeId(1));
  EXPECT_EQ(p.After(target, kWithoutElr).leader, NodeId(2));
}

TEST(PartitionChange, LeaderLeavesForTheNextOfTheIsr) {
  OnePartition p;
  PartitionTarget target = p.Target();
  target.isr = Ids({3});
  const PartitionState after = p.After(target, kWithoutElr, {BrokerChange::Kind::kLeaves, NodeId(1), {}});
  EXPECT_EQ(after.leader, NodeId(3));
  EXPECT_EQ(after.leader_epoch, LeaderEpoch(6));
  EXPECT_EQ(after.recovery, LeaderRecovery::kRecovered);
}

TEST(PartitionChange, WithoutElrTheLastMemberStaysInTheIsr) {
  OnePartition p;
  p.state().isr = Ids({1});
  PartitionTarget target = p.Target();
  target.isr.clear();
  const PartitionState after = p.After(target, kWithoutElr, {BrokerChange::Kind::kLeaves, NodeId(1), {}});
  EXPECT_THAT(after.isr, ElementsAre(NodeId(1)));
  EXPECT_EQ(after.leader, kNoNode);
}

TEST(PartitionChange, UncleanWinnerIsTheWholeIsrAndRecovers) {  // SEMANTICS.md 31, KIP-704
  OnePartition p;
  p.state().isr = Ids({1});
  PartitionTarget target = p.Target();
  target.isr.clear();
  target.election = Election::kUnclean;
  const PartitionState after = p.After(target, kWithoutElr, {BrokerChange::Kind::kLeaves, NodeId(1), {}});
  EXPECT_EQ(after.leader, NodeId(2));
  EXPECT_THAT(after.isr, ElementsAre(NodeId(2)));
  EXPECT_EQ(after.recovery, LeaderRecovery::kRecovering);
}

TEST(PartitionChange, UncleanElectionPrefersWhoIsClean) {  // BUG_ZOO.md RP33
  OnePartition p;
  p.state().isr = Ids({1, 3});
  PartitionTarget target = p.Target();
  target.isr = Ids({3});
  target.election = Election::kUnclean;
  const PartitionState after = p.After(target, kWithoutElr, {BrokerChange::Kind::kLeaves, NodeId(1), {}});
  EXPECT_EQ(after.leader, NodeId(3));
  EXPECT_EQ(after.recovery, LeaderRecovery::kRecovered);
}

TEST(PartitionChange, MembersLeaveIntoTheElrOnlyBelowTheMinimum) {  // SEMANTICS.md 32, KIP-966
  OnePartition p;
  PartitionTarget target = p.Target();
  target.isr = Ids({1, 2});
  EXPECT_THAT(p.After(target, kElrOfTwo).eligible_leader_replicas, IsEmpty());
  target.isr = Ids({1});
  EXPECT_THAT(p.After(target, kElrOfTwo).eligible_leader_replicas, ElementsAre(NodeId(2), NodeId(3)));
}

TEST(PartitionChange, ElrEndsWhenTheIsrIsLargeEnough) {  // SEMANTICS.md 32, BUG_ZOO.md CT09
  OnePartition p;
  p.state().isr = Ids({1});
  p.state().eligible_leader_replicas = Ids({2});
  PartitionTarget target = p.Target();
  target.isr = Ids({1, 3});
  const PartitionState after = p.After(target, kElrOfTwo);
  EXPECT_THAT(after.isr, ElementsAre(NodeId(1), NodeId(3)));
  EXPECT_THAT(after.eligible_leader_replicas, IsEmpty());
}

TEST(PartitionChange, MinimumIsCappedAtTheReplicaCount) {  // SEMANTICS.md 9
  OnePartition p;
  PartitionTarget target = p.Target();
  target.isr = Ids({1, 2});
  const PartitionRules of_nine{kMetadataVersionMax, PartitionRules::Elr::kOn, 9};
  EXPECT_THAT(p.After(target, of_nine).eligible_leader_replicas, ElementsAre(NodeId(3)));
  p.state().isr = Ids({1, 2});
  p.state().eligible_leader_replicas = Ids({3});
  target = p.Target();
  target.isr = Ids({1, 2, 3});
  EXPECT_THAT(p.After(target, of_nine).eligible_leader_replicas, IsEmpty());
}

TEST(PartitionChange, WithElrTheIsrMayBecomeEmptyAndTheLastLeaderIsKept) {  // KIP-966
  OnePartition p;
  p.state().isr = Ids({1});
  PartitionTarget target = p.Target();
  target.isr.clear();
  const PartitionState after = p.After(target, kElrOfTwo, {BrokerChange::Kind::kLeaves, NodeId(1), {}});
  EXPECT_THAT(after.isr, IsEmpty());
  EXPECT_EQ(after.leader, kNoNode);
  EXPECT_THAT(after.eligible_leader_replicas, ElementsAre(NodeId(1)));
  EXPECT_THAT(after.last_known_elr, ElementsAre(NodeId(1)));
}

TEST(PartitionChange, ElrMemberIsElectedOnlyFromAnEmptyIsr) {  // SEMANTICS.md 32
  OnePartition p;
  p.state().isr = Ids({1});
  p.state().eligible_leader_replicas = Ids({2, 3});
  PartitionTarget target = p.Target();
  target.isr.clear();
  const PartitionState after = p.After(target, kElrOfTwo, {BrokerChange::Kind::kLeaves, NodeId(1), {}});
  EXPECT_EQ(after.leader, NodeId(2));
  EXPECT_THAT(after.isr, ElementsAre(NodeId(2)));
  EXPECT_THAT(after.eligible_leader_replicas, ElementsAre(NodeId(3), NodeId(1)));
  EXPECT_EQ(after.recovery, LeaderRecovery::kRecovered);
  EXPECT_THAT(after.last_known_elr, IsEmpty());
  p.Fence(NodeId(1));
  p.state().leader = kNoNode;
  EXPECT_EQ(p.Change(p.Target(), kElrOfTwo), std::nullopt);  // the ISR has a member, which is not there
}

TEST(PartitionChange, WhoForgetLeaveTheElr) {  // SEMANTICS.md 32, KIP-966
  OnePartition p;
  p.state().isr = Ids({1});
  p.state().eligible_leader_replicas = Ids({2, 3});
  PartitionTarget target = p.Target();
  target.lost = Ids({2});
  const PartitionState after = p.After(target, kElrOfTwo, {BrokerChange::Kind::kForgets, NodeId(2), {}});
  EXPECT_THAT(after.eligible_leader_replicas, ElementsAre(NodeId(3)));
}

TEST(PartitionChange, LastKnownLeaderIsElectedWhenNobodyIsEligible) {  // KIP-966
  OnePartition p;
  p.state().isr.clear();
  p.state().leader = kNoNode;
  p.state().last_known_elr = Ids({2});
  const PartitionState after = p.After(p.Target(), kElrOfTwo);
  EXPECT_EQ(after.leader, NodeId(2));
  EXPECT_THAT(after.isr, ElementsAre(NodeId(2)));
  EXPECT_EQ(after.recovery, LeaderRecovery::kRecovering);
  EXPECT_THAT(after.last_known_elr, IsEmpty());
}

TEST(PartitionChange, LastKnownLeaderThatIsNotThereIsNotElected) {  // BUG_ZOO.md CT07
  OnePartition p;
  p.state().isr.clear();
  p.state().leader = kNoNode;
  p.state().last_known_elr = Ids({2});
  p.Fence(NodeId(2));
  EXPECT_EQ(p.Change(p.Target(), kElrOfTwo), std::nullopt);
}

TEST(PartitionChange, ReassignmentWaitsForAllItsTargets) {  // PROPERTIES.md R16, BUG_ZOO.md RP39
  OnePartition p;
  p.state().replicas = Ids({3, 4, 1, 2});
  p.state().directories = {Uuid{9, 3}, kUnassignedDirectory, Uuid{9, 1}, Uuid{9, 2}};
  p.state().adding_replicas = Ids({4});
  p.state().removing_replicas = Ids({1, 2});
  EXPECT_EQ(p.Change(p.Target(), kWithoutElr), std::nullopt);
  PartitionTarget target = p.Target();
  target.isr = Ids({1, 2, 3, 4});
  const PartitionState after = p.After(target, kWithoutElr);
  EXPECT_THAT(after.replicas, ElementsAre(NodeId(3), NodeId(4)));
  EXPECT_THAT(after.isr, ElementsAre(NodeId(3), NodeId(4)));
  EXPECT_THAT(after.directories, ElementsAre(Uuid(9, 3), kUnassignedDirectory));
  EXPECT_THAT(after.adding_replicas, IsEmpty());
  EXPECT_THAT(after.removing_replicas, IsEmpty());
  EXPECT_EQ(after.leader, NodeId(3));
  EXPECT_EQ(after.leader_epoch, LeaderEpoch(6));
}

TEST(PartitionChange, ReplicaThatGoesRaisesTheLeaderEpochAndLeavesTheElr) {
  OnePartition p;
  p.state().isr = Ids({1});
  p.state().eligible_leader_replicas = Ids({2, 3});
  PartitionTarget target = p.Target();
  target.replicas = Ids({1, 2});
  const PartitionState after = p.After(target, kElrOfTwo);
  EXPECT_EQ(after.leader, NodeId(1));
  EXPECT_EQ(after.leader_epoch, LeaderEpoch(6));
  EXPECT_THAT(after.eligible_leader_replicas, ElementsAre(NodeId(2)));
}

TEST(PartitionChange, DirectoryThatIsNotOnlineDoesNotLead) {  // KIP-858
  OnePartition p;
  p.state().directories = {kLostDirectory, Uuid{8, 8}, Uuid{9, 3}};
  p.state().leader = kNoNode;
  EXPECT_EQ(p.After(p.Target(), kWithoutElr).leader, NodeId(3));
  p.state().directories = {kMigratingDirectory, Uuid{8, 8}, Uuid{9, 3}};
  EXPECT_EQ(p.After(p.Target(), kWithoutElr).leader, NodeId(1));
}

TEST(PartitionChange, NewReplicaOfABrokerWithOneDirectoryIsThere) {
  OnePartition p;
  PartitionTarget target = p.Target();
  target.replicas = Ids({1, 2, 3, 4});
  target.adding_replicas = Ids({4});
  EXPECT_EQ(p.After(target, kWithoutElr).directories.back(), Uuid(9, 4));
  const auto record = p.Change(target, {MetadataVersion(16)});
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->directories, std::nullopt);
}

TEST(PartitionChange, RecordOfAnOldLevelSaysNothingNew) {
  OnePartition p;
  p.state().directories.assign(3, kMigratingDirectory);
  PartitionTarget target = p.Target();
  target.isr = Ids({2});
  ByteBuffer bytes;
  for (const int16_t level : {7, 11, 12, 16, 17, 22, 23, 30}) {
    const auto record = p.Change(target, {MetadataVersion(level)}, {BrokerChange::Kind::kLeaves, NodeId(1), {}});
    ASSERT_TRUE(record.has_value());
    EncodeRecord(*record, MetadataVersion(level), bytes);  // aborts on what the level cannot carry
    EXPECT_EQ(record->eligible_leader_replicas, std::nullopt);
  }
}

// Any target of any partition: the record says what was computed, and the structure holds.
RC_GTEST_PROP(PartitionChangeProperty, RecordLeadsToTheComputedState, ()) {
  Cluster cluster(6);
  for (int id = 1; id <= 6; ++id) {
    if (*rc::gen::inRange(0, 3) == 0) cluster.Fence(NodeId(id));
  }
  const auto subset = [](const std::vector<NodeId>& of) {
    std::vector<NodeId> out;
    for (const NodeId id : of) {
      if (*rc::gen::arbitrary<bool>()) out.push_back(id);
    }
    return out;
  };
  const bool with_elr = *rc::gen::arbitrary<bool>();
  const int32_t min_isr = *rc::gen::inRange(1, 5);
  PartitionState partition;
  partition.replicas = subset(Ids({1, 2, 3, 4, 5, 6}));
  RC_PRE(!partition.replicas.empty());
  for (const NodeId id : partition.replicas)
    partition.directories.push_back(Uuid{9, static_cast<uint64_t>(id.value())});
  partition.isr = subset(partition.replicas);
  if (!with_elr && partition.isr.empty()) partition.isr = {partition.replicas.front()};
  const auto enough = std::min(static_cast<size_t>(min_isr), partition.replicas.size());
  if (with_elr && partition.isr.size() < enough) {
    partition.eligible_leader_replicas = subset(Without(partition.replicas, partition.isr));
  }
  if (!partition.isr.empty() && *rc::gen::arbitrary<bool>()) partition.leader = *rc::gen::elementOf(partition.isr);
  PartitionTarget target(partition);
  target.isr = *rc::gen::arbitrary<bool>() ? subset(partition.replicas) : partition.isr;
  target.election = *rc::gen::element(Election::kOnline, Election::kPreferred, Election::kUnclean);
  target.lost = subset(Without(partition.replicas, target.isr));
  const PartitionRules rules{kMetadataVersionMax, with_elr ? PartitionRules::Elr::kOn : PartitionRules::Elr::kOff,
                             min_isr};
  const BrokerChange nothing;
  const Candidates candidates(cluster.image(), nothing);
  base::NullContext context;
  PartitionState expected = NextState(partition, target, rules, candidates, context);
  const TopicState topic;
  const auto record = ChangePartition({topic, PartitionIndex(0)}, partition, target, rules, candidates, context);
  PartitionState merged = partition;
  if (record) RC_ASSERT(Merge(*record, merged).ok());
  expected.leader_epoch = merged.leader_epoch;
  expected.partition_epoch = merged.partition_epoch;
  RC_ASSERT(merged == expected);
  RC_ASSERT(StructureProblem(merged, min_isr) == std::nullopt);
  if (merged.leader != kNoNode) RC_ASSERT(cluster.image().FindBroker(merged.leader)->is_active());
  if (merged.leader != partition.leader) RC_ASSERT(merged.leader_epoch > partition.leader_epoch);
}

}  // namespace
}  // namespace odradek::metadata
