#include <gtest/gtest.h>

#include "engine/base/prng.h"
#include "tests/engine/protocol/message_case.h"

namespace odradek::protocol {
namespace {

constexpr int kRandomValuesPerVersion = 40;
constexpr int kDamagedPerVersion = 60;

// Calls check(message, version, values) for every version of every message.
template <typename Check>
void ForEveryVersion(Check check) {
  for (const MessageCase& message : AllMessageCases()) {
    for (int version = message.min_version; version <= message.max_version; ++version) {
      RandomValues values(base::HashName(message.name) + static_cast<uint64_t>(version));
      check(message, static_cast<int16_t>(version), values);
    }
  }
}

void ExpectNamed(const DecodeError& error, size_t input_bytes) {
  EXPECT_FALSE(error.field.empty()) << error.ToString();
  EXPECT_FALSE(error.what.empty()) << error.ToString();
  EXPECT_GE(error.offset, 0);
  EXPECT_LE(error.offset, static_cast<int64_t>(input_bytes));
}

// Decodes bytes that may be anything. What decodes must be stable: encoding it again changes nothing any more.
void ExpectTotal(const MessageCase& message, int16_t version, const ByteBuffer& input) {
  ByteBuffer once;
  if (const auto error = message.reencode(input, version, once)) {
    if (error->what.find("follow the message") == std::string::npos) ExpectNamed(*error, input.size());
    return;
  }
  ByteBuffer twice;
  const auto error = message.reencode(once, version, twice);
  EXPECT_FALSE(error) << message.name << " " << version << ": " << error->ToString();
  EXPECT_EQ(once, twice) << message.name << " " << version;
}

TEST(MessageCodec, EveryMessageSurvivesTheRoundTripInEveryVersion) {
  int version_count = 0;
  ForEveryVersion([&](const MessageCase& message, int16_t version, RandomValues& values) {
    ++version_count;
    for (int i = 0; i < kRandomValuesPerVersion; ++i) {
      const std::string problem = message.round_trip(values, version);
      ASSERT_EQ(problem, "") << message.name << " version " << version << " try " << i;
    }
  });
  EXPECT_GT(version_count, 700);
}

TEST(MessageCodec, EveryTruncationIsAnErrorWithFieldAndOffset) {
  ForEveryVersion([](const MessageCase& message, int16_t version, RandomValues& values) {
    ByteBuffer whole;
    ASSERT_FALSE(message.encode_random(values, version, whole));
    for (size_t size = 0; size < whole.size(); ++size) {
      // A buffer of its own, so that the address sanitizer sees a read behind its end.
      const ByteBuffer cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
      ByteBuffer out;
      const auto error = message.reencode(cut, version, out);
      ASSERT_TRUE(error) << message.name << " version " << version << " cut to " << size << " of " << whole.size();
      ExpectNamed(*error, cut.size());
    }
  });
}

TEST(MessageCodec, DamagedBytesGiveAValueOrAnError) {
  base::Prng prng(1);
  ForEveryVersion([&](const MessageCase& message, int16_t version, RandomValues& values) {
    for (int i = 0; i < kDamagedPerVersion; ++i) {
      ByteBuffer bytes;
      ASSERT_FALSE(message.encode_random(values, version, bytes));
      if (bytes.empty()) break;
      const uint64_t damages = 1 + prng.Below(3);
      for (uint64_t d = 0; d < damages; ++d) {
        const uint64_t at = prng.Below(bytes.size());
        bytes[at] = static_cast<std::byte>(prng.Next());
      }
      ExpectTotal(message, version, bytes);
    }
  });
}

TEST(MessageCodec, RandomBytesGiveAValueOrAnError) {
  base::Prng prng(2);
  ForEveryVersion([&](const MessageCase& message, int16_t version, RandomValues&) {
    for (int i = 0; i < kDamagedPerVersion; ++i) {
      ByteBuffer bytes(prng.Below(80));
      // Small numbers reach deeper than large ones.
      const uint64_t bound = prng.Below(2) == 0 ? 4 : 256;
      for (std::byte& b : bytes) b = static_cast<std::byte>(prng.Below(bound));
      ExpectTotal(message, version, bytes);
    }
  });
}

TEST(MessageCodec, TrailingBytesAreAnError) {
  ForEveryVersion([](const MessageCase& message, int16_t version, RandomValues& values) {
    ByteBuffer bytes;
    ASSERT_FALSE(message.encode_random(values, version, bytes));
    bytes.push_back(std::byte{0});
    ByteBuffer out;
    ASSERT_TRUE(message.reencode(bytes, version, out)) << message.name << " version " << version;
  });
}

TEST(MessageCodec, UnknownTagsAreSkippedInEveryFlexibleVersion) {
  ForEveryVersion([](const MessageCase& message, int16_t version, RandomValues&) {
    ByteBuffer plain;
    const auto encode_error = message.encode_default(version, plain);
    ASSERT_FALSE(encode_error) << message.name << " version " << version << ": " << encode_error->ToString();
    if (version < message.flexible_from) return;
    ByteBuffer tagged = plain;
    tagged.pop_back();  // the empty tag section of the message itself
    for (const int b : {1, 0x7f, 3, 1, 2, 3}) tagged.push_back(static_cast<std::byte>(b));  // tag 127 of 3 bytes
    ByteBuffer out;
    const auto error = message.reencode(tagged, version, out);
    ASSERT_FALSE(error) << message.name << " version " << version << ": " << error->ToString();
    EXPECT_EQ(out, plain) << message.name << " version " << version;
  });
}

TEST(MessageCodec, VersionsOutsideTheRangeAreErrors) {
  for (const MessageCase& message : AllMessageCases()) {
    ByteBuffer out;
    const auto above = static_cast<int16_t>(message.max_version + 1);
    const auto below = static_cast<int16_t>(message.min_version - 1);
    ASSERT_TRUE(message.reencode({}, above, out)) << message.name;
    ASSERT_TRUE(message.reencode({}, below, out)) << message.name;
    RandomValues values(1);
    ASSERT_TRUE(message.encode_random(values, above, out)) << message.name;
  }
}

}  // namespace
}  // namespace odradek::protocol
