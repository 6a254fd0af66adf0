// A message behind its version (int16), as it stands inside of other things: values of coordinators' logs, what members
// of classic groups tell each other (ConsumerProtocolSubscription, ConsumerProtocolAssignment), the principal in an
// Envelope. Pure functions over bytes; never suspends.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/protocol/reader.h"
#include "engine/protocol/writer.h"

namespace odradek::protocol {

// What a version above those of the message means: an error, or bytes that begin like the last version we know, as the
// members of a group promise each other (FEATURES.md 3.4).
enum class NewerVersion : uint8_t { kRefuse, kReadAsLatest };

// `version` is the one that stands there. False: reader.error() says why. With kReadAsLatest, bytes behind the known
// fields are left unread.
template <typename Message>
bool DecodeVersioned(Reader& reader, NewerVersion newer, Message& out, int16_t& version) {
  if (!reader.Int16(version)) return reader.At("version");
  if (newer == NewerVersion::kRefuse) return DecodeWhole(reader, version, out);
  return out.Decode(reader, std::min(version, Message::kMaxVersion));
}

template <typename Message>
void EncodeVersioned(const Message& message, int16_t version, Writer& writer) {
  writer.Int16(version);
  message.Encode(writer, version);
}

}  // namespace odradek::protocol
