// A partition on some brokers with their controller, under a network and disks that do as the test says: every step is
// chosen from outside, so that the same choices give the same run. The machines are real, everything else is a model.
// All effects are judged (checker.h).
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/engine/replication/checker.h"

namespace odradek::replication {

class World {
 public:
  static constexpr size_t kNoCut = static_cast<size_t>(-1);

  explicit World(const ReplicationOptions& options)
      : options_(options), controller_(options.brokers, options.replicas, options.min_isr) {
    for (int32_t id = 1; id <= options.brokers; ++id) {
      BrokerNode node;
      node.id = NodeId(id);
      node.broker_epoch = controller_.brokers().at(node.id).epoch;
      nodes_.push_back(std::move(node));
    }
    for (BrokerNode& node : nodes_) {
      Boot(node);
      TakeIn(node, 0);
    }
  }

  std::vector<BrokerNode>& nodes() { return nodes_; }
  const std::vector<BrokerNode>& nodes() const { return nodes_; }
  std::vector<Wire>& wires() { return wires_; }
  const std::vector<Wire>& wires() const { return wires_; }
  std::vector<ControllerWire>& controller_wires() { return controller_wires_; }
  const std::vector<ControllerWire>& controller_wires() const { return controller_wires_; }
  ControllerModel& controller() { return controller_; }
  const ControllerModel& controller() const { return controller_; }
  const Checker& checker() const { return checker_; }
  bool ok() const { return checker_.ok(); }
  BrokerNode& Node(NodeId id) { return nodes_[static_cast<size_t>(id.value() - 1)]; }
  MonoTime now() const { return now_; }
  // nullptr: nobody leads, or whoever does has not heard of it.
  BrokerNode* CurrentLeader() {
    for (BrokerNode& node : nodes_) {
      const bool leads = node.machine && node.machine->role() == Role::kLeader;
      if (leads && node.machine->leader_epoch() == controller_.partition().leader_epoch) return &node;
    }
    return nullptr;
  }
  void CheckAll() { checker_.CheckAll(controller_, nodes_); }

  // --- the network ---

  bool MayAsk(const BrokerNode& node) const {
    return node.machine && !node.asked && node.machine->NextQuestion(now_).has_value();
  }
  void Ask(BrokerNode& node) {
    REQUIRES(MayAsk(node));
    node.asked = node.machine->NextQuestion(now_);
    wires_.push_back({node.id, node.machine->leader(), node.incarnation, node.broker_epoch, *node.asked, {}, {}});
  }
  // The fetcher waits no more for the answer, which may come nevertheless.
  void GiveUp(BrokerNode& node, size_t cut = kNoCut) {
    REQUIRES(node.asked);
    const Question question = *std::exchange(node.asked, std::nullopt);
    const Wire nothing;
    Run(node, node.machine->Step(Around(node), NoAnswer(question)), nothing, cut);
  }
  void Lose(size_t index) { wires_.erase(wires_.begin() + static_cast<std::ptrdiff_t>(index)); }
  void Deliver(size_t index, size_t cut = kNoCut) {
    const Wire wire = wires_[index];
    Lose(index);
    BrokerNode& node = Node(wire.to);
    if (!node.machine) return;
    if (!wire.answer) return Serve(node, wire, cut);
    if (wire.incarnation != node.incarnation) return;
    node.asked.reset();
    const Event event = std::visit([](const auto& answer) { return Event(answer); }, *wire.answer);
    Run(node, node.machine->Step(Around(node), event), wire, cut);
  }

  // The controller gets the next AlterPartition of a broker, and answers.
  void DeliverAlter(BrokerNode& node) {
    const AlterRequest alter = node.alters.front();
    node.alters.pop_front();
    const AlterPartitionAnswered answer = controller_.Alter(node.id, alter.broker_epoch, alter.request);
    controller_wires_.push_back({node.id, alter.incarnation, answer});
  }
  void DeliverAlterAnswer(size_t index, size_t cut = kNoCut) {
    const ControllerWire wire = controller_wires_[index];
    controller_wires_.erase(controller_wires_.begin() + static_cast<std::ptrdiff_t>(index));
    BrokerNode& node = Node(wire.to);
    if (node.machine && wire.incarnation == node.incarnation) Step(node, wire.answer, cut);
  }
  // There is no answer in time; the request and its answer may still be under way.
  bool IsAltering(const BrokerNode& node) const {
    if (!node.machine || node.machine->role() != Role::kLeader) return false;
    const std::optional<IsrChange>& change = std::get<Leader>(node.machine->state()).isr.change();
    return change && change->state == IsrChange::State::kSent;
  }
  void FailAlter(BrokerNode& node, size_t cut = kNoCut) {
    REQUIRES(IsAltering(node));
    const AttemptId attempt = std::get<Leader>(node.machine->state()).isr.change()->attempt;
    Step(node, AlterPartitionAnswered{.attempt = attempt, .error = ErrorCode::kRequestTimedOut, .committed = {}}, cut);
  }

