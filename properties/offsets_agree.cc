// H1. All sends and polls that mention (partition, offset) mention one value (Jepsen: inconsistent-offsets).
//
// Legal: after a power loss that took the offset, another value may stand there, or the same one again. An operation
// that spans a loss may have seen what stood there before or after it.
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "properties/property.h"

namespace odradek::properties {
namespace {

// Which offsets of a partition are mentioned with more than one value. An offset has one, if all is well, so what
// matters is to be quick with the first.
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

  void Add(Offset offset, history::Value value) {
    std::optional<history::Value>& first =
        dense_.empty() ? others_[offset] : dense_[static_cast<size_t>(offset.value() - first_.value())];
    if (!first) {
      first = value;
      ++offset_count_;
    }
    if (first != value) disputed_.insert(offset);
  }

  int64_t offset_count() const { return offset_count_; }
  const std::set<Offset>& disputed() const { return disputed_; }

 private:
  void Include(Offset offset, size_t& count) {
    first_ = count == 0 ? offset : std::min(first_, offset);
    last_ = count == 0 ? offset : std::max(last_, offset);
    ++count;
  }
  Offset first_;
  Offset last_;
  // The first value of each offset from first_ to last_; empty: all are in others_.
  std::vector<std::optional<history::Value>> dense_;
  std::map<Offset, std::optional<history::Value>> others_;
  std::set<Offset> disputed_;
  int64_t offset_count_ = 0;
};

// The values that an offset had one after the other: each loss that took it begins a new one.
class Lives {
 public:
  Lives(const PartitionHistory& partition, Offset offset) {
    for (const history::LogLoss* loss : partition.losses) {
      if (LeftAfter(*loss) <= offset) losses_ns_.push_back(loss->at_ns);
    }
    std::sort(losses_ns_.begin(), losses_ns_.end());
    holders_.resize(losses_ns_.size() + 1);
  }

  void Add(history::Value value, const history::Span& span) {
    const auto first = std::lower_bound(losses_ns_.begin(), losses_ns_.end(), span.invoked_ns);
    const auto last = std::upper_bound(losses_ns_.begin(), losses_ns_.end(), span.completed_ns);
    const One one{value, static_cast<size_t>(first - losses_ns_.begin()),
                  static_cast<size_t>(last - losses_ns_.begin()), span.completed_ns};
    const auto same = [&](const One& other) {
      return other.value == one.value && other.first == one.first && other.last == one.last;
    };
    if (std::none_of(mentions_.begin(), mentions_.end(), same)) mentions_.push_back(one);
  }

  void Judge(const TopicPartition& name, Offset offset, Findings& found) {
    // First those that can only be of one life.
    std::stable_partition(mentions_.begin(), mentions_.end(), [](const One& one) { return one.first == one.last; });
    for (const One& one : mentions_) {
      const auto begin = holders_.begin() + static_cast<ptrdiff_t>(one.first);
      const auto end = holders_.begin() + static_cast<ptrdiff_t>(one.last) + 1;
      const auto fits = [&](const One* holder) { return holder == nullptr || holder->value == one.value; };
      if (std::none_of(begin, end, fits)) {
        found.Violated(fmt::format("{} holds value {} and value {}", Place(name, offset), (*begin)->value, one.value),
                       {(*begin)->completed_ns, one.completed_ns});
      }
      if (one.first == one.last && *begin == nullptr) *begin = &one;
    }
  }

 private:
  struct One {
    history::Value value;
    size_t first;  // of the lives that the operation may have seen
    size_t last;
    int64_t completed_ns;
  };

  std::vector<int64_t> losses_ns_;
  std::vector<One> mentions_;
  std::vector<const One*> holders_;  // of each life; nullptr: not known
};

template <typename Look>
void ForEachMention(const PartitionHistory& partition, const Look& look) {
  for (const history::Send* send : partition.sends) {
    if (Mentions::IsAcked(*send)) look(send->offset, send->value, send->span);
  }
  for (const history::Poll* poll : partition.polls) {
    for (const auto& record : poll->records) look(record.offset, record.value, poll->span);
  }
}

}  // namespace

Findings OffsetsAgree(const Evidence& evidence) {
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    Mentions all(partition);
    ForEachMention(partition,
                   [&](Offset offset, history::Value value, const history::Span&) { all.Add(offset, value); });
    found.Judged(all.offset_count());
    if (all.disputed().empty()) continue;
    std::map<Offset, Lives> disputed;
    for (const Offset offset : all.disputed()) disputed.try_emplace(offset, partition, offset);
    ForEachMention(partition, [&](Offset offset, history::Value value, const history::Span& span) {
      const auto at = disputed.find(offset);
      if (at != disputed.end()) at->second.Add(value, span);
    });
    for (auto& [offset, lives] : disputed) lives.Judge(name, offset, found);
  }
  return found;
}

}  // namespace odradek::properties
