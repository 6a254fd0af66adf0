// V7. A batch whose first sequence follows the last acknowledged batch of the same producer id and epoch is not
// answered with OUT_OF_ORDER_SEQUENCE_NUMBER: a client would take it for a loss.
//
// Legal: the log lost something since, by power or by a failed disk, and the producer's state with it. Or a node
// started since: the batch may stand in the log already, unacknowledged and followed by others, and a producer snapshot
// remembers the last batch only (KIP-98, Kafka's file format), so that the one that is sent again is not known as a
// duplicate.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "properties/property.h"

namespace odradek::properties {
namespace {

bool StartedBetween(const history::History& history, int64_t after_ns, int64_t before_ns) {
  const auto later =
      std::upper_bound(history.node_events.begin(), history.node_events.end(), after_ns,
                       [](int64_t at_ns, const history::NodeEvent& event) { return at_ns < event.at_ns; });
  return std::any_of(later, history.node_events.end(), [&](const history::NodeEvent& event) {
    return event.at_ns < before_ns && event.kind == history::NodeEventKind::kStarted;
  });
}

}  // namespace

Findings ProducersThatGoOnAreNotRefused(const Evidence& evidence) {
  constexpr int16_t kOutOfOrderSequence = 45;
  constexpr int64_t kSequences = int64_t{1} << 31;
  struct Last {
    int64_t next_sequence = 0;
    int64_t at_ns = 0;
  };
  std::map<std::tuple<TopicPartition, ProducerId, ProducerEpoch>, Last> last;
  Findings found;
  for (const history::BatchAnswer& answer : evidence.history().batch_answers) {
    const auto key = std::tuple(answer.partition, answer.producer_id, answer.producer_epoch);
    if (answer.error == 0) {
      const int64_t next = (int64_t{answer.base_sequence} + answer.record_count) % kSequences;
      // A batch that is sent again does not take the producer back.
      const auto [at, is_new] = last.try_emplace(key, Last{next, answer.at_ns});
      const int64_t ahead = (next - at->second.next_sequence + kSequences) % kSequences;
      if (!is_new && ahead < kSequences / 2) at->second = {next, answer.at_ns};
      continue;
    }
    const auto at = last.find(key);
    if (answer.error != kOutOfOrderSequence || at == last.end()) continue;
    found.Judged();
    if (answer.base_sequence != at->second.next_sequence) continue;
    const auto partition = evidence.partitions().find(answer.partition);
    const bool may_be_lost =
        partition != evidence.partitions().end() && partition->second.LostSince(Offset(INT64_MAX), at->second.at_ns);
    if (may_be_lost || StartedBetween(evidence.history(), at->second.at_ns, answer.at_ns)) continue;
    found.Violated(fmt::format("producer {} epoch {} goes on in {} with sequence {}, which follows what was "
                               "acknowledged, and is told that it is out of order",
                               answer.producer_id.value(), answer.producer_epoch.value(), ToString(answer.partition),
                               answer.base_sequence),
                   {at->second.at_ns, answer.at_ns});
  }
  return found;
}

}  // namespace odradek::properties
