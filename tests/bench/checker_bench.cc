// What it costs to judge a history: laying it out, and each checker, from a thousand sends to ten million. Items:
// operations of the history.
#include <benchmark/benchmark.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "properties/property.h"
#include "tests/properties/history_builder.h"

namespace odradek::properties {
namespace checker_bench {

constexpr int64_t kLargest = 10'000'000;

// Every value is acknowledged at its offset, polled once, and there in the end; meanwhile the ends of the log are asked
// for, and records are searched.
history::History HistoryOf(int64_t send_count) {
  constexpr int64_t kPerPoll = 10;
  constexpr int64_t kPerCall = 20;
  HistoryBuilder builder;
  builder.history().sends.reserve(static_cast<size_t>(send_count));
  std::vector<history::Value> all;
  int64_t now_ns = 0;
  for (int64_t i = 0; i < send_count; ++i) {
    builder.Acked(static_cast<history::Value>(i + 1), i, now_ns += 10);
    builder.VisibleTo(i + 1, now_ns);
    all.push_back(static_cast<history::Value>(i + 1));
    if (i % kPerCall == 1) builder.Listed(history::OffsetQuery::kLatest, i + 1, now_ns + 3);
    if (i % kPerCall == 2) builder.Listed(history::OffsetQuery::kEarliest, 0, now_ns + 3);
  }
  for (int64_t i = 0; i + kPerPoll <= send_count; i += kPerPoll) {
    builder.Polled(i, std::vector<history::Value>(all.begin() + i, all.begin() + i + kPerPoll), now_ns += 10);
    if (i % (kPerPoll * kPerCall) != 0) continue;
    history::ListOffsets& search =
        builder.Searched(history::OffsetQuery::kByTimestamp, i, static_cast<int64_t>(all[i]) * 10, now_ns);
    search.timestamp = search.found_timestamp;
  }
  builder.InTheEnd(0, all);
  return std::move(builder.history());
}

// Built once for all checkers: a large one takes longer than they do.
const history::History& SharedHistory(int64_t send_count) {
  static std::map<int64_t, std::unique_ptr<history::History>> all;
  std::unique_ptr<history::History>& one = all[send_count];
  if (one == nullptr) one = std::make_unique<history::History>(HistoryOf(send_count));
  return *one;
}
const Evidence& SharedEvidence(int64_t send_count) {
  static std::map<int64_t, std::unique_ptr<Evidence>> all;
  std::unique_ptr<Evidence>& one = all[send_count];
  if (one == nullptr) one = std::make_unique<Evidence>(SharedHistory(send_count));
  return *one;
}

void SetOperations(benchmark::State& state, const history::History& history) {
  const size_t count = history.sends.size() + history.polls.size() + history.list_offsets.size();
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(count));
}

void BM_LayOut(benchmark::State& state) {
  const history::History& history = SharedHistory(state.range(0));
  for (auto _ : state) {
    const Evidence evidence(history);
    benchmark::DoNotOptimize(evidence.partitions().size());
  }
  SetOperations(state, history);
}

void BM_Checker(benchmark::State& state, const Property& property) {
  const Evidence& evidence = SharedEvidence(state.range(0));
  bool holds = true;
  uint64_t fact_count = 0;
  for (auto _ : state) {
    const Findings found = property.check(evidence);
    holds &= found.holds();
    fact_count = found.fact_count();
  }
  // Nothing judged, nothing shown: the history has none of what this one is about.
  state.counters["facts"] = static_cast<double>(fact_count);
  if (!holds) state.SkipWithError("a good history was rejected");
  SetOperations(state, evidence.history());
}

const bool kRegistered = [] {
  benchmark::RegisterBenchmark("BM_LayOut", BM_LayOut)->RangeMultiplier(10)->Range(1000, 100'000);
  benchmark::RegisterBenchmark("BM_LayOut/large", BM_LayOut)->RangeMultiplier(10)->Range(1'000'000, kLargest);
  for (const Property& property : AllProperties()) {
    const std::string name = "BM_Checker/" + std::string(property.id);
    benchmark::RegisterBenchmark(name.c_str(), BM_Checker, property)->RangeMultiplier(10)->Range(1000, 100'000);
    benchmark::RegisterBenchmark((name + "/large").c_str(), BM_Checker, property)
        ->RangeMultiplier(10)
        ->Range(1'000'000, kLargest);
  }
  return true;
}();

}  // namespace checker_bench
}  // namespace odradek::properties
