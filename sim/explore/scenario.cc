#include "sim/explore/scenario.h"

#include <fmt/format.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>

#include "engine/base/absl_compat.h"
#include "engine/config/def.h"
#include "sim/explore/sentences.h"
#include "sim/explore/server_setup.h"
#include "sim/explore/text_file.h"

namespace odradek::explore {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::TextFormat;
using ParseInfo = TextFormat::ParseInfoTree;
namespace fs = std::filesystem;

constexpr uint32_t kAllPpm = 1'000'000;
constexpr int kShardsMax = 2;
constexpr int kLogDirectoriesMax = 8;
constexpr std::string_view kSuffix = ".txtpb";

class ScenarioErrors final : public google::protobuf::io::ErrorCollector {
 public:
  explicit ScenarioErrors(std::string_view file) : file_(file) {}
  // Lines and columns count from 0 here.
  void AddError(int line, google::protobuf::io::ColumnNumber column, const std::string& message) override {
    if (first_.empty()) first_ = fmt::format("{}:{}:{}: {}", file_, line + 1, column + 1, message);
  }
  // With the place of a field, if the text has it.
  void AddAt(const ParseInfo* tree, const Message& message, const char* field, int index, const std::string& what) {
    const FieldDescriptor* descriptor = message.GetDescriptor()->FindFieldByName(field);
    TextFormat::ParseLocation at;
    if (tree != nullptr && descriptor->is_repeated() == (index >= 0)) {
      at = tree->GetLocation(descriptor, index);
      // Of values in brackets only the first one has a place.
      if (at.line < 0 && index > 0) at = tree->GetLocation(descriptor, 0);
    }
    // What is missing is missed where the rest of its message stands.
    for (int i = 0; tree != nullptr && at.line < 0 && i < message.GetDescriptor()->field_count(); ++i) {
      const FieldDescriptor* neighbour = message.GetDescriptor()->field(i);
      at = tree->GetLocation(neighbour, neighbour->is_repeated() ? 0 : -1);
    }
    if (at.line >= 0) return AddError(at.line, at.column, fmt::format("{}: {}", field, what));
    if (first_.empty()) first_ = fmt::format("{}: {}: {}", file_, field, what);
  }
  bool empty() const { return first_.empty(); }
  absl::Status status() const { return base::InvalidArgument(first_.empty() ? file_ + ": is no scenario" : first_); }

 private:
  const std::string file_;
  std::string first_;
};

// A part of the scenario with its place in the text.
struct Located {
  const Message& message;
  const ParseInfo* tree;
};

// Of a program or workload of the user's; nullptr: there is none.
const lab::SettingMap* FindSettings(const lab::Lab& lab, std::string_view name) {
  if (const lab::Program* program = lab.FindProgram(name)) return &program->settings;
  const lab::WorkloadKind* workload = lab.FindWorkload(name);
  return workload == nullptr ? nullptr : &workload->settings;
}

// Empty: none.
std::string SettingProblem(const lab::SettingMap& known, const std::string& name, const std::string& value) {
  const auto at = known.find(name);
  if (at == known.end()) return fmt::format("there is no setting \"{}\"", name);
  if (lab::IsNumber(at->second) && !lab::IsNumber(value)) return fmt::format("{}: \"{}\" is no number", name, value);
  return {};
}

// Finds what makes no sense in a scenario that is well-formed.
class ScenarioCheck {
 public:
  ScenarioCheck(const Scenario& scenario, const lab::Lab& lab, const ParseInfo& tree, ScenarioErrors& errors)
      : scenario_(scenario), lab_(lab), root_{scenario, &tree}, errors_(errors) {}

  void Check() {
    if (scenario_.name().empty()) Complain(root_, "name", -1, "is missing");
    if (scenario_.topic_size() == 0) Complain(root_, "topic", -1, "there is none");
    CheckTopology();
    CheckTopics();
    CheckProducers();
    CheckConsumers();
    CheckAdmins();
    CheckStrangers();
    CheckOrder();
    CheckOwnNodes("program", scenario_.program());
    CheckOwnNodes("workload", scenario_.workload());
    CheckRest();
  }

 private:
  void Complain(const Located& at, const char* field, int index, const std::string& what) {
    errors_.AddAt(at.tree, at.message, field, index, what);
  }

  static const ParseInfo* Nested(const Located& parent, const char* field, int index) {
    if (parent.tree == nullptr) return nullptr;
    return parent.tree->GetTreeForNested(parent.message.GetDescriptor()->FindFieldByName(field), index);
  }

