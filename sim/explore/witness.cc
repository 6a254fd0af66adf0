#include "sim/explore/witness.h"

#include <string_view>
#include <utility>
#include <variant>

#include "engine/base/check.h"

namespace odradek::explore {
namespace {

template <typename... Functions>
struct Deeds : Functions... {
  using Functions::operator()...;
};
template <typename... Functions>
Deeds(Functions...) -> Deeds<Functions...>;

std::string_view WhyOf(env::LogStartReason reason) {
  switch (reason) {
    case env::LogStartReason::kRetention:
      return "retention";
    case env::LogStartReason::kDeleteRecords:
      return "DeleteRecords";
    case env::LogStartReason::kRecovery:
      return "recovery";
  }
  return "unknown";
}

}  // namespace

void Witness::Add(sim::NodeIndex node, const env::PartitionName& partition, Deed deed) {
  REQUIRES(cluster_ != nullptr);
  deed.at_ns = cluster_->kernel().Now().nanos();
  deed.node = cluster_->node(node).name();
  deed.partition = {std::string(partition.topic), partition.partition};
  deeds_.push_back(std::move(deed));
}

void Witness::OnObservation(sim::NodeIndex node, ShardId, const env::Observation& observation) {
  std::visit(
      Deeds{
          [&](const env::LogAppended& o) {
            Add(node, o.partition, {.kind = DeedKind::kAppended, .begin = o.base_offset, .end = o.next_offset});
          },
          [&](const env::LogFlushed& o) { Add(node, o.partition, {.kind = DeedKind::kFlushed, .end = o.durable_end}); },
          [&](const env::LogTruncated& o) {
            Add(node, o.partition, {.kind = DeedKind::kTruncated, .end = o.log_end_offset});
          },
          [&](const env::LogRecovered& o) {
            Add(node, o.partition,
                {.kind = DeedKind::kRecovered,
                 .begin = o.log_start_offset,
                 .end = o.log_end_offset,
                 .why = o.previous_shutdown == env::ShutdownKind::kClean ? "a clean shutdown" : "a crash"});
          },
          [&](const env::LogStartMoved& o) {
            Add(node, o.partition,
                {.kind = DeedKind::kStartMoved, .begin = o.log_start_offset, .why = std::string(WhyOf(o.reason))});
          },
          [&](const env::SegmentDeleted& o) {
            Add(node, o.partition, {.kind = DeedKind::kDeleted, .begin = o.base_offset, .end = o.next_offset});
          },
          [&](const env::SegmentsCompacted& o) {
            Add(node, o.partition, {.kind = DeedKind::kCompacted, .begin = o.base_offset, .end = o.replaced_end});
          },
          [&](const env::LogOffline& o) {
            Add(node, o.partition, {.kind = DeedKind::kOffline, .why = std::string(o.reason)});
          },
          [&](const env::HighWatermarkMoved& o) {
            Add(node, o.partition, {.kind = DeedKind::kVisible, .end = o.high_watermark});
          },
          [](const auto&) {}},
      observation);
}

}  // namespace odradek::explore
