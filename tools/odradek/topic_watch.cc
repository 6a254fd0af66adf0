#include "tools/odradek/topic_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>

#include "engine/base/absl_compat.h"

namespace odradek::tool {
namespace {

client::AdminConfig AdminConfigOf(const ClientArguments& arguments) {
  return client::ParseAdminConfig({{"bootstrap.servers", arguments.bootstrap_server},
                                   {"default.api.timeout.ms", std::to_string(arguments.reach_timeout_ms)}})
      .config;
}

}  // namespace

std::string RegexProblem(const std::string& text) {
  const re2::RE2 pattern(text, re2::RE2::Quiet);
  return pattern.ok() ? "" : fmt::format("\"{}\" is no regular expression: {}", text, pattern.error());
}

TopicWatch::TopicWatch(env::Env& env, const ClientArguments& arguments, const TopicChoice& choice, Duration interval)
    : choice_(choice), interval_(interval), admin_(env, AdminConfigOf(arguments)) {
  if (!choice.include.empty()) pattern_ = std::make_unique<re2::RE2>(choice.include, re2::RE2::Quiet);
}

bool TopicWatch::is_due(MonoTime now) const {
  return pattern_ && now >= looked_at_ + interval_;
}

absl::Status TopicWatch::Look(fiber::Fiber& self, client::Consumer& consumer) {
  looked_at_ = self.Now();
  const absl::StatusOr<std::vector<std::string>> topics = TopicsToRead(self);
  if (!topics.ok()) return topics.status();
  if (topics->empty() && !has_looked_)
    std::cerr << fmt::format("no topic matches {} yet", choice_.include) << std::endl;
  has_looked_ = true;
  std::vector<TopicPartition> partitions;
  const absl::Status added = AddPartitions(self, *topics, partitions);
  if (!added.ok()) return added;
  consumer.Assign(partitions);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> TopicWatch::TopicsToRead(fiber::Fiber& self) {
  if (!pattern_) return std::vector<std::string>{choice_.topic};
  const client::AdminResult<std::vector<std::string>> listed = admin_.ListTopics(self);
  if (!listed.ok()) return base::Unavailable(fmt::format("topics: {}", Describe(listed.status)));
  std::vector<std::string> topics;
  for (const std::string& topic : listed.value) {
    if (!IsInternalTopic(topic) && re2::RE2::FullMatch(topic, *pattern_)) topics.push_back(topic);
  }
  return topics;
}

absl::Status TopicWatch::AddPartitions(fiber::Fiber& self, const std::vector<std::string>& topics,
                                       std::vector<TopicPartition>& out) {
  if (topics.empty()) return absl::OkStatus();
  auto described = admin_.DescribeTopics(self, topics);
  for (const std::string& topic : topics) {
    const client::AdminStatus status = described.ok() ? described.value[topic].status : described.status;
    // Deleted since it was listed.
    if (pattern_ && status.error == protocol::ErrorCode::kUnknownTopicOrPartition) continue;
    if (!status.ok()) return base::Unavailable(fmt::format("{}: {}", topic, Describe(status)));
    const auto& found = described.value[topic].value.partitions;
    const std::vector<int32_t>& wanted = choice_.partitions;
    for (const client::PartitionInfo& partition : found) {
      const bool is_wanted = wanted.empty() || std::ranges::find(wanted, partition.partition.value()) != wanted.end();
      if (is_wanted) out.push_back({topic, partition.partition});
    }
    const auto missing =
        std::ranges::find_if(wanted, [&](int32_t number) { return number >= static_cast<int32_t>(found.size()); });
    if (missing != wanted.end()) {
      return base::NotFound(fmt::format("{} has {} partitions, none has number {}", topic, found.size(), *missing));
    }
  }
  return absl::OkStatus();
}

}  // namespace odradek::tool
