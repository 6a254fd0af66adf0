// Fetch (KIP-74, KIP-227, KIP-320, KIP-392, KIP-516, KIP-951; versions 4 to 18). Records leave as ranges of segment
// files. A long poll is this fiber, asleep on a Watch of its partitions.
#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "engine/broker/connection.h"
#include "engine/broker/handlers/describe_partitions.h"
#include "engine/broker/handlers/handlers.h"
#include "engine/broker/node.h"
#include "engine/broker/shard.h"
#include "engine/broker/shard_call.h"

namespace odradek::broker {
namespace {

using protocol::ErrorCode;

constexpr int16_t kFirstVersionWithReplicaSelection = 11;
constexpr int16_t kFirstVersionWithTopicIds = 13;
constexpr int16_t kFirstVersionWithReplicaState = 15;
constexpr int16_t kFirstVersionWithLeaders = 16;

enum class Reader : uint8_t { kConsumer, kFollower };

// Who asks, and how.
struct FetchFrom {
  Reader reader = Reader::kConsumer;
  // Of a follower.
  NodeId replica = kNoNode;
  BrokerEpoch broker_epoch = replication::kNoBrokerEpoch;
  // Of a consumer.
  Isolation isolation = Isolation::kReadUncommitted;
  std::string rack;
  replication::ConsumerFetch::From where = replication::ConsumerFetch::From::kAnyReplica;
};

struct FetchItem {
  FetchWant want;
  Placement placement;
  bool is_counted = false;  // as a follower's progress
  PartitionFetch result;
};

// A partition that is named twice counts once, where it came first and as it was named last.
void KeepLastOfEach(std::vector<FetchWant>& wants) {
  if (wants.size() < 2) return;
  std::vector<size_t> sorted(wants.size());
  std::iota(sorted.begin(), sorted.end(), size_t{0});
  std::stable_sort(sorted.begin(), sorted.end(), [&](size_t a, size_t b) { return wants[a].key < wants[b].key; });
  std::vector<bool> dropped(wants.size(), false);
  size_t first = sorted[0];
  for (size_t i = 1; i < sorted.size(); ++i) {
    const size_t at = sorted[i];
    if (wants[at].key != wants[first].key) {
      first = at;
      continue;
    }
    wants[first].wish = wants[at].wish;
    dropped[at] = true;
  }
  size_t index = 0;
  std::erase_if(wants, [&](const FetchWant&) { return dropped[index++]; });
}

FetchSessionRequest ToSessionRequest(const protocol::FetchRequest& request, int16_t version) {
  FetchSessionRequest out;
  out.session_id = request.session_id;
  out.session_epoch = request.session_epoch;
  const bool by_id = version >= kFirstVersionWithTopicIds;
  out.naming = by_id ? FetchSessionRequest::Naming::kById : FetchSessionRequest::Naming::kByName;
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      out.wants.push_back({.key = {topic.topic, topic.topic_id, PartitionIndex(partition.partition)},
                           .wish = {.current_leader_epoch = LeaderEpoch(partition.current_leader_epoch),
                                    .fetch_offset = Offset(partition.fetch_offset),
                                    .last_fetched_epoch = LeaderEpoch(partition.last_fetched_epoch),
                                    .log_start_offset = Offset(partition.log_start_offset),
                                    .max_bytes = partition.partition_max_bytes}});
    }
  }
  KeepLastOfEach(out.wants);
  for (const auto& topic : request.forgotten_topics_data) {
    for (const int32_t partition : topic.partitions) {
      out.forgotten.push_back({topic.topic, topic.topic_id, PartitionIndex(partition)});
    }
  }
  return out;
}

// What is left of the request's size limit while its partitions are read one after the other.
struct ReadBudget {
  int64_t bytes_left = 0;
  bool has_records = false;
};

