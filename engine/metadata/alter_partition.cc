// A partition's leader changes its ISR (KIP-497, KIP-704, KIP-841, KIP-903, KIP-966).
#include <algorithm>
#include <map>
#include <utility>

#include "engine/base/check.h"
#include "engine/metadata/controller.h"
#include "engine/metadata/elections.h"
#include "engine/metadata/node_ids.h"

namespace odradek::metadata {
namespace {

using protocol::ErrorCode;
using IsrRequest = protocol::AlterPartitionRequest::PartitionData;
using IsrAnswer = protocol::AlterPartitionResponse::PartitionData;

// The version from which on a leader says with which epochs it knows the members (KIP-903).
constexpr int16_t kEpochsFrom = 3;
// A member whose epoch the leader does not know.
constexpr BrokerEpoch kAnyEpoch{-1};

struct Member {
  NodeId id;
  BrokerEpoch epoch = kAnyEpoch;
};

std::vector<Member> MembersOf(const IsrRequest& request, int16_t version) {
  std::vector<Member> out;
  if (version < kEpochsFrom) {
    for (const int32_t id : request.new_isr) out.push_back({NodeId(id), kAnyEpoch});
    return out;
  }
  for (const auto& m : request.new_isr_with_epochs) out.push_back({NodeId(m.broker_id), BrokerEpoch(m.broker_epoch)});
  return out;
}

std::vector<NodeId> IdsOf(const std::vector<Member>& members) {
  std::vector<NodeId> out;
  for (const Member& m : members) out.push_back(m.id);
  return out;
}

// A fenced broker, or one that is shutting down, does not join an ISR (KIP-841), nor does a process that started after
// the leader last heard of its predecessor (KIP-903).
bool IsEligibleMember(const Image& image, const Member& member, base::Context& context) {
  const BrokerState* const broker = image.FindBroker(member.id);
  if (broker == nullptr) return false;
  if (!broker->is_active() && !MUTATION(context, RP35)) return false;
  return member.epoch == kAnyEpoch || member.epoch == broker->epoch;
}

// SEMANTICS.md 30, in Kafka's order: what comes first decides the answer, and with it what the leader does.
ErrorCode CheckIsr(const DecisionView& view, NodeId sender, const PartitionState& partition, const IsrRequest& request,
                   int16_t version) {
  // The leader knows more than this controller: a newer one must have told it.
  if (LeaderEpoch(request.leader_epoch) > partition.leader_epoch) return ErrorCode::kNotController;
  if (PartitionEpoch(request.partition_epoch) > partition.partition_epoch) return ErrorCode::kNotController;
  if (LeaderEpoch(request.leader_epoch) < partition.leader_epoch) return ErrorCode::kFencedLeaderEpoch;
  if (sender != partition.leader) return ErrorCode::kInvalidRequest;
  const bool is_of_old_state = PartitionEpoch(request.partition_epoch) < partition.partition_epoch;
  if (is_of_old_state && !MUTATION(view.context, RP38)) return ErrorCode::kInvalidUpdateVersion;
  const std::vector<Member> members = MembersOf(request, version);
  const std::vector<NodeId> isr = IdsOf(members);
  if (isr.empty() || !AreDistinct(isr)) return ErrorCode::kInvalidRequest;
  if (!ContainsAll(partition.replicas, isr) || !Contains(isr, partition.leader)) return ErrorCode::kInvalidRequest;
  if (request.leader_recovery_state < 0 || request.leader_recovery_state > 1) return ErrorCode::kInvalidRequest;
  const auto recovery = static_cast<LeaderRecovery>(request.leader_recovery_state);
  if (recovery == LeaderRecovery::kRecovering) {
    // What it lost is not settled: nobody else can be in sync with it, and it does not begin anew.
    if (isr.size() > 1 || partition.recovery == LeaderRecovery::kRecovered) return ErrorCode::kInvalidRequest;
  }
  const auto is_eligible = [&](const Member& m) { return IsEligibleMember(view.image, m, view.context); };
  return std::all_of(members.begin(), members.end(), is_eligible) ? ErrorCode::kNone : ErrorCode::kIneligibleReplica;
}

// The partitions of one request: it may name one twice, and then the second finds what the first made of it.
class IsrChanges {
 public:
  IsrChanges(const DecisionView& view, const protocol::AlterPartitionRequest& request, int16_t version)
      : view_(view), sender_(request.broker_id), version_(version), candidates_(view.image, change_) {}

