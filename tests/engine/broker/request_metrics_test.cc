#include "engine/broker/request_metrics.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <vector>

namespace odradek::broker {
namespace {

constexpr auto kKey = protocol::ApiKey::kProduce;

MonoTime At(int64_t seconds) {
  return MonoTime::FromNanos(Duration::Seconds(seconds).nanos());
}

TEST(LatencyHistogram, SmallValuesAreExact) {
  LatencyHistogram histogram;
  for (int64_t micros = 0; micros < 8; ++micros) histogram.Add(Duration::Micros(micros));
  EXPECT_EQ(histogram.QuantileMicros(0), 0);
  EXPECT_EQ(histogram.QuantileMicros(500), 3);
  EXPECT_EQ(histogram.QuantileMicros(1000), 7);
  EXPECT_EQ(histogram.sum_micros(), 28);
}

TEST(LatencyHistogram, NothingWasCounted) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.QuantileMicros(990), 0);
  EXPECT_EQ(histogram.CountBelow(20), 0);
}

TEST(LatencyHistogram, WhatIsTooLongCountsAsTheLongest) {
  LatencyHistogram histogram;
  histogram.Add(Duration::kMax);
  EXPECT_EQ(histogram.count(), 1);
  EXPECT_EQ(histogram.CountBelow(LatencyHistogram::kExponentMax), 0);
  EXPECT_EQ(histogram.QuantileMicros(500), (int64_t{1} << (LatencyHistogram::kExponentMax + 1)) - 1);
}

RC_GTEST_PROP(LatencyHistogram, QuantilesAreAnEighthTooHighAtMost, ()) {
  const auto micros = *rc::gen::nonEmpty(rc::gen::container<std::vector<uint32_t>>(rc::gen::arbitrary<uint32_t>()));
  const int per_mille = *rc::gen::inRange(0, 1001);
  LatencyHistogram histogram;
  for (const uint32_t one : micros) histogram.Add(Duration::Micros(one));
  std::vector<uint32_t> sorted = micros;
  std::ranges::sort(sorted);
  const size_t rank = std::max<size_t>(1, (sorted.size() * static_cast<size_t>(per_mille) + 999) / 1000);
  const int64_t exact = sorted[rank - 1];
  RC_ASSERT(histogram.QuantileMicros(per_mille) >= exact);
  RC_ASSERT(histogram.QuantileMicros(per_mille) <= exact + exact / 8);
}

RC_GTEST_PROP(LatencyHistogram, CountsBelowAPowerOfTwoAreExact, ()) {
  const auto micros = *rc::gen::container<std::vector<uint32_t>>(rc::gen::arbitrary<uint32_t>());
  const int exponent = *rc::gen::inRange(LatencyHistogram::kSubBits, LatencyHistogram::kExponentMax + 1);
  LatencyHistogram histogram;
  for (const uint32_t one : micros) histogram.Add(Duration::Micros(one));
  RC_ASSERT(histogram.CountBelow(exponent) ==
            std::ranges::count_if(micros, [&](uint64_t one) { return one < uint64_t{1} << exponent; }));
}

TEST(RequestMetrics, QuantilesForgetWhatIsOlderThanTwoWindows) {
  RequestMetrics metrics;
  metrics.Begin(kKey, At(0));
  metrics.End(kKey, At(1), Duration::Seconds(1));
  const auto count = [&metrics](int64_t seconds) {
    return metrics.At(At(seconds)).at(static_cast<int16_t>(kKey)).recent().count();
  };
  EXPECT_EQ(count(59), 1);
  EXPECT_EQ(count(60), 1);
  EXPECT_EQ(count(119), 1);
  EXPECT_EQ(count(120), 0);
  EXPECT_EQ(metrics.At(At(500)).at(static_cast<int16_t>(kKey)).all.count(), 1);
}

TEST(RequestMetrics, ARequestThatNeverEndsIsCounted) {
  RequestMetrics metrics;
  metrics.Begin(kKey, At(0));
  const auto apis = metrics.At(At(1));
  EXPECT_EQ(apis.at(static_cast<int16_t>(kKey)).begun_count, 1);
  EXPECT_EQ(apis.at(static_cast<int16_t>(kKey)).all.count(), 0);
}

}  // namespace
}  // namespace odradek::broker
