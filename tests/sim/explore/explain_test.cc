#include "sim/explore/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/properties/history_builder.h"

namespace odradek::explore {
namespace explain_test {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

const TopicPartition kLog{"t", PartitionIndex(0)};

Deed DeedAt(int64_t at_ns, DeedKind kind, int64_t begin, int64_t end) {
  return {.at_ns = at_ns, .node = "b1", .kind = kind, .partition = kLog, .begin = Offset(begin), .end = Offset(end)};
}

struct Told {
  Scenario scenario;
  RunResult result;
  RunReport report;
  std::vector<Deed> deeds;

  Told() {
    scenario.set_name("s");
    scenario.mutable_producers()->set_count(1);
    scenario.mutable_consumers()->set_count(1);
    result.set_scenario("s");
    result.set_seed(7);
    result.set_verdict(SAFETY);
    result.set_virtual_ns(9'000);
  }
  std::string Text() const { return Explain({scenario, result, report, deeds}); }
};

// An acknowledged record that a loss of power takes although it was synced.
Told LostRecord() {
  Told told;
  properties::HistoryBuilder builder;
  history::Send& send = builder.Acked(42, 17, 900);
  builder.Polled(17, {42}, 1'500);
  builder.InTheEnd(0, {1, 2, 3});
  told.report.history = builder.history();
  told.report.history.node_events = {{2'000, "b1", history::NodeEventKind::kPowerLoss},
                                     {2'100, "b1", history::NodeEventKind::kBoot},
                                     {2'200, "c9", history::NodeEventKind::kCrash}};
  told.report.strikes = {{.at = MonoTime::FromNanos(2'000), .event_id = 3, .target = "b1", .action = "power loss"}};
  told.report.violations = {{"H2",
                             "value 42 was acknowledged at t-0@17 to client 1, and in the end nothing is there",
                             {send.span.invoked_ns, send.span.completed_ns}}};
  told.deeds = {DeedAt(1'000, DeedKind::kAppended, 15, 18), DeedAt(1'100, DeedKind::kFlushed, -1, 18),
                DeedAt(1'200, DeedKind::kVisible, -1, 18), DeedAt(2'150, DeedKind::kRecovered, 0, 3)};
  told.deeds.back().why = "a crash";
  return told;
}

TEST(Explain, ThePropertyAndItsSentenceComeFirst) {
  const std::string text = LostRecord().Text();
  EXPECT_THAT(text, HasSubstr("safety violation in s with seed 7"));
  EXPECT_THAT(text, HasSubstr("H2: value 42 was acknowledged"));
  EXPECT_THAT(text, HasSubstr("must hold: Every acknowledged record is there in the end"));
}

TEST(Explain, ARecordIsToldFromItsSendToItsLoss) {
  const std::string text = LostRecord().Text();
  EXPECT_THAT(text, ContainsRegex("p1 +sends t-0@17 \\(value 42\\), idempotent"));
  EXPECT_THAT(text, ContainsRegex("b1 +t-0@17 \\(value 42\\) is appended \\(batch 15 to 17\\)"));
  EXPECT_THAT(text, HasSubstr("is durable: synced up to 18"));
  EXPECT_THAT(text, HasSubstr("is visible: high watermark 18"));
  EXPECT_THAT(text, HasSubstr("is acknowledged at offset 17"));
  EXPECT_THAT(text, ContainsRegex("c1 +reads t-0@17"));
  EXPECT_THAT(text, HasSubstr("is LOST, although it was durable: after a crash the log comes back with its end at 3"));
  EXPECT_THAT(text, HasSubstr("in the end finds NOTHING at t-0@17 (value 42); the log is 0 to 3"));
}

TEST(Explain, LinesAreInTheOrderOfTime) {
  const std::string text = LostRecord().Text();
  size_t before = 0;
  for (const char* line : {"sends t-0@17", "is appended", "is durable", "is visible", "reads t-0@17",
                           "FAULT 3: power loss", "NODE boot", "is LOST", "finds NOTHING"}) {
    const size_t at = text.find(line);
    ASSERT_NE(at, std::string::npos) << line << " in\n" << text;
    EXPECT_GT(at, before) << line << " in\n" << text;
    before = at;
  }
}

TEST(Explain, NodesThatHaveNothingToDoWithTheRecordAreLeftOut) {
  EXPECT_THAT(LostRecord().Text(), Not(HasSubstr("c9")));
}

TEST(Explain, ARecordThatSurvivesADeathIsSaidToBeThere) {
  Told told = LostRecord();
  told.deeds.back().end = Offset(18);
  EXPECT_THAT(told.Text(), HasSubstr("is still there: after a crash the log is 0 to 18"));
  EXPECT_THAT(told.Text(), Not(HasSubstr("LOST")));
}

TEST(Explain, AnotherValueAtTheOffsetIsShouted) {
  Told told = LostRecord();
  properties::HistoryBuilder builder;
  builder.Acked(42, 17, 900);
  builder.Polled(17, {43}, 1'500);
  told.report.history.polls = builder.history().polls;
  EXPECT_THAT(told.Text(), HasSubstr("reads value 43 INSTEAD of t-0@17 (value 42)"));
}

TEST(Explain, AViolationWithoutARecordIsToldWithAllFaults) {
  Told told = LostRecord();
  told.report.violations = {{"V0", "120 s after the last fault: producer 1: 3 of 40 records sent", {}}};
  const std::string text = told.Text();
  EXPECT_THAT(text, HasSubstr("FAULT 3: power loss"));
  EXPECT_THAT(text, ContainsRegex("c9 +NODE crash"));
}

TEST(Explain, TheUsersNotesAndSentencesAreTold) {
  Told told = LostRecord();
  const lab::Lab lab{.properties = {{.name = "sums_agree", .sentence = "Sums agree.", .check = nullptr}}};
  told.report.notes = {{.at_ns = 1'234, .node = "bank1", .what = "pays", .key = "ada", .value = 30}};
  told.report.violations = {{"sums_agree", "ada has 60 instead of 30", {1'234}}};
  const std::string text = Explain({told.scenario, told.result, told.report, told.deeds, &lab});
  EXPECT_THAT(text, HasSubstr("must hold: Sums agree."));
  EXPECT_THAT(text, ContainsRegex("bank1 +pays ada 30"));
}

TEST(Explain, APassingRunHasNothingToExplain) {
  Told told = LostRecord();
  told.result.set_verdict(PASS);
  EXPECT_THAT(told.Text(), HasSubstr("nothing to explain"));
}

}  // namespace explain_test
}  // namespace odradek::explore
