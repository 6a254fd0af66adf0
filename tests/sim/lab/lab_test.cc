#include "sim/lab/lab.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "engine/base/absl_compat.h"
#include "engine/client/typed.h"
#include "sim/explore/campaign.h"
#include "sim/explore/run.h"
#include "sim/explore/scenario.h"
#include "sim/explore/summary.h"

namespace odradek::lab {
namespace lab_test {

using testing::HasSubstr;

constexpr std::string_view kScenario = R"(name: "echoes"
topology { brokers: 1 }
topic { name: "calls" partitions: 1 of_programs: true }
topic { name: "echoes" partitions: 1 of_programs: true }
program { name: "echo" count: 1 setting { name: "times" value: "1" } }
workload { name: "calls" count: 1 }
phases { faulty_ms: 2000 liveness_ms: 20000 }
)";

using Client = client::ConfigMap;

// Calls five times and waits for as many echoes.
class Calls final : public Workload {
 public:
  void Run(fiber::Fiber& self, Process& process) override {
    const Client config{{"bootstrap.servers", process.bootstrap_server()}};
    client::Producer producer(process.env(), client::ParseProducerConfig(config).config);
    client::TypedProducer<std::string, std::string> calls(producer, "calls");
    for (int i = 0; i < 5; ++i) {
      process.Note("calls", std::to_string(i), static_cast<int64_t>(process.Draw(1000)));
      calls.SendAndWait(self, "k", std::to_string(i));
    }
    Client reading = config;
    reading["auto.offset.reset"] = "earliest";
    client::Consumer consumer(process.env(), client::ParseConsumerConfig(reading).config);
    consumer.Assign({{"echoes", PartitionIndex(0)}});
    while (heard_ < 5) heard_ += consumer.Poll(self, Duration::Seconds(1)).record_count();
  }
  bool is_done() const override { return heard_ >= 5; }
  std::string Progress() const override { return std::to_string(heard_) + " of 5 heard"; }

