#include "engine/broker/partition_replica.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/check.h"
#include "engine/broker/shard_replication.h"
#include "engine/record/batch.h"

namespace odradek::broker {

using protocol::ErrorCode;

// Where a fiber waits for what the machine answers later.
template <typename Told>
class PartitionReplica::Waits {
 public:
  using ByToken = std::map<replication::Token, Waits*>;
  Waits(ByToken& all, replication::Token token) : all_(all), token_(token) { all_.emplace(token_, this); }
  ~Waits() { all_.erase(token_); }
  Waits(const Waits&) = delete;
  Waits& operator=(const Waits&) = delete;

  static void Give(const ByToken& all, const Told& answer) {
    const auto at = all.find(answer.token);
    if (at == all.end()) return;
    at->second->answer_ = answer;
    at->second->answered_.WakeAll();
  }
  Told Wait(fiber::Fiber& self) {
    while (!answer_) answered_.Wait(self);
    return *answer_;
  }

 private:
  ByToken& all_;
  const replication::Token token_;
  std::optional<Told> answer_;
  fiber::WaitQueue answered_;
};

// A step at a time.
class PartitionReplica::Turn {
 public:
  Turn(fiber::Fiber& self, PartitionReplica& replica) : replica_(replica) {
    while (replica_.is_stepping_) replica_.step_ended_.Wait(self);
    replica_.is_stepping_ = true;
  }
  ~Turn() {
    replica_.is_stepping_ = false;
    replica_.step_ended_.WakeOne();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  PartitionReplica& replica_;
};

// What watches are told of.
struct PartitionReplica::BeforeStep {
  explicit BeforeStep(const replication::Replica& machine)
      : start(machine.log().start()),
        end(machine.log().end()),
        high_watermark(machine.high_watermark()),
        leader_epoch(machine.leader_epoch()),
        role(machine.role()) {}
  Offset start;
  Offset end;
  Offset high_watermark;
  LeaderEpoch leader_epoch;
  replication::Role role;
};

class PartitionReplica::EffectRunner {
 public:
  EffectRunner(PartitionReplica& replica, fiber::Fiber& self, Bytes records)
      : replica_(replica), log_(*replica.log_), self_(self), records_(records) {}

  bool has_failed() const { return failed_; }
  // After a failure: the answers in it are errors, and nothing else of it is done.
  void Refuse(const replication::Effect& effect) {
    constexpr ErrorCode kError = ErrorCode::kKafkaStorageError;
    if (const auto* commit = std::get_if<replication::AnswerCommit>(&effect)) {
      Waits<replication::AnswerCommit>::Give(replica_.commits_, {commit->token, kError});
    } else if (const auto* deletion = std::get_if<replication::AnswerDeleteRecords>(&effect)) {
      Waits<replication::AnswerDeleteRecords>::Give(replica_.deletions_, {deletion->token, kError, kNoOffset});
    } else if (std::holds_alternative<replication::AnswerFetch>(effect)) {
      replica_.fetch_answer_ = replication::FetchAnswer{.error = kError};
    }
  }
  // The log ends elsewhere than the machine thinks.
  bool has_surprise() const { return surprise_; }

