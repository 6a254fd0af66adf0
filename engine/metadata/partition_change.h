// How one partition changes: the only place that computes a PartitionChangeRecord. A decision says what it wants (which
// ISR, which replicas, which kind of election); the rules for leader, ISR, ELR, epochs and directories are here. Pure;
// part of the controller's inside.
//
//  1. What comes out keeps PROPERTIES.md R8: ISR and ELR are disjoint sets of replicas, the leader is in the ISR, an
//     ISR that is large enough leaves no ELR.
//  2. A leader is active and its directory is online (M3), and a member of the ISR, or of the ELR of an empty ISR. An
//     unclean leader is neither: the ISR is then it alone, and it recovers (SEMANTICS.md 31).
//  3. A new leader, a replica that goes, and below level 12 a smaller ISR raise the leader epoch (SEMANTICS.md 31).
//  4. A reassignment ends when all its targets are in sync, and not before (R16).
//
// Source: KIP-500, KIP-455 (reassignment), KIP-704 (recovery), KIP-858 (directories), KIP-966 (ELR).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "engine/base/context.h"
#include "engine/base/ids.h"
#include "engine/metadata/image.h"

namespace odradek::metadata {

// Up to here a leader counts members that left the ISR until its epoch changes (KAFKA-15021).
inline constexpr MetadataVersion kShrinkWithoutEpochFrom{12};

// kPreferred moves the leadership to the first replica if that may lead.
enum class Election : uint8_t { kOnline, kPreferred, kUnclean };

// A broker about which a decision says something that the image does not say yet.
struct BrokerChange {
  enum class Kind : uint8_t {
    kNone,
    kLeaves,   // is fenced or shuts down: out of ISRs, in sync with what it has
    kReturns,  // is unfenced
    kForgets,  // what it had may be gone: out of ISRs and ELRs
  };
  Kind kind = Kind::kNone;
  NodeId broker = kNoNode;
  // Of this broker: what was in them is gone.
  std::vector<Uuid> lost_directories;
};

// Who may lead, by the image and the change.
class Candidates {
 public:
  // Both must outlive it.
  Candidates(const Image& image, const BrokerChange& change) : image_(image), change_(change) {}
  // `directory`: where the broker has its replica; nullopt: it has none yet.
  bool MayLead(NodeId id, const std::optional<Uuid>& directory) const;
  // Whether the change takes away what the broker has there.
  bool IsLost(NodeId id, const std::optional<Uuid>& directory) const;
  const Image& image() const { return image_; }

 private:
  const Image& image_;
  const BrokerChange& change_;
};

// What a decision wants of a partition; starts as what is.
struct PartitionTarget {
  explicit PartitionTarget(const PartitionState& partition)
      : replicas(partition.replicas),
        isr(partition.isr),
        removing_replicas(partition.removing_replicas),
        adding_replicas(partition.adding_replicas),
        recovery(partition.recovery) {}

  std::vector<NodeId> replicas;
  std::vector<NodeId> isr;
  std::vector<NodeId> removing_replicas;
  std::vector<NodeId> adding_replicas;
  LeaderRecovery recovery;
  Election election = Election::kOnline;
  std::map<NodeId, Uuid> directories;  // that are to be others than they are
  // Replicas that may have lost what they had: they leave the ELR too.
  std::vector<NodeId> lost;
};

// What holds for the partition's topic and the cluster.
struct PartitionRules {
  MetadataVersion level = kMetadataVersionMax;
  enum class Elr : uint8_t { kOff, kOn } elr = Elr::kOff;
  int32_t min_isr = 1;  // as configured; what counts is capped at the number of replicas
};

struct PartitionAddress {
  const TopicState& topic;
  PartitionIndex index;
};

// The state that the target leads to, epochs as they were. REQUIRES: the target has a replica.
PartitionState NextState(const PartitionState& partition, const PartitionTarget& target, const PartitionRules& rules,
                         const Candidates& candidates, base::Context& context);

// nullopt: nothing changes.
std::optional<protocol::PartitionChangeRecord> ChangePartition(PartitionAddress at, const PartitionState& partition,
                                                               const PartitionTarget& target,
                                                               const PartitionRules& rules,
                                                               const Candidates& candidates, base::Context& context);

// The directory that the partition's state names for a replica; nullopt: the broker has none.
std::optional<Uuid> DirectoryOf(const PartitionState& partition, NodeId id);

// Where a new replica goes: a broker with one directory has no choice, with more it chooses and tells the controller.
Uuid DefaultDirectory(const Image& image, NodeId broker);

}  // namespace odradek::metadata
