// Admin's calls about configurations, records, log dirs and producers.
#include <charconv>

#include "engine/client/admin.h"
#include "engine/client/admin_call.h"
#include "engine/protocol/generated/alter_configs.h"
#include "engine/protocol/generated/delete_records.h"
#include "engine/protocol/generated/describe_configs.h"
#include "engine/protocol/generated/describe_log_dirs.h"
#include "engine/protocol/generated/describe_producers.h"
#include "engine/protocol/generated/incremental_alter_configs.h"

namespace odradek::client {
namespace {

using protocol::ErrorCode;

AdminStatus NoLeaderStatus() {
  return {Outcome::kFail, ErrorCode::kLeaderNotAvailable, "no leader is known"};
}

// A broker's own configuration is asked of that broker; everything else of any.
NodeId BrokerOfResource(const ConfigResource& resource) {
  if (resource.kind != ConfigKind::kBroker && resource.kind != ConfigKind::kBrokerLogger) return kNoNode;
  int32_t node = -1;
  const char* const end = resource.name.data() + resource.name.size();
  const auto [stopped, failure] = std::from_chars(resource.name.data(), end, node);
  return failure == std::errc() && stopped == end ? NodeId(node) : kNoNode;
}

ConfigEntry ConfigEntryOf(const protocol::DescribeConfigsResponse::ResourceResult& from) {
  ConfigEntry entry{.name = from.name,
                    .value = from.value,
                    .source = from.config_source,
                    .is_read_only = from.read_only,
                    .is_sensitive = from.is_sensitive,
                    .synonyms = {}};
  for (const auto& synonym : from.synonyms) entry.synonyms.push_back({synonym.name, synonym.value, synonym.source});
  return entry;
}

}  // namespace

std::map<ConfigResource, AdminResult<std::vector<ConfigEntry>>> Admin::DescribeConfigs(
    fiber::Fiber& self, const std::vector<ConfigResource>& resources) {
  std::map<ConfigResource, AdminResult<std::vector<ConfigEntry>>> results;
  std::map<NodeId, protocol::DescribeConfigsRequest> requests;
  const MonoTime deadline = DeadlineFrom(self);
  for (const ConfigResource& resource : resources) {
    protocol::DescribeConfigsRequest& request = requests[BrokerOfResource(resource)];
    request.include_synonyms = true;
    auto& wanted = request.resources.emplace_back();
    wanted.resource_type = static_cast<int8_t>(resource.kind);
    wanted.resource_name = resource.name;
    wanted.configuration_keys.reset();
  }
  for (const auto& [node, request] : requests) {
    const auto answer = Call<protocol::DescribeConfigsRequest, protocol::DescribeConfigsResponse>(
        self, {Target::kAny, node}, request, deadline, [](const auto&) { return ErrorCode::kNone; });
    for (const auto& wanted : request.resources) {
      results[{static_cast<ConfigKind>(wanted.resource_type), wanted.resource_name}].status = answer.status;
    }
    for (const auto& result : answer.response.results) {
      auto& out = results[{static_cast<ConfigKind>(result.resource_type), result.resource_name}];
      out.status = StatusOf(result.error_code, result.error_message, false);
      for (const auto& config : result.configs) out.value.push_back(ConfigEntryOf(config));
    }
  }
  return results;
}

std::map<ConfigResource, AdminStatus> Admin::IncrementalAlterConfigs(
    fiber::Fiber& self, const std::map<ConfigResource, std::vector<ConfigChange>>& changes, Validation validation) {
  std::map<ConfigResource, AdminStatus> results;
  std::map<NodeId, protocol::IncrementalAlterConfigsRequest> requests;
  const MonoTime deadline = DeadlineFrom(self);
  for (const auto& [resource, wanted] : changes) {
    protocol::IncrementalAlterConfigsRequest& request = requests[BrokerOfResource(resource)];
    request.validate_only = validation == Validation::kValidateOnly;
    auto& out = request.resources.emplace_back();
    out.resource_type = static_cast<int8_t>(resource.kind);
    out.resource_name = resource.name;
    for (const ConfigChange& change : wanted) {
      out.configs.push_back({change.name, static_cast<int8_t>(change.operation), change.value});
    }
  }
  for (const auto& [node, request] : requests) {
    const auto answer = Call<protocol::IncrementalAlterConfigsRequest, protocol::IncrementalAlterConfigsResponse>(
        self, {Target::kController, node}, request, deadline, [](const auto& response) {
          for (const auto& result : response.responses) {
            if (result.error_code == protocol::ToWire(ErrorCode::kNotController)) return ErrorCode::kNotController;
          }
          return ErrorCode::kNone;
        });
    for (const auto& wanted : request.resources) {
      results[{static_cast<ConfigKind>(wanted.resource_type), wanted.resource_name}] = answer.status;
    }
    for (const auto& result : answer.response.responses) {
      results[{static_cast<ConfigKind>(result.resource_type), result.resource_name}] =
          StatusOf(result.error_code, result.error_message, answer.is_unclear);
    }
  }
  return results;
}

std::map<ConfigResource, AdminStatus> Admin::AlterConfigs(
    fiber::Fiber& self, const std::map<ConfigResource, std::map<std::string, std::string>>& configs,
    Validation validation) {
  std::map<ConfigResource, AdminStatus> results;
  std::map<NodeId, protocol::AlterConfigsRequest> requests;
  const MonoTime deadline = DeadlineFrom(self);
  for (const auto& [resource, wanted] : configs) {
    protocol::AlterConfigsRequest& request = requests[BrokerOfResource(resource)];
    request.validate_only = validation == Validation::kValidateOnly;
    auto& out = request.resources.emplace_back();
    out.resource_type = static_cast<int8_t>(resource.kind);
    out.resource_name = resource.name;
    for (const auto& [name, value] : wanted) out.configs.push_back({name, value});
  }
  for (const auto& [node, request] : requests) {
    const auto answer = Call<protocol::AlterConfigsRequest, protocol::AlterConfigsResponse>(
        self, {Target::kController, node}, request, deadline, [](const auto& response) {
          for (const auto& part : response.responses) {
            if (part.error_code == protocol::ToWire(ErrorCode::kNotController)) return ErrorCode::kNotController;
          }
          return ErrorCode::kNone;
        });
    for (const auto& wanted : request.resources) {
      results[{static_cast<ConfigKind>(wanted.resource_type), wanted.resource_name}] = answer.status;
    }
    for (const auto& result : answer.response.responses) {
      results[{static_cast<ConfigKind>(result.resource_type), result.resource_name}] =
          StatusOf(result.error_code, result.error_message, answer.is_unclear);
    }
  }
  return results;
}

std::map<TopicPartition, AdminResult<Offset>> Admin::DeleteRecords(fiber::Fiber& self,
                                                                   const std::map<TopicPartition, Offset>& before) {
  std::map<TopicPartition, AdminResult<Offset>> results;
  const MonoTime deadline = DeadlineFrom(self);
  for (const auto& [tp, offset] : before) results[tp] = {NoLeaderStatus(), kNoOffset};
  const auto ask = [&](NodeId node, const std::map<TopicPartition, Offset>& partitions) {
    protocol::DeleteRecordsRequest request;
    request.timeout_ms = static_cast<int32_t>(cluster_->config().request_timeout.millis());
    for (const auto& [tp, offset] : partitions) {
      if (request.topics.empty() || request.topics.back().name != tp.topic) {
        request.topics.emplace_back();
        request.topics.back().name = tp.topic;
      }
      request.topics.back().partitions.push_back({tp.partition.value(), offset.value()});
    }
    const auto answer = Call<protocol::DeleteRecordsRequest, protocol::DeleteRecordsResponse>(
        self, {Target::kAny, node, Repeat::kNever}, request, deadline, [](const auto&) { return ErrorCode::kNone; });
    for (const auto& [tp, offset] : partitions) results[tp].status = answer.status;
    for (const auto& topic : answer.response.topics) {
      for (const auto& partition : topic.partitions) {
        // Deleting again is harmless: an attempt that was unclear leaves no doubt behind.
        results[{topic.name, PartitionIndex(partition.partition_index)}] = {
            StatusOf(partition.error_code, std::nullopt, false), Offset(partition.low_watermark)};
      }
    }
  };
  AskLeaders(self, before, deadline, ask, [&](const TopicPartition& tp) { return results[tp].status; });
  return results;
}

ListedOffsets Admin::ListOffsets(fiber::Fiber& self, const OffsetQuestions& questions, IsolationLevel isolation) {
  const std::shared_ptr<Cluster> cluster = cluster_;
  for (const auto& [tp, timestamp] : questions) cluster->AddTopic(tp.topic);
  return client::ListOffsets(self, *cluster, isolation, questions, DeadlineFrom(self));
}

AdminResult<std::vector<LogDirDescription>> Admin::DescribeLogDirs(fiber::Fiber& self, NodeId broker) {
  protocol::DescribeLogDirsRequest request;
  request.topics.reset();
  const auto answer = Call<protocol::DescribeLogDirsRequest, protocol::DescribeLogDirsResponse>(
      self, {Target::kAny, broker}, request, DeadlineFrom(self),
      [](const auto& response) { return static_cast<ErrorCode>(response.error_code); });
  AdminResult<std::vector<LogDirDescription>> result{.status = answer.status, .value = {}};
  if (!answer.status.ok()) return result;
  result.status = StatusOf(answer.response.error_code, std::nullopt, false);
  for (const auto& dir : answer.response.results) {
    auto& out = result.value.emplace_back();
    out.path = dir.log_dir;
    out.error = static_cast<ErrorCode>(dir.error_code);
    out.total_bytes = dir.total_bytes;
    out.usable_bytes = dir.usable_bytes;
    for (const auto& topic : dir.topics) {
      for (const auto& partition : topic.partitions) {
        out.replicas.push_back(
            {{topic.name, PartitionIndex(partition.partition_index)}, partition.partition_size, partition.offset_lag});
      }
    }
  }
  return result;
}

std::map<TopicPartition, AdminResult<std::vector<ProducerDescription>>> Admin::DescribeProducers(
    fiber::Fiber& self, const std::vector<TopicPartition>& partitions) {
  struct Nothing {};
  std::map<TopicPartition, AdminResult<std::vector<ProducerDescription>>> results;
  std::map<TopicPartition, Nothing> wanted;
  const MonoTime deadline = DeadlineFrom(self);
  for (const TopicPartition& tp : partitions) {
    results[tp].status = NoLeaderStatus();
    wanted[tp] = {};
  }
  const auto ask = [&](NodeId node, const std::map<TopicPartition, Nothing>& of_node) {
    protocol::DescribeProducersRequest request;
    for (const auto& [tp, nothing] : of_node) {
      if (request.topics.empty() || request.topics.back().name != tp.topic) {
        request.topics.emplace_back();
        request.topics.back().name = tp.topic;
      }
      request.topics.back().partition_indexes.push_back(tp.partition.value());
    }
    const auto answer = Call<protocol::DescribeProducersRequest, protocol::DescribeProducersResponse>(
        self, {Target::kAny, node, Repeat::kNever}, request, deadline, [](const auto&) { return ErrorCode::kNone; });
    for (const auto& [tp, nothing] : of_node) results[tp].status = answer.status;
    for (const auto& topic : answer.response.topics) {
      for (const auto& partition : topic.partitions) {
        auto& out = results[{topic.name, PartitionIndex(partition.partition_index)}];
        out.status = StatusOf(partition.error_code, partition.error_message, false);
        for (const auto& producer : partition.active_producers) {
          out.value.push_back({ProducerId(producer.producer_id), producer.producer_epoch, producer.last_sequence,
                               Timestamp(producer.last_timestamp), producer.coordinator_epoch,
                               Offset(producer.current_txn_start_offset)});
        }
      }
    }
  };
  AskLeaders(self, wanted, deadline, ask, [&](const TopicPartition& tp) { return results[tp].status; });
  return results;
}

}  // namespace odradek::client
