// Structured log lines to stderr: one line per event, as key=value or as JSON. Thread-safe; never suspends, but blocks
// while the reader of stderr is slow. Owned by the node.
#pragma once

#include <cstdio>
#include <memory>
#include <span>

#include "engine/env/env.h"

namespace odradek::real {

enum class LogFormat : uint8_t { kKeyValue, kJson };

struct LogOptions {
  env::LogLevel level_min = env::LogLevel::kInfo;
  LogFormat format = LogFormat::kKeyValue;
  // Not closed. nullptr: stderr.
  std::FILE* file = nullptr;
};

class RealLog final : public env::Log {
 public:
  explicit RealLog(const LogOptions& options);
  ~RealLog() override;

  void Write(env::LogLevel level, std::string_view component, std::string_view message,
             std::initializer_list<env::LogField> fields) override;
  // The same with as many fields as there are.
  void WriteFields(env::LogLevel level, std::string_view component, std::string_view message,
                   std::span<const env::LogField> fields);
  env::LogLevel level_min() const { return options_.level_min; }
  void Flush();

 private:
  struct Sink;
  const LogOptions options_;
  std::unique_ptr<Sink> sink_;
};

}  // namespace odradek::real
