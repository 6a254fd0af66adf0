// What a client counts about itself. Plain values, read at any time; never suspends. Names say the unit.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "engine/base/time.h"

namespace odradek::client {

// A quantity that is seen again and again. Saturates: part of what is counted are numbers that brokers send.
struct Summary {
  int64_t count = 0;
  int64_t total = 0;
  int64_t max = 0;

  void Add(int64_t value) {
    ++count;
    total = value > std::numeric_limits<int64_t>::max() - total ? std::numeric_limits<int64_t>::max() : total + value;
    max = std::max(max, value);
  }
  int64_t average() const { return count == 0 ? 0 : total / count; }
};

struct ProducerMetrics {
  // Records.
  int64_t sent_record_count = 0;  // given to Send
  int64_t ok_record_count = 0;
  int64_t failed_record_count = 0;
  int64_t unknown_record_count = 0;
  int64_t buffer_exhausted_record_count = 0;  // refused: no room within max.block.ms
  Summary record_bytes;                       // before compression
  // Batches.
  int64_t sent_batch_count = 0;  // attempts
  int64_t sent_batch_bytes = 0;  // compressed
  int64_t retried_batch_count = 0;
  int64_t split_batch_count = 0;
  int64_t expired_batch_count = 0;
  int64_t incomplete_batch_count = 0;  // now
  Summary batch_bytes;                 // compressed, of first attempts
  Summary batch_uncompressed_bytes;    // the same before compression
  Summary batch_record_count;          // of first attempts
  Summary queue_time_micros;           // from the first record to the first attempt
  // Requests.
  int64_t request_count = 0;
  int64_t requests_in_flight_count = 0;  // now
  Summary request_latency_micros;        // of those that were answered
  Summary throttle_millis;               // of the answers that asked for a pause
  // The rest.
  int64_t epoch_bump_count = 0;
  int64_t buffer_total_bytes = 0;
  int64_t buffer_free_bytes = 0;
  int64_t buffer_waiter_count = 0;  // fibers that wait for memory now
  Summary buffer_wait_micros;
  Duration metadata_age;
};

struct ConsumerMetrics {
  int64_t fetch_count = 0;
  int64_t fetched_bytes = 0;
  int64_t record_count = 0;        // given out
  int64_t stale_answer_count = 0;  // dropped after a seek
  int64_t reset_count = 0;
  int64_t truncation_count = 0;  // found by leader epoch
  int64_t failed_fetch_count = 0;
  int64_t preferred_replica_count = 0;  // redirections to a replica that is nearer (KIP-392)
  Summary fetch_bytes;                  // of an answer
  Summary fetch_latency_micros;
  Summary throttle_millis;      // of the answers that asked for a pause
  int64_t records_lag_max = 0;  // now, over the partitions whose end is known
  Duration metadata_age;
};

}  // namespace odradek::client