  void operator()(const replication::BeginLeaderEpoch& effect) { Must(log_.StartEpoch(self_, effect.leader_epoch)); }
  void operator()(const replication::TruncateLog& effect) {
    Must(log_.TruncateTo(self_, effect.end));
    surprise_ = surprise_ || log_.log_end_offset() != effect.end;
  }
  void operator()(const replication::RestartLog& effect) { Must(log_.TruncateFullyAndStartAt(self_, effect.start)); }
  void operator()(const replication::AppendFetched& effect) {
    record::BatchCursor cursor(records_);
    for (size_t i = 0; i < effect.batches; ++i) {
      if (cursor.Next().found != record::BatchCursor::Found::kBatch) return Must(storage::LogError::kOutOfRange);
    }
    Must(replica_.AppendFetched(self_, records_.first(static_cast<size_t>(cursor.position_bytes()))));
    surprise_ = surprise_ || log_.log_end_offset() != effect.end;
  }
  void operator()(const replication::RaiseLogStart& effect) {
    log_.SetHighWatermark(std::max(log_.high_watermark(), effect.start));
    Must(log_.DeleteRecordsBefore(self_, effect.start));
  }
  void operator()(const replication::AdvanceHighWatermark& effect) { log_.SetHighWatermark(effect.high_watermark); }
  void operator()(const replication::SendAlterPartition& effect) {
    REACHED(replica_.env_.context, "broker.replica.proposes_isr");
    replica_.shared_.Propose({replica_.env_.shards.self(), replica_.name(), replica_.topic_id_, effect});
  }
  void operator()(const replication::AnswerCommit& effect) {
    Waits<replication::AnswerCommit>::Give(replica_.commits_, effect);
  }
  void operator()(const replication::AnswerDeleteRecords& effect) {
    Waits<replication::AnswerDeleteRecords>::Give(replica_.deletions_, effect);
  }
  void operator()(const replication::AnswerFetch& effect) { replica_.fetch_answer_ = effect.answer; }
  void operator()(const replication::AnnounceRole& effect) {
    const bool follows = effect.role == replication::Role::kFollower;
    replica_.shared_.Follow(replica_.shared_from_this(), follows ? effect.leader : kNoNode);
  }
  void operator()(const replication::AnnounceIsr& effect) {
    if (effect.isr.size() < 2 && !replica_.depends_on_others()) return;
    Write(env::LogLevel::kInfo, "in-sync replicas", fmt::format("{}", effect.isr.size()));
  }
  void operator()(const replication::ReportTrouble& effect) {
    REACHED(replica_.env_.context, "broker.replica.trouble");
    Write(env::LogLevel::kWarning, "replication: somebody says what cannot be", std::string(TextOf(effect.trouble)));
  }

 private:
  static std::string_view TextOf(replication::Trouble trouble) {
    switch (trouble) {
      case replication::Trouble::kTruncatesBelowHighWatermark:
        return "truncates below the high watermark";
      case replication::Trouble::kFetchedOutOfOrder:
        return "fetched batches do not continue the log";
      case replication::Trouble::kDivergesInLaterEpoch:
        return "the leader's log parts from this one in an epoch that nobody asked about";
      case replication::Trouble::kContradictoryMetadata:
        return "the metadata contradicts what was known";
    }
    return "unknown";
  }
  void Write(env::LogLevel level, std::string_view message, std::string what) {
    replica_.env_.log.Write(level, "broker", message,
                            {{"partition", ToString(replica_.name())},
                             {"epoch", fmt::format("{}", replica_.machine_.leader_epoch().value())},
                             {"what", std::move(what)}});
  }
  void Must(storage::LogError error) { failed_ = failed_ || error != storage::LogError::kNone; }

