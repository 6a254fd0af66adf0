// The ledger under test: `ledger_lab run ledger --seeds 1..200`. With `--set ledger.position=own-record` it has the
// planted bug.
#include "ledger.h"
#include "payments.h"
#include "sim/lab/main.h"

namespace lab = odradek::lab;

lab::Findings EveryPaymentIsCountedOnce(const lab::Evidence& evidence);

namespace {

void LedgerProcess(odradek::fiber::Fiber& self, lab::Process& process) {
  const bool is_apart = process.settings().Text("position") == "own-record";
  RunLedger(self, process.env(),
            {.bootstrap_servers = process.bootstrap_server(),
             .position_in = is_apart ? PositionIn::kOwnRecord : PositionIn::kBalance});
}

}  // namespace

int main(int argc, char** argv) {
  return lab::Main({.scenario_folder = LEDGER_SCENARIOS,
                    .programs = {{.name = "ledger", .settings = {{"position", "balance"}}, .run = LedgerProcess}},
                    .workloads = {{.name = "payments", .settings = {{"payments", "40"}}, .make = MakePayments}},
                    .properties = {{.name = "every_payment_is_counted_once",
                                    .sentence = "Every payment is counted once.",
                                    .check = EveryPaymentIsCountedOnce}}},
                   argc, argv);
}
