#include "tools/odradek/record_printer.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "engine/base/absl_compat.h"

namespace odradek::tool {
namespace {

void AppendField(const std::optional<Bytes>& field, const RecordFormat& format, std::string& out) {
  out += field ? AsString(*field) : std::string_view(format.null_literal);
}

void AppendHeaders(record::RecordHeaders headers, const RecordFormat& format, std::string& out) {
  if (headers.left() == 0) {
    out += "NO_HEADERS";
    return;
  }
  bool is_first = true;
  while (const std::optional<record::RecordHeader> header = headers.Next()) {
    if (!is_first) out += format.headers_separator;
    is_first = false;
    out.append(header->key).append(":");
    AppendField(header->value, format, out);
  }
}

}  // namespace

absl::Status ApplyFormatProperty(const GivenProperty& given, RecordFormat& format) {
  const auto property = SplitProperty(given.origin, given.text);
  if (!property.ok()) return property.status();
  const auto& [name, value] = *property;
  const std::array<std::pair<std::string_view, bool*>, 7> flags = {{{"print.timestamp", &format.timestamp},
                                                                    {"print.partition", &format.partition},
                                                                    {"print.offset", &format.offset},
                                                                    {"print.epoch", &format.epoch},
                                                                    {"print.headers", &format.headers},
                                                                    {"print.key", &format.key},
                                                                    {"print.value", &format.value}}};
  for (const auto& [flag_name, flag] : flags) {
    if (name != flag_name) continue;
    if (value != "true" && value != "false") {
      return base::InvalidArgument(fmt::format("{}: {}: true or false expected", given.origin, given.text));
    }
    *flag = value == "true";
    return absl::OkStatus();
  }
  const std::array<std::pair<std::string_view, std::string*>, 4> texts = {
      {{"key.separator", &format.key_separator},
       {"line.separator", &format.line_separator},
       {"headers.separator", &format.headers_separator},
       {"null.literal", &format.null_literal}}};
  for (const auto& [text_name, target] : texts) {
    if (name != text_name) continue;
    *target = value;
    return absl::OkStatus();
  }
  return base::InvalidArgument(
      fmt::format("{}: {} is none of print.timestamp, print.partition, print.offset, print.epoch, print.headers, "
                  "print.key, print.value, key.separator, line.separator, headers.separator, null.literal",
                  given.origin, name));
}

void AppendRecord(const client::ConsumerRecord& record, PartitionIndex partition, const RecordFormat& format,
                  std::string& out) {
  const size_t begin = out.size();
  const auto separate = [&] {
    if (out.size() > begin) out += format.key_separator;
  };
  if (format.timestamp) {
    const bool is_append_time = record.timestamp_type == record::TimestampType::kLogAppendTime;
    out += fmt::format("{}:{}", is_append_time ? "LogAppendTime" : "CreateTime", record.timestamp.value());
  }
  if (format.partition) {
    separate();
    out += fmt::format("Partition:{}", partition.value());
  }
  if (format.offset) {
    separate();
    out += fmt::format("Offset:{}", record.offset.value());
  }
  if (format.epoch) {
    separate();
    out += fmt::format("Epoch:{}", record.leader_epoch.value());
  }
  if (format.headers) {
    separate();
    AppendHeaders(record.headers, format, out);
  }
  if (format.key) {
    separate();
    AppendField(record.key, format, out);
  }
  if (format.value) {
    // An empty key still has its separator.
    if (format.key || out.size() > begin) out += format.key_separator;
    AppendField(record.value, format, out);
  }
  out += format.line_separator;
}

}  // namespace odradek::tool
