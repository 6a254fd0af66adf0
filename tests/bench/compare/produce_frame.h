// The produce requests that the loads send.
#pragma once

#include <cstdint>

#include "engine/base/bytes.h"
#include "engine/base/uuid.h"
#include "tests/bench/compare/channel.h"

namespace odradek::bench {

// Values of random bytes, no keys, not compressed.
ByteBuffer MakeBatch(int record_count, int record_bytes);

// A request for one partition, cut where the records belong: it is sent as head, records, tail.
struct ProduceFrame {
  ByteBuffer head;
  ByteBuffer tail;
};
struct ProduceTo {
  Uuid topic;
  int32_t partition = 0;
  int16_t acks = 1;
};
ProduceFrame MakeProduceFrame(const ProduceTo& to, Bytes records);
void SetCorrelationId(ByteBuffer& head, int32_t correlation_id);

// One small record for each partition: a leader that the metadata shows may refuse records for a moment.
void AwaitLeaders(Channel& channel, const TopicInfo& topic);

// Ends the program unless the answer is that of this request and without an error. Without the length.
void CheckProduceAnswer(Bytes answer, int32_t correlation_id);
// Whether it says that the records were appended.
bool IsAppended(Bytes answer);

}  // namespace odradek::bench
