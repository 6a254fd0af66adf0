// Arbitrary bytes, and what our own compressors made and the fuzzer then changed, through the decompressor of every
// codec: it ends, keeps its limit, and answers the same again after its end.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "engine/base/check.h"
#include "engine/base/prng.h"
#include "engine/record/compression.h"

namespace {

using odradek::ByteBuffer;
using odradek::Bytes;
using odradek::record::BatchError;
using odradek::record::Codec;
using odradek::record::Decompressor;

constexpr int64_t kOutputBytesMax = int64_t{1} << 20;
constexpr int kCodecCount = 5;

void ReadToTheEnd(Codec codec, Bytes compressed) {
  const auto stream = odradek::record::OpenDecompressor(codec, compressed, {.output_bytes_max = kOutputBytesMax});
  std::array<std::byte, 4096> out;
  int64_t size_bytes = 0;
  Decompressor::Result result;
  do {
    result = stream->Read(out);
    INVARIANT(result.size_bytes <= out.size());
    size_bytes += static_cast<int64_t>(result.size_bytes);
    INVARIANT(size_bytes <= kOutputBytesMax);
  } while (result.size_bytes > 0 && result.error == BatchError::kNone);
  INVARIANT(result.error == BatchError::kNone || !result.what.empty());
  INVARIANT(stream->Read(out).error == result.error);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Bytes input(reinterpret_cast<const std::byte*>(data), size);
  ReadToTheEnd(static_cast<Codec>(data[0] % kCodecCount), input.subspan(1));
  return 0;
}

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  odradek::base::Prng draws(seed);
  if (draws.Below(50) != 0) return LLVMFuzzerMutate(data, size, max_size);
  ByteBuffer plain(draws.Below(2000));
  for (std::byte& one : plain) one = static_cast<std::byte>(draws.Below(4));
  const auto codec = static_cast<uint8_t>(draws.Below(kCodecCount));
  ByteBuffer whole(1, static_cast<std::byte>(codec));
  odradek::record::Compress({.codec = static_cast<Codec>(codec)}, plain, whole);
  if (whole.size() > max_size) return size;
  std::memcpy(data, whole.data(), whole.size());
  return whole.size();
}
