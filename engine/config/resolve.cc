#include "engine/config/resolve.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"

namespace odradek::config {
namespace {

const std::string* FindIn(const PropertyMap* layer, std::string_view name) {
  if (layer == nullptr) return nullptr;
  const auto at = layer->find(name);
  return at == layer->end() ? nullptr : &at->second;
}

// One value behind a property: where it is from and what turns it into the property's unit.
struct Candidate {
  const ConfigDef* def = nullptr;
  std::string_view text;
  Source source = Source::kUnknown;
  int64_t factor = 1;
};

void AddLayer(const PropertyMap* layer, Source source, std::span<const Synonym> synonyms, std::vector<Candidate>& out) {
  for (const Synonym& synonym : synonyms) {
    const std::string* const text = FindIn(layer, synonym.name);
    if (text == nullptr) continue;
    const ConfigDef* const def = FindBrokerDef(synonym.name);
    INVARIANT(def != nullptr);
    if (ParseValue(*def, *text).ok()) out.push_back({def, *text, source, synonym.factor});
  }
}

// All values behind a list of broker properties, strongest first.
std::vector<Candidate> BrokerCandidates(const Layers& layers, std::span<const Synonym> synonyms) {
  std::vector<Candidate> out;
  AddLayer(layers.dynamic_broker, Source::kDynamicBroker, synonyms, out);
  AddLayer(layers.dynamic_default, Source::kDynamicDefaultBroker, synonyms, out);
  AddLayer(layers.static_broker, Source::kStaticBroker, synonyms, out);
  for (const Synonym& synonym : synonyms) {
    const ConfigDef* const def = FindBrokerDef(synonym.name);
    INVARIANT(def != nullptr);
    if (def->default_value) out.push_back({def, *def->default_value, Source::kDefault, synonym.factor});
  }
  return out;
}

std::vector<Candidate> TopicCandidates(const Layers& layers, const ConfigDef& def) {
  std::vector<Candidate> out;
  const std::string* const own = FindIn(layers.topic, def.name);
  if (own != nullptr && ParseValue(def, *own).ok()) out.push_back({&def, *own, Source::kDynamicTopic, 1});
  if (def.synonyms.empty()) return out;
  const std::vector<Candidate> broker = BrokerCandidates(layers, def.synonyms);
  out.insert(out.end(), broker.begin(), broker.end());
  return out;
}

// The value in the unit of the property that asks. A negative number is "no limit" in every unit.
Value Convert(const Candidate& candidate) {
  const absl::StatusOr<Value> parsed = ParseValue(*candidate.def, candidate.text);
  INVARIANT(parsed.ok());
  Value value = *parsed;
  if (candidate.factor == 1) return value;
  value.type = Type::kLong;
  int64_t product = -1;
  if (value.number >= 0 && __builtin_mul_overflow(value.number, candidate.factor, &product)) {
    product = std::numeric_limits<int64_t>::max();
  }
  value.number = product;
  value.text = fmt::format("{}", product);
  return value;
}

Resolved FirstOf(const std::vector<Candidate>& candidates, const ConfigDef& def) {
  if (!candidates.empty()) return {Convert(candidates.front()), candidates.front().source};
  if (!def.default_value) return {};
  return {Convert({&def, *def.default_value, Source::kDefault, 1}), Source::kDefault};
}

std::vector<SynonymEntry> Entries(const std::vector<Candidate>& candidates) {
  std::vector<SynonymEntry> entries;
  for (const Candidate& candidate : candidates) {
    SynonymEntry entry{std::string(candidate.def->name), std::nullopt, candidate.source};
    if (candidate.def->type != Type::kPassword) entry.value = std::string(candidate.text);
    entries.push_back(std::move(entry));
  }
  return entries;
}

Description Describe(const ConfigDef& def, const Resolved& resolved, const std::vector<Candidate>& candidates) {
  Description out;
  out.name = def.name;
  out.type = def.type;
  out.is_sensitive = def.type == Type::kPassword;
  if (resolved.value && !out.is_sensitive) out.value = resolved.value->text;
  out.source = resolved.source;
  out.synonyms = Entries(candidates);
  out.documentation = def.documentation;
  return out;
}

bool Wanted(const KeyFilter& keys, const ConfigDef& def) {
  if (def.support == Support::kRemoved) return false;
  if (!keys) return def.visible == Visible::kYes;
  return std::find(keys->begin(), keys->end(), def.name) != keys->end();
}

// A property that belongs to no family is a family of one.
std::vector<Candidate> OwnFamily(const Layers& layers, const ConfigDef& def) {
  if (!def.synonyms.empty()) return BrokerCandidates(layers, def.synonyms);
  const Synonym self{def.name};
  return BrokerCandidates(layers, std::span<const Synonym>(&self, 1));
}

// Of the broker properties behind a topic's, Kafka tells those from the first value of the main one on: a value that
// another member of the family gives counts, but shows as the default.
void DropBeforeMain(const ConfigDef& def, std::vector<Candidate>& candidates) {
  const auto broker =
      std::find_if(candidates.begin(), candidates.end(), [&](const Candidate& c) { return c.def != &def; });
  const auto main = std::find_if(broker, candidates.end(),
                                 [&](const Candidate& c) { return c.def->name == def.synonyms.front().name; });
  candidates.erase(broker, main);
}

}  // namespace

Resolved ResolveTopic(const Layers& layers, const ConfigDef& def) {
  return FirstOf(TopicCandidates(layers, def), def);
}

Resolved ResolveBroker(const Layers& layers, const ConfigDef& def) {
  const Synonym self{def.name};
  return FirstOf(BrokerCandidates(layers, std::span<const Synonym>(&self, 1)), def);
}

std::vector<std::string> UnsupportedOverrides(const PropertyMap& overrides) {
  std::vector<std::string> lines;
  for (const auto& [name, value] : overrides) {
    const absl::Status status = ValidateTopicOverride(name, value);
    if (!status.ok()) lines.emplace_back(base::SV(status.message()));
  }
  return lines;
}

std::vector<Description> DescribeTopic(const Layers& layers, const KeyFilter& keys) {
  std::vector<Description> out;
  for (const ConfigDef& def : TopicDefs()) {
    if (!Wanted(keys, def)) continue;
    std::vector<Candidate> candidates = TopicCandidates(layers, def);
    Resolved resolved = FirstOf(candidates, def);
    DropBeforeMain(def, candidates);
    resolved.source = candidates.empty() ? Source::kDefault : candidates.front().source;
    if (resolved.value || def.visible == Visible::kYes) out.push_back(Describe(def, resolved, candidates));
  }
  return out;
}

std::vector<Description> DescribeBroker(const Layers& layers, const KeyFilter& keys) {
  std::vector<Description> out;
  for (const ConfigDef* const def : BrokerDefs()) {
    if (!Wanted(keys, *def)) continue;
    std::vector<Candidate> candidates = OwnFamily(layers, *def);
    // What stands before the property's own first value belongs to stronger members of its family.
    const auto own =
        std::find_if(candidates.begin(), candidates.end(), [&](const Candidate& c) { return c.def == def; });
    candidates.erase(candidates.begin(), own);
    Description entry = Describe(*def, ResolveBroker(layers, *def), candidates);
    entry.is_read_only = def->dynamic == Dynamic::kReadOnly;
    out.push_back(std::move(entry));
  }
  return out;
}

std::vector<Description> DescribeClusterDefault(const PropertyMap& dynamic_default, const KeyFilter& keys) {
  std::vector<Description> out;
  for (const auto& [name, text] : dynamic_default) {
    const ConfigDef* const def = FindBrokerDef(name);
    if (def == nullptr || !Wanted(keys, *def) || !ParseValue(*def, text).ok()) continue;
    const std::vector<Candidate> candidates = {{def, text, Source::kDynamicDefaultBroker, 1}};
    out.push_back(Describe(*def, FirstOf(candidates, *def), candidates));
  }
  return out;
}

}  // namespace odradek::config
