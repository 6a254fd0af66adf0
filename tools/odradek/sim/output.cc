#include "tools/odradek/sim/output.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "tools/odradek/sim/exit_codes.h"

namespace odradek::tool {
namespace {

std::string Problem(const std::string& path) {
  return path + ": cannot be written: " + std::strerror(errno);
}

}  // namespace

bool IsOutputGood() {
  std::cout.flush();
  // Some verbs write by one, some by the other.
  return std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout.good();
}

int CheckOutput(std::string_view who, int exit_code) {
  if (IsOutputGood()) return exit_code;
  std::cerr << who << ": standard output cannot be written\n";
  return exit_code == kExitOk ? kExitFailed : exit_code;
}

std::string VerbOf(const CLI::App& app) {
  const CLI::App* verb = &app;
  std::string path = app.get_name();
  while (!verb->get_subcommands().empty()) {
    verb = verb->get_subcommands().front();
    path += " " + verb->get_name();
  }
  return path;
}

std::string WhyNotWritable(const std::string& path) {
  std::error_code ignored;
  const bool is_there = std::filesystem::exists(path, ignored);
  // To open a pipe would be to write to it.
  if (is_there && !std::filesystem::is_regular_file(path, ignored) && !std::filesystem::is_directory(path, ignored)) {
    return "";
  }
  errno = 0;
  if (!std::ofstream(path, std::ios::app)) return Problem(path);
  if (!is_there) std::filesystem::remove(path, ignored);
  return "";
}

std::string WhyNotWritable(const std::string& folder, const std::string& name) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return folder + ": " + error.message();
  return WhyNotWritable((std::filesystem::path(folder) / name).string());
}

std::string WriteTextFile(const std::string& path, std::string_view text) {
  errno = 0;
  std::ofstream out(path, std::ios::binary);
  return out << text << std::flush ? "" : Problem(path);
}

}  // namespace odradek::tool
