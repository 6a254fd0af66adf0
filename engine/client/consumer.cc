#include "engine/client/consumer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "engine/client/consumer_core.h"
#include "engine/client/interceptor.h"
#include "engine/protocol/generated/fetch.h"

namespace odradek::client {
namespace {

using protocol::ErrorCode;

OffsetQuestions SameQuestion(std::span<const TopicPartition> partitions, Timestamp timestamp) {
  OffsetQuestions questions;
  for (const TopicPartition& tp : partitions) questions[tp] = timestamp;
  return questions;
}

}  // namespace

ConsumerCore::ConsumerCore(env::Env& env, const ConsumerConfig& config) : env_(env), config_(config) {
  REQUIRES(CheckConfig(config).empty());
}

void ConsumerCore::Start() {
  cluster_ = Cluster::Start(env_, config_.common, config_.allow_auto_create_topics);
  cluster_->SetListener([this] { wake_.WakeAll(); });
  env_.scheduler.Spawn("consumer", [me = shared_from_this()](fiber::Fiber& self) { me->RunBackground(self); });
}

void ConsumerCore::Stop() {
  if (std::exchange(stopped_, true)) return;
  cluster_->Stop();
  wake_.WakeAll();
  ready_.WakeAll();
}

// A session that nobody ends takes one of the broker's places (KIP-227): epoch -1 ends it. The long poll that may be
// under way is not waited for, so the word goes on the other connection where there is one.
void ConsumerCore::Close(fiber::Fiber& self, MonoTime deadline) {
  if (stopped_) return;
  closing_ = true;
  wake_.WakeAll();
  struct LastCall {
    ConnectionPtr connection;
    net::PendingCallPtr call;
  };
  std::vector<LastCall> last_calls;
  const Duration timeout = std::min(deadline - self.Now(), config_.common.request_timeout);
  for (const auto& [node, broker] : brokers_) {
    if (broker.session.session_id() == 0 || timeout <= Duration()) continue;
    ConnectionPtr connection = cluster_->FindOpen(node, Purpose::kRequests);
    if (connection == nullptr) connection = cluster_->FindOpen(node, Purpose::kLongPolls);
    if (connection == nullptr) continue;
    protocol::FetchRequest request;
    request.max_wait_ms = 0;
    request.session_id = broker.session.session_id();
    request.session_epoch = net::FetchSession::kFinalEpoch;
    net::PendingCallPtr call =
        connection->Start(request, connection->PickVersion<protocol::FetchRequest>(),
                          {.timeout = timeout, .answer = net::Answer::kExpected, .keep_alive = nullptr});
    last_calls.push_back({std::move(connection), std::move(call)});
  }
  for (const LastCall& last : last_calls) {
    if (!stopped_) last.connection->Await<protocol::FetchResponse>(self, last.call);
  }
  Stop();
}

ConsumerCore::Partition* ConsumerCore::Find(const TopicPartition& tp) {
  const auto found = partitions_.find(tp);
  return found == partitions_.end() ? nullptr : &found->second;
}

absl::Status ConsumerCore::Check(std::span<const TopicPartition> partitions) const {
  for (const TopicPartition& tp : partitions) {
    if (!partitions_.contains(tp)) {
      return base::InvalidArgument(fmt::format("partition {} is not assigned", ToString(tp)));
    }
  }
  return absl::OkStatus();
}

void ConsumerCore::Assign(std::span<const TopicPartition> partitions) {
  std::map<TopicPartition, Partition> before = std::exchange(partitions_, {});
  std::set<std::string, std::less<>> topics;
  for (const TopicPartition& tp : partitions) {
    topics.insert(tp.topic);
    if (auto kept = before.extract(tp)) {
      partitions_.insert(std::move(kept));
      continue;
    }
    Partition& fresh = partitions_[tp];
    fresh.version = ++last_version_;
    ResetByPolicy(tp, fresh, {tp, ErrorCode::kOffsetOutOfRange, "no position, and auto.offset.reset is none"});
  }
  for (const auto& [tp, gone] : before) {
    if (!topics.contains(tp.topic)) cluster_->RemoveTopic(tp.topic);
  }
  for (const std::string& topic : topics) cluster_->AddTopic(topic);
  wake_.WakeAll();
}

std::vector<TopicPartition> ConsumerCore::assignment() const {
  std::vector<TopicPartition> all;
  for (const auto& [tp, partition] : partitions_) all.push_back(tp);
  return all;
}

void ConsumerCore::Reposition(Partition& partition, State state) {
  partition.state = state;
  partition.version = ++last_version_;
  partition.completed.reset();
  partition.problem.reset();
  partition.failure_count = 0;
  partition.retry_at = MonoTime();
  wake_.WakeAll();
}

void ConsumerCore::StartReset(const TopicPartition&, Partition& partition, Timestamp to) {
  Reposition(partition, State::kResetting);
  partition.reset_to = to;
  partition.position = kNoOffset;
  partition.offset_epoch = kNoLeaderEpoch;
}

void ConsumerCore::ResetByPolicy(const TopicPartition& tp, Partition& partition, PartitionProblem problem) {
  if (config_.auto_offset_reset == OffsetReset::kNone) {
    partition.state = State::kStuck;
    partition.problem = std::move(problem);
    ready_.WakeAll();
    return;
  }
  ++metrics_.reset_count;
  Timestamp to = config_.auto_offset_reset == OffsetReset::kEarliest ? kEarliestOffset : kLatestOffset;
  if (config_.auto_offset_reset == OffsetReset::kByDuration) {
    const int64_t back_millis = config_.auto_offset_reset_duration.millis();
    to = Timestamp(std::max<int64_t>(env_.clock.WallNow().unix_millis() - back_millis, 0));
  }
  StartReset(tp, partition, to);
}

absl::Status ConsumerCore::Seek(const TopicPartition& tp, Offset offset, LeaderEpoch epoch) {
  if (offset < Offset(0)) return base::InvalidArgument(fmt::format("offset {} is negative", offset.value()));
  if (absl::Status status = Check(std::span(&tp, 1)); !status.ok()) return status;
  Partition& partition = partitions_.at(tp);
  Reposition(partition, epoch == kNoLeaderEpoch ? State::kFetching : State::kValidating);
  partition.position = offset;
  partition.offset_epoch = epoch;
  return absl::OkStatus();
}

absl::Status ConsumerCore::SeekToEdge(std::span<const TopicPartition> partitions, Timestamp edge) {
  if (absl::Status status = Check(partitions); !status.ok()) return status;
  for (const TopicPartition& tp : partitions) StartReset(tp, partitions_.at(tp), edge);
  return absl::OkStatus();
}

absl::Status ConsumerCore::SetFlow(std::span<const TopicPartition> partitions, Flow flow) {
  if (absl::Status status = Check(partitions); !status.ok()) return status;
  for (const TopicPartition& tp : partitions) partitions_.at(tp).flow = flow;
  wake_.WakeAll();
  ready_.WakeAll();
  return absl::OkStatus();
}

void ConsumerCore::CollectFrom(const TopicPartition& tp, Partition& partition, PollResult& result, int64_t& left) {
  if (partition.problem) {
    result.problems.push_back(std::move(*partition.problem));
    partition.problem.reset();
  }
  if (partition.completed == nullptr || partition.flow == Flow::kPaused || left == 0) return;
  CompletedFetch& completed = *partition.completed;
  PartitionRecords out{.partition = tp, .asked_at = completed.asked_at()};
  completed.Take(static_cast<int32_t>(left), out);
  partition.position = completed.next_offset();
  if (completed.last_epoch() != kNoLeaderEpoch) partition.offset_epoch = completed.last_epoch();
  left -= static_cast<int64_t>(out.records.size());
  metrics_.record_count += static_cast<int64_t>(out.records.size());
  if (!out.records.empty()) result.partitions.push_back(std::move(out));
  if (!completed.is_done()) return;
  if (!completed.problem().empty()) {
    result.problems.push_back({tp, ErrorCode::kCorruptMessage, completed.problem()});
    RetryLater(partition);
  }
  NoticeAhead(tp, partition, result);
  partition.completed.reset();
  wake_.WakeAll();
}

// A broker that says twice that the high watermark has not reached what it sends is not just ahead of its own word.
void ConsumerCore::NoticeAhead(const TopicPartition& tp, Partition& partition, PollResult& result) {
  if (!partition.completed->is_ahead()) {
    partition.ahead_at = kNoOffset;
    return;
  }
  env_.context.Reached("client.consumer.beyond_high_watermark");
  const bool again = partition.ahead_at == partition.position;
  partition.ahead_at = partition.position;
  if (!again) return;
  result.problems.push_back({tp, ErrorCode::kCorruptMessage,
                             fmt::format("the batch at position {} lies beyond the high watermark {}",
                                         partition.position.value(), partition.watermarks.high_watermark.value())});
  RetryLater(partition);
}

PollResult ConsumerCore::Collect() {
  PollResult result;
  int64_t left = config_.poll_records_max;
  // Begins behind the partition that was served last, so that a busy one does not starve the others.
  std::vector<TopicPartition> turn = assignment();
  const auto first = std::ranges::upper_bound(turn, last_served_);
  std::rotate(turn.begin(), first, turn.end());
  for (const TopicPartition& tp : turn) {
    const int64_t left_before = left;
    CollectFrom(tp, partitions_.at(tp), result, left);
    if (left != left_before) last_served_ = tp;
  }
  return result;
}

PollResult ConsumerCore::Poll(fiber::Fiber& self, MonoTime deadline) {
  while (true) {
    PollResult result = Collect();
    const bool is_empty = result.partitions.empty() && result.problems.empty();
    if (is_empty && !stopped_ && ready_.WaitUntil(self, deadline) != fiber::Wake::kTimeout) continue;
    if (is_empty && !stopped_) result = Collect();
    for (const auto& interceptor : config_.interceptors) interceptor->OnConsume(result);
    return result;
  }
}

std::optional<Offset> ConsumerCore::position(const TopicPartition& tp) const {
  const auto found = partitions_.find(tp);
  if (found == partitions_.end() || found->second.position == kNoOffset) return std::nullopt;
  return found->second.position;
}

std::optional<Offset> ConsumerCore::Position(fiber::Fiber& self, const TopicPartition& tp, MonoTime deadline) {
  while (!stopped_ && partitions_.contains(tp)) {
    if (const auto known = position(tp)) return known;
    if (ready_.WaitUntil(self, deadline) == fiber::Wake::kTimeout) break;
  }
  return position(tp);
}

Watermarks ConsumerCore::watermarks(const TopicPartition& tp) const {
  const auto found = partitions_.find(tp);
  return found == partitions_.end() ? Watermarks{} : found->second.watermarks;
}

std::vector<TopicPartition> ConsumerCore::paused() const {
  std::vector<TopicPartition> all;
  for (const auto& [tp, partition] : partitions_) {
    if (partition.flow == Flow::kPaused) all.push_back(tp);
  }
  return all;
}

std::optional<int64_t> ConsumerCore::lag(const TopicPartition& tp) const {
  const auto found = partitions_.find(tp);
  if (found == partitions_.end() || found->second.position == kNoOffset) return std::nullopt;
  const Watermarks& marks = found->second.watermarks;
  const Offset end =
      config_.isolation_level == IsolationLevel::kReadCommitted ? marks.last_stable_offset : marks.high_watermark;
  if (end == kNoOffset) return std::nullopt;
  return std::max<int64_t>(end.value() - found->second.position.value(), 0);
}

std::optional<Trouble> ConsumerCore::TroubleOf(const TopicPartition& tp, const Partition& partition) const {
  if (partition.trouble || partition.state == State::kStuck) return partition.trouble;
  // These come with no event: nothing is heard.
  const bool is_asked = partition.is_fetching || partition.is_asking;
  const Duration patience = kPatience + (partition.is_fetching ? config_.fetch_max_wait : Duration());
  if (is_asked && env_.clock.Now() - partition.asked_at > patience) {
    return Trouble{ErrorCode::kRequestTimedOut, kNoAnswer, partition.asked_at};
  }
  const std::string& problem = cluster_->metadata_problem();
  if (is_asked || problem.empty() || cluster_->metadata().LeaderOf(tp).node != kNoNode) return std::nullopt;
  return Trouble{ErrorCode::kNetworkException, problem, env_.clock.Now() - cluster_->metadata_age()};
}

std::map<TopicPartition, Trouble> ConsumerCore::troubles() const {
  std::map<TopicPartition, Trouble> all;
  for (const auto& [tp, partition] : partitions_) {
    if (auto trouble = TroubleOf(tp, partition)) all[tp] = *std::move(trouble);
  }
  return all;
}

ConsumerMetrics ConsumerCore::metrics() const {
  ConsumerMetrics metrics = metrics_;
  for (const auto& [tp, partition] : partitions_) {
    metrics.records_lag_max = std::max(metrics.records_lag_max, lag(tp).value_or(0));
  }
  metrics.metadata_age = cluster_->metadata_age();
  return metrics;
}

ListedOffsets ConsumerCore::ListOffsetsOf(fiber::Fiber& self, const OffsetQuestions& questions, MonoTime deadline) {
  for (const auto& [tp, timestamp] : questions) cluster_->AddTopic(tp.topic);
  return ListOffsets(self, *cluster_, config_.isolation_level, questions, deadline);
}

Consumer::Consumer(env::Env& env, const ConsumerConfig& config) : core_(std::make_shared<ConsumerCore>(env, config)) {
  core_->Start();
}

Consumer::~Consumer() {
  core_->Stop();
}

void Consumer::Assign(std::span<const TopicPartition> partitions) {
  core_->Assign(partitions);
}
std::vector<TopicPartition> Consumer::assignment() const {
  return core_->assignment();
}
absl::Status Consumer::Seek(const TopicPartition& partition, Offset offset, LeaderEpoch epoch) {
  return core_->Seek(partition, offset, epoch);
}
absl::Status Consumer::SeekToBeginning(std::span<const TopicPartition> partitions) {
  return core_->SeekToEdge(partitions, kEarliestOffset);
}
absl::Status Consumer::SeekToEnd(std::span<const TopicPartition> partitions) {
  return core_->SeekToEdge(partitions, kLatestOffset);
}
absl::Status Consumer::Pause(std::span<const TopicPartition> partitions) {
  return core_->SetFlow(partitions, ConsumerCore::Flow::kPaused);
}
absl::Status Consumer::Resume(std::span<const TopicPartition> partitions) {
  return core_->SetFlow(partitions, ConsumerCore::Flow::kFlowing);
}
PollResult Consumer::Poll(fiber::Fiber& self, Duration timeout) {
  const std::shared_ptr<ConsumerCore> core = core_;
  return core->Poll(self, self.Now() + timeout);
}
std::optional<Offset> Consumer::position(const TopicPartition& partition) const {
  return core_->position(partition);
}
std::optional<Offset> Consumer::Position(fiber::Fiber& self, const TopicPartition& partition, Duration timeout) {
  const std::shared_ptr<ConsumerCore> core = core_;
  return core->Position(self, partition, self.Now() + timeout);
}
Watermarks Consumer::watermarks(const TopicPartition& partition) const {
  return core_->watermarks(partition);
}
ListedOffsets Consumer::OffsetsForTimes(fiber::Fiber& self, const OffsetQuestions& questions, Duration timeout) {
  const std::shared_ptr<ConsumerCore> core = core_;
  return core->ListOffsetsOf(self, questions, self.Now() + timeout);
}
ListedOffsets Consumer::BeginningOffsets(fiber::Fiber& self, std::span<const TopicPartition> partitions,
                                         Duration timeout) {
  return OffsetsForTimes(self, SameQuestion(partitions, kEarliestOffset), timeout);
}
ListedOffsets Consumer::EndOffsets(fiber::Fiber& self, std::span<const TopicPartition> partitions, Duration timeout) {
  return OffsetsForTimes(self, SameQuestion(partitions, kLatestOffset), timeout);
}
std::vector<TopicPartition> Consumer::paused() const {
  return core_->paused();
}
std::optional<int64_t> Consumer::lag(const TopicPartition& partition) const {
  return core_->lag(partition);
}
std::map<TopicPartition, Trouble> Consumer::troubles() const {
  return core_->troubles();
}
void Consumer::Close(fiber::Fiber& self, Duration timeout) {
  const std::shared_ptr<ConsumerCore> core = core_;
  core->Close(self, self.Now() + timeout);
}
ConsumerMetrics Consumer::metrics() const {
  return core_->metrics();
}

}  // namespace odradek::client
