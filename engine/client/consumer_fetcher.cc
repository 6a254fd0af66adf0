// The consumer's background work: what is fetched, looked up and validated, and what becomes of the answers.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "engine/base/check.h"
#include "engine/client/consumer_core.h"
#include "engine/client/outcome.h"

namespace odradek::client {
namespace {

using protocol::ErrorCode;
using protocol::FetchRequest;
using protocol::FetchResponse;
using protocol::OffsetForLeaderEpochRequest;
using protocol::OffsetForLeaderEpochResponse;

// From this version on topics go by id.
constexpr int16_t kFetchByTopicIdFrom = 13;
// Before this version there are no sessions.
constexpr int16_t kFetchSessionsFrom = 7;

}  // namespace

void ConsumerCore::RunBackground(fiber::Fiber& self) {
  while (!stopped_ && !closing_) {
    const MonoTime now = self.Now();
    MonoTime wake_at = MonoTime::Never();
    NoticeNewLeaders();
    StartLookups(now, wake_at);
    StartFetches(now, wake_at);
    wake_.WaitUntil(self, wake_at);
  }
}

void ConsumerCore::RetryLater(Partition& partition) {
  ++partition.failure_count;
  partition.retry_at = env_.clock.Now() + cluster_->RetryBackoff(partition.failure_count);
}

void ConsumerCore::NoteTrouble(Partition& partition, ErrorCode error, std::string_view what) {
  const MonoTime since = partition.trouble ? partition.trouble->since : env_.clock.Now();
  partition.trouble = Trouble{error, std::string(what), since};
}

void ConsumerCore::NoteNoLeader(const TopicPartition& tp, Partition& partition) {
  cluster_->RequestUpdate();
  const TopicInfo* topic = cluster_->metadata().FindTopic(tp.topic);
  if (topic == nullptr) return;
  const ErrorCode error = topic->error == ErrorCode::kNone ? ErrorCode::kLeaderNotAvailable : topic->error;
  NoteTrouble(partition, error, protocol::ErrorName(error));
}

void ConsumerCore::Report(const TopicPartition& tp, Partition& partition, ErrorCode error, std::string what) {
  partition.problem = PartitionProblem{tp, error, std::move(what)};
  ready_.WakeAll();
}

// A position under an older leader may lie in a suffix that the new one does not have (KIP-320).
void ConsumerCore::NoticeNewLeaders() {
  for (auto& [tp, partition] : partitions_) {
    if (partition.state != State::kFetching) continue;
    const Leader leader = cluster_->metadata().LeaderOf(tp);
    if (leader.node == kNoNode || leader.epoch <= partition.leader_epoch) continue;
    if (partition.offset_epoch == kNoLeaderEpoch || partition.leader_epoch == kNoLeaderEpoch) {
      partition.leader_epoch = leader.epoch;
      continue;
    }
    env_.context.Reached("client.consumer.validate_position");
    // What Poll has not given out yet came from the old leader.
    Reposition(partition, State::kValidating);
  }
}

void ConsumerCore::StartLookups(MonoTime now, MonoTime& wake_at) {
  OffsetQuestions resets;
  AskedPartitions reset_asked;
  std::map<NodeId, AskedPartitions> validations;
  for (auto& [tp, partition] : partitions_) {
    if (partition.is_asking || (partition.state != State::kResetting && partition.state != State::kValidating))
      continue;
    if (partition.retry_at > now) {
      wake_at = std::min(wake_at, partition.retry_at);
      continue;
    }
    const Leader leader = cluster_->metadata().LeaderOf(tp);
    if (leader.node == kNoNode) {
      NoteNoLeader(tp, partition);
      continue;
    }
    const Asked asked{.version = partition.version, .position = partition.position, .at = now, .node = leader.node};
    partition.is_asking = true;
    partition.asked_at = now;
    if (partition.state == State::kResetting) {
      resets[tp] = partition.reset_to;
      reset_asked[tp] = asked;
    } else {
      validations[leader.node][tp] = asked;
    }
  }
  if (!resets.empty()) {
    env_.scheduler.Spawn("offset reset", [me = shared_from_this(), resets, reset_asked](fiber::Fiber& self) {
      me->RunResets(self, resets, reset_asked);
    });
  }
  for (const auto& [node, asked] : validations) {
    env_.scheduler.Spawn("position validation", [me = shared_from_this(), node, asked](fiber::Fiber& self) {
      me->RunValidations(self, node, asked);
    });
  }
}

ConsumerCore::Partition* ConsumerCore::StillConcerned(const TopicPartition& tp, const Asked& asked) {
  Partition* partition = Find(tp);
  if (partition == nullptr) return nullptr;
  if (partition->version == asked.version) return partition;
  ++metrics_.stale_answer_count;
  env_.context.Reached("client.consumer.stale_answer");
  return nullptr;
}

void ConsumerCore::RunResets(fiber::Fiber& self, const OffsetQuestions& questions, const AskedPartitions& asked) {
  const ListedOffsets answers = ListOffsetsOnce(self, *cluster_, config_.isolation_level, questions);
  if (stopped_) return;
  for (const auto& [tp, answer] : answers) {
    if (Partition* any = Find(tp); any != nullptr) any->is_asking = false;
    Partition* partition = StillConcerned(tp, asked.at(tp));
    if (partition == nullptr || partition->state != State::kResetting) continue;
    const bool is_none_so_young = answer.ok() && answer.offset < Offset(0) && partition->reset_to >= Timestamp(0);
    if (is_none_so_young) {
      // What is to come is the youngest.
      partition->reset_to = kLatestOffset;
      continue;
    }
    if (!answer.ok() || answer.offset < Offset(0)) {
      RetryLater(*partition);
      if (!answer.ok()) NoteTrouble(*partition, answer.error, answer.what);
      if (!answer.ok() && !protocol::IsRetriable(answer.error)) Report(tp, *partition, answer.error, answer.what);
      continue;
    }
    partition->trouble.reset();
    Reposition(*partition, State::kFetching);
    partition->position = answer.offset;
    partition->offset_epoch = answer.leader_epoch;
    partition->leader_epoch = kNoLeaderEpoch;
  }
  wake_.WakeAll();
  ready_.WakeAll();
}

OffsetForLeaderEpochRequest ConsumerCore::MakeValidation(const AskedPartitions& asked) {
  OffsetForLeaderEpochRequest request;
  request.replica_id = -1;
  for (const auto& [tp, question] : asked) {
    if (request.topics.empty() || request.topics.back().topic != tp.topic) {
      request.topics.emplace_back();
      request.topics.back().topic = tp.topic;
    }
    const Partition* partition = Find(tp);
    auto& wanted = request.topics.back().partitions.emplace_back();
    wanted.partition = tp.partition.value();
    wanted.current_leader_epoch = cluster_->metadata().LeaderOf(tp).epoch.value();
    wanted.leader_epoch = partition == nullptr ? -1 : partition->offset_epoch.value();
  }
  return request;
}

void ConsumerCore::RunValidations(fiber::Fiber& self, NodeId node, const AskedPartitions& asked) {
  const MonoTime deadline = self.Now() + config_.common.request_timeout;
  const Cluster::Reached reached = cluster_->Connect(self, node, Purpose::kRequests, deadline);
  net::CallResult<OffsetForLeaderEpochResponse> result;
  result.error = net::CallError::kConnect;
  if (reached.connection != nullptr && !stopped_) {
    result = reached.connection->Call<OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse>(self,
                                                                                                 MakeValidation(asked));
  }
  if (stopped_) return;
  for (const auto& [tp, question] : asked) {
    Partition* any = Find(tp);
    if (any == nullptr) continue;
    any->is_asking = false;
    if (result.ok() || any->version != question.version) continue;
    if (result.error == net::CallError::kUnsupportedVersion) {
      any->state = State::kFetching;
      any->leader_epoch = cluster_->metadata().LeaderOf(tp).epoch;
    } else {
      RetryLater(*any);
      NoteTrouble(*any, ErrorCode::kNetworkException, reached.connection == nullptr ? reached.what : result.what);
      cluster_->RequestUpdate();
    }
  }
  if (result.ok()) {
    for (const auto& topic : result.response.topics) {
      for (const auto& answer : topic.partitions) {
        const auto question = asked.find({topic.topic, PartitionIndex(answer.partition)});
        if (question != asked.end()) TakeValidation(question->first, question->second, answer);
      }
    }
  }
  wake_.WakeAll();
}

void ConsumerCore::TakeValidation(const TopicPartition& tp, const Asked& asked,
                                  const OffsetForLeaderEpochResponse::EpochEndOffset& answer) {
  Partition* partition = StillConcerned(tp, asked);
  if (partition == nullptr || partition->state != State::kValidating) return;
  const auto error = static_cast<ErrorCode>(answer.error_code);
  if (error != ErrorCode::kNone) {
    RetryLater(*partition);
    NoteTrouble(*partition, error, protocol::ErrorName(error));
    cluster_->RequestUpdate();
    if (!protocol::IsRetriable(error)) Report(tp, *partition, error, std::string(protocol::ErrorName(error)));
    return;
  }
  partition->leader_epoch = cluster_->metadata().LeaderOf(tp).epoch;
  const bool is_undefined = answer.end_offset < 0 || answer.leader_epoch < 0;
  if (!is_undefined && Offset(answer.end_offset) >= partition->position) {
    partition->state = State::kFetching;
    return;
  }
  ++metrics_.truncation_count;
  env_.context.Reached("client.consumer.log_truncated");
  PartitionProblem problem{
      tp, ErrorCode::kOffsetOutOfRange,
      fmt::format("the log was truncated: offset {} of epoch {} is gone, that epoch ends at {}",
                  partition->position.value(), partition->offset_epoch.value(), answer.end_offset)};
  if (is_undefined || config_.auto_offset_reset == OffsetReset::kNone) {
    ResetByPolicy(tp, *partition, std::move(problem));
    return;
  }
  Reposition(*partition, State::kFetching);
  partition->position = Offset(answer.end_offset);
  partition->offset_epoch = LeaderEpoch(answer.leader_epoch);
}

bool ConsumerCore::IsFlowing(const Partition& partition) const {
  return partition.state == State::kFetching && partition.flow == Flow::kFlowing && !partition.problem;
}

NodeId ConsumerCore::SourceOf(const TopicPartition& tp, Partition& partition, MonoTime now) {
  const Leader leader = cluster_->metadata().LeaderOf(tp);
  if (partition.preferred == kNoNode) return leader.node;
  const bool is_known = cluster_->metadata().FindBroker(partition.preferred) != nullptr &&
                        !cluster_->is_unreachable(partition.preferred, Purpose::kLongPolls);
  if (is_known && now < partition.preferred_until) return partition.preferred;
  partition.preferred = kNoNode;
  return leader.node;
}

void ConsumerCore::StartFetches(MonoTime now, MonoTime& wake_at) {
  std::map<NodeId, net::FetchSession::Partitions> wanted;
  // Who is asked again when nothing of theirs is left to be polled: a long poll for partitions that have nothing would
  // hold up those that have something, as soon as they are drained (KAFKA-17182).
  std::set<NodeId> undrained;
  for (auto& [tp, partition] : partitions_) {
    if (!IsFlowing(partition) || partition.is_fetching) continue;
    if (partition.completed != nullptr) {
      undrained.insert(SourceOf(tp, partition, now));
      continue;
    }
    if (partition.retry_at > now) {
      wake_at = std::min(wake_at, partition.retry_at);
      continue;
    }
    const Leader leader = cluster_->metadata().LeaderOf(tp);
    const TopicInfo* topic = cluster_->metadata().FindTopic(tp.topic);
    if (leader.node == kNoNode || topic == nullptr) {
      NoteNoLeader(tp, partition);
      continue;
    }
    wanted[SourceOf(tp, partition, now)][tp] = {.topic_id = topic->id,
                                                .fetch_offset = partition.position,
                                                .leader_epoch = leader.epoch,
                                                .bytes_max = config_.partition_fetch_bytes_max};
  }
  for (const auto& [node, partitions] : wanted) {
    Broker& broker = brokers_[node];
    if (broker.in_flight || undrained.contains(node)) continue;
    if (broker.retry_at > now) {
      wake_at = std::min(wake_at, broker.retry_at);
      continue;
    }
    StartFetch(node, partitions, wake_at);
  }
}

FetchRequest ConsumerCore::MakeRequest(const net::FetchSession::Plan& plan, int16_t version) const {
  FetchRequest request;
  request.max_wait_ms = static_cast<int32_t>(config_.fetch_max_wait.millis());
  request.min_bytes = config_.fetch_min_bytes;
  request.max_bytes = config_.fetch_max_bytes;
  request.isolation_level = static_cast<int8_t>(config_.isolation_level);
  request.session_id = plan.session_id;
  request.session_epoch = plan.session_epoch;
  request.rack_id = config_.client_rack;
  const bool by_id = version >= kFetchByTopicIdFrom;
  const std::string* last_topic = nullptr;
  for (const auto& [tp, wanted] : plan.send) {
    if (last_topic == nullptr || *last_topic != tp.topic) {
      auto& topic = request.topics.emplace_back();
      if (by_id) {
        topic.topic_id = wanted.topic_id;
      } else {
        topic.topic = tp.topic;
      }
    }
    last_topic = &tp.topic;
    auto& partition = request.topics.back().partitions.emplace_back();
    partition.partition = tp.partition.value();
    partition.current_leader_epoch = wanted.leader_epoch.value();
    partition.fetch_offset = wanted.fetch_offset.value();
    partition.partition_max_bytes = wanted.bytes_max;
  }
  for (const auto& [tp, id] : plan.forget) {
    auto& topic = request.forgotten_topics_data.emplace_back();
    if (by_id) {
      topic.topic_id = id;
    } else {
      topic.topic = tp.topic;
    }
    topic.partitions.push_back(tp.partition.value());
  }
  return request;
}

void ConsumerCore::StartFetch(NodeId node, const net::FetchSession::Partitions& wanted, MonoTime& wake_at) {
  const ConnectionPtr connection = cluster_->TryConnect(node, Purpose::kLongPolls, wake_at);
  if (connection == nullptr) {
    const std::string_view problem = cluster_->connect_problem(node, Purpose::kLongPolls);
    for (const auto& [tp, what] : wanted) {
      if (!problem.empty()) NoteTrouble(partitions_.at(tp), ErrorCode::kNetworkException, problem);
    }
    return;
  }
  Broker& broker = brokers_[node];
  FetchCall call{.node = node, .version = connection->PickVersion<FetchRequest>(), .connection = connection};
  call.at = env_.clock.Now();
  const bool knows_ids = std::ranges::none_of(wanted, [](const auto& w) { return w.second.topic_id.is_zero(); });
  if (call.version >= kFetchByTopicIdFrom && !knows_ids) call.version = kFetchByTopicIdFrom - 1;
  const bool uses_ids = call.version >= kFetchByTopicIdFrom;
  if (uses_ids != broker.uses_ids || call.version < kFetchSessionsFrom) broker.session.OnFailure();
  broker.uses_ids = uses_ids;
  net::FetchSession::Plan plan = broker.session.Next(wanted);
  if (call.version < kFetchSessionsFrom) plan.session_epoch = -1;
  for (const auto& [tp, what] : wanted) {
    Partition& partition = partitions_.at(tp);
    partition.is_fetching = true;
    partition.asked_at = call.at;
    call.asked[tp] = {partition.version, what.fetch_offset, call.at, node};
  }
  broker.in_flight = true;
  ++metrics_.fetch_count;
  call.call = connection->Start(
      MakeRequest(plan, call.version), call.version,
      {.timeout = config_.common.request_timeout, .answer = net::Answer::kExpected, .keep_alive = nullptr});
  env_.scheduler.Spawn(
      "fetch", [me = shared_from_this(), call = std::move(call)](fiber::Fiber& self) { me->RunFetch(self, call); });
}

void ConsumerCore::RunFetch(fiber::Fiber& self, const FetchCall& call) {
  const auto result = call.connection->Await<FetchResponse>(self, call.call);
  if (stopped_ || closing_) return;
  Broker& broker = brokers_[call.node];
  broker.in_flight = false;
  for (const auto& [tp, asked] : call.asked) {
    if (Partition* partition = Find(tp); partition != nullptr) partition->is_fetching = false;
  }
  if (result.ok()) {
    metrics_.fetch_latency_micros.Add((self.Now() - call.at).micros());
    TakeFetch(call, result);
  } else {
    FailFetch(call, result.what);
  }
  wake_.WakeAll();
  ready_.WakeAll();
}

void ConsumerCore::FailFetch(const FetchCall& call, std::string_view what) {
  Broker& broker = brokers_[call.node];
  ++metrics_.failed_fetch_count;
  broker.session.OnFailure();
  ++broker.failure_count;
  broker.retry_at = env_.clock.Now() + cluster_->RetryBackoff(broker.failure_count);
  for (const auto& [tp, asked] : call.asked) {
    Partition* partition = Find(tp);
    if (partition == nullptr) continue;
    partition->preferred = kNoNode;
    NoteTrouble(*partition, ErrorCode::kNetworkException, what);
  }
  cluster_->RequestUpdate();
}

void ConsumerCore::TakeFetch(const FetchCall& call, const net::CallResult<FetchResponse>& result) {
  Broker& broker = brokers_[call.node];
  const FetchResponse& response = result.response;
  const auto error = static_cast<ErrorCode>(response.error_code);
  const auto size_bytes = static_cast<int64_t>(result.frame->frame.size_bytes());
  metrics_.fetched_bytes += size_bytes;
  metrics_.fetch_bytes.Add(size_bytes);
  if (response.throttle_time_ms > 0) metrics_.throttle_millis.Add(response.throttle_time_ms);
  std::map<Uuid, std::string> names;
  for (const auto& [tp, wanted] : broker.session.partitions()) names[wanted.topic_id] = tp.topic;
  std::map<TopicPartition, const PartitionData*> answers;
  bool is_strange = false;
  for (const auto& topic : response.responses) {
    const auto name = names.find(topic.topic_id);
    const bool by_id = call.version >= kFetchByTopicIdFrom;
    is_strange = is_strange || (by_id && name == names.end());
    if (is_strange) break;
    for (const auto& data : topic.partitions) {
      answers[{by_id ? name->second : topic.topic, PartitionIndex(data.partition_index)}] = &data;
    }
  }
  net::FetchSession::Answer answer{.error = error, .session_id = response.session_id, .answered = {}};
  for (const auto& [tp, data] : answers) answer.answered.insert(tp);
  if (is_strange) answer.error = ErrorCode::kUnknownServerError;
  if (!broker.session.OnAnswer(answer)) {
    ++broker.failure_count;
    // A lost session is opened anew at once; anything else is not worth a hurry.
    const bool is_session =
        error == ErrorCode::kFetchSessionIdNotFound || error == ErrorCode::kInvalidFetchSessionEpoch;
    if (!is_session || broker.failure_count > 1) {
      broker.retry_at = env_.clock.Now() + cluster_->RetryBackoff(broker.failure_count);
    }
    if (is_session) return;
    cluster_->RequestUpdate();
    for (const auto& [tp, asked] : call.asked) {
      Partition* partition = Find(tp);
      if (partition != nullptr) NoteTrouble(*partition, answer.error, protocol::ErrorName(answer.error));
    }
    return;
  }
  broker.failure_count = 0;
  for (const auto& endpoint : response.node_endpoints) {
    cluster_->metadata().ApplyBroker({NodeId(endpoint.node_id), {endpoint.host, endpoint.port}, endpoint.rack});
  }
  for (const auto& [tp, asked] : call.asked) {
    const auto data = answers.find(tp);
    if (data != answers.end()) {
      TakePartition(tp, asked, *data->second, result.frame);
    } else if (Partition* partition = Find(tp); partition != nullptr) {
      // A session leaves out what is as it was, but never an error.
      partition->trouble.reset();
    }
  }
}

void ConsumerCore::TakePartition(const TopicPartition& tp, const Asked& asked, const PartitionData& data,
                                 std::shared_ptr<const void> keep_alive) {
  Partition* partition = MUTATION(env_.context, CL08) ? Find(tp) : StillConcerned(tp, asked);
  if (partition == nullptr || partition->state != State::kFetching) return;
  if (data.error_code != protocol::ToWire(ErrorCode::kNone)) {
    TakeError(tp, *partition, asked, data);
    return;
  }
  partition->failure_count = 0;
  partition->trouble.reset();
  TakeRedirect(*partition, asked, data);
  partition->watermarks = {Offset(data.high_watermark), Offset(data.last_stable_offset), Offset(data.log_start_offset)};
  if (data.records.size_bytes() == 0) return;
  CompletedFetch::Data fetched{.records = data.records.bytes(),
                               .keep_alive = std::move(keep_alive),
                               .aborted = data.aborted_transactions.value_or(std::vector<CompletedFetch::Aborted>()),
                               .fetch_offset = asked.position,
                               .asked_at = asked.at,
                               .high_watermark = Offset(data.high_watermark)};
  partition->completed = std::make_unique<CompletedFetch>(
      env_.context, CompletedFetch::Options{config_.isolation_level, config_.check_crcs}, std::move(fetched));
}

// The leader knows a replica that is nearer to client.rack. The lease ends, so that a better one is found in the end.
void ConsumerCore::TakeRedirect(Partition& partition, const Asked& asked, const PartitionData& data) {
  const NodeId preferred(data.preferred_read_replica);
  if (preferred.value() < 0 || preferred == asked.node) return;
  ++metrics_.preferred_replica_count;
  env_.context.Reached("client.consumer.preferred_replica");
  partition.preferred = preferred;
  // A leader that insists on a replica that is gone is not asked in a hurry. One that is not known may be new, or back.
  const bool is_known = cluster_->metadata().FindBroker(preferred) != nullptr;
  if (!is_known) cluster_->RequestUpdate();
  if (!is_known || cluster_->is_unreachable(preferred, Purpose::kLongPolls)) RetryLater(partition);
  partition.preferred_until = env_.clock.Now() + config_.common.metadata_max_age;
}

void ConsumerCore::TakeError(const TopicPartition& tp, Partition& partition, const Asked& asked,
                             const PartitionData& data) {
  const auto error = static_cast<ErrorCode>(data.error_code);
  // A follower may lag behind: only the leader's word on what is out of range counts.
  const bool is_follower = asked.node == partition.preferred && asked.node != kNoNode;
  partition.preferred = kNoNode;
  RetryLater(partition);
  if (is_follower && error == ErrorCode::kOffsetOutOfRange) return;
  cluster_->metadata().ApplyLeader(
      tp, {NodeId(data.current_leader.leader_id), LeaderEpoch(data.current_leader.leader_epoch)});
  if (CallsForMetadata(error)) cluster_->RequestUpdate();
  if (error == ErrorCode::kOffsetOutOfRange) {
    ResetByPolicy(
        tp, partition,
        {tp, error,
         fmt::format("offset {} is out of range, and auto.offset.reset is none", partition.position.value())});
    return;
  }
  NoteTrouble(partition, error, protocol::ErrorName(error));
  const bool may_pass = protocol::IsRetriable(error) || CallsForMetadata(error);
  if (!may_pass) Report(tp, partition, error, std::string(protocol::ErrorName(error)));
}

}  // namespace odradek::client
