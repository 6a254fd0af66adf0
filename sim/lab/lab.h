// All that a user of the framework brings: programs under test, workloads that use them, and properties that must hold.
// Scenario files combine them by their names; a binary of the user's own runs them (main.h).
//
// The code of a program and of a workload runs on fibers of a simulated node. It reaches the world through its env and
// nothing else: no clock, thread, socket, file or random number of the operating system, no order of hash containers.
// Then a seed is a complete description of a run. An exception that it does not catch ends the run as a crash; a killed
// process is unwound by an exception, so `catch (...)` must throw again.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "properties/findings.h"
#include "sim/lab/evidence.h"
#include "sim/lab/process.h"

namespace odradek::lab {

// A program under test: a service of the user's beside the broker. Each of its nodes has a disk and clocks of its own;
// in fault plans their role is the program's name. After a death it begins anew, with what is on its disk.
struct Program {
  std::string name;
  SettingMap settings = {};
  // The process. When it returns the node idles until its next boot.
  std::function<void(fiber::Fiber& self, Process& process)> run;
};

// What clients want done, and how they see that it was. Outlives the processes of its node, whose role is "client".
class Workload {
 public:
  virtual ~Workload() = default;
  // The process: begins again after each death of the node.
  virtual void Run(fiber::Fiber& self, Process& process) = 0;
  // A run ends when this is true of every workload. If it never becomes true, V0 is violated.
  virtual bool is_done() const = 0;
  // For people: "12 of 40 payments are counted".
  virtual std::string Progress() const = 0;
};

struct WorkloadKind {
  std::string name;
  SettingMap settings = {};
  // Once per node and run.
  std::function<std::unique_ptr<Workload>(const Settings& settings)> make;
};

using properties::Findings;

// What must be true at the end of every run; judged when all topics of the programs were read to their ends.
struct Property {
  std::string name;      // every_payment_is_counted_once
  std::string sentence;  // "Every payment is counted once."
  Findings (*check)(const Evidence& evidence);
};

struct Lab {
  // Where scenario files are, *.txtpb; empty: in a folder "scenarios" here or above.
  std::string scenario_folder;
  std::vector<Program> programs;
  std::vector<WorkloadKind> workloads;
  std::vector<Property> properties;

  // nullptr: there is none.
  const Program* FindProgram(std::string_view name) const;
  const WorkloadKind* FindWorkload(std::string_view name) const;
};

// What is wrong with it: names that are missing, taken twice or not of the letters a-z, 0-9, '_' and '-'. Empty:
// nothing.
std::string CheckLab(const Lab& lab);

}  // namespace odradek::lab
