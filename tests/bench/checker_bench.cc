// What it costs to judge a history: each checker, growing histories. Items: operations of the history.
#include <benchmark/benchmark.h>

#include <string>
#include <utility>
#include <vector>

#include "properties/property.h"
#include "tests/properties/history_builder.h"

namespace odradek::properties {
namespace checker_bench {

// Every value is acknowledged at its offset, polled once, and there in the end.
history::History HistoryOf(int64_t send_count) {
  constexpr int64_t kPerPoll = 10;
  HistoryBuilder builder;
  std::vector<history::Value> all;
  int64_t now_ns = 0;
  for (int64_t i = 0; i < send_count; ++i) {
    builder.Acked(static_cast<history::Value>(i + 1), i, now_ns += 10);
    all.push_back(static_cast<history::Value>(i + 1));
  }
  for (int64_t i = 0; i + kPerPoll <= send_count; i += kPerPoll) {
    builder.Polled(i, std::vector<history::Value>(all.begin() + i, all.begin() + i + kPerPoll), now_ns += 10);
  }
  builder.InTheEnd(0, all);
  return std::move(builder.history());
}

void BM_Checker(benchmark::State& state, const Property& property) {
  const history::History history = HistoryOf(state.range(0));
  for (auto _ : state) {
    const Evidence evidence(history);
    benchmark::DoNotOptimize(property.check(evidence).fact_count());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) *
                          static_cast<int64_t>(history.sends.size() + history.polls.size()));
}

const bool kRegistered = [] {
  for (const Property& property : AllProperties()) {
    const std::string name = "BM_Checker/" + std::string(property.id);
    benchmark::RegisterBenchmark(name.c_str(), BM_Checker, property)->RangeMultiplier(10)->Range(1000, 100000);
    benchmark::RegisterBenchmark((name + "/large").c_str(), BM_Checker, property)->Arg(10'000'000)->Iterations(1);
  }
  return true;
}();

}  // namespace checker_bench
}  // namespace odradek::properties
