#include "sim/explore/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "properties/property.h"
#include "sim/cluster/cluster.h"
#include "sim/disk/sim_node_disk.h"
#include "sim/explore/broker_program.h"
#include "sim/explore/cluster_view.h"
#include "sim/explore/damage_ledger.h"
#include "sim/explore/leader_monitor.h"
#include "sim/explore/operator.h"
#include "sim/explore/quorum_monitor.h"
#include "sim/explore/replica_monitor.h"
#include "sim/explore/state_monitor.h"
#include "sim/lab/journal.h"
#include "sim/lab/nodes.h"
#include "sim/workload/admin_workload.h"
#include "sim/workload/consumer_workload.h"
#include "sim/workload/final_reader.h"
#include "sim/workload/node_recorder.h"
#include "sim/workload/producer_workload.h"
#include "sim/workload/topic_setup.h"

namespace odradek::explore {
namespace {

// How often a phase that waits for something looks whether it is there.
constexpr Duration kPhaseStep = Duration::Millis(20);
constexpr Duration kSetupTimeMax = Duration::Seconds(120);
constexpr history::ClientId kReaderClient = 1000;

// The class of a property: V* say that something good happens in the end.
bool IsLiveness(const history::Violation& violation) {
  return violation.property.starts_with("V");
}

std::unique_ptr<sim::NodeDisk> MakeDisk(sim::Kernel& kernel, sim::NodeIndex node) {
  return std::make_unique<sim::SimNodeDisk>(kernel, node, sim::DiskOptions{});
}

class Run {
 public:
  Run(const Scenario& scenario, RunSetup setup, const RunOptions& options);
  ~Run() { EndWorld(); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  RunResult Execute();

 private:
  // Everyone who looks on, in this order.
  class Observers final : public sim::ClusterObserver {
   public:
    explicit Observers(Run& run) : run_(run) {}
    void OnLife(const sim::LifeEvent& event) override {
      run_.nodes_.OnLife(event);
      run_.monitor_.OnLife(event);
    }
    void OnObservation(sim::NodeIndex node, ShardId shard, const env::Observation& observation) override {
      run_.nodes_.OnObservation(node, shard, observation);
      run_.monitor_.OnObservation(node, shard, observation);
      if (run_.operator_.is_cluster()) {
        run_.replicas_.OnObservation(node, shard, observation);
        run_.leaders_.OnObservation(node, shard, observation);
      }
      if (run_.options_.witness != nullptr) run_.options_.witness->OnObservation(node, shard, observation);
    }

   private:
    Run& run_;
  };

  static StateMonitor::Options MonitorOptionsOf(const RunSetup& setup);
  static sim::ClusterOptions ClusterOptionsOf(const RunSetup& setup, const RunOptions& options);
  void AddOwnNodes();
  sim::Node& AddClient(const std::string& name, const sim::NodeClock::Options& clock, workload::Workload& work);
  void AddWorkloads();
  void Phase(std::string_view name);
  // False: it did not come true in time.
  bool RunUntil(const std::function<bool()>& is_true, Duration time_max);
  bool RunFor(Duration duration);
  void RunPhases();
  bool SetUp();
  bool FaultyPhase();
  bool LivenessPhase();
  bool ReadAll(std::string name);
  bool End();
  // One server after the other is shut down cleanly and started again.
  bool RestartAll();
  bool AllDone() const;
  std::string WhoIsNotDone() const;
  void NotConverged(const std::string& why);
  void EndWorld();
  properties::Verdicts Judge();
  void JudgeOwn(properties::Verdicts& verdicts) const;
  RunResult MakeResult(const properties::Verdicts& verdicts);

  const Scenario& scenario_;
  const RunSetup setup_;
  const RunOptions& options_;
  // Workloads and recorders outlive the processes that refer to them.
  std::vector<std::unique_ptr<workload::Workload>> workloads_;
  std::vector<std::unique_ptr<workload::Workload>> helpers_;
  const lab::Lab nothing_own_;
  const lab::Lab& lab_;
  sim::Cluster cluster_;
  workload::Recorder recorder_;
  lab::Journal journal_;
  workload::NodeRecorder nodes_;
  StateMonitor monitor_;
  DamageLedger damages_;
  Observers observers_{*this};
  std::unique_ptr<sim::Nemesis> nemesis_;
  Operator operator_;
  ClusterView view_;
  ReplicaMonitor replicas_;
  LeaderMonitor leaders_;
  QuorumMonitor quorum_;
  bool is_stuck_ = false;  // no time passes any more
  bool is_healed_ = false;
};

sim::ClusterOptions Run::ClusterOptionsOf(const RunSetup& setup, const RunOptions& options) {
  sim::ClusterOptions cluster;
  cluster.kernel = {.seed = setup.seed, .strategy = setup.strategy, .pct = setup.pct};
  cluster.context.mutation = options.mutation;
  return cluster;
}

StateMonitor::Options Run::MonitorOptionsOf(const RunSetup& setup) {
  StateMonitor::Options options;
  for (const ServerSetup& server : setup.servers) {
    options.servers[server.name] = {.log_directories = server.node.log_directories,
                                    .retention_check = server.node.config.retention_check_interval};
  }
  options.replicated_topics = setup.replicated_topics;
  for (const history::CompactionRule& rule : setup.compaction_rules) options.compacted_topics.insert(rule.topic);
  return options;
}

Run::Run(const Scenario& scenario, RunSetup setup, const RunOptions& options)
    : scenario_(scenario),
      setup_(std::move(setup)),
      options_(options),
      lab_(options.lab == nullptr ? nothing_own_ : *options.lab),
      cluster_(ClusterOptionsOf(setup_, options)),
      recorder_(cluster_.kernel()),
      journal_(cluster_.kernel(), recorder_.history()),
      nodes_(cluster_, recorder_.history()),
      monitor_(cluster_, nodes_, MonitorOptionsOf(setup_)),
      damages_(cluster_, nodes_),
      operator_(cluster_, nodes_),
      view_(setup_.servers, scenario.topology().down_max()),
      replicas_(cluster_, setup_.servers, MonitorOptionsOf(setup_).compacted_topics),
      leaders_(cluster_, setup_.servers, view_, replicas_),
      quorum_(cluster_, setup_.servers, leaders_) {
  cluster_.kernel().SetTrace(options.trace);
  cluster_.kernel().SetHashLog(options.hash_log);
  cluster_.SetObserver(&observers_);
  if (options.witness != nullptr) options.witness->Watch(cluster_);
  history::History& history = recorder_.history();
  history.retention_rules = setup_.retention_rules;
  history.compaction_rules = setup_.compaction_rules;
  history.synced_topics = setup_.synced_topics;
  history.promise.acked_survives_power_loss = setup_.acked_survives_power_loss;
  // A leader that was deposed and does not know it yet still answers.
  history.promise.linearizable = setup_.replicated_topics.empty();
  for (const ServerSetup& server : setup_.servers) operator_.Add(server).disk()->SetDamageObserver(&damages_);
  AddWorkloads();
  AddOwnNodes();
}

void Run::AddOwnNodes() {
  const auto with_defaults = [](lab::SettingMap given, const lab::SettingMap& defaults) {
    given.insert(defaults.begin(), defaults.end());
    return lab::Settings(std::move(given));
  };
  for (const OwnNodeSetup& own : setup_.programs) {
    const lab::Program* kind = lab_.FindProgram(own.kind);
    REQUIRES(kind != nullptr);
    auto program = std::make_unique<lab::ProgramNode>(
        *kind,
        lab::Process::Node{own.name, with_defaults(own.settings, kind->settings), ToString(own.bootstrap_server)},
        journal_);
    sim::NodeOptions options{.name = own.name, .role = own.kind, .clock = own.clock};
    options.disk = MakeDisk;
    options.restart_after_fatal = kRestartAfterFatal;
    cluster_.AddNode(options, program->program());
    workloads_.push_back(std::move(program));
  }
  for (const OwnNodeSetup& own : setup_.workloads) {
    const lab::WorkloadKind* kind = lab_.FindWorkload(own.kind);
    REQUIRES(kind != nullptr);
    auto work = std::make_unique<lab::WorkloadNode>(
        *kind,
        lab::Process::Node{own.name, with_defaults(own.settings, kind->settings), ToString(own.bootstrap_server)},
        journal_);
    AddClient(own.name, own.clock, *work);
    workloads_.push_back(std::move(work));
  }
}

sim::Node& Run::AddClient(const std::string& name, const sim::NodeClock::Options& clock, workload::Workload& work) {
  return cluster_.AddNode({.name = name, .role = "client", .clock = clock}, work.program());
}

void Run::AddWorkloads() {
  const auto add = [&](std::unique_ptr<workload::Workload> work, const std::string& name) {
    AddClient(name, {}, *work);
    workloads_.push_back(std::move(work));
  };
  for (const auto& options : setup_.producers) {
    add(std::make_unique<workload::ProducerWorkload>(options, recorder_), options.config.common.client_id);
  }
  for (const auto& options : setup_.consumers) {
    add(std::make_unique<workload::ConsumerWorkload>(options, recorder_), options.config.common.client_id);
  }
  for (const auto& options : setup_.admins) {
    add(std::make_unique<workload::AdminWorkload>(options, recorder_), options.config.common.client_id);
  }
  for (const auto& options : setup_.strangers) {
    add(std::make_unique<workload::StrangerWorkload>(options, recorder_), options.client_id);
  }
}

void Run::Phase(std::string_view name) {
  cluster_.kernel().TraceAt({}, sim::TraceKind::kRun, [&] { return std::string(name); });
}

bool Run::RunFor(Duration duration) {
  const sim::RunOutcome outcome = cluster_.RunFor(duration);
  if (outcome != sim::RunOutcome::kLivelock) return true;
  is_stuck_ = true;
  NotConverged(fmt::format("livelock: {}", cluster_.kernel().WhereItStands()));
  return false;
}

bool Run::RunUntil(const std::function<bool()>& is_true, Duration time_max) {
  const MonoTime deadline = cluster_.kernel().Now() + time_max;
  while (!is_true()) {
    if (is_healed_ && operator_.Operate()) Phase("the operator starts servers again: a log is offline");
    if (cluster_.kernel().Now() >= deadline || !RunFor(kPhaseStep)) return false;
  }
  return true;
}

void Run::NotConverged(const std::string& why) {
  history::History& history = recorder_.history();
  history.converged = false;
  if (history.why_not_converged.empty()) history.why_not_converged = why;
}

bool Run::SetUp() {
  Phase("set-up");
  operator_.Boot();
  // Who is not registered yet gets no partition.
  if (operator_.is_cluster() && !RunUntil([&] { return operator_.AllServe(); }, kSetupTimeMax)) {
    NotConverged("set-up: these do not serve: " + operator_.WhoDoesNotServe());
    return false;
  }
  auto setup = std::make_unique<workload::TopicSetup>(setup_.final_reader.common, setup_.topics);
  workload::TopicSetup& work = *setup;
  helpers_.push_back(std::move(setup));
  AddClient("setup", {}, work).Boot();
  if (RunUntil([&] { return work.is_done(); }, kSetupTimeMax)) return true;
  NotConverged(work.Progress());
  return false;
}

bool Run::FaultyPhase() {
  Phase("faulty phase");
  for (const auto& node : cluster_.nodes()) {
    if (!node->is_up()) node->Boot();
  }
  monitor_.Start();
  if (operator_.is_cluster()) quorum_.Start();
  nemesis_ =
      std::make_unique<sim::Nemesis>(cluster_, options_.plan == nullptr ? setup_.plan : *options_.plan, &view_, &view_);
  nemesis_->Start();
  return RunFor(setup_.faulty_phase);
}

bool Run::AllDone() const {
  return std::all_of(workloads_.begin(), workloads_.end(), [](const auto& work) { return work->is_done(); });
}

std::string Run::WhoIsNotDone() const {
  std::string text;
  for (const auto& work : workloads_) {
    if (!work->is_done()) text += (text.empty() ? "" : "; ") + work->Progress();
  }
  return text;
}

bool Run::LivenessPhase() {
  Phase("liveness phase");
  cluster_.context().DisableBuggify();
  nemesis_->Heal();
  if (damages_.damage_count() > 0) {
    Phase("the operator restores what the disks damaged");
    operator_.Restore();
  }
  is_healed_ = true;
  // Producers first: a consumer is done when it has reached the end that it finds then.
  for (const auto& work : workloads_) work->Hurry();
  if (RunUntil([&] { return AllDone(); }, setup_.liveness_phase)) return true;
  NotConverged(fmt::format("{} s after the last fault: {}", setup_.liveness_phase.millis() / 1000, WhoIsNotDone()));
  return false;
}

bool Run::ReadAll(std::string name) {
  const auto number = static_cast<history::ClientId>(helpers_.size());
  client::ConsumerConfig config = setup_.final_reader;
  config.common.client_id = name;
  workload::FinalReaderOptions options{
      .client = kReaderClient + number, .config = std::move(config), .topics = setup_.targets};
  options.topics.insert(options.topics.end(), setup_.own_topics.begin(), setup_.own_topics.end());
  const auto is_own = [this](const TopicPartition& partition) {
    return std::any_of(setup_.own_topics.begin(), setup_.own_topics.end(),
                       [&](const workload::TargetTopic& topic) { return topic.name == partition.topic; });
  };
  auto reader = std::make_unique<workload::FinalReader>(
      options, recorder_, [this, is_own](const workload::PartitionContents& contents) {
        if (!is_own(contents.partition)) return recorder_.Add(workload::FinalReadOf(contents));
        journal_.SetContents(contents.partition, contents.polled, contents.end_offset);
      });
  workload::FinalReader& work = *reader;
  helpers_.push_back(std::move(reader));
  AddClient(name, {}, work).Boot();
  if (RunUntil([&] { return work.is_done(); }, setup_.liveness_phase)) return true;
  NotConverged(work.Progress());
  return false;
}

bool Run::RestartAll() {
  for (sim::Node* server : operator_.servers()) {
    // A death by a supervisor's restart may have it down already.
    if (server->is_up()) {
      operator_.ShutDown(*server);
      // A restart of the faulty phase may have been under way, and it boots the server itself.
      const uint64_t incarnation = server->incarnation();
      const auto has_ended = [&] { return !server->is_up() || server->incarnation() != incarnation; };
      if (!RunUntil(has_ended, kShutdownPatience * 2)) {
        NotConverged(server->name() + " did not shut down");
        return false;
      }
      if (!operator_.WasClean()) {
        NotConverged(server->name() + " did not shut down cleanly although it was asked to");
        return false;
      }
    }
    if (!server->is_up()) server->Boot();
    if (!operator_.is_cluster() || RunUntil([&] { return operator_.AllServe(); }, setup_.liveness_phase)) continue;
    NotConverged("rolling restart: these do not serve: " + operator_.WhoDoesNotServe());
    return false;
  }
  return true;
}

bool Run::End() {
  if (setup_.ending == Ending::kNothing) return true;
  Phase("ending: " + std::string(ToString(setup_.ending)));
  recorder_.FinalReadsBecomePolls(kReaderClient);
  if (setup_.ending == Ending::kCleanRestart) {
    if (!RestartAll()) return false;
  } else {
    for (sim::Node* server : operator_.servers()) {
      if (server->is_up()) server->Crash();
      server->Boot();
    }
  }
  return ReadAll("reader after " + std::string(ToString(setup_.ending)));
}

void Run::RunPhases() {
  if (!SetUp() || !FaultyPhase()) return;
  // A program that lost something may wait for it for ever: what it lost can be read nevertheless.
  const bool is_alive = LivenessPhase();
  if (!is_alive && (is_stuck_ || setup_.own_topics.empty())) return;
  // A leader that was cut off may not know yet that another one leads: what it shows is not the end of the log.
  if (operator_.is_cluster()) RunUntil([&] { return quorum_.HasConverged(); }, setup_.liveness_phase);
  if (!ReadAll("reader") || !is_alive || !End()) return;
  if (operator_.is_cluster()) RunUntil([&] { return quorum_.HasConverged(); }, setup_.liveness_phase);
  Phase("last look");
  monitor_.LookAtRest();
  if (operator_.is_cluster()) quorum_.LookAtRest();
  if (!is_stuck_) recorder_.history().converged = true;
}

void Run::EndWorld() {
  Phase("end");
  cluster_.SetObserver(nullptr);
  cluster_.CrashAll();
}

void Run::JudgeOwn(properties::Verdicts& verdicts) const {
  for (const workload::TargetTopic& topic : setup_.own_topics) {
    for (int32_t i = 0; i < topic.partition_count; ++i) {
      if (!journal_.has_contents({topic.name, PartitionIndex(i)})) return;
    }
  }
  for (const lab::Property& property : lab_.properties) {
    verdicts.Add(property.name, property.check(journal_.evidence()));
  }
}

properties::Verdicts Run::Judge() {
  history::ForgetWhatLeadersAcknowledged(setup_.replicated_topics, recorder_.history());
  properties::Verdicts all = properties::CheckAll(recorder_.history());
  JudgeOwn(all);
  for (const properties::Verdicts* seen :
       {&monitor_.verdicts(), &replicas_.verdicts(), &leaders_.verdicts(), &quorum_.verdicts()}) {
    all.violations.insert(all.violations.end(), seen->violations.begin(), seen->violations.end());
    for (const auto& [id, count] : seen->fact_counts) all.fact_counts[id] += count;
  }
  for (const std::string& probe : scenario_.forbidden_probe()) {
    if (!cluster_.context().probes().contains(probe)) continue;
    all.violations.push_back(
        {"D1", fmt::format("{} was reached, which no fault of the scenario can bring about", probe), {}});
  }
  const auto& wanted = scenario_.property();
  const auto& skipped = scenario_.skipped_property();
  std::erase_if(all.violations, [&](const history::Violation& violation) {
    const std::string& id = violation.property;
    const bool is_wanted = wanted.empty() || std::find(wanted.begin(), wanted.end(), id) != wanted.end();
    return !is_wanted || std::find(skipped.begin(), skipped.end(), id) != skipped.end();
  });
  return all;
}

void AddTally(google::protobuf::RepeatedPtrField<Tally>& tallies, std::string_view name, uint64_t count) {
  Tally* tally = tallies.Add();
  tally->set_name(std::string(name));
  tally->set_count(count);
}

void CountOperations(const history::History& history, RunResult& result) {
  std::map<history::Outcome, uint64_t> sends;
  for (const history::Send& send : history.sends) ++sends[send.outcome];
  uint64_t polled = 0;
  for (const history::Poll& poll : history.polls) polled += poll.records.size();
  uint64_t in_the_end = 0;
  uint64_t duplicates = 0;
  for (const history::FinalRead& read : history.final_reads) {
    std::vector<history::Value> values;
    for (const auto& record : read.records) values.push_back(record.value);
    std::sort(values.begin(), values.end());
    const auto distinct = std::unique(values.begin(), values.end()) - values.begin();
    in_the_end += values.size();
    duplicates += values.size() - static_cast<uint64_t>(distinct);
  }
  auto& counts = *result.mutable_counts();
  AddTally(counts, "sends ok", sends[history::Outcome::kOk]);
  AddTally(counts, "sends failed", sends[history::Outcome::kFail]);
  AddTally(counts, "sends unknown", sends[history::Outcome::kUnknown]);
  AddTally(counts, "polls", history.polls.size());
  AddTally(counts, "records polled", polled);
  AddTally(counts, "records in the end", in_the_end);
  AddTally(counts, "duplicates in the end", duplicates);
  AddTally(counts, "offsets listed", history.list_offsets.size());
  AddTally(counts, "records deleted", history.delete_records.size());
  AddTally(counts, "logs shortened", history.losses.size());
}

RunResult Run::MakeResult(const properties::Verdicts& verdicts) {
  RunResult result;
  result.set_scenario(scenario_.name());
  result.set_seed(setup_.seed);
  const sim::Hash128 hash = cluster_.kernel().hash();
  result.set_hash_high(hash.high);
  result.set_hash_low(hash.low);
  result.set_event_count(cluster_.kernel().event_number());
  result.set_virtual_ns(cluster_.kernel().Now().nanos());
  bool is_safe = true;
  for (const history::Violation& violation : verdicts.violations) {
    FoundViolation* found = result.add_violations();
    found->set_property(violation.property);
    found->set_what(violation.what);
    found->mutable_at_ns()->Add(violation.at_ns.begin(), violation.at_ns.end());
    is_safe = is_safe && IsLiveness(violation);
  }
  if (!verdicts.violations.empty()) result.set_verdict(is_safe ? LIVENESS : SAFETY);
  for (const auto& [name, counts] : cluster_.context().probes()) {
    AddTally(*result.mutable_probes(), name, counts.visited);
  }
  for (const auto& [id, count] : verdicts.fact_counts) AddTally(*result.mutable_judged(), id, count);
  result.set_mutation_hits(cluster_.context().mutation_hits());
  CountOperations(recorder_.history(), result);
  auto& counts = *result.mutable_counts();
  const workload::NodeRecorder::Counts& seen = nodes_.counts();
  AddTally(counts, "crashes", seen.crash_count);
  AddTally(counts, "power losses", seen.power_loss_count);
  AddTally(counts, "fatal ends", seen.fatal_count);
  AddTally(counts, "clean shutdowns", seen.clean_shutdown_count);
  AddTally(counts, "unclean recoveries", seen.recovery_count);
  AddTally(counts, "records lost", seen.lost_record_count);
  AddTally(counts, "offline logs", seen.offline_log_count);
  AddTally(counts, "segments deleted", seen.deleted_segment_count);
  AddTally(counts, "disk damages", damages_.damage_count());
  AddTally(counts, "file readings", monitor_.reading_count());
  return result;
}

RunResult Run::Execute() {
  RunPhases();
  EndWorld();
  properties::Verdicts verdicts = Judge();
  RunResult result = MakeResult(verdicts);
  if (options_.report != nullptr) {
    options_.report->violations = std::move(verdicts.violations);
    options_.report->notes = journal_.evidence().notes();
    options_.report->history = std::move(recorder_.history());
    if (nemesis_ != nullptr) options_.report->strikes = nemesis_->strikes();
  }
  return result;
}

}  // namespace

RunResult RunSeed(const Scenario& scenario, uint64_t seed, const RunOptions& options) {
  const auto began = std::chrono::steady_clock::now();
  absl::StatusOr<RunSetup> setup = DrawSetup(scenario, seed);
  RunResult result;
  if (setup.ok()) {
    result = Run(scenario, std::move(*setup), options).Execute();
  } else {
    result.set_scenario(scenario.name());
    result.set_seed(seed);
    result.set_verdict(CRASH);
    result.set_crash_text("the scenario cannot be run: " + std::string(base::SV(setup.status().message())) + "\n");
  }
  result.set_wall_ns(std::chrono::nanoseconds(std::chrono::steady_clock::now() - began).count());
  return result;
}

RunResult RunSeedTwice(const Scenario& scenario, uint64_t seed, const RunOptions& options) {
  RunResult first = RunSeed(scenario, seed, options);
  const RunResult second = RunSeed(scenario, seed, options);
  first.set_ran_twice(true);
  if (first.hash_high() == second.hash_high() && first.hash_low() == second.hash_low()) return first;
  first.set_verdict(NONDETERMINISM);
  FoundViolation* found = first.add_violations();
  found->set_property("determinism");
  found->set_what(fmt::format("two runs of the seed differ: {:016x}{:016x} after {} events, {:016x}{:016x} after {}",
                              first.hash_high(), first.hash_low(), first.event_count(), second.hash_high(),
                              second.hash_low(), second.event_count()));
  return first;
}

}  // namespace odradek::explore
