// Code of the user that sees records on their way through a client (KIP-42). Shared by the client's configuration and
// its user; called on the client's fibers, in the order of the configuration. Must not suspend.
#pragma once

#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/client/consumer_records.h"
#include "engine/client/producer_record.h"

namespace odradek::client {

// Holds what interceptors put into a record until Send returns. What it gives stays valid as long as it lives.
class RecordScratch {
 public:
  RecordScratch() = default;
  RecordScratch(const RecordScratch&) = delete;
  RecordScratch& operator=(const RecordScratch&) = delete;

  Bytes Keep(ByteBuffer bytes) { return buffers_.emplace_back(std::move(bytes)); }
  std::string_view KeepText(std::string text) { return texts_.emplace_back(std::move(text)); }
  std::span<const record::RecordHeader> KeepHeaders(std::vector<record::RecordHeader> headers) {
    return headers_.emplace_back(std::move(headers));
  }

 private:
  std::deque<ByteBuffer> buffers_;
  std::deque<std::string> texts_;
  std::deque<std::vector<record::RecordHeader>> headers_;
};

class ProducerInterceptor {
 public:
  virtual ~ProducerInterceptor() = default;
  // Before the record gets a partition: may change it. What it is given instead lives in `scratch`.
  virtual void OnSend(ProducerRecord& record, RecordScratch& scratch) {
    static_cast<void>(record);
    static_cast<void>(scratch);
  }
  // Before the record's own callback, also for records that were refused.
  virtual void OnResult(const SendResult& result) { static_cast<void>(result); }
};

class ConsumerInterceptor {
 public:
  virtual ~ConsumerInterceptor() = default;
  // Before Poll returns something: may change it or take records out. Positions do not change with it. What records are
  // made to point at belongs into their partition's `keep_alive`.
  virtual void OnConsume(PollResult& result) = 0;
};

}  // namespace odradek::client
