#include "engine/protocol/reader.h"

#include <gtest/gtest.h>

#include "engine/protocol/generated/create_topics.h"
#include "engine/protocol/generated/fetch.h"
#include "engine/protocol/generated/metadata.h"
#include "engine/protocol/writer.h"

namespace odradek::protocol {
namespace {

ByteBuffer BytesOf(std::initializer_list<int> values) {
  ByteBuffer bytes;
  for (const int v : values) bytes.push_back(static_cast<std::byte>(v));
  return bytes;
}

TEST(Reader, NamesThePathAndTheOffsetOfTheFieldThatFailed) {
  CreateTopicsRequest request;
  request.topics.resize(2);
  request.topics[0].name = "a";
  request.topics[1].name = "b";
  request.topics[1].configs.resize(3);
  request.topics[1].configs[2].name = "cleanup.policy";
  Writer writer;
  request.Encode(writer, 4);
  ASSERT_FALSE(writer.error());
  const std::string text(AsString(writer.buffer()));
  const size_t at = text.find("cleanup.policy");
  Reader reader(Bytes(writer.buffer()).first(at + 3));
  CreateTopicsRequest decoded;
  EXPECT_FALSE(decoded.Decode(reader, 4));
  EXPECT_EQ(reader.error().field, "topics[1].configs[2].name");
  EXPECT_EQ(reader.error().offset, static_cast<int64_t>(at) - 2);  // its length prefix
  EXPECT_EQ(reader.error().what, "length 14, but 3 bytes are left");
}

TEST(Reader, AbsurdCountIsAnErrorBeforeAnythingIsAllocated) {
  const ByteBuffer bytes = BytesOf({0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0});
  Reader reader(bytes);
  MetadataRequest request;
  EXPECT_FALSE(request.Decode(reader, 1));
  EXPECT_EQ(reader.error().ToString(),
            "topics at byte 0: 2147483647 elements of at least 2 bytes, but 4 bytes are left");
}

TEST(Reader, MemoryOfAMessageIsBounded) {
  CreateTopicsRequest request;
  request.topics.resize(100);
  Writer writer;
  request.Encode(writer, 7);
  Reader generous(writer.buffer());
  CreateTopicsRequest decoded;
  EXPECT_TRUE(DecodeWhole(generous, 7, decoded));
  Reader strict(writer.buffer(), {.memory_bytes_max = 1000});
  EXPECT_FALSE(decoded.Decode(strict, 7));
  EXPECT_EQ(strict.error().ToString(), "topics at byte 0: the message would take more than 1000 bytes of memory");
}

TEST(Reader, NullWhereTheVersionForbidsItIsAnError) {
  const ByteBuffer bytes = BytesOf({0xff, 0xff, 0xff, 0xff});
  Reader v0(bytes);
  MetadataRequest request;
  EXPECT_FALSE(request.Decode(v0, 0));
  EXPECT_EQ(v0.error().ToString(), "topics at byte 0: null is not allowed in this version");
  Reader v1(bytes);
  EXPECT_TRUE(DecodeWhole(v1, 1, request));
  EXPECT_FALSE(request.topics.has_value());
}

TEST(Reader, NegativeLengthBelowNullIsAnError) {
  const ByteBuffer bytes = BytesOf({0xff, 0xfe});
  Reader reader(bytes);
  std::optional<std::string> out;
  EXPECT_FALSE(reader.NullableString({Form::kClassic, Nulls::kAllowed}, out));
  EXPECT_EQ(reader.error().what, "negative length -2");
}

TEST(Reader, StringLongerThanKafkaAllowsIsAnError) {
  ByteBuffer bytes = BytesOf({0x81, 0x80, 0x02});  // 32768 + 1
  bytes.resize(bytes.size() + 32768);
  Reader reader(bytes);
  std::string out;
  EXPECT_FALSE(reader.String(Form::kCompact, out));
  EXPECT_EQ(reader.error().what, "string of 32768 bytes, at most 32767 are allowed");
}

TEST(Reader, TagWhoseValueTakesOtherBytesIsAnError) {
  FetchRequest request;
  request.cluster_id = "abc";
  Writer writer;
  request.Encode(writer, 12);
  ByteBuffer bytes = writer.buffer();
  // … section of 1, tag 0, size 4, compact length 4, "abc"
  const size_t size_at = bytes.size() - 5;
  ASSERT_EQ(bytes[size_at], std::byte{4});
  bytes[size_at] = std::byte{3};
  Reader reader(bytes);
  EXPECT_FALSE(request.Decode(reader, 12));
  EXPECT_EQ(reader.error().field, "cluster_id");
}

TEST(Reader, TagOfALaterVersionIsAnError) {
  FetchRequest request;
  request.replica_state.replica_id = 7;
  Writer writer;
  request.Encode(writer, 15);
  ByteBuffer bytes = writer.buffer();
  // The same section at the end of a version 14 message: replica_id and the fixed fields before it, no topics.
  FetchRequest plain;
  Writer old;
  plain.Encode(old, 14);
  ByteBuffer mixed = old.Take();
  mixed.pop_back();
  mixed.insert(mixed.end(), bytes.end() - 16, bytes.end());
  Reader v14(mixed);
  EXPECT_FALSE(plain.Decode(v14, 14));
  EXPECT_EQ(v14.error().field, "replica_state");
  EXPECT_EQ(v14.error().what, "tag 1 is not in this version");
}

TEST(Reader, RecordsAreAViewIntoTheInput) {
  const std::string payload = "batch";
  FetchResponse response;
  response.responses.resize(1);
  response.responses[0].partitions.resize(1);
  response.responses[0].partitions[0].records = RecordsField(AsBytes(payload));
  Writer writer;
  response.Encode(writer, 12);
  Reader reader(writer.buffer());
  FetchResponse decoded;
  ASSERT_TRUE(DecodeWhole(reader, 12, decoded));
  EXPECT_EQ(decoded, response);
  const Bytes view = decoded.responses[0].partitions[0].records.bytes();
  EXPECT_GE(view.data(), writer.buffer().data());
  EXPECT_LT(view.data(), writer.buffer().data() + writer.buffer().size());
}

TEST(Reader, DecodingResetsWhatTheValueHeldBefore) {
  const ByteBuffer bytes = BytesOf({0, 0, 0, 0});
  MetadataRequest request;
  request.allow_auto_topic_creation = false;
  Reader reader(bytes);
  ASSERT_TRUE(DecodeWhole(reader, 0, request));
  EXPECT_EQ(request, MetadataRequest());
}

}  // namespace
}  // namespace odradek::protocol
