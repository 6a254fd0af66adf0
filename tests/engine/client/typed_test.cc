#include "engine/client/typed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <limits>

#include "tests/engine/client/consumer_fixture.h"
#include "tests/engine/client/producer_fixture.h"

// A type of a user.
struct Point {
  int32_t x = 0;
  int32_t y = 0;
  friend bool operator==(const Point&, const Point&) = default;
};

template <>
struct odradek::client::Serde<Point> {
  static void Serialize(const Point& value, ByteBuffer& out) {
    AppendBigEndian(out, value.x);
    AppendBigEndian(out, value.y);
  }
  static absl::StatusOr<Point> Deserialize(Bytes bytes) {
    if (bytes.size() != 2 * sizeof(int32_t)) return base::InvalidArgument("not a point");
    return Point{LoadBigEndian<int32_t>(bytes.data()), LoadBigEndian<int32_t>(bytes.data() + sizeof(int32_t))};
  }
};

namespace odradek::client::testing {
namespace {

using ::testing::ElementsAre;

static_assert(RecordField<std::string>);
static_assert(RecordField<std::optional<int64_t>>);
static_assert(RecordField<Nothing>);
static_assert(RecordField<Point>);
static_assert(!RecordField<int8_t>, "Kafka has no serializer for single bytes");
static_assert(!RecordField<const char*>);

template <typename T>
ByteBuffer BytesOf(const T& value) {
  ByteBuffer out;
  Serde<T>::Serialize(value, out);
  return out;
}
ByteBuffer Raw(std::initializer_list<int> bytes) {
  ByteBuffer out;
  for (const int byte : bytes) out.push_back(static_cast<std::byte>(byte));
  return out;
}

TEST(Serde, FormatsAreThoseOfKafkasSerializers) {
  EXPECT_EQ(BytesOf<int16_t>(-2), Raw({0xff, 0xfe}));
  EXPECT_EQ(BytesOf<int32_t>(0x01020304), Raw({1, 2, 3, 4}));
  EXPECT_EQ(BytesOf<int64_t>(-1), Raw({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}));
  EXPECT_EQ(BytesOf<double>(1.5), Raw({0x3f, 0xf8, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(BytesOf<std::string>("\xc3\xa4"), Raw({0xc3, 0xa4}));
}

RC_GTEST_PROP(SerdeProperty, WhatIsWrittenIsRead, (int64_t number, std::string text)) {
  RC_ASSERT(*Serde<int64_t>::Deserialize(BytesOf(number)) == number);
  RC_ASSERT(*Serde<int16_t>::Deserialize(BytesOf(static_cast<int16_t>(number))) == static_cast<int16_t>(number));
  RC_ASSERT(*Serde<std::string>::Deserialize(BytesOf(text)) == text);
}

TEST_F(ProducerTest, TypedValuesBecomeBytes) {
  RunProducer([](fiber::Fiber& self, Producer& producer) {
    TypedProducer<std::string, std::optional<Point>> points(producer, "t");
    EXPECT_TRUE(points.SendAndWait(self, "p", Point{1, 2}).ok());
    EXPECT_TRUE(points.SendAndWait(self, "p", std::nullopt, {.timestamp = Timestamp(77)}).ok());
    SendResult last;
    TypedProducer<Nothing, int16_t> numbers(producer, "t");
    numbers.Send(self, {}, 5, [&last](const SendResult& result) { last = result; });
    producer.Flush(self);
    EXPECT_EQ(last.offset, Offset(2));
  });
  std::vector<std::optional<size_t>> value_sizes;
  for (const StoredBatch& batch : cluster_.partition("t", 0).log) {
    record::RecordIterator records(batch.header, batch.bytes);
    while (records.Next() == record::RecordIterator::Found::kRecord) {
      const auto& value = records.record().value;
      value_sizes.push_back(value ? std::optional(value->size()) : std::nullopt);
    }
  }
  EXPECT_THAT(value_sizes, ElementsAre(8u, std::nullopt, 2u));
  EXPECT_EQ(cluster_.partition("t", 0).log[1].header.max_timestamp, Timestamp(77));
}

TEST_F(ConsumerTest, BytesBecomeTypedValuesAndWhatDoesNotFitIsAProblemByItself) {
  Write(kT0, {std::string("\0\0\0\1\0\0\0\2", 8), "bad", std::string("\0\0\0\3\0\0\0\4", 8)});
  RunConsumer([](fiber::Fiber& self, Consumer& consumer) {
    consumer.Assign({kT0});
    TypedConsumer<Nothing, Point> points(consumer);
    const auto polled = points.Poll(self, Duration::Seconds(5));
    ASSERT_EQ(polled.records.size(), 2u);
    EXPECT_EQ(polled.records[0].value, (Point{1, 2}));
    EXPECT_EQ(polled.records[1].value, (Point{3, 4}));
    EXPECT_EQ(polled.records[1].offset, Offset(2));
    ASSERT_EQ(polled.problems.size(), 1u);
    EXPECT_EQ(polled.problems[0].what, "value of the record at offset 1: not a point");
    EXPECT_EQ(consumer.position(kT0), Offset(3));
    EXPECT_TRUE(consumer.SeekToBeginning(std::vector{kT0}).ok());
    const auto as_longs = ReadAs<std::string, std::optional<int64_t>>(consumer.Poll(self, Duration::Seconds(5)));
    EXPECT_EQ(as_longs.problems.at(0).what, "key of the record at offset 0: null where a value is expected");
  });
}

}  // namespace
}  // namespace odradek::client::testing
