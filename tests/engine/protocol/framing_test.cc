#include "engine/protocol/framing.h"

#include <gtest/gtest.h>

#include "engine/protocol/errors.h"
#include "engine/protocol/generated/api_versions.h"
#include "engine/protocol/generated/metadata.h"
#include "engine/protocol/generated/produce.h"

namespace odradek::protocol {
namespace {

std::string Hex(Bytes bytes) {
  std::string text;
  for (const std::byte b : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    text += kDigits[std::to_integer<int>(b) >> 4];
    text += kDigits[std::to_integer<int>(b) & 15];
  }
  return text;
}

ByteBuffer FromHex(const std::string& text) {
  ByteBuffer bytes;
  for (size_t i = 0; i < text.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoi(text.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

RequestHeader HeaderOf(ApiKey key, int16_t version) {
  RequestHeader header;
  header.request_api_key = static_cast<int16_t>(key);
  header.request_api_version = version;
  header.correlation_id = 1;
  header.client_id = "x";
  return header;
}

// The client id keeps its two-byte length in header version 2 (KIP-482), the body has compact strings.
TEST(Framing, ApiVersionsRequestOfAFlexibleVersionHasTheseBytes) {
  ApiVersionsRequest request;
  request.client_software_name = "kc";
  request.client_software_version = "1";
  Writer writer;
  ASSERT_TRUE(EncodeFramed(HeaderOf(ApiKey::kApiVersions, 3), request, writer));
  EXPECT_EQ(Hex(writer.buffer()),
            "00000012"  // 18 bytes follow
            "0012"
            "0003"
            "00000001"  // key 18, version 3, correlation id 1
            "0001"
            "78"
            "00"  // client id "x", no tags
            "03"
            "6b63"
            "02"
            "31"
            "00");
  Reader reader(Bytes(writer.buffer()).subspan(4));
  RequestHeader header;
  ASSERT_EQ(DecodeRequestHeader(reader, header), RequestHeaderStatus::kOk);
  EXPECT_EQ(header, HeaderOf(ApiKey::kApiVersions, 3));
  ApiVersionsRequest decoded;
  ASSERT_TRUE(DecodeWhole(reader, 3, decoded));
  EXPECT_EQ(decoded, request);
}

// 16 bytes: what a running Kafka 4.3.1 answers to an ApiVersions of a version it does not know (FEATURES.md 2.4).
TEST(Framing, UnsupportedApiVersionsAnswerHasTheseBytes) {
  ApiVersionsResponse response;
  response.error_code = ToWire(ErrorCode::kUnsupportedVersion);
  response.api_keys.push_back({.api_key = 18, .min_version = 0, .max_version = 4});
  Writer writer;
  ASSERT_TRUE(EncodeFramed(ResponseTo{ApiKey::kApiVersions, 0, 9}, response, writer));
  EXPECT_EQ(Hex(writer.buffer()),
            "00000010"
            "00000009"
            "0023"
            "00000001"
            "0012"
            "0000"
            "0004");
}

TEST(Framing, MetadataRequestForAllTopicsHasTheseBytes) {
  MetadataRequest request;
  request.topics.reset();
  Writer writer;
  ASSERT_TRUE(EncodeFramed(HeaderOf(ApiKey::kMetadata, 4), request, writer));
  EXPECT_EQ(Hex(writer.buffer()),
            "00000010"
            "0003"
            "0004"
            "00000001"
            "0001"
            "78"
            "ffffffff"
            "01");
}

TEST(Framing, ProduceRequestOfTheOldestVersionHasTheseBytes) {
  ProduceRequest request;
  request.acks = -1;
  request.timeout_ms = 1000;
  request.topic_data.resize(1);
  request.topic_data[0].name = "t";
  request.topic_data[0].partition_data.resize(1);
  request.topic_data[0].partition_data[0].index = 2;
  request.topic_data[0].partition_data[0].records = RecordsField(AsBytes("RR"));
  Writer writer;
  request.Encode(writer, 3);
  ASSERT_FALSE(writer.error());
  EXPECT_EQ(Hex(writer.buffer()),
            "ffff"
            "ffff"
            "000003e8"  // no transactional id, acks -1, 1000 ms
            "00000001"
            "0001"
            "74"  // one topic "t"
            "00000001"
            "00000002"
            "00000002"
            "5252");
}

TEST(Framing, ApiVersionsAnswersNeverHaveTaggedHeaders) {
  const ApiInfo& api = InfoOf(ApiKey::kApiVersions);
  for (int16_t version = api.min_version; version <= api.max_version; ++version) {
    EXPECT_EQ(api.ResponseHeaderVersion(version), 0);
  }
  EXPECT_EQ(InfoOf(ApiKey::kMetadata).ResponseHeaderVersion(9), 1);
  EXPECT_EQ(InfoOf(ApiKey::kMetadata).ResponseHeaderVersion(8), 0);
}

TEST(Framing, FutureVersionOfAnApiIsUnsupportedWithItsHeaderRead) {
  const ByteBuffer bytes = FromHex(
      "0012"
      "0063"
      "00000007"
      "0001"
      "78"
      "00"
      "ffff");
  Reader reader(bytes);
  RequestHeader header;
  EXPECT_EQ(DecodeRequestHeader(reader, header), RequestHeaderStatus::kUnsupportedVersion);
  EXPECT_EQ(header.correlation_id, 7);
  EXPECT_EQ(header.client_id, "x");
}

TEST(Framing, ProduceBelowTheOldestVersionIsUnsupported) {
  const ByteBuffer bytes = FromHex(
      "0000"
      "0002"
      "00000007"
      "ffff");
  Reader reader(bytes);
  RequestHeader header;
  EXPECT_EQ(DecodeRequestHeader(reader, header), RequestHeaderStatus::kUnsupportedVersion);
  EXPECT_FALSE(header.client_id.has_value());
}

TEST(Framing, UnknownApiKeyIsReported) {
  const ByteBuffer bytes = FromHex(
      "7fff"
      "0000"
      "00000007"
      "ffff");
  Reader reader(bytes);
  RequestHeader header;
  EXPECT_EQ(DecodeRequestHeader(reader, header), RequestHeaderStatus::kUnknownApi);
  EXPECT_EQ(header.request_api_key, 0x7fff);
  EXPECT_EQ(header.correlation_id, 7);
}

TEST(Framing, TruncatedHeaderIsMalformedWithItsField) {
  const ByteBuffer bytes = FromHex(
      "0003"
      "0004"
      "00000001"
      "0005"
      "78");
  for (size_t size = 0; size < bytes.size(); ++size) {
    Reader reader(Bytes(bytes).first(size));
    RequestHeader header;
    EXPECT_EQ(DecodeRequestHeader(reader, header), RequestHeaderStatus::kMalformed);
    ASSERT_TRUE(reader.failed());
    EXPECT_FALSE(reader.error().field.empty());
  }
}

}  // namespace
}  // namespace odradek::protocol
