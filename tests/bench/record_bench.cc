// What a record batch costs: checksum, validation, iteration, building.
#include <benchmark/benchmark.h>

#include <string>

#include "engine/base/crc32c.h"
#include "engine/record/builder.h"
#include "engine/record/record_iterator.h"
#include "engine/record/validate.h"

namespace odradek::record {
namespace record_bench {

// Text that compresses to about a third.
ByteBuffer BatchOf(int record_count, int value_bytes, Codec codec) {
  BatchBuilder builder({.compression = {.codec = codec}});
  std::string value;
  for (int i = 0; i < record_count; ++i) {
    value.clear();
    for (int word = 0; static_cast<int>(value.size()) < value_bytes; ++word) {
      value += "order " + std::to_string((i * 7919 + word * 104729) % 1000) + ";";
    }
    value.resize(static_cast<size_t>(value_bytes));
    builder.Append({.timestamp = Timestamp(1'700'000'000'000 + i), .value = AsBytes(value)});
  }
  return builder.Build();
}

void SetBytes(benchmark::State& state, int64_t per_iteration) {
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * per_iteration);
}

void BM_Crc32c(benchmark::State& state) {
  const ByteBuffer bytes(static_cast<size_t>(state.range(0)), std::byte{0x5a});
  for (auto _ : state) benchmark::DoNotOptimize(base::Crc32c(bytes));
  SetBytes(state, state.range(0));
}
BENCHMARK(BM_Crc32c)->Arg(64)->Arg(1024)->Arg(16384)->Arg(262144);

void BM_ValidateBatch(benchmark::State& state) {
  const ByteBuffer batch =
      BatchOf(static_cast<int>(state.range(0)), static_cast<int>(state.range(1)), static_cast<Codec>(state.range(2)));
  for (auto _ : state) benchmark::DoNotOptimize(ValidateBatch(batch).ok());
  SetBytes(state, static_cast<int64_t>(batch.size()));
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(BM_ValidateBatch)
    ->ArgNames({"records", "bytes", "codec"})
    ->Args({1, 100, 0})
    ->Args({16, 1024, 0})
    ->Args({256, 1024, 0})
    ->Args({256, 1024, 1})
    ->Args({256, 1024, 2})
    ->Args({256, 1024, 3})
    ->Args({256, 1024, 4});

void BM_IterateRecords(benchmark::State& state) {
  const ByteBuffer batch = BatchOf(256, 100, Codec::kNone);
  for (auto _ : state) {
    BatchCursor cursor(batch);
    const BatchCursor::Step step = cursor.Next();
    RecordIterator records(step.header, step.batch);
    while (records.Next() == RecordIterator::Found::kRecord) benchmark::DoNotOptimize(records.record().offset);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * 256);
}
BENCHMARK(BM_IterateRecords);

void BM_BuildBatch(benchmark::State& state) {
  const std::string value(static_cast<size_t>(state.range(1)), 'v');
  for (auto _ : state) {
    BatchBuilder builder({});
    for (int64_t i = 0; i < state.range(0); ++i) builder.Append({.timestamp = Timestamp(i), .value = AsBytes(value)});
    benchmark::DoNotOptimize(builder.Build());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(BM_BuildBatch)->ArgNames({"records", "bytes"})->Args({1, 100})->Args({256, 100})->Args({256, 1024});

}  // namespace record_bench
}  // namespace odradek::record
