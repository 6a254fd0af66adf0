// Arbitrary bytes as a request to the metrics port, in reads of arbitrary sizes: the answer depends on the bytes alone,
// it is HTTP that a client understands, the page goes to nobody who did not ask for it, and little is kept meanwhile.
//
// An input is how many sizes of reads follow (a byte), those (a byte each), and the stream.
#include <sanitizer/allocator_interface.h>

#include <algorithm>
#include <boost/beast/http.hpp>
#include <sstream>

#include "engine/base/check.h"
#include "engine/broker/metrics_request.h"
#include "tests/fuzz/fuzz.h"

namespace odradek::fuzz {
namespace {

namespace http = boost::beast::http;
using broker::MetricsRequest;
using State = MetricsRequest::State;

// Twice the head, since a string grows by doubling, and a refusal.
constexpr size_t kKeptBytesMax = 2 * MetricsRequest::kHeadBytesMax + 1024;

void CheckAnswer(std::string_view answer, bool is_page) {
  http::response_parser<http::string_body> parser;
  boost::beast::error_code error;
  std::string_view left = answer;
  while (!left.empty() && !parser.is_done()) {
    left.remove_prefix(parser.put(boost::asio::buffer(left.data(), left.size()), error));
    INVARIANT(!error);
  }
  INVARIANT(left.empty() && parser.is_done());
  INVARIANT((parser.get().result() == http::status::ok) == is_page);
  INVARIANT(!parser.get().body().empty());
}

MetricsRequest ReadAll(Bytes stream, Bytes read_sizes) {
  const size_t before_bytes = __sanitizer_get_current_allocated_bytes();
  MetricsRequest request;
  for (size_t i = 0; !stream.empty() && request.state() == State::kIncomplete; ++i) {
    size_t size_bytes = stream.size();
    if (!read_sizes.empty()) size_bytes = std::max<size_t>(static_cast<size_t>(read_sizes[i % read_sizes.size()]), 1);
    const Bytes piece = stream.first(std::min(size_bytes, stream.size()));
    request.Take(piece);
    stream = stream.subspan(piece.size());
    INVARIANT(__sanitizer_get_current_allocated_bytes() <= before_bytes + kKeptBytesMax);
  }
  return request;
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> requests;
  for (const http::verb verb : {http::verb::get, http::verb::head, http::verb::post}) {
    for (const std::string target : {"/metrics", "/"}) {
      http::request<http::string_body> request(verb, target, 11);
      request.set(http::field::host, "localhost:9308");
      request.set(http::field::user_agent, "Prometheus/2.42.0");
      request.set(http::field::accept, "text/plain;version=0.0.4;q=1,*/*;q=0.1");
      request.set("X-Prometheus-Scrape-Timeout-Seconds", "10");
      if (verb == http::verb::post) request.body() = "a body";
      request.prepare_payload();
      std::ostringstream text;
      text << request;
      requests.push_back(text.str());
    }
  }
  // Heads about as large as one may be: room for the last header line, and none.
  for (const size_t more_bytes : {0, 1}) {
    std::string head = "GET /metrics HTTP/1.0\r\nA: ";
    head.append(MetricsRequest::kHeadBytesMax - head.size() - 4 + more_bytes, 'a');
    requests.push_back(head + "\r\n\r\n");
  }
  std::vector<std::string> seeds;
  for (const std::string& sizes : {std::string(), std::string(1, 1), std::string({100, 3})}) {
    for (const std::string& request : requests) seeds.push_back(Seed(sizes.size(), sizes + request));
  }
  return seeds;
}

bool Understands(Bytes input) {
  if (input.empty()) return false;
  const size_t size_count = std::min(static_cast<size_t>(input[0]), input.size() - 1);
  const Bytes stream = input.subspan(1 + size_count);
  const MetricsRequest request = ReadAll(stream, {});
  const MetricsRequest in_pieces = ReadAll(stream, input.subspan(1, size_count));
  INVARIANT(in_pieces.state() == request.state());
  INVARIANT(in_pieces.refusal() == request.refusal());
  const std::string_view text = AsString(stream.first(std::min(stream.size(), MetricsRequest::kHeadBytesMax)));
  const bool has_end = text.find("\r\n\r\n") != std::string_view::npos;
  switch (request.state()) {
    case State::kIncomplete:
      INVARIANT(!has_end && stream.size() < MetricsRequest::kHeadBytesMax);
      return false;
    case State::kWantsPage:
      INVARIANT(has_end && text.starts_with("GET /metrics HTTP/1."));
      CheckAnswer(broker::MetricsAnswer("a 1\n"), true);
      return true;
    case State::kRefused:
      INVARIANT(has_end || stream.size() >= MetricsRequest::kHeadBytesMax);
      CheckAnswer(request.refusal(), false);
      return request.refusal().find(" 400 ") == std::string::npos;
  }
  return false;
}

}  // namespace odradek::fuzz
