// protocol_oracle live|record: our codecs against the bytes of Kafka's own classes, made now by KafkaBytes.java.
//
//   live    compares with fresh bytes, and these with the recorded ones. Without a JDK or Kafka's jars it says so and
//           checks the recorded bytes alone.
//   record  writes the recorded bytes anew.
//
// Runs from the project's root. The jars (kJars and slf4j-api): the folder in ODRADEK_KAFKA_JARS, for instance the libs
// folder of a Kafka 4.3.1, what tests/interop/fetch brought, or the local Maven repository.
#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "tests/engine/protocol/oracle/oracle.h"

namespace {

namespace fs = std::filesystem;
using odradek::protocol::OracleResult;

constexpr const char* kRecorded = "tests/engine/protocol/oracle/kafka-4.3.1.hex";
constexpr const char* kProgram = "tests/engine/protocol/oracle/KafkaBytes.java";
constexpr const char* kFetchedJars = "build/clients/jars";  // by tests/interop/fetch
constexpr const char* kKafkaVersion = "4.3.1";
// Where the classes of the messages are.
constexpr auto kJars =
    std::to_array<std::string_view>({"kafka-clients", "kafka-metadata", "kafka-group-coordinator",
                                     "kafka-transaction-coordinator", "kafka-share-coordinator", "kafka-storage"});
constexpr int kRecordedVariants = 2;
constexpr int kLiveVariants = 12;

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// The first *.jar below a folder of the Maven repository.
std::optional<fs::path> FindJar(const fs::path& folder) {
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
    if (entry.path().extension() == ".jar") return entry.path();
  }
  return std::nullopt;
}

// The first of kJars that a folder lacks; empty: none.
std::string MissingJar(const fs::path& folder) {
  for (const std::string_view name : kJars) {
    std::string file = fmt::format("{}-{}.jar", name, kKafkaVersion);
    if (!fs::exists(folder / file)) return file;
  }
  return "";
}

// Empty, and `why` says it, if the jars are not there.
std::string ClassPath(std::string& why) {
  if (const char* folder = std::getenv("ODRADEK_KAFKA_JARS"); folder != nullptr && *folder != '\0') {
    const std::string missing = MissingJar(folder);
    if (missing.empty()) return fmt::format("{}/*", folder);
    why = fmt::format("ODRADEK_KAFKA_JARS is '{}', and {} is not there", folder, missing);
    return "";
  }
  if (MissingJar(kFetchedJars).empty()) return fmt::format("{}/*", kFetchedJars);
  const char* home = std::getenv("HOME");
  const fs::path repository = fs::path(home != nullptr ? home : "/") / ".m2/repository/org";
  const auto logging = FindJar(repository / "slf4j/slf4j-api");
  if (!logging) why = "slf4j-api";
  std::string class_path = logging ? logging->string() : "";
  for (const std::string_view name : kJars) {
    const auto jar = FindJar(repository / "apache/kafka" / name / kKafkaVersion);
    if (!jar) why = fmt::format("{} {}", name, kKafkaVersion);
    class_path += jar ? ":" + jar->string() : "";
  }
  if (why.empty()) return class_path;
  why = fmt::format("ODRADEK_KAFKA_JARS is not set, and {} is not in the local Maven repository", why);
  return "";
}

// Nothing if the program failed.
std::optional<std::string> MakeBytes(const std::string& class_path, int variants) {
  const fs::path list = fs::temp_directory_path() / fmt::format("odradek-oracle-{}.txt", std::rand());
  const fs::path out = fs::path(list.string() + ".hex");
  std::ofstream(list) << odradek::protocol::VersionList(odradek::protocol::AllMessageCases());
  const std::string command =
      fmt::format("java -cp '{}' {} {} < '{}' > '{}'", class_path, kProgram, variants, list.string(), out.string());
  const int status = std::system(command.c_str());
  std::string lines = ReadFile(out);
  fs::remove(list);
  fs::remove(out);
  return status == 0 ? std::optional(std::move(lines)) : std::nullopt;
}

int Report(const char* what, const OracleResult& result) {
  fmt::print("{}: {} messages, {} failures, {} versions missing\n", what, result.line_count, result.failures.size(),
             result.missing.size());
  for (const std::string& failure : result.failures) fmt::print("  {}\n", failure);
  for (const std::string& missing : result.missing) fmt::print("  no bytes for {}\n", missing);
  return result.failures.empty() && result.missing.empty() && result.line_count > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc == 2 ? argv[1] : "";
  if (mode != "live" && mode != "record") {
    fmt::print(stderr, "usage: protocol_oracle live|record (from the project's root)\n");
    return 2;
  }
  const auto cases = odradek::protocol::AllMessageCases();
  std::string why;
  const std::string class_path = ClassPath(why);
  if (why.empty() && std::system("javac -version > /dev/null 2>&1") != 0) why = "there is no JDK (javac) on the path";
  if (!why.empty()) {
    fmt::print("No fresh bytes from Kafka: {}.\n", why);
    if (mode == "record") return 1;
    fmt::print("Only the recorded bytes are checked.\n");
    return Report("recorded", CheckAgainstOracle(ReadFile(kRecorded), cases));
  }
  const auto two_variants = MakeBytes(class_path, kRecordedVariants);
  if (!two_variants) {
    fmt::print("{} failed\n", kProgram);
    return 1;
  }
  if (mode == "record") {
    std::ofstream(kRecorded, std::ios::binary | std::ios::trunc) << *two_variants;
    return Report("recorded", CheckAgainstOracle(*two_variants, cases));
  }
  if (*two_variants != ReadFile(kRecorded)) {
    fmt::print("{} is not what Kafka {} gives now: run 'protocol_oracle record'\n", kRecorded, kKafkaVersion);
    return 1;
  }
  const auto many_variants = MakeBytes(class_path, kLiveVariants);
  return many_variants ? Report("live", CheckAgainstOracle(*many_variants, cases)) : 1;
}
