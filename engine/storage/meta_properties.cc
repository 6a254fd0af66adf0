#include "engine/storage/meta_properties.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <vector>

#include "engine/base/absl_compat.h"
#include "engine/config/properties.h"

namespace odradek::storage {

namespace meta_properties_internal {

// So that config::ParseProperties() gives the same text: a backslash stands before what would otherwise have a meaning.
std::string Escape(std::string_view text) {
  constexpr std::string_view kBlanks = "\t\n\r\f";
  constexpr std::string_view kBlankNames = "tnrf";
  std::string out;
  for (const char c : text) {
    const size_t blank = kBlanks.find(c);
    const bool is_leading_space = c == ' ' && out.empty();
    if (blank != std::string_view::npos || is_leading_space || std::string_view(":=#!\\").find(c) != text.npos)
      out += '\\';
    out += blank == std::string_view::npos ? c : kBlankNames[blank];
  }
  return out;
}

std::optional<int32_t> ParseInt(std::string_view text) {
  int32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

}  // namespace meta_properties_internal

std::string FormatMetaProperties(const MetaProperties& meta) {
  std::string text = fmt::format("#\nversion=1\ncluster.id={}\nnode.id={}\n",
                                 meta_properties_internal::Escape(meta.cluster_id), meta.node_id.value());
  if (!meta.directory_id.is_zero()) text += fmt::format("directory.id={}\n", meta.directory_id.ToString());
  return text;
}

absl::StatusOr<MetaProperties> ParseMetaProperties(std::string_view path, Bytes content) {
  namespace internal = meta_properties_internal;
  const absl::StatusOr<std::vector<config::Property>> parsed = config::ParseProperties(path, AsString(content));
  if (!parsed.ok()) return base::DataLoss(base::SV(parsed.status().message()));
  // The last one holds, as in Java.
  const auto find = [&](std::string_view key) -> const config::Property* {
    const config::Property* found = nullptr;
    for (const config::Property& property : *parsed) {
      if (property.key == key) found = &property;
    }
    return found;
  };
  const config::Property* version = find("version");
  if (version == nullptr) return base::DataLoss(fmt::format("{}: \"version\" is missing", path));
  if (version->value != "0" && version->value != "1") {
    return base::DataLoss(fmt::format("{}:{}: version {} is not known", path, version->line, version->value));
  }
  MetaProperties meta;
  const config::Property* node = find("node.id");
  if (node == nullptr) node = find("broker.id");
  if (node == nullptr) return base::DataLoss(fmt::format("{}: \"node.id\" is missing", path));
  const std::optional<int32_t> node_id = internal::ParseInt(node->value);
  if (!node_id || *node_id < 0) {
    return base::DataLoss(fmt::format("{}:{}: \"{}\" is not a node id", path, node->line, node->value));
  }
  meta.node_id = NodeId(*node_id);
  if (const config::Property* cluster = find("cluster.id"); cluster != nullptr) meta.cluster_id = cluster->value;
  if (meta.cluster_id.empty()) return base::DataLoss(fmt::format("{}: \"cluster.id\" is missing", path));
  if (const config::Property* directory = find("directory.id"); directory != nullptr) {
    const std::optional<Uuid> id = Uuid::Parse(directory->value);
    if (!id || id->is_zero()) {
      return base::DataLoss(
          fmt::format("{}:{}: \"{}\" is not a directory id", path, directory->line, directory->value));
    }
    meta.directory_id = *id;
  }
  return meta;
}

}  // namespace odradek::storage
