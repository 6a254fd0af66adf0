#include "engine/storage/meta_properties.h"

#include <fmt/format.h>

#include <charconv>
#include <map>
#include <optional>

#include "engine/base/absl_compat.h"

namespace odradek::storage {

namespace meta_properties_internal {

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\f");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\f") - begin + 1);
}

// A backslash stands before what would otherwise have a meaning.
std::string Unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

std::string Escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ':' || c == '=' || c == '#' || c == '!' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

// Where the key ends.
size_t KeyEnd(std::string_view line) {
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '=' || line[i] == ':') {
      return i;
    }
  }
  return std::string_view::npos;
}

struct Value {
  std::string text;
  int64_t line = 0;
};
using Properties = std::map<std::string, Value>;

absl::StatusOr<Properties> ParseProperties(std::string_view path, std::string_view text) {
  Properties properties;
  int64_t number = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = Trim(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    ++number;
    if (line.empty() || line[0] == '#' || line[0] == '!') continue;
    const size_t separator = KeyEnd(line);
    if (separator == std::string_view::npos) {
      return base::DataLoss(fmt::format("{}:{}: \"key=value\" expected", path, number));
    }
    properties[Unescape(Trim(line.substr(0, separator)))] = {Unescape(Trim(line.substr(separator + 1))), number};
  }
  return properties;
}

std::optional<int32_t> ParseInt(std::string_view text) {
  int32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

}  // namespace meta_properties_internal

std::string FormatMetaProperties(const MetaProperties& meta) {
  return fmt::format("#\nversion=1\ncluster.id={}\nnode.id={}\ndirectory.id={}\n",
                     meta_properties_internal::Escape(meta.cluster_id), meta.node_id.value(),
                     meta.directory_id.ToString());
}

absl::StatusOr<MetaProperties> ParseMetaProperties(std::string_view path, Bytes content) {
  namespace internal = meta_properties_internal;
  absl::StatusOr<internal::Properties> parsed = internal::ParseProperties(path, AsString(content));
  if (!parsed.ok()) return parsed.status();
  const auto find = [&](const std::string& key) -> const internal::Value* {
    const auto it = parsed->find(key);
    return it == parsed->end() ? nullptr : &it->second;
  };
  const internal::Value* version = find("version");
  if (version == nullptr) return base::DataLoss(fmt::format("{}: \"version\" is missing", path));
  if (version->text != "0" && version->text != "1") {
    return base::DataLoss(fmt::format("{}:{}: version {} is not known", path, version->line, version->text));
  }
  MetaProperties meta;
  const internal::Value* node = find("node.id");
  if (node == nullptr) node = find("broker.id");
  if (node == nullptr) return base::DataLoss(fmt::format("{}: \"node.id\" is missing", path));
  const std::optional<int32_t> node_id = internal::ParseInt(node->text);
  if (!node_id || *node_id < 0) {
    return base::DataLoss(fmt::format("{}:{}: \"{}\" is not a node id", path, node->line, node->text));
  }
  meta.node_id = NodeId(*node_id);
  if (const internal::Value* cluster = find("cluster.id"); cluster != nullptr) meta.cluster_id = cluster->text;
  if (meta.cluster_id.empty()) return base::DataLoss(fmt::format("{}: \"cluster.id\" is missing", path));
  if (const internal::Value* directory = find("directory.id"); directory != nullptr) {
    const std::optional<Uuid> id = Uuid::Parse(directory->text);
    if (!id || id->is_zero()) {
      return base::DataLoss(fmt::format("{}:{}: \"{}\" is not a directory id", path, directory->line, directory->text));
    }
    meta.directory_id = *id;
  }
  return meta;
}

}  // namespace odradek::storage
