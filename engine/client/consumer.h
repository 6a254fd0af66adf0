// Reads partitions that its user assigns (SEMANTICS.md 18-20, 23, 36-42). Owned by its user; one
// fiber at a time calls it. Poll and what asks the brokers suspend; the rest and the destructor never do. Fetching goes
// on in the background: a partition has at most one answer waiting for Poll.
//
// Invariants:
//  1. Between two seeks the records of a partition come in the order of their offsets, each once, none left out that
//     its isolation level shows.
//  2. What was fetched or looked up before a seek has no effect after it (CL08).
//  3. The position is behind the last record that Poll gave out, and behind whole batches that have nothing to give.
//
// Source: KIP-227 fetch sessions, KIP-320 truncation, KIP-392 nearer replicas, KIP-1106 reset by duration.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "engine/client/config.h"
#include "engine/client/consumer_records.h"
#include "engine/client/list_offsets.h"
#include "engine/client/metrics.h"
#include "engine/client/trouble.h"
#include "engine/env/env.h"

namespace odradek::client {

// Known from the last answer; kNoOffset before.
struct Watermarks {
  Offset high_watermark = kNoOffset;
  Offset last_stable_offset = kNoOffset;
  Offset log_start_offset = kNoOffset;
};

class ConsumerCore;

class Consumer {
 public:
  // REQUIRES: CheckConfig(config) finds nothing; env outlives the node's fibers.
  Consumer(env::Env& env, const ConsumerConfig& config);
  ~Consumer();
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  // Replaces the assignment; partitions that stay keep their position. New ones start by auto.offset.reset.
  void Assign(std::span<const TopicPartition> partitions);
  void Assign(std::initializer_list<TopicPartition> partitions) { Assign(std::span(partitions)); }
  std::vector<TopicPartition> assignment() const;

  // All that name partitions: an error if one is not assigned.
  // `epoch`: of the record before the offset, if known; then it is made sure that the leader's log still has that
  // record before anything is read (KIP-320).
  absl::Status Seek(const TopicPartition& partition, Offset offset, LeaderEpoch epoch = kNoLeaderEpoch);
  // Looked up when it is needed.
  absl::Status SeekToBeginning(std::span<const TopicPartition> partitions);
  absl::Status SeekToEnd(std::span<const TopicPartition> partitions);
  absl::Status Pause(std::span<const TopicPartition> partitions);
  absl::Status Resume(std::span<const TopicPartition> partitions);
  std::vector<TopicPartition> paused() const;

  // Waits until there are records or problems. An empty result: the timeout passed.
  PollResult Poll(fiber::Fiber& self, Duration timeout);

  // nullopt: still being looked up, or not assigned.
  std::optional<Offset> position(const TopicPartition& partition) const;
  // Waits for it.
  std::optional<Offset> Position(fiber::Fiber& self, const TopicPartition& partition, Duration timeout);
  Watermarks watermarks(const TopicPartition& partition) const;
  // Records between the position and the end that the isolation level shows; nullopt: not known yet.
  std::optional<int64_t> lag(const TopicPartition& partition) const;
  // The assigned partitions that cannot be read now, and why; Poll says nothing of them, for they may come back.
  // Whoever waits for records asks now and then.
  std::map<TopicPartition, Trouble> troubles() const;

  // The partitions need not be assigned. Timestamps as in list_offsets.h.
  ListedOffsets OffsetsForTimes(fiber::Fiber& self, const OffsetQuestions& questions, Duration timeout);
  ListedOffsets BeginningOffsets(fiber::Fiber& self, std::span<const TopicPartition> partitions, Duration timeout);
  ListedOffsets EndOffsets(fiber::Fiber& self, std::span<const TopicPartition> partitions, Duration timeout);

  // Ends the background work and tells the brokers so, waiting for their answers for at most `timeout`. The destructor
  // tells nobody: a broker then keeps the fetch session until it needs the room.
  void Close(fiber::Fiber& self, Duration timeout);
  ConsumerMetrics metrics() const;

 private:
  std::shared_ptr<ConsumerCore> core_;
};

}  // namespace odradek::client
