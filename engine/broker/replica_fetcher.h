// Fetches from one leader, for the replicas that follow it: all their questions of one kind go into one request, and
// one request is under way at a time (as Kafka's ReplicaFetcherThread). Lives on the shard of its replicas; its fiber
// is Run().
//
//  1. A replica is asked for its question when the request is made, and told the answer, or that there was none.
//  2. Of a replica that asks nothing the leader's fetch session knows nothing: it does not count as having fetched.
//  3. A connection to an earlier process of the leader is not used any more once the metadata knows the next one.
//
// Source: KIP-227 (sessions), KIP-595 (truncation by Fetch), KIP-903 (broker epochs in Fetch).
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "engine/base/ids.h"
#include "engine/broker/partition_replica.h"
#include "engine/config/broker_config.h"
#include "engine/env/env.h"
#include "engine/fiber/sync.h"
#include "engine/net/client_connection.h"
#include "engine/net/fetch_session.h"
#include "engine/protocol/generated/fetch.h"
#include "engine/protocol/generated/list_offsets.h"
#include "engine/protocol/generated/offset_for_leader_epoch.h"

namespace odradek::broker {

// Where a broker is reached by others, and which process it is.
struct FetchSource {
  env::Address address;
  BrokerEpoch epoch{0};
  friend bool operator==(const FetchSource&, const FetchSource&) = default;
};
using FetchSources = std::map<NodeId, FetchSource>;

class ReplicaFetcher {
 public:
  struct Place {
    NodeId self = kNoNode;
    NodeId leader = kNoNode;
    int32_t number = 0;
  };
  // All of it outlives the fetcher and changes with the metadata.
  struct Shared {
    const config::ReplicationConfig& config;
    const FetchSources& sources;
    const BrokerEpoch& own_epoch;
  };
  ReplicaFetcher(env::Env& env, const Place& place, const Shared& shared) : env_(env), place_(place), shared_(shared) {}
  ~ReplicaFetcher();
  ReplicaFetcher(const ReplicaFetcher&) = delete;
  ReplicaFetcher& operator=(const ReplicaFetcher&) = delete;

  void Add(std::shared_ptr<PartitionReplica> replica);
  void Remove(const TopicPartition& name);
  // A replica has something to ask again.
  void Wake() { changed_.WakeAll(); }
  void SourcesChanged();
  // Until Stop().
  void Run(fiber::Fiber& self);
  void Stop();

 private:
  using Replicas = std::map<TopicPartition, std::shared_ptr<PartitionReplica>>;
  template <typename Asked>
  struct One {
    std::shared_ptr<PartitionReplica> replica;
    Asked asked;
  };
  template <typename Asked>
  using Questions = std::map<TopicPartition, One<Asked>>;
  struct AllQuestions {
    Questions<replication::FetchPosition> positions;
    Questions<replication::EpochEndQuestion> epoch_ends;
    Questions<replication::OffsetsQuestion> offsets;
    bool empty() const { return positions.empty() && epoch_ends.empty() && offsets.empty(); }
  };

  AllQuestions Collect() const;
  // nullptr: the leader cannot be reached.
  std::shared_ptr<net::ClientConnection> Connect(fiber::Fiber& self);
  void CloseConnection();
  void AskEpochEnds(fiber::Fiber& self, net::ClientConnection& connection,
                    const Questions<replication::EpochEndQuestion>& questions);
  void AskOffsets(fiber::Fiber& self, net::ClientConnection& connection,
                  const Questions<replication::OffsetsQuestion>& questions);
  using Offsets = std::map<TopicPartition, std::pair<protocol::ErrorCode, Offset>>;
  Offsets AskOffset(fiber::Fiber& self, net::ClientConnection& connection,
                    const Questions<replication::OffsetsQuestion>& questions, Timestamp wanted) const;
  protocol::ListOffsetsRequest OffsetsRequest(const Questions<replication::OffsetsQuestion>& questions,
                                              Timestamp wanted) const;
  void Fetch(fiber::Fiber& self, net::ClientConnection& connection,
             const Questions<replication::FetchPosition>& questions);
  net::FetchSession::Partitions WantedOf(const Questions<replication::FetchPosition>& questions) const;
  protocol::FetchRequest RequestOf(const net::FetchSession::Plan& plan, int16_t version) const;
  void TakeIn(fiber::Fiber& self, const protocol::FetchResponse& response,
              const Questions<replication::FetchPosition>& questions);
  void Fail(fiber::Fiber& self, const AllQuestions& questions, protocol::ErrorCode error);

  env::Env& env_;
  const Place place_;
  const Shared shared_;
  Replicas replicas_;
  std::shared_ptr<net::ClientConnection> connection_;
  FetchSource connected_to_;
  net::FetchSession session_;
  fiber::WaitQueue changed_;
  bool stopping_ = false;
};

}  // namespace odradek::broker
