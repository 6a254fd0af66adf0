#include "tests/engine/client/fake_broker.h"

#include <algorithm>

namespace odradek::client::testing {

using protocol::ApiKey;

void FakeCluster::AddTopic(const std::string& name, int32_t partition_count) {
  FakeTopic topic;
  topic.id = {7, topics.size() + 1};
  for (int32_t i = 0; i < partition_count; ++i) topic.partitions[i].leader = nodes.empty() ? 1 : nodes[0];
  topics[name] = std::move(topic);
}

void FakeCluster::StartNode(int32_t node) {
  nodes.push_back(node);
  world_.scheduler.Spawn("fake broker", [this, node](fiber::Fiber& self) { RunNode(self, node); });
  world_.RunFor(Duration());
}

void FakeCluster::RunNode(fiber::Fiber& self, int32_t node) {
  const auto listener = world_.network.Listen(self, AddressOf(node)).listener;
  while (true) {
    env::ConnectionResult accepted = listener->Accept(self);
    if (accepted.connection == nullptr) return;
    std::shared_ptr<env::Connection> stream = std::move(accepted.connection);
    world_.scheduler.Spawn("fake connection",
                           [this, node, stream](fiber::Fiber& own) { RunConnection(own, node, *stream); });
  }
}

void FakeCluster::RunConnection(fiber::Fiber& self, int32_t node, env::Connection& stream) {
  net::FrameReader reader(stream, pool_, {});
  while (true) {
    const net::FrameResult frame = reader.ReadFrame(self);
    if (!frame.ok()) break;
    Request request{.node = node, .header = {}, .bytes = std::make_shared<ByteBuffer>()};
    request.bytes->assign(frame.frame.bytes().begin(), frame.frame.bytes().end());
    protocol::Reader header(*request.bytes);
    EXPECT_EQ(protocol::DecodeRequestHeader(header, request.header), protocol::RequestHeaderStatus::kOk);
    ++counts[request.key()];
    const RequestFault fault = request_fault ? request_fault(self, request) : RequestFault::kNone;
    if (fault == RequestFault::kSilence) continue;
    if (fault == RequestFault::kDisconnect) break;
    const Answered answered = Handle(self, request);
    if (answered.disconnect) break;
    net::PartViews views;
    net::AppendViews(answered.parts, views);
    if (!views.empty() && stream.Send(self, views) != env::NetError::kNone) break;
  }
  stream.Close();
}

FakeCluster::Answered FakeCluster::Handle(fiber::Fiber& self, const Request& request) {
  if (answer) {
    if (auto scripted = answer(request)) return {std::move(*scripted), false};
  }
  switch (request.key()) {
    case ApiKey::kApiVersions:
      return {HandleApiVersions(request), false};
    case ApiKey::kMetadata:
      return {HandleMetadata(request), false};
    case ApiKey::kInitProducerId:
      return {HandleInitProducerId(request), false};
    case ApiKey::kListOffsets:
      return {HandleListOffsets(request), false};
    case ApiKey::kOffsetForLeaderEpoch:
      return {HandleEpochs(request), false};
    case ApiKey::kProduce:
      return HandleProduce(request);
    case ApiKey::kFetch:
      return {HandleFetch(self, request), false};
    default:
      ADD_FAILURE() << "the fake broker does not know API " << request.header.request_api_key;
      return {{}, true};
  }
}

net::OutParts FakeCluster::HandleApiVersions(const Request& request) {
  protocol::ApiVersionsResponse response;
  for (const protocol::ApiInfo& api : protocol::AllApis()) {
    const auto key = static_cast<int16_t>(api.key);
    std::pair<int16_t, int16_t> range{api.min_version, api.stable_max_version};
    if (const auto found = versions.find(key); found != versions.end()) range = found->second;
    if (range.second < range.first) continue;
    response.api_keys.push_back({key, range.first, range.second});
  }
  return AnswerTo(request, response);
}

net::OutParts FakeCluster::HandleMetadata(const Request& request) {
  const auto body = request.Body<protocol::MetadataRequest>();
  protocol::MetadataResponse response;
  for (const int32_t node : nodes) {
    const env::Address address = AddressOf(node);
    response.brokers.push_back({node, address.host, address.port, std::nullopt});
  }
  response.controller_id = nodes.at(0);
  response.cluster_id = "fake";
  for (const auto& wanted : *body.topics) {
    auto& out = response.topics.emplace_back();
    out.name = wanted.name;
    const auto found = topics.find(*wanted.name);
    if (found == topics.end()) {
      out.error_code = protocol::ToWire(ErrorCode::kUnknownTopicOrPartition);
      continue;
    }
    out.topic_id = found->second.id;
    for (const auto& [index, partition] : found->second.partitions) {
      auto& p = out.partitions.emplace_back();
      p.partition_index = index;
      p.leader_id = partition.leader;
      p.leader_epoch = partition.leader_epoch;
      if (partition.leader < 0) p.error_code = protocol::ToWire(ErrorCode::kLeaderNotAvailable);
    }
  }
  return AnswerTo(request, response);
}

net::OutParts FakeCluster::HandleInitProducerId(const Request& request) {
  EXPECT_EQ(request.Body<protocol::InitProducerIdRequest>().transactional_id, std::nullopt);
  protocol::InitProducerIdResponse response;
  response.error_code = protocol::ToWire(init_producer_id_error);
  response.producer_id = next_producer_id++;
  return AnswerTo(request, response);
}

net::OutParts FakeCluster::HandleListOffsets(const Request& request) {
  const auto body = request.Body<protocol::ListOffsetsRequest>();
  protocol::ListOffsetsResponse response;
  for (const auto& topic : body.topics) {
    auto& out = response.topics.emplace_back();
    out.name = topic.name;
    for (const auto& wanted : topic.partitions) {
      auto& p = out.partitions.emplace_back();
      p.partition_index = wanted.partition_index;
      FakePartition& stored = partition(topic.name, wanted.partition_index);
      p.leader_epoch = stored.leader_epoch;
      if (stored.leader != request.node) {
        p.error_code = protocol::ToWire(ErrorCode::kNotLeaderOrFollower);
      } else if (wanted.timestamp == -1) {
        p.offset =
            body.isolation_level == 1 ? stored.last_stable_offset.value_or(stored.end_offset) : stored.end_offset;
      } else if (wanted.timestamp == -2) {
        p.offset = stored.log_start_offset;
      } else {
        for (const StoredBatch& batch : stored.log) {
          if (batch.header.max_timestamp.value() < wanted.timestamp || p.offset >= 0) continue;
          p.offset = batch.header.base_offset.value();
          p.timestamp = batch.header.base_timestamp.value();
        }
      }
    }
  }
  return AnswerTo(request, response);
}

net::OutParts FakeCluster::HandleEpochs(const Request& request) {
  const auto body = request.Body<protocol::OffsetForLeaderEpochRequest>();
  protocol::OffsetForLeaderEpochResponse response;
  for (const auto& topic : body.topics) {
    auto& out = response.topics.emplace_back();
    out.topic = topic.topic;
    for (const auto& wanted : topic.partitions) {
      const FakePartition& stored = partition(topic.topic, wanted.partition);
      auto& p = out.partitions.emplace_back();
      p.partition = wanted.partition;
      p.leader_epoch = -1;
      p.end_offset = stored.end_offset;
      for (const StoredBatch& batch : stored.log) {
        if (batch.header.leader_epoch.value() > wanted.leader_epoch) {
          p.end_offset = std::min(p.end_offset, batch.header.base_offset.value());
        } else {
          p.leader_epoch = batch.header.leader_epoch.value();
        }
      }
      if (stored.leader != request.node) p.error_code = protocol::ToWire(ErrorCode::kNotLeaderOrFollower);
    }
  }
  return AnswerTo(request, response);
}

void FakeCluster::Store(FakePartition& partition, ByteBuffer bytes) {
  record::PatchBaseOffset(bytes, Offset(partition.end_offset));
  record::PatchLeaderEpoch(bytes, LeaderEpoch(partition.leader_epoch));
  const record::HeaderResult header = record::ParseHeader(bytes);
  ASSERT_TRUE(header.ok());
  partition.end_offset = header.header.next_offset().value();
  partition.log.push_back({std::move(bytes), header.header});
  appended.WakeAll();
}

std::pair<ErrorCode, int64_t> FakeCluster::Append(FakePartition& partition, ProduceAttempt& attempt) {
  const record::BatchHeader& header = attempt.header;
  if (!header.has_producer_id()) {
    Store(partition, attempt.bytes);
    return {ErrorCode::kNone, partition.log.back().header.base_offset.value()};
  }
  FakePartition::Producer& producer = partition.producers[header.producer_id.value()];
  const int16_t epoch = header.producer_epoch.value();
  if (epoch < producer.epoch) return {ErrorCode::kInvalidProducerEpoch, -1};
  for (const record::BatchHeader& known : producer.recent) {
    if (epoch == producer.epoch && known.base_sequence == header.base_sequence &&
        known.last_sequence() == header.last_sequence()) {
      return {ErrorCode::kNone, known.base_offset.value()};
    }
  }
  const bool is_known = producer.epoch >= 0;
  const bool is_next = epoch == producer.epoch
                           ? header.base_sequence == record::SequenceAfter(producer.recent.back().last_sequence(), 1)
                           : header.base_sequence == 0;
  if (is_known && !is_next) return {ErrorCode::kOutOfOrderSequenceNumber, -1};
  if (epoch > producer.epoch) producer.recent.clear();
  producer.epoch = epoch;
  Store(partition, attempt.bytes);
  producer.recent.push_back(partition.log.back().header);
  if (producer.recent.size() > 5) producer.recent.pop_front();
  return {ErrorCode::kNone, partition.log.back().header.base_offset.value()};
}

FakeCluster::Answered FakeCluster::HandleProduce(const Request& request) {
  const auto body = request.Body<protocol::ProduceRequest>();
  protocol::ProduceResponse response;
  Answered answered;
  for (const auto& topic : body.topic_data) {
    auto& out = response.responses.emplace_back();
    out.name = request.header.request_api_version < 13 ? topic.name : "";
    out.topic_id = topic.topic_id;
    for (const auto& data : topic.partition_data) {
      std::string name = topic.name;
      for (const auto& [known, info] : topics) {
        if (info.id == topic.topic_id) name = known;
      }
      FakePartition& stored = partition(name, data.index);
      ProduceAttempt attempt{.at = world_.loop.Now(), .node = request.node, .tp = {name, PartitionIndex(data.index)}};
      attempt.bytes.assign(data.records.bytes().begin(), data.records.bytes().end());
      const record::ValidationResult valid = record::ValidateBatch(attempt.bytes);
      EXPECT_TRUE(valid.ok()) << valid.problem.what;
      attempt.header = valid.header;
      const ProduceFault fault = produce_fault ? produce_fault(attempt) : ProduceFault{};
      auto& p = out.partition_responses.emplace_back();
      p.index = data.index;
      if (stored.leader != request.node) {
        attempt.error = ErrorCode::kNotLeaderOrFollower;
      } else if (fault.append == ProduceFault::Append::kYes) {
        const auto [error, offset] = Append(stored, attempt);
        attempt.error = error;
        p.base_offset = offset;
      }
      p.error_code = protocol::ToWire(fault.error != ErrorCode::kNone ? fault.error : attempt.error);
      attempts.push_back(attempt);
      if (fault.then == ProduceFault::Then::kDisconnect) answered.disconnect = true;
      if (fault.then == ProduceFault::Then::kSilence) return {};
    }
  }
  response.throttle_time_ms = throttle_millis;
  if (body.acks != 0) answered.parts = AnswerTo(request, response);
  return answered;
}

FakePartition* FakeCluster::Find(Uuid id, int32_t index) {
  for (auto& [name, topic] : topics) {
    if (topic.id != id) continue;
    const auto found = topic.partitions.find(index);
    return found == topic.partitions.end() ? nullptr : &found->second;
  }
  return nullptr;
}

void FakeCluster::FillPartition(const Request& request, FakePartition& stored,
                                const protocol::FetchRequest::Partition& wanted,
                                protocol::FetchResponse::PartitionData& out) {
  out.partition_index = wanted.partition;
  out.high_watermark = stored.end_offset;
  out.last_stable_offset = stored.last_stable_offset.value_or(stored.end_offset);
  out.log_start_offset = stored.log_start_offset;
  out.records = protocol::RecordsField(Bytes());
  ErrorCode error = ErrorCode::kNone;
  const auto follower = stored.followers.find(request.node);
  if (stored.leader != request.node && follower != stored.followers.end()) {
    error = follower->second;
  } else if (stored.leader != request.node) {
    error = ErrorCode::kNotLeaderOrFollower;
  } else if (wanted.current_leader_epoch >= 0 && wanted.current_leader_epoch < stored.leader_epoch) {
    error = ErrorCode::kFencedLeaderEpoch;
  } else if (wanted.fetch_offset < stored.log_start_offset || wanted.fetch_offset > stored.end_offset) {
    error = ErrorCode::kOffsetOutOfRange;
  }
  out.error_code = protocol::ToWire(error);
  if (error != ErrorCode::kNone) return;
  if (stored.leader == request.node && stored.preferred_replica >= 0) {
    out.preferred_read_replica = stored.preferred_replica;
    return;
  }
  const auto body = request.Body<protocol::FetchRequest>();
  const int64_t limit = body.isolation_level == 1 ? out.last_stable_offset : stored.end_offset;
  auto bytes = std::make_shared<ByteBuffer>();
  for (const StoredBatch& batch : stored.log) {
    if (batch.header.last_offset().value() < wanted.fetch_offset || batch.header.base_offset.value() >= limit) continue;
    if (!bytes->empty() && bytes->size() + batch.bytes.size() > static_cast<size_t>(wanted.partition_max_bytes)) break;
    AppendBytes(*bytes, batch.bytes);
  }
  if (body.isolation_level == 1) out.aborted_transactions = stored.aborted;
  kept_.push_back(bytes);
  out.records = protocol::RecordsField(*bytes);
}

// True: there is something to tell.
bool FakeCluster::FillFetch(const Request& request, const Session& session, protocol::FetchResponse& response) {
  response.responses.clear();
  bool has_news = false;
  for (const auto& [key, wanted] : session.partitions) {
    auto& topic = response.responses.emplace_back();
    topic.topic_id = key.first;
    auto& out = topic.partitions.emplace_back();
    FakePartition* stored = Find(key.first, key.second);
    if (stored == nullptr) {
      out.partition_index = key.second;
      out.error_code = protocol::ToWire(ErrorCode::kUnknownTopicId);
    } else {
      FillPartition(request, *stored, wanted, out);
    }
    has_news = has_news || out.error_code != 0 || out.records.size_bytes() > 0 || out.preferred_read_replica >= 0;
  }
  return has_news;
}

net::OutParts FakeCluster::HandleFetch(fiber::Fiber& self, const Request& request) {
  const auto body = request.Body<protocol::FetchRequest>();
  fetches.push_back(body);
  fetch_arrivals.emplace_back(request.node, self.Now());
  protocol::FetchResponse response;
  EXPECT_GE(request.header.request_api_version, 13);
  Session* session = nullptr;
  Session once;
  if (body.session_epoch == 0) {
    response.session_id = ++last_session_;
    session = &sessions_[last_session_];
    session->epoch = 1;
    if (const auto old = sessions_.find(body.session_id); old != sessions_.end()) old->second.epoch = -1;
  } else if (body.session_epoch < 0) {
    if (const auto found = sessions_.find(body.session_id); found != sessions_.end()) {
      found->second.epoch = -1;  // a request may still be waiting on it
      closed_sessions.push_back(body.session_id);
    }
    session = &once;
  } else {
    const auto found = sessions_.find(body.session_id);
    ErrorCode error = ErrorCode::kNone;
    if (found == sessions_.end() || found->second.epoch < 0) {
      error = ErrorCode::kFetchSessionIdNotFound;
    } else if (found->second.epoch != body.session_epoch) {
      error = ErrorCode::kInvalidFetchSessionEpoch;
    }
    if (error != ErrorCode::kNone) {
      response.error_code = protocol::ToWire(error);
      return AnswerTo(request, response);
    }
    session = &found->second;
    ++session->epoch;  // of the next request
    response.session_id = body.session_id;
  }
  for (const auto& topic : body.forgotten_topics_data) {
    for (const int32_t index : topic.partitions) session->partitions.erase({topic.topic_id, index});
  }
  for (const auto& topic : body.topics) {
    for (const auto& wanted : topic.partitions) session->partitions[{topic.topic_id, wanted.partition}] = wanted;
  }
  const MonoTime deadline = self.Now() + Duration::Millis(body.max_wait_ms);
  while (!FillFetch(request, *session, response)) {
    if (appended.WaitUntil(self, deadline) == fiber::Wake::kTimeout) break;
  }
  if (body.session_epoch > 0) {
    for (auto& topic : response.responses) {
      std::erase_if(topic.partitions, [](const auto& p) {
        return p.error_code == 0 && p.records.size_bytes() == 0 && p.preferred_read_replica < 0;
      });
    }
    std::erase_if(response.responses, [](const auto& topic) { return topic.partitions.empty(); });
  }
  response.throttle_time_ms = throttle_millis;
  if (fetch_edit) fetch_edit(response);
  return AnswerTo(request, response);
}

std::string FakeCluster::Values(const std::string& topic, int32_t index) {
  std::string values;
  for (const StoredBatch& batch : partition(topic, index).log) {
    record::RecordIterator records(batch.header, batch.bytes);
    while (records.Next() == record::RecordIterator::Found::kRecord) {
      values += values.empty() ? "" : ",";
      values += AsString(records.record().value.value_or(Bytes()));
    }
  }
  return values;
}

}  // namespace odradek::client::testing
