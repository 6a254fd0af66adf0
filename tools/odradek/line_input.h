// Lines of standard input for a fiber: the wait for a person or a pipe does not hold up the node's other fibers.
// Owned by a command; Next may suspend.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/env/env.h"

namespace odradek::tool {

class LineInput {
 public:
  explicit LineInput(env::Env& env) : env_(env) {}

  // False: the end, or an error. The line is without its end and valid until the next call; the last one needs no end.
  bool Next(fiber::Fiber& self, std::string_view& line);
  // From 1.
  int64_t line_number() const { return line_number_; }
  // Empty: the input ended by itself.
  const std::string& error() const { return error_; }

 private:
  env::Env& env_;
  std::string buffer_;
  size_t next_ = 0;
  bool is_at_end_ = false;
  int64_t line_number_ = 0;
  std::string error_;
};

}  // namespace odradek::tool
