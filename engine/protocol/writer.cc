#include "engine/protocol/writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/varint.h"

namespace odradek::protocol {

void Writer::Float64(double v) {
  AppendBigEndian(buffer_, std::bit_cast<uint64_t>(v));
}

void Writer::Uuid(const odradek::Uuid& v) {
  AppendBigEndian(buffer_, v.high);
  AppendBigEndian(buffer_, v.low);
}

void Writer::UnsignedVarint(uint32_t v) {
  base::AppendUnsignedVarint(buffer_, v);
}

void Writer::Length(Form form, int classic_bytes, int64_t length) {
  REQUIRES(length >= -1);
  if (form == Form::kCompact) {
    base::AppendUnsignedVarint(buffer_, static_cast<uint64_t>(length + 1));
  } else if (classic_bytes == 2) {
    Int16(static_cast<int16_t>(length));
  } else {
    Int32(static_cast<int32_t>(length));
  }
}

void Writer::String(Form form, std::string_view v, std::string_view field) {
  const auto size_bytes = static_cast<int64_t>(v.size());
  if (size_bytes > kStringBytesMax) {
    Fail(field, fmt::format("string of {} bytes, at most {} are allowed", size_bytes, kStringBytesMax));
    return;
  }
  Length(form, 2, size_bytes);
  AppendBytes(buffer_, AsBytes(v));
}

void Writer::NullableString(Shape shape, const std::optional<std::string>& v, std::string_view field) {
  if (v) {
    String(shape.form, *v, field);
  } else if (shape.nulls == Nulls::kAllowed) {
    Length(shape.form, 2, -1);
  } else {
    Fail(field, "null is not allowed in this version");
  }
}

void Writer::ByteString(Form form, Bytes v) {
  Length(form, 4, static_cast<int64_t>(v.size()));
  AppendBytes(buffer_, v);
}

void Writer::NullableByteString(Shape shape, const std::optional<ByteBuffer>& v, std::string_view field) {
  if (v) {
    ByteString(shape.form, *v);
  } else {
    NullCount(shape, field);
  }
}

void Writer::Records(Shape shape, const RecordsField& v, std::string_view field) {
  if (v.is_null()) {
    NullCount(shape, field);
    return;
  }
  Length(shape.form, 4, v.size_bytes());
  if (v.is_external() || v.size_bytes() > options_.records_copied_bytes_max) {
    splices_.push_back({.position = static_cast<int64_t>(buffer_.size()), .records = v});
    spliced_bytes_ += v.size_bytes();
  } else {
    AppendBytes(buffer_, v.bytes());
  }
}

void Writer::Count(Form form, size_t count) {
  Length(form, 4, static_cast<int64_t>(count));
}

void Writer::NullCount(Shape shape, std::string_view field) {
  if (shape.nulls == Nulls::kAllowed) {
    Length(shape.form, 4, -1);
  } else {
    Fail(field, "null is not allowed in this version");
  }
}

void Writer::Absent(Nulls nulls, std::string_view field) {
  if (nulls == Nulls::kAllowed) {
    Int8(-1);
  } else {
    Fail(field, "null is not allowed in this version");
  }
}

Writer::TagSection Writer::BeginTags() {
  const TagSection section{buffer_.size()};
  Int8(0);
  return section;
}

Writer::TagMark Writer::BeginTag(TagSection section, uint32_t number) {
  REQUIRES(section.position < buffer_.size());
  const int count = std::to_integer<int>(buffer_[section.position]) + 1;
  INVARIANT(count < 0x80);
  buffer_[section.position] = static_cast<std::byte>(count);
  UnsignedVarint(number);
  return {buffer_.size()};
}

void Writer::EndTag(TagMark mark) {
  REQUIRES(mark.position <= buffer_.size());
  INVARIANT(splices_.empty() || splices_.back().position <= static_cast<int64_t>(mark.position));
  const auto size_bytes = static_cast<uint32_t>(buffer_.size() - mark.position);
  const auto prefix_bytes = static_cast<size_t>(base::UnsignedVarintSize(size_bytes));
  UnsignedVarint(size_bytes);
  // The prefix was written behind the value: bring it to the front.
  const auto begin = buffer_.begin() + static_cast<ptrdiff_t>(mark.position);
  std::rotate(begin, buffer_.end() - static_cast<ptrdiff_t>(prefix_bytes), buffer_.end());
}

bool Writer::CheckVersion(int16_t version, int16_t min, int16_t max, std::string_view message) {
  if (version >= min && version <= max) return true;
  Fail(message, fmt::format("version {} is not in {}-{}", version, min, max));
  return false;
}

void Writer::Lost(std::string_view field, int16_t version) {
  Fail(field, fmt::format("version {} cannot carry a value", version));
}

void Writer::Fail(std::string_view field, std::string_view what) {
  if (!error_) error_ = EncodeError{.field = std::string(field), .what = std::string(what)};
}

void Writer::PatchInt32(int64_t position, int32_t v) {
  REQUIRES(position >= 0);
  REQUIRES(position + 4 <= static_cast<int64_t>(buffer_.size()));
  StoreBigEndian(buffer_.data() + position, v);
}

ByteBuffer Writer::Take() {
  REQUIRES(splices_.empty());
  return std::exchange(buffer_, {});
}

}  // namespace odradek::protocol
