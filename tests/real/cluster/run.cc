#include "tests/real/cluster/run.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <utility>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "engine/real/node.h"
#include "properties/property.h"
#include "sim/explore/explain.h"
#include "sim/explore/summary.h"
#include "sim/explore/text_file.h"
#include "sim/workload/admin_workload.h"
#include "sim/workload/consumer_workload.h"
#include "sim/workload/final_reader.h"
#include "sim/workload/producer_workload.h"
#include "sim/workload/topic_setup.h"
#include "tests/real/cluster/broker_log.h"
#include "tests/real/cluster/striker.h"

namespace odradek::real_cluster {
namespace {

constexpr Duration kLookAgain = Duration::Millis(20);
constexpr Duration kSetupTimeMax = Duration::Seconds(60);
// Who takes longer to finish is named, for a reader to wonder about.
constexpr Duration kPromptly = Duration::Seconds(5);
constexpr Duration kCleanEndMax = Duration::Seconds(30);
constexpr history::ClientId kReaderClient = 1000;
// Values of a client are numbered below a million.
constexpr int64_t kRecordsMax = 900'000;

// Everything that a run has on this machine: it goes away with it.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "odradek-real-XXXXXX").string();
    INVARIANT(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    if (!is_kept_) std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::string& path() const { return path_; }
  void Keep() { is_kept_ = true; }

 private:
  std::string path_;
  bool is_kept_ = false;
};

class Run {
 public:
  Run(const explore::Scenario& scenario, explore::RunSetup setup, const RunOptions& options);
  ~Run() { EndClients(); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  RunOutcome Execute();

 private:
  // The clients reach the servers at these addresses instead of the simulator's.
  void MoveClients();
  void AddWorkloads();
  sim::ProgramInstance& Boot(workload::Workload& work);
  void EndClients();
  // False: it did not come true in time.
  bool RunUntil(fiber::Fiber& self, const std::function<bool()>& is_true, Duration time_max);
  void RunPhases(fiber::Fiber& self);
  bool SetUp(fiber::Fiber& self);
  bool FaultyPhase(fiber::Fiber& self);
  bool LivenessPhase(fiber::Fiber& self);
  bool ReadAll(fiber::Fiber& self, std::string name);
  bool CallDisaster(fiber::Fiber& self);
  bool End(fiber::Fiber& self);
  bool RestartAll(fiber::Fiber& self);
  void CrashAll(fiber::Fiber& self);
  void StartAll();
  bool AwaitServing(fiber::Fiber& self, std::string_view phase);
  void NotConverged(const std::string& why);
  void Phase(std::string_view name);
  std::string PhasesText() const;
  std::string WhoIsNotDone() const;
  ClockPair ReadClocks() const;
  void ReadLogs();
  properties::Verdicts Judge();
  void CountSends();
  void Count();
  RunOutcome MakeOutcome();
  std::string FailureText(const explore::RunResult& result);
  env::Env& env() { return node_->env(); }
  const sim::plan::Plan& Plan() const { return options_.plan == nullptr ? setup_.plan : *options_.plan; }

  const explore::Scenario& scenario_;
  explore::RunSetup setup_;
  const RunOptions& options_;
  Folder folder_;
  std::unique_ptr<Wires> wires_;
  std::unique_ptr<OnHost> on_host_;
  // Workloads and the recorder outlive the programs, which outlive their fibers.
  std::vector<std::unique_ptr<workload::Workload>> workloads_;
  std::vector<std::unique_ptr<workload::Workload>> helpers_;
  std::unique_ptr<workload::Recorder> recorder_;
  std::vector<std::unique_ptr<sim::ProgramInstance>> programs_;
  std::unique_ptr<Servers> servers_;
  std::unique_ptr<Striker> striker_;
  std::unique_ptr<real::RealNode> node_;
  ClockPair began_;
  std::string late_;  // clients that did not finish promptly
  struct Began {
    std::string_view phase;
    int64_t at_ns = 0;
  };
  std::vector<Began> phases_;
  std::map<std::string, uint64_t, std::less<>> counts_;
};

Run::Run(const explore::Scenario& scenario, explore::RunSetup setup, const RunOptions& options)
    : scenario_(scenario), setup_(std::move(setup)), options_(options) {
  if (NeedsWires(scenario)) {
    const auto clients = static_cast<int>(setup_.servers.size());
    wires_ = std::make_unique<Wires>(clients + 1, setup_.seed);
    on_host_ = std::make_unique<OnHost>(*wires_, clients);
  }
  real::RealNode::Options machine;
  machine.disk_root = folder_.path();
  machine.log.level_min = env::LogLevel::kError;
  node_ = std::make_unique<real::RealNode>(std::move(machine));
  recorder_ = std::make_unique<workload::Recorder>(env().clock);
  servers_ = std::make_unique<Servers>(
      env(), Servers::Options{.binary = options.binary, .folder = folder_.path(), .wires = wires_.get()},
      setup_.servers);
  striker_ = std::make_unique<Striker>(
      env(), *servers_,
      Striker::Options{.wires = wires_.get(), .seed = setup_.seed, .now_ns = [this] { return recorder_->NowNanos(); }});
  // The same judges as over a simulated cluster.
  history::History& history = recorder_->history();
  history.retention_rules = setup_.retention_rules;
  history.compaction_rules = setup_.compaction_rules;
  history.synced_topics = setup_.synced_topics;
  history.promise.acked_survives_power_loss = setup_.acked_survives_power_loss;
  history.promise.linearizable = setup_.replicated_topics.empty();
  MoveClients();
  AddWorkloads();
}

void Run::MoveClients() {
  const auto move = [&](client::CommonConfig& config) {
    for (env::Address& address : config.bootstrap_servers) {
      for (size_t i = 0; i < setup_.servers.size(); ++i) {
        if (address != setup_.servers[i].client_address()) continue;
        address = servers_->at(i).address;
        break;
      }
    }
  };
  for (auto& producer : setup_.producers) move(producer.config.common);
  for (auto& consumer : setup_.consumers) move(consumer.config.common);
  for (auto& admin : setup_.admins) move(admin.config.common);
  move(setup_.final_reader.common);
}

void Run::AddWorkloads() {
  for (const auto& options : setup_.producers) {
    workloads_.push_back(std::make_unique<workload::ProducerWorkload>(options, *recorder_));
  }
  for (const auto& options : setup_.consumers) {
    workloads_.push_back(std::make_unique<workload::ConsumerWorkload>(options, *recorder_));
  }
  for (const auto& options : setup_.admins) {
    workloads_.push_back(std::make_unique<workload::AdminWorkload>(options, *recorder_));
  }
}

sim::ProgramInstance& Run::Boot(workload::Workload& work) {
  env::Env* const shards[] = {&env()};
  return *programs_.emplace_back(work.program()(shards));
}

void Run::EndClients() {
  if (node_ == nullptr) return;
  node_->Kill();
  programs_.clear();
}

bool Run::RunUntil(fiber::Fiber& self, const std::function<bool()>& is_true, Duration time_max) {
  const MonoTime deadline = self.Now() + time_max;
  while (!is_true()) {
    if (self.Now() >= deadline) return false;
    servers_->Reap();
    fiber::SleepFor(self, kLookAgain);
  }
  return true;
}

void Run::NotConverged(const std::string& why) {
  history::History& history = recorder_->history();
  history.converged = false;
  if (history.why_not_converged.empty()) history.why_not_converged = why;
}

bool Run::AwaitServing(fiber::Fiber& self, std::string_view phase) {
  if (servers_->AwaitServing(self, kSetupTimeMax)) return true;
  NotConverged(fmt::format("{}: these do not serve: {}", phase, servers_->WhoIsSilent()));
  return false;
}

void Run::Phase(std::string_view name) {
  phases_.push_back({name, recorder_->NowNanos()});
}

std::string Run::PhasesText() const {
  std::string text;
  for (size_t i = 0; i + 1 < phases_.size(); ++i) {
    const double seconds = static_cast<double>(phases_[i + 1].at_ns - phases_[i].at_ns) / 1e9;
    text += fmt::format("{}{} {:.1f} s", i == 0 ? "" : ", ", phases_[i].phase, seconds);
  }
  return text;
}

bool Run::SetUp(fiber::Fiber& self) {
  Phase("set-up");
  StartAll();
  if (!AwaitServing(self, "set-up")) return false;
  auto& work =
      *helpers_.emplace_back(std::make_unique<workload::TopicSetup>(setup_.final_reader.common, setup_.topics));
  Boot(work);
  const auto is_done = [&] { return work.is_done(); };
  if (RunUntil(self, is_done, kSetupTimeMax)) return true;
  NotConverged(work.Progress());
  return false;
}

bool Run::FaultyPhase(fiber::Fiber& self) {
  Phase("faults");
  for (const auto& work : workloads_) Boot(*work);
  striker_->Run(self, Plan(), setup_.faulty_phase);
  Phase("all serve again");
  return AwaitServing(self, "after the faults");
}

std::string Run::WhoIsNotDone() const {
  std::string text;
  for (const auto& work : workloads_) {
    if (!work->is_done()) text += (text.empty() ? "" : "; ") + work->Progress();
  }
  return text;
}

bool Run::LivenessPhase(fiber::Fiber& self) {
  Phase("clients finish");
  for (const auto& work : workloads_) work->Hurry();
  const auto is_done = [this] { return WhoIsNotDone().empty(); };
  if (RunUntil(self, is_done, kPromptly)) return true;
  late_ = WhoIsNotDone();
  if (RunUntil(self, is_done, setup_.liveness_phase)) return true;
  NotConverged(fmt::format("{} s after the last fault: {}", setup_.liveness_phase.millis() / 1000, WhoIsNotDone()));
  return false;
}

bool Run::ReadAll(fiber::Fiber& self, std::string name) {
  Phase("reading");
  client::ConsumerConfig config = setup_.final_reader;
  config.common.client_id = std::move(name);
  const workload::FinalReaderOptions options{.client = kReaderClient + static_cast<history::ClientId>(helpers_.size()),
                                             .config = std::move(config),
                                             .topics = setup_.targets};
  auto& work = *helpers_.emplace_back(std::make_unique<workload::FinalReader>(
      options, *recorder_,
      [this](const workload::PartitionContents& contents) { recorder_->Add(workload::FinalReadOf(contents)); }));
  Boot(work);
  const auto is_done = [&] { return work.is_done(); };
  if (RunUntil(self, is_done, setup_.liveness_phase)) return true;
  NotConverged(work.Progress());
  return false;
}

void Run::CrashAll(fiber::Fiber& self) {
  for (size_t i = 0; i < servers_->count(); ++i) servers_->KillAndReap(self, i);
}

void Run::StartAll() {
  for (size_t i = 0; i < servers_->count(); ++i) servers_->Start(i);
}

bool Run::CallDisaster(fiber::Fiber& self) {
  if (options_.disaster == nullptr) return true;
  CrashAll(self);
  options_.disaster(*servers_);
  StartAll();
  return AwaitServing(self, "after the disaster");
}

bool Run::RestartAll(fiber::Fiber& self) {
  for (size_t i = 0; i < servers_->count(); ++i) {
    // By an accident it may be down already.
    if (servers_->at(i).state != Servers::State::kOff) servers_->Terminate(i);
    if (!servers_->AwaitEnd(self, i, kCleanEndMax)) {
      NotConverged(servers_->at(i).name + " did not shut down");
      return false;
    }
    servers_->Start(i);
    if (!AwaitServing(self, "rolling restart")) return false;
  }
  return true;
}

bool Run::End(fiber::Fiber& self) {
  if (setup_.ending == explore::Ending::kNothing) return true;
  recorder_->FinalReadsBecomePolls(kReaderClient);
  Phase(explore::ToString(setup_.ending));
  if (setup_.ending == explore::Ending::kCleanRestart) {
    if (!RestartAll(self)) return false;
  } else {
    CrashAll(self);
    StartAll();
    if (!AwaitServing(self, "crash of all")) return false;
  }
  return ReadAll(self, fmt::format("reader after {}", explore::ToString(setup_.ending)));
}

void Run::RunPhases(fiber::Fiber& self) {
  began_ = ReadClocks();
  const bool is_done = SetUp(self) && FaultyPhase(self) && LivenessPhase(self) && CallDisaster(self) &&
                       ReadAll(self, "reader") && End(self);
  if (is_done) recorder_->history().converged = true;
  Phase("end");
  // So that their logs are whole.
  CrashAll(self);
}

// Not the clocks of the round, which lags behind.
ClockPair Run::ReadClocks() const {
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(wall).count(), recorder_->NowNanos()};
}

void Run::ReadLogs() {
  const HistoryClock clock(began_, ReadClocks());
  for (size_t i = 0; i < servers_->count(); ++i) {
    const absl::StatusOr<std::string> text = explore::ReadTextFile(servers_->at(i).log_file);
    if (text.ok()) ReadBrokerLog(*text, servers_->at(i).name, clock, recorder_->history());
  }
  SortNodeNotes(recorder_->history());
}

properties::Verdicts Run::Judge() {
  history::ForgetWhatLeadersAcknowledged(setup_.replicated_topics, recorder_->history());
  properties::Verdicts verdicts = properties::CheckAll(recorder_->history());
  for (const std::string& accident : servers_->accidents()) verdicts.violations.push_back({"accident", accident, {}});
  return verdicts;
}

void Run::CountSends() {
  for (const history::Send& send : recorder_->history().sends) {
    ++counts_[fmt::format("sends {}", history::ToString(send.outcome))];
  }
}

void Run::Count() {
  const history::History& history = recorder_->history();
  for (const history::Poll& poll : history.polls) counts_["records polled"] += poll.records.size();
  for (const history::FinalRead& read : history.final_reads) counts_["records in the end"] += read.records.size();
  counts_["offsets listed"] = history.list_offsets.size();
  counts_["deletions of records"] = history.delete_records.size();
  counts_["log starts"] = history.log_starts.size();
  for (const sim::Strike& strike : striker_->strikes()) {
    if (strike.result == sim::StrikeResult::kDone) ++counts_[strike.action.substr(0, strike.action.find(' '))];
  }
  for (const history::NodeEvent& event : history.node_events) {
    if (event.kind == history::NodeEventKind::kStarted) ++counts_["starts of nodes"];
  }
  if (wires_ == nullptr) return;
  counts_["packets carried"] = wires_->carried_count();
  counts_["packets dropped"] = wires_->dropped_count();
}

std::string Run::FailureText(const explore::RunResult& result) {
  explore::RunReport report;
  report.strikes = striker_->strikes();
  for (const explore::FoundViolation& found : result.violations()) {
    report.violations.push_back({found.property(), found.what(), {found.at_ns().begin(), found.at_ns().end()}});
  }
  report.history = std::move(recorder_->history());
  const std::vector<explore::Deed> nothing;
  std::string text = explore::DescribeSetup(setup_);
  text += "faults:\n";
  for (const sim::Strike& strike : striker_->strikes()) {
    text += fmt::format("  {:>9} ms  event {} {}: {} {}\n", strike.at.nanos() / 1'000'000, strike.event_id,
                        sim::ToString(strike.result), strike.target, strike.action);
  }
  // But for its first line, which speaks of virtual time.
  const std::string story =
      explore::Explain({.scenario = scenario_, .result = result, .report = report, .deeds = nothing});
  text += story.substr(story.find('\n') + 1);
  std::ofstream(folder_.path() + "/plan.txtpb") << sim::PrintPlan(Plan());
  text += fmt::format("the nodes' logs, data and settings, and the plan, are in {}\n", folder_.path());
  text += fmt::format("the same faults again: real_cluster tests/real/cluster/{}.txtpb --seed {} --seconds {}\n",
                      scenario_.name(), setup_.seed, setup_.faulty_phase.millis() / 1000);
  return text;
}

RunOutcome Run::MakeOutcome() {
  // Before those are forgotten that promise nothing.
  CountSends();
  const properties::Verdicts verdicts = Judge();
  RunOutcome outcome;
  explore::RunResult& result = outcome.result;
  result.set_scenario(scenario_.name());
  result.set_seed(setup_.seed);
  result.set_virtual_ns(recorder_->NowNanos());
  bool is_safe = true;
  for (const history::Violation& violation : verdicts.violations) {
    explore::FoundViolation* found = result.add_violations();
    found->set_property(violation.property);
    found->set_what(violation.what);
    found->mutable_at_ns()->Add(violation.at_ns.begin(), violation.at_ns.end());
    is_safe = is_safe && violation.property.starts_with("V");
  }
  if (!verdicts.violations.empty()) result.set_verdict(is_safe ? explore::LIVENESS : explore::SAFETY);
  for (const auto& [id, count] : verdicts.fact_counts) {
    explore::Tally* tally = result.add_judged();
    tally->set_name(id);
    tally->set_count(count);
  }
  Count();
  outcome.counts = counts_;
  outcome.text = fmt::format("{} seed {}: {}; {};", scenario_.name(), setup_.seed,
                             explore::VerdictName(result.verdict()), PhasesText());
  for (const auto& [name, count] : outcome.counts) outcome.text += fmt::format(" {} {},", count, name);
  outcome.text.back() = '\n';
  if (!late_.empty()) outcome.text += fmt::format("  late: {}\n", late_);
  if (!outcome.passed()) {
    outcome.text += FailureText(result);
    outcome.kept_folder = folder_.path();
    folder_.Keep();
  }
  return outcome;
}

RunOutcome Run::Execute() {
  env().scheduler.Spawn("run", [this](fiber::Fiber& self) {
    RunPhases(self);
    node_->Stop();
  });
  node_->Run();
  ReadLogs();
  EndClients();
  return MakeOutcome();
}

// What is asked for and nobody could do.
std::string Problem(const explore::Scenario& scenario, const explore::RunSetup& setup, const RunOptions& options) {
  const bool has_own_nodes = scenario.program_size() + scenario.workload_size() > 0;
  if (has_own_nodes || scenario.topology().has_limits()) {
    return "programs of a user's own, and limits that no property reaches, exist in the simulator only";
  }
  const bool needs_wires = NeedsWires(scenario);
  const auto is_combined = [](const explore::ServerSetup& server) { return server.is_broker() && server.votes(); };
  if (!std::ranges::all_of(setup.servers, is_combined)) return "every node has to be broker and controller";
  if (needs_wires && !Wires::WhyNot().empty()) return "links cannot be cut here: " + Wires::WhyNot();
  const sim::plan::Plan& plan = options.plan == nullptr ? setup.plan : *options.plan;
  for (const sim::plan::Event& event : plan.event()) {
    const std::string what = WhatCannotBeDone(event, needs_wires ? Links::kWires : Links::kFixed);
    if (!what.empty()) return what;
  }
  return "";
}

RunOutcome NotRun(const explore::Scenario& scenario, uint64_t seed, const std::string& why) {
  RunOutcome outcome;
  outcome.result.set_scenario(scenario.name());
  outcome.result.set_seed(seed);
  outcome.result.set_verdict(explore::CRASH);
  outcome.text = fmt::format("{} seed {} cannot be run: {}\n", scenario.name(), seed, why);
  return outcome;
}

}  // namespace

RunOutcome RunReal(const explore::Scenario& scenario, uint64_t seed, const RunOptions& options) {
  absl::StatusOr<explore::RunSetup> setup = explore::DrawSetup(scenario, seed);
  if (!setup.ok()) return NotRun(scenario, seed, std::string(base::SV(setup.status().message())));
  if (const std::string problem = Problem(scenario, *setup, options); !problem.empty()) {
    return NotRun(scenario, seed, problem);
  }
  return Run(scenario, std::move(*setup), options).Execute();
}

absl::StatusOr<explore::Scenario> LoadWithLength(const std::string& path, std::optional<Duration> length) {
  absl::StatusOr<explore::Scenario> scenario = explore::LoadScenario(path);
  if (!scenario.ok() || !length.has_value()) return scenario;
  const int64_t records = int64_t{scenario->producers().records()} * length->millis() / scenario->phases().faulty_ms();
  scenario->mutable_producers()->set_records(static_cast<int32_t>(std::clamp<int64_t>(records, 1, kRecordsMax)));
  scenario->mutable_phases()->set_faulty_ms(length->millis());
  return scenario;
}

bool NeedsWires(const explore::Scenario& scenario) {
  return std::any_of(scenario.fault().begin(), scenario.fault().end(), &IsAboutLinks);
}

}  // namespace odradek::real_cluster