  // --- brokers ---

  void Advance(Duration by) { now_ = now_ + by; }
  void Tick(BrokerNode& node, size_t cut = kNoCut) {
    if (node.machine) Run(node, node.machine->Tick(Around(node)), Wire(), cut);
  }
  void Step(BrokerNode& node, const Event& event, size_t cut = kNoCut) {
    Run(node, node.machine->Step(Around(node), event), Wire(), cut);
  }
  // The broker takes in the metadata up to this version, without looking at those in between.
  void TakeIn(BrokerNode& node, size_t version, size_t cut = kNoCut) {
    REQUIRES(node.machine && version < controller_.log().size());
    node.view = version;
    const Registration& partition = controller_.log()[version].partition;
    Step(node, PartitionChanged{partition}, cut);
    if (!node.machine || Contains(partition.replicas, node.id)) return;
    // The partition is somebody else's: its log is deleted here.
    checker_.OnDeleted(node, partition.leader_epoch);
    node.disk = DiskModel();
    node.asked.reset();
    node.machine.emplace(MachineOptions(node), node.disk.Facts(), no_context);
  }
  void Produce(BrokerNode& node, Acks acks) {
    const Admission admission = node.machine->MayAppend(acks);
    if (admission.error != ErrorCode::kNone) return;
    const Entry entry{admission.leader_epoch, ++values_};
    const Offset base = node.disk.end();
    node.disk.Append(entry);
    checker_.OnAppended(node, base);
    Step(node, Appended{admission.leader_epoch, base + 1});
    if (acks != Acks::kAll || !node.machine) return;
    const Token token(++tokens_);
    node.produced.emplace(token, BrokerNode::Produced{base, entry});
    Step(node, AwaitCommit{token, admission.leader_epoch, base + 1, now_ + Duration::Seconds(30)});
  }
  void Delete(BrokerNode& node) {
    Step(node, DeleteRecords{Token(++tokens_), Offset(-1), now_ + Duration::Seconds(30)});
  }
  void Flush(BrokerNode& node) {
    node.disk.Flush();
    if (node.machine) Step(node, Flushed{node.disk.flushed_end()});
  }

  void Crash(BrokerNode& node, int64_t kept = 0) {
    checker_.OnLoss(node);
    node.disk.Crash(kept);
    GoDown(node);
  }
  void Stop(BrokerNode& node) {
    node.disk.Flush();
    if (node.machine) node.disk.Checkpoint(node.machine->high_watermark());
    node.clean = true;
    GoDown(node);
  }
  // It registers, and will act when it has taken in its own registration.
  void Restart(BrokerNode& node) {
    REQUIRES(!node.machine);
    node.broker_epoch = controller_.Register(node.id, std::exchange(node.clean, false));
    node.registered = controller_.log().size() - 1;
    Boot(node);
  }
  bool HasTakenInItself(const BrokerNode& node) const { return node.machine && node.view >= node.registered; }

 private:
  Surroundings Around(const BrokerNode& node) const {
    return {now_, controller_.log()[node.view].brokers, node.broker_epoch};
  }
  Options MachineOptions(const BrokerNode& node) const {
    Options options;
    options.self = node.id;
    options.own_end = options_.own_end;
    options.truncation = options_.truncation;
    options.replica_lag_time_max = Duration::Millis(300);
    options.replica_fetch_backoff = Duration::Millis(20);
    options.min_insync_replicas = options_.min_isr;
    return options;
  }
  void Boot(BrokerNode& node) { node.machine.emplace(MachineOptions(node), node.disk.Facts(), no_context); }
  void GoDown(BrokerNode& node) {
    node.machine.reset();
    node.asked.reset();
    node.serving.clear();
    node.produced.clear();
    ++node.incarnation;
  }

  void Serve(BrokerNode& node, const Wire& wire, size_t cut) {
    if (const auto* position = std::get_if<FetchPosition>(&wire.question)) {
      const Token token(++tokens_);
      node.serving.emplace(token, wire);
      return Step(node, FollowerFetch{token, wire.from, wire.broker_epoch, *position}, cut);
    }
    Wire back{node.id, wire.from, wire.incarnation, wire.broker_epoch, wire.question, {}, {}};
    if (const auto* asked = std::get_if<EpochEndQuestion>(&wire.question)) {
      const EpochEndAnswer answer = node.machine->AnswerTo(*asked);
      back.answer = EpochEndAnswered{*asked, answer.error, answer.end};
    } else {
      const auto& offsets = std::get<OffsetsQuestion>(wire.question);
      const EpochEndAnswer check = node.machine->AnswerTo(EpochEndQuestion{offsets.current_leader_epoch, {}});
      back.answer = OffsetsAnswered{offsets, check.error, node.disk.start(), node.disk.end()};
    }
    wires_.push_back(std::move(back));
  }

