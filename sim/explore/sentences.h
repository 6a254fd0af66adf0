// What the properties say, for people: checkers, monitors, and the user's own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/lab/lab.h"

namespace odradek::explore {

struct Sentence {
  std::string property;  // several may share an id
  std::string text;
};
std::vector<Sentence> AllSentences(const lab::Lab* lab);

// All sentences of a property, one after the other; empty: there is no such property.
std::string SentenceOf(std::string_view property, const lab::Lab* lab);

}  // namespace odradek::explore
