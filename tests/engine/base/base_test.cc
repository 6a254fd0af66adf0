#include <gtest/gtest.h>

#include <string>

#include "engine/base/bytes.h"
#include "engine/base/context.h"
#include "engine/base/crc32c.h"
#include "engine/base/murmur2.h"
#include "engine/base/prng.h"
#include "engine/base/time.h"
#include "engine/base/uuid.h"
#include "engine/base/varint.h"
#include "rapidcheck/gtest.h"

namespace odradek {
namespace {

TEST(Crc32c, MatchesThePublishedVectors) {
  EXPECT_EQ(base::Crc32c(AsBytes("123456789")), 0xe3069283u);  // RFC 3720 B.4 and the check value of CRC catalogues
  EXPECT_EQ(base::Crc32c(AsBytes(std::string(32, '\0'))), 0x8a9136aau);
  EXPECT_EQ(base::Crc32c(AsBytes(std::string(32, '\xff'))), 0x62a8ab43u);
}

RC_GTEST_PROP(Crc32c, HardwareEqualsTablesForEverySplit, ()) {
  const auto size = *rc::gen::inRange<size_t>(0, 8000);
  std::string text(size, ' ');
  base::Prng prng(size);
  for (char& c : text) c = static_cast<char>(prng.Next());
  const auto cut = *rc::gen::inRange<size_t>(0, size + 1);
  const Bytes all = AsBytes(text);
  const uint32_t whole = base::Crc32c(all);
  RC_ASSERT(whole == base::Crc32cPortable(all));
  const uint32_t head = base::Crc32c(all.first(cut));
  RC_ASSERT(whole == base::Crc32c(all.subspan(cut), head));
}

TEST(Murmur2, MatchesTheJavaClientsVectors) {
  EXPECT_EQ(static_cast<int32_t>(base::Murmur2(AsBytes("21"))), -973932308);
  EXPECT_EQ(static_cast<int32_t>(base::Murmur2(AsBytes("foobar"))), -790332482);
  EXPECT_EQ(static_cast<int32_t>(base::Murmur2(AsBytes("a-little-bit-long-string"))), -985981536);
  EXPECT_EQ(static_cast<int32_t>(base::Murmur2(AsBytes("a-little-bit-longer-string"))), -1486304829);
}

RC_GTEST_PROP(Varint, RoundTrips, (int64_t v)) {
  ByteBuffer out;
  base::AppendVarint(out, v);
  RC_ASSERT(static_cast<int>(out.size()) == base::VarintSize(v));
  const auto back = base::ReadVarint64(out);
  RC_ASSERT(back.has_value());
  RC_ASSERT(back->value == v);
  RC_ASSERT(back->size_bytes == static_cast<int>(out.size()));
  RC_ASSERT(!base::ReadVarint64(Bytes(out).first(out.size() - 1)).has_value());
}

TEST(Varint, RejectsBitsBeyondTheType) {
  const std::string six_groups = "\xff\xff\xff\xff\xff\x01";
  EXPECT_FALSE(base::ReadUnsignedVarint32(AsBytes(six_groups)).has_value());
  EXPECT_FALSE(base::ReadUnsignedVarint32(AsBytes("\xff\xff\xff\xff\x1f")).has_value());
  EXPECT_TRUE(base::ReadUnsignedVarint32(AsBytes("\xff\xff\xff\xff\x0f")).has_value());
}

RC_GTEST_PROP(Uuid, TextRoundTrips, (uint64_t high, uint64_t low)) {
  const Uuid id{high, low};
  RC_ASSERT(Uuid::Parse(id.ToString()) == id);
}

TEST(Uuid, PrintsLikeKafka) {
  EXPECT_EQ(kMetadataTopicId.ToString(), "AAAAAAAAAAAAAAAAAAAAAQ");
  EXPECT_FALSE(Uuid::Parse("AAAAAAAAAAAAAAAAAAAAAR").has_value());  // a second spelling of the same id
}

TEST(Time, DeadlinesSaturate) {
  const auto now = MonoTime::FromNanos(5);
  EXPECT_EQ(now + Duration::SaturatingMillis(std::numeric_limits<int64_t>::max()), MonoTime::Never());
}

TEST(Prng, IsTheSameEverywhere) {
  base::Prng prng(42);
  EXPECT_EQ(prng.Next(), 13679457532755275413u);
  EXPECT_EQ(prng.Next(), 2949826092126892291u);
}

}  // namespace
}  // namespace odradek
