// Every payment is counted once: a balance is the sum of the account's payments up to where it says that it counted,
// and the last balance of an account is the sum of all of them.
#include <cstdlib>
#include <map>
#include <string>
#include <utility>

#include "ledger.h"
#include "sim/lab/lab.h"

namespace lab = odradek::lab;

namespace {

// When the account was paid, for whoever looks for the cause.
std::vector<int64_t> TimesOf(const lab::Evidence& evidence, const std::string& account) {
  std::vector<int64_t> at_ns;
  for (const lab::Note& note : evidence.notes()) {
    if (note.key == account) at_ns.push_back(note.at_ns);
  }
  return at_ns;
}

}  // namespace

lab::Findings EveryPaymentIsCountedOnce(const lab::Evidence& evidence) {
  // The sum of an account after each of its payments, by the offset behind the payment.
  std::map<std::pair<std::string, odradek::PartitionIndex>, std::map<int64_t, int64_t>> sums;
  for (const lab::Record& payment : evidence.Topic("payments")) {
    auto& of_account = sums[{*payment.key, payment.partition}];
    const int64_t before = of_account.empty() ? 0 : of_account.rbegin()->second;
    of_account[payment.offset.value() + 1] = before + std::atoll(payment.value->c_str());
  }

  lab::Findings found;
  std::map<std::string, Balance> last;
  for (const lab::Record& record : evidence.Topic("balances")) {
    if (*record.key == kPositionKey) continue;
    const Balance balance = ParseBalance(*record.value);
    if (balance.counted_to >= last[*record.key].counted_to) last[*record.key] = balance;
    const auto& of_account = sums[{*record.key, record.partition}];
    const auto at = of_account.find(balance.counted_to);
    found.Judged();
    if (at != of_account.end() && at->second == balance.amount) continue;
    found.Violated("after the payment to " + *record.key + " at offset " + std::to_string(balance.counted_to - 1) +
                       " the balance is " + std::to_string(balance.amount) + " instead of " +
                       (at == of_account.end() ? "nothing" : std::to_string(at->second)),
                   TimesOf(evidence, *record.key));
  }
  for (const auto& [account, of_account] : sums) {
    if (of_account.empty()) continue;
    found.Judged();
    const auto& [counted_to, amount] = *of_account.rbegin();
    if (last[account.first].amount == amount) continue;
    found.Violated("in the end the balance of " + account.first + " is " + std::to_string(last[account.first].amount) +
                       " instead of " + std::to_string(amount),
                   TimesOf(evidence, account.first));
  }
  return found;
}