  IsrAnswer Alter(const TopicId& topic_id, const IsrRequest& request, std::vector<Record>& records);

 private:
  PartitionState* Find(const TopicState& topic, PartitionIndex index);
  // kNewLeaderElected: changed, but the sender is not the leader any more.
  ErrorCode Change(PartitionAddress at, PartitionState& partition, const IsrRequest& request,
                   std::vector<Record>& records);

  const DecisionView& view_;
  NodeId sender_;
  int16_t version_;
  BrokerChange change_;
  Candidates candidates_;
  std::map<std::pair<TopicId, PartitionIndex>, PartitionState> partitions_;
};

PartitionState* IsrChanges::Find(const TopicState& topic, PartitionIndex index) {
  const auto at = topic.partitions.find(index);
  if (at == topic.partitions.end()) return nullptr;
  return &partitions_.try_emplace({topic.id, index}, at->second).first->second;
}

ErrorCode IsrChanges::Change(PartitionAddress at, PartitionState& partition, const IsrRequest& request,
                             std::vector<Record>& records) {
  const TopicRules rules = RulesOf(view_.image, view_.node, at.topic);
  PartitionTarget target(partition);
  target.isr = IdsOf(MembersOf(request, version_));
  target.recovery = static_cast<LeaderRecovery>(request.leader_recovery_state);
  target.election = rules.election;
  auto changed = ChangePartition(at, partition, target, rules.partition, candidates_, view_.context);
  if (!changed) return ErrorCode::kNone;
  const absl::Status merged = Merge(*changed, partition);
  INVARIANT(merged.ok());
  records.emplace_back(*std::move(changed));
  REACHED(view_.context, "metadata.isr.changed_by_leader");
  // The change completed a reassignment, and the leader was one of the replicas that went.
  return partition.leader == sender_ ? ErrorCode::kNone : ErrorCode::kNewLeaderElected;
}

IsrAnswer IsrChanges::Alter(const TopicId& topic_id, const IsrRequest& request, std::vector<Record>& records) {
  IsrAnswer answer;
  answer.partition_index = request.partition_index;
  const auto refuse = [&](ErrorCode code) {
    answer.error_code = protocol::ToWire(code);
    return answer;
  };
  const TopicState* const topic = view_.image.FindTopicById(topic_id);
  if (topic == nullptr) return refuse(ErrorCode::kUnknownTopicId);
  const PartitionIndex index(request.partition_index);
  PartitionState* const partition = Find(*topic, index);
  if (partition == nullptr) return refuse(ErrorCode::kUnknownTopicOrPartition);
  ErrorCode code = CheckIsr(view_, sender_, *partition, request, version_);
  if (code == ErrorCode::kNone) code = Change({*topic, index}, *partition, request, records);
  if (code != ErrorCode::kNone) return refuse(code);
  answer.leader_id = partition->leader.value();
  answer.leader_epoch = partition->leader_epoch.value();
  answer.isr = ToNumbers(partition->isr);
  answer.leader_recovery_state = static_cast<int8_t>(partition->recovery);
  answer.partition_epoch = partition->partition_epoch.value();
  return answer;
}

}  // namespace

Outcome<protocol::AlterPartitionResponse> Controller::AlterPartition(const protocol::AlterPartitionRequest& request,
                                                                     int16_t version) const {
  Outcome<protocol::AlterPartitionResponse> outcome;
  if (const MaybeFailure failure = CheckEpoch(NodeId(request.broker_id), BrokerEpoch(request.broker_epoch))) {
    outcome.response.error_code = protocol::ToWire(failure->code);
    return outcome;
  }
  const DecisionView decision = view();
  IsrChanges changes(decision, request, version);
  for (const auto& topic : request.topics) {
    auto& answer = outcome.response.topics.emplace_back();
    answer.topic_id = topic.topic_id;
    for (const IsrRequest& partition : topic.partitions) {
      answer.partitions.push_back(changes.Alter(topic.topic_id, partition, outcome.records));
    }
  }
  return outcome;
}

}  // namespace odradek::metadata
