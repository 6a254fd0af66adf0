// Z5. A topic that is made anew under the name of a deleted one begins empty: a record whose send had ended before the
// deletion began is not in the final log, nor does a read return it that began after the deletion had ended.
//
// Legal: sends that overlap the deletion may have gone to either topic; a deletion whose answer was lost may have
// happened or not.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "properties/property.h"

namespace odradek::properties {
namespace {

// The last deletion of each topic that is known to have happened, by the ends of the calls.
std::map<std::string, std::vector<const history::TopicDeletion*>> DeletionsOf(const history::History& history) {
  std::map<std::string, std::vector<const history::TopicDeletion*>> by_topic;
  for (const history::TopicDeletion& deletion : history.topic_deletions) {
    if (deletion.outcome == history::Outcome::kOk) by_topic[deletion.topic].push_back(&deletion);
  }
  for (auto& [topic, deletions] : by_topic) {
    std::sort(deletions.begin(), deletions.end(),
              [](const auto* a, const auto* b) { return a->span.completed_ns < b->span.completed_ns; });
  }
  return by_topic;
}

// The last one that had ended at `at_ns`; nullptr: none had. Calls of one client do not overlap.
const history::TopicDeletion* LastBefore(const std::vector<const history::TopicDeletion*>& deletions, int64_t at_ns) {
  const auto after =
      std::partition_point(deletions.begin(), deletions.end(),
                           [&](const history::TopicDeletion* deletion) { return deletion->span.completed_ns < at_ns; });
  return after == deletions.begin() ? nullptr : *std::prev(after);
}

void CheckRecord(const TopicPartition& name, const Evidence& evidence, const history::PolledRecord& record,
                 const history::TopicDeletion* deletion, Findings& found) {
  const history::Send* send = evidence.SendOf(record.value);
  if (deletion == nullptr || send == nullptr) return;
  found.Judged();
  if (send->span.completed_ns >= deletion->span.invoked_ns) return;
  found.Violated(fmt::format("{} holds value {}, which was sent before the topic was deleted",
                             Place(name, record.offset), record.value),
                 {send->span.completed_ns, deletion->span.completed_ns});
}

}  // namespace

Findings DeletedTopicsStayDeleted(const Evidence& evidence) {
  Findings found;
  const auto by_topic = DeletionsOf(evidence.history());
  for (const auto& [name, partition] : evidence.partitions()) {
    const auto deletions = by_topic.find(name.topic);
    if (deletions == by_topic.end()) continue;
    for (const history::Poll* poll : partition.polls) {
      const history::TopicDeletion* last = LastBefore(deletions->second, poll->span.invoked_ns);
      for (const auto& record : poll->records) CheckRecord(name, evidence, record, last, found);
    }
    if (partition.final_read == nullptr) continue;
    const history::TopicDeletion* last = LastBefore(deletions->second, INT64_MAX);
    for (const auto& record : partition.final_read->records) CheckRecord(name, evidence, record, last, found);
  }
  return found;
}

}  // namespace odradek::properties
