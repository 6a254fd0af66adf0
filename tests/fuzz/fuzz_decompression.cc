// Arbitrary bytes, and what our own compressors made and the fuzzer then changed, through the decompressor of every
// codec: it ends, keeps its limit, and answers the same again after its end.
#include <array>

#include "engine/base/check.h"
#include "engine/base/prng.h"
#include "engine/record/compression.h"
#include "tests/fuzz/fuzz.h"

namespace odradek::fuzz {
namespace {

using record::BatchError;
using record::Codec;
using record::Decompressor;

// Many times what the seeds unpack to.
constexpr int64_t kOutputBytesMax = int64_t{1} << 18;
constexpr size_t kCodecCount = 5;

bool ReadToTheEnd(Codec codec, Bytes compressed) {
  const auto stream = record::OpenDecompressor(codec, compressed, {.output_bytes_max = kOutputBytesMax});
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
  return result.error == BatchError::kNone;
}

}  // namespace

std::vector<std::string> Seeds() {
  base::Prng draws(1);
  std::vector<std::string> seeds;
  for (size_t codec = 0; codec < kCodecCount; ++codec) {
    // Nothing, a block, several blocks; what repeats itself and what does not.
    for (const size_t size_bytes : {0, 100, 40'000}) {
      for (const uint64_t letters : {4, 256}) {
        ByteBuffer plain(size_bytes);
        for (std::byte& one : plain) one = static_cast<std::byte>(draws.Below(letters));
        ByteBuffer compressed;
        record::Compress({.codec = static_cast<Codec>(codec)}, plain, compressed);
        seeds.push_back(Seed(codec, AsString(compressed)));
      }
    }
  }
  return seeds;
}

bool Understands(Bytes input) {
  if (input.empty()) return false;
  return ReadToTheEnd(static_cast<Codec>(TargetOf(input[0], kCodecCount)), input.subspan(1));
}

}  // namespace odradek::fuzz
