// Arbitrary text as a server.properties, a scenario and a fault plan: a value or an error that says something; no value
// that is accepted upsets what reads it next.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string_view>

#include "engine/base/check.h"
#include "engine/base/prng.h"
#include "engine/config/broker_config.h"
#include "engine/config/properties.h"
#include "sim/explore/scenario.h"
#include "sim/nemesis/plan.h"

namespace {

enum class Kind : uint8_t { kProperties, kScenario, kPlan };
constexpr int kKindCount = 3;

struct Seed {
  Kind kind;
  std::string_view text;
};
constexpr Seed kSeeds[] = {
    {Kind::kProperties, "listeners=PLAINTEXT://localhost:9092\nlog.dirs=/a,/b\nlog.retention.ms : -1\n"},
    {Kind::kProperties, "# a\nnum.partitions = 3\nlog.cleaner.io.max.bytes.per.second=1.5E6\\\n0\n\\u0041=b\n"},
    {Kind::kScenario,
     "name: \"a\" description: \"A.\" topology { brokers: 1 shards: 1 } topic { name: \"t\" partitions: [1] }\n"
     "producers { count: 1 records: 6 value_bytes { low: 24 high: 300 } acks: [-1] }\n"},
    {Kind::kPlan,
     "event { id: 1 trigger { at_ns: 5 } target { node: \"b1\" } action { crash { restart_after_ns: 9 } } }\n"},
};

void Properties(std::string_view text) {
  const auto parsed = odradek::config::ParseStaticConfig("server.properties", text);
  if (!parsed.ok()) {
    INVARIANT(parsed.status().message().find("server.properties") != std::string_view::npos);
    return;
  }
  const auto config = odradek::config::ResolveBrokerConfig({.static_broker = &parsed->properties});
  INVARIANT(config.ok() || !config.status().message().empty());
}

void Scenario(std::string_view text) {
  const auto parsed = odradek::explore::ParseScenario(text, "a.txtpb");
  INVARIANT(parsed.ok() || parsed.status().message().find("a.txtpb") != std::string_view::npos);
}

void Plan(std::string_view text) {
  const odradek::sim::Topology topology{{{"b1", "broker"}, {"c1", "client"}}};
  const auto once = odradek::sim::ParsePlan(text, "a.plan", topology);
  if (!once.ok()) {
    INVARIANT(once.status().message().find("a.plan") != std::string_view::npos);
    return;
  }
  const std::string printed = odradek::sim::PrintPlan(*once);
  const auto twice = odradek::sim::ParsePlan(printed, "a.plan", topology);
  INVARIANT(twice.ok());
  INVARIANT(odradek::sim::PrintPlan(*twice) == printed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (static_cast<Kind>(data[0] % kKindCount)) {
    case Kind::kProperties:
      Properties(text);
      break;
    case Kind::kScenario:
      Scenario(text);
      break;
    case Kind::kPlan:
      Plan(text);
      break;
  }
  return 0;
}

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  odradek::base::Prng draws(seed);
  if (draws.Below(50) != 0) return LLVMFuzzerMutate(data, size, max_size);
  const Seed& whole = kSeeds[draws.Below(std::size(kSeeds))];
  if (whole.text.size() + 1 > max_size) return size;
  data[0] = static_cast<uint8_t>(whole.kind);
  std::memcpy(data + 1, whole.text.data(), whole.text.size());
  return whole.text.size() + 1;
}
