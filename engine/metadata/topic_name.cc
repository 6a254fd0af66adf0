#include "engine/metadata/topic_name.h"

#include <fmt/format.h>

#include <algorithm>

namespace odradek::metadata {

std::optional<std::string> TopicNameProblem(std::string_view name) {
  if (name.empty()) return "Topic name is invalid: it is empty";
  if (name == "." || name == "..") return fmt::format("Topic name is invalid: '{}' is not allowed", name);
  if (name.size() > kTopicNameBytesMax) {
    return fmt::format("Topic name is invalid: it has {} characters, at most {} are allowed", name.size(),
                       kTopicNameBytesMax);
  }
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  if (std::all_of(name.begin(), name.end(), allowed)) return std::nullopt;
  return fmt::format("Topic name is invalid: '{}' has characters other than ASCII letters, digits, '.', '_' and '-'",
                     name);
}

std::string CollisionKey(std::string_view name) {
  std::string key(name);
  std::replace(key.begin(), key.end(), '.', '_');
  return key;
}

bool IsInternalTopic(std::string_view name) {
  return name == "__consumer_offsets" || name == "__transaction_state" || name == "__share_group_state";
}

}  // namespace odradek::metadata
