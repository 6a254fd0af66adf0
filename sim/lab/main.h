// The binary of a user of the framework: `run`, `replay`, `explain`, `shrink`, `plan`, `diff` and `list` over what he
// brings. Defined beside the verbs of `odradek sim` (tools/odradek/sim).
#pragma once

#include "sim/lab/lab.h"

namespace odradek::lab {

// Returns the exit code: that of `odradek sim`.
int Main(const Lab& lab, int argc, char** argv);

}  // namespace odradek::lab
