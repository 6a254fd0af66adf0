#include "sim/workload/node_recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

namespace odradek::workload {
namespace {

template <typename... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <typename... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

}  // namespace

NodeRecorder::LogGhost* NodeRecorder::GhostOf(sim::NodeIndex node, const env::PartitionName& partition) {
  const auto at = ghosts_.find({node, {std::string(partition.topic), partition.partition}});
  return at == ghosts_.end() ? nullptr : &at->second;
}

const NodeRecorder::LogGhost* NodeRecorder::Find(sim::NodeIndex node, const TopicPartition& partition) const {
  const auto at = ghosts_.find({node, partition});
  return at == ghosts_.end() ? nullptr : &at->second;
}

bool NodeRecorder::HasOfflineLog(sim::NodeIndex node) const {
  return std::any_of(ghosts_.begin(), ghosts_.end(), [&](const auto& entry) {
    return entry.first.first == node && entry.second.is_offline && !deleted_.contains(entry.first);
  });
}

void NodeRecorder::AddNodeEvent(sim::NodeIndex node, history::NodeEventKind kind) {
  history_.node_events.push_back({NowNanos(), cluster_.node(node).name(), kind});
}

void NodeRecorder::OnLife(const sim::LifeEvent& event) {
  using history::NodeEventKind;
  const bool is_server =
      cluster_.node(event.node).role() == "broker" || cluster_.node(event.node).role() == "controller";
  switch (event.kind) {
    case sim::LifeKind::kBooted:
      return AddNodeEvent(event.node, NodeEventKind::kBoot);
    case sim::LifeKind::kPaused:
      return AddNodeEvent(event.node, NodeEventKind::kPause);
    case sim::LifeKind::kResumed:
      return AddNodeEvent(event.node, NodeEventKind::kResume);
    case sim::LifeKind::kWiped:
      return;
    case sim::LifeKind::kPowerLost:
      if (is_server) ++counts_.power_loss_count;
      AddNodeEvent(event.node, NodeEventKind::kPowerLoss);
      break;
    case sim::LifeKind::kFatal:
      if (is_server) ++counts_.fatal_count;
      fatal_reasons_.push_back(fmt::format("{}: {}", cluster_.node(event.node).name(), event.reason));
      AddNodeEvent(event.node, NodeEventKind::kFatal);
      break;
    case sim::LifeKind::kExited:
      AddNodeEvent(event.node, NodeEventKind::kShutDown);
      break;
    case sim::LifeKind::kCrashed:
      if (is_server) ++counts_.crash_count;
      AddNodeEvent(event.node, NodeEventKind::kCrash);
      break;
  }
  died_at_ns_[event.node] = NowNanos();
  if (event.kind != sim::LifeKind::kPowerLost) return;
  for (auto& [key, ghost] : ghosts_) {
    if (key.first == event.node) ghost.power_was_lost = true;
  }
}

void NodeRecorder::AddLogStart(sim::NodeIndex node, const env::PartitionName& partition, Offset log_start) {
  history_.log_starts.push_back({.at_ns = NowNanos(),
                                 .partition = {std::string(partition.topic), partition.partition},
                                 .log_start_offset = log_start,
                                 .node = cluster_.node(node).name()});
}

Offset NodeRecorder::KeptElsewhere(const Key& lost) const {
  Offset kept(0);
  for (const auto& [key, ghost] : ghosts_) {
    if (key.second == lost.second && key.first != lost.first) kept = std::max(kept, ghost.end);
  }
  return kept;
}

void NodeRecorder::AddBatchAnswer(sim::NodeIndex node, const env::ProduceAnswered& answered) {
  if (answered.producer_id == kNoProducerId) return;
  const LogGhost* ghost = GhostOf(node, answered.partition);
  history_.batch_answers.push_back({.at_ns = NowNanos(),
                                    .partition = {std::string(answered.partition.topic), answered.partition.partition},
                                    .producer_id = answered.producer_id,
                                    .producer_epoch = answered.producer_epoch,
                                    .base_sequence = answered.base_sequence,
                                    .record_count = answered.record_count,
                                    .error = answered.error,
                                    .acks = static_cast<history::Acks>(answered.acks),
                                    .base_offset = answered.base_offset,
                                    .durable_end = ghost == nullptr ? kNoOffset : ghost->flushed_end});
}

void NodeRecorder::AddExpiration(const env::SegmentExpired& expired) {
  history_.expirations.push_back({.at_ns = NowNanos(),
                                  .partition = {std::string(expired.partition.topic), expired.partition.partition},
                                  .base_offset = expired.base_offset,
                                  .next_offset = expired.next_offset,
                                  .high_watermark = expired.high_watermark,
                                  .largest_timestamp = expired.largest_timestamp,
                                  .now_ms = expired.now.unix_millis(),
                                  .left_bytes = expired.left_bytes});
}

void NodeRecorder::NoteDamage(sim::NodeIndex node, const TopicPartition& partition, Offset from) {
  const auto at = ghosts_.find({node, partition});
  if (at != ghosts_.end()) at->second.damaged_from = std::min(at->second.damaged_from, from);
}

void NodeRecorder::NoteRepair(sim::NodeIndex node) {
  for (auto& [key, ghost] : ghosts_) {
    if (key.first == node) ghost.damaged_from = Offset(INT64_MAX);
  }
}

void NodeRecorder::OnSuccessor(const Key& created) {
  for (auto at = deleted_.begin(); at != deleted_.end();) {
    const auto& [key, seen] = *at;
    const bool is_here = key == created;
    if (key.second != created.second || (!is_here && seen == Successor::kElsewhere)) {
      ++at;
      continue;
    }
    if (seen == Successor::kUnseen) {
      history_.losses.push_back({.at_ns = NowNanos(),
                                 .partition = key.second,
                                 .recovered_end = Offset(0),
                                 .durable_end = Offset(0),
                                 .end_before = ghosts_[key].end,
                                 .cause = history::LossCause::kDeletion});
    }
    if (is_here) {
      ghosts_.erase(key);
      at = deleted_.erase(at);
    } else {
      at->second = Successor::kElsewhere;
      ++at;
    }
  }
}

void NodeRecorder::OnRecovered(sim::NodeIndex node, const env::LogRecovered& recovered) {
  const Key key{node, {std::string(recovered.partition.topic), recovered.partition.partition}};
  // A new log is seen empty first; until then a start may find the deleted one again.
  if (recovered.log_end_offset == Offset(0)) OnSuccessor(key);
  // What is left of a replica that was dropped promises nothing, neither does one that takes its place.
  const bool is_new_replica = dropped_.erase(key) > 0;
  if (is_new_replica) ghosts_.erase(key);
  LogGhost& ghost = ghosts_[key];
  if (ghost.truncating_to) {
    const Offset left = std::max(*ghost.truncating_to, recovered.log_end_offset);
    ghost.end = std::min(ghost.end, left);
    ghost.flushed_end = std::min(ghost.flushed_end, left);
    ghost.truncating_to.reset();
  }
  if (recovered.previous_shutdown == env::ShutdownKind::kUnclean) ++counts_.recovery_count;
  const Offset promised = ghost.power_was_lost || ghost.suspect_end > ghost.flushed_end ? ghost.flushed_end : ghost.end;
  const Offset damaged_from = std::min(ghost.damaged_from, ghost.cut_damaged_from.value_or(ghost.damaged_from));
  const bool by_damage = recovered.log_end_offset < promised && damaged_from < promised;
  if (recovered.log_end_offset < std::max(ghost.end, promised)) {
    ++counts_.shortened_log_count;
    counts_.lost_record_count += static_cast<uint64_t>(ghost.end - recovered.log_end_offset);
    history_.losses.push_back({.at_ns = died_at_ns_[node],
                               .partition = {std::string(recovered.partition.topic), recovered.partition.partition},
                               .recovered_end = recovered.log_end_offset,
                               .durable_end = std::min(promised, damaged_from),
                               .end_before = ghost.end,
                               .cause = by_damage ? history::LossCause::kDamage : history::LossCause::kDeath,
                               .was_reported = recovered.bytes_truncated > 0 || ghost.cut_damaged_from.has_value(),
                               .kept_end = KeptElsewhere(key)});
  }
  ghost.end = recovered.log_end_offset;
  ghost.flushed_end = std::min(ghost.flushed_end, ghost.end);
  ghost.is_offline = false;
  ghost.power_was_lost = false;
  ghost.cut_damaged_from.reset();
  AddLogStart(node, recovered.partition, recovered.log_start_offset);
  history_.log_starts.back().is_new_replica = is_new_replica;
}

// The old log still answers until the deletion takes effect: what it lost counts from the first start of the new one.
void NodeRecorder::OnTopicDeleted(sim::NodeIndex node, std::string_view topic) {
  for (const auto& [key, ghost] : ghosts_) {
    if (key.first == node && key.second.topic == topic) deleted_.emplace(key, Successor::kUnseen);
  }
}

void NodeRecorder::OnReplicaDropped(sim::NodeIndex node, const env::PartitionName& partition) {
  dropped_.insert({node, {std::string(partition.topic), partition.partition}});
}

void NodeRecorder::OnObservation(sim::NodeIndex node, ShardId, const env::Observation& observation) {
  std::visit(
      Overloaded{
          [&](const env::LogAppended& o) {
            if (LogGhost* ghost = GhostOf(node, o.partition)) ghost->end = o.next_offset;
          },
          [&](const env::LogFlushed& o) {
            LogGhost* ghost = GhostOf(node, o.partition);
            if (ghost != nullptr) ghost->flushed_end = std::max(ghost->flushed_end, o.durable_end);
          },
          [&](const env::LogTruncated& o) {
            LogGhost* ghost = GhostOf(node, o.partition);
            if (ghost == nullptr) return;
            ghost->end = o.log_end_offset;
            ghost->flushed_end = std::min(ghost->flushed_end, ghost->end);
            ghost->truncating_to.reset();
          },
          [&](const env::LogTruncating& o) {
            if (LogGhost* ghost = GhostOf(node, o.partition)) ghost->truncating_to = o.log_end_offset;
          },
          [&](const env::LogStartMoved& o) { AddLogStart(node, o.partition, o.log_start_offset); },
          [&](const env::HighWatermarkMoved& o) {
            history_.high_watermarks.push_back(
                {NowNanos(), {std::string(o.partition.topic), o.partition.partition}, o.high_watermark});
          },
          [&](const env::LogCutOff& o) {
            LogGhost* ghost = GhostOf(node, o.partition);
            if (ghost == nullptr) return;
            ghost->cut_damaged_from =
                std::min(ghost->damaged_from, ghost->cut_damaged_from.value_or(ghost->damaged_from));
          },
          [&](const env::LogRecovered& o) { OnRecovered(node, o); },
          [&](const env::LogOffline& o) {
            ++counts_.offline_log_count;
            LogGhost* ghost = GhostOf(node, o.partition);
            if (ghost == nullptr) return;
            ghost->is_offline = true;
            ghost->suspect_end = std::max(ghost->suspect_end, ghost->end + 1);
          },
          [&](const env::SegmentDeleted&) { ++counts_.deleted_segment_count; },
          [&](const env::ProduceAnswered& o) { AddBatchAnswer(node, o); },
          [&](const env::FetchOutOfRange& o) {
            history_.out_of_ranges.push_back({.at_ns = NowNanos(),
                                              .partition = {std::string(o.partition.topic), o.partition.partition},
                                              .fetch_offset = o.fetch_offset,
                                              .log_start_offset = o.log_start_offset,
                                              .log_end_offset = o.log_end_offset});
          },
          [&](const env::SegmentExpired& o) { AddExpiration(o); },
          [&](const env::TopicDeleted& o) { OnTopicDeleted(node, o.topic); },
          [&](const env::ReplicaDropped& o) { OnReplicaDropped(node, o.partition); },
          [&](const env::NodeStarted&) { AddNodeEvent(node, history::NodeEventKind::kStarted); },
          [&](const env::NodeShutDown&) { ++counts_.clean_shutdown_count; },
          [](const auto&) {},
      },
      observation);
}

}  // namespace odradek::workload
