#include "engine/replication/log_facts.h"

#include <algorithm>
#include <utility>

#include "engine/base/check.h"

namespace odradek::replication {

std::optional<LogFacts> LogFacts::FromParts(const Parts& parts) {
  if (parts.start < Offset(0) || parts.end < parts.start) return std::nullopt;
  std::optional<EpochCache> epochs = EpochCache::FromEntries(parts.epochs);
  if (!epochs) return std::nullopt;
  LogFacts facts;
  facts.start_ = parts.start;
  facts.end_ = parts.end;
  facts.high_watermark_ = std::clamp(parts.high_watermark, parts.start, parts.end);
  facts.epochs_ = *std::move(epochs);
  if (!facts.IsConsistent()) return std::nullopt;
  return facts;
}

bool LogFacts::IsConsistent() const {
  if (start_ > high_watermark_ || high_watermark_ > end_) return false;
  return epochs_.entries().empty() || epochs_.entries().back().start_offset <= end_;
}

LogFacts::TruncationPoint LogFacts::TruncationFor(const EpochEndOffset& leaders) const {
  REQUIRES(!leaders.is_none());
  const EpochEndOffset own = EndOffsetFor(leaders.epoch);
  TruncationPoint point;
  if (own.is_none()) {
    // We have no epoch that late, or none at all: there is nothing of ours to compare with.
    point.end = leaders.end_offset;
  } else if (own.epoch == leaders.epoch) {
    point.end = std::min(own.end_offset, leaders.end_offset);
  } else {
    // The leader has records of an epoch that we do not know. What we have of later ones is not the leader's.
    point.end = own.end_offset;
    point.is_final = false;
  }
  point.end = std::clamp(point.end, start_, end_);
  INVARIANT(point.end <= end_);
  return point;
}

void LogFacts::Append(LeaderEpoch epoch, Offset base, Offset next) {
  REQUIRES(epoch >= latest_epoch());
  REQUIRES(base >= end_ && next > base);
  epochs_.Assign(epoch, base);
  end_ = next;
  INVARIANT(IsConsistent());
}

void LogFacts::BeginEpoch(LeaderEpoch epoch) {
  REQUIRES(epoch > latest_epoch());
  epochs_.Assign(epoch, end_);
  INVARIANT(IsConsistent());
}

void LogFacts::TruncateTo(Offset end) {
  REQUIRES(end >= start_);
  REQUIRES(end <= end_);
  end_ = end;
  high_watermark_ = std::min(high_watermark_, end);
  epochs_.TruncateFromEnd(end);
  INVARIANT(IsConsistent());
}

void LogFacts::RestartAt(Offset start) {
  REQUIRES(start >= Offset(0));
  // With the old high watermark the log would be committed where it has nothing (RP28).
  start_ = end_ = high_watermark_ = start;
  epochs_.Clear();
  INVARIANT(IsConsistent());
}

void LogFacts::RaiseStart(Offset start) {
  REQUIRES(start <= end_);
  if (start <= start_) return;
  start_ = start;
  high_watermark_ = std::max(high_watermark_, start);
  epochs_.TruncateFromStart(start);
  INVARIANT(IsConsistent());
}

bool LogFacts::RaiseHighWatermark(Offset to) {
  const Offset bounded = std::min(to, end_);
  if (bounded <= high_watermark_) return false;
  high_watermark_ = bounded;
  INVARIANT(IsConsistent());
  return true;
}

}  // namespace odradek::replication
