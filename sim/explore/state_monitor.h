// Judges the brokers of a run by properties/monitors.h while it goes on: their logs and files at every look, a log's
// files when it was loaded, a data directory when a process starts on it, and every answer to a Produce and a Fetch.
// Owned by the run; outlives the processes that it looks at. Looks only: no fiber, no virtual time, no draw that
// anything else makes, so that a run is the same without it.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "properties/monitors.h"
#include "sim/cluster/cluster.h"
#include "sim/disk/disk_model.h"
#include "sim/explore/broker_program.h"
#include "sim/explore/monitor_book.h"
#include "sim/workload/node_recorder.h"

namespace odradek::explore {

class StateMonitor final : public sim::ClusterObserver {
 public:
  struct Server {
    std::vector<std::string> log_directories;
    Duration retention_check = Duration::Seconds(300);
  };
  struct Options {
    std::map<std::string, Server> servers;  // by the names of their nodes
    // Topics whose logs may have gaps.
    std::set<std::string> compacted_topics;
    std::set<std::string> replicated_topics;
    Duration every = Duration::Millis(200);
    // How often a look also reads the files.
    uint32_t read_ppm = 100'000;
  };
  // `nodes` hears of everything before the monitor.
  StateMonitor(sim::Cluster& cluster, const workload::NodeRecorder& nodes, const Options& options);
  StateMonitor(const StateMonitor&) = delete;
  StateMonitor& operator=(const StateMonitor&) = delete;

  void OnLife(const sim::LifeEvent& event) override;
  void OnObservation(sim::NodeIndex node, ShardId shard, const env::Observation& observation) override;

  void Start();
  // No client has anything left to do.
  void LookAtRest();

  const properties::Verdicts& verdicts() const { return book_.verdicts(); }
  uint64_t look_count() const { return look_count_; }
  // Looks that read the files.
  uint64_t reading_count() const { return reading_count_; }

 private:
  enum class Reading : uint8_t { kNo, kYes };
  using Moment = properties::ReplicaState::Moment;
  using Key = std::pair<sim::NodeIndex, TopicPartition>;
  using BatchId = std::tuple<ProducerId, ProducerEpoch, int32_t>;  // with the base sequence

  // What a log did, as it was observed. What a shortened log lost is gone from here too.
  struct Trail {
    properties::AppendedBatches appended;
    std::map<BatchId, Offset> answered;
    Offset high_watermark = kNoOffset;  // kNoOffset: not known since the log was loaded
    int64_t too_large_since_ns = -1;    // see ReplicaState; judged when files are read
    Offset deleted_below;               // by DeleteRecords, or before the log was loaded
    bool is_truncating = false;         // between its words nothing of the log fits together
    properties::DirectoryLog::Past past = properties::DirectoryLog::Past::kWhole;
  };

  void Look(Reading reading, Moment moment);
  static bool WasOpened(sim::Node& server, const std::string& directory);
  void LookAtNode(sim::Node& node, Reading reading, Moment moment);
  void LookAt(sim::Node& node, const broker::Partition& partition, const properties::DirectoryLog* files,
              Moment moment);
  properties::DirectoryState ReadDirectory(sim::Node& node, const std::string& directory);
  properties::ReplicaState StateOf(sim::Node& node, const storage::Log& log);
  properties::Gaps GapsOf(const TopicPartition& partition) const;
  // Whether what processes see of the log's files may change by itself.
  bool IsSuspect(sim::NodeIndex node, const TopicPartition& partition) const;
  // When the files of a log are read: whether its oldest segment can go by retention.bytes.
  void NoteRetention(sim::Node& node, const storage::Log& log, const properties::WrittenLog& files);
  WallTime LatestWall(sim::Node& node);
  Trail& TrailOf(sim::NodeIndex node, const env::PartitionName& partition);
  const Server& ServerOf(const sim::Node& node) const;
  int64_t NowNanos() { return cluster_.kernel().Now().nanos(); }

  void OnRecovered(sim::NodeIndex node, const env::LogRecovered& recovered);
  void OnAnswered(sim::NodeIndex node, const env::ProduceAnswered& answered);
  void OnFetched(sim::NodeIndex node, const env::RecordsFetched& fetched);
  void OnCompacted(sim::NodeIndex node, const env::SegmentsCompacted& compacted);
  void OnDeleted(sim::NodeIndex node, ShardId shard, const env::SegmentDeleted& deleted);
  static void Shorten(Trail& trail, Offset end);

  sim::Cluster& cluster_;
  const workload::NodeRecorder& nodes_;
  const Options options_;
  MonitorBook book_;
  std::map<Key, Trail> trails_;
  std::set<Key> deleted_;  // whose topics were deleted, until the next log of the name
  // Data directories that had the mark of a clean shutdown when the running process started.
  std::set<std::pair<sim::NodeIndex, std::string>> marked_;
  std::map<sim::NodeIndex, WallTime> latest_wall_;
  uint64_t look_count_ = 0;
  uint64_t reading_count_ = 0;
};

}  // namespace odradek::explore
