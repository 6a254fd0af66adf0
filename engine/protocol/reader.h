// Reads Kafka's wire types from bytes that are not trusted. Owned by whoever decodes; never suspends.
//
// Invariants: 1. total: any bytes give a value or an error that names field and offset, nothing is asserted on;
// 2. nothing is allocated that the remaining bytes cannot justify (counts are checked against the smallest element);
// 3. after the first failure the reader stays where it failed and the error does not change, only its path grows.
// Source: Kafka's protocol guide "Protocol Primitive Types", KIP-482.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/base/uuid.h"
#include "engine/protocol/records_field.h"
#include "engine/protocol/wire_form.h"

namespace odradek::protocol {

struct DecodeError {
  std::string field;   // path, for instance topics[2].partitions[0].records
  int64_t offset = 0;  // of the first byte of the value that failed
  std::string what;
  // "topics[2].name at byte 17: …"
  std::string ToString() const;
};

struct DecodeLimits {
  // A compact array of tiny elements takes many times its wire size in memory; this bounds what one message may take.
  // The default is Kafka's largest request (100 MiB) times the usual growth.
  int64_t memory_bytes_max = int64_t{1} << 30;
};

// What an array's element takes at least on the wire and exactly in memory.
struct ElementSize {
  int64_t wire_bytes_min;
  int64_t memory_bytes;
};

struct Tag {
  uint32_t number = 0;
  int64_t end = 0;  // offset behind its last byte
};

// Every bool function: false means failed, and error() says why.
class Reader {
 public:
  explicit Reader(Bytes in, DecodeLimits limits = {}) : in_(in), limits_(limits) {}

  bool Bool(bool& out);
  bool Int8(int8_t& out) { return Fixed(out); }
  bool Int16(int16_t& out) { return Fixed(out); }
  bool Uint16(uint16_t& out) { return Fixed(out); }
  bool Int32(int32_t& out) { return Fixed(out); }
  bool Uint32(uint32_t& out) { return Fixed(out); }
  bool Int64(int64_t& out) { return Fixed(out); }
  bool Float64(double& out);
  bool Uuid(odradek::Uuid& out);
  bool UnsignedVarint(uint32_t& out);

  bool String(Form form, std::string& out);
  bool NullableString(Shape shape, std::optional<std::string>& out);
  bool ByteString(Form form, ByteBuffer& out);
  bool NullableByteString(Shape shape, std::optional<ByteBuffer>& out);
  // A view into the bytes being read.
  bool Records(Shape shape, RecordsField& out);
  // -1 is null.
  bool Count(Shape shape, ElementSize element, int64_t& count);
  // The byte before a nullable struct: negative is null.
  bool Presence(Nulls nulls, bool& present);

  bool BeginTag(Tag& tag);
  // Fails unless the field took exactly the bytes that its tag announced.
  bool EndTag(const Tag& tag);
  bool SkipTag(const Tag& tag);
  // A tag section of which no field is known.
  bool SkipTags();

  bool CheckVersion(int16_t version, int16_t min, int16_t max);
  // Fails if bytes are left.
  bool ExpectEnd();

  // Records the failure at the current offset. Always false.
  bool Fail(std::string_view what);
  // Puts a step in front of the failed field's path. Always false.
  bool At(std::string_view field);
  bool At(std::string_view field, size_t index);

  int64_t offset() const { return static_cast<int64_t>(offset_); }
  int64_t remaining_bytes() const { return static_cast<int64_t>(in_.size() - offset_); }
  bool failed() const { return error_.has_value(); }
  // REQUIRES: failed().
  const DecodeError& error() const;

 private:
  template <typename T>
  bool Fixed(T& out) {
    if (in_.size() - offset_ < sizeof(T)) return FailShort(sizeof(T));
    out = LoadBigEndian<T>(in_.data() + offset_);
    offset_ += sizeof(T);
    return true;
  }
  bool FailShort(int64_t needed_bytes);
  bool FailAt(size_t offset, std::string_view what);
  // Reads a length of `classic_bytes` bytes or a compact one; -1 is null.
  bool Length(Shape shape, int classic_bytes, int64_t& length);
  bool Payload(Shape shape, int classic_bytes, std::optional<Bytes>& out);

  Bytes in_;
  size_t offset_ = 0;
  DecodeLimits limits_;
  int64_t memory_bytes_ = 0;
  std::optional<DecodeError> error_;
};

// The message must take all bytes that are left.
template <typename Message>
bool DecodeWhole(Reader& reader, int16_t version, Message& out) {
  return out.Decode(reader, version) && reader.ExpectEnd();
}

}  // namespace odradek::protocol
