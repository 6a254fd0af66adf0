#include "sim/lab/process.h"

#include <charconv>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/prng.h"
#include "sim/lab/journal.h"

namespace odradek::lab {
namespace {

bool Parse(std::string_view text, int64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

bool IsNumber(std::string_view text) {
  int64_t number = 0;
  return Parse(text, number);
}

const std::string& Settings::Text(std::string_view name) const {
  const auto at = values_.find(name);
  REQUIRES(at != values_.end());
  return at->second;
}

int64_t Settings::Number(std::string_view name) const {
  int64_t number = 0;
  REQUIRES(Parse(Text(name), number));
  return number;
}

void Process::Note(std::string_view what, std::string_view key, int64_t value) {
  journal_.Add({.node = node_.name, .what = std::string(what), .key = std::string(key), .value = value});
}

uint64_t Process::Draw(uint64_t bound) {
  REQUIRES(bound > 0);
  return base::BoundedDraw(env_.entropy.Next64(), bound);
}

}  // namespace odradek::lab
