// What a client of the metrics page asks for: the head of one HTTP request, in whatever pieces it arrives, and the
// answers. A plain value of the fiber that serves the connection; never suspends. Bytes are input.
//
// Invariants:
//  1. The answer depends on the bytes, not on how they were cut into reads, and what follows the head is not looked at.
//  2. No more than kHeadBytesMax are kept.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/bytes.h"

namespace odradek::broker {

class MetricsRequest {
 public:
  // Prometheus sends some 300 bytes; proxies add theirs.
  static constexpr size_t kHeadBytesMax = 8192;

  enum class State : uint8_t {
    kIncomplete,
    kWantsPage,
    kRefused,  // refusal() is the whole answer
  };
  State state() const { return state_; }
  const std::string& refusal() const { return refusal_; }

  // What the client sent next. REQUIRES: incomplete.
  void Take(Bytes bytes);

 private:
  void Judge();

  State state_ = State::kIncomplete;
  std::string head_;
  std::string refusal_;
};

// The whole answer with the page.
std::string MetricsAnswer(std::string_view page);

}  // namespace odradek::broker
