#include "engine/record/compression.h"

#include <lz4frame.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>

#include "engine/base/check.h"
#include "engine/record/xerial.h"

namespace odradek::record {
namespace {

constexpr int kGzipWindowBits = 15 + 16;  // zlib: the largest window, gzip wrapper
constexpr int kLz4DefaultLevel = 9;
constexpr size_t kXerialBlockBytes = size_t{32} << 10;

z_const Bytef* ZlibBytes(Bytes bytes) {
  return const_cast<z_const Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
}

void CompressGzip(int level, Bytes in, ByteBuffer& out) {
  z_stream stream{};
  const int init = deflateInit2(&stream, level, Z_DEFLATED, kGzipWindowBits, 8, Z_DEFAULT_STRATEGY);
  INVARIANT(init == Z_OK);
  const size_t start = out.size();
  out.resize(start + deflateBound(&stream, in.size()));
  stream.next_in = ZlibBytes(in);
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data() + start);
  stream.avail_out = static_cast<uInt>(out.size() - start);
  const int end = deflate(&stream, Z_FINISH);
  INVARIANT(end == Z_STREAM_END);
  out.resize(start + stream.total_out);
  deflateEnd(&stream);
}

void CompressSnappy(Bytes in, ByteBuffer& out) {
  AppendBytes(out, AsBytes(kXerialHeader));
  while (!in.empty()) {
    const Bytes block = in.first(std::min(in.size(), kXerialBlockBytes));
    in = in.subspan(block.size());
    const size_t start = out.size();
    out.resize(start + sizeof(int32_t) + snappy::MaxCompressedLength(block.size()));
    size_t compressed_bytes = 0;
    snappy::RawCompress(reinterpret_cast<const char*>(block.data()), block.size(),
                        reinterpret_cast<char*>(out.data() + start + sizeof(int32_t)), &compressed_bytes);
    StoreBigEndian<int32_t>(out.data() + start, static_cast<int32_t>(compressed_bytes));
    out.resize(start + sizeof(int32_t) + compressed_bytes);
  }
}

void CompressLz4(int level, Bytes in, ByteBuffer& out) {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  // Kafka's Java reader refuses linked blocks.
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  preferences.compressionLevel = level == kLz4DefaultLevel ? 0 : level;
  const size_t start = out.size();
  out.resize(start + LZ4F_compressFrameBound(in.size(), &preferences));
  const size_t n = LZ4F_compressFrame(out.data() + start, out.size() - start, in.data(), in.size(), &preferences);
  INVARIANT(!LZ4F_isError(n));
  out.resize(start + n);
}

void CompressZstd(int level, Bytes in, ByteBuffer& out) {
  const size_t start = out.size();
  out.resize(start + ZSTD_compressBound(in.size()));
  const size_t n = ZSTD_compress(out.data() + start, out.size() - start, in.data(), in.size(), level);
  INVARIANT(!ZSTD_isError(n));
  out.resize(start + n);
}

Decompressor::Result DecompressionProblem(std::string what) {
  return {.size_bytes = 0, .error = BatchError::kDecompression, .what = std::move(what)};
}

class PassThrough final : public Decompressor {
 public:
  PassThrough(Bytes in, const DecompressOptions& options) : Decompressor(options.output_bytes_max), in_(in) {}

 private:
  Result ReadSome(MutableBytes out) override {
    const size_t n = std::min(out.size(), in_.size());
    std::copy_n(in_.begin(), n, out.begin());
    in_ = in_.subspan(n);
    return {.size_bytes = n, .error = BatchError::kNone, .what = {}};
  }

  Bytes in_;
};

class GzipDecompressor final : public Decompressor {
 public:
  GzipDecompressor(Bytes in, const DecompressOptions& options) : Decompressor(options.output_bytes_max) {
    const int init = inflateInit2(&stream_, kGzipWindowBits);
    INVARIANT(init == Z_OK);
    stream_.next_in = ZlibBytes(in);
    stream_.avail_in = static_cast<uInt>(in.size());
  }
  ~GzipDecompressor() override { inflateEnd(&stream_); }

 private:
  Result ReadSome(MutableBytes out) override {
    const auto room = static_cast<uInt>(out.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = room;
    while (stream_.avail_out == room) {
      if (member_ended_) {
        if (stream_.avail_in == 0) return {};
        inflateReset(&stream_);
        member_ended_ = false;
      }
      const int rc = inflate(&stream_, Z_NO_FLUSH);
      member_ended_ = rc == Z_STREAM_END;
      if (rc == Z_BUF_ERROR) return DecompressionProblem("gzip: the stream ends early");
      if (rc != Z_OK && rc != Z_STREAM_END) {
        return DecompressionProblem(std::string("gzip: ") + (stream_.msg != nullptr ? stream_.msg : "damaged"));
      }
    }
    return {.size_bytes = room - stream_.avail_out, .error = BatchError::kNone, .what = {}};
  }

  z_stream stream_{};
  bool member_ended_ = false;
};

class Lz4Decompressor final : public Decompressor {
 public:
  Lz4Decompressor(Bytes in, const DecompressOptions& options) : Decompressor(options.output_bytes_max), in_(in) {
    const size_t rc = LZ4F_createDecompressionContext(&context_, LZ4F_VERSION);
    INVARIANT(!LZ4F_isError(rc));
  }
  ~Lz4Decompressor() override { LZ4F_freeDecompressionContext(context_); }

