#include "engine/record/record_parser.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/check.h"

namespace odradek::record {
namespace {

// Large enough that the decompressor's call overhead disappears, small enough for every connection to have one.
constexpr size_t kChunkBytes = size_t{32} << 10;

template <typename T>
constexpr int VarintBytesMax() {
  return sizeof(T) == 4 ? base::kVarint32BytesMax : base::kVarint64BytesMax;
}

template <typename T>
std::optional<base::VarintResult<T>> ReadVarintOf(Bytes in) {
  if constexpr (sizeof(T) == 4) {
    return base::ReadVarint32(in);
  } else {
    return base::ReadVarint64(in);
  }
}

bool PassesEnd(const ByteSource& source, int64_t record_end, int64_t size_bytes) {
  return size_bytes > record_end - source.position_bytes();
}

// A length and as many bytes; −1 is null and has none.
bool ReadField(ByteSource& source, int64_t record_end, int32_t& size_bytes) {
  if (!source.ReadVarint32(size_bytes)) return false;
  if (size_bytes == -1) return true;
  if (size_bytes < 0 || PassesEnd(source, record_end, size_bytes)) {
    return source.Fail(BatchError::kBadRecord, fmt::format("field length {} in a record that has {} bytes left",
                                                           size_bytes, record_end - source.position_bytes()));
  }
  return source.Skip(size_bytes);
}

bool ReadHeaders(ByteSource& source, int64_t record_end, int32_t header_count) {
  // Two length bytes are the least that a header can have.
  if (header_count < 0 || PassesEnd(source, record_end, int64_t{2} * header_count)) {
    return source.Fail(BatchError::kBadRecord, fmt::format("header count {} in a record that has {} bytes left",
                                                           header_count, record_end - source.position_bytes()));
  }
  for (int32_t i = 0; i < header_count; ++i) {
    int32_t key_bytes = 0;
    if (!ReadField(source, record_end, key_bytes)) return false;
    if (key_bytes < 0) return source.Fail(BatchError::kBadRecord, fmt::format("header {} has a null key", i));
    int32_t value_bytes = 0;
    if (!ReadField(source, record_end, value_bytes)) return false;
  }
  return true;
}

}  // namespace

ByteSource::ByteSource(std::unique_ptr<Decompressor> stream) : stream_(std::move(stream)) {
  if (stream_ != nullptr) chunk_.resize(kChunkBytes);
}

bool ByteSource::Fail(BatchError error, std::string what) {
  REQUIRES(error != BatchError::kNone);
  if (problem_.error == BatchError::kNone) problem_ = {error, position_, std::move(what)};
  return false;
}

bool ByteSource::Refill() {
  INVARIANT(window_left() == 0);
  if (stream_ == nullptr || problem_.error != BatchError::kNone) return false;
  const Decompressor::Result got = stream_->Read(chunk_);
  if (got.error != BatchError::kNone) return Fail(got.error, got.what);
  window_ = Bytes(chunk_).first(got.size_bytes);
  window_at_ = 0;
  return got.size_bytes > 0;
}

bool ByteSource::AtEnd() {
  return window_left() == 0 && !Refill();
}

bool ByteSource::ReadByte(std::byte& value) {
  if (AtEnd()) return Fail(BatchError::kBadRecord, "the records end inside a record");
  value = window_[window_at_];
  Advance(1);
  return true;
}

template <typename T>
bool ByteSource::ReadVarintSlowly(T& value) {
  std::byte groups[base::kVarint64BytesMax];
  size_t n = 0;
  do {
    if (n == static_cast<size_t>(VarintBytesMax<T>())) return Fail(BatchError::kBadRecord, "number too long");
    if (!ReadByte(groups[n])) return false;
  } while ((groups[n++] & std::byte{0x80}) != std::byte{0});
  const auto read = ReadVarintOf<T>(Bytes(groups, n));
  if (!read) return Fail(BatchError::kBadRecord, "number too large");
  value = read->value;
  return true;
}

bool ByteSource::ReadLongVarint32(int32_t& value) {
  const auto read = base::ReadVarint32(window_.subspan(window_at_));
  if (!read) return ReadVarintSlowly(value);
  value = read->value;
  Advance(static_cast<size_t>(read->size_bytes));
  return true;
}

bool ByteSource::ReadLongVarint64(int64_t& value) {
  const auto read = base::ReadVarint64(window_.subspan(window_at_));
  if (!read) return ReadVarintSlowly(value);
  value = read->value;
  Advance(static_cast<size_t>(read->size_bytes));
  return true;
}

bool ByteSource::Skip(int64_t size_bytes) {
  REQUIRES(size_bytes >= 0);
  while (size_bytes > 0) {
    if (AtEnd()) return Fail(BatchError::kBadRecord, "the records end inside a record");
    const size_t n = std::min(window_left(), static_cast<size_t>(size_bytes));
    Advance(n);
    size_bytes -= static_cast<int64_t>(n);
  }
  return true;
}

Bytes ByteSource::ViewBack(int64_t size_bytes) const {
  REQUIRES(size_bytes >= 0);
  REQUIRES(size_bytes <= position_);
  if (stream_ != nullptr) return {};
  const auto n = static_cast<size_t>(size_bytes);
  return window_.subspan(window_at_ - n, n);
}

bool ParseRecord(ByteSource& source, RawRecord& record) {
  record = RawRecord{};
  record.at_byte = source.position_bytes();
  int32_t size_bytes = 0;
  if (!source.ReadVarint32(size_bytes)) return false;
  if (size_bytes < 0) return source.Fail(BatchError::kBadRecord, fmt::format("record length {}", size_bytes));
  const int64_t end = source.position_bytes() + size_bytes;

  std::byte attributes{};
  if (!source.ReadByte(attributes)) return false;
  if (!source.ReadVarint64(record.timestamp_delta)) return false;
  if (!source.ReadVarint32(record.offset_delta)) return false;
  if (!ReadField(source, end, record.key_bytes)) return false;
  record.key = source.ViewBack(std::max(record.key_bytes, 0));
  if (!ReadField(source, end, record.value_bytes)) return false;
  record.value = source.ViewBack(std::max(record.value_bytes, 0));
  if (!source.ReadVarint32(record.header_count)) return false;
  const int64_t headers_at = source.position_bytes();
  if (!ReadHeaders(source, end, record.header_count)) return false;
  if (source.position_bytes() != end) {
    return source.Fail(BatchError::kBadRecord, fmt::format("record length {}, its parts have {} bytes", size_bytes,
                                                           source.position_bytes() - end + size_bytes));
  }
  record.headers = source.ViewBack(source.position_bytes() - headers_at);
  return true;
}

}  // namespace odradek::record
