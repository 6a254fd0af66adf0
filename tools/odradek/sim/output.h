// What a program has to say for itself must arrive: standard output, and the files that a verb was asked to write.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

namespace odradek::tool {

// For the end of a program, and of a child process: flushes standard output. Returns `exit_code`, or, where that would
// be success although something could not be written, 1. `who` stands before the message.
int CheckOutput(std::string_view who, int exit_code);
// Nothing is lost so far.
bool IsOutputGood();

// "odradek topic list": the verb that was reached.
std::string VerbOf(const CLI::App& app);

// Empty: a file can be written there. What is at `path` stays as it is.
std::string WhyNotWritable(const std::string& path);
// The same for a folder in which `name` is to be written; makes it.
std::string WhyNotWritable(const std::string& folder, const std::string& name);
// Empty: it is written.
std::string WriteTextFile(const std::string& path, std::string_view text);

}  // namespace odradek::tool