 private:
  // Linked blocks would be readable here but not by Kafka's Java clients, who are to read what we store.
  Result CheckDescriptor() const {
    constexpr uint32_t kMagic = 0x04224d18;  // 0x184D2204, little-endian
    constexpr size_t kFlagsAt = 4;
    constexpr auto kBlockIndependence = std::byte{0x20};
    if (in_.size() <= kFlagsAt) return DecompressionProblem("lz4: the stream ends early");
    if (LoadBigEndian<uint32_t>(in_.data()) != kMagic) return DecompressionProblem("lz4: not a frame");
    if ((in_[kFlagsAt] & kBlockIndependence) == std::byte{0}) return DecompressionProblem("lz4: linked blocks");
    return {};
  }

  Result ReadSome(MutableBytes out) override {
    if (!started_) {
      Result wrong = CheckDescriptor();
      if (wrong.error != BatchError::kNone) return wrong;
      started_ = true;
    }
    while (!ended_) {
      size_t produced = out.size();
      size_t consumed = in_.size();
      const size_t rc = LZ4F_decompress(context_, out.data(), &produced, in_.data(), &consumed, nullptr);
      if (LZ4F_isError(rc)) return DecompressionProblem(std::string("lz4: ") + LZ4F_getErrorName(rc));
      in_ = in_.subspan(consumed);
      ended_ = rc == 0;
      if (produced > 0) return {.size_bytes = produced, .error = BatchError::kNone, .what = {}};
      if (!ended_ && consumed == 0) return DecompressionProblem("lz4: the stream ends early");
    }
    if (!in_.empty()) return DecompressionProblem("lz4: bytes behind the frame");
    return {};
  }

  Bytes in_;
  LZ4F_dctx* context_ = nullptr;
  bool started_ = false;
  bool ended_ = false;
};

class ZstdDecompressor final : public Decompressor {
 public:
  ZstdDecompressor(Bytes in, const DecompressOptions& options)
      : Decompressor(options.output_bytes_max), in_{in.data(), in.size(), 0}, stream_(ZSTD_createDStream()) {
    INVARIANT(stream_ != nullptr);
    const size_t rc = ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, options.zstd_window_log_max);
    REQUIRES(!ZSTD_isError(rc));
  }
  ~ZstdDecompressor() override { ZSTD_freeDStream(stream_); }

 private:
  Result ReadSome(MutableBytes out) override {
    ZSTD_outBuffer sink{out.data(), out.size(), 0};
    while (sink.pos == 0) {
      if (frame_ended_ && in_.pos == in_.size) return {};
      const size_t consumed_before = in_.pos;
      const size_t rc = ZSTD_decompressStream(stream_, &sink, &in_);
      if (ZSTD_isError(rc)) return DecompressionProblem(std::string("zstd: ") + ZSTD_getErrorName(rc));
      frame_ended_ = rc == 0;
      const bool stuck = sink.pos == 0 && in_.pos == consumed_before;
      if (stuck && !frame_ended_) return DecompressionProblem("zstd: the stream ends early");
    }
    return {.size_bytes = sink.pos, .error = BatchError::kNone, .what = {}};
  }

  ZSTD_inBuffer in_;
  ZSTD_DStream* stream_;
  bool frame_ended_ = false;
};

// Either framing. A block is the unit of Snappy: its output is held as a whole, the input justifies its size.
class SnappyDecompressor final : public Decompressor {
 public:
  SnappyDecompressor(Bytes in, const DecompressOptions& options) : Decompressor(options.output_bytes_max), in_(in) {
    xerial_ = HasXerialMagic(in_);
  }

 private:
  Result ReadSome(MutableBytes out) override {
    while (block_at_ == block_.size()) {
      Result wrong = NextBlock();
      if (wrong.error != BatchError::kNone) return wrong;
      if (ended_) return {};
    }
    const size_t n = std::min(out.size(), block_.size() - block_at_);
    std::copy_n(block_.begin() + static_cast<std::ptrdiff_t>(block_at_), n, out.begin());
    block_at_ += n;
    return {.size_bytes = n, .error = BatchError::kNone, .what = {}};
  }

