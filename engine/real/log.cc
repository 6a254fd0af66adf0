#include "engine/real/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <time.h>

#include <array>
#include <string>

#include "engine/base/check.h"

namespace odradek::real {
namespace {

std::string_view LevelName(env::LogLevel level) {
  switch (level) {
    case env::LogLevel::kDebug:
      return "debug";
    case env::LogLevel::kInfo:
      return "info";
    case env::LogLevel::kWarning:
      return "warning";
    case env::LogLevel::kError:
      return "error";
  }
  INVARIANT(!"unknown log level");
}

// UTC with milliseconds.
std::string TimeText() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  std::tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  std::array<char, 32> text{};
  strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  return fmt::format("{}.{:03}Z", text.data(), now.tv_nsec / 1'000'000);
}

// A JSON string, quotes included. Bytes that are no printable ASCII pass as they are above 0x7f (UTF-8) and are escaped
// below 0x20, so that a line stays a line whatever a client sent.
void AppendQuoted(std::string& line, std::string_view text) {
  line += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (c == '\n') {
      line += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      line += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      line += c;
    }
  }
  line += '"';
}

void AppendPair(std::string& line, LogFormat format, std::string_view key, std::string_view value) {
  if (format == LogFormat::kJson) {
    line += line.empty() ? '{' : ',';
    AppendQuoted(line, key);
    line += ':';
    AppendQuoted(line, value);
    return;
  }
  if (!line.empty()) line += ' ';
  line += key;
  line += '=';
  const bool plain = !value.empty() && value.find_first_of(" \"\\=\n\t\r") == std::string_view::npos &&
                     value.find('\0') == std::string_view::npos;
  if (plain) {
    line += value;
  } else {
    AppendQuoted(line, value);
  }
}

}  // namespace

struct RealLog::Sink {
  explicit Sink(std::FILE* file)
      : logger("odradek", std::make_shared<spdlog::sinks::stdout_sink_base<spdlog::details::console_mutex>>(file)) {
    logger.set_pattern("%v");
    logger.flush_on(spdlog::level::trace);
  }
  spdlog::logger logger;
};

RealLog::RealLog(const LogOptions& options)
    : options_(options), sink_(std::make_unique<Sink>(options.file != nullptr ? options.file : stderr)) {}

RealLog::~RealLog() = default;

void RealLog::Write(env::LogLevel level, std::string_view component, std::string_view message,
                    std::initializer_list<env::LogField> fields) {
  WriteFields(level, component, message, std::span(fields.begin(), fields.size()));
}

void RealLog::WriteFields(env::LogLevel level, std::string_view component, std::string_view message,
                          std::span<const env::LogField> fields) {
  if (level < options_.level_min) return;
  std::string line;
  AppendPair(line, options_.format, "time", TimeText());
  AppendPair(line, options_.format, "level", LevelName(level));
  AppendPair(line, options_.format, "component", component);
  AppendPair(line, options_.format, "message", message);
  for (const env::LogField& field : fields) AppendPair(line, options_.format, field.key, field.value);
  if (options_.format == LogFormat::kJson) line += '}';
  sink_->logger.log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

void RealLog::Flush() {
  sink_->logger.flush();
}

}  // namespace odradek::real
