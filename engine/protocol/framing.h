// What stands around a message on a connection: the size prefix and the headers (protocol guide "Request Header",
// KIP-482, KIP-511). Pure functions over bytes; never suspends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/bytes.h"
#include "engine/protocol/api.h"
#include "engine/protocol/generated/request_header.h"
#include "engine/protocol/generated/response_header.h"
#include "engine/protocol/reader.h"
#include "engine/protocol/writer.h"

namespace odradek::protocol {

// int32 before every request and response.
inline constexpr int64_t kFrameSizeBytes = 4;

enum class RequestHeaderStatus {
  kOk,
  kUnknownApi,          // key, version and correlation id are filled
  kUnsupportedVersion,  // the whole header is filled; the body cannot be decoded
  kMalformed,           // reader.error() says why
};

// Reads the header that the key and version at the front call for; the reader then stands at the body.
RequestHeaderStatus DecodeRequestHeader(Reader& reader, RequestHeader& out);

// The header's own version follows from key and version. REQUIRES: an API of this build.
void EncodeRequestHeader(const RequestHeader& header, Writer& writer);

// What a response answers.
struct ResponseTo {
  ApiKey key;
  int16_t version = 0;
  int32_t correlation_id = 0;
};
void EncodeResponseHeader(const ResponseTo& to, Writer& writer);
// Reads the header of an answer to (key, version); its correlation id goes to the struct.
bool DecodeResponseHeader(Reader& reader, ResponseTo& to);

// Leaves room for the size of a frame at the writer's end; EndFrame fills it, splices included.
struct FrameMark {
  int64_t position = 0;
  int64_t size_before_bytes = 0;
};
FrameMark BeginFrame(Writer& writer);
// False: the frame is larger than the protocol can say.
bool EndFrame(Writer& writer, FrameMark mark);

// A whole request or response frame. False: writer.error() says why; the writer's bytes are then of no use.
template <typename Message>
bool EncodeFramed(const RequestHeader& header, const Message& body, Writer& writer) {
  const FrameMark mark = BeginFrame(writer);
  EncodeRequestHeader(header, writer);
  body.Encode(writer, header.request_api_version);
  return EndFrame(writer, mark) && !writer.error();
}
template <typename Message>
bool EncodeFramed(const ResponseTo& to, const Message& body, Writer& writer) {
  const FrameMark mark = BeginFrame(writer);
  EncodeResponseHeader(to, writer);
  body.Encode(writer, to.version);
  return EndFrame(writer, mark) && !writer.error();
}

}  // namespace odradek::protocol