ReadBudget ReadItem(fiber::Fiber& self, Shard& shard, FetchItem& item, const FetchFrom& from, ReadBudget budget,
                    const std::shared_ptr<Watch>& watch) {
  const std::shared_ptr<Partition> partition = shard.Find(item.placement.name());
  if (partition == nullptr) {
    item.result.error = shard.ErrorOfMissing(item.placement.name());
    return budget;
  }
  // Before the read: what comes after it must not be missed.
  using WatchFor = PartitionReplica::WatchFor;
  partition->AddWatch(watch, from.reader == Reader::kFollower ? WatchFor::kLogEnd : WatchFor::kHighWatermark);
  const FetchPartitionWish& wish = item.want.wish;
  if (wish.max_bytes < 0) {
    item.result.error = ErrorCode::kInvalidRequest;
    return budget;
  }
  const bool first_fits_always = !budget.has_records && !MUTATION(shard.env().context, RT18);
  const FetchLimits limits{.bytes_max = std::min<int64_t>(wish.max_bytes, budget.bytes_left),
                           .first_batch = first_fits_always ? storage::ReadOptions::FirstBatch::kAlways
                                                            : storage::ReadOptions::FirstBatch::kIfItFits};
  const replication::FetchPosition position{.current_leader_epoch = wish.current_leader_epoch,
                                            .fetch_offset = wish.fetch_offset,
                                            .last_fetched_epoch = wish.last_fetched_epoch,
                                            .log_start = wish.log_start_offset};
  if (from.reader == Reader::kFollower) {
    const auto counted = std::exchange(item.is_counted, true) ? Partition::Counted::kAgain : Partition::Counted::kNow;
    const replication::FollowerFetch fetch{
        .replica = from.replica, .broker_epoch = from.broker_epoch, .position = position};
    item.result = partition->FetchAsFollower(self, fetch, limits, counted);
  } else {
    item.result =
        partition->Fetch(self, {.position = position, .rack = from.rack, .from = from.where}, limits, from.isolation);
  }
  budget.bytes_left = std::max<int64_t>(0, budget.bytes_left - item.result.records.size_bytes);
  budget.has_records = budget.has_records || item.result.records.size_bytes > 0;
  return budget;
}

// Reads every item once, in order; neighbours of one shard in one call.
void ReadAll(RequestContext& context, const std::shared_ptr<std::vector<FetchItem>>& items, const FetchFrom& from,
             int64_t bytes_max, const std::shared_ptr<Watch>& watch) {
  ReadBudget budget{.bytes_left = bytes_max};
  for (size_t begin = 0; begin < items->size();) {
    const ShardId shard_id = (*items)[begin].placement.shard;
    size_t end = begin;
    while (end < items->size() && (*items)[end].placement.shard == shard_id) ++end;
    Shard& shard = context.node.shard(shard_id);
    budget = CallOn(context.self, context.node.shard_envs(), context.home.id(), shard_id,
                    [&shard, items, begin, end, from, budget, watch](fiber::Fiber& self) {
                      ReadBudget left = budget;
                      for (size_t i = begin; i < end; ++i) {
                        FetchItem& item = (*items)[i];
                        item.result = {};
                        item.result.error = item.placement.error;
                        if (item.placement.error != ErrorCode::kNone) continue;
                        left = ReadItem(self, shard, item, from, left, watch);
                      }
                      return left;
                    });
    begin = end;
  }
}

// Whether the answer must leave now, whatever min_bytes says.
bool IsUrgent(const std::vector<FetchItem>& items) {
  return std::any_of(items.begin(), items.end(), [](const FetchItem& item) {
    return item.result.error != ErrorCode::kNone || item.result.diverging.has_value() ||
           item.result.preferred_read_replica != kNoNode;
  });
}

int64_t FetchedBytes(const std::vector<FetchItem>& items) {
  int64_t bytes = 0;
  for (const FetchItem& item : items) bytes += item.result.records.size_bytes;
  return bytes;
}

