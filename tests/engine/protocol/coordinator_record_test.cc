#include "engine/protocol/coordinator_record.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "engine/base/prng.h"
#include "tests/engine/protocol/message_case.h"

namespace odradek::protocol {
namespace {

constexpr int kRandomRecordsPerVersion = 20;

ByteBuffer BytesOf(std::string_view text) {
  const Bytes bytes = AsBytes(text);
  return {bytes.begin(), bytes.end()};
}

const MessageCase& CaseNamed(std::string_view name) {
  static const std::vector<MessageCase> kCases = AllMessageCases();
  const auto found = std::ranges::find(kCases, name, &MessageCase::name);
  EXPECT_NE(found, kCases.end()) << name;
  return *found;
}

// A number in front of a random message, as it stands in a log.
ByteBuffer Numbered(int16_t number, const MessageCase& message, int16_t version, RandomValues& values) {
  ByteBuffer body;
  EXPECT_FALSE(message.encode_random(values, version, body));
  ByteBuffer out;
  AppendBigEndian(out, number);
  AppendBytes(out, body);
  return out;
}

template <typename Log>
void ExpectSameBytesAgain(const EncodedKeyedRecord& bytes, size_t index) {
  Log record;
  DecodeError error;
  const KeyedBytes view{.key = bytes.key, .value = bytes.value ? std::optional<Bytes>(*bytes.value) : std::nullopt};
  ASSERT_EQ(DecodeCoordinatorRecord(view, record, error), KeyedRecordStatus::kOk) << error.ToString();
  EXPECT_EQ(record.index(), index);
  EncodedKeyedRecord again;
  const auto problem = EncodeCoordinatorRecord(record, again);
  ASSERT_FALSE(problem) << problem->ToString();
  EXPECT_EQ(again, bytes);
}

template <typename Log, size_t kIndex>
void ExpectTypeSurvives() {
  using Record = std::variant_alternative_t<kIndex, Log>;
  const MessageCase& key = CaseNamed(Record::Key::kName);
  const MessageCase& value = CaseNamed(Record::Value::kName);
  RandomValues values(kIndex + 1);
  for (int16_t version = value.min_version; version <= value.max_version; ++version) {
    for (int i = 0; i < kRandomRecordsPerVersion; ++i) {
      SCOPED_TRACE(std::string(value.name) + " " + std::to_string(version));
      EncodedKeyedRecord bytes;
      bytes.key = Numbered(Record::Key::kRecordType, key, 0, values);
      ExpectSameBytesAgain<Log>(bytes, kIndex);  // a tombstone
      bytes.value = Numbered(version, value, version, values);
      ExpectSameBytesAgain<Log>(bytes, kIndex);
    }
  }
}

template <typename Log>
void ExpectEveryTypeSurvives() {
  const auto each = []<size_t... kIndices>(std::index_sequence<kIndices...>) {
    (ExpectTypeSurvives<Log, kIndices>(), ...);
  };
  each(std::make_index_sequence<std::variant_size_v<Log>>());
}

template <typename Log>
std::vector<int16_t> TypesOf() {
  const auto types = []<size_t... kIndices>(std::index_sequence<kIndices...>) {
    return std::vector<int16_t>{std::variant_alternative_t<kIndices, Log>::Key::kRecordType...};
  };
  return types(std::make_index_sequence<std::variant_size_v<Log>>());
}

std::string ErrorOf(std::string_view key, std::optional<std::string_view> value, KeyedRecordStatus expected) {
  const ByteBuffer key_bytes = BytesOf(key);
  const ByteBuffer value_bytes = BytesOf(value.value_or(""));
  GroupCoordinatorRecord record;
  DecodeError error;
  const KeyedBytes in{.key = key_bytes, .value = value ? std::optional<Bytes>(value_bytes) : std::nullopt};
  EXPECT_EQ(DecodeCoordinatorRecord(in, record, error), expected);
  return error.ToString();
}

// FEATURES.md 3.4: 9 and 18 are taken by nothing that 4.3.1 knows.
TEST(CoordinatorRecord, TypesAreThoseOfKafka) {
  EXPECT_EQ(TypesOf<GroupCoordinatorRecord>(),
            (std::vector<int16_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 19, 20, 21, 22, 23}));
  EXPECT_EQ(TypesOf<TransactionCoordinatorRecord>(), std::vector<int16_t>{0});
  EXPECT_EQ(TypesOf<ShareCoordinatorRecord>(), (std::vector<int16_t>{0, 1}));
}

TEST(CoordinatorRecord, EveryTypeSurvivesTheRoundTripInEveryVersion) {
  ExpectEveryTypeSurvives<GroupCoordinatorRecord>();
  ExpectEveryTypeSurvives<TransactionCoordinatorRecord>();
  ExpectEveryTypeSurvives<ShareCoordinatorRecord>();
}

TEST(CoordinatorRecord, AnOffsetCommitIsTypeAndVersionBeforeTheFields) {
  using namespace std::string_view_literals;
  OffsetCommitRecord commit;
  commit.key = {.group = "g", .topic = "orders", .partition = 3};
  commit.value.emplace();
  commit.value->offset = 42;
  commit.value->leader_epoch = 5;
  commit.value->metadata = "m";
  commit.value->commit_timestamp = 256;
  commit.value_version = 3;
  EncodedKeyedRecord bytes;
  ASSERT_FALSE(EncodeCoordinatorRecord(GroupCoordinatorRecord(commit), bytes));
  EXPECT_EQ(AsString(bytes.key), "\0\1\0\1g\0\6orders\0\0\0\3"sv);
  ASSERT_TRUE(bytes.value);
  EXPECT_EQ(AsString(*bytes.value), "\0\3\0\0\0\0\0\0\0\x2a\0\0\0\5\0\1m\0\0\0\0\0\0\1\0"sv);
}

TEST(CoordinatorRecord, AnUnknownTypeIsToldFromDamage) {
  using namespace std::string_view_literals;
  EXPECT_EQ(ErrorOf("\0\x12\0\1g"sv, std::nullopt, KeyedRecordStatus::kUnknownType), "type at byte 2: 18 is unknown");
  EXPECT_EQ(ErrorOf("\xff\xff"sv, std::nullopt, KeyedRecordStatus::kUnknownType), "type at byte 2: -1 is unknown");
  EXPECT_EQ(ErrorOf("\0"sv, std::nullopt, KeyedRecordStatus::kMalformed), "type at byte 0: needs 2 bytes, 1 are left");
  EXPECT_EQ(ErrorOf("\0\3\0\1gx"sv, std::nullopt, KeyedRecordStatus::kMalformed),
            "ConsumerGroupMetadataKey at byte 5: 1 bytes follow the message");
}

TEST(CoordinatorRecord, AValueOfANewerVersionIsRefused) {
  using namespace std::string_view_literals;
  EXPECT_EQ(ErrorOf("\0\3\0\1g"sv, "\0\1\0\0\0\1\0"sv, KeyedRecordStatus::kMalformed),
            "ConsumerGroupMetadataValue at byte 2: version 1 is not in 0-0");
  EXPECT_EQ(ErrorOf("\0\3\0\1g"sv, ""sv, KeyedRecordStatus::kMalformed),
            "ConsumerGroupMetadataValue.version at byte 0: needs 2 bytes, 0 are left");
  EXPECT_EQ(ErrorOf("\0\3\0\1g"sv, "\0\0\0\0\0\1\0\7"sv, KeyedRecordStatus::kMalformed),
            "ConsumerGroupMetadataValue at byte 7: 1 bytes follow the message");
}

// Bytes from disk: whatever they are, they give a record that stays what it is, or an error with field and place.
template <typename Log>
void ExpectTotal(const KeyedBytes& in) {
  Log record;
  DecodeError error;
  if (DecodeCoordinatorRecord(in, record, error) != KeyedRecordStatus::kOk) {
    EXPECT_FALSE(error.field.empty());
    EXPECT_FALSE(error.what.empty());
    return;
  }
  EncodedKeyedRecord bytes;
  const auto problem = EncodeCoordinatorRecord(record, bytes);
  ASSERT_FALSE(problem) << problem->ToString();
  ExpectSameBytesAgain<Log>(bytes, record.index());
}

TEST(CoordinatorRecord, DamagedBytesGiveARecordOrAnError) {
  base::Prng prng(1);
  const MessageCase& key = CaseNamed(OffsetCommitKey::kName);
  const MessageCase& value = CaseNamed(OffsetCommitValue::kName);
  RandomValues values(1);
  for (int i = 0; i < 20'000; ++i) {
    const auto version = static_cast<int16_t>(prng.Below(5));
    ByteBuffer key_bytes = Numbered(OffsetCommitKey::kRecordType, key, 0, values);
    ByteBuffer value_bytes = Numbered(version, value, version, values);
    // Also types and versions that they are not.
    key_bytes[1] = static_cast<std::byte>(prng.Below(26));
    value_bytes[1] = static_cast<std::byte>(prng.Below(6));
    ByteBuffer& damaged = prng.Below(2) == 0 ? key_bytes : value_bytes;
    damaged[prng.Below(damaged.size())] = static_cast<std::byte>(prng.Next());
    if (prng.Below(4) == 0) damaged.resize(prng.Below(damaged.size()));
    const KeyedBytes in{.key = key_bytes, .value = Bytes(value_bytes)};
    ExpectTotal<GroupCoordinatorRecord>(in);
    ExpectTotal<TransactionCoordinatorRecord>(in);
    ExpectTotal<ShareCoordinatorRecord>(in);
  }
}

TEST(CoordinatorRecord, WhatAVersionCannotCarryIsAnError) {
  TransactionLogRecord record;
  record.key.transactional_id = "t";
  record.value.emplace();
  record.value->next_producer_id = 7;
  EncodedKeyedRecord bytes;
  const auto error = EncodeCoordinatorRecord(TransactionCoordinatorRecord(record), bytes);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->field, "TransactionLogValue.next_producer_id");
  record.value_version = 2;
  EXPECT_TRUE(EncodeCoordinatorRecord(TransactionCoordinatorRecord(record), bytes));
  record.value_version = 1;
  EXPECT_FALSE(EncodeCoordinatorRecord(TransactionCoordinatorRecord(record), bytes));
}

}  // namespace
}  // namespace odradek::protocol
