#include "properties/value_map.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <vector>

namespace odradek::properties {
namespace {

// Neighbours, far values, the one that marks unused slots: whatever a history may hold.
rc::Gen<history::Value> AnyValue() {
  return rc::gen::oneOf(rc::gen::inRange<history::Value>(0, 64), rc::gen::arbitrary<history::Value>(),
                        rc::gen::just(history::kCorruptValue));
}

RC_GTEST_PROP(ValueMap, IsAMapThatKeepsTheFirst, ()) {
  const auto values = *rc::gen::container<std::vector<history::Value>>(AnyValue());
  ValueMap<int> tested(*rc::gen::inRange<size_t>(0, 100));
  std::map<history::Value, int> model;
  int number = 0;
  for (const history::Value value : values) {
    ++number;
    const auto [at, is_first] = tested.Emplace(value, number);
    RC_ASSERT(is_first == model.emplace(value, number).second);
    RC_ASSERT(*at == model.at(value));
  }
  RC_ASSERT(tested.size() == model.size());
  for (const auto& [value, mapped] : model) RC_ASSERT(*tested.Find(value) == mapped);
  const history::Value other = *AnyValue();
  RC_ASSERT((tested.Find(other) != nullptr) == model.contains(other));
}

TEST(ValueMap, GrowsFarBeyondWhatWasExpected) {
  ValueMap<uint64_t> map;
  for (history::Value value = 0; value < 100'000; ++value) map.Emplace(value * 3, value);
  EXPECT_EQ(map.size(), 100'000u);
  for (history::Value value = 0; value < 100'000; ++value) ASSERT_EQ(*map.Find(value * 3), value);
  EXPECT_EQ(map.Find(1), nullptr);
}

}  // namespace
}  // namespace odradek::properties
