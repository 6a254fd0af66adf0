// Writes Kafka's wire types. Owned by whoever encodes; never suspends.
//
// Records are either copied into the buffer or left out of it and listed as splices, so that a sender can put a range
// of a file or a view of memory there without a copy.
//
// Invariants: 1. the message is buffer() with every splice inserted at its position, in order, and size_bytes() long;
// 2. the first error stays; what is written after it is of no use.
// Source: Kafka's protocol guide "Protocol Primitive Types", KIP-482.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/uuid.h"
#include "engine/protocol/records_field.h"
#include "engine/protocol/wire_form.h"

namespace odradek::protocol {

struct EncodeError {
  std::string field;  // for instance FetchResponse.session_id
  std::string what;
  std::string ToString() const { return field + ": " + what; }
};

struct WriterOptions {
  // Records in memory that are longer become splices.
  int64_t records_copied_bytes_max = std::numeric_limits<int64_t>::max();
};

// Bytes that belong at `position` of the buffer but are not in it.
struct Splice {
  int64_t position = 0;
  RecordsField records;
};

class Writer {
 public:
  explicit Writer(WriterOptions options = {}) : options_(options) {}
  // Writes into memory that somebody else has done with; what stands in it is dropped.
  Writer(WriterOptions options, ByteBuffer reused) : options_(options), buffer_(std::move(reused)) { buffer_.clear(); }

  void Bool(bool v) { Int8(v ? 1 : 0); }
  void Int8(int8_t v) { buffer_.push_back(static_cast<std::byte>(v)); }
  void Int16(int16_t v) { AppendBigEndian(buffer_, v); }
  void Uint16(uint16_t v) { AppendBigEndian(buffer_, v); }
  void Int32(int32_t v) { AppendBigEndian(buffer_, v); }
  void Uint32(uint32_t v) { AppendBigEndian(buffer_, v); }
  void Int64(int64_t v) { AppendBigEndian(buffer_, v); }
  void Float64(double v);
  void Uuid(const odradek::Uuid& v);
  void UnsignedVarint(uint32_t v);

  // `field` names the value in an error.
  void String(Form form, std::string_view v, std::string_view field);
  void NullableString(Shape shape, const std::optional<std::string>& v, std::string_view field);
  void ByteString(Form form, Bytes v);
  void NullableByteString(Shape shape, const std::optional<ByteBuffer>& v, std::string_view field);
  void Records(Shape shape, const RecordsField& v, std::string_view field);
  void Count(Form form, size_t count);
  // A null array.
  void NullCount(Shape shape, std::string_view field);
  // The byte before a nullable struct. A null one is checked against `nulls`.
  void Present() { Int8(1); }
  void Absent(Nulls nulls, std::string_view field);

  // Tagged fields, ascending: BeginTags, then per field BeginTag, its value, EndTag.
  // A section has fewer than 128 tags and no records.
  struct TagSection {
    size_t position;
  };
  struct TagMark {
    size_t position;
  };
  TagSection BeginTags();
  TagMark BeginTag(TagSection section, uint32_t number);
  void EndTag(TagMark mark);
  void NoTags() { Int8(0); }

  bool CheckVersion(int16_t version, int16_t min, int16_t max, std::string_view message);
  // A value that the version cannot carry and that the reader must not miss.
  void Lost(std::string_view field, int16_t version);
  void Fail(std::string_view field, std::string_view what);

  // REQUIRES: four bytes at position.
  void PatchInt32(int64_t position, int32_t v);

  const std::optional<EncodeError>& error() const { return error_; }
  const ByteBuffer& buffer() const { return buffer_; }
  const std::vector<Splice>& splices() const { return splices_; }
  // With the splices.
  int64_t size_bytes() const { return static_cast<int64_t>(buffer_.size()) + spliced_bytes_; }
  // The buffer; the writer is empty afterwards. REQUIRES: no splices.
  ByteBuffer Take();

 private:
  void Length(Form form, int classic_bytes, int64_t length);

  WriterOptions options_;
  ByteBuffer buffer_;
  std::vector<Splice> splices_;
  int64_t spliced_bytes_ = 0;
  std::optional<EncodeError> error_;
};

}  // namespace odradek::protocol
