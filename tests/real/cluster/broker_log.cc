#include "tests/real/cluster/broker_log.h"

#include <time.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/base/check.h"

namespace odradek::real_cluster {
namespace {

using Json = nlohmann::json;

constexpr int64_t kMilliNanos = 1'000'000;
constexpr int64_t kSecondNanos = 1'000'000'000;

// "2026-12-01T04:11:58.123Z"
std::optional<int64_t> ParseTime(const std::string& text) {
  std::tm parts{};
  int millis = 0;
  const int read = std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &parts.tm_year, &parts.tm_mon,
                               &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &millis);
  if (read != 7) return std::nullopt;
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  return timegm(&parts) * kSecondNanos + millis * kMilliNanos;
}

std::string TextOf(const Json& line, const char* name) {
  const auto at = line.find(name);
  return at == line.end() || !at->is_string() ? std::string() : at->get<std::string>();
}

std::optional<int64_t> NumberOf(const Json& line, const char* name) {
  const std::string text = TextOf(line, name);
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

HistoryClock::HistoryClock(const ClockPair& begin, const ClockPair& end)
    : begin_(begin), length_ns_(end.history_ns - begin.history_ns) {
  REQUIRES(length_ns_ > 0);
  drift_ns_ = (end.wall_ns - begin.wall_ns) - length_ns_;
}

int64_t HistoryClock::At(int64_t wall_ns) const {
  const int64_t since_ns = wall_ns - begin_.wall_ns;
  const auto correction = static_cast<int64_t>(static_cast<__int128>(drift_ns_) * since_ns / (length_ns_ + drift_ns_));
  return begin_.history_ns + since_ns - correction;
}

void ReadBrokerLog(std::string_view text, const std::string& node, const HistoryClock& clock,
                   history::History& history) {
  while (!text.empty()) {
    const std::string_view row = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), row.size() + 1));
    const Json line = Json::parse(row, nullptr, false);
    if (!line.is_object()) continue;
    const std::optional<int64_t> wall_ns = ParseTime(TextOf(line, "time"));
    if (!wall_ns) continue;
    const int64_t at_ns = clock.At(*wall_ns + kMilliNanos);
    const std::string message = TextOf(line, "message");
    if (message == "node started") history.node_events.push_back({at_ns, node, history::NodeEventKind::kStarted});
    if (message != "log start moved" && message != "log recovered") continue;
    const std::optional<int64_t> partition = NumberOf(line, "partition");
    const std::optional<int64_t> log_start = NumberOf(line, "log_start_offset");
    if (!partition || !log_start) continue;
    history.log_starts.push_back(
        {.at_ns = at_ns,
         .partition = {TextOf(line, "topic"), PartitionIndex(static_cast<int32_t>(*partition))},
         .log_start_offset = Offset(*log_start),
         .node = node});
  }
}

void SortNodeNotes(history::History& history) {
  const auto by_time = [](const auto& a, const auto& b) { return a.at_ns < b.at_ns; };
  std::stable_sort(history.node_events.begin(), history.node_events.end(), by_time);
  std::stable_sort(history.log_starts.begin(), history.log_starts.end(), by_time);
}

}  // namespace odradek::real_cluster
