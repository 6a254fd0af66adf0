#include "sim/cluster/observation_text.h"

#include <fmt/format.h>

#include <string_view>

#include "engine/base/prng.h"
#include "engine/env/observation_fields.h"

namespace odradek::sim {
namespace {

class TextVisitor {
 public:
  void Begin(std::string_view what, const env::PartitionName& partition) {
    text = what;
    if (!partition.topic.empty()) text += fmt::format(" {}-{}", partition.topic, partition.partition.value());
  }
  void BeginTopic(std::string_view what, std::string_view topic) { text = fmt::format("{} {}", what, topic); }
  void Field(std::string_view name, int64_t value) { text += fmt::format(" {}={}", name, value); }
  void Text(std::string_view name, std::string_view value) { text += fmt::format(" {}={}", name, value); }
  std::string text;
};

class FoldVisitor {
 public:
  explicit FoldVisitor(Kernel& kernel) : kernel_(kernel) {}
  void Begin(std::string_view what, const env::PartitionName& partition) {
    const uint64_t topic = base::HashName(partition.topic);
    kernel_.Fold(what.size() ^ topic, static_cast<uint64_t>(partition.partition.value()));
  }
  void BeginTopic(std::string_view what, std::string_view topic) { Begin(what, {topic, PartitionIndex(0)}); }
  void Field(std::string_view name, int64_t value) { kernel_.Fold(name.size(), static_cast<uint64_t>(value)); }
  void Text(std::string_view name, std::string_view value) { kernel_.Fold(name.size(), base::HashName(value)); }

 private:
  Kernel& kernel_;
};

}  // namespace

std::string FormatObservation(const env::Observation& observation) {
  TextVisitor visitor;
  std::visit(env::FieldLister<TextVisitor>(visitor), observation);
  return visitor.text;
}

void FoldObservation(Kernel& kernel, const env::Observation& observation) {
  kernel.Fold(observation.index(), 0);
  FoldVisitor visitor(kernel);
  std::visit(env::FieldLister<FoldVisitor>(visitor), observation);
}

}  // namespace odradek::sim
