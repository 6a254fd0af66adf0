// What a topic may be called. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace odradek::metadata {

// With "-", a partition number and Kafka's ".<32 hex digits>-delete" it still is a file name of at most 255 bytes.
inline constexpr size_t kTopicNameBytesMax = 249;

inline constexpr std::string_view kMetadataTopicName = "__cluster_metadata";

// nullopt: the name is allowed; else why not.
std::optional<std::string> TopicNameProblem(std::string_view name);

// Names with equal keys cannot exist side by side: metrics write both '.' and '_' as '_'.
std::string CollisionKey(std::string_view name);

// Topics in which the brokers keep their own state.
bool IsInternalTopic(std::string_view name);

}  // namespace odradek::metadata
