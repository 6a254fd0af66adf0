#include "engine/real/logging_observer.h"

#include <array>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/env/observation_fields.h"

namespace odradek::real {
namespace {

using env::LogLevel;

template <typename Kind, typename... Kinds>
constexpr bool kIsOneOf = (std::is_same_v<Kind, Kinds> || ...);

// nullopt: never, requests would flood the log.
template <typename Kind>
constexpr std::optional<LogLevel> LevelOf() {
  if (kIsOneOf<Kind, env::LogAppended, env::HighWatermarkMoved, env::ProduceAnswered, env::RecordsFetched,
               env::FetchOutOfRange>) {
    return std::nullopt;
  }
  // Recovered after a crash; a clean one is the rule.
  if (kIsOneOf<Kind, env::TopicCreated, env::TopicDeleted, env::LogRecovered, env::ReplicaDropped>)
    return LogLevel::kInfo;
  return LogLevel::kDebug;
}

template <size_t... kIndexes>
constexpr auto LevelTable(std::index_sequence<kIndexes...>) {
  return std::array{LevelOf<std::variant_alternative_t<kIndexes, env::Observation>>()...};
}
constexpr auto kLevels = LevelTable(std::make_index_sequence<CountingObserver::kKinds>());

class LineVisitor {
 public:
  void Begin(std::string_view what, const env::PartitionName& partition) {
    message = what;
    if (partition.topic.empty()) return;
    Text("topic", partition.topic);
    Field("partition", partition.partition.value());
  }
  void BeginTopic(std::string_view what, std::string_view topic) {
    message = what;
    Text("topic", topic);
  }
  void Field(std::string_view name, int64_t value) { fields.push_back({name, std::to_string(value)}); }
  void Text(std::string_view name, std::string_view value) { fields.push_back({name, std::string(value)}); }

  std::string_view message;
  std::vector<env::LogField> fields;
};

}  // namespace

void LoggingObserver::On(const env::Observation& observation) {
  counts_.On(observation);
  std::optional<LogLevel> level = kLevels[observation.index()];
  if (!level || *level < log_.level_min()) return;
  const auto* recovered = std::get_if<env::LogRecovered>(&observation);
  if (recovered != nullptr && recovered->previous_shutdown == env::ShutdownKind::kClean) level = LogLevel::kDebug;
  if (*level < log_.level_min()) return;
  LineVisitor line;
  std::visit(env::FieldLister<LineVisitor>(line), observation);
  log_.WriteFields(*level, "engine", line.message, line.fields);
}

}  // namespace odradek::real
