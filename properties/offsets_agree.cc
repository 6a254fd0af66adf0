// H1. All sends and polls that mention (partition, offset) mention one value (Jepsen: inconsistent-offsets).
//
// Legal: after a power loss that took the offset, another value may stand there. Then every operation that mentions the
// old value began before the loss, and every one that mentions the new value ended after it.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "properties/property.h"

namespace odradek::properties {
namespace {

struct Mention {
  history::Value value = 0;
  int64_t first_completed_ns = 0;
  int64_t last_invoked_ns = 0;
  uint32_t mention_count = 0;
};
// All mentions of a partition. An offset has one value, if all is well, so what matters is to be quick with the first.
class Mentions {
 public:
  explicit Mentions(const PartitionHistory& partition) {
    size_t count = 0;
    for (const history::Send* send : partition.sends) {
      if (IsAcked(*send)) Include(send->offset, count);
    }
    for (const history::Poll* poll : partition.polls) {
      for (const auto& record : poll->records) Include(record.offset, count);
    }
    // Offsets mostly follow each other; those of a log with huge gaps are kept in the map.
    constexpr size_t kSlotsPerMention = 4;
    const auto range = static_cast<uint64_t>(last_.value() - first_.value()) + 1;
    if (count > 0 && range <= count * kSlotsPerMention) dense_.resize(range);
  }

  static bool IsAcked(const history::Send& send) {
    return send.outcome == history::Outcome::kOk && send.offset != kNoOffset;
  }

  void Add(Offset offset, history::Value value, const history::Span& span) {
    if (dense_.empty()) return Add(others_[offset], value, span);
    Mention& first = dense_[static_cast<size_t>(offset.value() - first_.value())];
    if (first.mention_count == 0) first = {value, span.completed_ns, span.invoked_ns, 0};
    ++first.mention_count;
    if (first.value != value) return Add(others_[offset], value, span);
    Extend(first, span);
  }

  // Calls look(offset, mentions in the order in which they were added) for every offset that is mentioned.
  template <typename Look>
  void ForEach(const Look& look) const {
    auto other = others_.begin();
    std::vector<Mention> mentions;
    for (size_t i = 0; i < dense_.size(); ++i) {
      if (dense_[i].mention_count == 0) continue;
      const Offset offset = first_ + static_cast<int64_t>(i);
      mentions.assign(1, dense_[i]);
      if (other != others_.end() && other->first == offset) {
        mentions.insert(mentions.end(), other->second.begin(), other->second.end());
        ++other;
      }
      look(offset, mentions);
    }
    if (!dense_.empty()) return;
    for (const auto& [offset, all] : others_) look(offset, all);
  }

 private:
  void Include(Offset offset, size_t& count) {
    first_ = count == 0 ? offset : std::min(first_, offset);
    last_ = count == 0 ? offset : std::max(last_, offset);
    ++count;
  }
  static void Extend(Mention& mention, const history::Span& span) {
    mention.first_completed_ns = std::min(mention.first_completed_ns, span.completed_ns);
    mention.last_invoked_ns = std::max(mention.last_invoked_ns, span.invoked_ns);
  }
  static void Add(std::vector<Mention>& mentions, history::Value value, const history::Span& span) {
    const auto same =
        std::find_if(mentions.begin(), mentions.end(), [&](const Mention& m) { return m.value == value; });
    if (same != mentions.end()) return Extend(*same, span);
    mentions.push_back({value, span.completed_ns, span.invoked_ns, 1});
  }

  Offset first_;
  Offset last_;
  std::vector<Mention> dense_;  // the first value of each offset from first_ to last_; empty: all are in others_
  std::map<Offset, std::vector<Mention>> others_;
};

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
    Mentions all(partition);
    for (const history::Send* send : partition.sends) {
      if (Mentions::IsAcked(*send)) all.Add(send->offset, send->value, send->span);
    }
    for (const history::Poll* poll : partition.polls) {
      for (const auto& record : poll->records) all.Add(record.offset, record.value, poll->span);
    }
    all.ForEach([&, &name = name, &partition = partition](Offset offset, const std::vector<Mention>& mentions) {
      found.Judged();
      for (size_t i = 1; i < mentions.size(); ++i) {
        if (SeparatedByLoss(partition, offset, mentions[i - 1], mentions[i])) continue;
        found.Violated(fmt::format("{} holds value {} and value {}", Place(name, offset), mentions[i - 1].value,
                                   mentions[i].value),
                       {mentions[i - 1].first_completed_ns, mentions[i].first_completed_ns});
      }
    });
  }
  return found;
}

}  // namespace odradek::properties
