#include "engine/record/recompress.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/base/check.h"

namespace odradek::record {
namespace {

constexpr size_t kUnpackStepBytes = size_t{64} << 10;

// The records of a compressed batch, whole.
BatchProblem UnpackRecords(Codec codec, Bytes compressed, const DecompressOptions& options, ByteBuffer& out) {
  const std::unique_ptr<Decompressor> stream = OpenDecompressor(codec, compressed, options);
  while (true) {
    const size_t filled = out.size();
    out.resize(filled + kUnpackStepBytes);
    Decompressor::Result read = stream->Read(MutableBytes(out).subspan(filled));
    out.resize(filled + read.size_bytes);
    if (read.error != BatchError::kNone) {
      return {read.error, static_cast<int64_t>(kBatchOverheadBytes), std::move(read.what)};
    }
    if (read.size_bytes == 0) return {};
  }
}

BatchProblem CheckWhole(const HeaderResult& parsed, Bytes batch) {
  if (!parsed.ok()) return parsed.problem;
  const auto given = static_cast<int64_t>(batch.size());
  const BatchHeader& header = parsed.header;
  if (given < header.size_bytes) {
    return {BatchError::kTruncated, given, fmt::format("{} of {} bytes of the batch", given, header.size_bytes)};
  }
  if (given > header.size_bytes) {
    return {BatchError::kBadLength, header.size_bytes,
            fmt::format("{} bytes behind the batch of {}", given - header.size_bytes, header.size_bytes)};
  }
  if (!header.codec()) {
    return {BatchError::kUnsupportedCodec, kAttributesAt,
            fmt::format("unsupported codec {}", header.attributes & kCodecMask)};
  }
  return {};
}

}  // namespace

RecompressResult RecompressBatch(Bytes batch, const RecompressOptions& options) {
  const HeaderResult parsed = ParseHeader(batch);
  RecompressResult result;
  result.problem = CheckWhole(parsed, batch);
  if (!result.ok()) return result;

  Bytes records = batch.subspan(kBatchOverheadBytes);
  ByteBuffer unpacked;
  if (const Codec from = *parsed.header.codec(); from != Codec::kNone) {
    result.problem = UnpackRecords(from, records, options.decompress, unpacked);
    if (!result.ok()) return result;
    records = unpacked;
  }
  result.batch.resize(kBatchOverheadBytes);
  Compress(options.compression, records, result.batch);
  if (result.batch.size() > size_t{std::numeric_limits<int32_t>::max()}) {
    result.problem = {BatchError::kTooLarge, kLengthAt, fmt::format("recompressed to {} bytes", result.batch.size())};
    return result;
  }
  BatchHeader header = parsed.header;
  header.size_bytes = static_cast<int64_t>(result.batch.size());
  header.attributes = static_cast<uint16_t>(header.attributes & ~kCodecMask);
  header.attributes |= static_cast<uint16_t>(options.compression.codec);
  WriteHeader(header, result.batch);
  StoreBigEndian<uint32_t>(result.batch.data() + kCrcAt, ComputeCrc(result.batch));
  INVARIANT(CheckCrc(result.batch));
  return result;
}

}  // namespace odradek::record
