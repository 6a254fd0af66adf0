// What the monitors of a run have found: every fact is counted, of the violations of a property on one subject the
// first one is kept. Owned by whoever judges.
#pragma once

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "properties/monitors.h"

namespace odradek::explore {

class MonitorBook {
 public:
  // `about`: what the violations are counted by.
  template <typename Subject>
  void Judge(const Subject& subject, const std::string& about) {
    std::vector<history::Violation>& all = verdicts_.violations;
    const size_t count_before = all.size();
    properties::MonitorAll(subject, verdicts_);
    const auto known = [&](const history::Violation& violation) {
      return !known_.insert({violation.property, about}).second;
    };
    all.erase(std::remove_if(all.begin() + static_cast<ptrdiff_t>(count_before), all.end(), known), all.end());
  }
  const properties::Verdicts& verdicts() const { return verdicts_; }

 private:
  properties::Verdicts verdicts_;
  std::set<std::pair<std::string, std::string>> known_;
};

}  // namespace odradek::explore
