// The application on real sockets: ledger HOST:PORT
#include "engine/real/node.h"
#include "ledger.h"

int main(int argc, char** argv) {
  const LedgerOptions options{.bootstrap_servers = argc > 1 ? argv[1] : "localhost:9092"};
  odradek::real::RealNode node;
  node.env().scheduler.Spawn("ledger", [&](odradek::fiber::Fiber& self) { RunLedger(self, node.env(), options); });
  node.Run();
}