  // Carries out the effects; with a cut, the node dies behind the first `cut` of them. `wire`: what came.
  void Run(BrokerNode& node, const Output& output, const Wire& wire, size_t cut) {
    for (size_t i = 0; i < output.effects.size() && ok(); ++i) {
      if (i == cut) return Crash(node);
      std::visit([&](const auto& effect) { Do(node, effect, wire); }, output.effects[i]);
    }
  }

  void Do(BrokerNode& node, const BeginLeaderEpoch& effect, const Wire&) {
    checker_.OnLeader(node, effect, controller_);
    node.disk.BeginEpoch(effect.leader_epoch);
  }
  void Do(BrokerNode& node, const TruncateLog& effect, const Wire&) {
    checker_.OnTruncated(node, effect.end, controller_);
    node.disk.Truncate(effect.end);
  }
  void Do(BrokerNode& node, const RestartLog& effect, const Wire&) {
    checker_.OnTruncated(node, std::min(effect.start, node.disk.start()), controller_);
    node.disk.Restart(effect.start);
  }
  void Do(BrokerNode& node, const AppendFetched& effect, const Wire& wire) {
    const Offset from = node.disk.end();
    REQUIRES(effect.batches <= wire.entries.size());
    for (size_t i = 0; i < effect.batches; ++i) node.disk.Append(wire.entries[i]);
    checker_.Check(node.disk.end() == effect.end, "appended at other offsets than the leader's", node.id);
    checker_.OnAppended(node, from);
  }
  void Do(BrokerNode& node, const RaiseLogStart& effect, const Wire&) { node.disk.RaiseStart(effect.start); }
  void Do(BrokerNode& node, const AdvanceHighWatermark& effect, const Wire&) {
    checker_.OnHighWatermark(node, effect.high_watermark, nodes_, controller_.log()[node.view].brokers);
  }
  void Do(BrokerNode& node, const SendAlterPartition& effect, const Wire&) {
    checker_.OnProposal(node, effect, controller_.log()[node.view].brokers);
    node.alters.push_back({node.broker_epoch, node.incarnation, effect});
  }
  void Do(BrokerNode& node, const AnswerCommit& effect, const Wire&) {
    const auto at = node.produced.find(effect.token);
    REQUIRES(at != node.produced.end());
    checker_.OnAnswer(node, effect.error, at->second);
    node.produced.erase(at);
  }
  void Do(BrokerNode&, const AnswerDeleteRecords&, const Wire&) {}
  void Do(BrokerNode& node, const AnswerFetch& effect, const Wire&) {
    const Wire asked = node.serving.at(effect.token);
    node.serving.erase(effect.token);
    const FetchAnswer& answer = effect.answer;
    Fetched fetched;
    fetched.asked = std::get<FetchPosition>(asked.question);
    fetched.error = answer.error;
    fetched.diverging = answer.diverging;
    fetched.high_watermark = answer.high_watermark;
    fetched.log_start = answer.log_start;
    Wire back{node.id, asked.from, asked.incarnation, asked.broker_epoch, asked.question, {}, {}};
    const Offset end = std::min(answer.read_end, answer.read_from + options_.entries_per_fetch);
    for (Offset at = answer.read_from; at < end; ++at) {
      back.entries.push_back(node.disk.At(at));
      fetched.batches.push_back({at, at + 1, node.disk.At(at).epoch});
    }
    back.answer = std::move(fetched);
    wires_.push_back(std::move(back));
  }
  void Do(BrokerNode&, const AnnounceRole&, const Wire&) {}
  void Do(BrokerNode&, const AnnounceIsr&, const Wire&) {}
  void Do(BrokerNode& node, const ReportTrouble& effect, const Wire&) {
    // A lossy crash may leave the high watermark's checkpoint above what others have.
    const bool is_expected = effect.trouble == Trouble::kTruncatesBelowHighWatermark;
    checker_.Check(is_expected, fmt::format("trouble {}", static_cast<int>(effect.trouble)), node.id);
  }

  ReplicationOptions options_;
  ControllerModel controller_;
  std::vector<BrokerNode> nodes_;
  std::vector<Wire> wires_;
  std::vector<ControllerWire> controller_wires_;
  Checker checker_;
  MonoTime now_ = MonoTime::FromNanos(1000000000);
  int64_t values_ = 0;
  int64_t tokens_ = 0;
};

}  // namespace odradek::replication