  Result NextBlock() {
    if (!xerial_) {
      if (ended_after_raw_) {
        ended_ = true;
        return {};
      }
      ended_after_raw_ = true;
      return Unpack(in_);
    }
    // Streams may follow each other, each with its header.
    while (HasXerialMagic(in_)) in_ = in_.subspan(std::min(in_.size(), kXerialHeader.size()));
    if (in_.empty()) {
      ended_ = true;
      return {};
    }
    if (in_.size() < sizeof(int32_t)) return DecompressionProblem("snappy: the stream ends early");
    const auto length = LoadBigEndian<int32_t>(in_.data());
    in_ = in_.subspan(sizeof(int32_t));
    if (length < 0 || static_cast<size_t>(length) > in_.size()) {
      return DecompressionProblem("snappy: block length " + std::to_string(length) + ", " + std::to_string(in_.size()) +
                                  " bytes are left");
    }
    const Bytes block = in_.first(static_cast<size_t>(length));
    in_ = in_.subspan(block.size());
    return Unpack(block);
  }

  Result Unpack(Bytes block) {
    // The densest element of the format makes 64 bytes of 3.
    constexpr size_t kExpansionMax = 22;
    const auto* data = reinterpret_cast<const char*>(block.data());
    size_t size = 0;
    if (!snappy::GetUncompressedLength(data, block.size(), &size) || size > block.size() * kExpansionMax) {
      return DecompressionProblem("snappy: wrong block size");
    }
    if (static_cast<int64_t>(size) > budget_bytes()) {
      return {.size_bytes = 0, .error = BatchError::kTooLarge, .what = "snappy: block above the limit"};
    }
    block_.resize(size);
    block_at_ = 0;
    if (!snappy::RawUncompress(data, block.size(), reinterpret_cast<char*>(block_.data()))) {
      return DecompressionProblem("snappy: damaged block");
    }
    return {};
  }

  Bytes in_;
  ByteBuffer block_;
  size_t block_at_ = 0;
  bool xerial_ = false;
  bool ended_after_raw_ = false;
  bool ended_ = false;
};

}  // namespace

bool IsLevelAllowed(Codec codec, int level) {
  switch (codec) {
    case Codec::kGzip:
      return level == -1 || (level >= 1 && level <= 9);
    case Codec::kLz4:
      return level >= 1 && level <= 17;
    case Codec::kZstd:
      return level >= -131072 && level <= 22;
    case Codec::kNone:
    case Codec::kSnappy:
      return false;
  }
  return false;
}

void Compress(const CompressionOptions& options, Bytes in, ByteBuffer& out) {
  REQUIRES(!options.level || IsLevelAllowed(options.codec, *options.level));
  REQUIRES(in.size() <= static_cast<size_t>(std::numeric_limits<int32_t>::max()));
  switch (options.codec) {
    case Codec::kNone:
      return AppendBytes(out, in);
    case Codec::kGzip:
      return CompressGzip(options.level.value_or(Z_DEFAULT_COMPRESSION), in, out);
    case Codec::kSnappy:
      return CompressSnappy(in, out);
    case Codec::kLz4:
      return CompressLz4(options.level.value_or(kLz4DefaultLevel), in, out);
    case Codec::kZstd:
      return CompressZstd(options.level.value_or(ZSTD_CLEVEL_DEFAULT), in, out);
  }
}

Decompressor::Result Decompressor::Read(MutableBytes out) {
  REQUIRES(!out.empty());
  if (failed_.error != BatchError::kNone) return failed_;
  std::byte probe[1];
  const bool spent = budget_bytes_ == 0;
  const size_t room = std::min<size_t>({out.size(), static_cast<size_t>(budget_bytes_), size_t{1} << 30});
  Result result = ReadSome(spent ? MutableBytes(probe) : out.first(room));
  if (spent && result.size_bytes > 0) {
    result = {.size_bytes = 0, .error = BatchError::kTooLarge, .what = "decompressed records above the limit"};
  }
  if (result.error != BatchError::kNone) failed_ = result;
  budget_bytes_ -= static_cast<int64_t>(result.size_bytes);
  INVARIANT(budget_bytes_ >= 0);
  return result;
}

std::unique_ptr<Decompressor> OpenDecompressor(Codec codec, Bytes compressed, const DecompressOptions& options) {
  REQUIRES(options.output_bytes_max >= 0);
  REQUIRES(compressed.size() <= static_cast<size_t>(std::numeric_limits<int32_t>::max()));
  switch (codec) {
    case Codec::kNone:
      return std::make_unique<PassThrough>(compressed, options);
    case Codec::kGzip:
      return std::make_unique<GzipDecompressor>(compressed, options);
    case Codec::kSnappy:
      return std::make_unique<SnappyDecompressor>(compressed, options);
    case Codec::kLz4:
      return std::make_unique<Lz4Decompressor>(compressed, options);
    case Codec::kZstd:
      return std::make_unique<ZstdDecompressor>(compressed, options);
  }
  return nullptr;
}

}  // namespace odradek::record