 private:
  size_t heard_ = 0;
};

void Echo(fiber::Fiber& self, Process& process) {
  Client config{{"bootstrap.servers", process.bootstrap_server()}};
  client::Producer producer(process.env(), client::ParseProducerConfig(config).config);
  client::TypedProducer<std::string, std::string> echoes(producer, "echoes");
  config["auto.offset.reset"] = "earliest";
  client::Consumer consumer(process.env(), client::ParseConsumerConfig(config).config);
  consumer.Assign({{"calls", PartitionIndex(0)}});
  while (!process.is_stopping()) {
    const auto polled = client::ReadAs<std::string, std::string>(consumer.Poll(self, Duration::Millis(500)));
    for (const auto& record : polled.records) {
      for (int64_t i = 0; i < process.settings().Number("times"); ++i)
        echoes.SendAndWait(self, record.key, record.value);
    }
  }
}

Findings EveryCallHasOneEcho(const Evidence& evidence) {
  Findings found;
  found.Judged();
  const size_t calls = evidence.Topic("calls").size();
  const size_t echoes = evidence.Topic("echoes").size();
  if (calls != echoes) found.Violated(std::to_string(calls) + " calls, " + std::to_string(echoes) + " echoes", {});
  return found;
}

Lab MakeLab() {
  return {.programs = {{.name = "echo", .settings = {{"times", "1"}, {"mood", "good"}}, .run = Echo}},
          .workloads = {{.name = "calls", .make = [](const Settings&) { return std::make_unique<Calls>(); }}},
          .properties = {{"every_call_has_one_echo", "Every call has one echo.", EveryCallHasOneEcho}}};
}

explore::Scenario Parsed(const Lab& lab, const std::string& text = std::string(kScenario)) {
  const auto scenario = explore::ParseScenario(text, "f.txtpb", lab);
  EXPECT_TRUE(scenario.ok()) << scenario.status();
  return *scenario;
}

std::string ErrorOf(const std::string& text) {
  return std::string(base::SV(explore::ParseScenario(text, "f.txtpb", MakeLab()).status().message()));
}

std::string With(std::string_view old, std::string_view instead) {
  std::string text(kScenario);
  return text.replace(text.find(old), old.size(), instead);
}

TEST(Lab, AProgramAWorkloadAndAPropertyOfTheUsersRunBesideTheBroker) {
  const Lab lab = MakeLab();
  explore::RunReport report;
  const explore::RunResult result = explore::RunSeed(Parsed(lab), 1, {.report = &report, .lab = &lab});
  EXPECT_EQ(result.verdict(), explore::PASS) << explore::FailureText(result, "");
  ASSERT_EQ(report.notes.size(), 5u);
  EXPECT_EQ(report.notes[3].node, "calls1");
  EXPECT_EQ(report.notes[3].key, "3");
  EXPECT_GT(report.notes[3].at_ns, 0);
  bool is_judged = false;
  for (const explore::Tally& tally : result.judged()) {
    is_judged = is_judged || (tally.name() == "every_call_has_one_echo" && tally.count() == 1);
  }
  EXPECT_TRUE(is_judged);
}

TEST(Lab, APropertyOfTheUsersThatIsFalseIsASafetyViolation) {
  const Lab lab = MakeLab();
  explore::Scenario scenario = Parsed(lab);
  ASSERT_TRUE(explore::PinSetting("echo.times=2", lab, scenario).ok());
  const explore::RunResult result = explore::RunSeed(scenario, 1, {.lab = &lab});
  EXPECT_EQ(result.verdict(), explore::SAFETY);
  ASSERT_EQ(result.violations_size(), 1);
  EXPECT_EQ(result.violations(0).property(), "every_call_has_one_echo");
  EXPECT_EQ(result.violations(0).what(), "5 calls, 10 echoes");
}

TEST(Lab, ARunWithUsersCodeIsAFunctionOfItsSeed) {
  const Lab lab = MakeLab();
  const explore::Scenario scenario = Parsed(lab);
  const std::string hash = explore::HashText(explore::RunSeed(scenario, 4, {.lab = &lab}));
  EXPECT_EQ(hash, explore::HashText(explore::RunSeed(scenario, 4, {.lab = &lab})));
  EXPECT_NE(hash, explore::HashText(explore::RunSeed(scenario, 5, {.lab = &lab})));
}

TEST(Lab, AWorkloadThatNeverEndsIsALivenessViolationAndTheTopicsAreJudgedAnyway) {
  const Lab lab = MakeLab();
  explore::Scenario scenario = Parsed(lab);
  ASSERT_TRUE(explore::PinSetting("echo.times=0", lab, scenario).ok());
  const explore::RunResult result = explore::RunSeed(scenario, 1, {.lab = &lab});
  std::string all;
  for (const explore::FoundViolation& violation : result.violations())
    all += violation.property() + ": " + violation.what() + "\n";
  EXPECT_THAT(all, HasSubstr("V0"));
  EXPECT_THAT(all, HasSubstr("calls1: 0 of 5 heard"));
  EXPECT_THAT(all, HasSubstr("every_call_has_one_echo: 5 calls, 0 echoes"));
}

TEST(Lab, NamesAndSettingsOfAScenarioAreChecked) {
  EXPECT_THAT(ErrorOf(With("name: \"echo\" count", "name: \"ecco\" count")),
              HasSubstr("f.txtpb:5:11: name: this binary has no program \"ecco\""));
  EXPECT_THAT(ErrorOf(With("program { name: \"echo\"", "program { name: \"calls\"")),
              HasSubstr("this binary has no program \"calls\""));
  EXPECT_THAT(ErrorOf(With("\"times\"", "\"tmies\"")), HasSubstr("there is no setting \"tmies\""));
  EXPECT_THAT(ErrorOf(With("value: \"1\"", "value: \"one\"")), HasSubstr("times: \"one\" is no number"));
  EXPECT_THAT(ErrorOf(With("count: 1 setting", "count: 0 setting")), HasSubstr("count: 0 is not within 1 and 100"));
  EXPECT_THAT(ErrorOf(std::string(kScenario) + "fault { kind: CRASH role: \"ghost\" }"),
              HasSubstr("no node has the role \"ghost\""));
  EXPECT_THAT(ErrorOf(std::string(kScenario) + "producers { count: 1 }"), HasSubstr("all are of programs"));
  EXPECT_EQ(
      ErrorOf(std::string(kScenario) + "fault { kind: CRASH role: \"echo\" } property: \"every_call_has_one_echo\""),
      "");
}

TEST(Lab, PinnedSettingsMustBeKnown) {
  const Lab lab = MakeLab();
  explore::Scenario scenario = Parsed(lab);
  const auto error = [&](std::string_view pinned) {
    return std::string(base::SV(explore::PinSetting(pinned, lab, scenario).message()));
  };
  EXPECT_EQ(error("echo"), "expected PROGRAM.NAME=VALUE");
  EXPECT_EQ(error("echo.volume=3"), "there is no setting \"volume\"");
  EXPECT_EQ(error("ecco.times=3"), "echoes has no program or workload \"ecco\"");
  EXPECT_EQ(error("echo.times=x"), "times: \"x\" is no number");
  EXPECT_EQ(error("echo.mood=bad"), "");
  EXPECT_EQ(scenario.program(0).setting_size(), 2);
}

TEST(Lab, NamesMustBeWholeAndDifferent) {
  Lab lab = MakeLab();
  EXPECT_EQ(CheckLab(lab), "");
  lab.programs[0].name = "calls";
  EXPECT_EQ(CheckLab(lab), "workload \"calls\": the name is taken");
  lab.programs[0].name = "Echo";
  EXPECT_THAT(CheckLab(lab), HasSubstr("program \"Echo\": a name has the letters"));
  lab.programs[0].name = "broker";
  EXPECT_EQ(CheckLab(lab), "program \"broker\": the name is taken");
  lab.programs[0] = {.name = "echo"};
  EXPECT_EQ(CheckLab(lab), "program \"echo\": has no code");
}

}  // namespace lab_test
}  // namespace odradek::lab
