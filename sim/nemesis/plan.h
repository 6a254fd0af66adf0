// Fault plans as text, and their check. The format is plan.proto.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sim/nemesis/plan.pb.h"

namespace odradek::sim {

// The nodes that a plan is for.
struct Topology {
  struct Member {
    std::string name;
    std::string role;
  };
  std::vector<Member> members;
};

// Errors say "file:line:column: what". Fields that make no sense, and nodes and roles that are not in the topology, are
// errors.
absl::StatusOr<plan::Plan> ParsePlan(std::string_view text, std::string_view file, const Topology& topology);

// What ParsePlan reads.
std::string PrintPlan(const plan::Plan& plan);

// "crash { restart_after_ns: 250000000 }": an action on one line.
std::string DescribeAction(const plan::Action& action);

}  // namespace odradek::sim
