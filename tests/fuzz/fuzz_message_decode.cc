// Bytes as every message that is not a request: the answers that clients decode, metadata records, what control records
// and internal topics hold. The input says which message and version, then comes the body.
#include "engine/base/check.h"
#include "tests/engine/protocol/message_case.h"
#include "tests/engine/protocol/random_values.h"
#include "tests/fuzz/fuzz.h"

namespace odradek::fuzz {
namespace {

using protocol::MessageCase;

const std::vector<MessageCase>& Cases() {
  static const std::vector<MessageCase> kCases = [] {
    std::vector<MessageCase> messages = protocol::AllMessageCases();
    std::erase_if(messages, [](const MessageCase& message) { return message.name.ends_with("Request"); });
    return messages;
  }();
  return kCases;
}

}  // namespace

std::vector<std::string> Seeds() {
  REQUIRES(Cases().size() <= 256);  // one byte chooses among them
  protocol::RandomValues values(1);
  std::vector<std::string> seeds;
  for (size_t i = 0; i < Cases().size(); ++i) {
    const MessageCase& message = Cases()[i];
    for (int16_t version = message.min_version; version <= message.max_version; ++version) {
      ByteBuffer body;
      REQUIRES(!message.encode_random(values, version, body));
      seeds.push_back(Seed(i, Seed(static_cast<size_t>(version - message.min_version), AsString(body))));
    }
  }
  return seeds;
}

bool Understands(Bytes input) {
  if (input.size() < 2) return false;
  const MessageCase& message = Cases()[TargetOf(input[0], Cases().size())];
  const auto versions = static_cast<size_t>(message.max_version - message.min_version + 1);
  const auto version = static_cast<int16_t>(message.min_version + static_cast<int16_t>(TargetOf(input[1], versions)));
  ByteBuffer once;
  if (const auto error = message.reencode(input.subspan(2), version, once)) {
    REQUIRES(error->offset >= 0);
    REQUIRES(error->offset <= static_cast<int64_t>(input.size()));
    REQUIRES(!error->what.empty());
    return false;
  }
  ByteBuffer twice;
  REQUIRES(!message.reencode(once, version, twice));
  REQUIRES(once == twice);
  return true;
}

}  // namespace odradek::fuzz
