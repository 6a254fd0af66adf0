#include "sim/workload/final_reader.h"

#include <fmt/format.h>

#include <utility>

#include "engine/base/check.h"
#include "engine/client/consumer.h"
#include "sim/workload/payload.h"

namespace odradek::workload {
namespace {

constexpr Duration kFinalPollTimeout = Duration::Seconds(1);
constexpr Duration kFinalLookupTimeout = Duration::Seconds(10);
constexpr Duration kFinalPause = Duration::Millis(100);

}  // namespace

class FinalReader::Process final : public sim::ProgramInstance {
 public:
  Process(FinalReader& work, env::Env& env) : work_(work), env_(env) {
    env.scheduler.Spawn("final reader", [this](fiber::Fiber& self) {
      while (!work_.is_done()) {
        if (!ReadOne(self, work_.partitions_[work_.done_count_])) fiber::SleepFor(self, kFinalPause);
      }
    });
  }

 private:
  // False: again, from the start.
  bool ReadOne(fiber::Fiber& self, const TopicPartition& partition) {
    const auto whole = std::span(&partition, 1);
    client::Consumer consumer(env_, work_.options_.config);
    consumer.Assign(whole);
    const client::ListedOffset start = consumer.BeginningOffsets(self, whole, kFinalLookupTimeout).at(partition);
    const client::ListedOffset end = consumer.EndOffsets(self, whole, kFinalLookupTimeout).at(partition);
    if (!start.ok() || !end.ok()) return Again(partition, start.ok() ? end.what : start.what);
    PartitionContents contents{.asked_at_ns = work_.recorder_.NowNanos(),
                               .partition = partition,
                               .log_start_offset = start.offset,
                               .end_offset = end.offset};
    if (!consumer.Seek(partition, start.offset).ok()) return Again(partition, "cannot seek");
    while (consumer.position(partition).value_or(kNoOffset) < end.offset) {
      client::PollResult polled = consumer.Poll(self, kFinalPollTimeout);
      if (!polled.problems.empty()) return Again(partition, polled.problems.front().what);
      if (polled.partitions.empty() && HasBecomeShorter(self, consumer, partition, end.offset)) {
        return Again(partition, "the log has become shorter");
      }
      for (client::PartitionRecords& records : polled.partitions) contents.polled.push_back(std::move(records));
    }
    work_.sink_(contents);
    ++work_.done_count_;
    return true;
  }

  // By what a disk has damaged.
  static bool HasBecomeShorter(fiber::Fiber& self, client::Consumer& consumer, const TopicPartition& partition,
                               Offset end) {
    const auto now = consumer.EndOffsets(self, std::span(&partition, 1), kFinalLookupTimeout).at(partition);
    return now.ok() && now.offset < end;
  }

  bool Again(const TopicPartition& partition, std::string_view why) {
    work_.last_problem_ = fmt::format("{}: {}", ToString(partition), why);
    return false;
  }

  FinalReader& work_;
  env::Env& env_;
};

history::FinalRead FinalReadOf(const PartitionContents& contents) {
  history::FinalRead read{.span = {.invoked_ns = contents.asked_at_ns},
                          .partition = contents.partition,
                          .log_start_offset = contents.log_start_offset,
                          .end_offset = contents.end_offset};
  for (const client::PartitionRecords& records : contents.polled) {
    for (const client::ConsumerRecord& record : records.records) {
      if (record.offset >= contents.end_offset) continue;
      read.records.push_back(
          {record.offset, ValueOf({record.key, record.value, record.headers}), record.timestamp, record.producer_id});
    }
  }
  return read;
}

FinalReader::FinalReader(const FinalReaderOptions& options, const Recorder& recorder, Sink sink)
    : options_(options), recorder_(recorder), sink_(std::move(sink)) {
  REQUIRES(options_.config.auto_offset_reset == client::OffsetReset::kNone);
  for (const TargetTopic& topic : options_.topics) {
    for (int32_t i = 0; i < topic.partition_count; ++i) partitions_.push_back({topic.name, PartitionIndex(i)});
  }
}

sim::Program FinalReader::program() {
  return [this](std::span<env::Env* const> shards) { return std::make_unique<Process>(*this, *shards[0]); };
}

std::string FinalReader::Progress() const {
  return fmt::format("final reader {}: {} of {} partitions read{}{}", options_.client, done_count_, partitions_.size(),
                     last_problem_.empty() ? "" : "; ", last_problem_);
}

}  // namespace odradek::workload
