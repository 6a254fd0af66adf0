#include "engine/net/message.h"

#include "engine/base/check.h"

namespace odradek::net {

EncodedFrame PartsOf(protocol::Writer& writer, Payloads payloads) {
  EncodedFrame frame;
  if (writer.error()) {
    frame.error = writer.error();
    return frame;
  }
  const int64_t size_bytes = writer.size_bytes();
  if (writer.splices().empty()) {
    frame.parts.emplace_back(writer.Take());
    return frame;
  }
  const ByteBuffer& buffer = writer.buffer();
  int64_t done_bytes = 0;
  for (const protocol::Splice& splice : writer.splices()) {
    INVARIANT(splice.position >= done_bytes && splice.position <= static_cast<int64_t>(buffer.size()));
    frame.parts.emplace_back(ByteBuffer(buffer.begin() + done_bytes, buffer.begin() + splice.position));
    done_bytes = splice.position;
    if (!splice.records.is_external()) {
      frame.parts.emplace_back(BorrowedBytes{splice.records.bytes(), payloads.keep_alive});
      continue;
    }
    const auto index = static_cast<size_t>(splice.records.external().cookie);
    REQUIRES(index < payloads.externals.size());
    frame.parts.push_back(std::move(payloads.externals[index]));
  }
  frame.parts.emplace_back(ByteBuffer(buffer.begin() + done_bytes, buffer.end()));
  REQUIRES(SizeBytes(frame.parts) == size_bytes);
  return frame;
}

}  // namespace odradek::net
