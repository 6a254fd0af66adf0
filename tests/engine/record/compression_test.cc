#include "engine/record/compression.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <snappy.h>

#include "engine/record/xerial.h"
#include "tests/engine/record/samples.h"

namespace odradek::record {
namespace compression_test {

struct Unpacked {
  ByteBuffer bytes;
  Decompressor::Result end;
};

Unpacked Unpack(Codec codec, Bytes compressed, const DecompressOptions& options = {}, size_t step_bytes = 1000) {
  Unpacked all;
  const auto stream = OpenDecompressor(codec, compressed, options);
  ByteBuffer chunk(step_bytes);
  for (;;) {
    all.end = stream->Read(chunk);
    if (all.end.size_bytes == 0) return all;
    AppendBytes(all.bytes, Bytes(chunk).first(all.end.size_bytes));
  }
}

ByteBuffer Packed(Codec codec, Bytes in) {
  ByteBuffer out;
  Compress({.codec = codec, .level = std::nullopt}, in, out);
  return out;
}

std::string LongText() {
  std::string text;
  for (int i = 0; i < 20000; ++i) text += "line " + std::to_string(i * 7919 % 1000) + ";";
  return text;
}

RC_GTEST_PROP(Compression, EveryCodecRoundTrips, (const std::string& noise)) {
  const Codec codec = *rc::gen::elementOf(std::vector<Codec>(std::begin(samples::kCodecs), std::end(samples::kCodecs)));
  const size_t repeat = *rc::gen::inRange<size_t>(0, 200);
  const size_t step_bytes = *rc::gen::inRange<size_t>(1, 5000);
  std::string text = noise;
  for (size_t i = 0; i < repeat; ++i) text += noise.substr(0, i) + "run";
  const Unpacked read = Unpack(codec, Packed(codec, AsBytes(text)), {}, step_bytes);
  RC_ASSERT(read.end.error == BatchError::kNone);
  RC_ASSERT(AsString(read.bytes) == text);
}

TEST(Compression, EveryLevelRoundTrips) {
  const std::string text = LongText();
  const std::vector<std::pair<Codec, std::vector<int>>> levels = {
      {Codec::kGzip, {-1, 1, 6, 9}}, {Codec::kLz4, {1, 2, 3, 9, 12, 17}}, {Codec::kZstd, {-131072, -5, 1, 3, 19, 22}}};
  for (const auto& [codec, values] : levels) {
    for (const int level : values) {
      ASSERT_TRUE(IsLevelAllowed(codec, level));
      ByteBuffer packed;
      Compress({.codec = codec, .level = level}, AsBytes(text), packed);
      EXPECT_LT(packed.size(), text.size() + 100);
      const Unpacked read = Unpack(codec, packed);
      EXPECT_TRUE(AsString(read.bytes) == text) << ToString(codec) << " " << level << " " << read.end.what;
    }
  }
}

TEST(Compression, LevelsHaveKafkasBounds) {
  EXPECT_FALSE(IsLevelAllowed(Codec::kGzip, 0));
  EXPECT_FALSE(IsLevelAllowed(Codec::kGzip, 10));
  EXPECT_FALSE(IsLevelAllowed(Codec::kLz4, 0));
  EXPECT_FALSE(IsLevelAllowed(Codec::kLz4, 18));
  EXPECT_FALSE(IsLevelAllowed(Codec::kZstd, 23));
  EXPECT_FALSE(IsLevelAllowed(Codec::kZstd, -131073));
  EXPECT_FALSE(IsLevelAllowed(Codec::kSnappy, 1));
  EXPECT_FALSE(IsLevelAllowed(Codec::kNone, 1));
}

TEST(Compression, EveryTruncationIsAnErrorOrYieldsLess) {
  const std::string text = LongText().substr(0, 3000);
  for (const Codec codec : {Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    const ByteBuffer packed = Packed(codec, AsBytes(text));
    for (size_t n = 0; n < packed.size(); ++n) {
      const Unpacked read = Unpack(codec, Bytes(packed).first(n));
      // A xerial stream has no end mark: cut behind its header it is a shorter one.
      if (codec == Codec::kSnappy && n == kXerialHeader.size()) continue;
      EXPECT_EQ(read.end.error, BatchError::kDecompression) << ToString(codec) << " " << n;
    }
  }
}

TEST(Compression, MutatedBytesNeverYieldMoreThanTheLimit) {
  const std::string text = LongText().substr(0, 2000);
  for (const Codec codec : samples::kCodecs) {
    const ByteBuffer packed = Packed(codec, AsBytes(text));
    for (size_t bit = 0; bit < packed.size() * 8; ++bit) {
      ByteBuffer mutated = packed;
      mutated[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
      const Unpacked read = Unpack(codec, mutated, {.output_bytes_max = 2500});
      EXPECT_LE(read.bytes.size(), 2500u);
    }
  }
}

TEST(Compression, LimitIsExact) {
  const std::string text = LongText().substr(0, 5000);
  for (const Codec codec : samples::kCodecs) {
    const ByteBuffer packed = Packed(codec, AsBytes(text));
    const Unpacked whole = Unpack(codec, packed, {.output_bytes_max = 5000});
    EXPECT_EQ(whole.end.error, BatchError::kNone) << ToString(codec);
    EXPECT_EQ(whole.bytes.size(), 5000u);
    const Unpacked cut = Unpack(codec, packed, {.output_bytes_max = 4999});
    EXPECT_EQ(cut.end.error, BatchError::kTooLarge) << ToString(codec);
    EXPECT_LE(cut.bytes.size(), 4999u);
  }
}

TEST(Compression, BombIsStoppedAtTheLimit) {
  const std::string zeros(size_t{64} << 20, '\0');
  for (const Codec codec : {Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    const ByteBuffer packed = Packed(codec, AsBytes(zeros));
    const Unpacked read = Unpack(codec, packed, {.output_bytes_max = 100000}, 4096);
    EXPECT_EQ(read.end.error, BatchError::kTooLarge) << ToString(codec);
    EXPECT_LE(read.bytes.size(), 100000u);
  }
}

TEST(Compression, ErrorsAndEndStay) {
  ByteBuffer packed = Packed(Codec::kGzip, AsBytes("hello"));
  ByteBuffer chunk(100);
  const auto stream = OpenDecompressor(Codec::kGzip, packed);
  EXPECT_EQ(stream->Read(chunk).size_bytes, 5u);
  EXPECT_EQ(stream->Read(chunk).size_bytes, 0u);
  EXPECT_EQ(stream->Read(chunk).error, BatchError::kNone);
  packed.pop_back();
  const auto cut = OpenDecompressor(Codec::kGzip, packed);
  EXPECT_EQ(cut->Read(chunk).size_bytes, 5u);
  EXPECT_EQ(cut->Read(chunk).error, BatchError::kDecompression);
  EXPECT_EQ(cut->Read(chunk).error, BatchError::kDecompression);
}

TEST(Compression, ConcatenatedGzipMembersAndZstdFramesRead) {
  for (const Codec codec : {Codec::kGzip, Codec::kZstd, Codec::kSnappy}) {
    ByteBuffer packed = Packed(codec, AsBytes("first "));
    AppendBytes(packed, Packed(codec, AsBytes("second")));
    EXPECT_EQ(AsString(Unpack(codec, packed).bytes), "first second") << ToString(codec);
  }
}

TEST(Compression, Lz4RefusesWhatJavaCannotRead) {
  ByteBuffer packed = Packed(Codec::kLz4, AsBytes("first"));
  ByteBuffer linked = packed;
  linked[4] &= ~std::byte{0x20};
  EXPECT_EQ(Unpack(Codec::kLz4, linked).end.what, "lz4: linked blocks");
  AppendBytes(packed, Packed(Codec::kLz4, AsBytes("second")));
  EXPECT_EQ(Unpack(Codec::kLz4, packed).end.what, "lz4: bytes behind the frame");
}

TEST(Compression, SnappyReadsRawBlocks) {
  const std::string text = LongText();
  std::string raw;
  snappy::Compress(text.data(), text.size(), &raw);
  EXPECT_TRUE(AsString(Unpack(Codec::kSnappy, AsBytes(raw)).bytes) == text);
}

TEST(Compression, SnappyWritesXerialBlocksOf32KiB) {
  const std::string text = LongText();
  const ByteBuffer packed = Packed(Codec::kSnappy, AsBytes(text));
  ASSERT_TRUE(HasXerialMagic(packed));
  size_t at = kXerialHeader.size();
  size_t blocks = 0;
  for (; at < packed.size(); ++blocks) at += 4 + static_cast<size_t>(LoadBigEndian<int32_t>(packed.data() + at));
  EXPECT_EQ(at, packed.size());
  EXPECT_EQ(blocks, (text.size() + 32767) / 32768);
}

TEST(Compression, SnappyClaimsBeyondItsInputAllocateNothing) {
  const std::string claim = "\xff\xff\xff\xff\x0f";  // 4 GiB in five bytes
  EXPECT_EQ(Unpack(Codec::kSnappy, AsBytes(claim)).end.error, BatchError::kDecompression);
  ByteBuffer framed;
  AppendBytes(framed, AsBytes(kXerialHeader));
  AppendBigEndian<int32_t>(framed, 0x7fffffff);
  EXPECT_EQ(Unpack(Codec::kSnappy, framed).end.error, BatchError::kDecompression);
}

}  // namespace compression_test
}  // namespace odradek::record
