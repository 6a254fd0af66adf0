#include "sim/workload/producer_workload.h"

#include <fmt/format.h>

#include <optional>
#include <set>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/murmur2.h"
#include "engine/client/producer.h"
#include "sim/workload/outcome.h"
#include "sim/workload/payload.h"

namespace odradek::workload {
namespace {

// Values of a client start at its number times this: readable, and unique over the run.
constexpr uint64_t kValuesPerClient = 1'000'000;
// A producer that fails this often in a row is given up for a new one, as an application would restart.
constexpr int kFailuresPerSessionMax = 5;
// How often a burst begins with a new producer for no reason.
constexpr uint32_t kNewSessionPpm = 20'000;
constexpr uint32_t kOldTimestampPpm = 200'000;
constexpr int64_t kOldTimestampMillisMax = 5'000;
constexpr Duration kCloseTimeout = Duration::Seconds(2);

}  // namespace

// One life of the producer's process.
class ProducerWorkload::Process final : public sim::ProgramInstance {
 public:
  Process(ProducerWorkload& work, env::Env& env) : work_(work), env_(env) {
    env.scheduler.Spawn("producer", [this](fiber::Fiber& self) { Run(self); });
  }
  ~Process() override {
    // The process is gone: nobody will ever hear of these.
    producer_.reset();
    while (!open_.empty()) Settle(*open_.begin(), {});
  }

 private:
  void Run(fiber::Fiber& self) {
    while (work_.sent_count_ < work_.options_.record_count) {
      if (producer_ == nullptr) StartSession();
      const int64_t burst = Draw(env_, work_.options_.burst_records);
      for (int64_t i = 0; i < burst && work_.sent_count_ < work_.options_.record_count; ++i) SendOne(self);
      const bool is_fresh = DrawPartsPerMillion(env_, kNewSessionPpm);
      if (is_fresh || failures_in_a_row_ >= kFailuresPerSessionMax) EndSession(self);
      const Duration pause = Draw(env_, work_.options_.pause);
      if (!work_.hurry_ || failures_in_a_row_ > 0) fiber::SleepFor(self, pause);
    }
    EndSession(self);
  }

  void StartSession() {
    ++work_.session_;
    failures_in_a_row_ = 0;
    producer_ = std::make_unique<client::Producer>(env_, work_.options_.config);
  }

  void EndSession(fiber::Fiber& self) {
    if (producer_ == nullptr) return;
    producer_->Flush(self);
    producer_->Close(self, kCloseTimeout);
    producer_.reset();
    INVARIANT(open_.empty());
  }

  void SendOne(fiber::Fiber& self) {
    const ProducerWorkloadOptions& options = work_.options_;
    const TargetTopic& topic = options.topics[DrawBelow(env_, options.topics.size())];
    const uint64_t value =
        static_cast<uint64_t>(options.client) * kValuesPerClient + static_cast<uint64_t>(++work_.sent_count_);
    const bool is_keyed = DrawPartsPerMillion(env_, options.keyed_ppm);
    const std::optional<history::Key> key = is_keyed ? std::optional(KeyOf(value, options.key_count)) : std::nullopt;
    const std::string key_text = is_keyed ? KeyText(*key) : std::string();
    const uint64_t drawn_partition = DrawBelow(env_, static_cast<uint64_t>(topic.partition_count));
    const bool is_old = DrawPartsPerMillion(env_, kOldTimestampPpm);
    const int64_t age_millis = Draw(env_, Between<int64_t>{0, kOldTimestampMillisMax});
    const int64_t value_bytes = Draw(env_, options.value_bytes);
    const bool is_tombstone = is_keyed && options.tombstone_ppm > 0 && DrawPartsPerMillion(env_, options.tombstone_ppm);
    const ByteBuffer payload = MakePayload(value, key, is_tombstone ? 0 : value_bytes);
    const Timestamp timestamp(env_.clock.WallNow().unix_millis() - (is_old ? age_millis : 0));

    const record::RecordHeader tombstone{.key = kTombstoneHeader, .value = Bytes(payload)};
    client::ProducerRecord record{.topic = topic.name, .timestamp = timestamp};
    if (is_tombstone) {
      record.headers = {&tombstone, 1};
    } else {
      record.value = Bytes(payload);
    }
    PartitionIndex partition(static_cast<int32_t>(drawn_partition));
    if (is_keyed) {
      record.key = AsBytes(key_text);
      partition = PartitionIndex(base::Murmur2Partition(AsBytes(key_text), topic.partition_count));
    } else {
      record.partition = partition;
    }
    const Recorder::SendIndex index = work_.recorder_.BeginSend({
        .client = options.client,
        .session = work_.session_,
        .idempotent = options.config.idempotence == client::Idempotence::kOn,
        .acks = static_cast<history::Acks>(options.config.acks),
        .partition = {topic.name, partition},
        .value = value,
        .key = key,
        .is_tombstone = is_tombstone,
        .timestamp = topic.keeps_timestamps ? timestamp : kNoTimestamp,
    });
    open_.insert(index);
    producer_->Send(self, record, [this, index](const client::SendResult& result) { OnResult(index, result); });
  }

  void OnResult(Recorder::SendIndex index, const client::SendResult& result) {
    failures_in_a_row_ = result.ok() ? 0 : failures_in_a_row_ + 1;
    Settle(index, {.outcome = OutcomeOf(result.outcome),
                   .offset = result.offset,
                   .timestamp = result.ok() ? result.timestamp : kNoTimestamp,
                   .error = static_cast<int16_t>(result.error)});
  }

  void Settle(Recorder::SendIndex index, const Recorder::SendEnd& end) {
    REQUIRES(open_.erase(index) == 1);
    ++work_.settled_count_;
    work_.recorder_.EndSend(index, end);
  }

  ProducerWorkload& work_;
  env::Env& env_;
  std::set<Recorder::SendIndex> open_;
  int failures_in_a_row_ = 0;
  std::unique_ptr<client::Producer> producer_;
};

ProducerWorkload::ProducerWorkload(const ProducerWorkloadOptions& options, Recorder& recorder)
    : options_(options), recorder_(recorder) {
  REQUIRES(!options_.topics.empty());
  REQUIRES(options_.record_count >= 0);
  REQUIRES(static_cast<uint64_t>(options_.record_count) < kValuesPerClient);
}

sim::Program ProducerWorkload::program() {
  return [this](std::span<env::Env* const> shards) { return std::make_unique<Process>(*this, *shards[0]); };
}

std::string ProducerWorkload::Progress() const {
  return fmt::format("producer {}: {} of {} records sent, {} settled", options_.client, sent_count_,
                     options_.record_count, settled_count_);
}

}  // namespace odradek::workload