  PartitionReplica& replica_;
  storage::Log& log_;
  fiber::Fiber& self_;
  const Bytes records_;
  bool failed_ = false;
  bool surprise_ = false;
};

std::optional<replication::LogFacts> PartitionReplica::FactsOf(const storage::Log& log) {
  const storage::LogView view = log.Inspect();
  replication::LogFacts::Parts parts{
      .start = view.log_start_offset, .end = view.log_end_offset, .high_watermark = view.high_watermark, .epochs = {}};
  for (const storage::EpochEntry& entry : view.epochs) parts.epochs.push_back({entry.epoch, entry.start_offset});
  return replication::LogFacts::FromParts(parts);
}

std::shared_ptr<PartitionReplica> PartitionReplica::Start(env::Env& env, ShardReplication& shared,
                                                          std::shared_ptr<storage::Log> log, const TopicId& topic_id,
                                                          const replication::Options& options) {
  std::optional<replication::LogFacts> facts = FactsOf(*log);
  if (!facts) return nullptr;
  return std::shared_ptr<PartitionReplica>(
      new PartitionReplica(env, shared, std::move(log), topic_id, options, *std::move(facts)));
}

PartitionReplica::PartitionReplica(env::Env& env, ShardReplication& shared, std::shared_ptr<storage::Log> log,
                                   const TopicId& topic_id, const replication::Options& options,
                                   replication::LogFacts facts)
    : env_(env),
      shared_(shared),
      log_(std::move(log)),
      topic_id_(topic_id),
      machine_(options, std::move(facts), env.context) {}

replication::Surroundings PartitionReplica::Around() const {
  return {.now = env_.clock.Now(), .brokers = shared_.brokers(), .broker_epoch = shared_.broker_epoch()};
}

bool PartitionReplica::Leads(LeaderEpoch epoch) const {
  return machine_.role() == replication::Role::kLeader && machine_.leader_epoch() == epoch;
}

bool PartitionReplica::depends_on_others() const {
  const auto* leader = std::get_if<replication::Leader>(&machine_.state());
  return leader != nullptr && leader->isr.Maximal().size() > 1;
}

// --- Steps.

void PartitionReplica::Step(fiber::Fiber& self, const replication::Event& event, Bytes records) {
  const Turn turn(self, *this);
  StepNow(self, event, records);
}

void PartitionReplica::StepNow(fiber::Fiber& self, const replication::Event& event, Bytes records) {
  REQUIRES(is_stepping_);
  const BeforeStep before(machine_);
  NoteLogStart(self);
  CarryOut(self, machine_.Step(Around(), event), records);
  TellChanges(before);
  shared_.Arm(*this, machine_.next_deadline());
}

void PartitionReplica::CarryOut(fiber::Fiber& self, replication::Output output, Bytes records) {
  EffectRunner runner(*this, self, records);
  for (const replication::Effect& effect : output.effects) {
    // What did not reach the disk is not answered as if it had.
    runner.has_failed() ? runner.Refuse(effect) : std::visit(runner, effect);
  }
  if (runner.has_failed()) {
    REACHED(env_.context, "broker.replica.disk_failed");
    return CarryOut(self, machine_.Step(Around(), replication::Resign{ErrorCode::kKafkaStorageError}), {});
  }
  if (runner.has_surprise()) BeginAnew(self);
}

// Retention works on the log alone.
void PartitionReplica::NoteLogStart(fiber::Fiber& self) {
  const Offset start = log_->log_start_offset();
  if (start <= machine_.log().start()) return;
  CarryOut(self, machine_.Step(Around(), replication::LogStartRaised{start}), {});
}

// A cut inside a batch takes the whole batch. Such a log is none of one leader's: nobody continues it before it was
// compared again.
void PartitionReplica::BeginAnew(fiber::Fiber& self) {
  REACHED(env_.context, "broker.replica.begins_anew");
  std::optional<replication::LogFacts> facts = FactsOf(*log_);
  if (!facts || !registration_) {
    return CarryOut(self, machine_.Step(Around(), replication::Resign{ErrorCode::kKafkaStorageError}), {});
  }
  machine_ = replication::Replica(machine_.options(), *std::move(facts), env_.context);
  CarryOut(self, machine_.Step(Around(), replication::PartitionChanged{*registration_}), {});
}

void PartitionReplica::TellChanges(const BeforeStep& before) {
  const BeforeStep now(machine_);
  const bool shows_more = now.high_watermark != before.high_watermark || now.start != before.start ||
                          now.leader_epoch != before.leader_epoch || now.role != before.role;
  if (shows_more) return TellWatches();
  if (now.end != before.end) Tell(followers_);
}

void PartitionReplica::Tick(fiber::Fiber& self) {
  if (is_stepping_) return;
  const Turn turn(self, *this);
  const BeforeStep before(machine_);
  CarryOut(self, machine_.Tick(Around()), {});
  TellChanges(before);
  shared_.Arm(*this, machine_.next_deadline());
  shared_.WakeFetcher(machine_.leader(), name());
}

// --- What the metadata says.

void PartitionReplica::TakeIn(fiber::Fiber& self, const replication::Registration& registration) {
  if (registration_ == registration) return;
  const fiber::MutexLock role(self, role_);
  const Turn turn(self, *this);
  registration_ = registration;
  if (log_->is_offline() && registration.leader != machine_.options().self) {
    return StepNow(self, replication::Resign{ErrorCode::kKafkaStorageError});
  }
  StepNow(self, replication::PartitionChanged{registration});
  FlushAsNewLeader(self);
}

// What recovery found, or a follower appended, may stand in the page cache only.
void PartitionReplica::FlushAsNewLeader(fiber::Fiber& self) {
  const auto* leader = std::get_if<replication::Leader>(&machine_.state());
  const Offset end = machine_.log().end();
  if (leader == nullptr || machine_.options().own_end == replication::OwnEnd::kAppended || leader->flushed_end >= end) {
    return;
  }
  if (log_->FlushTo(self, end) != storage::LogError::kNone) return;
  StepNow(self, replication::Flushed{end});
}

void PartitionReplica::BrokersChanged(fiber::Fiber& self) {
  Step(self, replication::BrokersChanged{});
}

void PartitionReplica::SetLimits(fiber::Fiber& self, const replication::LimitsChanged& limits) {
  const replication::Options& known = machine_.options();
  const bool is_news = known.replica_lag_time_max != limits.replica_lag_time_max ||
                       known.replica_fetch_backoff != limits.replica_fetch_backoff ||
                       known.min_insync_replicas != limits.min_insync_replicas || known.own_end != limits.own_end;
  if (is_news) Step(self, limits);
}

void PartitionReplica::Remove(fiber::Fiber& self) {
  const fiber::MutexLock role(self, role_);
  Step(self, replication::PartitionRemoved{});
}

void PartitionReplica::Resign(fiber::Fiber& self) {
  const fiber::MutexLock role(self, role_);
  Step(self, replication::Resign{});
}

// --- As a leader.

PartitionReplica::Append PartitionReplica::AppendBatch(fiber::Fiber& self, MutableBytes batch, replication::Acks acks) {
  Append done;
  if (log_->is_offline()) {
    // The lock may be held by an append whose disk does not answer.
    done.admission = machine_.MayAppend(acks);
    if (done.admission.error == ErrorCode::kNone) done.admission.error = ErrorCode::kKafkaStorageError;
    return done;
  }
  const fiber::MutexLock role(self, role_);
  done.admission = machine_.MayAppend(acks);
  if (done.admission.error != ErrorCode::kNone) return done;
  const LeaderEpoch epoch = done.admission.leader_epoch;
  done.result = log_->Append(self, batch,
                             {.origin = storage::AppendOrigin::kClient,
                              .leader_epoch = epoch,
                              .sync = storage::AppendOptions::Sync::kByCaller});
  if (!done.result.ok() || done.result.is_duplicate) return done;
  const Turn turn(self, *this);
  // A disk may have failed under another step.
  if (Leads(epoch)) StepNow(self, replication::Appended{epoch, done.result.next_offset});
  return done;
}

protocol::ErrorCode PartitionReplica::Commit(fiber::Fiber& self, const Wish& wish) {
  if (wish.must_flush) {
    if (log_->FlushTo(self, wish.end) != storage::LogError::kNone) {
      TellWatches();
      return ErrorCode::kKafkaStorageError;
    }
    const Turn turn(self, *this);
    // Whoever led in between may have truncated it.
    if (Leads(wish.leader_epoch)) StepNow(self, replication::Flushed{wish.end});
  }
  if (wish.acks != replication::Acks::kAll) return ErrorCode::kNone;
  const bool is_committed = Leads(wish.leader_epoch) && machine_.high_watermark() >= wish.end &&
                            machine_.MayAppend(wish.acks).error == ErrorCode::kNone;
  if (is_committed) return ErrorCode::kNone;
  const replication::Token token(++last_token_);
  Waits<replication::AnswerCommit> wait(commits_, token);
  Step(self, replication::AwaitCommit{token, wish.leader_epoch, wish.end, wish.until});
  return wait.Wait(self).error;
}

PartitionReplica::Deletion PartitionReplica::DeleteRecords(fiber::Fiber& self, Offset before, MonoTime until) {
  const replication::Token token(++last_token_);
  Waits<replication::AnswerDeleteRecords> wait(deletions_, token);
  Step(self, replication::DeleteRecords{token, before, until});
  const replication::AnswerDeleteRecords answer = wait.Wait(self);
  return {answer.error, answer.low_watermark};
}

replication::FetchAnswer PartitionReplica::Count(fiber::Fiber& self, replication::FollowerFetch fetch) {
  const Turn turn(self, *this);
  fetch.token = replication::Token(++last_token_);
  fetch_answer_.reset();
  StepNow(self, fetch);
  INVARIANT(fetch_answer_.has_value());
  return *std::exchange(fetch_answer_, std::nullopt);
}

replication::FetchAnswer PartitionReplica::Answer(const replication::FollowerFetch& fetch) const {
  return machine_.AnswerTo(fetch, Around());
}

replication::FetchAnswer PartitionReplica::Answer(const replication::ConsumerFetch& fetch) const {
  return machine_.AnswerTo(fetch, Around());
}

void PartitionReplica::AlterPartitionAnswered(fiber::Fiber& self, LeaderEpoch leader_epoch,
                                              const replication::AlterPartitionAnswered& answer) {
  const Turn turn(self, *this);
  // A machine that began anew counts its attempts anew.
  if (Leads(leader_epoch)) StepNow(self, answer);
}

// --- As a follower.

void PartitionReplica::OnFetched(fiber::Fiber& self, const replication::Fetched& fetched, Bytes records) {
  Step(self, fetched, records);
}

void PartitionReplica::OnEpochEnd(fiber::Fiber& self, const replication::EpochEndAnswered& answered) {
  Step(self, answered);
}

void PartitionReplica::OnOffsets(fiber::Fiber& self, const replication::OffsetsAnswered& answered) {
  Step(self, answered);
}

storage::LogError PartitionReplica::AppendFetched(fiber::Fiber& self, Bytes records) {
  // What the leader counts as ours when we ask for more is as durable as the configuration says.
  bool must_flush = false;
  while (!records.empty()) {
    // As many batches as a segment takes, at least one.
    record::BatchCursor cursor(records);
    size_t size_bytes = 0;
    while (cursor.Next().found == record::BatchCursor::Found::kBatch) {
      const auto position = static_cast<size_t>(cursor.position_bytes());
      if (size_bytes > 0 && static_cast<int64_t>(position) > log_->config().segment_bytes) break;
      size_bytes = position;
    }
    INVARIANT(size_bytes > 0);
    // The answer's bytes are shared.
    ByteBuffer batches(records.begin(), records.begin() + static_cast<std::ptrdiff_t>(size_bytes));
    const storage::AppendResult appended =
        log_->Append(self, batches,
                     {.origin = storage::AppendOrigin::kReplication, .sync = storage::AppendOptions::Sync::kByCaller});
    if (!appended.ok()) {
      env_.log.Write(env::LogLevel::kError, "broker", "fetched batches cannot be appended",
                     {{"partition", ToString(name())}, {"why", appended.problem}});
      return storage::LogError::kOffline;
    }
    must_flush = must_flush || appended.must_flush;
    records = records.subspan(size_bytes);
  }
  return must_flush ? log_->Flush(self) : storage::LogError::kNone;
}

// --- Watches.

void PartitionReplica::AddWatch(std::shared_ptr<Watch> watch, WatchFor what) {
  Watches& watches = what == WatchFor::kLogEnd ? followers_ : consumers_;
  // Polls that were answered for another reason leave their watch behind: drop those that nobody else holds.
  if (watches.size() >= 16) std::erase_if(watches, [](const auto& held) { return held.use_count() == 1; });
  watches.push_back(std::move(watch));
}

void PartitionReplica::TellWatches() {
  Tell(consumers_);
  Tell(followers_);
}

void PartitionReplica::Tell(Watches& watches) {
  Watches told;
  told.swap(watches);
  for (std::shared_ptr<Watch>& watch : told) {
    if (watch->home() == env_.shards.self()) {
      watch->Signal();
    } else {
      const ShardId home = watch->home();
      env_.shards.Post(home, [watch = std::move(watch)] { watch->Signal(); });
    }
  }
}

}  // namespace odradek::broker
