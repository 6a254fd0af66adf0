#include "engine/broker/metrics_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/beast/http.hpp>

#include "engine/base/check.h"

namespace odradek::broker {
namespace {

namespace http = boost::beast::http;

constexpr std::string_view kHeadEnd = "\r\n\r\n";

std::string HttpAnswer(http::status status, std::string_view type, std::string_view body) {
  return fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
                     static_cast<unsigned>(status), std::string(http::obsolete_reason(status)), type, body.size(),
                     body);
}

std::string Refusal(http::status status, std::string_view why) {
  return HttpAnswer(status, "text/plain", fmt::format("{}\n", why));
}

}  // namespace

void MetricsRequest::Take(Bytes bytes) {
  REQUIRES(state_ == State::kIncomplete);
  // The end may lie across two pieces.
  const size_t look_from = head_.size() - std::min(head_.size(), kHeadEnd.size() - 1);
  head_ += AsString(bytes.first(std::min(bytes.size(), kHeadBytesMax - head_.size())));
  const size_t end = head_.find(kHeadEnd, look_from);
  if (end != std::string::npos) {
    head_.resize(end + kHeadEnd.size());
    Judge();
  } else if (head_.size() == kHeadBytesMax) {
    refusal_ = Refusal(http::status::request_header_fields_too_large,
                       fmt::format("the head of a request has at most {} bytes", kHeadBytesMax));
  }
  if (!refusal_.empty()) state_ = State::kRefused;
}

void MetricsRequest::Judge() {
  http::request_parser<http::empty_body> parser;
  parser.header_limit(kHeadBytesMax);
  boost::beast::error_code error;
  parser.put(boost::asio::buffer(head_), error);
  if (error || !parser.is_header_done()) {
    refusal_ = Refusal(http::status::bad_request, "bad request: " + error.message());
  } else if (parser.get().method() != http::verb::get) {
    refusal_ = Refusal(http::status::method_not_allowed, "only GET is served");
  } else if (parser.get().target() != "/metrics") {
    refusal_ = Refusal(http::status::not_found, "metrics are at /metrics");
  } else {
    state_ = State::kWantsPage;
  }
}

std::string MetricsAnswer(std::string_view page) {
  return HttpAnswer(http::status::ok, "text/plain; version=0.0.4", page);
}

}  // namespace odradek::broker
