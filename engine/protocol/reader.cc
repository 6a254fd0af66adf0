#include "engine/protocol/reader.h"

#include <fmt/format.h>

#include <bit>

#include "engine/base/check.h"
#include "engine/base/varint.h"

namespace odradek::protocol {

std::string DecodeError::ToString() const {
  return fmt::format("{} at byte {}: {}", field.empty() ? "message" : field, offset, what);
}

const DecodeError& Reader::error() const {
  REQUIRES(failed());
  return *error_;
}

bool Reader::FailAt(size_t offset, std::string_view what) {
  INVARIANT(offset <= in_.size());
  offset_ = offset;
  if (!error_) error_ = DecodeError{.field = {}, .offset = static_cast<int64_t>(offset), .what = std::string(what)};
  return false;
}

bool Reader::Fail(std::string_view what) {
  return FailAt(offset_, what);
}

bool Reader::FailShort(int64_t needed_bytes) {
  return Fail(fmt::format("needs {} bytes, {} are left", needed_bytes, remaining_bytes()));
}

bool Reader::At(std::string_view field) {
  REQUIRES(failed());
  std::string path(field);
  if (!error_->field.empty()) path += '.';
  error_->field.insert(0, path);
  return false;
}

bool Reader::At(std::string_view field, size_t index) {
  return At(fmt::format("{}[{}]", field, index));
}

bool Reader::Bool(bool& out) {
  int8_t raw = 0;
  if (!Fixed(raw)) return false;
  out = raw != 0;
  return true;
}

bool Reader::Float64(double& out) {
  uint64_t raw = 0;
  if (!Fixed(raw)) return false;
  out = std::bit_cast<double>(raw);
  return true;
}

bool Reader::Uuid(odradek::Uuid& out) {
  if (remaining_bytes() < 16) return FailShort(16);
  out.high = LoadBigEndian<uint64_t>(in_.data() + offset_);
  out.low = LoadBigEndian<uint64_t>(in_.data() + offset_ + 8);
  offset_ += 16;
  return true;
}

bool Reader::UnsignedVarint(uint32_t& out) {
  const auto read = base::ReadUnsignedVarint32(in_.subspan(offset_));
  if (!read) return Fail("bad or truncated unsigned varint");
  out = read->value;
  offset_ += static_cast<size_t>(read->size_bytes);
  return true;
}

bool Reader::Length(Shape shape, int classic_bytes, int64_t& length) {
  const size_t begin = offset_;
  if (shape.form == Form::kCompact) {
    uint32_t raw = 0;
    if (!UnsignedVarint(raw)) return false;
    length = static_cast<int64_t>(raw) - 1;
  } else if (classic_bytes == 2) {
    int16_t raw = 0;
    if (!Fixed(raw)) return false;
    length = raw;
  } else {
    int32_t raw = 0;
    if (!Fixed(raw)) return false;
    length = raw;
  }
  if (length < -1) return FailAt(begin, fmt::format("negative length {}", length));
  if (length == -1 && shape.nulls == Nulls::kForbidden) return FailAt(begin, "null is not allowed in this version");
  return true;
}

bool Reader::Payload(Shape shape, int classic_bytes, std::optional<Bytes>& out) {
  const size_t begin = offset_;
  int64_t length = 0;
  if (!Length(shape, classic_bytes, length)) return false;
  if (length == -1) {
    out.reset();
    return true;
  }
  if (classic_bytes == 2 && length > kStringBytesMax) {
    return FailAt(begin, fmt::format("string of {} bytes, at most {} are allowed", length, kStringBytesMax));
  }
  if (length > remaining_bytes()) {
    return FailAt(begin, fmt::format("length {}, but {} bytes are left", length, remaining_bytes()));
  }
  out = in_.subspan(offset_, static_cast<size_t>(length));
  offset_ += static_cast<size_t>(length);
  return true;
}

bool Reader::String(Form form, std::string& out) {
  std::optional<Bytes> payload;
  if (!Payload({form, Nulls::kForbidden}, 2, payload)) return false;
  out = AsString(*payload);
  return true;
}

bool Reader::NullableString(Shape shape, std::optional<std::string>& out) {
  std::optional<Bytes> payload;
  if (!Payload(shape, 2, payload)) return false;
  if (payload) {
    out.emplace(AsString(*payload));
  } else {
    out.reset();
  }
  return true;
}

bool Reader::ByteString(Form form, ByteBuffer& out) {
  std::optional<Bytes> payload;
  if (!Payload({form, Nulls::kForbidden}, 4, payload)) return false;
  out.assign(payload->begin(), payload->end());
  return true;
}

bool Reader::NullableByteString(Shape shape, std::optional<ByteBuffer>& out) {
  std::optional<Bytes> payload;
  if (!Payload(shape, 4, payload)) return false;
  if (payload) {
    out.emplace(payload->begin(), payload->end());
  } else {
    out.reset();
  }
  return true;
}

bool Reader::Records(Shape shape, RecordsField& out) {
  std::optional<Bytes> payload;
  if (!Payload(shape, 4, payload)) return false;
  out = payload ? RecordsField(*payload) : RecordsField();
  return true;
}

bool Reader::Count(Shape shape, ElementSize element, int64_t& count) {
  REQUIRES(element.wire_bytes_min > 0);
  const size_t begin = offset_;
  if (!Length(shape, 4, count)) return false;
  if (count <= 0) return true;
  if (count > remaining_bytes() / element.wire_bytes_min) {
    return FailAt(begin, fmt::format("{} elements of at least {} bytes, but {} bytes are left", count,
                                     element.wire_bytes_min, remaining_bytes()));
  }
  // No overflow: count is bounded by the bytes of the input.
  memory_bytes_ += count * element.memory_bytes;
  if (memory_bytes_ > limits_.memory_bytes_max) {
    return FailAt(begin, fmt::format("the message would take more than {} bytes of memory", limits_.memory_bytes_max));
  }
  return true;
}

bool Reader::Presence(Nulls nulls, bool& present) {
  const size_t begin = offset_;
  int8_t raw = 0;
  if (!Fixed(raw)) return false;
  present = raw >= 0;
  if (!present && nulls == Nulls::kForbidden) return FailAt(begin, "null is not allowed in this version");
  return true;
}

bool Reader::BeginTag(Tag& tag) {
  if (!UnsignedVarint(tag.number)) return false;
  const size_t begin = offset_;
  uint32_t size_bytes = 0;
  if (!UnsignedVarint(size_bytes)) return false;
  if (size_bytes > remaining_bytes()) {
    return FailAt(begin, fmt::format("tag {} of {} bytes, but {} are left", tag.number, size_bytes, remaining_bytes()));
  }
  tag.end = offset() + size_bytes;
  return true;
}

bool Reader::EndTag(const Tag& tag) {
  if (offset() == tag.end) return true;
  return Fail(fmt::format("tag {} ends at byte {}, its value does not", tag.number, tag.end));
}

bool Reader::SkipTag(const Tag& tag) {
  REQUIRES(tag.end >= offset());
  REQUIRES(tag.end <= static_cast<int64_t>(in_.size()));
  offset_ = static_cast<size_t>(tag.end);
  return true;
}

bool Reader::SkipTags() {
  uint32_t count = 0;
  if (!UnsignedVarint(count)) return false;
  for (; count > 0; --count) {
    Tag tag;
    if (!BeginTag(tag)) return false;
    if (!SkipTag(tag)) return false;
  }
  return true;
}

bool Reader::CheckVersion(int16_t version, int16_t min, int16_t max) {
  if (version >= min && version <= max) return true;
  return Fail(fmt::format("version {} is not in {}-{}", version, min, max));
}

bool Reader::ExpectEnd() {
  if (remaining_bytes() == 0) return true;
  return Fail(fmt::format("{} bytes follow the message", remaining_bytes()));
}

}  // namespace odradek::protocol
