// The servers of a run and who looks after them: starts them, starts one again whose log is offline, restores what
// disks damaged, shuts them down. Owned by the run, which tells the time between the steps. Nothing here suspends.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/cluster/cluster.h"
#include "sim/explore/server_setup.h"
#include "sim/workload/node_recorder.h"

namespace odradek::explore {

// After this a supervisor starts a process again that ended itself.
inline constexpr Duration kRestartAfterFatal = Duration::Seconds(1);
// Before a process that was asked to end is killed.
inline constexpr Duration kShutdownPatience = Duration::Seconds(60);

class Operator {
 public:
  // Both outlive it.
  Operator(sim::Cluster& cluster, workload::NodeRecorder& nodes) : cluster_(cluster), nodes_(nodes) {}

  sim::Node& Add(const ServerSetup& setup);
  const std::vector<sim::Node*>& servers() const { return servers_; }
  bool is_cluster() const { return servers_.size() > 1; }

  void Boot();
  bool AllServe() const;
  // The names of those that do not.
  std::string WhoDoesNotServe() const;
  // What is to be done with log directories that failed, once the disks are well again. True: something was.
  bool Operate();
  // A copy takes the place of what the disks damaged, while the processes are down.
  void Restore();

  // Asks the server for a clean end.
  void ShutDown(sim::Node& server);
  // After ShutDown(), when it is down: whether it was as clean as it had to be.
  bool WasClean() const;

 private:
  static bool HasOfflineDirectory(sim::Node& server);

  sim::Cluster& cluster_;
  workload::NodeRecorder& nodes_;
  std::vector<sim::Node*> servers_;
  // The incarnation that was told to start again.
  std::map<sim::NodeIndex, uint64_t> operated_;
  bool must_be_clean_ = false;
  uint64_t clean_count_before_ = 0;
};

}  // namespace odradek::explore
