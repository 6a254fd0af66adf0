// What a request and a response cost to decode and encode.
#include <benchmark/benchmark.h>

#include <string>

#include "engine/protocol/framing.h"
#include "engine/protocol/generated/fetch.h"
#include "engine/protocol/generated/produce.h"
#include "engine/protocol/reader.h"
#include "engine/protocol/writer.h"

namespace odradek::protocol {
namespace protocol_bench {

ProduceRequest RequestOf(int partition_count, Bytes records) {
  ProduceRequest request;
  request.acks = -1;
  request.timeout_ms = 30000;
  ProduceRequest::TopicProduceData& topic = request.topic_data.emplace_back();
  topic.topic_id = Uuid{1, 2};
  for (int i = 0; i < partition_count; ++i) {
    ProduceRequest::PartitionProduceData& partition = topic.partition_data.emplace_back();
    partition.index = i;
    partition.records = RecordsField(records);
  }
  return request;
}

void BM_DecodeProduceRequest(benchmark::State& state) {
  const ByteBuffer records(1024, std::byte{7});
  Writer writer;
  RequestOf(static_cast<int>(state.range(0)), records).Encode(writer, ProduceRequest::kMaxVersion);
  for (auto _ : state) {
    Reader reader(writer.buffer());
    ProduceRequest request;
    benchmark::DoNotOptimize(request.Decode(reader, ProduceRequest::kMaxVersion));
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
BENCHMARK(BM_DecodeProduceRequest)->ArgName("partitions")->Arg(1)->Arg(12)->Arg(100);

void BM_EncodeProduceResponse(benchmark::State& state) {
  ProduceResponse response;
  auto& topic = response.responses.emplace_back();
  topic.topic_id = Uuid{1, 2};
  for (int64_t i = 0; i < state.range(0); ++i) topic.partition_responses.emplace_back().index = static_cast<int32_t>(i);
  for (auto _ : state) {
    Writer writer;
    response.Encode(writer, ProduceResponse::kMaxVersion);
    benchmark::DoNotOptimize(writer.buffer().data());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
BENCHMARK(BM_EncodeProduceResponse)->ArgName("partitions")->Arg(1)->Arg(12)->Arg(100);

void BM_DecodeFetchRequest(benchmark::State& state) {
  FetchRequest request;
  auto& topic = request.topics.emplace_back();
  topic.topic_id = Uuid{1, 2};
  for (int64_t i = 0; i < state.range(0); ++i) topic.partitions.emplace_back().partition = static_cast<int32_t>(i);
  Writer writer;
  request.Encode(writer, FetchRequest::kMaxVersion);
  for (auto _ : state) {
    Reader reader(writer.buffer());
    FetchRequest decoded;
    benchmark::DoNotOptimize(decoded.Decode(reader, FetchRequest::kMaxVersion));
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
BENCHMARK(BM_DecodeFetchRequest)->ArgName("partitions")->Arg(1)->Arg(12)->Arg(100);

}  // namespace protocol_bench
}  // namespace odradek::protocol
