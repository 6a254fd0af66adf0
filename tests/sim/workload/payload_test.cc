#include "sim/workload/payload.h"

#include <gtest/gtest.h>

namespace odradek::workload {
namespace {

TEST(Payload, GivesItsValueBack) {
  for (int64_t size = 0; size < 200; ++size) {
    const auto value = static_cast<history::Value>(size) * 1'000'003;
    const ByteBuffer bytes = MakePayload(value, Keyed::kNo, size);
    EXPECT_EQ(bytes.size(), static_cast<size_t>(std::max(size, kPayloadBytesMin)));
    EXPECT_EQ(ValueOf(std::nullopt, Bytes(bytes)), value);
  }
}

TEST(Payload, AnyChangedByteIsSeen) {
  const ByteBuffer good = MakePayload(17, Keyed::kNo, 60);
  for (size_t i = 0; i < good.size(); ++i) {
    ByteBuffer bad = good;
    bad[i] ^= std::byte{0x10};
    EXPECT_EQ(ValueOf(std::nullopt, Bytes(bad)), history::kCorruptValue) << i;
  }
  EXPECT_EQ(ValueOf(std::nullopt, Bytes(good).first(good.size() - 1)), history::kCorruptValue);
  EXPECT_EQ(ValueOf(std::nullopt, std::nullopt), history::kCorruptValue);
}

TEST(Payload, TheKeyMustBeTheValuesOwn) {
  const ByteBuffer keyed = MakePayload(17, Keyed::kYes, 60);
  const std::string key = KeyOf(17);
  EXPECT_EQ(ValueOf(AsBytes(key), Bytes(keyed)), 17u);
  EXPECT_EQ(ValueOf(std::nullopt, Bytes(keyed)), history::kCorruptValue);
  EXPECT_EQ(ValueOf(AsBytes("other"), Bytes(keyed)), history::kCorruptValue);
  const ByteBuffer keyless = MakePayload(17, Keyed::kNo, 60);
  EXPECT_EQ(ValueOf(AsBytes(key), Bytes(keyless)), history::kCorruptValue);
}

}  // namespace
}  // namespace odradek::workload
