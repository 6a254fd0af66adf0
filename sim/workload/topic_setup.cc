#include "sim/workload/topic_setup.h"

#include <fmt/format.h>

#include <utility>

#include "engine/protocol/errors.h"

namespace odradek::workload {
namespace {

constexpr Duration kSetupPause = Duration::Millis(100);

}  // namespace

class TopicSetup::Process final : public sim::ProgramInstance {
 public:
  Process(TopicSetup& work, env::Env& env) : work_(work), admin_(env, {work.config_}) {
    env.scheduler.Spawn("setup", [this](fiber::Fiber& self) {
      while (!work_.is_done()) {
        if (!Make(self, work_.topics_[work_.made_count_])) fiber::SleepFor(self, kSetupPause);
      }
      admin_.Close();
    });
  }

 private:
  bool Make(fiber::Fiber& self, const client::NewTopic& topic) {
    const client::AdminStatus made = admin_.CreateTopics(self, {topic}).at(topic.name);
    if (!made.ok() && made.error != protocol::ErrorCode::kTopicAlreadyExists) {
      work_.last_problem_ = fmt::format("{}: {} {}", topic.name, protocol::ErrorName(made.error), made.what);
      return false;
    }
    ++work_.made_count_;
    return true;
  }

  TopicSetup& work_;
  client::Admin admin_;
};

TopicSetup::TopicSetup(const client::CommonConfig& config, std::vector<client::NewTopic> topics)
    : config_(config), topics_(std::move(topics)) {}

sim::Program TopicSetup::program() {
  return [this](std::span<env::Env* const> shards) { return std::make_unique<Process>(*this, *shards[0]); };
}

std::string TopicSetup::Progress() const {
  return fmt::format("setup: {} of {} topics made; {}", made_count_, topics_.size(), last_problem_);
}

}  // namespace odradek::workload
