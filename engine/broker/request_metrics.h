// How long requests take, per API: from the round in which the frame was complete until the answer is ready to be sent.
// Kafka's RequestMetrics TotalTimeMs (without the time in the socket) as a histogram since the start, and as quantiles
// over the last one to two windows. Belongs to one shard; nothing suspends.
#pragma once

#include <array>
#include <cstdint>
#include <map>

#include "engine/base/time.h"
#include "engine/protocol/generated/api_key.h"

namespace odradek::broker {

// Counts durations in buckets that are at most an eighth of their value wide; from a microsecond to about twelve days,
// what is longer counts as that.
class LatencyHistogram {
 public:
  static constexpr int kSubBits = 3;
  static constexpr int kExponentMax = 40;
  static constexpr size_t kBucketCount = ((kExponentMax - kSubBits) + 2) << kSubBits;

  void Add(Duration took);
  void Add(const LatencyHistogram& other);
  int64_t count() const { return count_; }
  int64_t sum_micros() const { return sum_micros_; }
  // How many took less than 2^exponent microseconds. REQUIRES: kSubBits <= exponent <= kExponentMax.
  int64_t CountBelow(int exponent) const;
  // The smallest bound, in microseconds, below or at which `per_mille` of the durations are; 0 if there are none.
  int64_t QuantileMicros(int per_mille) const;

 private:
  std::array<uint32_t, kBucketCount> buckets_ = {};
  int64_t count_ = 0;
  int64_t sum_micros_ = 0;
};

class RequestMetrics {
 public:
  // Quantiles are of this window and the one before it.
  static constexpr Duration kWindow = Duration::Seconds(60);

  struct OfApi {
    LatencyHistogram all;
    LatencyHistogram current;
    LatencyHistogram previous;
    MonoTime current_since;
    int64_t begun_count = 0;
    LatencyHistogram recent() const;
  };

  void Begin(protocol::ApiKey key, MonoTime now);
  void End(protocol::ApiKey key, MonoTime now, Duration took);
  // By API key, with windows as of now.
  std::map<int16_t, OfApi> At(MonoTime now) const;

 private:
  static void Turn(OfApi& api, MonoTime now);

  std::map<int16_t, OfApi> apis_;
};

}  // namespace odradek::broker
