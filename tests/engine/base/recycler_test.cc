#include "engine/base/recycler.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace odradek::base {
namespace {

std::shared_ptr<std::string> Make(Recycler& recycler, const std::string& value) {
  return std::allocate_shared<std::string>(RecyclingAllocator<std::string>(recycler), value);
}

TEST(Recycler, GivesABlockToTheNextObject) {
  Recycler recycler(4);
  const std::string* first = nullptr;
  {
    const auto object = Make(recycler, "first");
    first = object.get();
  }
  const auto second = Make(recycler, "second");
  EXPECT_EQ(second.get(), first);
  EXPECT_EQ(*second, "second");
}

TEST(Recycler, KeepsNoMoreThanItMay) {
  Recycler recycler(2);
  std::vector<std::shared_ptr<std::string>> objects;
  for (int i = 0; i < 5; ++i) objects.push_back(Make(recycler, std::to_string(i)));
  objects.clear();
  EXPECT_EQ(recycler.spare_count(), 2u);
}

TEST(RecyclerDeathTest, OutlivesItsObjects) {
  auto recycler = std::make_unique<Recycler>(1);
  const auto object = Make(*recycler, "alive");
  EXPECT_DEATH(recycler.reset(), "in_use_count_");
}

}  // namespace
}  // namespace odradek::base
