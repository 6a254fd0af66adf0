// One replica in a transcript test: it is told things, and what it does is compared word for word.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/engine/replication/effects_text.h"

namespace odradek::replication {

// Broker 1; brokers 1 to 4 are alive with epochs 11 to 14. Its log has five records, three of epoch 1 and two of epoch
// 2, of which three are known to be committed.
class Script {
 public:
  explicit Script(Options options = {}, std::optional<LogFacts> log = std::nullopt) {
    options.self = NodeId(1);
    options.replica_lag_time_max = Duration::Millis(100);
    for (int32_t id = 1; id <= 4; ++id) brokers_[NodeId(id)].epoch = BrokerEpoch(10 + id);
    replica_.emplace(options, log ? *std::move(log) : OldLog(), context_);
  }

  static LogFacts OldLog() { return Log(0, 5, 3, {{1, 0}, {2, 3}}); }
  static LogFacts Log(int64_t start, int64_t end, int64_t high_watermark,
                      const std::vector<std::pair<int32_t, int64_t>>& epochs) {
    LogFacts::Parts parts{Offset(start), Offset(end), Offset(high_watermark), {}};
    for (const auto& [epoch, at] : epochs) parts.epochs.push_back({LeaderEpoch(epoch), Offset(at)});
    return LogFacts::FromParts(parts).value();
  }
  static Options MinIsr(int32_t min_isr) {
    Options options;
    options.min_insync_replicas = min_isr;
    return options;
  }
  static NodeIds Ids(const std::vector<int32_t>& ids) {
    NodeIds nodes;
    for (const int32_t id : ids) nodes.emplace_back(id);
    return nodes;
  }
  static Registration Led(int32_t leader, int32_t epoch, int32_t partition_epoch, const std::vector<int32_t>& isr,
                          const std::vector<int32_t>& replicas = {1, 2, 3}) {
    Registration registration;
    registration.replicas = Ids(replicas);
    registration.isr = Ids(isr);
    registration.leader = NodeId(leader);
    registration.leader_epoch = LeaderEpoch(epoch);
    registration.partition_epoch = PartitionEpoch(partition_epoch);
    return registration;
  }

  Brokers& brokers() { return brokers_; }
  const Replica& replica() const { return *replica_; }
  Surroundings around() const { return {now_, brokers_, BrokerEpoch(11)}; }
  Script& At(int64_t ms) {
    now_ = MonoTime::FromNanos(ms * 1000000);
    return *this;
  }
  MonoTime now() const { return now_; }

  std::string Do(const Event& event) { return ToText(replica_->Step(around(), event)); }
  std::string Tick() { return ToText(replica_->Tick(around())); }
  std::string Is(const Registration& registration) { return Do(PartitionChanged{registration}); }
  std::string Append(int64_t end) { return Do(Appended{replica_->leader_epoch(), Offset(end)}); }
  std::string Await(int64_t token, int64_t end) {
    return Do(AwaitCommit{Token(token), replica_->leader_epoch(), Offset(end), now_ + Duration::Seconds(30)});
  }
  // Of another broker, as the incarnation that is alive.
  std::string Fetch(int32_t from, int64_t offset, int32_t last_epoch = 2) {
    return Do(FetchOf(from, 10 + from, offset, last_epoch));
  }
  FollowerFetch FetchOf(int32_t from, int64_t broker_epoch, int64_t offset, int32_t last_epoch) const {
    const FetchPosition position{replica_->leader_epoch(), Offset(offset), LeaderEpoch(last_epoch), Offset(0)};
    return {
        .token = Token(9), .replica = NodeId(from), .broker_epoch = BrokerEpoch(broker_epoch), .position = position};
  }
  std::string Answer(int64_t attempt, ErrorCode error) {
    return Do(AlterPartitionAnswered{.attempt = AttemptId(attempt), .error = error, .committed = {}});
  }
  std::string Accept(int64_t attempt, int32_t partition_epoch, const std::vector<int32_t>& isr) {
    const CommittedIsr committed{NodeId(1), replica_->leader_epoch(), PartitionEpoch(partition_epoch), Ids(isr)};
    return Do(AlterPartitionAnswered{.attempt = AttemptId(attempt), .error = ErrorCode::kNone, .committed = committed});
  }

  std::string Wants() const { return ToText(replica_->NextQuestion(now_)); }
  // The answer to what it wants to fetch now.
  Fetched Reply(std::vector<FetchedBatch> batches, int64_t high_watermark, int64_t log_start = 0) const {
    Fetched fetched;
    fetched.asked = std::get<FetchPosition>(replica_->NextQuestion(now_).value());
    fetched.high_watermark = Offset(high_watermark);
    fetched.log_start = Offset(log_start);
    fetched.batches = std::move(batches);
    return fetched;
  }
  Fetched Fail(ErrorCode error) const {
    Fetched fetched = Reply({}, -1, -1);
    fetched.error = error;
    return fetched;
  }
  Fetched Diverge(int32_t epoch, int64_t end) const {
    Fetched fetched = Reply({}, 0);
    fetched.diverging = {LeaderEpoch(epoch), Offset(end)};
    return fetched;
  }
  static FetchedBatch Batch(int64_t base, int64_t next, int32_t epoch) {
    return {Offset(base), Offset(next), LeaderEpoch(epoch)};
  }

 private:
  base::NullContext context_;
  Brokers brokers_;
  MonoTime now_ = MonoTime::FromNanos(1000000000);
  std::optional<Replica> replica_;
};

}  // namespace odradek::replication
