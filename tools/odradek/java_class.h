// Classes that stand in options of Kafka's tools. Some of Kafka's own are built in; nothing else can be loaded.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace odradek::tool {

// Which of the names, with or without a package of Kafka's before it; nullopt: none.
std::optional<size_t> FindJavaClass(std::string_view text, std::span<const std::string_view> names);

// What is wrong with another text, for a person.
std::string WrongJavaClass(std::string_view text, std::span<const std::string_view> names);

// REQUIRES: the names outlive the validator.
CLI::Validator JavaClassOf(std::span<const std::string_view> names);

}  // namespace odradek::tool
