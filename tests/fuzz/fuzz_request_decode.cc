// Request bytes as they come off a connection, without the size prefix: the header, then the body that it names.
// Finds: crashes, reads outside the bytes, memory out of proportion, values that decode but do not encode again, and
// bytes that a second decoding sees otherwise.
#include "engine/base/check.h"
#include "engine/protocol/framing.h"
#include "tests/engine/protocol/message_case.h"
#include "tests/engine/protocol/random_values.h"
#include "tests/fuzz/fuzz.h"

namespace odradek::fuzz {
namespace {

using protocol::MessageCase;

constexpr int kSeedsPerVersion = 2;

const std::vector<MessageCase>& RequestCases() {
  static const std::vector<MessageCase> kRequests = [] {
    std::vector<MessageCase> requests = protocol::AllMessageCases();
    std::erase_if(requests, [](const MessageCase& message) { return !message.name.ends_with("Request"); });
    return requests;
  }();
  return kRequests;
}

bool DecodeBody(const MessageCase& request, int16_t version, Bytes body) {
  ByteBuffer once;
  if (const auto error = request.reencode(body, version, once)) {
    REQUIRES(error->offset >= 0);
    REQUIRES(error->offset <= static_cast<int64_t>(body.size()));
    REQUIRES(!error->what.empty());
    return false;
  }
  ByteBuffer twice;
  const auto error = request.reencode(once, version, twice);
  REQUIRES(!error);
  REQUIRES(once == twice);
  return true;
}

}  // namespace

std::vector<std::string> Seeds() {
  protocol::RandomValues values(1);
  std::vector<std::string> seeds;
  for (const MessageCase& request : RequestCases()) {
    for (int16_t version = request.min_version; version <= request.max_version; ++version) {
      for (int i = 0; i < kSeedsPerVersion; ++i) {
        protocol::RequestHeader header;
        header.request_api_key = request.api_key;
        header.request_api_version = version;
        protocol::Writer writer;
        protocol::EncodeRequestHeader(header, writer);
        ByteBuffer whole = writer.Take();
        ByteBuffer body;
        REQUIRES(!request.encode_random(values, version, body));
        AppendBytes(whole, body);
        seeds.emplace_back(AsString(whole));
      }
    }
  }
  return seeds;
}

bool Understands(Bytes input) {
  protocol::Reader reader(input);
  protocol::RequestHeader header;
  const auto status = protocol::DecodeRequestHeader(reader, header);
  if (status == protocol::RequestHeaderStatus::kMalformed) {
    REQUIRES(reader.failed());
    REQUIRES(!reader.error().field.empty());
  }
  if (status != protocol::RequestHeaderStatus::kOk) return false;
  for (const MessageCase& request : RequestCases()) {
    if (request.api_key != header.request_api_key) continue;
    return DecodeBody(request, header.request_api_version, input.last(static_cast<size_t>(reader.remaining_bytes())));
  }
  return false;
}

}  // namespace odradek::fuzz
