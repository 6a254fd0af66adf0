// Z2. Retention deletes a segment only if its largest timestamp is older than retention.ms by the node's clock, or if
// the log without it still holds retention.bytes; and never at or above the high watermark (Z1).
//
// Topics whose rule is not in the history, as the cluster's own, are not judged by it.
#include <fmt/format.h>

#include <algorithm>

#include "properties/property.h"

namespace odradek::properties {

Findings RetentionDeletesWhatIsOld(const Evidence& evidence) {
  Findings found;
  const auto& rules = evidence.history().retention_rules;
  for (const history::Expiration& expired : evidence.history().expirations) {
    const auto complain = [&](const std::string& what) {
      found.Violated(fmt::format("retention chose {} to {}, {}", Place(expired.partition, expired.base_offset),
                                 expired.next_offset.value(), what),
                     {expired.at_ns});
    };
    found.Judged();
    if (expired.next_offset > expired.high_watermark) {
      complain(fmt::format("above the high watermark {}", expired.high_watermark.value()));
    }
    const auto rule = std::find_if(rules.begin(), rules.end(), [&](const history::RetentionRule& one) {
      return one.topic == expired.partition.topic;
    });
    if (rule == rules.end()) continue;
    const int64_t age_ms = expired.now_ms - expired.largest_timestamp.value();
    const bool is_old =
        rule->retention_ms >= 0 && expired.largest_timestamp >= Timestamp(0) && age_ms > rule->retention_ms;
    const bool is_much = rule->retention_bytes >= 0 && expired.left_bytes >= rule->retention_bytes;
    if (is_old || is_much) continue;
    complain(fmt::format("{} ms old of {}, and {} bytes of {} would be left", age_ms, rule->retention_ms,
                         expired.left_bytes, rule->retention_bytes));
  }
  return found;
}

}  // namespace odradek::properties
