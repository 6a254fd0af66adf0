// Produce (KIP-98, KIP-467, KIP-951; versions 3 to 13). The batches' bytes go from the request's frame to the log as
// they came. Appends of one connection start in the order of its requests; a wait for durability does not hold up the
// next.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "engine/broker/connection.h"
#include "engine/broker/handlers/describe_partitions.h"
#include "engine/broker/handlers/handlers.h"
#include "engine/broker/node.h"
#include "engine/broker/shard.h"
#include "engine/broker/shard_call.h"
#include "engine/record/batch.h"

namespace odradek::broker {
namespace {

using protocol::ErrorCode;

constexpr int16_t kFirstVersionWithZstd = 7;
constexpr int16_t kFirstProduceVersionWithLeaders = 10;

// One partition of the request: where it goes and what became of it.
struct ProduceItem {
  Placement placement;
  MutableBytes batch;
  record::BatchHeader header;  // for the observer
  PartitionAppend result;
};

// Mostly a request is for one partition. Shared, since a call on another shard may outlive the request.
using ProduceItems = absl::InlinedVector<ProduceItem, 1>;
using ProduceItemsPtr = std::shared_ptr<ProduceItems>;

PartitionAppend RefuseShape(ErrorCode error, std::string message) {
  PartitionAppend refused;
  refused.error = error;
  refused.message = std::move(message);
  return refused;
}

// Problems that the partition finds and answers with its log start.
bool IsOfWholeBatch(record::BatchError error) {
  return error == record::BatchError::kBadCount || error == record::BatchError::kBadOffsetDeltas ||
         error == record::BatchError::kBadBaseOffset;
}

// Kafka tells a first batch that is not whole from one that is not a batch: only the second may be sent again.
PartitionAppend RefuseHeader(const record::BatchProblem& problem) {
  switch (problem.error) {
    case record::BatchError::kBadLength:
    case record::BatchError::kUnknownMagic:
      return RefuseShape(ErrorCode::kCorruptMessage, problem.what);
    default:
      return RefuseShape(ErrorCode::kInvalidRecord, problem.what);
  }
}

// What follows a batch must not be another one. Mostly nothing follows: then no text about it is made.
PartitionAppend CheckBehind(Bytes behind) {
  if (behind.empty()) return {};
  const record::HeaderResult second = record::ParseHeader(behind);
  if (second.ok() && second.header.size_bytes <= static_cast<int64_t>(behind.size())) {
    return RefuseShape(ErrorCode::kInvalidRecord, "more than one record batch for a partition");
  }
  if (!second.ok() && second.problem.error == record::BatchError::kBadLength) {
    return RefuseShape(ErrorCode::kCorruptMessage, second.problem.what);
  }
  return {};
}

// What Kafka requires of the records of a Produce before it looks at the batch itself. Bytes behind the batch that are
// no whole batch are dropped.
PartitionAppend CheckShape(const RequestContext& context, Bytes records, ProduceItem& item) {
  if (records.empty()) return RefuseShape(ErrorCode::kInvalidRecord, "a partition without a record batch");
  const record::HeaderResult header = record::ParseHeader(records);
  if (!header.ok() && IsOfWholeBatch(header.problem.error)) {
    item.batch = context.Writable(records);
    return {};
  }
  if (!header.ok()) return RefuseHeader(header.problem);
  item.header = header.header;
  if (header.header.size_bytes > static_cast<int64_t>(records.size())) {
    return RefuseShape(ErrorCode::kInvalidRecord,
                       fmt::format("{} of {} bytes of the record batch", records.size(), header.header.size_bytes));
  }
  const Bytes behind = records.subspan(static_cast<size_t>(header.header.size_bytes));
  if (PartitionAppend refused = CheckBehind(behind); refused.error != ErrorCode::kNone) return refused;
  if (header.header.codec() == record::Codec::kZstd && context.version() < kFirstVersionWithZstd) {
    return RefuseShape(ErrorCode::kUnsupportedCompressionType, "zstd needs Produce version 7 or later");
  }
  item.batch = context.Writable(records.first(static_cast<size_t>(header.header.size_bytes)));
  return {};
}

// Calls `step` for the items of each shard that have no error, on that shard, one shard after the other. The items stay
// where they are: the frame is held by the call and nobody else touches an item meanwhile.
template <typename Step>
void OnEachShard(RequestContext& context, const ProduceItemsPtr& items, Step step) {
  for (ShardId shard_id(0); shard_id.value() < context.node.shard_count(); shard_id = ShardId(shard_id.value() + 1)) {
    const auto is_there = [shard_id](const ProduceItem& item) {
      return item.placement.shard == shard_id && item.result.error == ErrorCode::kNone;
    };
    if (std::none_of(items->begin(), items->end(), is_there)) continue;
    Shard& shard = context.node.shard(shard_id);
    CallOn(context.self, context.node.shard_envs(), context.home.id(), shard_id,
           [&shard, items, is_there, step, frame = context.frame](fiber::Fiber& self) {
             for (ProduceItem& item : *items) {
               if (is_there(item)) step(self, shard, item);
             }
             return true;
           });
  }
}

void AppendOne(fiber::Fiber& self, Shard& shard, ProduceItem& item, replication::Acks acks) {
  const std::shared_ptr<Partition> partition = shard.Find(item.placement.name());
  if (partition == nullptr) {
    item.result.error = shard.ErrorOfMissing(item.placement.name());
    return;
  }
  item.result = partition->Append(self, item.batch, acks);
}

void CommitOne(fiber::Fiber& self, Shard& shard, ProduceItem& item, const Partition::Acknowledgement& wanted) {
  const std::shared_ptr<Partition> partition = shard.Find(item.placement.name());
  // The topic was deleted after the append: the record went with it.
  item.result.error =
      partition == nullptr ? ErrorCode::kUnknownTopicOrPartition : partition->Commit(self, item.result, wanted);
}

protocol::ProduceResponse::PartitionProduceResponse ToProduceAnswer(const ProduceItem& item) {
  protocol::ProduceResponse::PartitionProduceResponse answer;
  answer.index = item.placement.partition.value();
  answer.error_code = static_cast<int16_t>(item.result.error);
  if (item.result.error == ErrorCode::kNone) {
    answer.base_offset = item.result.base_offset.value();
    answer.log_append_time_ms = item.result.log_append_time.value();
    answer.log_start_offset = item.result.log_start_offset.value();
    return answer;
  }
  answer.base_offset = -1;
  answer.log_start_offset = item.result.log_start_offset.value();
  if (!item.result.message.empty()) answer.error_message = item.result.message;
  for (const RecordProblemText& problem : item.result.record_problems) {
    answer.record_errors.push_back({problem.index, problem.what});
  }
  return answer;
}

// `asked` is the topic's name in the request.
void ReportProduce(RequestContext& context, const ProduceItem& item, std::string_view asked, int16_t acks) {
  const bool is_known = item.placement.topic != nullptr;
  context.home.env().observer.On(
      env::ProduceAnswered{.partition = {is_known ? item.placement.name().topic : asked, item.placement.partition},
                           .base_offset = item.result.base_offset,
                           .producer_id = item.header.producer_id,
                           .producer_epoch = item.header.producer_epoch,
                           .base_sequence = item.header.base_sequence,
                           .record_count = item.header.last_offset_delta + 1,
                           .acks = acks,
                           .error = static_cast<int16_t>(item.result.error)});
}

// One item per partition of the request, in its order; those that cannot be appended carry their error already.
ProduceItemsPtr CollectItems(RequestContext& context, const protocol::ProduceRequest& request) {
  const std::pmr::polymorphic_allocator<ProduceItems> memory(&context.home.request_memory());
  auto items = std::allocate_shared<ProduceItems>(memory);
  size_t count = 0;
  for (const auto& topic : request.topic_data) count += topic.partition_data.size();
  items->reserve(count);
  for (const auto& topic : request.topic_data) {
    for (const auto& partition : topic.partition_data) {
      ProduceItem item;
      item.placement =
          context.home.Place({topic.name, topic.topic_id, context.version() >= 13 ? Naming::kById : Naming::kByName},
                             PartitionIndex(partition.index));
      item.result.error = item.placement.error;
      const Bytes records = partition.records.is_null() ? Bytes() : partition.records.bytes();
      if (item.result.error == ErrorCode::kNone) item.result = CheckShape(context, records, item);
      items->push_back(std::move(item));
    }
  }
  return items;
}

// A transactional batch would hold back the last stable offset for good: nobody here could end its transaction. Without
// a transactional id Kafka refuses the whole request.
void RefuseTransactions(const protocol::ProduceRequest& request, ProduceItems& items) {
  const auto is_transactional = [](const ProduceItem& item) { return item.header.is_transactional(); };
  if (std::none_of(items.begin(), items.end(), is_transactional)) return;
  for (ProduceItem& item : items) {
    if (!request.transactional_id) {
      item.result =
          RefuseShape(ErrorCode::kTransactionalIdAuthorizationFailed, "a transaction needs a transactional id");
    } else if (is_transactional(item) && item.result.error == ErrorCode::kNone) {
      item.result = RefuseShape(ErrorCode::kInvalidTxnState, "transactions are not supported by this version");
    }
  }
}

// What waits for followers must not keep their requests out, nor the memory for them.
void WaitForOthers(RequestContext& context, ProduceItems& items) {
  context.work_place.GiveUp();
  for (ProduceItem& item : items) item.batch = {};
  *context.frame = {};
}

}  // namespace

protocol::ProduceResponse HandleProduce(RequestContext& context, const protocol::ProduceRequest& request) {
  protocol::ProduceResponse response;
  const bool known_acks = request.acks == 0 || request.acks == 1 || request.acks == -1;
  const auto items = CollectItems(context, request);
  RefuseTransactions(request, *items);
  if (!known_acks) {
    for (ProduceItem& item : *items) {
      if (item.result.error == ErrorCode::kNone) item.result.error = ErrorCode::kInvalidRequiredAcks;
    }
  }
  AppendOrder& order = context.connection.append_order();
  order.WaitForTurn(context.self, context.append_ticket);
  const auto acks = static_cast<replication::Acks>(request.acks);
  OnEachShard(context, items,
              [acks](fiber::Fiber& self, Shard& shard, ProduceItem& item) { AppendOne(self, shard, item, acks); });
  order.Pass();
  if (acks == replication::Acks::kAll) WaitForOthers(context, *items);
  const Partition::Acknowledgement wanted{
      .acks = acks, .until = context.self.Now() + Duration::Millis(std::max(0, request.timeout_ms))};
  OnEachShard(context, items,
              [wanted](fiber::Fiber& self, Shard& shard, ProduceItem& item) { CommitOne(self, shard, item, wanted); });

