#include "tools/odradek/java_class.h"

#include <fmt/format.h>

namespace odradek::tool {

std::optional<size_t> FindJavaClass(std::string_view text, std::span<const std::string_view> names) {
  // They have moved from kafka.tools to org.apache.kafka.tools, and scripts still name either.
  const size_t package_end = text.rfind('.');
  if (package_end != std::string_view::npos) {
    if (!text.starts_with("org.apache.kafka.") && !text.starts_with("kafka.")) return std::nullopt;
    text.remove_prefix(package_end + 1);
  }
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == text) return i;
  }
  return std::nullopt;
}

std::string WrongJavaClass(std::string_view text, std::span<const std::string_view> names) {
  return fmt::format("\"{}\" is none of Kafka's {}; no other class can be loaded", text, fmt::join(names, ", "));
}

CLI::Validator JavaClassOf(std::span<const std::string_view> names) {
  const auto problem = [names](const std::string& text) {
    return FindJavaClass(text, names) ? std::string() : WrongJavaClass(text, names);
  };
  return CLI::Validator(problem, "");
}

}  // namespace odradek::tool
