// One shard of a node: its log directories, the partitions in them, and the connections that it accepted. Everything in
// here is touched on this shard only; other shards come through CallOn.
//
//  1. A partition belongs to the shard that ShardOf names, on every start: its log directories are that shard's own, so
//     that shards share nothing on disk.
//  2. A partition of which this node should have a replica and whose log is not to be had answers KAFKA_STORAGE_ERROR.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <memory_resource>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "engine/broker/connection.h"
#include "engine/broker/disk_watch.h"
#include "engine/broker/fetch_sessions.h"
#include "engine/broker/log_config.h"
#include "engine/broker/log_directories.h"
#include "engine/broker/metadata_view.h"
#include "engine/broker/options.h"
#include "engine/broker/partition.h"
#include "engine/broker/request_metrics.h"
#include "engine/broker/shard_replication.h"
#include "engine/env/env.h"
#include "engine/fiber/sync.h"
#include "engine/metadata/controller.h"
#include "engine/net/answer_queue.h"
#include "engine/net/buffers.h"
#include "engine/storage/cleaner.h"

namespace odradek::broker {

// How a client names a topic: by id from Fetch 13 and Produce 13 on, by name before.
enum class Naming : uint8_t { kByName, kById };
struct TopicName {
  std::string_view name;
  TopicId id;
  Naming naming = Naming::kByName;
};

// Where a partition is.
struct Placement {
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  std::shared_ptr<const metadata::TopicState> topic;  // nullptr: the metadata has no such topic
  PartitionIndex partition;
  ShardId shard;
  // Without a topic the name is empty. Valid as long as a copy of this.
  env::PartitionName name() const { return {topic == nullptr ? std::string_view() : topic->name, partition}; }
};

inline env::PartitionName NameOf(const TopicPartition& partition) {
  return {partition.topic, partition.partition};
}

// The order of TopicPartition, for look-ups that make no string.
struct PartitionOrder {
  using is_transparent = void;
  static env::PartitionName View(const TopicPartition& name) { return NameOf(name); }
  static env::PartitionName View(const env::PartitionName& name) { return name; }
  template <typename A, typename B>
  bool operator()(const A& a, const B& b) const {
    const env::PartitionName left = View(a);
    const env::PartitionName right = View(b);
    const int by_topic = left.topic.compare(right.topic);
    return by_topic != 0 ? by_topic < 0 : left.partition < right.partition;
  }
};

// What the metadata says about a partition of which this node has a replica.
struct HostedPartition {
  TopicPartition name;
  TopicId topic_id;
  replication::Registration registration;
  Uuid directory;  // where the metadata says that it is
  PartitionConfig config;
};

class Shard {
 public:
  // The options outlive the shard.
  Shard(env::Env& env, const NodeOptions& options);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // Opens the log directories and loads their logs.
  absl::Status Load(fiber::Fiber& self);
  // Flushes and closes everything; the marker of a clean shutdown is its last act. REQUIRES: no request runs.
  absl::Status CloseCleanly(fiber::Fiber& self, BrokerEpoch broker_epoch);
  // Starts the periodic work and the cleaner; CloseCleanly ends them.
  void StartMaintenance();

  // Begins to replicate; CloseCleanly ends it. REQUIRES: nothing was applied yet.
  void StartReplication(ShardReplication::SendProposal send_proposal) { replication_.Start(std::move(send_proposal)); }
  // Before the listeners close: what needs others to be acknowledged is given up, since they can ask no more.
  void ResignReplicated(fiber::Fiber& self);
  // Of the controller, to a leader of this shard.
  void Deliver(fiber::Fiber& self, const IsrProposal& proposal, const replication::AlterPartitionAnswered& answer);

  // Makes the shard's partitions those that the view says: creates, leads, follows, retires, deletes; folders that
  // nobody knows become strays. Views come in the order of their offsets. Returns the partitions that are in another
  // log directory than the view says.
  using Assignments = std::vector<metadata::DirectoryAssignment>;
  Assignments Apply(fiber::Fiber& self, std::shared_ptr<const MetadataView> view);
  // Replicas whose log went offline and whom the metadata still count on: from now on they are in no directory, so that
  // others lead (KIP-858). REQUIRES: Apply() was called.
  Assignments LostReplicas() const;
  // The newest view that was handed to Apply; before the first one, an empty one.
  const metadata::Image& image() const { return view_->image; }
  const MetadataView& view() const { return *view_; }
  Placement Place(const TopicName& topic, PartitionIndex partition) const;

  // nullptr: no replica here.
  std::shared_ptr<Partition> Find(const env::PartitionName& name) const;
  std::shared_ptr<Partition> Find(const TopicPartition& name) const { return Find(NameOf(name)); }
  std::vector<std::shared_ptr<Partition>> Partitions() const;
  // What a client hears of a partition that Find does not know.
  protocol::ErrorCode ErrorOfMissing(const env::PartitionName& name) const;
  int32_t missing_count() const { return static_cast<int32_t>(missing_.size()); }

