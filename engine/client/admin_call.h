// The templates of Admin: one call until it is answered for good. Included by the files that implement Admin.
#pragma once

#include <algorithm>
#include <concepts>
#include <string>
#include <utility>

#include "engine/client/admin.h"
#include "engine/protocol/generated/delete_topics.h"

namespace odradek::client {

// The status of one part of an answer, in the light of the attempts before it.
inline AdminStatus StatusOf(int16_t error_code, const std::optional<std::string>& message, bool is_unclear) {
  const auto error = static_cast<protocol::ErrorCode>(error_code);
  if (error == protocol::ErrorCode::kNone) return {};
  std::string what(protocol::ErrorName(error));
  if (message && !message->empty()) what += ": " + *message;
  const bool may_be_done =
      is_unclear || error == protocol::ErrorCode::kRequestTimedOut || error == protocol::ErrorCode::kUnknownServerError;
  return {may_be_done ? Outcome::kUnknown : Outcome::kFail, error, std::move(what)};
}

inline AdminStatus LeftOut() {
  return {Outcome::kUnknown, protocol::ErrorCode::kUnknownServerError, "the answer leaves it out"};
}

// How long the controller may take to begin.
inline int32_t TimeoutMillis(const Cluster& cluster) {
  return static_cast<int32_t>(cluster.config().request_timeout.millis());
}

inline std::vector<NodeId> NodeIdsOf(const std::vector<int32_t>& ids) {
  return {ids.begin(), ids.end()};
}

// What has another place in the version that the broker speaks is moved there. Most requests need nothing.
template <typename Request>
Request FittedTo(const Request& request, int16_t version) {
  Request fitted = request;
  if constexpr (std::same_as<Request, protocol::DeleteTopicsRequest>) {
    constexpr int16_t kDeleteTopicsByStateFrom = 6;
    for (const auto& topic : request.topics) {
      if (version < kDeleteTopicsByStateFrom && topic.name) fitted.topic_names.push_back(*topic.name);
    }
    if (!fitted.topic_names.empty()) fitted.topics.clear();
  }
  return fitted;
}

template <typename Request, typename Response, typename ErrorOf>
Admin::Answer<Response> Admin::Call(fiber::Fiber& self, Where where, const Request& request, MonoTime deadline,
                                    ErrorOf error_of) {
  using protocol::ErrorCode;
  const std::shared_ptr<Cluster> cluster = cluster_;
  Answer<Response> answer;
  // Leaders come from metadata, and their callers ask anew.
  if (where.node != kNoNode && where.repeat == Repeat::kUntilDeadline && IsNoBroker(self, where.node, deadline)) {
    answer.status = {Outcome::kFail, ErrorCode::kBrokerNotAvailable,
                     "the cluster has no broker " + std::to_string(where.node.value())};
    return answer;
  }
  for (int64_t failure_count = 1;; ++failure_count) {
    const Cluster::Reached reached = Reach(self, where, deadline);
    auto error = ErrorCode::kNetworkException;
    std::string what = reached.what;
    if (reached.connection != nullptr) {
      const int16_t version = reached.connection->template PickVersion<Request>();
      const Duration left = std::max(deadline - self.Now(), Duration::Millis(1));
      auto result = reached.connection->template Call<Request, Response>(
          self, FittedTo(request, version), version,
          net::ClientConnection::CallOptions{.timeout = std::min(left, cluster->config().request_timeout),
                                             .answer = net::Answer::kExpected,
                                             .keep_alive = nullptr});
      if (result.ok()) {
        error = error_of(result.response);
        const bool may_pass = protocol::IsRetriable(error) && error != ErrorCode::kRequestTimedOut &&
                              error != ErrorCode::kUnknownTopicOrPartition;
        if (!may_pass || where.repeat == Repeat::kNever || self.Now() >= deadline) {
          answer.response = std::move(result.response);
          answer.status = {};
          return answer;
        }
        what = protocol::ErrorName(error);
      } else {
        what = result.what;
        answer.is_unclear = answer.is_unclear || result.delivery == net::Delivery::kMaybeSent;
        if (result.error == net::CallError::kTimedOut) error = ErrorCode::kRequestTimedOut;
        if (result.error == net::CallError::kUnsupportedVersion) error = ErrorCode::kUnsupportedVersion;
        if (result.error == net::CallError::kNotEncodable) error = ErrorCode::kInvalidRequest;
      }
    }
    answer.status = {answer.is_unclear ? Outcome::kUnknown : Outcome::kFail, error, std::move(what)};
    if (!protocol::IsRetriable(error) || where.repeat == Repeat::kNever) return answer;
    cluster->RequestUpdate();
    if (!SleepBeforeRetry(self, failure_count, deadline)) return answer;
  }
}

template <typename Value>
std::map<NodeId, std::map<TopicPartition, Value>> Admin::ByLeader(fiber::Fiber& self,
                                                                  const std::map<TopicPartition, Value>& partitions,
                                                                  MonoTime deadline) {
  const std::shared_ptr<Cluster> cluster = cluster_;
  for (const auto& [tp, value] : partitions) cluster->AddTopic(tp.topic);
  const auto has_leader = [&cluster](const auto& entry) {
    return cluster->metadata().LeaderOf(entry.first).node != kNoNode;
  };
  while (!std::ranges::all_of(partitions, has_leader)) {
    const uint64_t version = cluster->metadata_version();
    cluster->RequestUpdate();
    cluster->WaitForUpdate(self, version, deadline);
    if (cluster->is_stopped() || self.Now() >= deadline) break;
  }
  std::map<NodeId, std::map<TopicPartition, Value>> by_leader;
  for (const auto& [tp, value] : partitions) {
    const Leader leader = cluster->metadata().LeaderOf(tp);
    if (leader.node != kNoNode) by_leader[leader.node][tp] = value;
  }
  return by_leader;
}

template <typename Value, typename Ask, typename StatusOfPartition>
void Admin::AskLeaders(fiber::Fiber& self, std::map<TopicPartition, Value> partitions, MonoTime deadline, Ask ask,
                       StatusOfPartition status_of) {
  for (int64_t failure_count = 1; !partitions.empty(); ++failure_count) {
    for (const auto& [node, of_node] : ByLeader(self, partitions, deadline)) ask(node, of_node);
    std::erase_if(partitions, [&status_of](const auto& entry) {
      const AdminStatus& status = status_of(entry.first);
      return status.ok() || !protocol::IsRetriable(status.error);
    });
    cluster_->RequestUpdate();
    if (!SleepBeforeRetry(self, failure_count, deadline)) return;
  }
}

}  // namespace odradek::client
