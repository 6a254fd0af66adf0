#include "engine/protocol/writer.h"

#include <gtest/gtest.h>

#include "engine/protocol/framing.h"
#include "engine/protocol/generated/fetch.h"
#include "engine/protocol/generated/metadata.h"
#include "engine/protocol/generated/produce.h"

namespace odradek::protocol {
namespace {

FetchResponse ResponseWith(RecordsField records) {
  FetchResponse response;
  response.responses.resize(1);
  response.responses[0].partitions.resize(2);
  response.responses[0].partitions[0].records = records;
  response.responses[0].partitions[1].records = RecordsField(AsBytes("tail"));
  return response;
}

TEST(Writer, ExternalRecordsLeaveASpliceThatTheSizeCounts) {
  Writer writer;
  const FetchResponse response = ResponseWith(RecordsField(ExternalRecords{.size_bytes = 300, .cookie = 9}));
  ASSERT_TRUE(EncodeFramed(ResponseTo{ApiKey::kFetch, 12, 5}, response, writer));
  ASSERT_EQ(writer.splices().size(), 1u);
  const Splice& splice = writer.splices()[0];
  EXPECT_EQ(splice.records.external(), (ExternalRecords{.size_bytes = 300, .cookie = 9}));
  // What the receiver gets: the buffer with the range put in.
  ByteBuffer sent = writer.buffer();
  sent.insert(sent.begin() + splice.position, 300, std::byte{0x5a});
  EXPECT_EQ(static_cast<int64_t>(sent.size()), writer.size_bytes());
  EXPECT_EQ(LoadBigEndian<int32_t>(sent.data()), static_cast<int32_t>(sent.size()) - 4);
  Reader reader(Bytes(sent).subspan(4));
  ResponseTo to{ApiKey::kFetch, 12, 0};
  ASSERT_TRUE(DecodeResponseHeader(reader, to));
  EXPECT_EQ(to.correlation_id, 5);
  FetchResponse decoded;
  ASSERT_TRUE(DecodeWhole(reader, 12, decoded));
  const ByteBuffer range(300, std::byte{0x5a});
  EXPECT_EQ(decoded, ResponseWith(RecordsField(Bytes(range))));
}

TEST(Writer, LongViewsBecomeSplicesIfAsked) {
  const ByteBuffer range(100, std::byte{1});
  Writer writer({.records_copied_bytes_max = 99});
  ResponseWith(RecordsField(Bytes(range))).Encode(writer, 4);
  ASSERT_FALSE(writer.error());
  ASSERT_EQ(writer.splices().size(), 1u);  // "tail" is copied
  EXPECT_EQ(writer.splices()[0].records.bytes().data(), range.data());
  EXPECT_EQ(writer.size_bytes(), static_cast<int64_t>(writer.buffer().size()) + 100);
}

TEST(Writer, ValueThatTheVersionCannotCarryIsAnErrorUnlessIgnorable) {
  FetchResponse response;
  response.session_id = 3;
  Writer v6;
  response.Encode(v6, 6);
  ASSERT_TRUE(v6.error());
  EXPECT_EQ(v6.error()->ToString(), "FetchResponse.session_id: version 6 cannot carry a value");
  response.session_id = 0;
  response.error_code = 7;  // ignorable
  Writer again;
  response.Encode(again, 6);
  EXPECT_FALSE(again.error());
}

TEST(Writer, NullWhereTheVersionForbidsItIsAnError) {
  MetadataRequest request;
  request.topics.reset();
  Writer writer;
  request.Encode(writer, 0);
  ASSERT_TRUE(writer.error());
  EXPECT_EQ(writer.error()->ToString(), "MetadataRequest.topics: null is not allowed in this version");
}

TEST(Writer, StringLongerThanKafkaAllowsIsAnError) {
  MetadataResponse response;
  response.cluster_id = std::string(32768, 'x');
  Writer writer;
  response.Encode(writer, 9);
  ASSERT_TRUE(writer.error());
  EXPECT_EQ(writer.error()->field, "MetadataResponse.cluster_id");
}

TEST(Writer, TagLongerThanOneLengthByteIsMeasured) {
  FetchRequest request;
  request.cluster_id = std::string(200, 'c');
  request.replica_state.replica_id = 4;
  Writer writer;
  request.Encode(writer, 17);
  ASSERT_FALSE(writer.error());
  Reader reader(writer.buffer());
  FetchRequest decoded;
  ASSERT_TRUE(DecodeWhole(reader, 17, decoded));
  EXPECT_EQ(decoded, request);
}

TEST(RecordsField, NullEmptyAndExternalDiffer) {
  EXPECT_NE(RecordsField(), RecordsField(Bytes()));
  EXPECT_NE(RecordsField(Bytes()), RecordsField(ExternalRecords{}));
  EXPECT_EQ(RecordsField(AsBytes("ab")), RecordsField(AsBytes(std::string("ab"))));
}

}  // namespace
}  // namespace odradek::protocol
