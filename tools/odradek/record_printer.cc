#include "tools/odradek/record_printer.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "engine/base/absl_compat.h"
#include "tools/odradek/java_class.h"

namespace odradek::tool {
namespace {

// A record's line as far as it goes. The first field that cannot be shown is the problem.
class Line {
 public:
  Line(const RecordFormat& format, std::string& out) : format_(format), out_(out), begin_(out.size()) {}

  void Add(std::string_view text) {
    Separate();
    out_ += text;
  }
  void AddField(std::string_view name, const std::optional<Bytes>& field, FieldType type) {
    Separate();
    AppendField(name, field, type);
  }
  void AddHeaders(record::RecordHeaders headers) {
    if (headers.left() == 0) return Add("NO_HEADERS");
    Separate();
    bool is_first = true;
    while (const std::optional<record::RecordHeader> header = headers.Next()) {
      if (!is_first) out_ += format_.headers_separator;
      is_first = false;
      out_.append(header->key).append(":");
      AppendField("header", header->value, format_.header_type);
    }
  }
  std::string Finish() {
    out_ += format_.line_separator;
    if (!problem_.empty()) out_.resize(begin_);
    return problem_;
  }

 private:
  // An empty field still has its separator.
  void Separate() {
    if (!is_empty_) out_ += format_.key_separator;
    is_empty_ = false;
  }
  void AppendField(std::string_view name, const std::optional<Bytes>& field, FieldType type) {
    if (!field) {
      out_ += format_.null_literal;
      return;
    }
    const std::string problem = AppendFieldText(*field, type, out_);
    if (problem_.empty() && !problem.empty()) problem_ = fmt::format("its {} has {}", name, problem);
  }

  const RecordFormat& format_;
  std::string& out_;
  const size_t begin_;
  bool is_empty_ = true;
  std::string problem_;
};

}  // namespace

absl::Status ApplyFormatProperty(const GivenProperty& given, RecordFormat& format) {
  const auto property = SplitProperty(given.origin, given.text);
  if (!property.ok()) return property.status();
  const auto& [name, value] = *property;
  const std::array<std::pair<std::string_view, bool*>, 8> flags = {{{"print.timestamp", &format.timestamp},
                                                                    {"print.partition", &format.partition},
                                                                    {"print.offset", &format.offset},
                                                                    {"print.delivery", &format.delivery},
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
  const std::array<std::pair<std::string_view, FieldType*>, 3> types = {
      {{"key.deserializer", &format.key_type},
       {"value.deserializer", &format.value_type},
       {"headers.deserializer", &format.header_type}}};
  for (const auto& [type_name, target] : types) {
    if (name != type_name) continue;
    const std::optional<size_t> found = FindJavaClass(value, FieldTypeNames());
    if (!found) {
      return base::InvalidArgument(
          fmt::format("{}: {}: {}", given.origin, name, WrongJavaClass(value, FieldTypeNames())));
    }
    *target = static_cast<FieldType>(*found);
    return absl::OkStatus();
  }
  return base::InvalidArgument(
      fmt::format("{}: {} is none of print.timestamp, print.partition, print.offset, print.delivery, print.epoch, "
                  "print.headers, print.key, print.value, key.separator, line.separator, headers.separator, "
                  "null.literal, key.deserializer, value.deserializer, headers.deserializer",
                  given.origin, name));
}

std::string AppendRecord(const client::ConsumerRecord& record, PartitionIndex partition, const RecordFormat& format,
                         std::string& out) {
  Line line(format, out);
  if (format.timestamp) {
    const bool is_append_time = record.timestamp_type == record::TimestampType::kLogAppendTime;
    line.Add(fmt::format("{}:{}", is_append_time ? "LogAppendTime" : "CreateTime", record.timestamp.value()));
  }
  if (format.partition) line.Add(fmt::format("Partition:{}", partition.value()));
  if (format.offset) line.Add(fmt::format("Offset:{}", record.offset.value()));
  // Only share groups count deliveries.
  if (format.delivery) line.Add("Delivery:NOT_PRESENT");
  if (format.epoch) line.Add(fmt::format("Epoch:{}", record.leader_epoch.value()));
  if (format.headers) line.AddHeaders(record.headers);
  if (format.key) line.AddField("key", record.key, format.key_type);
  if (format.value) line.AddField("value", record.value, format.value_type);
  return line.Finish();
}

}  // namespace odradek::tool
