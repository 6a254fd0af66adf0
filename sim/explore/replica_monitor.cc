#include "sim/explore/replica_monitor.h"

#include <algorithm>
#include <memory>
#include <variant>

#include "engine/base/check.h"
#include "engine/metadata/topic_name.h"
#include "sim/disk/sim_node_disk.h"
#include "sim/explore/broker_program.h"
#include "sim/explore/disk_look.h"

namespace odradek::explore {
namespace {

template <typename... Functions>
struct OnEach : Functions... {
  using Functions::operator()...;
};
template <typename... Functions>
OnEach(Functions...) -> OnEach<Functions...>;

TopicPartition NameOf(const env::PartitionName& partition) {
  return {std::string(partition.topic), partition.partition};
}

bool IsMetadata(const TopicPartition& partition) {
  return partition.topic == metadata::kMetadataTopicName;
}

}  // namespace

ReplicaMonitor::Copy* ReplicaMonitor::CopyOf(sim::NodeIndex node, const env::PartitionName& partition) {
  const auto at = copies_.find({node, NameOf(partition)});
  return at == copies_.end() || at->second.is_deleted ? nullptr : &at->second;
}

const ServerSetup& ReplicaMonitor::SetupOf(sim::NodeIndex node) const {
  const auto at = std::ranges::find(servers_, cluster_.node(node).name(), &ServerSetup::name);
  REQUIRES(at != servers_.end());
  return *at;
}

int32_t ReplicaMonitor::voter_count() const {
  return static_cast<int32_t>(std::ranges::count_if(servers_, &ServerSetup::votes));
}

int32_t ReplicaMonitor::DurableCount(Offset end) const {
  int32_t count = 0;
  for (const auto& [key, copy] : copies_) {
    if (IsMetadata(key.second) && SetupOf(key.first).votes() && copy.flushed_end >= end) ++count;
  }
  return count;
}

void ReplicaMonitor::Shorten(Copy& copy, Offset end) {
  copy.batches.erase(copy.batches.lower_bound(end), copy.batches.end());
  copy.end = std::min(copy.end, end);
  copy.flushed_end = std::min(copy.flushed_end, end);
  copy.compared_end = std::min(copy.compared_end, end);
}

void ReplicaMonitor::OnObservation(sim::NodeIndex node, ShardId shard, const env::Observation& observation) {
  std::visit(OnEach{
                 [&](const env::LogAppended& o) {
                   Copy* copy = CopyOf(node, o.partition);
                   if (copy == nullptr) return;
                   copy->batches[o.base_offset] = {o.next_offset, o.leader_epoch, o.batch_crc};
                   copy->end = o.next_offset;
                 },
                 [&](const env::LogFlushed& o) {
                   Copy* copy = CopyOf(node, o.partition);
                   if (copy != nullptr) copy->flushed_end = std::max(copy->flushed_end, o.durable_end);
                 },
                 [&](const env::LogStartMoved& o) {
                   Copy* copy = CopyOf(node, o.partition);
                   if (copy != nullptr) copy->start = std::max(copy->start, o.log_start_offset);
                 },
                 [&](const env::LogTruncated& o) { OnTruncated(node, o); },
                 [&](const env::LogRecovered& o) { OnRecovered(node, o); },
                 [&](const env::HighWatermarkMoved& o) { OnHighWatermark(node, shard, o); },
                 [&](const env::TopicDeleted& o) { OnTopicDeleted(o); },
                 [&](const env::ReplicaDropped& o) {
                   if (Copy* copy = CopyOf(node, o.partition)) copy->is_deleted = true;
                 },
                 [](const auto&) {},
             },
             observation);
}

void ReplicaMonitor::OnTruncated(sim::NodeIndex node, const env::LogTruncated& truncated) {
  Copy* copy = CopyOf(node, truncated.partition);
  if (copy == nullptr) return;
  const Offset end = truncated.log_end_offset;
  Offset start = kNoOffset;
  const sim::DiskModel& disk = static_cast<sim::SimNodeDisk*>(cluster_.node(node).disk())->model();
  for (const std::string& directory : SetupOf(node).node.log_directories) {
    const auto files =
        LookAtLog(disk, sim::DiskModel::View::kIntact, directory + "/" + ToString(NameOf(truncated.partition)));
    if (!files.segments.empty()) start = files.segments.front().base_offset;
  }
  // Otherwise a snapshot, or the leader's start, took the place of all of it: what stood below may have been anything.
  if (start < end) return Shorten(*copy, end);
  copy->batches.clear();
  copy->start = copy->end = copy->flushed_end = copy->compared_end = end;
}

void ReplicaMonitor::OnTopicDeleted(const env::TopicDeleted& deleted) {
  if (!deleted_.insert(deleted.id).second) return;
  std::erase_if(ledgers_, [&](const auto& entry) { return entry.first.topic == deleted.topic; });
  for (auto& [key, copy] : copies_) {
    if (key.second.topic == deleted.topic) copy.is_deleted = true;
  }
}

void ReplicaMonitor::OnRecovered(sim::NodeIndex node, const env::LogRecovered& recovered) {
  const TopicPartition name = NameOf(recovered.partition);
  if (compacted_topics_.contains(name.topic)) return;
  Copy& copy = copies_[{node, name}];
  // A start may find the deleted one again; a new one is empty.
  if (copy.is_deleted && recovered.log_end_offset == Offset(0)) copy = {};
  if (copy.is_deleted) return;
  const bool is_shorter = recovered.log_end_offset < copy.end;
  Shorten(copy, recovered.log_end_offset);
  copy.start = recovered.log_start_offset;
  copy.end = recovered.log_end_offset;
  copy.high_watermark = kNoOffset;
  copy.has_lost_its_end = is_shorter;
  copy.compared_end = Offset(0);
  const sim::DiskModel& disk = static_cast<sim::SimNodeDisk*>(cluster_.node(node).disk())->model();
  for (const std::string& directory : SetupOf(node).node.log_directories) {
    // Of what was written when the process died nobody was told.
    const auto files = LookAtLog(disk, sim::DiskModel::View::kIntact, directory + "/" + ToString(name));
    for (const properties::WrittenBatch& batch : files.batches) {
      if (batch.base_offset >= copy.end) break;
      copy.batches.try_emplace(batch.base_offset,
                               properties::AppendedBatch{batch.next_offset(), batch.leader_epoch, batch.crc});
    }
  }
  if (is_shorter && !IsMetadata(name)) ForgetLost(name);
}

void ReplicaMonitor::ForgetLost(const TopicPartition& partition) {
  const auto at = ledgers_.find(partition);
  if (at == ledgers_.end()) return;
  Offset kept(0);
  for (const auto& [key, copy] : copies_) {
    if (key.second == partition && !copy.is_deleted) kept = std::max(kept, copy.end);
  }
  Ledger& ledger = at->second;
  if (kept >= ledger.end) return;
  ledger.committed.erase(ledger.committed.lower_bound(kept), ledger.committed.end());
  ledger.end = kept;
}

Offset ReplicaMonitor::Compare(Copy& copy, Ledger& ledger, Offset end) {
  const Offset begin = std::max(copy.compared_end, copy.start);
  Offset at = begin;
  for (auto own = copy.batches.lower_bound(begin); own != copy.batches.end() && own->second.next_offset <= end; ++own) {
    const auto& [base, batch] = *own;
    const auto known = ledger.committed.find(base);
    const bool is_news = known == ledger.committed.end() && base >= ledger.end;
    if (is_news) {
      ledger.committed[base] = batch;
      ledger.end = batch.next_offset;
    } else if (known == ledger.committed.end() || known->second.next_offset != batch.next_offset ||
               known->second.leader_epoch != batch.leader_epoch || known->second.crc != batch.crc) {
      return base;
    }
    at = batch.next_offset;
  }
  copy.compared_end = std::max(copy.compared_end, at);
  return kNoOffset;
}

std::optional<Offset> ReplicaMonitor::EndOf(sim::NodeIndex node, const TopicPartition& partition) const {
  const auto at = copies_.find({node, partition});
  return at == copies_.end() || at->second.is_deleted ? std::nullopt : std::optional(at->second.end);
}

bool ReplicaMonitor::HasLostItsEnd(sim::NodeIndex node, const TopicPartition& partition) const {
  const auto at = copies_.find({node, partition});
  return at != copies_.end() && at->second.has_lost_its_end;
}

Offset ReplicaMonitor::FirstDifference(sim::NodeIndex node, const TopicPartition& partition, Offset end) {
  return Compare(copies_.at({node, partition}), ledgers_[partition], std::min(end, CommittedEnd(partition)));
}

Offset ReplicaMonitor::CommittedEnd(const TopicPartition& partition) const {
  const auto at = ledgers_.find(partition);
  return at == ledgers_.end() ? Offset(0) : at->second.end;
}

// A follower gives up what is below its leader's log start before its high watermark passes it, and deletes it then.
Offset ReplicaMonitor::ShownFrom(sim::NodeIndex node, ShardId shard, const TopicPartition& partition) {
  BrokerProcess* process = BrokerOf(cluster_.node(node));
  if (process == nullptr || !process->is_serving()) return kNoOffset;
  const std::shared_ptr<broker::Partition> found = process->node().shard(shard).Find(partition);
  return found == nullptr ? kNoOffset : found->replica().machine().log().start();
}

void ReplicaMonitor::OnHighWatermark(sim::NodeIndex node, ShardId shard, const env::HighWatermarkMoved& moved) {
  Copy* copy = CopyOf(node, moved.partition);
  if (copy == nullptr) return;
  const TopicPartition name = NameOf(moved.partition);
  if (!IsMetadata(name)) copy->start = std::max(copy->start, ShownFrom(node, shard, name));
  Ledger& ledger = ledgers_[name];
  properties::ReplicaCommit commit{.at_ns = cluster_.kernel().Now().nanos(),
                                   .node = cluster_.node(node).name(),
                                   .partition = name,
                                   .high_watermark = moved.high_watermark,
                                   .high_watermark_before = copy->high_watermark};
  if (IsMetadata(name) && moved.high_watermark > ledger.end) {
    commit.durable_count = DurableCount(moved.high_watermark);
    commit.voter_count = voter_count();
  }
  commit.differs_at = Compare(*copy, ledger, moved.high_watermark);
  copy->high_watermark = moved.high_watermark;
  book_.Judge(commit, commit.node + " " + ToString(name));
}

}  // namespace odradek::explore
