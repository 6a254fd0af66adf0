// A producer and a consumer whose keys and values are C++ types instead of bytes: thin wrappers, the types' formats are
// in serde.h. They hold a reference to the client that does the work, which must outlive them. Send and Poll suspend.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/client/consumer.h"
#include "engine/client/producer.h"
#include "engine/client/serde.h"

namespace odradek::client {

// What a record may have besides its key and value. Views: valid until Send returns.
struct RecordExtras {
  std::optional<PartitionIndex> partition;
  std::optional<Timestamp> timestamp;
  std::span<const record::RecordHeader> headers = {};
};

// Writes to one topic.
template <RecordField Key, RecordField Value>
class TypedProducer {
 public:
  TypedProducer(Producer& producer, std::string topic) : producer_(producer), topic_(std::move(topic)) {}

  void Send(fiber::Fiber& self, const Key& key, const Value& value, SendCallback callback = nullptr,
            const RecordExtras& extras = {}) {
    ByteBuffer key_bytes;
    ByteBuffer value_bytes;
    producer_.Send(self, MakeRecord(SerializeField(key, key_bytes), SerializeField(value, value_bytes), extras),
                   std::move(callback));
  }
  SendResult SendAndWait(fiber::Fiber& self, const Key& key, const Value& value, const RecordExtras& extras = {}) {
    ByteBuffer key_bytes;
    ByteBuffer value_bytes;
    return producer_.SendAndWait(
        self, MakeRecord(SerializeField(key, key_bytes), SerializeField(value, value_bytes), extras));
  }

 private:
  ProducerRecord MakeRecord(std::optional<Bytes> key, std::optional<Bytes> value, const RecordExtras& extras) const {
    return {.topic = topic_,
            .partition = extras.partition,
            .key = key,
            .value = value,
            .headers = extras.headers,
            .timestamp = extras.timestamp};
  }

  Producer& producer_;
  const std::string topic_;
};

// Owns its key and value.
template <RecordField Key, RecordField Value>
struct TypedRecord {
  TopicPartition partition;
  Offset offset;
  Timestamp timestamp = kNoTimestamp;
  Key key;
  Value value;
};

template <RecordField Key, RecordField Value>
struct TypedPollResult {
  std::vector<TypedRecord<Key, Value>> records;
  // Also of records that cannot be read as these types, each with INVALID_RECORD and its offset in `what`. The position
  // is behind them: they are not given out again.
  std::vector<PartitionProblem> problems;
};

template <RecordField Key, RecordField Value>
TypedPollResult<Key, Value> ReadAs(const PollResult& polled) {
  TypedPollResult<Key, Value> result{.records = {}, .problems = polled.problems};
  for (const PartitionRecords& partition : polled.partitions) {
    for (const ConsumerRecord& record : partition.records) {
      auto key = DeserializeField<Key>(record.key);
      auto value = DeserializeField<Value>(record.value);
      if (key.ok() && value.ok()) {
        result.records.push_back(
            {partition.partition, record.offset, record.timestamp, *std::move(key), *std::move(value)});
        continue;
      }
      const absl::Status& status = key.ok() ? value.status() : key.status();
      result.problems.push_back({partition.partition, protocol::ErrorCode::kInvalidRecord,
                                 fmt::format("{} of the record at offset {}: {}", key.ok() ? "value" : "key",
                                             record.offset.value(), base::SV(status.message()))});
    }
  }
  return result;
}

template <RecordField Key, RecordField Value>
class TypedConsumer {
 public:
  explicit TypedConsumer(Consumer& consumer) : consumer_(consumer) {}
  TypedPollResult<Key, Value> Poll(fiber::Fiber& self, Duration timeout) {
    return ReadAs<Key, Value>(consumer_.Poll(self, timeout));
  }

 private:
  Consumer& consumer_;
};

}  // namespace odradek::client
