#include "sim/lab/lab.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

namespace odradek::lab {
namespace {

template <typename Parts>
auto Find(const Parts& parts, std::string_view name) -> decltype(parts.data()) {
  const auto at = std::find_if(parts.begin(), parts.end(), [&](const auto& part) { return part.name == name; });
  return at == parts.end() ? nullptr : &*at;
}

bool IsName(std::string_view name) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !name.empty() && std::all_of(name.begin(), name.end(), is_allowed);
}

// Roles of the nodes that scenarios have anyway, and what their names begin with: b1, p1, c1, a1, s1.
bool IsTaken(std::string_view name) {
  constexpr std::string_view kTaken[] = {"broker", "client", "setup", "reader", "b", "p", "c", "a", "s"};
  return std::find(std::begin(kTaken), std::end(kTaken), name) != std::end(kTaken);
}

}  // namespace

const Program* Lab::FindProgram(std::string_view name) const {
  return Find(programs, name);
}
const WorkloadKind* Lab::FindWorkload(std::string_view name) const {
  return Find(workloads, name);
}

std::string CheckLab(const Lab& lab) {
  std::set<std::string, std::less<>> names;
  std::string problem;
  const auto check = [&](std::string_view kind, const std::string& name, bool is_whole) {
    if (!problem.empty()) return;
    if (!IsName(name)) {
      problem = fmt::format("{} \"{}\": a name has the letters a-z, 0-9, '_' and '-'", kind, name);
    } else if (IsTaken(name) || !names.insert(name).second) {
      problem = fmt::format("{} \"{}\": the name is taken", kind, name);
    } else if (!is_whole) {
      problem = fmt::format("{} \"{}\": has no code", kind, name);
    }
  };
  for (const Program& program : lab.programs) check("program", program.name, program.run != nullptr);
  for (const WorkloadKind& workload : lab.workloads) check("workload", workload.name, workload.make != nullptr);
  for (const Property& property : lab.properties) check("property", property.name, property.check != nullptr);
  return problem;
}

}  // namespace odradek::lab
