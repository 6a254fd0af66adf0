// This node's replica of one partition: runs the machine of engine/replication over the log. It carries events to the
// machine, carries out what it says, and lets those wait whom the machine answers later. Belongs to one shard; every
// call happens on that shard. Shared by the partition and by the fetcher that follows its leader.
//
//  1. One step at a time: its effects are carried out, in their order, before the next event goes in.
//  2. An append that has begun is finished and told before the machine hears of another leader, or of its end.
//  3. The high watermark of the log is the machine's, never the log's end (BUG_ZOO RP29).
//  4. A disk that fails under an effect ends the replica: it answers KAFKA_STORAGE_ERROR until the next start. A leader
//     whose append fails can still be read, until the metadata let another one lead.
//  5. A watch is told once, after anything changed that a Fetch could answer with; who still waits registers again.
//
// Source: engine/replication/README.md "How a shell runs it".
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/uuid.h"
#include "engine/broker/watch.h"
#include "engine/env/env.h"
#include "engine/fiber/sync.h"
#include "engine/replication/replica.h"
#include "engine/storage/log.h"

namespace odradek::broker {

class ShardReplication;

class PartitionReplica : public std::enable_shared_from_this<PartitionReplica> {
 public:
  // nullptr: the log contradicts itself. `shared` outlives every call.
  static std::shared_ptr<PartitionReplica> Start(env::Env& env, ShardReplication& shared,
                                                 std::shared_ptr<storage::Log> log, const TopicId& topic_id,
                                                 const replication::Options& options);

  // --- What the metadata says.
  void TakeIn(fiber::Fiber& self, const replication::Registration& registration);
  void BrokersChanged(fiber::Fiber& self);
  void SetLimits(fiber::Fiber& self, const replication::LimitsChanged& limits);
  // The topic is gone, or this node has no replica any more.
  void Remove(fiber::Fiber& self);
  // This node stops.
  void Resign(fiber::Fiber& self);
  // Whether it must ask others before it can acknowledge anything.
  bool depends_on_others() const;

  // --- As a leader.
  replication::Admission MayAppend(replication::Acks acks) const { return machine_.MayAppend(acks); }
  struct Append {
    replication::Admission admission;  // with an error nothing was appended
    storage::AppendResult result;
  };
  Append AppendBatch(fiber::Fiber& self, MutableBytes batch, replication::Acks acks);
  // Waits until what was appended may be acknowledged.
  struct Wish {
    LeaderEpoch leader_epoch = kNoLeaderEpoch;
    Offset end = kNoOffset;
    bool must_flush = false;
    replication::Acks acks = replication::Acks::kAll;
    MonoTime until;
  };
  protocol::ErrorCode Commit(fiber::Fiber& self, const Wish& wish);
  // −1 deletes up to the high watermark. Waits until all live replicas have deleted.
  struct Deletion {
    protocol::ErrorCode error = protocol::ErrorCode::kNone;
    Offset low_watermark = kNoOffset;
  };
  Deletion DeleteRecords(fiber::Fiber& self, Offset before, MonoTime until);
  // A follower's fetch, counted as its progress; Answer() answers it again without counting it.
  replication::FetchAnswer Count(fiber::Fiber& self, replication::FollowerFetch fetch);
  replication::FetchAnswer Answer(const replication::FollowerFetch& fetch) const;
  replication::FetchAnswer Answer(const replication::ConsumerFetch& fetch) const;
  // `leader_epoch` is that of the proposal.
  void AlterPartitionAnswered(fiber::Fiber& self, LeaderEpoch leader_epoch,
                              const replication::AlterPartitionAnswered& answer);

  // --- As a follower.
  std::optional<replication::Question> NextQuestion() const { return machine_.NextQuestion(env_.clock.Now()); }
  // `records` are the bytes of the batches.
  void OnFetched(fiber::Fiber& self, const replication::Fetched& fetched, Bytes records);
  void OnEpochEnd(fiber::Fiber& self, const replication::EpochEndAnswered& answered);
  void OnOffsets(fiber::Fiber& self, const replication::OffsetsAnswered& answered);

  // Something may be due now. Nothing happens while a step runs: its end looks again.
  void Tick(fiber::Fiber& self);
  // For the timer of the shard: when it will call Tick().
  MonoTime armed_for() const { return armed_for_; }
  void set_armed_for(MonoTime at) { armed_for_ = at; }

  // Which end is waited for: consumers see up to the high watermark, followers all.
  enum class WatchFor : uint8_t { kHighWatermark, kLogEnd };
  void AddWatch(std::shared_ptr<Watch> watch, WatchFor what);
  void TellWatches();

  const replication::Replica& machine() const { return machine_; }
  storage::Log& log() const { return *log_; }
  const TopicId& topic_id() const { return topic_id_; }
  const TopicPartition& name() const { return log_->name(); }

 private:
  template <typename Told>
  class Waits;
  struct BeforeStep;
  class Turn;
  class EffectRunner;
  using Watches = std::vector<std::shared_ptr<Watch>>;

  PartitionReplica(env::Env& env, ShardReplication& shared, std::shared_ptr<storage::Log> log, const TopicId& topic_id,
                   const replication::Options& options, replication::LogFacts facts);

  static std::optional<replication::LogFacts> FactsOf(const storage::Log& log);
  replication::Surroundings Around() const;
  bool Leads(LeaderEpoch epoch) const;
  // Waits until no other step runs, and takes the event in. `records`: of a Fetched.
  void Step(fiber::Fiber& self, const replication::Event& event, Bytes records = {});
  // REQUIRES: the turn is this fiber's.
  void StepNow(fiber::Fiber& self, const replication::Event& event, Bytes records = {});
  void CarryOut(fiber::Fiber& self, replication::Output output, Bytes records);
  void NoteLogStart(fiber::Fiber& self);
  // The log's end is not where the machine thinks.
  void BeginAnew(fiber::Fiber& self);
  void FlushAsNewLeader(fiber::Fiber& self);
  void TellChanges(const BeforeStep& before);
  storage::LogError AppendFetched(fiber::Fiber& self, Bytes records);
  void Tell(Watches& watches);

  env::Env& env_;
  ShardReplication& shared_;
  const std::shared_ptr<storage::Log> log_;
  const TopicId topic_id_;
  replication::Replica machine_;
  std::optional<replication::Registration> registration_;  // the last one that was taken in
  // Held while a batch is appended, and while the role may change.
  fiber::Mutex role_;
  bool is_stepping_ = false;
  fiber::WaitQueue step_ended_;
  int64_t last_token_ = 0;
  std::map<replication::Token, Waits<replication::AnswerCommit>*> commits_;
  std::map<replication::Token, Waits<replication::AnswerDeleteRecords>*> deletions_;
  std::optional<replication::FetchAnswer> fetch_answer_;  // of the step that runs
  MonoTime armed_for_ = MonoTime::Never();
  Watches consumers_;
  Watches followers_;
};

}  // namespace odradek::broker
