#include "engine/broker/metrics_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace odradek::broker {
namespace {

using State = MetricsRequest::State;
using ::testing::EndsWith;
using ::testing::StartsWith;

MetricsRequest Ask(std::string_view stream, size_t read_bytes) {
  MetricsRequest request;
  for (size_t at = 0; at < stream.size() && request.state() == State::kIncomplete; at += read_bytes) {
    request.Take(AsBytes(stream.substr(at, read_bytes)));
  }
  return request;
}

// Sizes that divide the limit, that do not, and all at once.
constexpr size_t kReadSizes[] = {1, 3, 1000, 1024, 100000};

TEST(MetricsRequest, GivesThePageToAGetOfMetricsAlone) {
  for (const size_t read_bytes : kReadSizes) {
    EXPECT_EQ(Ask("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", read_bytes).state(), State::kWantsPage);
    EXPECT_EQ(Ask("GET /metrics HTTP/1.1\r\nHost: a\r\n", read_bytes).state(), State::kIncomplete);
    EXPECT_THAT(Ask("GET / HTTP/1.1\r\n\r\n", read_bytes).refusal(), StartsWith("HTTP/1.1 404 Not Found\r\n"));
    EXPECT_THAT(Ask("POST /metrics HTTP/1.1\r\n\r\n", read_bytes).refusal(),
                StartsWith("HTTP/1.1 405 Method Not Allowed\r\n"));
    EXPECT_THAT(Ask("hello\r\n\r\n", read_bytes).refusal(), StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  }
}

TEST(MetricsRequest, RefusesAHeadThatIsTooLargeHoweverItIsCut) {
  std::string head = "GET /metrics HTTP/1.1\r\nA: ";
  head.append(MetricsRequest::kHeadBytesMax - head.size() - 4, 'a');
  for (const size_t read_bytes : kReadSizes) {
    EXPECT_EQ(Ask(head + "\r\n\r\n", read_bytes).state(), State::kWantsPage);
    EXPECT_THAT(Ask(head + "a\r\n\r\n", read_bytes).refusal(),
                StartsWith("HTTP/1.1 431 Request Header Fields Too Large\r\n"));
  }
}

TEST(MetricsRequest, DoesNotLookAtWhatFollowsTheHead) {
  const std::string stream = "GET /metrics HTTP/1.1\r\nContent-Length: 20000\r\n\r\n" + std::string(20000, 'x');
  for (const size_t read_bytes : kReadSizes) EXPECT_EQ(Ask(stream, read_bytes).state(), State::kWantsPage);
}

TEST(MetricsRequest, AnswersSayHowLongTheyAre) {
  EXPECT_THAT(MetricsAnswer("a 1\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(MetricsAnswer("a 1\n"), EndsWith("Content-Length: 4\r\nConnection: close\r\n\r\na 1\n"));
}

}  // namespace
}  // namespace odradek::broker
