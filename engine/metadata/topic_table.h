// The topics of an image, by name and by id. Copies share the nodes of their topics until one side changes a topic: a
// copy costs pointers. A plain value of its owner; a table that was just copied may be read and copied from anywhere.
//
//  1. by_name and by_id hold the same nodes.
//  2. A node that two tables share is never changed: Edit() makes a node of its own first.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/uuid.h"

namespace odradek::metadata {

// Directory ids that are no directory (KIP-858).
inline constexpr Uuid kMigratingDirectory{0, 0};
inline constexpr Uuid kUnassignedDirectory{0, 1};
inline constexpr Uuid kLostDirectory{0, 2};

enum class LeaderRecovery : int8_t { kRecovered = 0, kRecovering = 1 };

struct PartitionState {
  std::vector<NodeId> replicas;  // the first is the preferred leader
  std::vector<NodeId> isr;
  std::vector<NodeId> removing_replicas;
  std::vector<NodeId> adding_replicas;
  std::vector<NodeId> eligible_leader_replicas;
  std::vector<NodeId> last_known_elr;
  std::vector<Uuid> directories;  // one per replica
  NodeId leader = kNoNode;
  LeaderRecovery recovery = LeaderRecovery::kRecovered;
  LeaderEpoch leader_epoch{0};
  PartitionEpoch partition_epoch{0};
  friend bool operator==(const PartitionState&, const PartitionState&) = default;
};

struct TopicState {
  std::string name;
  TopicId id;
  std::map<PartitionIndex, PartitionState> partitions;
  friend bool operator==(const TopicState&, const TopicState&) = default;
};

using TopicMap = std::map<std::string, std::shared_ptr<const TopicState>, std::less<>>;

class TopicTable {
 public:
  TopicTable() = default;
  TopicTable(const TopicTable& other);
  TopicTable& operator=(const TopicTable& other);
  TopicTable(TopicTable&&) = default;
  TopicTable& operator=(TopicTable&&) = default;

  const TopicMap& by_name() const { return by_name_; }
  // nullptr: none. Valid until the table changes.
  const TopicState* Find(std::string_view name) const;
  const TopicState* FindById(const TopicId& id) const;
  // The same as something to keep. It stays as it is if this table is not edited any more, as a published one is not.
  std::shared_ptr<const TopicState> Share(std::string_view name) const;
  std::shared_ptr<const TopicState> ShareById(const TopicId& id) const;

  // REQUIRES: neither the name nor the id is there.
  void Add(std::string name, const TopicId& id);
  // REQUIRES: the id is there.
  void Remove(const TopicId& id);
  TopicState& Edit(const TopicId& id);

  // Equal topics; whether nodes are shared does not matter.
  friend bool operator==(const TopicTable& a, const TopicTable& b);

 private:
  TopicMap by_name_;
  std::map<TopicId, std::shared_ptr<TopicState>> by_id_;
  // Topics whose nodes no other table shares. Copying ends that for both sides; a table that shares everything is not
  // written to by being copied.
  mutable std::set<TopicId> own_;
};

}  // namespace odradek::metadata
