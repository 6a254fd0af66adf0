// H4. In the final log, records of one idempotent producer session and partition stand in the order in which they were
// sent, and none is missing below one that is there, unless its send failed.
//
// Legal gaps: records below the log start offset, which can only be the first ones of a session; records that a power
// loss may have taken (the producer's state went with them, so that a later sequence is accepted); a record that the
// client gave up, outcome unknown, before the later one was settled: the client goes on under another producer epoch
// then (KIP-360); a record of a compacted topic behind which a later one of its key stands. A gap that a broker lets in
// without that shows in P1.
#include <fmt/format.h>

#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "properties/property.h"

namespace odradek::properties {
namespace {

using Session = std::tuple<history::ClientId, int32_t>;

// Where the record of each send stands in the final log of its partition: an entry for every send of the history.
class FinalOffsets {
 public:
  explicit FinalOffsets(const Evidence& evidence) : evidence_(evidence), all_(evidence.history().sends.size()) {}
  void Note(const PartitionHistory& partition) {
    for (const auto& record : partition.final_read->records) {
      const history::Send* send = evidence_.SendOf(record.value);
      if (send == nullptr) continue;
      Entry& entry = all_[evidence_.IndexOf(*send)];
      if (entry.partition != &partition) entry = {&partition, record.offset};
    }
  }
  // nullptr: it is not there.
  const Offset* Of(const PartitionHistory& partition, const history::Send& send) const {
    const Entry& entry = all_[evidence_.IndexOf(send)];
    return entry.partition == &partition ? &entry.offset : nullptr;
  }

 private:
  struct Entry {
    const PartitionHistory* partition = nullptr;
    Offset offset;
  };
  const Evidence& evidence_;
  std::vector<Entry> all_;
};

void CheckSession(const TopicPartition& name, const PartitionHistory& partition,
                  const std::vector<const history::Send*>& sends, const FinalOffsets& offsets, Findings& found) {
  const history::Send* last = nullptr;
  Offset last_offset = kNoOffset;
  const history::Send* missing = nullptr;
  for (const history::Send* send : sends) {
    const Offset* const at = offsets.Of(partition, *send);
    if (at == nullptr) {
      // Behind a record that is still there nothing was deleted.
      const bool may_be_deleted = last == nullptr && partition.final_read->log_start_offset > Offset(0);
      const Offset stood_at = send->offset != kNoOffset ? send->offset : last_offset + 1;
      const bool may_be_gone = send->outcome == history::Outcome::kFail || may_be_deleted ||
                               partition.MayBeCompacted(*send, stood_at) ||
                               partition.LostSince(Offset(INT64_MAX), send->span.invoked_ns);
      if (!may_be_gone && missing == nullptr) missing = send;
      continue;
    }
    if (last != nullptr) found.Judged();
    if (last != nullptr && *at <= last_offset) {
      found.Violated(fmt::format("client {} sent value {} before value {}, but they stand at {} and {}", send->client,
                                 last->value, send->value, Place(name, last_offset), at->value()),
                     {last->span.invoked_ns, send->span.invoked_ns});
    }
    const bool was_given_up = missing != nullptr && missing->outcome == history::Outcome::kUnknown &&
                              missing->span.completed_ns < send->span.completed_ns;
    if (was_given_up) missing = nullptr;
    if (missing != nullptr) {
      found.Violated(fmt::format("client {} sent value {} before value {}, but only the latter is in {}", send->client,
                                 missing->value, send->value, ToString(name)),
                     {missing->span.invoked_ns, send->span.invoked_ns});
      missing = nullptr;
    }
    last = send;
    last_offset = *at;
  }
}

}  // namespace

Findings ProducerOrderIsKept(const Evidence& evidence) {
  Findings found;
  FinalOffsets offsets(evidence);
  for (const auto& [name, partition] : evidence.partitions()) {
    if (partition.final_read == nullptr) continue;
    offsets.Note(partition);
    std::map<Session, std::vector<const history::Send*>> sessions;
    std::pair<const Session, std::vector<const history::Send*>>* last = nullptr;
    for (const history::Send* send : partition.sends) {
      if (!send->idempotent) continue;
      const Session session{send->client, send->session};
      if (last == nullptr || last->first != session) last = &*sessions.try_emplace(session).first;
      last->second.push_back(send);
    }
    for (const auto& [session, sends] : sessions) CheckSession(name, partition, sends, offsets, found);
  }
  return found;
}

}  // namespace odradek::properties
