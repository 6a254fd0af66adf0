// Which partitions a consumer reads: some or all of a topic, or all of the topics that a regular expression matches, of
// which there may be more later. Owned by a command; Look suspends.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/client/admin.h"
#include "engine/client/consumer.h"
#include "re2/re2.h"
#include "tools/odradek/client_session.h"

namespace odradek::tool {

struct TopicChoice {
  std::string topic;
  std::vector<int32_t> partitions;  // empty: all
  std::string include;              // instead of a topic; matched from its first character to its last
};

// Why a text is no regular expression; empty: it is one.
std::string RegexProblem(const std::string& text);

class TopicWatch {
 public:
  // REQUIRES: RegexProblem(choice.include) is empty; what it refers to outlives it. A topic that is new to the pattern
  // is found within `interval`.
  TopicWatch(env::Env& env, const ClientArguments& arguments, const TopicChoice& choice, Duration interval);

  // Assigns to the consumer what there is to read. An error says why there is nothing.
  absl::Status Look(fiber::Fiber& self, client::Consumer& consumer);
  // Whether it is time to look again: never for a topic with a name.
  bool is_due(MonoTime now) const;

 private:
  absl::StatusOr<std::vector<std::string>> TopicsToRead(fiber::Fiber& self);
  absl::Status AddPartitions(fiber::Fiber& self, const std::vector<std::string>& topics,
                             std::vector<TopicPartition>& out);

  const TopicChoice& choice_;
  const Duration interval_;
  std::unique_ptr<re2::RE2> pattern_;  // null: the topic has a name
  client::Admin admin_;
  MonoTime looked_at_;
  bool has_looked_ = false;
};

}  // namespace odradek::tool
