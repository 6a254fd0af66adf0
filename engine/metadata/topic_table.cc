#include "engine/metadata/topic_table.h"

#include <algorithm>

#include "engine/base/check.h"

namespace odradek::metadata {

TopicTable::TopicTable(const TopicTable& other) : by_name_(other.by_name_), by_id_(other.by_id_) {
  if (!other.own_.empty()) other.own_.clear();
}

TopicTable& TopicTable::operator=(const TopicTable& other) {
  if (this == &other) return *this;
  by_name_ = other.by_name_;
  by_id_ = other.by_id_;
  own_.clear();
  if (!other.own_.empty()) other.own_.clear();
  return *this;
}

const TopicState* TopicTable::Find(std::string_view name) const {
  const auto at = by_name_.find(name);
  return at == by_name_.end() ? nullptr : at->second.get();
}

const TopicState* TopicTable::FindById(const TopicId& id) const {
  const auto at = by_id_.find(id);
  return at == by_id_.end() ? nullptr : at->second.get();
}

std::shared_ptr<const TopicState> TopicTable::Share(std::string_view name) const {
  const auto at = by_name_.find(name);
  return at == by_name_.end() ? nullptr : at->second;
}

std::shared_ptr<const TopicState> TopicTable::ShareById(const TopicId& id) const {
  const auto at = by_id_.find(id);
  return at == by_id_.end() ? nullptr : at->second;
}

void TopicTable::Add(std::string name, const TopicId& id) {
  REQUIRES(Find(name) == nullptr);
  REQUIRES(FindById(id) == nullptr);
  auto topic = std::make_shared<TopicState>();
  topic->name = std::move(name);
  topic->id = id;
  by_name_.emplace(topic->name, topic);
  by_id_.emplace(id, std::move(topic));
  own_.insert(id);
}

void TopicTable::Remove(const TopicId& id) {
  const auto at = by_id_.find(id);
  REQUIRES(at != by_id_.end());
  by_name_.erase(at->second->name);
  by_id_.erase(at);
  own_.erase(id);
}

TopicState& TopicTable::Edit(const TopicId& id) {
  const auto at = by_id_.find(id);
  REQUIRES(at != by_id_.end());
  if (own_.insert(id).second) {
    at->second = std::make_shared<TopicState>(*at->second);
    const auto by_name = by_name_.find(at->second->name);
    INVARIANT(by_name != by_name_.end());
    by_name->second = at->second;
  }
  return *at->second;
}

bool operator==(const TopicTable& a, const TopicTable& b) {
  const auto same_topic = [](const auto& x, const auto& y) { return x.second == y.second || *x.second == *y.second; };
  return std::equal(a.by_name_.begin(), a.by_name_.end(), b.by_name_.begin(), b.by_name_.end(), same_topic);
}

}  // namespace odradek::metadata
