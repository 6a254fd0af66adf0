#include "engine/protocol/framing.h"

#include <limits>

#include "engine/base/check.h"

namespace odradek::protocol {
namespace {

// The fields that every version of the request header begins with.
bool PeekRequestHeader(Reader& reader, RequestHeader& out) {
  if (!reader.Int16(out.request_api_key)) return reader.At("request_api_key");
  if (!reader.Int16(out.request_api_version)) return reader.At("request_api_version");
  if (!reader.Int32(out.correlation_id)) return reader.At("correlation_id");
  return true;
}

}  // namespace

RequestHeaderStatus DecodeRequestHeader(Reader& reader, RequestHeader& out) {
  Reader ahead = reader;
  if (!PeekRequestHeader(ahead, out)) {
    reader = ahead;
    return RequestHeaderStatus::kMalformed;
  }
  const ApiInfo* api = FindApi(out.request_api_key);
  if (api == nullptr) return RequestHeaderStatus::kUnknownApi;
  const int16_t version = out.request_api_version;
  if (!out.Decode(reader, api->RequestHeaderVersion(version))) return RequestHeaderStatus::kMalformed;
  INVARIANT(out.request_api_version == version);
  return api->Serves(version) ? RequestHeaderStatus::kOk : RequestHeaderStatus::kUnsupportedVersion;
}

void EncodeRequestHeader(const RequestHeader& header, Writer& writer) {
  const ApiInfo* api = FindApi(header.request_api_key);
  REQUIRES(api != nullptr);
  header.Encode(writer, api->RequestHeaderVersion(header.request_api_version));
}

void EncodeResponseHeader(const ResponseTo& to, Writer& writer) {
  ResponseHeader header;
  header.correlation_id = to.correlation_id;
  header.Encode(writer, InfoOf(to.key).ResponseHeaderVersion(to.version));
}

bool DecodeResponseHeader(Reader& reader, ResponseTo& to) {
  ResponseHeader header;
  if (!header.Decode(reader, InfoOf(to.key).ResponseHeaderVersion(to.version))) return false;
  to.correlation_id = header.correlation_id;
  return true;
}

FrameMark BeginFrame(Writer& writer) {
  const FrameMark mark{.position = static_cast<int64_t>(writer.buffer().size()),
                       .size_before_bytes = writer.size_bytes()};
  writer.Int32(0);
  return mark;
}

bool EndFrame(Writer& writer, FrameMark mark) {
  const int64_t frame_bytes = writer.size_bytes() - mark.size_before_bytes - kFrameSizeBytes;
  REQUIRES(frame_bytes >= 0);
  if (frame_bytes > std::numeric_limits<int32_t>::max()) {
    writer.Fail("frame", "more than 2^31 - 1 bytes");
    return false;
  }
  writer.PatchInt32(mark.position, static_cast<int32_t>(frame_bytes));
  return true;
}

}  // namespace odradek::protocol
