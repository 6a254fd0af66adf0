#include "sim/workload/consumer_workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/base/check.h"
#include "engine/client/consumer.h"
#include "sim/workload/payload.h"

namespace odradek::workload {
namespace {

// A clock loses less than a part of so many.
constexpr int64_t kClockSlownessMax = 1000;
constexpr Duration kPollTimeout = Duration::Millis(300);
constexpr Duration kLookupTimeout = Duration::Seconds(3);
constexpr Duration kConsumerCloseTimeout = Duration::Seconds(2);
constexpr Duration kPauseAfterProblem = Duration::Millis(50);
// How far back a seek by timestamp goes.
constexpr int64_t kLookBackMillisMax = 20'000;

}  // namespace

// One life of the consumer's process.
class ConsumerWorkload::Process final : public sim::ProgramInstance {
 public:
  Process(ConsumerWorkload& work, env::Env& env) : work_(work), env_(env) {
    env.scheduler.Spawn("consumer", [this](fiber::Fiber& self) { Run(self); });
  }

 private:
  using Positions = std::map<TopicPartition, Offset>;

  void Run(fiber::Fiber& self) {
    if (work_.is_done_) return;
    consumer_ = std::make_unique<client::Consumer>(env_, work_.options_.config);
    consumer_->Assign(work_.partitions_);
    ++work_.assignment_;
    for (const TopicPartition& partition : work_.partitions_) SeekToEdge(partition);
    while (!IsAtTheEnd(self)) {
      if (!work_.hurry_ && DrawPartsPerMillion(env_, work_.options_.seek_ppm)) SeekSomewhere(self);
      const bool turns = !work_.hurry_ && DrawPartsPerMillion(env_, work_.options_.pause_resume_ppm);
      if (turns) PauseOrResume();
      if (work_.hurry_) ResumeAll();
      PollOnce(self);
      const Duration pause = Draw(env_, work_.options_.pause);
      if (!work_.hurry_) fiber::SleepFor(self, pause);
    }
    consumer_->Close(self, kConsumerCloseTimeout);
    work_.is_done_ = true;
  }

  // Whether every end was reached.
  bool IsAtTheEnd(fiber::Fiber& self) {
    if (!work_.hurry_) return false;
    for (const TopicPartition& partition : work_.partitions_) {
      if (ends_.contains(partition)) continue;
      const client::ListedOffsets listed = consumer_->EndOffsets(self, {&partition, 1}, kLookupTimeout);
      if (!listed.at(partition).ok()) {
        work_.last_problem_ = fmt::format("no end offset of {}: {}", ToString(partition), listed.at(partition).what);
        return false;
      }
      ends_[partition] = listed.at(partition).offset;
    }
    return std::all_of(ends_.begin(), ends_.end(), [&](const auto& end) {
      return consumer_->position(end.first).value_or(kNoOffset) >= end.second;
    });
  }

  void PollOnce(fiber::Fiber& self) {
    Positions before;
    for (const TopicPartition& partition : work_.partitions_) {
      const std::optional<Offset> position = consumer_->position(partition);
      if (position.has_value()) before[partition] = *position;
    }
    const int64_t invoked_ns = work_.recorder_.NowNanos();
    const client::PollResult polled = consumer_->Poll(self, kPollTimeout);
    for (const client::PartitionRecords& records : polled.partitions) Record(records, before, invoked_ns);
    for (const client::PartitionProblem& problem : polled.problems) OnProblem(problem);
    // Nothing came although there should be more: the ends may have changed with a loss, and are asked for again.
    if (polled.partitions.empty()) ends_.clear();
    if (!polled.problems.empty()) fiber::SleepFor(self, kPauseAfterProblem);
  }

  void Record(const client::PartitionRecords& records, const Positions& before, int64_t invoked_ns) {
    if (records.records.empty()) return;
    // A position that was still being looked up when the poll began is where its first records are.
    const auto known = before.find(records.partition);
    // At least as old: the round's time lags behind this call's, and the node's clock may run slow.
    const int64_t told_ns = (env_.clock.Instant() - records.asked_at).nanos();
    const int64_t age_ns = told_ns + told_ns / kClockSlownessMax;
    history::Poll poll{.span = {.invoked_ns = std::min(invoked_ns, work_.recorder_.NowNanos() - age_ns)},
                       .client = work_.options_.client,
                       .assignment = work_.assignment_,
                       .partition = records.partition,
                       .position_before = known == before.end() ? records.records.front().offset : known->second,
                       .position_after = records.next_offset};
    for (const client::ConsumerRecord& record : records.records) {
      const history::Value value = ValueOf({record.key, record.value, record.headers});
      poll.records.push_back({record.offset, value, record.timestamp, record.producer_id});
    }
    last_read_[records.partition] = {records.next_offset, records.records.back().leader_epoch};
    work_.record_count_ += poll.records.size();
    work_.recorder_.Add(std::move(poll));
  }

  void OnProblem(const client::PartitionProblem& problem) {
    work_.last_problem_ = fmt::format("{}: {}", ToString(problem.partition), problem.what);
    if (problem.error != protocol::ErrorCode::kOffsetOutOfRange) return;
    REACHED(env_.context, "workload.consumer.out_of_range");
    ++work_.assignment_;
    SeekToEdge(problem.partition);
    // The log is not what it was when its end was asked for.
    ends_.erase(problem.partition);
  }

