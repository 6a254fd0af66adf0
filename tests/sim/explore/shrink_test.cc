#include "sim/explore/shrink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

namespace odradek::explore {
namespace shrink_test {

using sim::plan::Plan;
using testing::ElementsAre;
using testing::IsEmpty;

Plan PlanOf(int event_count) {
  Plan plan;
  for (int i = 1; i <= event_count; ++i) {
    sim::plan::Event& event = *plan.add_event();
    event.set_id(static_cast<uint32_t>(i));
    event.mutable_trigger()->set_at_ns(i * 1'234'567'891LL);
    event.mutable_target()->set_node("b1");
    event.mutable_action()->mutable_crash()->set_restart_after_ns(3'000'000'001);
  }
  return plan;
}

std::vector<uint32_t> IdsOf(const Plan& plan) {
  std::vector<uint32_t> ids;
  for (const auto& event : plan.event()) ids.push_back(event.id());
  return ids;
}

RunResult Failure(Verdict verdict, std::string_view property) {
  RunResult result;
  result.set_scenario("s");
  result.set_seed(1);
  result.set_verdict(verdict);
  result.add_violations()->set_property(std::string(property));
  return result;
}

// Fails as long as all of `needed` are there.
PlanRunner Needs(std::set<uint32_t> needed) {
  return [needed = std::move(needed)](const Plan& plan) {
    const std::vector<uint32_t> ids = IdsOf(plan);
    const bool fails =
        std::all_of(needed.begin(), needed.end(), [&](uint32_t id) { return std::count(ids.begin(), ids.end(), id); });
    return fails ? Failure(SAFETY, "H2") : RunResult();
  };
}

ShrinkOptions Workers(int count) {
  ShrinkOptions options;
  options.workers.worker_count = count;
  return options;
}

TEST(Shrink, KeepsTheEventsThatAreNeeded) {
  const ShrinkResult result = ShrinkPlan(PlanOf(21), Failure(SAFETY, "H2"), Workers(2), Needs({3, 4, 17}));
  EXPECT_THAT(IdsOf(result.plan), ElementsAre(3, 4, 17));
  EXPECT_EQ(result.failure.verdict(), SAFETY);
}

TEST(Shrink, AnEmptyPlanIsTriedFirst) {
  const ShrinkResult result = ShrinkPlan(PlanOf(9), Failure(SAFETY, "H2"), Workers(1), Needs({}));
  EXPECT_THAT(IdsOf(result.plan), IsEmpty());
  EXPECT_EQ(result.run_count, 1u);
}

TEST(Shrink, RoundsTimesAndShortensFaults) {
  const ShrinkResult result = ShrinkPlan(PlanOf(3), Failure(SAFETY, "H2"), Workers(1), [](const Plan& plan) {
    const bool fails = plan.event_size() > 0 && plan.event(0).trigger().at_ns() >= 1'200'000'000 &&
                       plan.event(0).action().crash().restart_after_ns() >= 40'000'000;
    return fails ? Failure(SAFETY, "H2") : RunResult();
  });
  ASSERT_EQ(result.plan.event_size(), 1);
  EXPECT_EQ(result.plan.event(0).trigger().at_ns() % 100'000'000, 0);
  EXPECT_EQ(result.plan.event(0).action().crash().restart_after_ns(), 46'000'000);
}

TEST(Shrink, TheNumberOfWorkersChangesNothing) {
  const ShrinkResult one = ShrinkPlan(PlanOf(30), Failure(SAFETY, "H2"), Workers(1), Needs({2, 29}));
  const ShrinkResult three = ShrinkPlan(PlanOf(30), Failure(SAFETY, "H2"), Workers(3), Needs({2, 29}));
  EXPECT_EQ(one.plan.SerializeAsString(), three.plan.SerializeAsString());
  EXPECT_EQ(one.run_count, three.run_count);
}

TEST(Shrink, AnotherFailureIsNotTheSame) {
  const ShrinkResult result = ShrinkPlan(PlanOf(4), Failure(SAFETY, "H2"), Workers(1), [](const Plan& plan) {
    return plan.event_size() == 4 ? Failure(SAFETY, "H2") : Failure(SAFETY, "H5");
  });
  EXPECT_EQ(result.plan.event_size(), 4);
}

TEST(Shrink, StopsAtItsBudget) {
  ShrinkOptions options = Workers(1);
  options.run_count_max = 5;
  const ShrinkResult result = ShrinkPlan(PlanOf(64), Failure(SAFETY, "H2"), options, Needs({1, 9, 33, 60}));
  EXPECT_LE(result.run_count, 5u + 8u);
}

TEST(FailAlike, GoesByVerdictAndProperty) {
  EXPECT_TRUE(FailAlike(Failure(SAFETY, "H2"), Failure(SAFETY, "H2")));
  EXPECT_FALSE(FailAlike(Failure(SAFETY, "H2"), Failure(SAFETY, "H3")));
  EXPECT_FALSE(FailAlike(Failure(SAFETY, "H2"), Failure(LIVENESS, "H2")));
  EXPECT_FALSE(FailAlike(RunResult(), RunResult()));
  RunResult crash;
  crash.set_verdict(CRASH);
  crash.set_crash_text("a.cc:7: x\nand more");
  RunResult same = crash;
  same.set_crash_text("a.cc:7: x\nand other things");
  RunResult other = crash;
  other.set_crash_text("b.cc:7: x");
  EXPECT_TRUE(FailAlike(crash, same));
  EXPECT_FALSE(FailAlike(crash, other));
}

}  // namespace shrink_test
}  // namespace odradek::explore
