#include "sim/explore/sentences.h"

#include "properties/cluster_monitors.h"
#include "properties/monitors.h"
#include "properties/property.h"

namespace odradek::explore {
namespace {

template <typename Subject>
void AddMonitors(std::vector<Sentence>& into) {
  for (const properties::Monitor<Subject>& monitor : properties::MonitorsOf<Subject>()) {
    into.push_back({std::string(monitor.id), std::string(monitor.sentence)});
  }
}

}  // namespace

std::vector<Sentence> AllSentences(const lab::Lab* lab) {
  std::vector<Sentence> all;
  for (const properties::Property& property : properties::AllProperties()) {
    all.push_back({std::string(property.id), std::string(property.sentence)});
  }
  AddMonitors<properties::ReplicaState>(all);
  AddMonitors<properties::RecoveredLog>(all);
  AddMonitors<properties::DirectoryState>(all);
  AddMonitors<properties::FetchAnswer>(all);
  AddMonitors<properties::ProduceAnswer>(all);
  AddMonitors<properties::SegmentDeletion>(all);
  AddMonitors<properties::SegmentCompaction>(all);
  AddMonitors<properties::QuorumMember>(all);
  AddMonitors<properties::QuorumVote>(all);
  AddMonitors<properties::ImageState>(all);
  AddMonitors<properties::PartitionInImage>(all);
  AddMonitors<properties::ReplicaCommit>(all);
  AddMonitors<properties::LeaderState>(all);
  AddMonitors<properties::LeaderCommit>(all);
  AddMonitors<properties::CandidateState>(all);
  AddMonitors<properties::CandidateTruncation>(all);
  AddMonitors<properties::OutOfRangeAnswer>(all);
  AddMonitors<properties::Redirection>(all);
  AddMonitors<properties::ClusterAtRest>(all);
  if (lab == nullptr) return all;
  for (const lab::Property& property : lab->properties) all.push_back({property.name, property.sentence});
  return all;
}

std::string SentenceOf(std::string_view property, const lab::Lab* lab) {
  std::string text;
  for (const Sentence& sentence : AllSentences(lab)) {
    if (sentence.property == property) text += (text.empty() ? "" : " ") + sentence.text;
  }
  return text;
}

}  // namespace odradek::explore
