// What one shard of the real back end has done: exact numbers for benchmarks, tests and metrics. Written by the
// shard's thread only.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace odradek::real {

struct Counters {
  uint64_t rounds = 0;
  uint64_t rounds_cut_short = 0;  // ended with fibers still ready
  uint64_t slices = 0;            // fibers resumed
  uint64_t events = 0;            // descriptors that became ready
  uint64_t posts = 0;
  uint64_t timers_fired = 0;

  // System calls by kind.
  uint64_t epoll_waits = 0;
  uint64_t epoll_controls = 0;
  uint64_t receives = 0;
  uint64_t sends = 0;
  uint64_t sendfiles = 0;
  uint64_t accepts = 0;
  uint64_t file_reads = 0;
  uint64_t file_writes = 0;
  uint64_t off_shard_calls = 0;  // work given to a helper thread
  uint64_t cold_ranges = 0;      // file ranges read ahead before they were sent

  // Rounds by how long they ran: bucket i holds [2^(i-1), 2^i) microseconds, bucket 0 below one.
  std::array<uint64_t, 32> round_micros_log2{};
  int64_t longest_round_nanos = 0;

  void RoundTook(int64_t nanos) {
    if (nanos > longest_round_nanos) longest_round_nanos = nanos;
    const auto micros = static_cast<uint64_t>(nanos > 0 ? nanos : 0) / 1000;
    const auto bucket = static_cast<size_t>(std::bit_width(micros));
    ++round_micros_log2[bucket < round_micros_log2.size() ? bucket : round_micros_log2.size() - 1];
  }
};

}  // namespace odradek::real