  size_t next = 0;
  bool failed = false;
  for (const auto& topic : request.topic_data) {
    if (topic.partition_data.empty()) continue;
    protocol::ProduceResponse::TopicProduceResponse& out = response.responses.emplace_back();
    out.name = topic.name;
    out.topic_id = topic.topic_id;
    for (size_t i = 0; i < topic.partition_data.size(); ++i, ++next) {
      const ProduceItem& item = (*items)[next];
      ReportProduce(context, item, topic.name, request.acks);
      failed = failed || item.result.error != ErrorCode::kNone;
      out.partition_responses.push_back(ToProduceAnswer(item));
      if (context.version() < kFirstProduceVersionWithLeaders || item.result.error != ErrorCode::kNotLeaderOrFollower)
        continue;
      const LeaderHint leader = LeaderOf(item.placement.name(), context.home.image(), context.connection.listener());
      out.partition_responses.back().current_leader = {leader.id.value(), leader.epoch.value()};
      if (leader.address) AddEndpoint(*leader.address, response.node_endpoints);
    }
  }
  if (request.acks == 0) {
    // The client hears nothing; of an error it learns by the end of its connection (FEATURES 2.5.9).
    context.answer = failed ? RequestContext::Answer::kCloseConnection : RequestContext::Answer::kNothing;
  }
  return response;
}

}  // namespace odradek::broker
