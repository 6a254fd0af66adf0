// What a property of the user's judges: what his programs and workloads noted, and what lay in the topics in the end.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/ids.h"
#include "sim/history/history.h"

namespace odradek::lab {

// Something that the user's code saw or did, in the user's own words: {"paid", "alice", 30}.
struct Note {
  int64_t at_ns = 0;  // of virtual time
  std::string node;
  std::string what;
  std::string key;
  int64_t value = 0;
};

struct Record {
  PartitionIndex partition;
  Offset offset;
  Timestamp timestamp = kNoTimestamp;
  std::optional<std::string> key;
  std::optional<std::string> value;
};

class Evidence {
 public:
  // `history`: what built-in clients did and what nodes went through. Outlives this.
  explicit Evidence(const history::History& history) : history_(history) {}

  // In the order of time.
  const std::vector<Note>& notes() const { return notes_; }
  // All that a topic with `of_programs` held when everything was healed and done, by partition and offset. Empty: there
  // is no such topic.
  const std::vector<Record>& Topic(std::string_view topic) const;
  const history::History& history() const { return history_; }

 private:
  friend class Journal;

  const history::History& history_;
  std::vector<Note> notes_;
  std::map<std::string, std::vector<Record>, std::less<>> topics_;
  const std::vector<Record> nothing_;
};

}  // namespace odradek::lab