  env::Env& env() const { return env_; }
  ShardId id() const { return env_.shards.self(); }
  const LogDirectories& directories() const { return directories_; }
  FetchSessions& fetch_sessions() { return fetch_sessions_; }
  net::BufferPool& buffers() { return buffers_; }
  net::MemoryBudget& memory() { return memory_; }
  net::AnswerFlusher& flusher() { return flusher_; }
  fiber::Semaphore& queued_requests() { return queued_requests_; }
  // Of requests under way and of what Produce keeps about them: what was freed is given to the next one. For this
  // shard's thread only; outlives every request.
  std::pmr::memory_resource& request_memory() { return request_memory_; }

  // A connection is known to its shard as long as this lives.
  class ConnectionEntry {
   public:
    ConnectionEntry(Shard& shard, ConnectionState& state);
    ~ConnectionEntry();
    ConnectionEntry(const ConnectionEntry&) = delete;
    ConnectionEntry& operator=(const ConnectionEntry&) = delete;

   private:
    Shard& shard_;
    ConnectionState& state_;
  };
  int32_t connection_count() const { return static_cast<int32_t>(connections_.size()); }
  int32_t connection_count_of(std::string_view host) const;
  // Waits until the count falls.
  void WaitForConnectionToEnd(fiber::Fiber& self) { connection_ended_.Wait(self); }
  void CloseIdleConnections();
  // Ends every connection: open requests are answered first, until the deadline or HurryDrain.
  void DrainConnections(fiber::Fiber& self, MonoTime deadline);
  void HurryDrain() { drain_hurries_ = true; }

  RequestMetrics& request_metrics() { return request_metrics_; }
  storage::CleanerNumbers cleaner_numbers() const {
    return cleaner_ == nullptr ? storage::CleanerNumbers{} : cleaner_->numbers();
  }

 private:
  absl::Status CloseDirectories(fiber::Fiber& self, BrokerEpoch broker_epoch);
  struct Chore;
  // Until the shard stops.
  void RunChores(fiber::Fiber& self, std::vector<Chore> chores);
  void SpawnChores(std::vector<Chore> chores);
  std::vector<Chore> ChoresOf(storage::LogManager& logs) const;
  void StartCleaner();
  // Gives the cleaner what the newest view says of it.
  void ConfigureCleaner();
  storage::CleanerOptions OptionsOf(const config::CleanerConfig& config) const;
  // Of which this node has, or is to have, a replica in this shard.
  std::vector<HostedPartition> HostedHere() const;
  ShardId ShardOf(const env::PartitionName& name) const;
  bool IsInLostDirectory(const metadata::PartitionState& partition) const;
  // Where the partition's log is, or is to be made; nullptr: its directory is offline.
  storage::LogManager* DirectoryFor(const HostedPartition& hosted) const;
  absl::Status ApplyOne(fiber::Fiber& self, const HostedPartition& hosted, ShardReplication::Brokers brokers);
  absl::StatusOr<std::shared_ptr<Partition>> Bring(fiber::Fiber& self, const HostedPartition& hosted);
  replication::LimitsChanged LimitsOf(const PartitionConfig& config) const;
  absl::Status SetOtherTopicsAside(fiber::Fiber& self, const HostedPartition& hosted);
  void DropPartition(fiber::Fiber& self, const TopicPartition& name);
  Assignments Misplaced(const std::vector<HostedPartition>& hosted) const;
  static bool IsLost(const Partition& partition);
  void DropUnknown(fiber::Fiber& self, const std::set<TopicPartition>& known);
  void SetStraysAside(fiber::Fiber& self, storage::LogManager& logs, const std::set<TopicPartition>& known);
  void Complain(std::string_view message, const TopicPartition& name, std::string why);

  env::Env& env_;
  const NodeOptions& options_;
  std::shared_ptr<const MetadataView> view_ = std::make_shared<MetadataView>();
  bool is_first_view_ = true;
  LogDirectories directories_;
  ShardReplication replication_;
  std::map<TopicPartition, std::shared_ptr<Partition>, PartitionOrder> partitions_;
  std::map<TopicPartition, TopicId, PartitionOrder> missing_;  // hosted, but their log is not to be had
  FetchSessions fetch_sessions_;
  std::pmr::unsynchronized_pool_resource request_memory_;
  net::BufferPool buffers_;
  net::MemoryBudget memory_;
  net::AnswerFlusher flusher_;
  fiber::Semaphore queued_requests_;
  std::vector<ConnectionState*> connections_;  // in the order of their beginning
  fiber::WaitQueue connection_ended_;
  fiber::Mutex applying_;
  DiskWatch disk_watch_;
  fiber::Event disk_watch_end_;
  fiber::Event disk_watch_ended_;
  bool drain_hurries_ = false;
  int32_t maintenance_count_ = 0;  // of fibers
  config::CleanerConfig cleaner_config_;
  std::unique_ptr<storage::Cleaner> cleaner_;  // nullptr: log.cleaner.enable is false, or nothing started yet
  fiber::Event cleaner_ended_;
  fiber::Event stop_;
  fiber::Event maintenance_ended_;
  RequestMetrics request_metrics_;
};

}  // namespace odradek::broker