  template <typename Values>
  void CheckEach(const Located& at, const char* field, const Values& values, const Range& allowed) {
    for (int i = 0; i < values.size(); ++i) {
      if (values.Get(i) >= allowed.low() && values.Get(i) <= allowed.high()) continue;
      Complain(at, field, i, fmt::format("{} is not within {} and {}", values.Get(i), allowed.low(), allowed.high()));
    }
  }

  void CheckCount(const Located& at, const char* field, int64_t value, const Range& allowed) {
    if (value >= allowed.low() && value <= allowed.high()) return;
    Complain(at, field, -1, fmt::format("{} is not within {} and {}", value, allowed.low(), allowed.high()));
  }

  void CheckRange(const Located& at, const char* field, const Range& range, const Range& allowed) {
    if (range.low() > range.high()) {
      Complain(at, field, -1, fmt::format("low {} is above high {}", range.low(), range.high()));
    } else if (range.low() < allowed.low() || range.high() > allowed.high()) {
      Complain(
          at, field, -1,
          fmt::format("{} to {} is not within {} and {}", range.low(), range.high(), allowed.low(), allowed.high()));
    }
  }

  static Range Within(int64_t low, int64_t high) {
    Range range;
    range.set_low(low);
    range.set_high(high);
    return range;
  }

  void CheckSetting(const Located& at, const Setting& setting, const config::ConfigDef* def) {
    if (setting.value_size() == 0) Complain(at, "value", -1, fmt::format("{} has no value", setting.name()));
    if (def == nullptr) return Complain(at, "name", -1, fmt::format("there is no property \"{}\"", setting.name()));
    for (int i = 0; i < setting.value_size(); ++i) {
      const absl::Status status = config::ParseSupportedValue(*def, setting.value(i)).status();
      if (!status.ok()) Complain(at, "value", i, std::string(base::SV(status.message())));
    }
  }

  void CheckTopology() {
    const Topology& topology = scenario_.topology();
    const Located at{topology, Nested(root_, "topology", -1)};
    if (topology.brokers_size() == 0) Complain(at, "brokers", -1, "is missing");
    CheckEach(at, "brokers", topology.brokers(), Within(1, kServersMax));
    CheckEach(at, "controllers", topology.controllers(), Within(1, kServersMax));
    CheckCount(at, "down_max", topology.down_max(), Within(0, kServersMax));
    for (int i = 0; i < topology.controller_roles_size(); ++i) {
      const std::string& roles = topology.controller_roles(i);
      if (roles == kBothRoles || roles == kControllerRole) continue;
      Complain(at, "controller_roles", i,
               fmt::format("\"{}\" is neither \"{}\" nor \"{}\"", roles, kBothRoles, kControllerRole));
    }
    if (ServersOf(topology).size() > kServersMax) {
      Complain(at, "controllers", topology.controllers_size() - 1,
               fmt::format("with the brokers these are more than {} nodes", kServersMax));
    }
    CheckEach(at, "shards", topology.shards(), Within(1, kShardsMax));
    CheckEach(at, "log_directories", topology.log_directories(), Within(1, kLogDirectoriesMax));
    for (int i = 0; i < topology.broker_config_size(); ++i) {
      const Setting& setting = topology.broker_config(i);
      CheckSetting({setting, Nested(at, "broker_config", i)}, setting,
                   config::FindBrokerDef(config::CanonicalBrokerName(setting.name())));
    }
  }

  void CheckTopics() {
    std::set<std::string> names;
    for (int i = 0; i < scenario_.topic_size(); ++i) {
      const Topic& topic = scenario_.topic(i);
      const Located at{topic, Nested(root_, "topic", i)};
      if (topic.name().empty()) Complain(at, "name", -1, "is missing");
      if (!names.insert(topic.name()).second) Complain(at, "name", -1, fmt::format("\"{}\" twice", topic.name()));
      if (topic.partitions_size() == 0) Complain(at, "partitions", -1, "is missing");
      CheckEach(at, "partitions", topic.partitions(), Within(1, 100));
      CheckEach(at, "replication_factor", topic.replication_factor(), Within(1, kServersMax));
      if (!topic.of_programs()) has_open_topic_ = true;
      for (int j = 0; j < topic.config_size(); ++j) {
        CheckSetting({topic.config(j), Nested(at, "config", j)}, topic.config(j),
                     config::FindTopicDef(topic.config(j).name()));
      }
    }
  }

