#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/protogen/check.h"
#include "tools/protogen/parse.h"
#include "tools/protogen/run.h"

namespace odradek::protogen {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What is wrong with a schema, one line each.
std::vector<std::string> ProblemsOf(std::string_view text) {
  Diagnostics diagnostics;
  std::vector<SchemaFile> files = {Parse({.path = "x.msg", .text = text}, diagnostics)};
  if (diagnostics.empty()) {
    CheckAndResolve(files[0], diagnostics);
    CheckTogether(files, diagnostics);
  }
  std::vector<std::string> lines;
  for (const Diagnostic& diagnostic : diagnostics) lines.push_back(diagnostic.ToString());
  return lines;
}

std::string DataWith(std::string_view fields) {
  return "data Thing 0-3 flexible 2+\n" + std::string(fields);
}

TEST(Protogen, GeneratedFilesInTheTreeAreThoseOfTheSchemas) {
  const GeneratedTree tree = GenerateFromFolder("engine/protocol/schema");
  for (const Diagnostic& diagnostic : tree.diagnostics) ADD_FAILURE() << diagnostic.ToString();
  const Differences engine = Compare(tree.engine, "engine/protocol/generated");
  const Differences tests = Compare(tree.tests, "tests/engine/protocol/generated");
  const Differences json = Compare(tree.json, "tools/odradek/dump/generated");
  constexpr const char* kAdvice = "run: cmake --build build/test --target protocol_regenerate";
  EXPECT_THAT(engine.changed, IsEmpty()) << kAdvice;
  EXPECT_THAT(engine.leftovers, IsEmpty()) << kAdvice;
  EXPECT_THAT(tests.changed, IsEmpty()) << kAdvice;
  EXPECT_THAT(tests.leftovers, IsEmpty()) << kAdvice;
  EXPECT_THAT(json.changed, IsEmpty()) << kAdvice;
  EXPECT_THAT(json.leftovers, IsEmpty()) << kAdvice;
}

TEST(Protogen, ComparisonNoticesAChangedFileAndALeftover) {
  const GeneratedTree tree = GenerateFromFolder("engine/protocol/schema");
  std::vector<GeneratedFile> changed = tree.engine;
  changed[0].text += " ";
  const std::string gone = changed.back().name;
  changed.pop_back();
  const Differences differences = Compare(changed, "engine/protocol/generated");
  EXPECT_THAT(differences.changed, ElementsAre(changed[0].name));
  EXPECT_THAT(differences.leftovers, ElementsAre(gone));
}

TEST(Parse, EveryKindOfFieldIsUnderstood) {
  const std::string text =
      "# a comment\n"
      "data Thing 1-6 flexible 3+\n"
      "  a bool = true\n"
      "  b int8 2-4 = -1 ignorable   # another\n"
      "  c uint16 5\n"
      "  d string?2+ = null\n"
      "  e string = \"two words\"\n"
      "  f [Part]? 3+ tag 0\n"
      "    g int64 = 0x10\n"
      "    h [uuid] few\n"
      "  n Part 4+ tag 1\n"
      "  j records?\n"
      "  k float64\n"
      "  l string? classic\n"
      "  m int32 2+ tag 2 4+\n";
  Diagnostics diagnostics;
  SchemaFile file = Parse({.path = "dir/thing.msg", .text = text}, diagnostics);
  CheckAndResolve(file, diagnostics);
  for (const Diagnostic& diagnostic : diagnostics) ADD_FAILURE() << diagnostic.ToString();
  EXPECT_EQ(file.stem, "thing");
  ASSERT_EQ(file.messages.size(), 1u);
  const Message& message = file.messages[0];
  ASSERT_EQ(message.structs.size(), 1u);
  EXPECT_EQ(message.structs[0].fields.size(), 2u);
  EXPECT_EQ(IntegerDefault(message.structs[0].fields[0]), 16);
  EXPECT_TRUE(message.structs[0].fields[1].type.is_few);
  const std::vector<Field>& fields = message.body.fields;
  ASSERT_EQ(fields.size(), 11u);
  EXPECT_EQ(fields[1].versions, (VersionRange{2, 4}));
  EXPECT_TRUE(fields[1].ignorable);
  EXPECT_EQ(fields[2].versions, (VersionRange{5, 5}));
  EXPECT_EQ(fields[3].null_versions, (VersionRange{2, 6}));
  EXPECT_EQ(fields[4].default_text, "\"two words\"");
  EXPECT_TRUE(fields[5].type.is_array);
  EXPECT_EQ(fields[5].tag, 0);
  EXPECT_TRUE(fields[9].classic);
  EXPECT_EQ(fields[10].versions, (VersionRange{2, 6}));
  EXPECT_EQ(fields[10].tag_versions, (VersionRange{4, 6}));
}

TEST(Parse, ErrorsNameFileAndLine) {
  EXPECT_THAT(ProblemsOf(""), ElementsAre("x.msg:1: no message in this file"));
  EXPECT_THAT(ProblemsOf("apy 1 Fetch 0-1\n"),
              ElementsAre(HasSubstr("x.msg:1: 'apy': expected api, request"), "x.msg:1: no message in this file"));
  EXPECT_THAT(ProblemsOf(DataWith("  a int31\n")), ElementsAre("x.msg:2: 'int31' is no type"));
  EXPECT_THAT(ProblemsOf(DataWith("  a int32 7-3\n")), ElementsAre("x.msg:2: '7-3' is not understood here"));
  EXPECT_THAT(ProblemsOf(DataWith("  a int32 tag\n")), ElementsAre("x.msg:2: 'tag' is not understood here"));
  EXPECT_THAT(ProblemsOf(DataWith("  a\n")), ElementsAre("x.msg:2: expected: name type [versions] [options]"));
  EXPECT_THAT(ProblemsOf(DataWith("  a int32\n    b int32\n")),
              ElementsAre("x.msg:3: only a field of a struct type has fields"));
  EXPECT_THAT(ProblemsOf(DataWith("\ta int32\n")), ElementsAre("x.msg:2: a tab: indent with two spaces per level"));
  EXPECT_THAT(ProblemsOf(DataWith("   a int32\n")), ElementsAre("x.msg:2: indent with two spaces per level"));
  EXPECT_THAT(ProblemsOf(DataWith("  a string = \"x\n")),
              ElementsAre(HasSubstr("x.msg:2: a string without"), HasSubstr("x.msg:2: '='")));
  EXPECT_THAT(ProblemsOf("request\n  a int32\n"),
              ElementsAre("x.msg:1: 'request' before the api line", "x.msg:1: no message in this file"));
  EXPECT_THAT(ProblemsOf("api 1 Fetch 0+ on broker\n"),
              ElementsAre(HasSubstr("x.msg:1: expected: api KEY NAME"), HasSubstr("no message")));
}

TEST(Check, RejectsWhatCannotBeGenerated) {
  EXPECT_THAT(ProblemsOf(DataWith("  A int32\n")), ElementsAre("x.msg:2: 'A' is not snake_case"));
  EXPECT_THAT(ProblemsOf(DataWith("  class int32\n")), ElementsAre(HasSubstr("x.msg:2: 'class' is a word of C++")));
  EXPECT_THAT(ProblemsOf(DataWith("  a int32\n  a int8\n")), ElementsAre("x.msg:3: a second field 'a'"));
  EXPECT_THAT(ProblemsOf(DataWith("  a int32 2-9\n")),
              ElementsAre("x.msg:2: a: versions outside the message's versions 0-3"));
  EXPECT_THAT(ProblemsOf(DataWith("  a Gone\n")), ElementsAre("x.msg:2: struct Gone is not defined in Thing"));
  EXPECT_THAT(ProblemsOf(DataWith("  a int32?\n")), ElementsAre("x.msg:2: a cannot be null"));
  EXPECT_THAT(ProblemsOf(DataWith("  a int8 = 128\n")), ElementsAre("x.msg:2: '128' is no default for a"));
  EXPECT_THAT(ProblemsOf(DataWith("  a string = null\n")), ElementsAre("x.msg:2: 'null' is no default for a"));
  EXPECT_THAT(ProblemsOf(DataWith("  a int32 tag 0\n")), ElementsAre("x.msg:2: a: a tag needs flexible versions"));
  EXPECT_THAT(ProblemsOf(DataWith("  a int32 2+ tag 0\n  b int32 2+ tag 0\n")), ElementsAre("x.msg:3: a second tag 0"));
  EXPECT_THAT(ProblemsOf(DataWith("  a records? 2+ tag 0\n")), ElementsAre("x.msg:2: records cannot be tagged"));
  EXPECT_THAT(ProblemsOf(DataWith("  a [bool]\n")), ElementsAre(HasSubstr("x.msg:2: arrays of bool")));
  EXPECT_THAT(ProblemsOf("data Thing 0-1\n  a [Part]\n    b int32 1\n"),
              ElementsAre(HasSubstr("x.msg:2: a: an element can take no byte")));
}

TEST(Check, RejectsAStructThatContainsItself) {
  EXPECT_THAT(ProblemsOf(DataWith("  a [Node]\n    b int32\n    c [Node]\n")),
              ElementsAre("x.msg:2: struct Node contains itself: nesting must be bounded"));
}

TEST(Check, ApisNeedBothDirectionsAndKeysOfTheirOwn) {
  EXPECT_THAT(ProblemsOf("api 1 Fetch 0-1 on broker\nrequest\n  a int32\n"),
              ElementsAre("x.msg:1: an api needs one request and one response"));
  EXPECT_THAT(ProblemsOf("metadata 1 One 0\n  a int32\nmetadata 1 Two 0\n  a int32\n"),
              ElementsAre("x.msg:3: key 1 is already that of One"));
}

TEST(Parse, ACoordinatorsRecordIsAKeyAndAValueOfOneType) {
  Diagnostics diagnostics;
  SchemaFile file = Parse({.path = "x.msg",
                           .text = "coordinator share 7 Thing\nkey 0\n  a string\n"
                                   "value 0-2 flexible 1+\n  b int32\n"},
                          diagnostics);
  CheckAndResolve(file, diagnostics);
  EXPECT_THAT(diagnostics, IsEmpty());
  ASSERT_EQ(file.messages.size(), 2u);
  EXPECT_EQ(file.messages[0].kind, MessageKind::kCoordinatorKey);
  EXPECT_EQ(file.messages[0].name, "ThingKey");
  EXPECT_EQ(file.messages[0].flexible_from, kOpenEnd);
  EXPECT_EQ(file.messages[1].kind, MessageKind::kCoordinatorValue);
  EXPECT_EQ(file.messages[1].name, "ThingValue");
  EXPECT_EQ(file.messages[1].versions, (VersionRange{0, 2}));
  EXPECT_EQ(file.messages[1].flexible_from, 1);
  for (const Message& message : file.messages) {
    EXPECT_EQ(message.key, 7);
    EXPECT_EQ(message.log, "share");
  }
}

TEST(Parse, CoordinatorLinesThatSayTooLittleAreErrors) {
  constexpr const char* kExpected = "x.msg:1: expected: coordinator group|transaction|share TYPE NAME";
  EXPECT_THAT(ProblemsOf("coordinator quota 1 One\n"), ElementsAre(kExpected, HasSubstr("no message")));
  EXPECT_THAT(ProblemsOf("coordinator group One\n"), ElementsAre(kExpected, HasSubstr("no message")));
  EXPECT_THAT(ProblemsOf("key 0\n  a int32\n"),
              ElementsAre("x.msg:1: 'key' before a coordinator line", HasSubstr("no message")));
  EXPECT_THAT(ProblemsOf("coordinator group 1 One\nkey 0+\n  a int32\n"),
              ElementsAre("x.msg:2: expected: key FIRST-LAST [flexible N+]", HasSubstr("no message")));
}

TEST(Check, ACoordinatorsKeyHasAValueAndATypeOfItsOwn) {
  const std::string one = "coordinator group 1 One\nkey 0\n  a int32\nvalue 0\n  a int32\n";
  EXPECT_THAT(ProblemsOf(one), IsEmpty());
  EXPECT_THAT(ProblemsOf("coordinator group 1 One\nkey 0\n  a int32\n"),
              ElementsAre("x.msg:2: OneKey without a value"));
  EXPECT_THAT(ProblemsOf("coordinator group 1 One\nvalue 0\n  a int32\n"),
              ElementsAre("x.msg:2: OneValue without a key"));
  EXPECT_THAT(ProblemsOf(one + "coordinator group 1 Two\nkey 0\n  a int32\nvalue 0\n  a int32\n"),
              ElementsAre("x.msg:7: key 1 is already that of OneKey"));
  EXPECT_THAT(ProblemsOf(one + "coordinator share 1 Two\nkey 0\n  a int32\nvalue 0\n  a int32\n"), IsEmpty());
}

}  // namespace
}  // namespace odradek::protogen
