// What a loss of power took, for the ledger of provable losses.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/disk/paged_content.h"

namespace odradek::sim {

enum class NameOperation : uint8_t { kCreate, kCreateDirectory, kRename, kRemove, kRemoveDirectory };
std::string_view ToString(NameOperation operation);

// An operation on a name that did not survive. The paths are those of the call.
struct LostName {
  NameOperation operation = NameOperation::kCreate;
  std::string path;
  std::string to;  // kRename
  friend bool operator==(const LostName&, const LostName&) = default;
};

// A file that had a name before, by that name.
struct LostContent {
  std::string path;
  // It has no name any more; the rest says nothing.
  bool is_gone = false;
  int64_t size_before_bytes = 0;
  int64_t size_after_bytes = 0;
  // What reads differently now, up to the larger size.
  std::vector<ByteRange> changed;
  friend bool operator==(const LostContent&, const LostContent&) = default;
};

struct PowerLossReport {
  std::vector<LostName> names;        // in the order of the calls
  std::vector<LostContent> contents;  // by path
  bool empty() const { return names.empty() && contents.empty(); }
  friend bool operator==(const PowerLossReport&, const PowerLossReport&) = default;
};

// A line per loss, for people.
std::string ToString(const PowerLossReport& report);

}  // namespace odradek::sim
