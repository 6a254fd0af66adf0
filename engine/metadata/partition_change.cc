#include "engine/metadata/partition_change.h"

#include <algorithm>
#include <utility>

#include "engine/base/check.h"
#include "engine/metadata/node_ids.h"

namespace odradek::metadata {
namespace {

bool IsOnline(const Uuid& directory, const std::vector<Uuid>& registered) {
  if (directory == kUnassignedDirectory || directory == kMigratingDirectory) return true;
  if (directory == kLostDirectory) return false;
  // Below kDirectoriesFrom nobody registers any.
  return registered.empty() || std::find(registered.begin(), registered.end(), directory) != registered.end();
}

// One computation, step by step: each looks at what the steps before it made of `next_`.
class Step {
 public:
  Step(const PartitionState& before, const PartitionTarget& target, const PartitionRules& rules,
       const Candidates& candidates, base::Context& context)
      : before_(before),
        target_(target),
        rules_(rules),
        candidates_(candidates),
        context_(context),
        next_(before),
        isr_(target.isr) {
    REQUIRES(!target.replicas.empty());
    REQUIRES(AreDistinct(target.replicas));
    next_.replicas = target.replicas;
    next_.removing_replicas = target.removing_replicas;
    next_.adding_replicas = target.adding_replicas;
    next_.recovery = target.recovery;
  }

  PartitionState Run() {
    CompleteReassignment();
    FillElr();
    Elect();
    TakeIsr();
    KeepLastKnownLeader();
    TakeDirectories();
    if (rules_.level < kElrFrom) {
      // Such a record cannot say anything about them.
      next_.eligible_leader_replicas = before_.eligible_leader_replicas;
      next_.last_known_elr = before_.last_known_elr;
    }
    INVARIANT(next_.leader == kNoNode || Contains(next_.isr, next_.leader));
    INVARIANT(next_.directories.size() == next_.replicas.size());
    return std::move(next_);
  }

 private:
  bool has_elr() const { return rules_.elr == PartitionRules::Elr::kOn; }
  // SEMANTICS.md 9: a partition with fewer replicas than the minimum needs all of them.
  bool IsLargeEnough(const std::vector<NodeId>& isr) const {
    return isr.size() >= std::min(static_cast<size_t>(std::max(rules_.min_isr, 1)), next_.replicas.size());
  }

  void CompleteReassignment();
  void FillElr();
  void Elect();
  bool IsEligible(NodeId id) const;
  NodeId CleanLeader() const;
  bool CanElectLastKnownLeader() const;
  void TakeIsr();
  void KeepLastKnownLeader();
  void TakeDirectories();
  std::optional<Uuid> DirectoryAfter(NodeId id) const;
  bool MayLead(NodeId id) const { return candidates_.MayLead(id, DirectoryAfter(id)); }

