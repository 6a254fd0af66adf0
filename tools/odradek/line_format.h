// A line of standard input as a record, as Kafka's console producer reads it (LineMessageReader). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/bytes.h"
#include "engine/record/record_iterator.h"
#include "tools/odradek/client_session.h"

namespace odradek::tool {

// A line is headers, delimiter, key, separator, value; the first two and the second two only if they are parsed. The
// names are Kafka's.
struct LineFormat {
  bool parse_key = false;
  bool parse_headers = false;
  // What is missing is left out instead.
  bool ignore_error = false;
  std::string key_separator = "\t";
  std::string headers_delimiter = "\t";
  std::string headers_separator = ",";
  std::string headers_key_separator = ":";
  std::optional<std::string> null_marker;
};

// "parse.key=true". An error begins with where it was given.
absl::Status ApplyReaderProperty(const GivenProperty& given, LineFormat& format);

// Of separators that cannot be told apart. Empty: there are none.
std::string ProblemOf(const LineFormat& format);

// Views of the line.
struct LineRecord {
  std::optional<Bytes> key;
  std::optional<Bytes> value;
  std::vector<record::RecordHeader> headers;
};
// REQUIRES: ProblemOf(format) is empty.
absl::StatusOr<LineRecord> ParseLine(std::string_view line, const LineFormat& format);

}  // namespace odradek::tool
