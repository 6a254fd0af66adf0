#include "sim/workload/topic_setup.h"

#include <fmt/format.h>

#include <utility>

#include "engine/client/cluster.h"
#include "engine/protocol/errors.h"
#include "engine/protocol/generated/create_topics.h"

namespace odradek::workload {
namespace {

constexpr Duration kSetupPause = Duration::Millis(100);

protocol::CreateTopicsRequest MakeSetupRequest(const NewTopic& topic) {
  protocol::CreateTopicsRequest request;
  request.timeout_ms = 10'000;
  auto& wanted = request.topics.emplace_back();
  wanted.name = topic.name;
  wanted.num_partitions = topic.partition_count;
  wanted.replication_factor = 1;
  for (const auto& [name, value] : topic.config) {
    auto& config = wanted.configs.emplace_back();
    config.name = name;
    config.value = value;
  }
  return request;
}

}  // namespace

class TopicSetup::Process final : public sim::ProgramInstance {
 public:
  Process(TopicSetup& work, env::Env& env)
      : work_(work), cluster_(client::Cluster::Start(env, work.config_, client::AutoCreateTopics::kOff)) {
    env.scheduler.Spawn("setup", [this](fiber::Fiber& self) {
      while (!work_.is_done()) {
        if (!Make(self, work_.topics_[work_.made_count_])) fiber::SleepFor(self, kSetupPause);
      }
      cluster_->Stop();
    });
  }

 private:
  bool Make(fiber::Fiber& self, const NewTopic& topic) {
    const client::Cluster::Reached broker = cluster_->ConnectAny(self, self.Now() + work_.config_.request_timeout);
    if (broker.connection == nullptr) return Again(broker.what);
    const auto result = broker.connection->Call<protocol::CreateTopicsRequest, protocol::CreateTopicsResponse>(
        self, MakeSetupRequest(topic));
    if (!result.ok()) return Again(result.what);
    if (result.response.topics.size() != 1) return Again("the answer leaves the topic out");
    const auto& made = result.response.topics.front();
    const auto error = static_cast<protocol::ErrorCode>(made.error_code);
    if (error != protocol::ErrorCode::kNone && error != protocol::ErrorCode::kTopicAlreadyExists) {
      return Again(fmt::format("{}: {} {}", topic.name, protocol::ErrorName(error), made.error_message.value_or("")));
    }
    ++work_.made_count_;
    return true;
  }

  bool Again(std::string_view why) {
    work_.last_problem_ = why;
    return false;
  }

  TopicSetup& work_;
  std::shared_ptr<client::Cluster> cluster_;
};

TopicSetup::TopicSetup(const client::CommonConfig& config, std::vector<NewTopic> topics)
    : config_(config), topics_(std::move(topics)) {}

sim::Program TopicSetup::program() {
  return [this](std::span<env::Env* const> shards) { return std::make_unique<Process>(*this, *shards[0]); };
}

std::string TopicSetup::Progress() const {
  return fmt::format("setup: {} of {} topics made; {}", made_count_, topics_.size(), last_problem_);
}

}  // namespace odradek::workload
