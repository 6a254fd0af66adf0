#include "engine/raft/voter_set.h"

#include <algorithm>

#include "engine/base/check.h"

namespace odradek::raft {
namespace {

bool ById(const Voter& a, const Voter& b) {
  return a.key.id < b.key.id;
}

bool SameId(const Voter& a, const Voter& b) {
  return a.key.id == b.key.id;
}

}  // namespace

VoterSet::VoterSet(std::vector<Voter> voters) : voters_(std::move(voters)) {
  std::ranges::sort(voters_, ById);
  REQUIRES(std::ranges::adjacent_find(voters_, SameId) == voters_.end());
  REQUIRES(voters_.empty() || voters_.front().key.id >= NodeId(0));
}

size_t VoterSet::majority() const {
  REQUIRES(!empty());
  return size() / 2 + 1;
}

const Voter* VoterSet::Find(NodeId id) const {
  const auto at = std::ranges::find(voters_, id, [](const Voter& voter) { return voter.key.id; });
  return at == voters_.end() ? nullptr : &*at;
}

bool VoterSet::Has(const ReplicaKey& replica) const {
  const Voter* voter = Find(replica.id);
  return voter != nullptr && Matches(voter->key, replica);
}

std::optional<VoterSet> VoterSet::With(const Voter& voter) const {
  if (Find(voter.key.id) != nullptr) return std::nullopt;
  std::vector<Voter> voters = voters_;
  voters.push_back(voter);
  VoterSet result(std::move(voters));
  INVARIANT(result.size() == size() + 1);
  return result;
}

std::optional<VoterSet> VoterSet::Without(const ReplicaKey& replica) const {
  if (!Has(replica) || size() == 1) return std::nullopt;
  std::vector<Voter> voters = voters_;
  std::erase_if(voters, [&replica](const Voter& voter) { return voter.key.id == replica.id; });
  VoterSet result(std::move(voters));
  INVARIANT(result.size() + 1 == size());
  return result;
}

std::optional<VoterSet> VoterSet::Updated(const Voter& voter) const {
  if (!Has(voter.key)) return std::nullopt;
  VoterSet result = *this;
  const auto at = std::ranges::lower_bound(result.voters_, voter, ById);
  INVARIANT(at != result.voters_.end() && at->key.id == voter.key.id);
  *at = voter;
  return result;
}

protocol::VotersRecord ToRecord(const VoterSet& voters) {
  REQUIRES(!voters.empty());
  protocol::VotersRecord record;
  for (const Voter& voter : voters.voters()) {
    protocol::VotersRecord::Voter entry;
    entry.voter_id = voter.key.id.value();
    entry.voter_directory_id = voter.key.directory_id;
    for (const Endpoint& endpoint : voter.endpoints) {
      entry.endpoints.push_back({.name = endpoint.listener, .host = endpoint.host, .port = endpoint.port});
    }
    entry.kraft_version_feature.min_supported_version = voter.kraft_versions.min;
    entry.kraft_version_feature.max_supported_version = voter.kraft_versions.max;
    record.voters.push_back(std::move(entry));
  }
  INVARIANT(record.voters.size() == voters.size());
  return record;
}

std::optional<VoterSet> FromRecord(const protocol::VotersRecord& record) {
  std::vector<Voter> voters;
  for (const auto& entry : record.voters) {
    if (entry.voter_id < 0) return std::nullopt;
    Voter voter;
    voter.key = {NodeId(entry.voter_id), entry.voter_directory_id};
    voter.kraft_versions = {entry.kraft_version_feature.min_supported_version,
                            entry.kraft_version_feature.max_supported_version};
    for (const auto& endpoint : entry.endpoints) {
      voter.endpoints.push_back({endpoint.name, endpoint.host, static_cast<uint16_t>(endpoint.port)});
    }
    if (std::ranges::any_of(voters, [&voter](const Voter& other) { return SameId(voter, other); })) return std::nullopt;
    voters.push_back(std::move(voter));
  }
  if (voters.empty()) return std::nullopt;
  return VoterSet(std::move(voters));
}

}  // namespace odradek::raft
