// What a simulated network is like. Everything is an integer and drawn from keyed streams.
#pragma once

#include <cstdint>

#include "engine/base/time.h"
#include "sim/kernel/trace.h"

namespace odradek::sim {

struct Direction {
  NodeIndex from = kNoNodeIndex;
  NodeIndex to = kNoNodeIndex;
  friend auto operator<=>(const Direction&, const Direction&) = default;
};

// One direction between two hosts.
struct LinkOptions {
  // Latency: minimum + an even draw below the spread; in tail_ppm cases also tail_unit doubled 0..10 times, each
  // doubling half as likely.
  Duration latency_min = Duration::Micros(50);
  Duration latency_spread = Duration::Micros(450);
  uint32_t tail_ppm = 5'000;
  Duration tail_unit = Duration::Millis(1);
  // 0 is unlimited.
  int64_t bytes_per_second = 0;
  // Share of the segments in which a bit is flipped, below any checksum of TCP's.
  uint32_t corrupt_ppm = 0;
};

struct NetworkOptions {
  LinkOptions link = {};
  LinkOptions loopback = {.latency_min = Duration::Micros(5),
                          .latency_spread = Duration::Micros(30),
                          .tail_ppm = 1'000,
                          .tail_unit = Duration::Micros(100)};
  // A receiver's buffer is drawn for each end, in powers of two.
  int64_t window_bytes_min = 4 * 1024;
  int64_t window_bytes_max = 256 * 1024;
  // Reads that return less than there is; streams that are read a byte at a time.
  uint32_t short_read_ppm = 60'000;
  uint32_t one_byte_stream_ppm = 5'000;
  // Sends that travel in several segments.
  uint32_t split_send_ppm = 60'000;
  // Calls that suspend although they could go on.
  uint32_t yield_ppm = 20'000;
  // File ranges that are read when they would arrive instead of when they are sent.
  uint32_t late_file_ppm = 500'000;
  // Accepts that fail for want of descriptors.
  uint32_t accept_fails_ppm = 0;
  // How long a sender goes on against a cut link or a vanished peer before the stream fails with kTimedOut.
  Duration give_up_after = Duration::Seconds(30);
  // Until the sender tries again after a link was healed or a host came back.
  Duration retransmit_min = Duration::Millis(1);
  Duration retransmit_max = Duration::Millis(400);
  // Connection attempts: the first repetition comes after this, each further one after twice the time.
  Duration connect_retry = Duration::Seconds(1);
  uint8_t connect_tries_max = 6;
  uint32_t backlog_max = 128;
  // Whether payloads are part of the history by their CRC.
  bool fold_payloads = true;
};

}  // namespace odradek::sim