  void CheckProducers() {
    const Producers& producers = scenario_.producers();
    const Located at{producers, Nested(root_, "producers", -1)};
    CheckCount(at, "count", producers.count(), Within(0, 100));
    CheckCount(at, "records", producers.records(), Within(0, 1'000'000));
    CheckCount(at, "keyed_ppm", producers.keyed_ppm(), Within(0, kAllPpm));
    CheckCount(at, "keys", producers.keys(), Within(0, 1'000'000));
    CheckCount(at, "tombstone_ppm", producers.tombstone_ppm(), Within(0, kAllPpm));
    CheckCount(at, "idempotent_ppm", producers.idempotent_ppm(), Within(0, kAllPpm));
    CheckRange(at, "value_bytes", producers.value_bytes(), Within(0, 1'000'000));
    CheckRange(at, "burst_records", producers.burst_records(), Within(0, 100'000));
    CheckRange(at, "pause_ms", producers.pause_ms(), Within(0, 3'600'000));
    CheckEach(at, "acks", producers.acks(), Within(-1, 1));
    CheckEach(at, "max_in_flight", producers.max_in_flight(), Within(1, 5));
    CheckEach(at, "batch_bytes", producers.batch_bytes(), Within(0, 1'000'000));
    CheckEach(at, "linger_ms", producers.linger_ms(), Within(0, 60'000));
    CheckEach(at, "request_timeout_ms", producers.request_timeout_ms(), Within(1, 3'600'000));
    CheckEach(at, "first_sequence", producers.first_sequence(), Within(0, INT32_MAX));
    CheckEach(at, "delivery_timeout_ms", producers.delivery_timeout_ms(), Within(1, 3'600'000));
    constexpr std::string_view kCodecs[] = {"none", "gzip", "snappy", "lz4", "zstd"};
    for (int i = 0; i < producers.compression_size(); ++i) {
      if (std::count(std::begin(kCodecs), std::end(kCodecs), producers.compression(i)) > 0) continue;
      Complain(at, "compression", i, fmt::format("there is no codec \"{}\"", producers.compression(i)));
    }
  }

  void CheckConsumers() {
    const Consumers& consumers = scenario_.consumers();
    const Located at{consumers, Nested(root_, "consumers", -1)};
    CheckCount(at, "count", consumers.count(), Within(0, 100));
    CheckCount(at, "seek_ppm", consumers.seek_ppm(), Within(0, kAllPpm));
    CheckRange(at, "pause_ms", consumers.pause_ms(), Within(0, 3'600'000));
    CheckEach(at, "fetch_bytes", consumers.fetch_bytes(), Within(1, INT32_MAX));
    CheckEach(at, "partition_fetch_bytes", consumers.partition_fetch_bytes(), Within(1, INT32_MAX));
    CheckEach(at, "poll_records", consumers.poll_records(), Within(1, INT32_MAX));
    CheckEach(at, "fetch_wait_ms", consumers.fetch_wait_ms(), Within(0, 60'000));
  }

  void CheckAdmins() {
    const Admins& admins = scenario_.admins();
    const Located at{admins, Nested(root_, "admins", -1)};
    CheckCount(at, "count", admins.count(), Within(0, 100));
    CheckRange(at, "pause_ms", admins.pause_ms(), Within(0, 3'600'000));
    const uint64_t weights = uint64_t{admins.list_offsets_weight()} + admins.delete_records_weight() +
                             admins.topics_weight() + admins.recreate_weight() + admins.reassign_weight() +
                             admins.elect_leaders_weight();
    if (admins.count() > 0 && weights == 0) Complain(root_, "admins", -1, "no kind of call has a weight");
  }

  void CheckStrangers() {
    const Strangers& strangers = scenario_.strangers();
    const Located at{strangers, Nested(root_, "strangers", -1)};
    CheckCount(at, "count", strangers.count(), Within(0, 100));
    CheckRange(at, "pause_ms", strangers.pause_ms(), Within(0, 3'600'000));
    CheckCount(at, "foreign_epoch_ppm", strangers.foreign_epoch_ppm(), Within(0, kAllPpm));
    // They speak with one broker, whatever it leads.
    if (strangers.count() > 0 && ServersOf(scenario_.topology()).size() > 1) {
      Complain(at, "count", -1, "strangers know no clusters");
    }
  }

  void CheckOrder() {
    const Order& order = scenario_.order();
    const Located at{order, Nested(root_, "order", -1)};
    for (int i = 0; i < order.strategy_size(); ++i) {
      if (StrategyOf(order.strategy(i)).has_value()) continue;
      Complain(at, "strategy", i, fmt::format("there is no strategy \"{}\"", order.strategy(i)));
    }
    CheckEach(at, "depth", order.depth(), Within(1, 10));
    CheckEach(at, "steps", order.steps(), Within(1, 1'000'000));
    CheckEach(at, "window_us", order.window_us(), Within(0, 1'000'000));
  }

  // `field`: program or workload.
  void CheckOwnNodes(const char* field, const google::protobuf::RepeatedPtrField<OwnNodes>& all) {
    std::set<std::string> names;
    for (int i = 0; i < all.size(); ++i) {
      const OwnNodes& nodes = all.Get(i);
      const Located at{nodes, Nested(root_, field, i)};
      const lab::SettingMap* known = FindSettings(lab_, nodes.name());
      if (known == nullptr || (lab_.FindProgram(nodes.name()) != nullptr) != (field == std::string_view("program"))) {
        Complain(at, "name", -1, fmt::format("this binary has no {} \"{}\"", field, nodes.name()));
        continue;
      }
      if (!names.insert(nodes.name()).second) Complain(at, "name", -1, fmt::format("\"{}\" twice", nodes.name()));
      CheckCount(at, "count", nodes.count(), Within(1, 100));
      for (int j = 0; j < nodes.setting_size(); ++j) {
        const Setting& setting = nodes.setting(j);
        const Located at_setting{setting, Nested(at, "setting", j)};
        if (setting.value_size() == 0) Complain(at_setting, "value", -1, setting.name() + " has no value");
        for (int k = 0; k < setting.value_size(); ++k) {
          const std::string problem = SettingProblem(*known, setting.name(), setting.value(k));
          if (!problem.empty()) Complain(at_setting, "value", k, problem);
        }
      }
    }
  }

  void CheckOpenTopics() {
    const int users = scenario_.producers().count() + scenario_.consumers().count() + scenario_.admins().count() +
                      scenario_.strangers().count();
    if (users > 0 && !has_open_topic_) {
      Complain(root_, "topic", 0, "all are of programs: producers, consumers, admins and strangers have none");
    }
  }

  bool IsRole(const std::string& role) const {
    const std::vector<sim::Topology::Member> servers = ServersOf(scenario_.topology());
    if (role.empty() || role == "client") return true;
    if (std::any_of(servers.begin(), servers.end(), [&](const auto& server) { return server.role == role; }))
      return true;
    const auto& programs = scenario_.program();
    return std::any_of(programs.begin(), programs.end(), [&](const OwnNodes& nodes) { return nodes.name() == role; });
  }

  bool IsProperty(const std::string& id) const {
    const std::vector<Sentence> all = AllSentences(&lab_);
    return std::any_of(all.begin(), all.end(), [&](const Sentence& sentence) { return sentence.property == id; });
  }

  void CheckProperties(const char* field, const google::protobuf::RepeatedPtrField<std::string>& ids) {
    for (int i = 0; i < ids.size(); ++i) {
      if (!IsProperty(ids.Get(i))) Complain(root_, field, i, fmt::format("there is no property \"{}\"", ids.Get(i)));
    }
  }

  void CheckRest() {
    CheckOpenTopics();
    const Located phases{scenario_.phases(), Nested(root_, "phases", -1)};
    CheckCount(phases, "faulty_ms", scenario_.phases().faulty_ms(), Within(1, 86'400'000));
    CheckCount(phases, "liveness_ms", scenario_.phases().liveness_ms(), Within(1, 86'400'000));
    CheckProperties("property", scenario_.property());
    CheckProperties("skipped_property", scenario_.skipped_property());
    CheckCount(root_, "fault_subset_ppm", scenario_.fault_subset_ppm(), Within(0, kAllPpm));
    for (int i = 0; i < scenario_.fault_size(); ++i) {
      const sim::plan::FaultClass& fault = scenario_.fault(i);
      const Located at{fault, Nested(root_, "fault", i)};
      if (fault.kind() == sim::plan::FaultClass::UNKNOWN) Complain(at, "kind", -1, "is missing");
      if (!IsRole(fault.role())) Complain(at, "role", -1, fmt::format("no node has the role \"{}\"", fault.role()));
      if (fault.kind() == sim::plan::FaultClass::ROLLING_RESTART && fault.role().empty()) {
        Complain(at, "role", -1, "is missing: of which nodes?");
      }
      if (fault.target() == sim::plan::FaultClass::ANY_OF_ROLE) continue;
      if (!fault.role().empty()) Complain(at, "role", -1, "the target says who");
      if (fault.probe_size() + fault.disk_size() > 0) Complain(at, "target", -1, "the place says who");
    }
  }

  const Scenario& scenario_;
  const lab::Lab& lab_;
  const Located root_;
  ScenarioErrors& errors_;
  bool has_open_topic_ = false;
};

// The folder of the scenarios; empty: there is none.
fs::path FindFolder(const lab::Lab& lab) {
  if (!lab.scenario_folder.empty()) return lab.scenario_folder;
  std::error_code ignored;
  std::vector<fs::path> starts = {fs::current_path(ignored), fs::read_symlink("/proc/self/exe", ignored).parent_path()};
  for (fs::path at : starts) {
    while (!at.empty()) {
      // Of the sources: another folder of that name would hold no descriptions.
      for (const char* folder : {"scenarios", "share/odradek/scenarios"}) {
        if (fs::exists(at / folder / "calm.txtpb", ignored)) return at / folder;
      }
      if (at == at.root_path()) break;
      at = at.parent_path();
    }
  }
  return {};
}

}  // namespace

std::optional<sim::Strategy> StrategyOf(std::string_view name) {
  for (const sim::Strategy strategy : {sim::Strategy::kFifo, sim::Strategy::kRandom, sim::Strategy::kPct}) {
    if (name == sim::ToString(strategy)) return strategy;
  }
  return std::nullopt;
}

absl::StatusOr<Scenario> ParseScenario(std::string_view text, std::string_view file, const lab::Lab& lab) {
  ScenarioErrors errors(file);
  TextFormat::Parser parser;
  ParseInfo tree;
  parser.RecordErrorsTo(&errors);
  parser.WriteLocationsTo(&tree);
  Scenario scenario;
  if (!parser.ParseFromString(std::string(text), &scenario)) return errors.status();
  ScenarioCheck(scenario, lab, tree, errors).Check();
  if (!errors.empty()) return errors.status();
  return scenario;
}

absl::StatusOr<Scenario> LoadScenario(const std::string& argument, const lab::Lab& lab) {
  std::error_code ignored;
  fs::path path = argument;
  if (!fs::is_regular_file(path, ignored)) path = FindFolder(lab) / (argument + std::string(kSuffix));
  if (!fs::is_regular_file(path, ignored)) {
    return base::NotFound(fmt::format("there is no scenario \"{}\": neither a file nor a name in {}", argument,
                                      FindFolder(lab).empty() ? "a folder scenarios/" : FindFolder(lab).string()));
  }
  const absl::StatusOr<std::string> text = ReadTextFile(path.string());
  if (!text.ok()) return text.status();
  return ParseScenario(*text, path.string(), lab);
}

std::vector<std::string> ListScenarios(const lab::Lab& lab) {
  std::vector<std::string> paths;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(FindFolder(lab), ignored)) {
    if (entry.path().extension() == kSuffix) paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

absl::Status PinSetting(std::string_view pinned, const lab::Lab& lab, Scenario& scenario) {
  const size_t dot = pinned.find('.');
  const size_t equals = pinned.find('=', dot == std::string_view::npos ? 0 : dot);
  if (dot == std::string_view::npos || equals == std::string_view::npos) {
    return base::InvalidArgument("expected PROGRAM.NAME=VALUE");
  }
  const std::string owner(pinned.substr(0, dot));
  const std::string name(pinned.substr(dot + 1, equals - dot - 1));
  const std::string value(pinned.substr(equals + 1));
  for (auto* all : {scenario.mutable_program(), scenario.mutable_workload()}) {
    for (OwnNodes& nodes : *all) {
      if (nodes.name() != owner) continue;
      const std::string problem = SettingProblem(*FindSettings(lab, owner), name, value);
      if (!problem.empty()) return base::InvalidArgument(problem);
      auto& settings = *nodes.mutable_setting();
      const auto old =
          std::remove_if(settings.begin(), settings.end(), [&](const Setting& s) { return s.name() == name; });
      settings.erase(old, settings.end());
      Setting* setting = settings.Add();
      setting->set_name(name);
      setting->add_value(value);
      return absl::OkStatus();
    }
  }
  return base::InvalidArgument(fmt::format("{} has no program or workload \"{}\"", scenario.name(), owner));
}

}  // namespace odradek::explore