  void SeekToEdge(const TopicPartition& partition) {
    const bool to_beginning = work_.hurry_ || DrawBelow(env_, 2) == 0;
    const absl::Status status =
        to_beginning ? consumer_->SeekToBeginning({&partition, 1}) : consumer_->SeekToEnd({&partition, 1});
    INVARIANT(status.ok());
  }

  // What was fetched of a paused partition stays with the consumer, and must still be right when it goes on.
  void PauseOrResume() {
    const TopicPartition partition = work_.partitions_[DrawBelow(env_, work_.partitions_.size())];
    const std::vector<TopicPartition> paused = consumer_->paused();
    const bool is_paused = std::find(paused.begin(), paused.end(), partition) != paused.end();
    if (is_paused) REACHED(env_.context, "workload.consumer.resumed");
    const absl::Status status = is_paused ? consumer_->Resume({&partition, 1}) : consumer_->Pause({&partition, 1});
    INVARIANT(status.ok());
  }

  void ResumeAll() {
    const std::vector<TopicPartition> paused = consumer_->paused();
    if (paused.empty()) return;
    const absl::Status status = consumer_->Resume(paused);
    INVARIANT(status.ok());
  }

  // As an application does that kept its place: with the epoch, so that a truncation is noticed (KIP-320).
  void SeekToLastRead(const TopicPartition& partition) {
    const auto last = last_read_.find(partition);
    if (last == last_read_.end()) return SeekToEdge(partition);
    const absl::Status status = consumer_->Seek(partition, last->second.next_offset, last->second.epoch);
    INVARIANT(status.ok());
  }

  void SeekSomewhere(fiber::Fiber& self) {
    const TopicPartition partition = work_.partitions_[DrawBelow(env_, work_.partitions_.size())];
    ++work_.assignment_;
    const uint64_t how = DrawBelow(env_, 5);
    if (how == 0) return SeekToEdge(partition);
    if (how == 1) return SeekToTimestamp(self, partition);
    if (how == 2) return SeekToLastRead(partition);
    const client::Watermarks marks = consumer_->watermarks(partition);
    if (marks.high_watermark == kNoOffset || marks.log_start_offset == kNoOffset) return SeekToEdge(partition);
    // Nothing is there any more, which must be said.
    if (how == 3) return SeekTo(partition, Offset(std::max<int64_t>(0, marks.log_start_offset.value() - 1)));
    const int64_t to = Draw(env_, Between<int64_t>{marks.log_start_offset.value(),
                                                   std::max(marks.log_start_offset, marks.high_watermark).value()});
    SeekTo(partition, Offset(to));
  }

  void SeekTo(const TopicPartition& partition, Offset offset) {
    const absl::Status status = consumer_->Seek(partition, offset);
    INVARIANT(status.ok());
  }

  void SeekToTimestamp(fiber::Fiber& self, const TopicPartition& partition) {
    const int64_t back_millis = Draw(env_, Between<int64_t>{0, kLookBackMillisMax});
    const Timestamp wanted(env_.clock.WallNow().unix_millis() - back_millis);
    history::ListOffsets call{.span = {.invoked_ns = work_.recorder_.NowNanos()},
                              .client = work_.options_.client,
                              .partition = partition,
                              .query = history::OffsetQuery::kByTimestamp,
                              .timestamp = wanted};
    const client::ListedOffsets listed = consumer_->OffsetsForTimes(self, {{partition, wanted}}, kLookupTimeout);
    const client::ListedOffset& found = listed.at(partition);
    if (found.ok()) {
      call.outcome = history::Outcome::kOk;
      call.offset = found.offset;
      call.found_timestamp = found.timestamp;
    }
    work_.recorder_.Add(std::move(call));
    if (!found.ok() || found.offset == kNoOffset) return SeekToEdge(partition);
    SeekTo(partition, found.offset);
  }

  ConsumerWorkload& work_;
  env::Env& env_;
  std::unique_ptr<client::Consumer> consumer_;
  Positions ends_;
  struct LastRead {
    Offset next_offset;
    LeaderEpoch epoch = kNoLeaderEpoch;
  };
  std::map<TopicPartition, LastRead> last_read_;
};

ConsumerWorkload::ConsumerWorkload(const ConsumerWorkloadOptions& options, Recorder& recorder)
    : options_(options), recorder_(recorder) {
  REQUIRES(options_.config.auto_offset_reset == client::OffsetReset::kNone);
  for (const TargetTopic& topic : options_.topics) {
    for (int32_t i = 0; i < topic.partition_count; ++i) partitions_.push_back({topic.name, PartitionIndex(i)});
  }
  REQUIRES(!partitions_.empty());
}

sim::Program ConsumerWorkload::program() {
  return [this](std::span<env::Env* const> shards) { return std::make_unique<Process>(*this, *shards[0]); };
}

std::string ConsumerWorkload::Progress() const {
  return fmt::format("consumer {}: {} records read{}{}", options_.client, record_count_,
                     last_problem_.empty() ? "" : "; ", last_problem_);
}

}  // namespace odradek::workload
