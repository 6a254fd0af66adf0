#include "engine/raft/voter_history.h"

#include <iterator>

#include "engine/base/check.h"

namespace odradek::raft {
namespace {

// The last entry below `end`; map.end() if there is none.
template <typename Map>
typename Map::const_iterator LastBelow(const Map& map, Offset end) {
  const auto behind = map.lower_bound(end);
  return behind == map.begin() ? map.end() : std::prev(behind);
}

template <typename Map>
void KeepLastBelow(Map& map, Offset end) {
  const auto last = LastBelow(map, end);
  if (last != map.end()) map.erase(map.begin(), last);
}

}  // namespace

void VoterHistory::AddVoters(Offset offset, const VoterSet& voters) {
  REQUIRES(offset >= kNoOffset);
  REQUIRES(voters_.empty() || voters_.rbegin()->first < offset);
  voters_.emplace(offset, voters);
}

void VoterHistory::AddKraftVersion(Offset offset, int16_t version) {
  REQUIRES(offset >= kNoOffset);
  REQUIRES(kraft_versions_.empty() || kraft_versions_.rbegin()->first < offset);
  kraft_versions_.emplace(offset, version);
}

void VoterHistory::TruncateTo(Offset end) {
  voters_.erase(voters_.lower_bound(end), voters_.end());
  kraft_versions_.erase(kraft_versions_.lower_bound(end), kraft_versions_.end());
  INVARIANT(voters_.empty() || voters_.rbegin()->first < end);
}

void VoterHistory::TrimTo(Offset start) {
  KeepLastBelow(voters_, start);
  KeepLastBelow(kraft_versions_, start);
}

void VoterHistory::Clear() {
  voters_.clear();
  kraft_versions_.clear();
}

const VoterSet& VoterHistory::voters() const {
  return voters_.empty() ? configured_ : voters_.rbegin()->second;
}

int16_t VoterHistory::kraft_version() const {
  return kraft_versions_.empty() ? kStaticVoters : kraft_versions_.rbegin()->second;
}

std::optional<Offset> VoterHistory::voters_offset() const {
  if (voters_.empty()) return std::nullopt;
  return voters_.rbegin()->first;
}

const VoterSet& VoterHistory::VotersAt(Offset end) const {
  const auto last = LastBelow(voters_, end);
  return last == voters_.end() ? configured_ : last->second;
}

int16_t VoterHistory::KraftVersionAt(Offset end) const {
  const auto last = LastBelow(kraft_versions_, end);
  return last == kraft_versions_.end() ? kStaticVoters : last->second;
}

}  // namespace odradek::raft
