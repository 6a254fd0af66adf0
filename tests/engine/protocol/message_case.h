// Every message of the build behind one set of functions, for tests and fuzzers that treat them all alike.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/protocol/reader.h"
#include "engine/protocol/writer.h"
#include "tests/engine/protocol/random_values.h"

namespace odradek::protocol {

struct MessageCase {
  std::string_view name;
  int16_t api_key;  // -1: neither request nor response
  int16_t min_version;
  int16_t max_version;
  int16_t flexible_from;
  // Encodes random values. An error is a bug of the generator.
  std::optional<EncodeError> (*encode_random)(RandomValues& values, int16_t version, ByteBuffer& out);
  // Encodes a value of which nothing was set.
  std::optional<EncodeError> (*encode_default)(int16_t version, ByteBuffer& out);
  // Fills, encodes, decodes and compares. Empty: equal.
  std::string (*round_trip)(RandomValues& values, int16_t version);
  // Decodes the whole of `in` and encodes what came out.
  std::optional<DecodeError> (*reencode)(Bytes in, int16_t version, ByteBuffer& out);
};

std::vector<MessageCase> AllMessageCases();

template <typename Message>
std::string RoundTrip(RandomValues& values, int16_t version) {
  Message original;
  Fill(original, values, version);
  Writer writer;
  original.Encode(writer, version);
  if (writer.error()) return "encode: " + writer.error()->ToString();
  Reader reader(writer.buffer());
  Message decoded;
  if (!DecodeWhole(reader, version, decoded)) return "decode: " + reader.error().ToString();
  if (!(decoded == original)) return "decoded another value than was encoded";
  return "";
}

template <typename Message>
std::optional<EncodeError> EncodeInto(const Message& message, int16_t version, ByteBuffer& out) {
  Writer writer;
  message.Encode(writer, version);
  if (writer.error()) return writer.error();
  out = writer.Take();
  return std::nullopt;
}

template <typename Message>
std::optional<EncodeError> EncodeRandom(RandomValues& values, int16_t version, ByteBuffer& out) {
  Message message;
  Fill(message, values, version);
  return EncodeInto(message, version, out);
}

template <typename Message>
std::optional<EncodeError> EncodeDefault(int16_t version, ByteBuffer& out) {
  return EncodeInto(Message(), version, out);
}

template <typename Message>
std::optional<DecodeError> Reencode(Bytes in, int16_t version, ByteBuffer& out) {
  Reader reader(in);
  Message message;
  if (!DecodeWhole(reader, version, message)) return reader.error();
  Writer writer;
  message.Encode(writer, version);
  REQUIRES(!writer.error());  // what a version carried, it can carry again
  out = writer.Take();
  return std::nullopt;
}

template <typename Message>
MessageCase CaseOf() {
  MessageCase result{.name = Message::kName,
                     .api_key = -1,
                     .min_version = Message::kMinVersion,
                     .max_version = Message::kMaxVersion,
                     .flexible_from = Message::kFlexibleFrom,
                     .encode_random = &EncodeRandom<Message>,
                     .encode_default = &EncodeDefault<Message>,
                     .round_trip = &RoundTrip<Message>,
                     .reencode = &Reencode<Message>};
  if constexpr (requires { Message::kApiKey; }) result.api_key = Message::kApiKey;
  return result;
}

}  // namespace odradek::protocol
