// Writes records to topics (SEMANTICS.md 1-9; KIP-98, KIP-360, KIP-480, KIP-794). Owned by its user, used by any fibers
// of one scheduler. Send suspends while metadata is missing or buffer.memory is used up, Flush and Close until records
// are settled; the destructor never suspends.
//
// Invariants:
//  1. Every record's callback is called exactly once, with an outcome that is true: ok has been acknowledged, fail
//     certainly has no effect, everything else is unknown. Records still under way when the producer is destroyed
//     without Close get no callback.
//  2. Records that one fiber sends to one partition are appended in that order, each at most once, if idempotence is
//  on;
//     in that order if one request is in flight at a time.
//  3. Completed records of a partition are reported in the order of their sending, unless one of them timed out.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "engine/client/config.h"
#include "engine/client/metrics.h"
#include "engine/client/producer_record.h"
#include "engine/client/trouble.h"
#include "engine/env/env.h"

namespace odradek::client {

class ProducerCore;

class Producer {
 public:
  // REQUIRES: CheckConfig(config) finds nothing; env outlives the node's fibers.
  Producer(env::Env& env, const ProducerConfig& config);
  // Leaves what is under way to itself; see Close.
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  // Hands the record over. The callback may be called before Send returns, if the record cannot be accepted.
  void Send(fiber::Fiber& self, const ProducerRecord& record, SendCallback callback);
  // Waits for its result.
  SendResult SendAndWait(fiber::Fiber& self, const ProducerRecord& record);
  // Sends everything at once and waits until every record that was handed over before is settled.
  void Flush(fiber::Fiber& self);
  // Flushes for at most `timeout`, then settles the rest as fail or unknown. Later records fail.
  void Close(fiber::Fiber& self, Duration timeout);

  // Why the oldest record that waits is not acknowledged, while it is tried on. Whoever waits for results asks now and
  // then.
  std::optional<Trouble> trouble() const;
  ProducerMetrics metrics() const;

 private:
  std::shared_ptr<ProducerCore> core_;
};

}  // namespace odradek::client
