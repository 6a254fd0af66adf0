// Effects as lines of text, for transcripts: what matters of each, in words.
#pragma once

#include <fmt/format.h>

#include <string>

#include "engine/protocol/errors.h"
#include "engine/raft/steps.h"

namespace odradek::raft {

struct EffectText {
  std::string operator()(const PersistQuorumState& e) const {
    return fmt::format("persist epoch {} leader {} voted {}", e.state.leader_epoch.value(), e.state.leader_id.value(),
                       e.state.voted_id.value());
  }
  std::string operator()(const AppendBatches& e) const {
    return fmt::format("append {} batches", e.batches.facts.size());
  }
  std::string operator()(const AppendProposal& e) const {
    return fmt::format("append proposal at {} epoch {}", e.base_offset.value(), e.epoch.value());
  }
  std::string operator()(const AppendControl& e) const {
    std::string text = fmt::format("append control at {} epoch {}", e.base_offset.value(), e.epoch.value());
    if (e.leader_change) text += fmt::format(" leader {}", e.leader_change->leader.value());
    if (e.voters) text += " voters";
    if (e.voters) {
      for (const Voter& voter : e.voters->voters()) text += fmt::format(" {}", voter.key.id.value());
    }
    return text;
  }
  std::string operator()(const TruncateLog& e) const { return fmt::format("truncate to {}", e.end.value()); }
  std::string operator()(const FlushLog& e) const { return fmt::format("flush {}", e.id.value()); }
  std::string operator()(const SendRequest& e) const {
    return fmt::format("to {}: {}", e.to.value(), std::visit(*this, e.request));
  }
  std::string operator()(const SendResponse& e) const {
    return fmt::format("answer {}: {}", e.token.value(), std::visit(*this, e.response));
  }
  std::string operator()(const AnswerProposal& e) const {
    return fmt::format("proposal {} at {}", ErrorName(e.error), e.base_offset.value());
  }
  std::string operator()(const AdvanceHighWatermark& e) const {
    return fmt::format("high watermark {}", e.high_watermark.value());
  }
  std::string operator()(const AnnounceLeader& e) const {
    return fmt::format("leader of epoch {} is {}{}", e.epoch.value(), e.leader.value(), e.epoch_start ? ", we" : "");
  }
  std::string operator()(const WriteSnapshot& e) const {
    return fmt::format("write snapshot {} at {}", e.id.offset.value(), e.position_bytes);
  }
  std::string operator()(const InstallSnapshot& e) const {
    return fmt::format("install snapshot {}", e.id.offset.value());
  }
  std::string operator()(const DeleteLogPrefix& e) const {
    return fmt::format("delete below {}", e.snapshot.offset.value());
  }
  std::string operator()(const Fault& e) const { return "fault: " + e.what; }

  std::string operator()(const VoteRequest& r) const {
    return fmt::format("{}vote epoch {} log {}@{}", r.pre_vote ? "pre-" : "", r.epoch.value(), r.log_end.offset.value(),
                       r.log_end.epoch.value());
  }
  std::string operator()(const BeginQuorumEpochRequest& r) const { return fmt::format("begin {}", r.epoch.value()); }
  std::string operator()(const EndQuorumEpochRequest& r) const {
    std::string text = fmt::format("end {} successors", r.epoch.value());
    for (const ReplicaKey& key : r.successors) text += fmt::format(" {}", key.id.value());
    return text;
  }
  std::string operator()(const FetchRequest& r) const {
    return fmt::format("fetch {}@{} epoch {}", r.offset.value(), r.last_epoch.value(), r.epoch.value());
  }
  std::string operator()(const FetchSnapshotRequest& r) const {
    return fmt::format("fetch snapshot {} at {}", r.snapshot.offset.value(), r.position_bytes);
  }
  std::string operator()(const AddVoterRequest&) const { return "add voter"; }
  std::string operator()(const RemoveVoterRequest&) const { return "remove voter"; }
  std::string operator()(const UpdateVoterRequest&) const { return "update voter"; }
  std::string operator()(const KraftVersionsRequest&) const { return "versions?"; }

  std::string operator()(const Standing& s) const {
    return fmt::format("{} epoch {} leader {}", ErrorName(s.error), s.epoch.value(), s.leader.value());
  }
  std::string operator()(const VoteResponse& r) const {
    return (*this)(r.standing) + (r.granted ? " granted" : " refused");
  }
  std::string operator()(const BeginQuorumEpochResponse& r) const { return (*this)(r.standing); }
  std::string operator()(const EndQuorumEpochResponse& r) const { return (*this)(r.standing); }
  std::string operator()(const FetchResponse& r) const {
    std::string text = (*this)(r.standing);
    if (r.high_watermark) text += fmt::format(" high watermark {}", r.high_watermark->value());
    if (r.diverging) text += fmt::format(" diverging {}@{}", r.diverging->offset.value(), r.diverging->epoch.value());
    if (r.snapshot) text += fmt::format(" snapshot {}", r.snapshot->offset.value());
    return text + fmt::format(" read [{}, {})", r.read_from.value(), r.read_end.value());
  }
  std::string operator()(const FetchSnapshotResponse& r) const {
    return (*this)(r.standing) + fmt::format(" {} bytes at {}", r.read_bytes, r.position_bytes);
  }
  std::string operator()(const VoterChangeResponse& r) const { return std::string(ErrorName(r.error)); }
  std::string operator()(const KraftVersionsResponse& r) const { return std::string(ErrorName(r.error)); }
};

inline std::string ToText(const Output& output) {
  std::string text;
  for (const Effect& effect : output.effects) text += std::visit(EffectText(), effect) + "\n";
  return text;
}

}  // namespace odradek::raft
