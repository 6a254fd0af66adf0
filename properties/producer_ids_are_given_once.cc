// P4. A producer id belongs to one producer session: the broker never gives it to another one. Seen on what was read:
// all records of idempotent producers have one, and all with the same id were sent by one session.
//
// A session may have had several ids one after the other (KIP-360).
#include <fmt/format.h>

#include <map>

#include "properties/property.h"

namespace odradek::properties {

Findings ProducerIdsAreGivenOnce(const Evidence& evidence) {
  Findings found;
  std::map<ProducerId, const history::Send*> owners;
  std::pair<const ProducerId, const history::Send*>* owner = nullptr;
  const auto check = [&](const TopicPartition& name, const history::PolledRecord& record) {
    const history::Send* send = evidence.SendOf(record.value);
    if (send == nullptr || !send->idempotent) return;
    found.Judged();
    if (record.producer_id == kNoProducerId) {
      found.Violated(fmt::format("value {} of idempotent client {} has no producer id at {}", record.value,
                                 send->client, Place(name, record.offset)),
                     {send->span.invoked_ns});
      return;
    }
    if (owner == nullptr || owner->first != record.producer_id) {
      owner = &*owners.emplace(record.producer_id, send).first;
    }
    if (owner->second->client == send->client && owner->second->session == send->session) return;
    found.Violated(fmt::format("producer id {} belongs to client {} session {} and to client {} session {}",
                               record.producer_id.value(), owner->second->client, owner->second->session, send->client,
                               send->session),
                   {owner->second->span.invoked_ns, send->span.invoked_ns});
  };
  for (const auto& [name, partition] : evidence.partitions()) {
    for (const history::Poll* poll : partition.polls) {
      for (const auto& record : poll->records) check(name, record);
    }
    if (partition.final_read == nullptr) continue;
    for (const auto& record : partition.final_read->records) check(name, record);
  }
  return found;
}

}  // namespace odradek::properties