protocol::FetchResponse::PartitionData ToFetchAnswer(RequestContext& context, FetchItem& item, const FetchFrom& from) {
  protocol::FetchResponse::PartitionData out;
  PartitionFetch& result = item.result;
  out.partition_index = item.want.key.partition.value();
  out.error_code = static_cast<int16_t>(result.error);
  out.high_watermark = result.high_watermark.value();
  out.last_stable_offset = result.last_stable_offset.value();
  out.log_start_offset = result.log_start_offset.value();
  out.aborted_transactions.reset();
  // "No records" is empty, never null (FEATURES 2.5.3).
  out.records = protocol::RecordsField(Bytes());
  // Kafka's answer for a partition that is not there has an empty list, its other errors have none.
  const bool is_unknown =
      item.placement.error == ErrorCode::kUnknownTopicOrPartition || item.placement.error == ErrorCode::kUnknownTopicId;
  if (is_unknown) out.aborted_transactions.emplace();
  if (result.diverging) {
    out.diverging_epoch = {result.diverging->epoch.value(), result.diverging->end_offset.value()};
  }
  out.preferred_read_replica = result.preferred_read_replica.value();
  if (from.isolation == Isolation::kReadCommitted && result.error == ErrorCode::kNone) {
    auto& aborted = out.aborted_transactions.emplace();
    for (const storage::AbortedTxn& txn : result.aborted) {
      aborted.push_back({txn.producer_id.value(), txn.first_offset.value()});
    }
  }
  if (result.records.size_bytes == 0) return out;
  if (from.reader == Reader::kConsumer) {
    context.home.env().observer.On(env::RecordsFetched{.partition = item.placement.name(),
                                                       .fetch_offset = item.want.wish.fetch_offset,
                                                       .base_offset = result.records.base_offset,
                                                       .next_offset = result.records.next_offset,
                                                       .high_watermark = result.high_watermark,
                                                       .last_stable_offset = result.last_stable_offset,
                                                       .log_start_offset = result.log_start_offset});
  }
  const int64_t size_bytes = result.records.size_bytes;
  const int cookie = static_cast<int>(context.file_parts.size());
  context.file_parts.push_back(std::move(result.records));
  out.records = protocol::RecordsField(protocol::ExternalRecords{.size_bytes = size_bytes, .cookie = cookie});
  return out;
}

// Where the leader is, for a client that asked the wrong node or with an old epoch (KIP-951).
void AddLeader(RequestContext& context, const FetchItem& item, Reader from, protocol::FetchResponse::PartitionData& out,
               protocol::FetchResponse& response) {
  if (context.version() < kFirstVersionWithLeaders) return;
  if (item.result.error != ErrorCode::kNotLeaderOrFollower && item.result.error != ErrorCode::kFencedLeaderEpoch)
    return;
  const metadata::Image& image = context.home.image();
  const LeaderHint leader = LeaderOf(item.placement.name(), image, context.connection.listener());
  out.current_leader = {leader.id.value(), leader.epoch.value()};
  // A follower knows the nodes.
  if (leader.address && from == Reader::kConsumer) AddEndpoint(*leader.address, response.node_endpoints);
}

// Neighbours with the same topic share an entry.
void AddToFetchAnswer(protocol::FetchResponse& response, const FetchPartitionKey& key,
                      protocol::FetchResponse::PartitionData data) {
  const bool same = !response.responses.empty() && response.responses.back().topic == key.topic &&
                    response.responses.back().topic_id == key.topic_id;
  if (!same) {
    auto& topic = response.responses.emplace_back();
    topic.topic = key.topic;
    topic.topic_id = key.topic_id;
  }
  response.responses.back().partitions.push_back(std::move(data));
}

// Waits until there is enough to answer with.
void PollPartitions(RequestContext& context, const protocol::FetchRequest& request,
                    const std::shared_ptr<std::vector<FetchItem>>& items, const FetchFrom& from) {
  const int64_t bytes_max = std::clamp<int64_t>(request.max_bytes, 0, context.node.options().config.fetch_bytes_max);
  const MonoTime deadline = context.self.Now() + Duration::Millis(std::max(0, request.max_wait_ms));
  while (true) {
    auto watch = std::make_shared<Watch>(context.home.id());
    ReadAll(context, items, from, bytes_max, watch);
    const bool done = items->empty() || IsUrgent(*items) || FetchedBytes(*items) >= request.min_bytes ||
                      context.self.Now() >= deadline || context.connection.is_ending();
    if (done) return;
    REACHED(context.home.env().context, "broker.fetch.long_poll");
    context.connection.SetPoll(watch);
    context.work_place.GiveUp();
    watch->WaitUntil(context.self, deadline);
  }
}

