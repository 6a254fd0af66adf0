// Small sets of node ids as records and partitions hold them: in order, without repeats, a handful of members. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "engine/base/ids.h"

namespace odradek::metadata {

inline bool Contains(const std::vector<NodeId>& ids, NodeId id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

inline bool ContainsAll(const std::vector<NodeId>& ids, const std::vector<NodeId>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](NodeId id) { return Contains(ids, id); });
}

// The members of `ids` that are not in `removed`, in their order.
inline std::vector<NodeId> Without(std::vector<NodeId> ids, const std::vector<NodeId>& removed) {
  std::erase_if(ids, [&](NodeId id) { return Contains(removed, id); });
  return ids;
}

// Whether no id is there twice.
inline bool AreDistinct(std::vector<NodeId> ids) {
  std::sort(ids.begin(), ids.end());
  return std::adjacent_find(ids.begin(), ids.end()) == ids.end();
}

inline std::vector<int32_t> ToNumbers(const std::vector<NodeId>& ids) {
  std::vector<int32_t> out;
  out.reserve(ids.size());
  for (const NodeId id : ids) out.push_back(id.value());
  return out;
}

inline std::vector<NodeId> ToNodeIds(const std::vector<int32_t>& ids) {
  std::vector<NodeId> out;
  out.reserve(ids.size());
  for (const int32_t id : ids) out.emplace_back(id);
  return out;
}

}  // namespace odradek::metadata
