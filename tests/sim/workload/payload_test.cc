#include "sim/workload/payload.h"

#include <gtest/gtest.h>

namespace odradek::workload {
namespace {

TEST(Payload, GivesItsValueBack) {
  for (int64_t size = 0; size < 200; ++size) {
    const auto value = static_cast<history::Value>(size) * 1'000'003;
    const ByteBuffer bytes = MakePayload(value, std::nullopt, size);
    EXPECT_EQ(bytes.size(), static_cast<size_t>(std::max(size, kPayloadBytesMin)));
    EXPECT_EQ(ValueOf({.value = Bytes(bytes)}), value);
  }
}

TEST(Payload, AnyChangedByteIsSeen) {
  const ByteBuffer good = MakePayload(17, std::nullopt, 60);
  for (size_t i = 0; i < good.size(); ++i) {
    ByteBuffer bad = good;
    bad[i] ^= std::byte{0x10};
    EXPECT_EQ(ValueOf({.value = Bytes(bad)}), history::kCorruptValue) << i;
  }
  EXPECT_EQ(ValueOf({.value = Bytes(good).first(good.size() - 1)}), history::kCorruptValue);
  EXPECT_EQ(ValueOf({}), history::kCorruptValue);
}

TEST(Payload, TheKeyMustBeTheValuesOwn) {
  const ByteBuffer keyed = MakePayload(17, 3, 60);
  const std::string key = KeyText(3);
  EXPECT_EQ(ValueOf({.key = AsBytes(key), .value = Bytes(keyed)}), 17u);
  EXPECT_EQ(ValueOf({.value = Bytes(keyed)}), history::kCorruptValue);
  EXPECT_EQ(ValueOf({.key = AsBytes("other"), .value = Bytes(keyed)}), history::kCorruptValue);
  const ByteBuffer keyless = MakePayload(17, std::nullopt, 60);
  EXPECT_EQ(ValueOf({.key = AsBytes(key), .value = Bytes(keyless)}), history::kCorruptValue);
}

TEST(Payload, ATombstoneHasItsPayloadInAHeader) {
  const ByteBuffer payload = MakePayload(17, 3, 0);
  const std::string key = KeyText(3);
  // count and bytes of the header, as in a record: lengths are zigzag varints.
  ByteBuffer bytes;
  bytes.push_back(static_cast<std::byte>(2 * kTombstoneHeader.size()));
  const Bytes name = AsBytes(kTombstoneHeader);
  bytes.insert(bytes.end(), name.begin(), name.end());
  bytes.push_back(static_cast<std::byte>(2 * payload.size()));
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  const record::RecordHeaders headers(1, bytes);
  EXPECT_EQ(ValueOf({.key = AsBytes(key), .headers = headers}), 17u);
  EXPECT_EQ(ValueOf({.headers = headers}), history::kCorruptValue);
  EXPECT_EQ(ValueOf({.key = AsBytes(key)}), history::kCorruptValue);
}

TEST(Payload, KeysAreAsManyAsWereAskedFor) {
  for (history::Value value = 0; value < 100; ++value) EXPECT_LT(KeyOf(value, 6), 6u);
  EXPECT_EQ(KeyOf(5, 1), 0u);
}

}  // namespace
}  // namespace odradek::workload