// Why nothing is read for this request.
ErrorCode RefusalOf(const protocol::FetchRequest& request) {
  const bool known_isolation = request.isolation_level == 0 || request.isolation_level == 1;
  return known_isolation && request.max_bytes >= 0 ? ErrorCode::kNone : ErrorCode::kInvalidRequest;
}

FetchFrom FromOf(const RequestContext& context, const protocol::FetchRequest& request) {
  const bool has_state = context.version() >= kFirstVersionWithReplicaState;
  FetchFrom from;
  from.replica = NodeId(has_state ? request.replica_state.replica_id : request.replica_id);
  if (from.replica >= NodeId(0)) {
    from.reader = Reader::kFollower;
    if (has_state) from.broker_epoch = BrokerEpoch(request.replica_state.replica_epoch);
    return from;
  }
  if (request.isolation_level == 1) from.isolation = Isolation::kReadCommitted;
  if (context.node.options().config.replication.selects_replica_by_rack) from.rack = request.rack_id;
  if (context.version() < kFirstVersionWithReplicaSelection) from.where = replication::ConsumerFetch::From::kLeaderOnly;
  return from;
}

}  // namespace

protocol::FetchResponse HandleFetch(RequestContext& context, const protocol::FetchRequest& request) {
  protocol::FetchResponse response;
  const FetchFrom from = FromOf(context, request);
  const FetchSessions::Arrival arrival{.now = context.self.Now(),
                                       .fresh_id = static_cast<uint32_t>(context.home.env().entropy.Next64())};
  FetchSessions& sessions = context.home.fetch_sessions();
  const FetchPlan plan =
      sessions.Begin(ToSessionRequest(request, context.version()), arrival, context.home.env().context);
  response.session_id = plan.session_id;
  if (plan.error != ErrorCode::kNone) {
    response.error_code = static_cast<int16_t>(plan.error);
    return response;
  }
  auto items = std::make_shared<std::vector<FetchItem>>();
  const Naming naming = context.version() >= kFirstVersionWithTopicIds ? Naming::kById : Naming::kByName;
  for (const FetchWant& want : plan.wants) {
    FetchItem& item = items->emplace_back();
    item.want = want;
    item.placement = context.home.Place({want.key.topic, want.key.topic_id, naming}, want.key.partition);
    if (item.placement.error == ErrorCode::kNone) item.placement.error = RefusalOf(request);
  }
  PollPartitions(context, request, items, from);
  for (FetchItem& item : *items) {
    const FetchAnswerState state{.told = {.high_watermark = item.result.high_watermark,
                                          .last_stable_offset = item.result.last_stable_offset,
                                          .log_start_offset = item.result.log_start_offset},
                                 .records_bytes = item.result.records.size_bytes,
                                 .error = item.result.error,
                                 .is_diverging = item.result.diverging.has_value(),
                                 .is_redirected = item.result.preferred_read_replica != kNoNode};
    if (sessions.Tell(plan, item.want.key, state) == FetchSessions::Include::kNo) continue;
    if (item.result.records.size_bytes > 0 && MUTATION(context.home.env().context, RT17)) {
      FetchItem again = item;
      AddToFetchAnswer(response, item.want.key, ToFetchAnswer(context, again, from));
    }
    protocol::FetchResponse::PartitionData data = ToFetchAnswer(context, item, from);
    AddLeader(context, item, from.reader, data, response);
    AddToFetchAnswer(response, item.want.key, std::move(data));
  }
  return response;
}

}  // namespace odradek::broker
