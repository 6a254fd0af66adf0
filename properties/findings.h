// What a property found: how many facts it judged, and those that are false. A property that judged nothing has shown
// nothing; campaigns count.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/history/history.h"

namespace odradek::properties {

class Findings {
 public:
  void Judged(uint64_t fact_count = 1) { fact_count_ += fact_count; }
  // `at_ns`: times of the operations and events that matter.
  void Violated(std::string what, std::vector<int64_t> at_ns) {
    violations_.push_back({"", std::move(what), std::move(at_ns)});
  }

  bool holds() const { return violations_.empty(); }
  uint64_t fact_count() const { return fact_count_; }
  const std::vector<history::Violation>& violations() const { return violations_; }

 private:
  uint64_t fact_count_ = 0;
  std::vector<history::Violation> violations_;
};

// What several properties found.
struct Verdicts {
  std::vector<history::Violation> violations;
  std::map<std::string, uint64_t, std::less<>> fact_counts;  // by the id of the property

  void Add(std::string_view id, const Findings& findings) {
    auto at = fact_counts.find(id);
    if (at == fact_counts.end()) at = fact_counts.emplace(std::string(id), 0).first;
    at->second += findings.fact_count();
    for (history::Violation violation : findings.violations()) {
      violation.property = id;
      violations.push_back(std::move(violation));
    }
  }
};

}  // namespace odradek::properties
