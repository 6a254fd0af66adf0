// Effects as lines of text, for transcripts: what matters of each, in words.
#pragma once

#include <fmt/format.h>

#include <string>

#include "engine/protocol/errors.h"
#include "engine/replication/replica.h"

namespace odradek::replication {

inline std::string ErrorText(ErrorCode error) {
  return std::string(protocol::ErrorName(error));
}

inline std::string IdsText(const NodeIds& ids) {
  std::string text = "[";
  for (const NodeId id : ids) text += fmt::format("{}{}", text.size() > 1 ? " " : "", id.value());
  return text + "]";
}

inline std::string ToText(const FetchAnswer& answer) {
  if (answer.error != ErrorCode::kNone) {
    if (answer.hint.leader_epoch == kNoLeaderEpoch) return ErrorText(answer.error);
    return fmt::format("{}, leader {} in {}", ErrorText(answer.error), answer.hint.leader.value(),
                       answer.hint.leader_epoch.value());
  }
  if (!answer.diverging.is_none()) {
    return fmt::format("diverging, epoch {} ends at {}", answer.diverging.epoch.value(),
                       answer.diverging.end_offset.value());
  }
  std::string text = fmt::format("[{}, {}) high watermark {} start {}", answer.read_from.value(),
                                 answer.read_end.value(), answer.high_watermark.value(), answer.log_start.value());
  if (answer.preferred_read_replica != kNoNode) text += fmt::format(" at {}", answer.preferred_read_replica.value());
  return text;
}

struct EffectText {
  std::string operator()(const BeginLeaderEpoch& e) const {
    return fmt::format("epoch {} begins at {}", e.leader_epoch.value(), e.start.value());
  }
  std::string operator()(const TruncateLog& e) const { return fmt::format("truncate to {}", e.end.value()); }
  std::string operator()(const RestartLog& e) const { return fmt::format("restart at {}", e.start.value()); }
  std::string operator()(const AppendFetched& e) const {
    return fmt::format("append {} to {}", e.batches, e.end.value());
  }
  std::string operator()(const RaiseLogStart& e) const { return fmt::format("log start {}", e.start.value()); }
  std::string operator()(const AdvanceHighWatermark& e) const {
    return fmt::format("high watermark {}", e.high_watermark.value());
  }
  std::string operator()(const SendAlterPartition& e) const {
    std::string text =
        fmt::format("alter {} epoch {} on {} to", e.attempt.value(), e.leader_epoch.value(), e.partition_epoch.value());
    for (size_t i = 0; i < e.isr.size(); ++i) {
      text += fmt::format(" {}@{}", e.isr[i].value(), e.broker_epochs[i].value());
    }
    return text;
  }
  std::string operator()(const AnswerCommit& e) const {
    return fmt::format("commit {}: {}", e.token.value(), ErrorText(e.error));
  }
  std::string operator()(const AnswerDeleteRecords& e) const {
    return fmt::format("delete {}: {} {}", e.token.value(), ErrorText(e.error), e.low_watermark.value());
  }
  std::string operator()(const AnswerFetch& e) const {
    return fmt::format("fetch {}: {}", e.token.value(), ToText(e.answer));
  }
  std::string operator()(const AnnounceRole& e) const {
    const char* role = e.role == Role::kLeader ? "leader" : e.role == Role::kFollower ? "follower" : "none";
    return fmt::format("{} in epoch {}, led by {}", role, e.leader_epoch.value(), e.leader.value());
  }
  std::string operator()(const AnnounceIsr& e) const {
    return fmt::format("isr {} in {}", IdsText(e.isr), e.partition_epoch.value());
  }
  std::string operator()(const ReportTrouble& e) const {
    constexpr const char* kTexts[] = {"truncates below the high watermark", "fetched out of order",
                                      "diverges in a later epoch", "contradictory metadata"};
    return fmt::format("trouble: {}", kTexts[static_cast<size_t>(e.trouble)]);
  }
};

// One effect a line.
inline std::string ToText(const Output& output) {
  std::string text;
  for (const Effect& effect : output.effects) text += std::visit(EffectText{}, effect) + "\n";
  return text;
}

inline std::string ToText(const std::optional<Question>& question) {
  if (!question) return "nothing";
  if (const auto* fetch = std::get_if<FetchPosition>(&*question)) {
    return fmt::format("fetch at {} after epoch {} in {}, start {}", fetch->fetch_offset.value(),
                       fetch->last_fetched_epoch.value(), fetch->current_leader_epoch.value(),
                       fetch->log_start.value());
  }
  if (const auto* end = std::get_if<EpochEndQuestion>(&*question)) {
    return fmt::format("end of epoch {} in {}", end->leader_epoch.value(), end->current_leader_epoch.value());
  }
  return fmt::format("offsets in {}", std::get<OffsetsQuestion>(*question).current_leader_epoch.value());
}

}  // namespace odradek::replication
