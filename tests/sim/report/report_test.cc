#include "sim/report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

namespace odradek::report {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

explore::RunResult Result(const std::string& scenario, explore::Verdict verdict, uint64_t event_count) {
  explore::RunResult result;
  result.set_scenario(scenario);
  result.set_verdict(verdict);
  result.set_event_count(event_count);
  return result;
}

TEST(ReportChoice, OneOfEachWayToFailComesBeforeTheSecondOfAny) {
  const std::vector<explore::RunResult> results = {Result("a", explore::SAFETY, 1), Result("a", explore::SAFETY, 1),
                                                   Result("a", explore::PASS, 1), Result("a", explore::CRASH, 1),
                                                   Result("b", explore::SAFETY, 1)};
  const Choice choice = ChoosePictures(results, 3);
  EXPECT_THAT(choice.jobs, ElementsAre(0u, 3u, 4u));
  EXPECT_EQ(choice.failures_left_out, 1u);
}

TEST(ReportChoice, OfAScenarioThatPassedTheRunWithTheMostEventsIsShown) {
  const std::vector<explore::RunResult> results = {Result("a", explore::PASS, 5), Result("a", explore::PASS, 9),
                                                   Result("b", explore::PASS, 2), Result("a", explore::PASS, 7)};
  const Choice choice = ChoosePictures(results, 20);
  EXPECT_THAT(choice.jobs, ElementsAre(1u, 2u));
  EXPECT_EQ(choice.failures_left_out, 0u);
}

sim::TraceEntry Entry(int64_t at_ns, sim::TraceKind kind) {
  return {.time = MonoTime() + Duration::Nanos(at_ns), .node_name = "b1", .kind = kind, .text = "text"};
}

TEST(ReportCapture, BringsTheTraceAndTheEnding) {
  const Picture picture = Capture(
      [](sim::TraceSink* trace, explore::RunReport* report) {
        trace->Add(Entry(1, sim::TraceKind::kDisk));
        trace->Add(Entry(2, sim::TraceKind::kFiber));
        report->violations.push_back({.property = "H2", .what = "lost", .at_ns = {1}});
        return Result("a", explore::SAFETY, 2);
      },
      {});
  ASSERT_EQ(picture.lines.size(), 1u);
  EXPECT_EQ(picture.lines[0].kind(), "disk");
  EXPECT_EQ(picture.fiber_line_count, 1u);
  ASSERT_TRUE(picture.has_ended);
  EXPECT_EQ(picture.ending.findings(0).what(), "lost");
}

TEST(ReportCapture, OfARunThatAbortsTheTraceGoesUpToTheEnd) {
  const Picture picture = Capture(
      [](sim::TraceSink* trace, explore::RunReport*) -> explore::RunResult {
        trace->Add(Entry(1, sim::TraceKind::kDisk));
        trace->Add(Entry(2, sim::TraceKind::kClient));
        std::abort();
      },
      {});
  EXPECT_EQ(picture.lines.size(), 2u);
  EXPECT_FALSE(picture.has_ended);
  EXPECT_THAT(picture.how_it_died, HasSubstr("signal 6"));
}

TEST(ReportCapture, ARunThatHangsIsEnded) {
  const Picture picture = Capture(
      [](sim::TraceSink* trace, explore::RunReport*) -> explore::RunResult {
        trace->Add(Entry(1, sim::TraceKind::kDisk));
        while (true) pause();
      },
      {.seconds_max = 1});
  EXPECT_EQ(picture.lines.size(), 1u);
  EXPECT_EQ(picture.how_it_died, "did not end within 1 s");
}

TEST(ReportCapture, TheOldestLinesGoFirstButFaultsAndLifeStay) {
  const Picture picture = Capture(
      [](sim::TraceSink* trace, explore::RunReport*) {
        trace->Add(Entry(1, sim::TraceKind::kFault));
        for (int64_t at_ns = 2; at_ns < 20; ++at_ns) trace->Add(Entry(at_ns, sim::TraceKind::kDisk));
        return Result("a", explore::PASS, 2);
      },
      {.lines_max = 5});
  ASSERT_EQ(picture.lines.size(), 6u);
  EXPECT_EQ(picture.lines[0].kind(), "fault");
  EXPECT_EQ(picture.lines[1].at_ns(), 15);
  EXPECT_EQ(picture.cut_line_count, 13u);
}

}  // namespace
}  // namespace odradek::report
