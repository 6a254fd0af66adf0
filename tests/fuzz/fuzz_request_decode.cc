// Request bytes as they come off a connection, without the size prefix: the header, then the body that it names.
// Finds: crashes, reads outside the bytes, memory out of proportion, values that decode but do not encode again, and
// bytes that a second decoding sees otherwise.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/prng.h"
#include "engine/protocol/framing.h"
#include "tests/engine/protocol/message_case.h"
#include "tests/engine/protocol/random_values.h"

namespace {

using odradek::ByteBuffer;
using odradek::Bytes;
using odradek::protocol::MessageCase;

// The requests by API key, each behind the functions of the generic tests.
std::vector<MessageCase> RequestCases() {
  std::vector<MessageCase> requests;
  for (const MessageCase& message : odradek::protocol::AllMessageCases()) {
    if (message.name.ends_with("Request")) requests.push_back(message);
  }
  return requests;
}

void DecodeBody(const MessageCase& request, int16_t version, Bytes body) {
  ByteBuffer once;
  if (const auto error = request.reencode(body, version, once)) {
    REQUIRES(error->offset >= 0);
    REQUIRES(error->offset <= static_cast<int64_t>(body.size()));
    REQUIRES(!error->what.empty());
    return;
  }
  ByteBuffer twice;
  const auto error = request.reencode(once, version, twice);
  REQUIRES(!error);
  REQUIRES(once == twice);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<MessageCase> kRequests = RequestCases();
  const Bytes input(reinterpret_cast<const std::byte*>(data), size);
  odradek::protocol::Reader reader(input);
  odradek::protocol::RequestHeader header;
  const auto status = odradek::protocol::DecodeRequestHeader(reader, header);
  if (status == odradek::protocol::RequestHeaderStatus::kMalformed) {
    REQUIRES(reader.failed());
    REQUIRES(!reader.error().field.empty());
    return 0;
  }
  if (status != odradek::protocol::RequestHeaderStatus::kOk) return 0;
  for (const MessageCase& request : kRequests) {
    if (request.api_key != header.request_api_key) continue;
    DecodeBody(request, header.request_api_version, input.last(static_cast<size_t>(reader.remaining_bytes())));
  }
  return 0;
}

// Flips, inserts and the like as libFuzzer does, and now and then a whole valid request, so that every API and version
// is reached without a corpus.
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  static const std::vector<MessageCase> kRequests = RequestCases();
  odradek::base::Prng prng(seed);
  if (prng.Below(50) != 0) return LLVMFuzzerMutate(data, size, max_size);
  const MessageCase& request = kRequests[prng.Below(kRequests.size())];
  odradek::protocol::RandomValues values(prng.Next());
  odradek::protocol::RequestHeader header;
  header.request_api_key = request.api_key;
  header.request_api_version = static_cast<int16_t>(prng.Between(request.min_version, request.max_version));
  odradek::protocol::Writer writer;
  odradek::protocol::EncodeRequestHeader(header, writer);
  ByteBuffer body;
  if (request.encode_random(values, header.request_api_version, body)) return size;
  ByteBuffer whole = writer.Take();
  odradek::AppendBytes(whole, body);
  if (whole.size() > max_size) return size;
  std::memcpy(data, whole.data(), whole.size());
  return whole.size();
}
