// odradek: the broker, the simulator and the everyday client verbs in one binary.
#include "tools/odradek/command.h"
#include "tools/odradek/sim/arguments.h"
#include "tools/odradek/sim/output.h"

namespace odradek::tool {
namespace {

constexpr const char* kAbout = R"(Odradek: a Kafka-compatible broker, built to be tested deterministically.

Examples:
  odradek broker                                    a node in ./data on port 9092
  odradek broker --listener 0.0.0.0:9092 --data /var/lib/odradek
  odradek dev --real --brokers 3                    a cluster on this machine, to build against
  odradek sim run calm --seeds 1..100               a hundred simulated runs
  odradek topic create --bootstrap-server localhost:9092 --topic orders --partitions 6
  odradek cluster describe --bootstrap-server localhost:9092
  odradek produce --bootstrap-server localhost:9092 --topic orders < orders.txt
  odradek consume --bootstrap-server localhost:9092 --topic orders --from-beginning
  odradek config describe --bootstrap-server localhost:9092 --entity-type topics --entity-name orders
  odradek dump-log --files data/orders-0/00000000000000000000.log --print-data-log)";

constexpr const char* kFooter =
    R"(Exit codes: 0 success; 1 it failed, the reason is on standard error; 2 wrong usage; 70 the
node could not go on.)";

}  // namespace
}  // namespace odradek::tool

int main(int argc, char** argv) {
  CLI::App app{odradek::tool::kAbout, "odradek"};
  app.footer(odradek::tool::kFooter);
  app.require_subcommand(1);
  app.failure_message(odradek::tool::ExplainUsage);
  int exit_code = odradek::tool::kExitOk;
  odradek::tool::AddBrokerCommand(app, exit_code);
  odradek::tool::AddDevCommand(app, exit_code);
  odradek::tool::AddSimCommand(app, exit_code);
  odradek::tool::AddTopicCommand(app, exit_code);
  odradek::tool::AddClusterCommand(app, exit_code);
  odradek::tool::AddProduceCommand(app, exit_code);
  odradek::tool::AddConsumeCommand(app, exit_code);
  odradek::tool::AddConfigCommand(app, exit_code);
  odradek::tool::AddDumpLogCommand(app, exit_code);
  odradek::tool::AddCompletionCommand(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? odradek::tool::kExitOk : odradek::tool::kExitUsage;
  }
  return odradek::tool::CheckOutput(odradek::tool::VerbOf(app), exit_code);
}
