// Everything about a run that is drawn from its seed before it begins: settings, clocks, clients and the fault plan.
// Pure: the same scenario and seed give the same setup.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "sim/cluster/cluster.h"
#include "sim/explore/scenario.h"
#include "sim/explore/server_setup.h"
#include "sim/lab/process.h"
#include "sim/nemesis/generate.h"
#include "sim/workload/admin_workload.h"
#include "sim/workload/consumer_workload.h"
#include "sim/workload/producer_workload.h"
#include "sim/workload/stranger_workload.h"
#include "sim/workload/topic_setup.h"

namespace odradek::explore {

// What happens between the first final read and the last one.
enum class Ending : uint8_t { kNothing, kCleanRestart, kCrash };
std::string_view ToString(Ending ending);

struct ClientSetup {
  std::string name;
  sim::NodeClock::Options clock;
};

// A node of a program or a workload of the user's.
struct OwnNodeSetup {
  std::string kind;
  std::string name;
  sim::NodeClock::Options clock;
  env::Address bootstrap_server;
  // What the scenario names, a value each; for the rest the program's own values hold.
  lab::SettingMap settings;
};

struct RunSetup {
  uint64_t seed = 0;
  sim::Strategy strategy = sim::Strategy::kRandom;
  sim::PctOptions pct = {};  // under kPct
  std::vector<ServerSetup> servers;
  std::vector<client::NewTopic> topics;
  std::vector<workload::TargetTopic> targets;
  std::vector<history::RetentionRule> retention_rules;
  std::vector<history::CompactionRule> compaction_rules;
  std::vector<std::string> synced_topics;
  std::set<std::string> replicated_topics;
  // What the table of promises says for the flush policies of all topics (engine/storage/promises.h); of a replicated
  // topic nothing is lost as long as a replica in sync keeps its power (Topology.down_max).
  bool acked_survives_power_loss = true;
  std::vector<workload::ProducerWorkloadOptions> producers;
  std::vector<workload::ConsumerWorkloadOptions> consumers;
  std::vector<workload::AdminWorkloadOptions> admins;
  std::vector<workload::StrangerWorkloadOptions> strangers;
  std::vector<OwnNodeSetup> programs;
  std::vector<OwnNodeSetup> workloads;
  // Topics of the user's programs: nobody else uses them.
  std::vector<workload::TargetTopic> own_topics;
  client::ConsumerConfig final_reader;
  Duration faulty_phase;
  Duration liveness_phase;
  Ending ending = Ending::kNothing;
  sim::plan::Plan plan;
};

// An error: settings that contradict each other, which only their combination shows.
absl::StatusOr<RunSetup> DrawSetup(const Scenario& scenario, uint64_t seed);

// All nodes that a run of the scenario may have.
sim::Topology TopologyOf(const Scenario& scenario);
// Names of client nodes.
std::string ProducerName(int32_t index);
std::string ConsumerName(int32_t index);
std::string AdminName(int32_t index);
std::string StrangerName(int32_t index);
std::string OwnNodeName(std::string_view kind, int32_t index);

// What was drawn, a line each, for people.
std::string DescribeSetup(const RunSetup& setup);

}  // namespace odradek::explore
