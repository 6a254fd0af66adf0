#include "sim/explore/state_monitor.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "engine/base/check.h"
#include "engine/storage/file_names.h"
#include "sim/disk/sim_node_disk.h"
#include "sim/explore/disk_look.h"

namespace odradek::explore {
namespace {

template <typename... Functions>
struct OneOf : Functions... {
  using Functions::operator()...;
};
template <typename... Functions>
OneOf(Functions...) -> OneOf<Functions...>;

const sim::DiskModel& DiskOf(sim::Node& node) {
  REQUIRES(node.disk() != nullptr);
  return static_cast<sim::SimNodeDisk*>(node.disk())->model();
}

TopicPartition NameOf(const env::PartitionName& partition) {
  return {std::string(partition.topic), partition.partition};
}

// As processes see it, or as a loss of power may leave it.
bool HasCleanMark(const sim::DiskModel& disk, const std::string& directory) {
  bool found = false;
  for (const auto view : {sim::DiskModel::View::kSeen, sim::DiskModel::View::kDurable}) {
    disk.VisitFiles(view, directory, [&](std::string_view path, const sim::PagedContent&) {
      found = found || path == storage::kCleanShutdownName;
    });
  }
  return found;
}

std::vector<properties::ReplicaProducer> ProducersOf(const storage::Log& log) {
  std::vector<properties::ReplicaProducer> producers;
  for (const auto& [id, entry] : log.producers().entries()) {
    properties::ReplicaProducer& producer = producers.emplace_back();
    producer.id = id;
    producer.epoch = entry.epoch;
    producer.last_timestamp = entry.last_timestamp;
    for (const auto& batch : entry.window) {
      producer.window.push_back({batch.last_sequence, batch.last_offset, batch.offset_delta});
    }
  }
  return producers;
}

}  // namespace

StateMonitor::StateMonitor(sim::Cluster& cluster, const workload::NodeRecorder& nodes, const Options& options)
    : cluster_(cluster), nodes_(nodes), options_(options) {}

void StateMonitor::Start() {
  cluster_.kernel().After(options_.every, [this] {
    sim::DrawStream& draws = cluster_.kernel().Stream(sim::EntityOf("monitor"), sim::PurposeOf("read files"));
    const Reading reading = draws.PartsPerMillion(options_.read_ppm) ? Reading::kYes : Reading::kNo;
    Look(reading, Moment::kRunning);
    Start();
  });
}

void StateMonitor::LookAtRest() {
  Look(Reading::kYes, Moment::kAtRest);
}

const StateMonitor::Server& StateMonitor::ServerOf(const sim::Node& node) const {
  const auto at = options_.servers.find(node.name());
  REQUIRES(at != options_.servers.end());
  return at->second;
}

void StateMonitor::Look(Reading reading, Moment moment) {
  ++look_count_;
  if (reading == Reading::kYes) ++reading_count_;
  for (const auto& node : cluster_.nodes()) {
    if (!IsServer(*node) || node->state() != sim::Node::State::kRunning) continue;
    BrokerProcess* process = BrokerOf(*node);
    LatestWall(*node);
    if (process != nullptr && process->is_serving()) LookAtNode(*node, reading, moment);
  }
}

bool StateMonitor::WasOpened(sim::Node& server, const std::string& directory) {
  broker::Node& node = BrokerOf(server)->node();
  for (int32_t i = 0; i < node.shard_count(); ++i) {
    const auto& open = node.shard(ShardId(i)).directories().open();
    if (std::ranges::any_of(open, [&](const auto& one) { return one.directory.path == directory; })) return true;
  }
  return false;
}

void StateMonitor::LookAtNode(sim::Node& node, Reading reading, Moment moment) {
  std::vector<properties::DirectoryState> directories;
  if (reading == Reading::kYes) {
    for (const std::string& directory : ServerOf(node).log_directories) {
      // What this life never opened is as the one before it has left it.
      if (!WasOpened(node, directory)) continue;
      directories.push_back(ReadDirectory(node, directory));
      directories.back().moment = properties::DirectoryState::Moment::kServing;
      book_.Judge(directories.back(), directory);
    }
  }
  BrokerProcess& process = *BrokerOf(node);
  for (int32_t i = 0; i < process.node().shard_count(); ++i) {
    for (const auto& partition : process.node().shard(ShardId(i)).Partitions()) {
      const properties::DirectoryLog* files = nullptr;
      for (const properties::DirectoryState& directory : directories) {
        for (const properties::DirectoryLog& log : directory.logs) {
          if (log.partition == partition->log().name()) files = &log;
        }
      }
      LookAt(node, *partition, files, moment);
    }
  }
}

void StateMonitor::LookAt(sim::Node& node, const broker::Partition& partition, const properties::DirectoryLog* files,
                          Moment moment) {
  const storage::Log& log = partition.log();
  const auto known = trails_.find({node.index(), log.name()});
  if (known != trails_.end() && known->second.is_truncating) return;
  if (files != nullptr && !log.is_offline()) NoteRetention(node, log, files->files);
  properties::ReplicaState state = StateOf(node, log);
  state.moment = log.is_offline() ? Moment::kRunning : moment;
  if (files != nullptr) state.durable = &files->durable;
  if (files != nullptr && files->trust == properties::DirectoryLog::Trust::kFull && !log.is_offline()) {
    state.files = &files->files;
    state.producers = ProducersOf(log);
    const auto trail = trails_.find({node.index(), log.name()});
    if (trail != trails_.end()) state.appended = &trail->second.appended;
  }
  book_.Judge(state, ToString(log.name()));
}

properties::DirectoryState StateMonitor::ReadDirectory(sim::Node& node, const std::string& directory) {
  properties::DirectoryState state = LookAtDirectory(DiskOf(node), directory);
  state.at_ns = NowNanos();
  state.node = node.name();
  for (properties::DirectoryLog& log : state.logs) {
    log.gaps = GapsOf(log.partition);
    const auto trail = trails_.find({node.index(), log.partition});
    if (trail != trails_.end()) log.past = trail->second.past;
    if (IsSuspect(node.index(), log.partition)) log.trust = properties::DirectoryLog::Trust::kNone;
  }
  return state;
}

properties::ReplicaState StateMonitor::StateOf(sim::Node& node, const storage::Log& log) {
  const storage::LogView view = log.Inspect();
  const workload::NodeRecorder::LogGhost* ghost = nodes_.Find(node.index(), log.name());
  properties::ReplicaState state;
  state.at_ns = NowNanos();
  state.node = node.name();
  state.partition = log.name();
  if (options_.replicated_topics.contains(log.name().topic)) {
    state.replicas = properties::ReplicaState::Replicas::kSeveral;
  }
  state.log_start_offset = view.log_start_offset;
  state.last_stable_offset = view.last_stable_offset;
  state.high_watermark = view.high_watermark;
  state.log_end_offset = view.log_end_offset;
  state.recovery_point = view.recovery_point;
  state.flushed_end = ghost == nullptr ? Offset(0) : ghost->flushed_end;
  state.gaps = GapsOf(log.name());
  state.retention_check_ns = ServerOf(node).retention_check.nanos();
  const auto trail = trails_.find({node.index(), log.name()});
  if (trail != trails_.end() && !log.is_offline()) state.too_large_since_ns = trail->second.too_large_since_ns;
  for (const storage::EpochEntry& entry : view.epochs) state.epochs.push_back({entry.epoch, entry.start_offset});
  const int64_t expiration_ms = log.producers().config().expiration.millis();
  state.producers_expired_before = Timestamp(LatestWall(node).unix_millis() - expiration_ms + 1);
  return state;
}

void StateMonitor::NoteRetention(sim::Node& node, const storage::Log& log, const properties::WrittenLog& files) {
  const auto at = trails_.find({node.index(), log.name()});
  if (at == trails_.end()) return;
  const storage::LogConfig& config = log.config();
  int64_t behind_bytes = 0;
  Offset second_base = kNoOffset;
  for (size_t i = 1; i < files.segments.size(); ++i) {
    behind_bytes += files.segments[i].size_bytes;
    if (i == 1) second_base = files.segments[i].base_offset;
  }
  const bool can_go = config.cleanup_delete && config.retention_bytes >= 0 && second_base != kNoOffset &&
                      second_base <= log.high_watermark() && behind_bytes >= config.retention_bytes;
  if (!can_go) at->second.too_large_since_ns = -1;
  if (can_go && at->second.too_large_since_ns < 0) at->second.too_large_since_ns = NowNanos();
}

WallTime StateMonitor::LatestWall(sim::Node& node) {
  WallTime& latest = latest_wall_[node.index()];
  latest = std::max(latest, node.clock().Wall(cluster_.kernel().Now()));
  return latest;
}

properties::Gaps StateMonitor::GapsOf(const TopicPartition& partition) const {
  return options_.compacted_topics.contains(partition.topic) ? properties::Gaps::kByCompaction
                                                             : properties::Gaps::kNone;
}

bool StateMonitor::IsSuspect(sim::NodeIndex node, const TopicPartition& partition) const {
  const workload::NodeRecorder::LogGhost* ghost = nodes_.Find(node, partition);
  return ghost != nullptr && (ghost->is_offline || ghost->suspect_end > ghost->flushed_end);
}

StateMonitor::Trail& StateMonitor::TrailOf(sim::NodeIndex node, const env::PartitionName& partition) {
  return trails_[{node, NameOf(partition)}];
}

void StateMonitor::Shorten(Trail& trail, Offset end) {
  trail.appended.erase(trail.appended.lower_bound(end), trail.appended.end());
  std::erase_if(trail.answered, [&](const auto& answer) { return answer.second >= end; });
}

void StateMonitor::OnLife(const sim::LifeEvent& event) {
  sim::Node& node = cluster_.node(event.node);
  if (!IsServer(node) || event.kind != sim::LifeKind::kBooted) return;
  for (const std::string& directory : ServerOf(node).log_directories) {
    properties::DirectoryState state = ReadDirectory(node, directory);
    if (state.clean_marker == properties::DirectoryState::Marker::kThere) {
      marked_.insert({event.node, directory});
    } else {
      marked_.erase({event.node, directory});
    }
    book_.Judge(state, directory);
  }
}

void StateMonitor::OnObservation(sim::NodeIndex node, ShardId shard, const env::Observation& observation) {
  std::visit(
      OneOf{
          [&](const env::LogAppended& o) {
            TrailOf(node, o.partition).appended[o.base_offset] = {o.next_offset, o.leader_epoch, o.batch_crc};
          },
          [&](const env::HighWatermarkMoved& o) { TrailOf(node, o.partition).high_watermark = o.high_watermark; },
          [&](const env::LogTruncating& o) { TrailOf(node, o.partition).is_truncating = true; },
          [&](const env::LogTruncated& o) {
            TrailOf(node, o.partition).is_truncating = false;
            Shorten(TrailOf(node, o.partition), o.log_end_offset);
          },
          [&](const env::LogRecovered& o) { OnRecovered(node, o); },
          [&](const env::LogStartMoved& o) {
            Offset& below = TrailOf(node, o.partition).deleted_below;
            if (o.reason != env::LogStartReason::kRetention) below = std::max(below, o.log_start_offset);
          },
          [&](const env::SegmentDeleted& o) {
            TrailOf(node, o.partition).too_large_since_ns = -1;
            OnDeleted(node, shard, o);
          },
          [&](const env::SegmentsCompacted& o) { OnCompacted(node, o); },
          [&](const env::ProduceAnswered& o) { OnAnswered(node, o); },
          [&](const env::RecordsFetched& o) { OnFetched(node, o); },
          [&](const env::TopicDeleted& o) {
            // The old log still answers until the deletion takes effect.
            for (const auto& [key, trail] : trails_) {
              if (key.first == node && key.second.topic == o.topic) deleted_.insert(key);
            }
          },
          [&](const env::ReplicaDropped& o) {
            deleted_.insert({node, NameOf(o.partition)});
          },
          [](const auto&) {},
      },
      observation);
}

void StateMonitor::OnRecovered(sim::NodeIndex index, const env::LogRecovered& recovered) {
  const std::pair key(index, NameOf(recovered.partition));
  if (deleted_.erase(key) > 0) trails_.erase(key);
  Trail& trail = TrailOf(index, recovered.partition);
  if (!trail.appended.empty() && trail.appended.rbegin()->second.next_offset > recovered.log_end_offset) {
    trail.past = properties::DirectoryLog::Past::kShortened;
  }
  Shorten(trail, recovered.log_end_offset);
  trail.high_watermark = kNoOffset;
  trail.is_truncating = false;
  trail.deleted_below = std::max(trail.deleted_below, recovered.log_start_offset);
  trail.too_large_since_ns = -1;
  const TopicPartition name = NameOf(recovered.partition);
  if (IsSuspect(index, name)) return;
  sim::Node& node = cluster_.node(index);
  properties::RecoveredLog log{.at_ns = NowNanos(),
                               .node = node.name(),
                               .partition = name,
                               .log_start_offset = recovered.log_start_offset,
                               .log_end_offset = recovered.log_end_offset,
                               .gaps = GapsOf(name)};
  using Shutdown = properties::RecoveredLog::Shutdown;
  if (recovered.previous_shutdown == env::ShutdownKind::kClean) log.claimed = Shutdown::kClean;
  for (const std::string& directory : ServerOf(node).log_directories) {
    const properties::WrittenLog files =
        LookAtLog(DiskOf(node), sim::DiskModel::View::kIntact, directory + "/" + ToString(name));
    if (files.segments.empty()) continue;
    if (marked_.contains({index, directory})) log.marked = Shutdown::kClean;
    if (HasCleanMark(DiskOf(node), directory)) log.mark_now = properties::RecoveredLog::Mark::kThere;
    log.files = &files;
    book_.Judge(log, ToString(name));
    // Of what was written when the process died nobody was told.
    for (const properties::WrittenBatch& batch : files.batches) {
      trail.appended.try_emplace(batch.base_offset,
                                 properties::AppendedBatch{batch.next_offset(), batch.leader_epoch, batch.crc});
    }
  }
}

void StateMonitor::OnCompacted(sim::NodeIndex node, const env::SegmentsCompacted& compacted) {
  const TopicPartition name = NameOf(compacted.partition);
  const workload::NodeRecorder::LogGhost* ghost = nodes_.Find(node, name);
  const properties::SegmentCompaction compaction{.at_ns = NowNanos(),
                                                 .node = cluster_.node(node).name(),
                                                 .partition = name,
                                                 .base_offset = compacted.base_offset,
                                                 .next_offset = compacted.next_offset,
                                                 .replaced_end = compacted.replaced_end,
                                                 .last_stable_offset = compacted.last_stable_offset,
                                                 .active_base_offset = compacted.active_base_offset,
                                                 .flushed_end = ghost == nullptr ? Offset(0) : ghost->flushed_end};
  book_.Judge(compaction, ToString(name));
}

void StateMonitor::OnDeleted(sim::NodeIndex index, ShardId shard, const env::SegmentDeleted& deleted) {
  const TopicPartition name = NameOf(deleted.partition);
  sim::Node& node = cluster_.node(index);
  BrokerProcess* process = BrokerOf(node);
  // While a process starts nobody knows the settings; compaction drops segments too.
  if (process == nullptr || !process->is_serving() || GapsOf(name) != properties::Gaps::kNone) return;
  if (TrailOf(index, deleted.partition).is_truncating) return;
  const std::shared_ptr<broker::Partition> partition = process->node().shard(shard).Find(name);
  if (partition == nullptr) return;
  const storage::Log& log = partition->log();
  properties::SegmentDeletion deletion{.at_ns = NowNanos(),
                                       .node = node.name(),
                                       .partition = name,
                                       .base_offset = deleted.base_offset,
                                       .next_offset = deleted.next_offset,
                                       .largest_timestamp = kNoTimestamp,
                                       .deleted_below = TrailOf(index, deleted.partition).deleted_below,
                                       .high_watermark = log.high_watermark(),
                                       .latest_wall_ms = LatestWall(node).unix_millis(),
                                       .retention_ms = log.config().retention_ms,
                                       .retention_bytes = log.config().retention_bytes};
  const properties::WrittenLog files = LookAtLog(DiskOf(node), sim::DiskModel::View::kIntact, log.directory());
  for (const properties::WrittenSegment& segment : files.segments) {
    if (segment.base_offset > deleted.base_offset) deletion.bytes_left += segment.size_bytes;
    if (segment.base_offset != deleted.base_offset) continue;
    for (size_t i = segment.batches_begin; i < segment.batches_end; ++i) {
      deletion.largest_timestamp = std::max(deletion.largest_timestamp, files.batches[i].max_timestamp);
    }
  }
  book_.Judge(deletion, ToString(name));
}

void StateMonitor::OnAnswered(sim::NodeIndex node, const env::ProduceAnswered& answered) {
  if (answered.error != 0 || IsSuspect(node, NameOf(answered.partition))) return;
  Trail& trail = TrailOf(node, answered.partition);
  properties::ProduceAnswer answer{.at_ns = NowNanos(),
                                   .node = cluster_.node(node).name(),
                                   .partition = NameOf(answered.partition),
                                   .producer_id = answered.producer_id,
                                   .producer_epoch = answered.producer_epoch,
                                   .base_sequence = answered.base_sequence,
                                   .base_offset = answered.base_offset,
                                   .high_watermark = trail.high_watermark};
  const bool is_replicated = options_.replicated_topics.contains(answer.partition.topic);
  // A leader that has just resigned moves no high watermark any more.
  const bool may_resign = options_.servers.size() > 1;
  if ((is_replicated || may_resign) && answered.acks != -1)
    answer.promised = properties::ProduceAnswer::Promised::kByLeader;
  const auto appended = trail.appended.find(answered.base_offset);
  if (appended != trail.appended.end()) answer.appended = &appended->second;
  if (answered.producer_id.value() >= 0) {
    const BatchId id{answered.producer_id, answered.producer_epoch, answered.base_sequence};
    const auto [before, is_first] = trail.answered.emplace(id, answered.base_offset);
    if (!is_first) answer.answered_before = before->second;
  }
  book_.Judge(answer, ToString(answer.partition));
}

void StateMonitor::OnFetched(sim::NodeIndex node, const env::RecordsFetched& fetched) {
  Trail& trail = TrailOf(node, fetched.partition);
  const TopicPartition name = NameOf(fetched.partition);
  const workload::NodeRecorder::LogGhost* ghost = nodes_.Find(node, name);
  properties::FetchAnswer answer{.at_ns = NowNanos(),
                                 .node = cluster_.node(node).name(),
                                 .partition = name,
                                 .fetch_offset = fetched.fetch_offset,
                                 .base_offset = fetched.base_offset,
                                 .next_offset = fetched.next_offset,
                                 .gaps = GapsOf(name),
                                 .high_watermark = fetched.high_watermark,
                                 .last_stable_offset = fetched.last_stable_offset,
                                 .log_start_offset = fetched.log_start_offset,
                                 .log_end_offset = ghost == nullptr ? Offset(0) : ghost->end};
  const auto first = trail.appended.find(fetched.base_offset);
  if (first != trail.appended.end()) answer.first_batch_end = first->second.next_offset;
  book_.Judge(answer, ToString(name));
}

}  // namespace odradek::explore
