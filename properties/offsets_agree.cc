// H1. All sends and polls that mention (partition, offset) mention one value (Jepsen: inconsistent-offsets).
//
// Legal: after a power loss that took the offset, another value may stand there. Then every operation that mentions the
// old value began before the loss, and every one that mentions the new value ended after it.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "properties/property.h"

namespace odradek::properties {
namespace {

struct Mention {
  history::Value value = 0;
  int64_t first_completed_ns = 0;
  int64_t last_invoked_ns = 0;
};
using MentionsByOffset = std::map<Offset, std::vector<Mention>>;

void AddMention(MentionsByOffset& all, Offset offset, history::Value value, const history::Span& span) {
  std::vector<Mention>& mentions = all[offset];
  const auto same = std::find_if(mentions.begin(), mentions.end(), [&](const Mention& m) { return m.value == value; });
  if (same == mentions.end()) {
    mentions.push_back({value, span.completed_ns, span.invoked_ns});
    return;
  }
  same->first_completed_ns = std::min(same->first_completed_ns, span.completed_ns);
  same->last_invoked_ns = std::max(same->last_invoked_ns, span.invoked_ns);
}

bool SeparatedByLoss(const PartitionHistory& partition, Offset offset, const Mention& a, const Mention& b) {
  return std::any_of(partition.losses.begin(), partition.losses.end(), [&](const history::LogLoss* loss) {
    if (loss->recovered_end > offset) return false;
    const auto between = [&](const Mention& old, const Mention& fresh) {
      return old.last_invoked_ns <= loss->at_ns && fresh.first_completed_ns >= loss->at_ns;
    };
    return between(a, b) || between(b, a);
  });
}

}  // namespace

Findings OffsetsAgree(const Evidence& evidence) {
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    MentionsByOffset all;
    for (const history::Send* send : partition.sends) {
      if (send->outcome == history::Outcome::kOk && send->offset != kNoOffset) {
        AddMention(all, send->offset, send->value, send->span);
      }
    }
    for (const history::Poll* poll : partition.polls) {
      for (const auto& record : poll->records) AddMention(all, record.offset, record.value, poll->span);
    }
    for (const auto& [offset, mentions] : all) {
      found.Judged();
      for (size_t i = 1; i < mentions.size(); ++i) {
        if (SeparatedByLoss(partition, offset, mentions[i - 1], mentions[i])) continue;
        found.Violated(fmt::format("{} holds value {} and value {}", Place(name, offset), mentions[i - 1].value,
                                   mentions[i].value),
                       {mentions[i - 1].first_completed_ns, mentions[i].first_completed_ns});
      }
    }
  }
  return found;
}

}  // namespace odradek::properties
