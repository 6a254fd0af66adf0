#include "sim/network/byte_ring.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <deque>
#include <utility>
#include <vector>

namespace odradek::sim {
namespace {

RC_GTEST_PROP(ByteRingProperty, AgreesWithADeque, ()) {
  ByteRing ring;
  std::deque<std::byte> model;
  uint8_t next = 0;
  const auto steps = *rc::gen::container<std::vector<std::pair<int, int>>>(
      rc::gen::pair(rc::gen::inRange(0, 5), rc::gen::inRange(0, 700)));
  for (const auto& [what, value] : steps) {
    const size_t size = std::min(static_cast<size_t>(value), what < 2 ? size_t{700} : model.size());
    if (what < 2) {
      ByteBuffer bytes;
      for (size_t i = 0; i < size; ++i) bytes.push_back(static_cast<std::byte>(next++));
      ring.Append(bytes);
      model.insert(model.end(), bytes.begin(), bytes.end());
    } else if (what == 2) {
      ByteBuffer taken(size);
      ring.Take(taken);
      RC_ASSERT(std::equal(taken.begin(), taken.end(), model.begin()));
      model.erase(model.begin(), model.begin() + static_cast<std::ptrdiff_t>(size));
    } else if (what == 3) {
      ring.DropFront(size);
      model.erase(model.begin(), model.begin() + static_cast<std::ptrdiff_t>(size));
    } else {
      ring.DropBack(size);
      model.resize(model.size() - size);
    }
    RC_ASSERT(ring.size() == model.size());
    for (size_t i = 0; i < model.size(); i += 97) RC_ASSERT(ring.at(i) == model[i]);
  }
}

}  // namespace
}  // namespace odradek::sim
