#include "sim/workload/admin_workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/base/check.h"
#include "engine/client/admin.h"
#include "sim/workload/outcome.h"

namespace odradek::workload {
namespace {

constexpr int64_t kAskBackMillisMax = 30'000;
constexpr int32_t kOwnTopicPartitionsMax = 3;
constexpr Duration kPauseAfterFailure = Duration::Millis(100);

}  // namespace

class AdminWorkload::Process final : public sim::ProgramInstance {
 public:
  Process(AdminWorkload& work, env::Env& env) : work_(work), env_(env) {
    env.scheduler.Spawn("admin", [this](fiber::Fiber& self) { Run(self); });
  }

 private:
  void Run(fiber::Fiber& self) {
    if (work_.is_done_) return;
    admin_ = std::make_unique<client::Admin>(env_, work_.options_.config);
    while (!work_.hurry_ || work_.missing_ != nullptr) {
      if (work_.missing_ != nullptr) {
        MakeAgain(self);
        continue;
      }
      ++work_.call_count_;
      CallSomething(self);
      fiber::SleepFor(self, Draw(env_, work_.options_.pause));
    }
    work_.is_done_ = true;
    admin_->Close();
  }

  void CallSomething(fiber::Fiber& self) {
    const AdminWorkloadOptions& options = work_.options_;
    const uint64_t lists = options.list_offsets_weight;
    const uint64_t deletes = options.delete_records_weight;
    const uint64_t recreates = options.recreate_weight;
    const uint64_t moves = options.reassign_weight;
    const uint64_t elects = options.elect_leaders_weight;
    uint64_t drawn = DrawBelow(env_, lists + deletes + options.topics_weight + recreates + moves + elects);
    const auto is_chosen = [&drawn](uint64_t weight) {
      const bool chosen = drawn < weight;
      drawn -= chosen ? 0 : weight;
      return chosen;
    };
    if (is_chosen(lists)) return AskForOffset(self);
    if (is_chosen(deletes)) return DeleteSomeRecords(self);
    if (is_chosen(recreates)) return Delete(self);
    if (is_chosen(moves)) return Move(self);
    if (is_chosen(elects)) return Elect(self);
    MakeOrDeleteTopic(self);
  }

  void Move(fiber::Fiber& self) {
    const TopicPartition partition = AnyPartition();
    client::Admin::Targets targets{{partition, std::nullopt}};
    if (DrawBelow(env_, 4) != 0) {
      const auto cluster = admin_->DescribeCluster(self);
      if (!cluster.ok()) return;
      std::vector<NodeId> nodes;
      for (const client::BrokerInfo& broker : cluster.value.brokers) nodes.push_back(broker.id);
      const auto count = static_cast<size_t>(ReplicationFactorOf(partition.topic));
      if (nodes.size() < count) return;
      for (size_t i = 0; i < count; ++i) std::swap(nodes[i], nodes[i + DrawBelow(env_, nodes.size() - i)]);
      nodes.resize(count);
      targets[partition] = std::move(nodes);
    }
    const client::AdminStatus moved = admin_->AlterPartitionReassignments(self, targets).at(partition);
    if (!moved.ok()) return;
    if (targets.at(partition)) REACHED(env_.context, "workload.admin.move_begun");
    if (!targets.at(partition)) REACHED(env_.context, "workload.admin.move_called_off");
  }

  void Elect(fiber::Fiber& self) {
    const TopicPartition& partition = AnyPartition();
    const auto elected = admin_->ElectLeaders(self, client::ElectionType::kPreferred, {partition});
    if (elected.at(partition).ok()) REACHED(env_.context, "workload.admin.preferred_leader_elected");
  }

  int16_t ReplicationFactorOf(const std::string& topic) const {
    const auto is_it = [&topic](const TargetTopic& target) { return target.name == topic; };
    return std::find_if(work_.options_.topics.begin(), work_.options_.topics.end(), is_it)->replication_factor;
  }

  void Delete(fiber::Fiber& self) {
    const std::vector<client::NewTopic>& topics = work_.options_.made_topics;
    const client::NewTopic& topic = topics[DrawBelow(env_, topics.size())];
    work_.missing_ = &topic;
    history::TopicDeletion call{
        .span = {.invoked_ns = work_.recorder_.NowNanos()}, .client = work_.options_.client, .topic = topic.name};
    const client::AdminStatus deleted = admin_->DeleteTopics(self, {topic.name}).at(topic.name);
    call.outcome = OutcomeOf(deleted.outcome);
    work_.recorder_.Add(std::move(call));
    fiber::SleepFor(self, Draw(env_, work_.options_.pause));
  }

