#include <fmt/format.h>

#include <algorithm>

#include "engine/metadata/controller.h"

namespace odradek::metadata {
namespace {

// The partition's directories after the assignment; nullopt: nothing changes.
std::optional<std::vector<Uuid>> DirectoriesAfter(const Image& image, NodeId broker,
                                                  const DirectoryAssignment& assignment) {
  const TopicState* const topic = image.FindTopicById(assignment.topic);
  if (topic == nullptr) return std::nullopt;
  const auto at = topic->partitions.find(assignment.partition);
  if (at == topic->partitions.end()) return std::nullopt;
  const PartitionState& partition = at->second;
  const auto replica = std::find(partition.replicas.begin(), partition.replicas.end(), broker);
  if (replica == partition.replicas.end()) return std::nullopt;
  std::vector<Uuid> directories = partition.directories;
  Uuid& directory = directories[static_cast<size_t>(replica - partition.replicas.begin())];
  if (directory == assignment.directory) return std::nullopt;
  directory = assignment.directory;
  return directories;
}

}  // namespace

Outcome<MaybeFailure> Controller::AssignDirectories(NodeId broker, BrokerEpoch epoch,
                                                    std::span<const DirectoryAssignment> assignments) const {
  Outcome<MaybeFailure> outcome;
  outcome.response = CheckEpoch(broker, epoch);
  if (outcome.response) return outcome;
  if (image().metadata_version().value_or(kMetadataVersionMax) < kDirectoriesFrom) return outcome;
  const std::vector<Uuid>& registered = image().FindBroker(broker)->log_dirs;
  for (const DirectoryAssignment& assignment : assignments) {
    if (std::find(registered.begin(), registered.end(), assignment.directory) == registered.end()) {
      outcome.records.clear();
      outcome.response = Failure{
          protocol::ErrorCode::kInvalidRequest,
          fmt::format("Broker {} did not register the directory {}", broker.value(), assignment.directory.ToString())};
      return outcome;
    }
    std::optional<std::vector<Uuid>> directories = DirectoriesAfter(image(), broker, assignment);
    if (!directories) continue;
    protocol::PartitionChangeRecord record;
    record.partition_id = assignment.partition.value();
    record.topic_id = assignment.topic;
    record.directories = std::move(*directories);
    outcome.records.emplace_back(std::move(record));
  }
  return outcome;
}

}  // namespace odradek::metadata
