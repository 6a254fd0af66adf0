// A record as a line, as Kafka's console consumer formats it. Pure.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "engine/client/consumer.h"
#include "tools/odradek/client_session.h"
#include "tools/odradek/field_text.h"

namespace odradek::tool {

// The names are Kafka's, without "print.".
struct RecordFormat {
  bool timestamp = false;
  bool partition = false;
  bool offset = false;
  bool delivery = false;
  bool epoch = false;
  bool headers = false;
  bool key = false;
  bool value = true;
  std::string key_separator = "\t";
  std::string line_separator = "\n";
  std::string headers_separator = ",";
  std::string null_literal = "null";
  FieldType key_type = FieldType::kString;
  FieldType value_type = FieldType::kString;
  FieldType header_type = FieldType::kString;
};

// "print.key=true". An error begins with where it was given.
absl::Status ApplyFormatProperty(const GivenProperty& given, RecordFormat& format);

// Empty: done; otherwise what is wrong with a field, and nothing was appended.
std::string AppendRecord(const client::ConsumerRecord& record, PartitionIndex partition, const RecordFormat& format,
                         std::string& out);

}  // namespace odradek::tool
