#include "engine/broker/replica_fetcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "engine/base/check.h"
#include "engine/record/batch.h"

namespace odradek::broker {
namespace {

using protocol::ErrorCode;
using FetchedPartition = protocol::FetchResponse::PartitionData;

constexpr int16_t kFollowerStateFrom = 15;
constexpr Timestamp kFollowerWantsLatest{-1};
constexpr Timestamp kFollowerWantsEarliestLocal{-4};
// Kafka's socket.connection.setup.timeout.ms; a node that stops waits for it.
constexpr Duration kConnectTimeoutMax = Duration::Seconds(10);
// Between two tries to reach a leader, also where replica.fetch.backoff.ms is 0.
constexpr Duration kReconnectPauseMin = Duration::Millis(1);

// The whole batches of an answer; false: one is damaged. The last one may be cut off.
bool ReadFetchedBatches(Bytes records, std::vector<replication::FetchedBatch>& batches) {
  record::BatchCursor cursor(records);
  for (;;) {
    const record::BatchCursor::Step step = cursor.Next();
    if (step.found == record::BatchCursor::Found::kEnd) return true;
    if (step.found == record::BatchCursor::Found::kProblem) {
      return step.problem.error == record::BatchError::kTruncated && !batches.empty();
    }
    if (!record::CheckCrc(step.batch)) return false;
    batches.push_back({step.header.base_offset, step.header.next_offset(), step.header.leader_epoch});
  }
}

replication::Fetched ToFetched(const replication::FetchPosition& asked, const FetchedPartition& partition) {
  replication::Fetched fetched;
  fetched.asked = asked;
  fetched.error = static_cast<ErrorCode>(partition.error_code);
  fetched.diverging = {LeaderEpoch(partition.diverging_epoch.epoch), Offset(partition.diverging_epoch.end_offset)};
  fetched.high_watermark = Offset(partition.high_watermark);
  fetched.log_start = Offset(partition.log_start_offset);
  if (partition.records.is_null() || fetched.error != ErrorCode::kNone) return fetched;
  if (!ReadFetchedBatches(partition.records.bytes(), fetched.batches)) fetched.error = ErrorCode::kCorruptMessage;
  return fetched;
}

}  // namespace

ReplicaFetcher::~ReplicaFetcher() {
  CloseConnection();
}

void ReplicaFetcher::Add(std::shared_ptr<PartitionReplica> replica) {
  const TopicPartition name = replica->name();
  replicas_[name] = std::move(replica);
  Wake();
}

void ReplicaFetcher::Remove(const TopicPartition& name) {
  replicas_.erase(name);
}

void ReplicaFetcher::SourcesChanged() {
  const auto at = shared_.sources.find(place_.leader);
  if (connection_ != nullptr && (at == shared_.sources.end() || at->second != connected_to_)) {
    REACHED(env_.context, "broker.replica_fetcher.leader_is_another_process");
    CloseConnection();
  }
  Wake();
}

void ReplicaFetcher::Stop() {
  stopping_ = true;
  CloseConnection();
  Wake();
}

void ReplicaFetcher::CloseConnection() {
  if (connection_ != nullptr) std::exchange(connection_, nullptr)->Close();
}

ReplicaFetcher::AllQuestions ReplicaFetcher::Collect() const {
  AllQuestions all;
  for (const auto& [name, replica] : replicas_) {
    const std::optional<replication::Question> question = replica->NextQuestion();
    if (!question) continue;
    if (const auto* position = std::get_if<replication::FetchPosition>(&*question)) {
      all.positions[name] = {replica, *position};
    } else if (const auto* epoch_end = std::get_if<replication::EpochEndQuestion>(&*question)) {
      all.epoch_ends[name] = {replica, *epoch_end};
    } else {
      all.offsets[name] = {replica, std::get<replication::OffsetsQuestion>(*question)};
    }
  }
  return all;
}

void ReplicaFetcher::Run(fiber::Fiber& self) {
  while (!stopping_) {
    const AllQuestions questions = Collect();
    if (questions.empty()) {
      if (replicas_.empty()) CloseConnection();
      changed_.Wait(self);
      continue;
    }
    const std::shared_ptr<net::ClientConnection> connection = Connect(self);
    if (stopping_) break;
    if (connection == nullptr) {
      Fail(self, questions, ErrorCode::kNetworkException);
      changed_.WaitUntil(self, self.Now() + std::max(shared_.config.fetch_backoff, kReconnectPauseMin));
      continue;
    }
    if (!questions.epoch_ends.empty()) AskEpochEnds(self, *connection, questions.epoch_ends);
    if (!questions.offsets.empty()) AskOffsets(self, *connection, questions.offsets);
    if (!questions.positions.empty()) Fetch(self, *connection, questions.positions);
  }
  CloseConnection();
}

std::shared_ptr<net::ClientConnection> ReplicaFetcher::Connect(fiber::Fiber& self) {
  if (connection_ != nullptr && connection_->is_open()) return connection_;
  const auto at = shared_.sources.find(place_.leader);
  if (at == shared_.sources.end()) return nullptr;
  const FetchSource source = at->second;
  net::ClientConnectionOptions options;
  options.client_id = fmt::format("broker-{}-fetcher-{}", place_.self.value(), place_.number);
  options.request_timeout = shared_.config.socket_timeout;
  options.setup_timeout = std::min(kConnectTimeoutMax, shared_.config.socket_timeout);
  net::ClientConnection::OpenResult opened =
      net::ClientConnection::Open(self, env_, source.address, std::move(options));
  if (opened.connection == nullptr) return nullptr;
  session_ = {};
  connection_ = std::move(opened.connection);
  connected_to_ = source;
  // The metadata may have changed meanwhile.
  const auto now = shared_.sources.find(place_.leader);
  if (stopping_ || now == shared_.sources.end() || now->second != source) CloseConnection();
  return connection_;
}

void ReplicaFetcher::Fail(fiber::Fiber& self, const AllQuestions& questions, ErrorCode error) {
  for (const auto& [name, one] : questions.positions) {
    replication::Fetched fetched;
    fetched.asked = one.asked;
    fetched.error = error;
    one.replica->OnFetched(self, fetched, {});
  }
  for (const auto& [name, one] : questions.epoch_ends) {
    one.replica->OnEpochEnd(self, {.asked = one.asked, .error = error, .end = {}});
  }
  for (const auto& [name, one] : questions.offsets) {
    one.replica->OnOffsets(self, {.asked = one.asked, .error = error});
  }
}

// --- Where the leader's log ends in an epoch: of leaders that do not say so in their answers to Fetch.

void ReplicaFetcher::AskEpochEnds(fiber::Fiber& self, net::ClientConnection& connection,
                                  const Questions<replication::EpochEndQuestion>& questions) {
  protocol::OffsetForLeaderEpochRequest request;
  request.replica_id = place_.self.value();
  for (const auto& [name, one] : questions) {
    if (request.topics.empty() || request.topics.back().topic != name.topic) {
      request.topics.emplace_back().topic = name.topic;
    }
    request.topics.back().partitions.push_back(
        {name.partition.value(), one.asked.current_leader_epoch.value(), one.asked.leader_epoch.value()});
  }
  const auto result =
      connection.Call<protocol::OffsetForLeaderEpochRequest, protocol::OffsetForLeaderEpochResponse>(self, request);
  std::map<TopicPartition, replication::EpochEndAnswered> answers;
  for (const auto& topic : result.response.topics) {
    for (const auto& partition : topic.partitions) {
      replication::EpochEndAnswered& answer = answers[{topic.topic, PartitionIndex(partition.partition)}];
      answer.error = static_cast<ErrorCode>(partition.error_code);
      answer.end = {LeaderEpoch(partition.leader_epoch), Offset(partition.end_offset)};
    }
  }
  for (const auto& [name, one] : questions) {
    const auto at = answers.find(name);
    replication::EpochEndAnswered answer{.asked = one.asked, .error = ErrorCode::kNetworkException, .end = {}};
    if (at != answers.end()) {
      answer = at->second;
      answer.asked = one.asked;
    }
    one.replica->OnEpochEnd(self, answer);
  }
}

// --- Where the leader's log begins and ends.

protocol::ListOffsetsRequest ReplicaFetcher::OffsetsRequest(const Questions<replication::OffsetsQuestion>& questions,
                                                            Timestamp wanted) const {
  protocol::ListOffsetsRequest request;
  request.replica_id = place_.self.value();
  for (const auto& [name, one] : questions) {
    if (request.topics.empty() || request.topics.back().name != name.topic) {
      request.topics.emplace_back().name = name.topic;
    }
    request.topics.back().partitions.push_back(
        {name.partition.value(), one.asked.current_leader_epoch.value(), wanted.value()});
  }
  return request;
}

ReplicaFetcher::Offsets ReplicaFetcher::AskOffset(fiber::Fiber& self, net::ClientConnection& connection,
                                                  const Questions<replication::OffsetsQuestion>& questions,
                                                  Timestamp wanted) const {
  Offsets offsets;
  for (const auto& [name, one] : questions) offsets[name] = {ErrorCode::kNetworkException, kNoOffset};
  const auto result = connection.Call<protocol::ListOffsetsRequest, protocol::ListOffsetsResponse>(
      self, OffsetsRequest(questions, wanted));
  for (const auto& topic : result.response.topics) {
    for (const auto& partition : topic.partitions) {
      const auto at = offsets.find({topic.name, PartitionIndex(partition.partition_index)});
      if (at == offsets.end()) continue;
      at->second = {static_cast<ErrorCode>(partition.error_code), Offset(partition.offset)};
    }
  }
  return offsets;
}

void ReplicaFetcher::AskOffsets(fiber::Fiber& self, net::ClientConnection& connection,
                                const Questions<replication::OffsetsQuestion>& questions) {
  // One after the other: a request may name a partition once.
  const Offsets starts = AskOffset(self, connection, questions, kFollowerWantsEarliestLocal);
  const Offsets ends = AskOffset(self, connection, questions, kFollowerWantsLatest);
  for (const auto& [name, one] : questions) {
    const auto& [start_error, start] = starts.at(name);
    const auto& [end_error, end] = ends.at(name);
    const ErrorCode error = start_error != ErrorCode::kNone ? start_error : end_error;
    one.replica->OnOffsets(self, {.asked = one.asked, .error = error, .log_start = start, .log_end = end});
  }
}

// --- Fetch.

net::FetchSession::Partitions ReplicaFetcher::WantedOf(const Questions<replication::FetchPosition>& questions) const {
  net::FetchSession::Partitions wanted;
  for (const auto& [name, one] : questions) {
    wanted[name] = {.topic_id = one.replica->topic_id(),
                    .fetch_offset = one.asked.fetch_offset,
                    .leader_epoch = one.asked.current_leader_epoch,
                    .last_fetched_epoch = one.asked.last_fetched_epoch,
                    .log_start = one.asked.log_start,
                    .bytes_max = shared_.config.fetch_bytes_max};
    const auto known = session_.partitions().find(name);
    const bool is_same_leader_again =
        known != session_.partitions().end() && known->second.leader_epoch < one.asked.current_leader_epoch;
    if (is_same_leader_again && MUTATION(env_.context, RP12)) wanted[name].last_fetched_epoch = kNoLeaderEpoch;
  }
  return wanted;
}

protocol::FetchRequest ReplicaFetcher::RequestOf(const net::FetchSession::Plan& plan, int16_t version) const {
  protocol::FetchRequest request;
  if (version >= kFollowerStateFrom) {
    request.replica_state = {place_.self.value(), shared_.own_epoch.value()};
  } else {
    request.replica_id = place_.self.value();
  }
  request.max_wait_ms = static_cast<int32_t>(shared_.config.fetch_wait_max.millis());
  request.min_bytes = shared_.config.fetch_bytes_min;
  request.max_bytes = shared_.config.fetch_response_bytes_max;
  request.session_id = plan.session_id;
  request.session_epoch = plan.session_epoch;
  for (const auto& [name, wanted] : plan.send) {
    if (request.topics.empty() || request.topics.back().topic_id != wanted.topic_id) {
      auto& topic = request.topics.emplace_back();
      topic.topic = name.topic;
      topic.topic_id = wanted.topic_id;
    }
    auto& partition = request.topics.back().partitions.emplace_back();
    partition.partition = name.partition.value();
    partition.current_leader_epoch = wanted.leader_epoch.value();
    partition.fetch_offset = wanted.fetch_offset.value();
    partition.last_fetched_epoch = wanted.last_fetched_epoch.value();
    partition.log_start_offset = wanted.log_start.value();
    partition.partition_max_bytes = wanted.bytes_max;
  }
  for (const auto& [name, topic_id] : plan.forget) {
    if (request.forgotten_topics_data.empty() || request.forgotten_topics_data.back().topic_id != topic_id) {
      auto& topic = request.forgotten_topics_data.emplace_back();
      topic.topic = name.topic;
      topic.topic_id = topic_id;
    }
    request.forgotten_topics_data.back().partitions.push_back(name.partition.value());
  }
  return request;
}

void ReplicaFetcher::Fetch(fiber::Fiber& self, net::ClientConnection& connection,
                           const Questions<replication::FetchPosition>& questions) {
  const int16_t version = connection.PickVersion<protocol::FetchRequest>();
  const net::FetchSession::Plan plan = session_.Next(WantedOf(questions));
  const auto result =
      connection.Call<protocol::FetchRequest, protocol::FetchResponse>(self, RequestOf(plan, version), version);
  if (!result.ok()) {
    session_.OnFailure();
    AllQuestions failed;
    failed.positions = questions;
    return Fail(self, failed, ErrorCode::kNetworkException);
  }
  TakeIn(self, result.response, questions);
}

void ReplicaFetcher::TakeIn(fiber::Fiber& self, const protocol::FetchResponse& response,
                            const Questions<replication::FetchPosition>& questions) {
  std::map<TopicId, std::string> names;
  for (const auto& [name, one] : questions) names[one.replica->topic_id()] = name.topic;
  std::map<TopicPartition, const FetchedPartition*> answers;
  net::FetchSession::Answer answer{
      .error = static_cast<ErrorCode>(response.error_code), .session_id = response.session_id, .answered = {}};
  for (const auto& topic : response.responses) {
    const auto by_id = names.find(topic.topic_id);
    const std::string& topic_name = by_id == names.end() ? topic.topic : by_id->second;
    for (const FetchedPartition& partition : topic.partitions) {
      const TopicPartition name{topic_name, PartitionIndex(partition.partition_index)};
      answers[name] = &partition;
      answer.answered.insert(name);
    }
  }
  const bool is_usable = session_.OnAnswer(answer);
  const bool is_about_session = answer.error == ErrorCode::kFetchSessionIdNotFound ||
                                answer.error == ErrorCode::kInvalidFetchSessionEpoch ||
                                answer.error == ErrorCode::kFetchSessionTopicIdError;
  if (!is_usable) {
    REACHED(env_.context, "broker.replica_fetcher.unusable_answer");
    // A new session is opened with the next request.
    if (is_about_session) return;
    AllQuestions failed;
    failed.positions = questions;
    return Fail(self, failed, answer.error == ErrorCode::kNone ? ErrorCode::kUnknownServerError : answer.error);
  }
  for (const auto& [name, partition] : answers) {
    const auto one = questions.find(name);
    if (one == questions.end()) continue;
    const Bytes records = partition->records.is_null() ? Bytes() : partition->records.bytes();
    one->second.replica->OnFetched(self, ToFetched(one->second.asked, *partition), records);
  }
}

}  // namespace odradek::broker
