// Bytes that Apache Kafka's own classes made ("Name version hex" per line) against our codecs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/engine/protocol/message_case.h"

namespace odradek::protocol {

struct OracleResult {
  int64_t line_count = 0;
  std::vector<std::string> failures;
  // Versions of our messages of which no line exists: "Name version".
  std::vector<std::string> missing;
};

// Every line decodes and re-encodes to the same bytes.
OracleResult CheckAgainstOracle(const std::string& lines, const std::vector<MessageCase>& cases);

// "Name version" of every version of every message: what KafkaBytes.java reads.
std::string VersionList(const std::vector<MessageCase>& cases);

}  // namespace odradek::protocol
