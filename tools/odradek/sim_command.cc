// odradek sim: the verbs of the simulator with nothing of a user's own, and the bug zoo.
#include "sim/lab/lab.h"
#include "tools/odradek/command.h"
#include "tools/odradek/sim/arguments.h"

namespace odradek::tool {
namespace {

const lab::Lab kNothingOwn;

}  // namespace

void AddSimCommand(CLI::App& app, int& exit_code) {
  CLI::App* sim = app.add_subcommand("sim", "Test the broker and its clients in a simulated world");
  sim->require_subcommand(1);
  AddSimVerbs(*sim, {.lab = &kNothingOwn}, exit_code);
  AddSimZooCommand(*sim, exit_code);
}

}  // namespace odradek::tool
