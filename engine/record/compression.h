// The four codecs of record batches. Compression is one call over all records of a batch; decompression is a stream
// that needs the codec's window and no more, so that a broker can look at the records of a batch without holding them.
// Owned by whoever opened it; nothing suspends; compressed bytes are input and never asserted on.
//
//  1. A Decompressor never yields more than output_bytes_max bytes, whatever the input claims, and allocates nothing
//     that its input cannot justify.
//  2. What Compress() writes, Kafka's Java clients read: gzip members, xerial-framed Snappy with blocks of 32 KiB, LZ4
//     frames of independent 64 KiB blocks, zstd frames. The same library version gives the same bytes.
//
// Source: protocol guide "Compression"; KIP-110 (zstd), KIP-390 (levels); LZ4 frame format 1.6; snappy-java's framing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "engine/base/bytes.h"
#include "engine/record/batch.h"

namespace odradek::record {

struct CompressionOptions {
  Codec codec = Codec::kNone;
  // nullopt: the codec's default. lz4 at Kafka's default level 9 is the fast compressor, as in Kafka.
  std::optional<int> level = std::nullopt;
};

// Whether `compression.<codec>.level` may have this value: gzip -1 and 1..9, lz4 1..17, zstd -131072..22.
bool IsLevelAllowed(Codec codec, int level);

// Appends the compressed form of `in` to `out`. REQUIRES: the level is allowed, in.size() < 2^31.
void Compress(const CompressionOptions& options, Bytes in, ByteBuffer& out);

// 128 times the default message.max.bytes. A batch that unpacks to more would hold up its shard for longer than the
// clients' patience; Kafka has no such limit.
inline constexpr int64_t kDecompressedBytesMaxDefault = int64_t{128} << 20;

struct DecompressOptions {
  int64_t output_bytes_max = kDecompressedBytesMaxDefault;
  // zstd frames of a larger window are refused. 27 (128 MiB) is what zstd level 22 needs and other readers allow.
  int zstd_window_log_max = 27;
};

class Decompressor {
 public:
  virtual ~Decompressor() = default;
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  struct Result {
    size_t size_bytes = 0;                 // 0 without an error: the end, and every byte of the input was used
    BatchError error = BatchError::kNone;  // kDecompression or kTooLarge
    std::string what = {};
  };
  // Fills a prefix of `out`. After the end or an error, answers the same again. REQUIRES: `out` is not empty.
  Result Read(MutableBytes out);

 protected:
  explicit Decompressor(int64_t output_bytes_max) : budget_bytes_(output_bytes_max) {}
  int64_t budget_bytes() const { return budget_bytes_; }

 private:
  virtual Result ReadSome(MutableBytes out) = 0;

  int64_t budget_bytes_;
  Result failed_;
};

// A stream over `compressed`, which must outlive it. kNone passes the bytes through.
std::unique_ptr<Decompressor> OpenDecompressor(Codec codec, Bytes compressed, const DecompressOptions& options = {});

}  // namespace odradek::record
