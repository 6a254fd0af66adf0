#include "sim/report/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "sim/report/page_data.h"
#include "sim/report/page_parts.h"

namespace odradek::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ReportPage, NothingInTheDataEndsItsScriptElement) {
  const std::string escaped = EscapeForScript(R"({"a":"</script><!-- <script> ]]> & x"})");
  EXPECT_THAT(escaped, Not(HasSubstr("<")));
  EXPECT_THAT(escaped, Not(HasSubstr(">")));
  EXPECT_THAT(escaped, Not(HasSubstr("&")));
  EXPECT_EQ(nlohmann::json::parse(escaped)["a"], "</script><!-- <script> ]]> & x");
}

TEST(ReportPage, LineSeparatorsOfJavaScriptAreEscaped) {
  EXPECT_EQ(EscapeForScript("\"\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xa6\""), "\"\\u2028\\u2029\xe2\x80\xa6\"");
}

TEST(ReportPage, TheTitleIsText) {
  const std::string page = RenderPage("<b>&\"", "{}");
  EXPECT_THAT(page, HasSubstr("<title>&lt;b&gt;&amp;&quot;</title>"));
}

TEST(ReportPage, HoldsItsPartsAndTheData) {
  const std::string page = RenderPage("t", R"({"marker":1})");
  EXPECT_THAT(page, HasSubstr(R"(type="application/json">{"marker":1}</script>)"));
  EXPECT_THAT(page, HasSubstr(std::string(PageCss().substr(0, 40))));
  EXPECT_THAT(page, HasSubstr("function buildModel(picture)"));
  EXPECT_THAT(page, Not(HasSubstr("{{")));
}

TEST(ReportPage, NeedsNoOtherFileAndNoNetwork) {
  for (const std::string_view part : {PageHtml(), PageCss(), PageJs()}) {
    for (const std::string_view word : {"http:", "https:", "src=", "@import", "url(", "fetch(", "import("}) {
      EXPECT_THAT(std::string(part), Not(HasSubstr(std::string(word))));
    }
  }
}

explore::RunResult Failed() {
  explore::RunResult result;
  result.set_scenario("calm");
  result.set_seed(UINT64_MAX);
  result.set_verdict(explore::SAFETY);
  result.set_event_count(9);
  result.set_virtual_ns(4'000'000'000);
  result.set_wall_ns(2'000'000);
  explore::Tally& probe = *result.add_probes();
  probe.set_name("reached");
  probe.set_count(3);
  explore::FoundViolation& violation = *result.add_violations();
  violation.set_property("H2");
  violation.set_what("lost \xff</script>");
  return result;
}

TraceLine Line(int64_t at_ns, const std::string& node, const std::string& kind) {
  TraceLine line;
  line.set_at_ns(at_ns);
  line.set_event_number(static_cast<uint64_t>(at_ns));
  line.set_node(node);
  line.set_kind(kind);
  line.set_text(kind + " of " + node);
  return line;
}

TEST(ReportPageData, TellsScenariosProbesAndProperties) {
  const std::vector<explore::RunResult> results = {Failed()};
  const std::vector<explore::ScenarioDemand> demands = {{.scenario = "calm", .probes = {"missing", "reached"}}};
  const auto data = nlohmann::json::parse(PageData({.command = "odradek sim run calm",
                                                    .results = results,
                                                    .demands = demands,
                                                    .descriptions = {"nothing goes wrong"},
                                                    .properties = {{"H2", "nothing is lost"}},
                                                    .pictures = {}}));
  EXPECT_EQ(data["exit_code"], explore::kExitSafety);
  const auto& scenario = data["scenarios"][0];
  EXPECT_EQ(scenario["description"], "nothing goes wrong");
  EXPECT_EQ(scenario["failed"], 1);
  EXPECT_EQ(scenario["verdicts"]["safety violation"], 1);
  EXPECT_EQ(scenario["probes"][0]["name"], "missing");
  EXPECT_EQ(scenario["probes"][0]["hits"], 0);
  EXPECT_EQ(scenario["probes"][0]["demanded"], true);
  EXPECT_EQ(scenario["probes"][1]["hits"], 3);
  EXPECT_EQ(data["properties"][0]["sentence"], "nothing is lost");
  EXPECT_EQ(data["properties"][0]["violations"], 1);
  EXPECT_EQ(data["slowest"][0]["seed"], "18446744073709551615") << "a number would lose its last digits";
}

TEST(ReportPageData, ATraceIsColumnsOfDifferences) {
  const std::vector<explore::RunResult> results = {Failed()};
  PicturedRun run{.result = results[0]};
  run.picture.lines = {Line(5, "b1", "disk"), Line(7, "p1", "client"), Line(7, "b1", "disk")};
  run.picture.cut_line_count = 4;
  const std::vector<explore::ScenarioDemand> demands;
  const auto data = nlohmann::json::parse(
      PageData({.command = "", .results = results, .demands = demands, .pictures = {std::move(run)}}));
  const auto& trace = data["pictures"][0]["trace"];
  EXPECT_EQ(trace["at"], (std::vector<int>{5, 2, 0}));
  EXPECT_EQ(trace["node"], (std::vector<int>{0, 1, 0}));
  EXPECT_EQ(trace["nodes"], (std::vector<std::string>{"b1", "p1"}));
  EXPECT_EQ(trace["cut_lines"], 4);
}

TEST(ReportPageData, OfARunThatDiedTheCampaignKnowsTheViolations) {
  const std::vector<explore::RunResult> results = {Failed()};
  const std::vector<explore::ScenarioDemand> demands;
  PicturedRun run{.result = results[0]};
  run.picture.how_it_died = "killed by signal 6 (Aborted)";
  const auto data = nlohmann::json::parse(
      PageData({.command = "", .results = results, .demands = demands, .pictures = {std::move(run)}}));
  const auto& picture = data["pictures"][0];
  EXPECT_EQ(picture["died"], "killed by signal 6 (Aborted)");
  EXPECT_EQ(picture["findings"][0]["what"], "lost \xef\xbf\xbd</script>") << "what is no UTF-8 is replaced";
}

}  // namespace
}  // namespace odradek::report