  const PartitionState& before_;
  const PartitionTarget& target_;
  const PartitionRules& rules_;
  const Candidates& candidates_;
  base::Context& context_;
  PartitionState next_;
  std::vector<NodeId> isr_;  // may be empty, until TakeIsr()
};

void Step::CompleteReassignment() {
  if (next_.adding_replicas.empty() && next_.removing_replicas.empty()) return;
  const std::vector<NodeId> replicas = Without(next_.replicas, next_.removing_replicas);
  std::vector<NodeId> isr = Without(isr_, next_.removing_replicas);
  const bool are_in_sync = MUTATION(context_, RP39) || ContainsAll(isr, replicas);
  if (replicas.empty() || isr.empty() || !are_in_sync) return;
  next_.replicas = replicas;
  isr_ = std::move(isr);
  next_.removing_replicas.clear();
  next_.adding_replicas.clear();
}

// SEMANTICS.md 32: who leaves an ISR that is too small still has all that is committed, as the high watermark stands
// still.
void Step::FillElr() {
  std::vector<NodeId>& elr = next_.eligible_leader_replicas;
  if (!has_elr() || IsLargeEnough(isr_)) {
    elr.clear();
    return;
  }
  for (const NodeId id : before_.isr) {
    if (!Contains(elr, id)) elr.push_back(id);
  }
  elr = Without(Without(std::move(elr), isr_), target_.lost);
  std::erase_if(elr, [&](NodeId id) { return !Contains(next_.replicas, id); });
}

bool Step::IsEligible(NodeId id) const {
  const bool is_complete = Contains(isr_, id) || (isr_.empty() && Contains(next_.eligible_leader_replicas, id));
  return is_complete && Contains(next_.replicas, id) && MayLead(id);
}

NodeId Step::CleanLeader() const {
  const NodeId preferred = next_.replicas.front();
  if (target_.election == Election::kPreferred && IsEligible(preferred)) return preferred;
  if (IsEligible(before_.leader)) return before_.leader;
  for (const NodeId id : next_.replicas) {
    if (IsEligible(id) || (MayLead(id) && MUTATION(context_, RP33))) return id;
  }
  return kNoNode;
}

// Nobody is known to be complete: the last leader has lost least, if it is there (KIP-966).
bool Step::CanElectLastKnownLeader() const {
  if (!has_elr() || !isr_.empty() || !next_.eligible_leader_replicas.empty()) return false;
  if (before_.last_known_elr.size() != 1) return false;
  const NodeId last = before_.last_known_elr.front();
  return Contains(next_.replicas, last) && MayLead(last);
}

void Step::Elect() {
  next_.leader = CleanLeader();
  if (next_.leader != kNoNode) return;
  if (CanElectLastKnownLeader()) {
    REACHED(context_, "metadata.election.last_known_leader");
    next_.leader = before_.last_known_elr.front();
  } else if (target_.election == Election::kUnclean) {
    const auto may_lead = [this](NodeId id) { return MayLead(id); };
    const auto winner = std::find_if(next_.replicas.begin(), next_.replicas.end(), may_lead);
    if (winner == next_.replicas.end()) return;
    next_.leader = *winner;
  } else {
    return;
  }
  REACHED(context_, "metadata.election.unclean");
  if (MUTATION(context_, RP34)) {
    if (!has_elr()) isr_ = before_.isr;
    isr_.push_back(next_.leader);
    return;
  }
  isr_ = {next_.leader};
  next_.eligible_leader_replicas.clear();
  next_.recovery = LeaderRecovery::kRecovering;
}

void Step::TakeIsr() {
  std::vector<NodeId>& elr = next_.eligible_leader_replicas;
  if (next_.leader != kNoNode && !Contains(isr_, next_.leader)) {
    REACHED(context_, "metadata.election.from_elr");
    isr_.push_back(next_.leader);
    std::erase(elr, next_.leader);
  }
  // Without ELR the last members stay in the ISR: nothing else says who has all that was acknowledged.
  if (isr_.empty() && !has_elr()) isr_ = before_.isr;
  next_.isr = std::move(isr_);
  if (IsLargeEnough(next_.isr)) elr.clear();
}

void Step::KeepLastKnownLeader() {
  if (!has_elr() || next_.leader != kNoNode) {
    next_.last_known_elr.clear();
  } else if (next_.isr.empty() && !before_.isr.empty()) {
    next_.last_known_elr = {before_.leader != kNoNode ? before_.leader : before_.isr.front()};
  }
}

std::optional<Uuid> Step::DirectoryAfter(NodeId id) const {
  const auto wanted = target_.directories.find(id);
  return wanted != target_.directories.end() ? wanted->second : DirectoryOf(before_, id);
}

void Step::TakeDirectories() {
  next_.directories.clear();
  for (const NodeId id : next_.replicas) {
    const std::optional<Uuid> directory = DirectoryAfter(id);
    next_.directories.push_back(directory ? *directory : DefaultDirectory(candidates_.image(), id));
  }
}

bool NeedsNewLeaderEpoch(const PartitionState& before, const PartitionState& after, MetadataVersion level) {
  if (after.leader != before.leader) return true;
  if (!ContainsAll(after.replicas, before.replicas)) return true;
  return level < kShrinkWithoutEpochFrom && !ContainsAll(after.isr, before.isr);
}

}  // namespace

Uuid DefaultDirectory(const Image& image, NodeId broker) {
  const BrokerState* const state = image.FindBroker(broker);
  return state != nullptr && state->log_dirs.size() == 1 ? state->log_dirs.front() : kUnassignedDirectory;
}

std::optional<Uuid> DirectoryOf(const PartitionState& partition, NodeId id) {
  REQUIRES(partition.directories.size() == partition.replicas.size());
  const auto at = std::find(partition.replicas.begin(), partition.replicas.end(), id);
  if (at == partition.replicas.end()) return std::nullopt;
  return partition.directories[static_cast<size_t>(at - partition.replicas.begin())];
}

bool Candidates::IsLost(NodeId id, const std::optional<Uuid>& directory) const {
  if (id != change_.broker) return false;
  if (change_.kind == BrokerChange::Kind::kForgets) return true;
  const std::vector<Uuid>& lost = change_.lost_directories;
  return directory && std::find(lost.begin(), lost.end(), *directory) != lost.end();
}

bool Candidates::MayLead(NodeId id, const std::optional<Uuid>& directory) const {
  const BrokerState* const broker = image_.FindBroker(id);
  if (broker == nullptr || broker->in_controlled_shutdown || IsLost(id, directory)) return false;
  const bool is_changing = id == change_.broker;
  if (is_changing && change_.kind == BrokerChange::Kind::kLeaves) return false;
  const bool returns = is_changing && change_.kind == BrokerChange::Kind::kReturns;
  if (broker->fenced && !returns) return false;
  return !directory || IsOnline(*directory, broker->log_dirs);
}

PartitionState NextState(const PartitionState& partition, const PartitionTarget& target, const PartitionRules& rules,
                         const Candidates& candidates, base::Context& context) {
  return Step(partition, target, rules, candidates, context).Run();
}

std::optional<protocol::PartitionChangeRecord> ChangePartition(PartitionAddress at, const PartitionState& partition,
                                                               const PartitionTarget& target,
                                                               const PartitionRules& rules,
                                                               const Candidates& candidates, base::Context& context) {
  const PartitionState next = NextState(partition, target, rules, candidates, context);
  if (next == partition) return std::nullopt;
  protocol::PartitionChangeRecord r;
  r.topic_id = at.topic.id;
  r.partition_id = at.index.value();
  if (next.isr != partition.isr) r.isr = ToNumbers(next.isr);
  if (next.replicas != partition.replicas) r.replicas = ToNumbers(next.replicas);
  if (next.removing_replicas != partition.removing_replicas) r.removing_replicas = ToNumbers(next.removing_replicas);
  if (next.adding_replicas != partition.adding_replicas) r.adding_replicas = ToNumbers(next.adding_replicas);
  if (next.recovery != partition.recovery) r.leader_recovery_state = static_cast<int8_t>(next.recovery);
  if (NeedsNewLeaderEpoch(partition, next, rules.level)) r.leader = next.leader.value();
  // Directories do not follow their replicas by themselves: a record that changes these names those.
  const bool moves = next.directories != partition.directories || r.replicas.has_value();
  if (moves && rules.level >= kDirectoriesFrom) r.directories = next.directories;
  if (rules.level < kElrFrom) return r;
  if (next.eligible_leader_replicas != partition.eligible_leader_replicas) {
    r.eligible_leader_replicas = ToNumbers(next.eligible_leader_replicas);
  }
  if (next.last_known_elr != partition.last_known_elr) r.last_known_elr = ToNumbers(next.last_known_elr);
  return r;
}

}  // namespace odradek::metadata
