#include "engine/broker/request_metrics.h"

#include <algorithm>
#include <bit>

#include "engine/base/check.h"

namespace odradek::broker {
namespace {

constexpr int kSubBits = LatencyHistogram::kSubBits;
constexpr uint64_t kMicrosMax = (uint64_t{1} << (LatencyHistogram::kExponentMax + 1)) - 1;

// The first 2^kSubBits values have a bucket each; from there on each power of two has 2^kSubBits buckets.
size_t BucketOf(uint64_t micros) {
  if (micros < (uint64_t{1} << kSubBits)) return micros;
  const int exponent = std::bit_width(micros) - 1;
  const int shift = exponent - kSubBits;
  const uint64_t within = (micros >> shift) - (uint64_t{1} << kSubBits);
  return ((static_cast<size_t>(shift) + 1) << kSubBits) + within;
}

// The largest value of the bucket.
int64_t UpperBound(size_t bucket) {
  constexpr size_t kPerPower = size_t{1} << kSubBits;
  if (bucket < kPerPower) return static_cast<int64_t>(bucket);
  const size_t shift = (bucket >> kSubBits) - 1;
  const size_t within = bucket & (kPerPower - 1);
  return static_cast<int64_t>(((kPerPower + within + 1) << shift) - 1);
}

}  // namespace

void LatencyHistogram::Add(Duration took) {
  const auto micros = std::min(static_cast<uint64_t>(std::max<int64_t>(took.micros(), 0)), kMicrosMax);
  const size_t bucket = BucketOf(micros);
  INVARIANT(bucket < kBucketCount);
  ++buckets_[bucket];
  ++count_;
  sum_micros_ += static_cast<int64_t>(micros);
}

void LatencyHistogram::Add(const LatencyHistogram& other) {
  for (size_t i = 0; i < kBucketCount; ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  sum_micros_ += other.sum_micros_;
}

int64_t LatencyHistogram::CountBelow(int exponent) const {
  REQUIRES(exponent >= kSubBits);
  REQUIRES(exponent <= kExponentMax);
  const size_t end = BucketOf(uint64_t{1} << exponent);
  int64_t below = 0;
  for (size_t i = 0; i < end; ++i) below += buckets_[i];
  return below;
}

int64_t LatencyHistogram::QuantileMicros(int per_mille) const {
  REQUIRES(per_mille >= 0);
  REQUIRES(per_mille <= 1000);
  if (count_ == 0) return 0;
  const int64_t rank = std::max<int64_t>(1, (count_ * per_mille + 999) / 1000);
  int64_t seen = 0;
  for (size_t i = 0; i < kBucketCount; ++i) {
    seen += buckets_[i];
    if (seen >= rank) return UpperBound(i);
  }
  INVARIANT(seen >= rank);
  return 0;
}

LatencyHistogram RequestMetrics::OfApi::recent() const {
  LatencyHistogram both = previous;
  both.Add(current);
  return both;
}

void RequestMetrics::Turn(OfApi& api, MonoTime now) {
  const Duration age = now - api.current_since;
  if (age < kWindow) return;
  api.previous = age < kWindow * 2 ? api.current : LatencyHistogram();
  api.current = {};
  api.current_since = now;
}

void RequestMetrics::Begin(protocol::ApiKey key, MonoTime now) {
  const auto [at, is_new] = apis_.try_emplace(static_cast<int16_t>(key));
  if (is_new) at->second.current_since = now;
  ++at->second.begun_count;
}

void RequestMetrics::End(protocol::ApiKey key, MonoTime now, Duration took) {
  const auto at = apis_.find(static_cast<int16_t>(key));
  REQUIRES(at != apis_.end());
  Turn(at->second, now);
  at->second.current.Add(took);
  at->second.all.Add(took);
}

std::map<int16_t, RequestMetrics::OfApi> RequestMetrics::At(MonoTime now) const {
  std::map<int16_t, OfApi> apis = apis_;
  for (auto& [key, api] : apis) Turn(api, now);
  return apis;
}

}  // namespace odradek::broker
