// What a Consumer's fibers share. It lives until the last of them has left. Fibers: one that decides what to fetch and
// look up, and one per request in flight.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/client/cluster.h"
#include "engine/client/completed_fetch.h"
#include "engine/client/consumer.h"
#include "engine/net/fetch_session.h"
#include "engine/protocol/generated/fetch.h"
#include "engine/protocol/generated/offset_for_leader_epoch.h"

namespace odradek::client {

class ConsumerCore : public std::enable_shared_from_this<ConsumerCore> {
 public:
  ConsumerCore(env::Env& env, const ConsumerConfig& config);
  void Start();
  void Stop();
  void Close(fiber::Fiber& self, MonoTime deadline);

  void Assign(std::span<const TopicPartition> partitions);
  std::vector<TopicPartition> assignment() const;
  absl::Status Seek(const TopicPartition& tp, Offset offset, LeaderEpoch epoch);
  absl::Status SeekToEdge(std::span<const TopicPartition> partitions, Timestamp edge);
  enum class Flow : uint8_t { kPaused, kFlowing };
  absl::Status SetFlow(std::span<const TopicPartition> partitions, Flow flow);
  PollResult Poll(fiber::Fiber& self, MonoTime deadline);
  std::optional<Offset> position(const TopicPartition& tp) const;
  std::optional<Offset> Position(fiber::Fiber& self, const TopicPartition& tp, MonoTime deadline);
  Watermarks watermarks(const TopicPartition& tp) const;
  ListedOffsets ListOffsetsOf(fiber::Fiber& self, const OffsetQuestions& questions, MonoTime deadline);
  std::vector<TopicPartition> paused() const;
  std::optional<int64_t> lag(const TopicPartition& tp) const;
  std::map<TopicPartition, Trouble> troubles() const;
  ConsumerMetrics metrics() const;

 private:
  enum class State : uint8_t {
    kFetching,    // the position is good
    kResetting,   // the position is to be looked up
    kValidating,  // the position is to be compared with the new leader's log
    kStuck,       // no position, and no policy to get one: until a seek
  };
  struct Partition {
    State state = State::kResetting;
    Timestamp reset_to = kLatestOffset;
    Offset position = kNoOffset;
    LeaderEpoch offset_epoch = kNoLeaderEpoch;  // of the record before the position
    LeaderEpoch leader_epoch = kNoLeaderEpoch;  // under which the position is good
    uint64_t version = 0;                       // changes with whatever moves the position by hand
    Flow flow = Flow::kFlowing;
    bool is_fetching = false;
    bool is_asking = false;
    MonoTime asked_at;  // the fetch or look-up that is under way
    int64_t failure_count = 0;
    MonoTime retry_at;
    std::unique_ptr<CompletedFetch> completed;
    std::optional<PartitionProblem> problem;
    std::optional<Trouble> trouble;  // until an answer is good
    Watermarks watermarks;
    Offset ahead_at = kNoOffset;  // where the last answer held more than its high watermark allows
    NodeId preferred = kNoNode;   // a replica that the leader sent us to, until then
    MonoTime preferred_until;
  };
  struct Broker {
    net::FetchSession session;
    bool uses_ids = false;
    bool in_flight = false;
    int64_t failure_count = 0;
    MonoTime retry_at;
  };
  // What a question was about; an answer to anything else is stale.
  struct Asked {
    uint64_t version = 0;
    Offset position;
    MonoTime at;
    NodeId node = kNoNode;
  };
  using AskedPartitions = std::map<TopicPartition, Asked>;
  struct FetchCall {
    NodeId node;
    int16_t version = 0;
    AskedPartitions asked;
    ConnectionPtr connection;
    net::PendingCallPtr call;
    MonoTime at;
  };
  using PartitionData = protocol::FetchResponse::PartitionData;

  // Calls of the user.
  Partition* Find(const TopicPartition& tp);
  absl::Status Check(std::span<const TopicPartition> partitions) const;
  void Reposition(Partition& partition, State state);
  void StartReset(const TopicPartition& tp, Partition& partition, Timestamp to);
  void ResetByPolicy(const TopicPartition& tp, Partition& partition, PartitionProblem problem);
  PollResult Collect();
  void CollectFrom(const TopicPartition& tp, Partition& partition, PollResult& result, int64_t& left);
  void NoticeAhead(const TopicPartition& tp, Partition& partition, PollResult& result);

  // The deciding fiber.
  void RunBackground(fiber::Fiber& self);
  void NoticeNewLeaders();
  void StartFetches(MonoTime now, MonoTime& wake_at);
  bool IsFlowing(const Partition& partition) const;
  // The leader, or the replica that it sent us to. kNoNode: nobody now.
  NodeId SourceOf(const TopicPartition& tp, Partition& partition, MonoTime now);
  void StartFetch(NodeId node, const net::FetchSession::Partitions& wanted, MonoTime& wake_at);
  protocol::FetchRequest MakeRequest(const net::FetchSession::Plan& plan, int16_t version) const;
  void StartLookups(MonoTime now, MonoTime& wake_at);

  // One fiber per request.
  void RunFetch(fiber::Fiber& self, const FetchCall& call);
  void TakeFetch(const FetchCall& call, const net::CallResult<protocol::FetchResponse>& result);
  void TakePartition(const TopicPartition& tp, const Asked& asked, const PartitionData& data,
                     std::shared_ptr<const void> keep_alive);
  void TakeRedirect(Partition& partition, const Asked& asked, const PartitionData& data);
  void TakeError(const TopicPartition& tp, Partition& partition, const Asked& asked, const PartitionData& data);
  void FailFetch(const FetchCall& call, std::string_view what);
  void RunResets(fiber::Fiber& self, const OffsetQuestions& questions, const AskedPartitions& asked);
  void RunValidations(fiber::Fiber& self, NodeId node, const AskedPartitions& asked);
  protocol::OffsetForLeaderEpochRequest MakeValidation(const AskedPartitions& asked);
  void TakeValidation(const TopicPartition& tp, const Asked& asked,
                      const protocol::OffsetForLeaderEpochResponse::EpochEndOffset& answer);
  // The partition if the answer still concerns it.
  Partition* StillConcerned(const TopicPartition& tp, const Asked& asked);
  void RetryLater(Partition& partition);
  void NoteTrouble(Partition& partition, protocol::ErrorCode error, std::string_view what);
  // Nobody is known to ask.
  void NoteNoLeader(const TopicPartition& tp, Partition& partition);
  std::optional<Trouble> TroubleOf(const TopicPartition& tp, const Partition& partition) const;
  void Report(const TopicPartition& tp, Partition& partition, protocol::ErrorCode error, std::string what);

  env::Env& env_;
  const ConsumerConfig config_;
  std::shared_ptr<Cluster> cluster_;
  std::map<TopicPartition, Partition> partitions_;
  std::map<NodeId, Broker> brokers_;
  TopicPartition last_served_;
  uint64_t last_version_ = 0;
  bool closing_ = false;
  bool stopped_ = false;
  ConsumerMetrics metrics_;
  fiber::WaitQueue wake_;   // the deciding fiber
  fiber::WaitQueue ready_;  // the user
};

}  // namespace odradek::client
