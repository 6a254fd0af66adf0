#include "engine/protocol/versioned.h"

#include <gtest/gtest.h>

#include "engine/protocol/generated/consumer_protocol.h"
#include "engine/protocol/generated/principal.h"

namespace odradek::protocol {
namespace {

ConsumerProtocolSubscription Subscription() {
  ConsumerProtocolSubscription subscription;
  subscription.topics = {"a", "b"};
  subscription.owned_partitions.push_back({.topic = "a", .partitions = {0, 2}});
  subscription.generation_id = 4;
  subscription.rack_id = "r";
  return subscription;
}

ByteBuffer Encoded(int16_t version) {
  Writer writer;
  EncodeVersioned(Subscription(), version, writer);
  EXPECT_FALSE(writer.error());
  return writer.Take();
}

TEST(Versioned, TheVersionStandsBeforeTheMessage) {
  for (int16_t version = 0; version <= ConsumerProtocolSubscription::kMaxVersion; ++version) {
    const ByteBuffer bytes = Encoded(version);
    EXPECT_EQ(LoadBigEndian<int16_t>(bytes.data()), version);
    Reader reader(bytes);
    ConsumerProtocolSubscription decoded;
    int16_t found = -1;
    ASSERT_TRUE(DecodeVersioned(reader, NewerVersion::kRefuse, decoded, found)) << reader.error().ToString();
    EXPECT_EQ(found, version);
    EXPECT_EQ(decoded.topics, Subscription().topics);
    EXPECT_EQ(decoded.owned_partitions.size(), version >= 1 ? 1u : 0u);
    EXPECT_EQ(decoded.generation_id, version >= 2 ? 4 : -1);
    EXPECT_EQ(decoded.rack_id.has_value(), version >= 3);
  }
}

// What a client of a later release sends to the group (FEATURES.md 3.4).
TEST(Versioned, ANewerVersionIsReadAsTheLatestWhereMembersPromiseIt) {
  ByteBuffer bytes = Encoded(ConsumerProtocolSubscription::kMaxVersion);
  bytes[1] = std::byte{9};
  bytes.push_back(std::byte{0x55});  // a field that we do not know
  Reader reader(bytes);
  ConsumerProtocolSubscription decoded;
  int16_t found = -1;
  ASSERT_TRUE(DecodeVersioned(reader, NewerVersion::kReadAsLatest, decoded, found)) << reader.error().ToString();
  EXPECT_EQ(found, 9);
  EXPECT_EQ(decoded, Subscription());
  EXPECT_EQ(reader.remaining_bytes(), 1);
  Reader strict(bytes);
  EXPECT_FALSE(DecodeVersioned(strict, NewerVersion::kRefuse, decoded, found));
  EXPECT_EQ(strict.error().what, "version 9 is not in 0-3");
}

TEST(Versioned, NoVersionAndOneBelowTheFirstAreErrors) {
  for (const NewerVersion newer : {NewerVersion::kRefuse, NewerVersion::kReadAsLatest}) {
    DefaultPrincipalData principal;
    int16_t found = 0;
    const ByteBuffer one_byte(1);
    Reader reader(one_byte);
    EXPECT_FALSE(DecodeVersioned(reader, newer, principal, found));
    EXPECT_EQ(reader.error().field, "version");
    const ByteBuffer negative(2, std::byte{0xff});
    Reader below(negative);
    EXPECT_FALSE(DecodeVersioned(below, newer, principal, found));
  }
}

}  // namespace
}  // namespace odradek::protocol
