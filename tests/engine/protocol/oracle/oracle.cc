#include "tests/engine/protocol/oracle/oracle.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <sstream>

namespace odradek::protocol {
namespace {

ByteBuffer FromHex(const std::string& hex) {
  ByteBuffer bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

std::string CheckOne(const MessageCase& message, int version, const ByteBuffer& bytes) {
  ByteBuffer again;
  const auto error = message.reencode(bytes, static_cast<int16_t>(version), again);
  if (error) return "does not decode: " + error->ToString();
  return again == bytes ? "" : "re-encodes to other bytes";
}

}  // namespace

OracleResult CheckAgainstOracle(const std::string& lines, const std::vector<MessageCase>& cases) {
  OracleResult result;
  std::map<std::string, const MessageCase*, std::less<>> by_name;
  std::set<std::string> seen;
  for (const MessageCase& message : cases) by_name.emplace(message.name, &message);
  std::istringstream in(lines);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string name;
    std::string hex;
    int version = -1;
    words >> name >> version >> hex;  // an empty message has no hex
    ++result.line_count;
    const auto message = by_name.find(name);
    const std::string failure =
        message == by_name.end() ? "is no message of this build" : CheckOne(*message->second, version, FromHex(hex));
    if (!failure.empty()) result.failures.push_back(fmt::format("{} {} {}: {}", name, version, hex, failure));
    seen.insert(fmt::format("{} {}", name, version));
  }
  std::istringstream wanted(VersionList(cases));
  for (std::string line; std::getline(wanted, line);) {
    if (!seen.contains(line)) result.missing.push_back(line);
  }
  return result;
}

std::string VersionList(const std::vector<MessageCase>& cases) {
  std::string list;
  for (const MessageCase& message : cases) {
    for (int version = message.min_version; version <= message.max_version; ++version) {
      list += fmt::format("{} {}\n", message.name, version);
    }
  }
  return list;
}

}  // namespace odradek::protocol
