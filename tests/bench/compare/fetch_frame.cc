#include "tests/bench/compare/fetch_frame.h"

#include <string>

#include "engine/protocol/framing.h"
#include "engine/protocol/generated/fetch.h"
#include "engine/record/batch.h"
#include "tests/bench/compare/channel.h"

namespace odradek::bench {
namespace {

constexpr int16_t kFetchVersion = 17;
constexpr int32_t kAnswerBytesMax = 50 << 20;  // the consumers' default

}  // namespace

ByteBuffer MakeFetchRequest(const FetchFrom& from, const std::vector<int32_t>& partitions,
                            const std::vector<int64_t>& offsets) {
  protocol::FetchRequest request;
  request.max_wait_ms = from.max_wait_millis;
  request.min_bytes = 1;
  request.max_bytes = kAnswerBytesMax;
  auto& topic = request.topics.emplace_back();
  topic.topic_id = from.topic;
  for (size_t i = 0; i < partitions.size(); ++i) {
    auto& partition = topic.partitions.emplace_back();
    partition.partition = partitions[i];
    partition.fetch_offset = offsets[i];
    partition.partition_max_bytes = from.partition_bytes_max;
  }
  protocol::Writer writer;
  if (!protocol::EncodeFramed(Channel::HeaderFor(protocol::FetchRequest::kApiKey, kFetchVersion), request, writer)) {
    Die("cannot encode a fetch request");
  }
  return writer.Take();
}

std::vector<FetchedPartition> ParseFetchAnswer(Bytes answer) {
  protocol::Reader reader(answer);
  protocol::ResponseTo to{.key = protocol::ApiKey::kFetch, .version = kFetchVersion};
  protocol::FetchResponse response;
  if (!protocol::DecodeResponseHeader(reader, to) || !response.Decode(reader, kFetchVersion)) {
    Die("a fetch answer cannot be decoded");
  }
  if (response.error_code != 0) Die("fetch error " + std::to_string(response.error_code));
  std::vector<FetchedPartition> all;
  for (const auto& topic : response.responses) {
    for (const auto& partition : topic.partitions) {
      if (partition.error_code != 0) Die("fetch error " + std::to_string(partition.error_code));
      FetchedPartition& fetched = all.emplace_back();
      fetched.partition = partition.partition_index;
      fetched.high_watermark = partition.high_watermark;
      if (partition.records.is_null()) continue;
      fetched.records = partition.records.bytes();
      record::BatchCursor cursor(fetched.records);
      for (auto step = cursor.Next(); step.found == record::BatchCursor::Found::kBatch; step = cursor.Next()) {
        fetched.next_offset = step.header.next_offset().value();
      }
    }
  }
  return all;
}

}  // namespace odradek::bench
