#include "tests/bench/compare/produce_frame.h"

#include <time.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>

#include "engine/protocol/framing.h"
#include "engine/protocol/generated/produce.h"
#include "engine/record/builder.h"
#include "tests/bench/compare/channel.h"

namespace odradek::bench {
namespace {

constexpr int16_t kProduceVersion = 13;  // what the newest Java client sends
constexpr size_t kCorrelationIdAt = 4 + 2 + 2;
// Correlation id, header tags, one topic (a count and an id), one partition (a count and an index).
constexpr size_t kErrorCodeAt = 4 + 1 + 1 + 16 + 1 + 4;

}  // namespace

ByteBuffer MakeBatch(int record_count, int record_bytes) {
  std::minstd_rand random(1);
  ByteBuffer value(static_cast<size_t>(record_bytes));
  std::generate(value.begin(), value.end(), [&random] { return static_cast<std::byte>(random() >> 8); });
  record::BatchBuilder builder({});
  const int64_t now_millis = [] {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000;
  }();
  for (int i = 0; i < record_count; ++i) builder.Append({.timestamp = Timestamp(now_millis), .value = Bytes(value)});
  return builder.Build();
}

ProduceFrame MakeProduceFrame(const ProduceTo& to, Bytes records) {
  protocol::ProduceRequest request;
  request.acks = to.acks;
  request.timeout_ms = 30'000;
  auto& topic = request.topic_data.emplace_back();
  topic.topic_id = to.topic;
  auto& partition = topic.partition_data.emplace_back();
  partition.index = to.partition;
  partition.records = protocol::RecordsField(records);
  protocol::Writer writer({.records_copied_bytes_max = 0});
  if (!protocol::EncodeFramed(Channel::HeaderFor(protocol::ProduceRequest::kApiKey, kProduceVersion), request,
                              writer)) {
    Die("cannot encode a produce request");
  }
  if (writer.splices().size() != 1) Die("a produce request without records");
  const auto cut = writer.buffer().begin() + writer.splices()[0].position;
  return {ByteBuffer(writer.buffer().begin(), cut), ByteBuffer(cut, writer.buffer().end())};
}

void SetCorrelationId(ByteBuffer& head, int32_t correlation_id) {
  StoreBigEndian(head.data() + kCorrelationIdAt, correlation_id);
}

void AwaitLeaders(Channel& channel, const TopicInfo& topic) {
  constexpr int kTriesMax = 2000;
  const timespec pause{.tv_sec = 0, .tv_nsec = 5'000'000};
  const ByteBuffer records = MakeBatch(1, 1);
  for (int32_t i = 0; i < topic.partition_count; ++i) {
    const ProduceFrame frame = MakeProduceFrame({.topic = topic.id, .partition = i}, records);
    for (int tries = 0;; ++tries) {
      const bool sent = channel.SendAll(frame.head) && channel.SendAll(records) && channel.SendAll(frame.tail);
      const auto answer = sent ? channel.ReceiveFrame() : std::nullopt;
      if (!answer) Die("the connection broke while waiting for a leader");
      if (IsAppended(*answer)) break;
      if (tries == kTriesMax) Die("partition " + std::to_string(i) + " takes no records");
      nanosleep(&pause, nullptr);
    }
  }
}

bool IsAppended(Bytes answer) {
  return answer.size() > kErrorCodeAt + sizeof(int16_t) && LoadBigEndian<int16_t>(answer.data() + kErrorCodeAt) == 0;
}

void CheckProduceAnswer(Bytes answer, int32_t correlation_id) {
  if (answer.size() < kErrorCodeAt + sizeof(int16_t)) Die("a produce answer is too short");
  if (LoadBigEndian<int32_t>(answer.data()) != correlation_id) Die("a produce answer out of order");
  if (!IsAppended(answer)) {
    Die("produce error " + std::to_string(LoadBigEndian<int16_t>(answer.data() + kErrorCodeAt)));
  }
}

}  // namespace odradek::bench
