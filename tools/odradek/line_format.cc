#include "tools/odradek/line_format.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"

namespace odradek::tool {
namespace {

// What a separator separates, for errors.
struct Separator {
  std::string_view what;
  std::string_view text;
};

// Takes what is before the separator and the separator from `line`. nullopt: it is not there, and that is ignored.
absl::StatusOr<std::optional<std::string_view>> TakePart(std::string_view& line, const Separator& separator,
                                                         const LineFormat& format) {
  const size_t end = line.find(separator.text);
  if (end == std::string_view::npos) {
    if (format.ignore_error) return std::nullopt;
    return base::InvalidArgument(fmt::format("no {} \"{}\"", separator.what, separator.text));
  }
  const std::string_view part = line.substr(0, end);
  line.remove_prefix(end + separator.text.size());
  return std::optional(part);
}

std::optional<Bytes> BytesOf(std::string_view text, const LineFormat& format) {
  return text == format.null_marker ? std::nullopt : std::optional(AsBytes(text));
}

absl::StatusOr<record::RecordHeader> ParseHeader(std::string_view pair, const LineFormat& format) {
  const size_t end = pair.find(format.headers_key_separator);
  if (end == std::string_view::npos) {
    if (format.ignore_error) return record::RecordHeader{pair, std::nullopt};
    return base::InvalidArgument(
        fmt::format("no header key separator \"{}\" in \"{}\"", format.headers_key_separator, pair));
  }
  const std::string_view key = pair.substr(0, end);
  if (key == format.null_marker) {
    return base::InvalidArgument(fmt::format("the null marker \"{}\" as a header's key, which cannot be null", key));
  }
  return record::RecordHeader{key, BytesOf(pair.substr(end + format.headers_key_separator.size()), format)};
}

// Separators at the end separate nothing, as where Java splits a text.
std::vector<std::string_view> SplitHeaders(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> pairs;
  for (size_t end = text.find(separator); end != std::string_view::npos; end = text.find(separator)) {
    pairs.push_back(text.substr(0, end));
    text.remove_prefix(end + separator.size());
  }
  // A text without any is one, be it empty.
  const bool is_one = pairs.empty();
  pairs.push_back(text);
  while (!is_one && !pairs.empty() && pairs.back().empty()) pairs.pop_back();
  return pairs;
}

absl::Status ParseHeaders(std::string_view text, const LineFormat& format, std::vector<record::RecordHeader>& out) {
  if (text == format.null_marker) return absl::OkStatus();
  for (const std::string_view pair : SplitHeaders(text, format.headers_separator)) {
    const absl::StatusOr<record::RecordHeader> header = ParseHeader(pair, format);
    if (!header.ok()) return header.status();
    out.push_back(*header);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ApplyReaderProperty(const GivenProperty& given, LineFormat& format) {
  const auto property = SplitProperty(given.origin, given.text);
  if (!property.ok()) return property.status();
  const auto& [name, value] = *property;
  const std::array<std::pair<std::string_view, bool*>, 3> flags = {{{"parse.key", &format.parse_key},
                                                                    {"parse.headers", &format.parse_headers},
                                                                    {"ignore.error", &format.ignore_error}}};
  for (const auto& [flag_name, flag] : flags) {
    if (name != flag_name || (value != "true" && value != "false")) continue;
    *flag = value == "true";
    return absl::OkStatus();
  }
  const std::array<std::pair<std::string_view, std::string*>, 4> separators = {
      {{"key.separator", &format.key_separator},
       {"headers.delimiter", &format.headers_delimiter},
       {"headers.separator", &format.headers_separator},
       {"headers.key.separator", &format.headers_key_separator}}};
  for (const auto& [separator_name, separator] : separators) {
    if (name != separator_name || value.empty()) continue;
    *separator = value;
    return absl::OkStatus();
  }
  if (name == "null.marker") {
    format.null_marker = value;
    return absl::OkStatus();
  }
  return base::InvalidArgument(fmt::format(
      "{}: {} is none of parse.key=true|false, parse.headers=true|false, ignore.error=true|false, key.separator=TEXT, "
      "headers.delimiter=TEXT, headers.separator=TEXT, headers.key.separator=TEXT, null.marker=TEXT",
      given.origin, given.text));
}

std::string ProblemOf(const LineFormat& format) {
  // Only of what is looked for: the others have defaults that nobody asked for.
  std::vector<Separator> used;
  if (format.parse_headers) {
    used.push_back({"headers.delimiter", format.headers_delimiter});
    used.push_back({"headers.separator", format.headers_separator});
    used.push_back({"headers.key.separator", format.headers_key_separator});
  }
  // The key's may be the delimiter of the headers: it comes behind it.
  const size_t of_headers = used.size();
  if (format.null_marker) used.push_back({"null.marker", *format.null_marker});
  for (size_t i = 0; i < used.size(); ++i) {
    for (size_t j = 0; j < i && j < of_headers; ++j) {
      if (used[i].text != used[j].text) continue;
      return fmt::format("{} and {} are both \"{}\"", used[j].what, used[i].what, used[i].text);
    }
  }
  if (format.parse_key && format.null_marker == format.key_separator) {
    return fmt::format("key.separator and null.marker are both \"{}\"", format.key_separator);
  }
  return "";
}

absl::StatusOr<LineRecord> ParseLine(std::string_view line, const LineFormat& format) {
  REQUIRES(ProblemOf(format).empty());
  LineRecord out;
  if (format.parse_headers) {
    const auto headers = TakePart(line, {"headers delimiter", format.headers_delimiter}, format);
    if (!headers.ok()) return headers.status();
    const absl::Status parsed = headers->has_value() ? ParseHeaders(**headers, format, out.headers) : absl::OkStatus();
    if (!parsed.ok()) return parsed;
  }
  if (format.parse_key) {
    const auto key = TakePart(line, {"key separator", format.key_separator}, format);
    if (!key.ok()) return key.status();
    if (key->has_value()) out.key = BytesOf(**key, format);
  }
  out.value = BytesOf(line, format);
  return out;
}

}  // namespace odradek::tool
