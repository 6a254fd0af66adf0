// The application: keeps the balance of every account. It reads payments (key: account, value: amount) from the topic
// "payments" and writes the new balance of the account to the same partition of the topic "balances".
//
// All of its state is in "balances": a balance says how far the payments of its partition are counted in it. A ledger
// that starts, after whatever death, reads "balances" first and goes on from there.
//
// It knows nothing of the simulator: ledger_main.cc runs the same code on real sockets.
#pragma once

#include <cstdint>
#include <string>

#include "engine/env/env.h"

// Where it says how far it is.
enum class PositionIn {
  kBalance,  // in the same record as the balance
  // In a record of its own, after the balance's. This is the planted bug: a death between the two makes the next ledger
  // count a payment that is in the balance already.
  kOwnRecord,
};

struct LedgerOptions {
  std::string bootstrap_servers;
  int32_t partitions = 2;  // of "payments" and of "balances"
  PositionIn position_in = PositionIn::kBalance;
};

// Never returns by itself.
void RunLedger(odradek::fiber::Fiber& self, odradek::env::Env& env, const LedgerOptions& options);

// A record of "balances".
struct Balance {
  int64_t amount = 0;
  // The payments of the partition below this offset are counted.
  int64_t counted_to = 0;
};
std::string ToText(const Balance& balance);
Balance ParseBalance(const std::string& text);
inline constexpr char kPositionKey[] = "(position)";
