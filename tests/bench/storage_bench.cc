// What the log costs on the file system of this machine: appends, and where a Fetch finds its bytes. Items: batches or
// look-ups.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "engine/real/node.h"
#include "engine/record/builder.h"
#include "engine/storage/log.h"

namespace odradek::storage {
namespace storage_bench {

constexpr int kBatchCount = 20'000;  // in the log that look-ups run on

ByteBuffer MakeBatch(int record_count, int value_bytes) {
  record::BatchBuilder builder({});
  const ByteBuffer value(static_cast<size_t>(value_bytes), std::byte{'v'});
  for (int i = 0; i < record_count; ++i) {
    builder.Append({.timestamp = Timestamp(1'700'000'000'000 + i), .value = Bytes(value)});
  }
  return builder.Build();
}

// A log in a folder that goes away with it; `body` runs on a fiber.
template <typename Body>
void WithLog(Body body) {
  std::string folder = (std::filesystem::temp_directory_path() / "odradek_bench_XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) std::abort();
  {
    real::RealNode::Options options;
    options.log.level_min = env::LogLevel::kError;
    real::RealNode node(options);
    node.env().scheduler.Spawn("bench", [&](fiber::Fiber& self) {
      OpenFiles files(node.env().disk, 16);
      const LogPlace place{.name = {"bench", PartitionIndex(0)}, .directory = folder + "/bench-0"};
      const auto log = Log::StartUnborn(node.env(), files, nullptr, place, {}, Uuid{1, 2});
      body(self, node.env(), *log);
      log->Close(self);
      node.Stop();
    });
    node.Run();
    node.Kill();
  }
  std::filesystem::remove_all(folder);
}

AppendResult AppendOne(fiber::Fiber& self, Log& log, ByteBuffer& batch) {
  const AppendResult done = log.Append(self, batch, {.origin = AppendOrigin::kClient, .leader_epoch = LeaderEpoch(0)});
  if (!done.ok()) std::abort();
  log.SetHighWatermark(done.next_offset);
  return done;
}

void BM_Append(benchmark::State& state) {
  ByteBuffer batch = MakeBatch(static_cast<int>(state.range(0)), static_cast<int>(state.range(1)));
  WithLog([&](fiber::Fiber& self, [[maybe_unused]] env::Env& env, Log& log) {
    for (auto _ : state) benchmark::DoNotOptimize(AppendOne(self, log, batch));
  });
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(batch.size()));
}
BENCHMARK(BM_Append)->ArgNames({"records", "bytes"})->Args({1, 100})->Args({16, 1024})->Args({256, 1024});

// Where the next megabyte begins and ends. 0: anywhere in the log, by its index; 1: at its end, from memory.
void BM_FindRange(benchmark::State& state) {
  ByteBuffer batch = MakeBatch(1, 1024);
  WithLog([&](fiber::Fiber& self, [[maybe_unused]] env::Env& env, Log& log) {
    for (int i = 0; i < kBatchCount; ++i) AppendOne(self, log, batch);
    const int64_t end = log.high_watermark().value();
    int64_t offset = 0;
    for (auto _ : state) {
      offset = state.range(0) == 1 ? end - 1 : (offset + 7919) % end;
      const ReadResult found =
          log.Read(self, {.from = Offset(offset), .bytes_max = 1 << 20, .upper_bound = log.high_watermark()});
      if (!found.ok() || found.size_bytes == 0) std::abort();
      benchmark::DoNotOptimize(found.begin);
    }
  });
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
BENCHMARK(BM_FindRange)->ArgName("tail")->Arg(0)->Arg(1);

// The index alone: entries in memory and on file.
void BM_IndexLookUp(benchmark::State& state) {
  WithLog([&](fiber::Fiber& self, [[maybe_unused]] env::Env& env, Log& log) {
    log.MakeFolder(self);
    OpenFiles files(env.disk, 4);
    SparseIndex index(std::make_shared<ManagedFile>(files, log.directory() + "/look-up.index"), IndexFormat::kOffset,
                      {.file_bytes_max = 10 << 20, .piece_bytes = 4096});
    index.StartEmpty();
    for (int i = 1; i <= kBatchCount; ++i) {
      if (index.Append(self, {.key = i * 4, .value = i * 4096}) != env::DiskError::kNone) std::abort();
    }
    int64_t key = 0;
    for (auto _ : state) {
      key = (key + 7919) % (int64_t{kBatchCount} * 4);
      benchmark::DoNotOptimize(index.Floor(self, IndexField::kKey, key).entry);
    }
  });
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
BENCHMARK(BM_IndexLookUp);

}  // namespace storage_bench
}  // namespace odradek::storage
