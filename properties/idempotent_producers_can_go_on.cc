// V7. A correct idempotent producer is never told that its sequence, its epoch or its id is wrong, unless the broker
// lost data of that partition before (SEMANTICS 2).
//
// Legal: such an answer after a record of the same session was given up, which leaves a gap in its sequences (KIP-360);
// and for a record that was under way when a node started, since a producer snapshot remembers the last batch only.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "properties/property.h"

namespace odradek::properties {
namespace {

// OUT_OF_ORDER_SEQUENCE_NUMBER, DUPLICATE_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, INVALID_PRODUCER_ID_MAPPING,
// UNKNOWN_PRODUCER_ID, PRODUCER_FENCED.
constexpr std::array<int16_t, 6> kProducerErrors = {45, 46, 47, 49, 59, 90};

bool StartedDuring(const history::History& history, const history::Span& span) {
  return std::any_of(history.node_events.begin(), history.node_events.end(), [&](const history::NodeEvent& event) {
    return event.kind == history::NodeEventKind::kStarted && event.at_ns > span.invoked_ns &&
           event.at_ns < span.completed_ns;
  });
}

}  // namespace

Findings IdempotentProducersCanGoOn(const Evidence& evidence) {
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    std::map<std::pair<history::ClientId, int32_t>, int64_t> given_up_ns;  // by session: the first time
    for (const history::Send* send : partition.sends) {
      if (!send->idempotent || send->outcome == history::Outcome::kOk) continue;
      found.Judged();
      const std::pair session(send->client, send->session);
      const auto [first, is_first] = given_up_ns.emplace(session, send->span.completed_ns);
      if (!is_first && first->second <= send->span.completed_ns) continue;
      first->second = send->span.completed_ns;
      const bool is_told =
          std::find(kProducerErrors.begin(), kProducerErrors.end(), send->error) != kProducerErrors.end();
      if (!is_told || partition.LostSince(Offset(INT64_MAX), 0)) continue;
      if (StartedDuring(evidence.history(), send->span)) continue;
      found.Violated(fmt::format("client {} could not send value {} to {}: error {}, although nothing was lost",
                                 send->client, send->value, ToString(name), send->error),
                     {send->span.invoked_ns, send->span.completed_ns});
    }
  }
  return found;
}

}  // namespace odradek::properties