  // A deletion whose answer was lost may still come; a topic that is there is taken for the new one then.
  void MakeAgain(fiber::Fiber& self) {
    const std::string& name = work_.missing_->name;
    const client::AdminStatus made = admin_->CreateTopics(self, {*work_.missing_}).at(name);
    if (made.ok() || made.error == protocol::ErrorCode::kTopicAlreadyExists) {
      REACHED(env_.context, "workload.admin.topic_made_again");
      work_.missing_ = nullptr;
      return;
    }
    fiber::SleepFor(self, kPauseAfterFailure);
  }

  const TopicPartition& AnyPartition() { return work_.partitions_[DrawBelow(env_, work_.partitions_.size())]; }

  client::ListedOffset Ask(fiber::Fiber& self, const TopicPartition& partition, Timestamp wanted) {
    return admin_->ListOffsets(self, {{partition, wanted}}).at(partition);
  }

  void AskForOffset(fiber::Fiber& self) {
    history::ListOffsets call{.client = work_.options_.client, .partition = AnyPartition()};
    call.query = static_cast<history::OffsetQuery>(DrawBelow(env_, 4));
    const int64_t back_millis = Draw(env_, Between<int64_t>{0, kAskBackMillisMax});
    Timestamp wanted = client::kLatestOffset;
    if (call.query == history::OffsetQuery::kEarliest) wanted = client::kEarliestOffset;
    if (call.query == history::OffsetQuery::kMaxTimestamp) wanted = client::kMaxTimestampOffset;
    if (call.query == history::OffsetQuery::kByTimestamp) {
      wanted = Timestamp(env_.clock.WallNow().unix_millis() - back_millis);
      call.timestamp = wanted;
    }
    call.span.invoked_ns = work_.recorder_.NowNanos();
    const client::ListedOffset listed = Ask(self, call.partition, wanted);
    if (listed.ok()) {
      call.outcome = history::Outcome::kOk;
      call.offset = listed.offset;
      call.found_timestamp = listed.timestamp;
    }
    work_.recorder_.Add(std::move(call));
  }

  void DeleteSomeRecords(fiber::Fiber& self) {
    const TopicPartition partition = AnyPartition();
    const client::ListedOffset start = Ask(self, partition, client::kEarliestOffset);
    const client::ListedOffset end = Ask(self, partition, client::kLatestOffset);
    if (!start.ok() || !end.ok() || start.offset >= end.offset) return;
    // Mostly a few: something must be left to be read.
    const int64_t most = std::max(start.offset.value(), start.offset.value() + (end.offset - start.offset) / 4);
    const Offset before(Draw(env_, Between<int64_t>{start.offset.value(), most}));
    history::DeleteRecords call{.span = {.invoked_ns = work_.recorder_.NowNanos()},
                                .client = work_.options_.client,
                                .partition = partition,
                                .before = before};
    const client::AdminResult<Offset> deleted = admin_->DeleteRecords(self, {{partition, before}}).at(partition);
    call.outcome = OutcomeOf(deleted.status.outcome);
    if (deleted.ok()) call.low_watermark = deleted.value;
    work_.recorder_.Add(std::move(call));
  }

  // Names are never used again: a topic of the same name is another topic.
  void MakeOrDeleteTopic(fiber::Fiber& self) {
    if (!own_topics_.empty() && DrawBelow(env_, 2) == 0) {
      const std::string name = own_topics_.back();
      own_topics_.pop_back();
      admin_->DeleteTopics(self, {name});
      return;
    }
    client::NewTopic topic;
    topic.name = fmt::format("own-{}-{}", work_.options_.client, ++work_.topic_count_);
    topic.partition_count = 1 + static_cast<int32_t>(DrawBelow(env_, kOwnTopicPartitionsMax));
    own_topics_.push_back(topic.name);
    admin_->CreateTopics(self, {topic});
  }

  AdminWorkload& work_;
  env::Env& env_;
  std::unique_ptr<client::Admin> admin_;
  std::vector<std::string> own_topics_;
};

AdminWorkload::AdminWorkload(const AdminWorkloadOptions& options, Recorder& recorder)
    : options_(options), recorder_(recorder) {
  for (const TargetTopic& topic : options_.topics) {
    for (int32_t i = 0; i < topic.partition_count; ++i) partitions_.push_back({topic.name, PartitionIndex(i)});
  }
  REQUIRES(!partitions_.empty());
}

sim::Program AdminWorkload::program() {
  return [this](std::span<env::Env* const> shards) { return std::make_unique<Process>(*this, *shards[0]); };
}

std::string AdminWorkload::Progress() const {
  return fmt::format("admin {}: {} calls made", options_.client, call_count_);
}

}  // namespace odradek::workload
