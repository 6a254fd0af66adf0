#include "engine/broker/alter_partition_manager.h"

#include <map>
#include <utility>

#include "engine/protocol/errors.h"

namespace odradek::broker {
namespace {

using protocol::ErrorCode;
using AnsweredPartition = protocol::AlterPartitionResponse::PartitionData;

replication::AlterPartitionAnswered AnswerOf(replication::AttemptId attempt, const AnsweredPartition& partition) {
  replication::AlterPartitionAnswered answer{
      .attempt = attempt, .error = static_cast<ErrorCode>(partition.error_code), .committed = {}};
  if (answer.error != ErrorCode::kNone) return answer;
  answer.committed.leader = NodeId(partition.leader_id);
  answer.committed.leader_epoch = LeaderEpoch(partition.leader_epoch);
  answer.committed.partition_epoch = PartitionEpoch(partition.partition_epoch);
  for (const int32_t id : partition.isr) answer.committed.isr.push_back(NodeId(id));
  answer.committed.recovery = static_cast<replication::LeaderRecoveryState>(partition.leader_recovery_state);
  return answer;
}

}  // namespace

void AlterPartitionManager::Add(IsrProposal proposal) {
  waiting_.push_back(std::move(proposal));
  changed_.WakeAll();
}

void AlterPartitionManager::Run(fiber::Fiber& self) {
  while (!stopping_) {
    if (waiting_.empty()) {
      changed_.Wait(self);
    } else {
      Send(self, std::exchange(waiting_, {}));
    }
  }
  ended_.Set();
}

void AlterPartitionManager::Stop(fiber::Fiber& self) {
  stopping_ = true;
  changed_.WakeAll();
  ended_.Wait(self);
}

protocol::AlterPartitionRequest AlterPartitionManager::RequestOf(const std::vector<IsrProposal>& proposals) const {
  protocol::AlterPartitionRequest request;
  request.broker_id = controller_.node_id().value();
  request.broker_epoch = controller_.broker_epoch().value();
  std::map<TopicId, size_t> index_of;
  for (const IsrProposal& proposal : proposals) {
    const auto [at, is_new] = index_of.emplace(proposal.topic_id, request.topics.size());
    if (is_new) request.topics.emplace_back().topic_id = proposal.topic_id;
    auto& partition = request.topics[at->second].partitions.emplace_back();
    partition.partition_index = proposal.name.partition.value();
    partition.leader_epoch = proposal.change.leader_epoch.value();
    partition.partition_epoch = proposal.change.partition_epoch.value();
    partition.leader_recovery_state = static_cast<int8_t>(proposal.change.recovery);
    for (size_t i = 0; i < proposal.change.isr.size(); ++i) {
      partition.new_isr_with_epochs.push_back(
          {proposal.change.isr[i].value(), proposal.change.broker_epochs[i].value()});
    }
  }
  return request;
}

void AlterPartitionManager::Send(fiber::Fiber& self, std::vector<IsrProposal> proposals) {
  const auto asked = controller_.AskActive<protocol::AlterPartitionResponse>(self, RequestOf(proposals));
  ErrorCode error = asked.error;
  if (error == ErrorCode::kNone) error = static_cast<ErrorCode>(asked.response.error_code);
  std::map<std::pair<TopicId, int32_t>, const AnsweredPartition*> answers;
  for (const auto& topic : asked.response.topics) {
    for (const AnsweredPartition& partition : topic.partitions) {
      answers[{topic.topic_id, partition.partition_index}] = &partition;
    }
  }
  for (IsrProposal& proposal : proposals) {
    const replication::AttemptId attempt = proposal.change.attempt;
    const auto at = answers.find({proposal.topic_id, proposal.name.partition.value()});
    replication::AlterPartitionAnswered answer{.attempt = attempt, .error = error, .committed = {}};
    if (error == ErrorCode::kNone) {
      answer.error = ErrorCode::kUnknownServerError;
      if (at != answers.end()) answer = AnswerOf(attempt, *at->second);
    }
    deliver_(std::move(proposal), std::move(answer));
  }
}

}  // namespace odradek::broker
