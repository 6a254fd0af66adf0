// What a producer is given and what it gives back. Plain values; never suspends.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "engine/base/bytes.h"
#include "engine/base/ids.h"
#include "engine/client/outcome.h"
#include "engine/record/record_iterator.h"

namespace odradek::client {

// Views: valid until Send returns.
struct ProducerRecord {
  std::string_view topic;
  std::optional<PartitionIndex> partition;  // nullopt: the partitioner chooses
  std::optional<Bytes> key;
  std::optional<Bytes> value;  // nullopt: a tombstone, where the topic is compacted
  std::span<const record::RecordHeader> headers = {};
  std::optional<Timestamp> timestamp;  // nullopt: the wall clock
};

// What became of a record.
struct SendResult {
  // kUnknown without an error: acks=0, nobody can know.
  Outcome outcome = Outcome::kOk;
  TopicPartition partition;
  Offset offset = kNoOffset;  // kNoOffset where the broker did not say
  Timestamp timestamp = kNoTimestamp;
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  std::string what;  // for people; empty if ok
  bool ok() const { return outcome == Outcome::kOk; }
};

// Must not suspend. Not called for records that are under way when the producer is destroyed: their outcome is unknown.
using SendCallback = absl::AnyInvocable<void(const SendResult&)>;

}  // namespace odradek::client
