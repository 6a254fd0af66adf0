// What every fuzzer here is made of: what it feeds its input to, and its seed corpus. fuzz.cc connects them with
// libFuzzer.
//
//  1. Seeds are made by our own encoders and tools, so that a change of a format changes them.
//  2. Each seed is understood: a fuzzer whose decoder refuses everything at the first byte does not start.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/bytes.h"

namespace odradek::fuzz {

// Whole inputs. `--seeds=DIR` writes them to DIR and makes that a corpus of the run.
std::vector<std::string> Seeds();

// Feeds the input to what is under test. False: it was refused, and its error says something.
bool Understands(Bytes input);

// As one byte in front of the rest chooses among `count` targets.
inline size_t TargetOf(std::byte first, size_t count) {
  return static_cast<size_t>(first) % count;
}

inline std::string Seed(size_t target, std::string_view rest) {
  return static_cast<char>(target) + std::string(rest);
}

}  // namespace odradek::fuzz
