#include "engine/client/consumer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "engine/client/consumer_core.h"

namespace odradek::client {
namespace {

using protocol::ErrorCode;

OffsetQuestions SameQuestion(std::span<const TopicPartition> partitions, Timestamp timestamp) {
  OffsetQuestions questions;
  for (const TopicPartition& tp : partitions) questions[tp] = timestamp;
  return questions;
}

}  // namespace

size_t PollResult::record_count() const {
  size_t count = 0;
  for (const PartitionRecords& partition : partitions) count += partition.records.size();
  return count;
}

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
  StartReset(tp, partition, config_.auto_offset_reset == OffsetReset::kEarliest ? kEarliestOffset : kLatestOffset);
}

absl::Status ConsumerCore::Seek(const TopicPartition& tp, Offset offset) {
  if (offset < Offset(0)) return base::InvalidArgument(fmt::format("offset {} is negative", offset.value()));
  if (absl::Status status = Check(std::span(&tp, 1)); !status.ok()) return status;
  Partition& partition = partitions_.at(tp);
  Reposition(partition, State::kFetching);
  partition.position = offset;
  partition.offset_epoch = kNoLeaderEpoch;
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
  partition.completed.reset();
  wake_.WakeAll();
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
    if (!result.partitions.empty() || !result.problems.empty() || stopped_) return result;
    if (ready_.WaitUntil(self, deadline) == fiber::Wake::kTimeout) return Collect();
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
absl::Status Consumer::Seek(const TopicPartition& partition, Offset offset) {
  return core_->Seek(partition, offset);
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
void Consumer::Close() {
  core_->Stop();
}
ConsumerMetrics Consumer::metrics() const {
  return core_->metrics();
}

}  // namespace odradek::client
