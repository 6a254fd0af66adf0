#include "engine/client/list_offsets.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/client/outcome.h"
#include "engine/protocol/generated/list_offsets.h"

namespace odradek::client {
namespace {

using protocol::ErrorCode;
using protocol::ListOffsetsRequest;
using protocol::ListOffsetsResponse;

// Before this version the special timestamp -3 would be taken for a time (KIP-734).
constexpr int16_t kMaxTimestampFrom = 7;

struct ListOffsetsCall {
  std::vector<TopicPartition> partitions;
  ConnectionPtr connection;
  net::PendingCallPtr call;
};

ListOffsetsRequest MakeListOffsetsRequest(const Cluster& cluster, IsolationLevel isolation,
                                          const std::vector<std::pair<TopicPartition, Timestamp>>& questions,
                                          const std::map<TopicPartition, LeaderEpoch>& epochs) {
  ListOffsetsRequest request;
  request.replica_id = -1;
  request.isolation_level = static_cast<int8_t>(isolation);
  request.timeout_ms = static_cast<int32_t>(cluster.config().request_timeout.millis());
  for (const auto& [tp, timestamp] : questions) {
    if (request.topics.empty() || request.topics.back().name != tp.topic) {
      request.topics.emplace_back();
      request.topics.back().name = tp.topic;
    }
    auto& partition = request.topics.back().partitions.emplace_back();
    partition.partition_index = tp.partition.value();
    partition.current_leader_epoch = epochs.at(tp).value();
    partition.timestamp = timestamp.value();
  }
  return request;
}

void TakeListOffsetsAnswer(const ListOffsetsResponse& response, ListedOffsets& answers) {
  for (const auto& topic : response.topics) {
    for (const auto& partition : topic.partitions) {
      const auto found = answers.find({topic.name, PartitionIndex(partition.partition_index)});
      if (found == answers.end()) continue;
      const auto error = static_cast<ErrorCode>(partition.error_code);
      found->second = {.error = error,
                       .what = std::string(error == ErrorCode::kNone ? "" : protocol::ErrorName(error)),
                       .offset = Offset(partition.offset),
                       .timestamp = Timestamp(partition.timestamp),
                       .leader_epoch = LeaderEpoch(partition.leader_epoch)};
    }
  }
}

}  // namespace

ListedOffsets ListOffsetsOnce(fiber::Fiber& self, Cluster& cluster, IsolationLevel isolation,
                              const OffsetQuestions& questions) {
  ListedOffsets answers;
  std::map<NodeId, std::vector<std::pair<TopicPartition, Timestamp>>> by_leader;
  std::map<TopicPartition, LeaderEpoch> epochs;
  for (const auto& question : questions) {
    const TopicPartition& tp = question.first;
    answers[tp] = {.error = ErrorCode::kLeaderNotAvailable, .what = "no leader is known"};
    const Leader leader = cluster.metadata().LeaderOf(tp);
    if (leader.node == kNoNode) {
      cluster.RequestUpdate();
      continue;
    }
    by_leader[leader.node].push_back(question);
    epochs[tp] = leader.epoch;
  }
  std::vector<ListOffsetsCall> calls;
  for (const auto& [node, asked] : by_leader) {
    const MonoTime deadline = self.Now() + cluster.config().request_timeout;
    const Cluster::Reached reached = cluster.Connect(self, node, Purpose::kRequests, deadline);
    if (reached.connection == nullptr) {
      for (const auto& [tp, timestamp] : asked) {
        answers[tp] = {.error = ErrorCode::kNetworkException, .what = reached.what};
      }
      continue;
    }
    ListOffsetsCall call{.connection = reached.connection};
    const auto version = call.connection->PickVersion<ListOffsetsRequest>();
    std::vector<std::pair<TopicPartition, Timestamp>> understood;
    for (const auto& question : asked) {
      if (question.second == kMaxTimestampOffset && version < kMaxTimestampFrom) {
        answers[question.first] = {.error = ErrorCode::kUnsupportedVersion,
                                   .what = "the broker does not know the offset of the largest timestamp"};
        continue;
      }
      call.partitions.push_back(question.first);
      understood.push_back(question);
    }
    if (understood.empty()) continue;
    call.call = call.connection->Start(MakeListOffsetsRequest(cluster, isolation, understood, epochs), version, {});
    calls.push_back(std::move(call));
  }
  for (const ListOffsetsCall& call : calls) {
    const auto result = call.connection->Await<ListOffsetsResponse>(self, call.call);
    for (const TopicPartition& tp : call.partitions) {
      answers[tp] = {.error = result.error == net::CallError::kUnsupportedVersion ? ErrorCode::kUnsupportedVersion
                                                                                  : ErrorCode::kNetworkException,
                     .what = result.ok() ? "the answer leaves the partition out" : result.what};
    }
    if (result.ok()) TakeListOffsetsAnswer(result.response, answers);
  }
  for (const auto& [tp, answer] : answers) {
    if (CallsForMetadata(answer.error)) cluster.RequestUpdate();
  }
  return answers;
}

ListedOffsets ListOffsets(fiber::Fiber& self, Cluster& cluster, IsolationLevel isolation, OffsetQuestions questions,
                          MonoTime deadline) {
  ListedOffsets answers;
  int64_t failure_count = 0;
  while (true) {
    for (auto& [tp, answer] : ListOffsetsOnce(self, cluster, isolation, questions)) {
      const bool is_final = answer.ok() || !protocol::IsRetriable(answer.error);
      answers[tp] = std::move(answer);
      if (is_final) questions.erase(tp);
    }
    if (questions.empty() || self.Now() >= deadline || cluster.is_stopped()) return answers;
    ++failure_count;
    const MonoTime again_at = self.Now() + cluster.RetryBackoff(failure_count);
    fiber::SleepUntil(self, std::min(again_at, deadline));
  }
}

}  // namespace odradek::client
