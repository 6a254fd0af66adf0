// Messages as frames made of parts: records that the message only carries stay where they are, in memory or in a file,
// and the rest is encoded around them. Pure functions.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/net/answer_queue.h"
#include "engine/protocol/framing.h"
#include "engine/protocol/writer.h"

namespace odradek::net {

// What a message's records fields point at.
struct Payloads {
  // Holds every view; null: views are copied.
  std::shared_ptr<const void> keep_alive = nullptr;
  // What ExternalRecords::cookie counts; the sizes must agree. Usually BorrowedFile.
  std::vector<OutPart> externals = {};
};

struct EncodedFrame {
  OutParts parts;
  std::optional<protocol::EncodeError> error;
};

// Below this size a copy is cheaper than one more part in a Send.
inline constexpr int64_t kCopiedRecordsBytesMax = 1024;

inline protocol::WriterOptions WriterOptionsFor(const Payloads& payloads) {
  if (payloads.keep_alive == nullptr) return {};
  return {.records_copied_bytes_max = kCopiedRecordsBytesMax};
}

// Cuts the buffer of a finished frame at its splices.
EncodedFrame PartsOf(protocol::Writer& writer, Payloads payloads);

// `Head` is protocol::ResponseTo for an answer, protocol::RequestHeader for a request.
template <typename Head, typename Message>
EncodedFrame EncodeFrame(const Head& head, const Message& body, Payloads payloads = {}) {
  protocol::Writer writer(WriterOptionsFor(payloads));
  protocol::EncodeFramed(head, body, writer);
  return PartsOf(writer, std::move(payloads));
}

}  // namespace odradek::net
