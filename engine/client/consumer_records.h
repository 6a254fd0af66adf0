// What a consumer gives out. Plain values; never suspends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/ids.h"
#include "engine/base/time.h"
#include "engine/protocol/errors.h"
#include "engine/record/batch.h"
#include "engine/record/record_iterator.h"

namespace odradek::client {

// Views: see PartitionRecords.
struct ConsumerRecord {
  Offset offset;
  Timestamp timestamp = kNoTimestamp;
  record::TimestampType timestamp_type = record::TimestampType::kCreateTime;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  ProducerId producer_id = kNoProducerId;
  ProducerEpoch producer_epoch = kNoProducerEpoch;
  int32_t sequence = record::kNoSequence;
  std::optional<Bytes> key;
  std::optional<Bytes> value;
  record::RecordHeaders headers;
};

// Records of one partition, by offset. `keep_alive` holds what they point at.
struct PartitionRecords {
  TopicPartition partition;
  std::vector<ConsumerRecord> records;
  Offset next_offset;  // the position behind them
  MonoTime asked_at;   // when the broker was asked for them: a consumer fetches ahead of its user
  std::vector<std::shared_ptr<const void>> keep_alive;
};

// Why a partition gives no records. It is tried again, so the same problem may come again.
struct PartitionProblem {
  TopicPartition partition;
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  std::string what;
};

struct PollResult {
  std::vector<PartitionRecords> partitions;
  std::vector<PartitionProblem> problems;
  size_t record_count() const {
    size_t count = 0;
    for (const PartitionRecords& partition : partitions) count += partition.records.size();
    return count;
  }
};

}  // namespace odradek::client
