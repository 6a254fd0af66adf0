#include "ledger.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <span>
#include <vector>

#include "engine/client/typed.h"

namespace client = odradek::client;
using odradek::Duration;
using odradek::Offset;
using odradek::PartitionIndex;
using odradek::TopicPartition;

namespace {

class Ledger {
 public:
  Ledger(odradek::env::Env& env, const LedgerOptions& options)
      : options_(options),
        consumer_(env, client::ParseConsumerConfig({{"bootstrap.servers", options.bootstrap_servers},
                                                    {"request.timeout.ms", "3000"},
                                                    {"auto.offset.reset", "earliest"}})
                           .config),
        producer_(env, client::ParseProducerConfig({{"bootstrap.servers", options.bootstrap_servers},
                                                    {"linger.ms", "0"},
                                                    {"request.timeout.ms", "1000"},
                                                    {"delivery.timeout.ms", "5000"}})
                           .config),
        balances_(producer_, "balances") {}

  // Until something fails that only a new start can mend.
  void Run(odradek::fiber::Fiber& self, std::span<const TopicPartition> payments) {
    for (const TopicPartition& partition : payments) {
      if (!Restore(self, partition.partition)) return;
    }
    consumer_.Assign(payments);
    for (const TopicPartition& partition : payments) {
      if (!consumer_.Seek(partition, Offset(counted_to_[partition.partition])).ok()) return;
    }
    while (true) {
      for (const auto& payment :
           client::ReadAs<std::string, std::string>(consumer_.Poll(self, Duration::Seconds(1))).records) {
        if (!Count(self, payment)) return;
      }
    }
  }

 private:
  bool Restore(odradek::fiber::Fiber& self, PartitionIndex partition) {
    const TopicPartition whole{"balances", partition};
    const auto end = consumer_.EndOffsets(self, std::span(&whole, 1), Duration::Seconds(10)).at(whole);
    if (!end.ok()) return false;
    consumer_.Assign({whole});
    if (!consumer_.SeekToBeginning(std::span(&whole, 1)).ok()) return false;
    while (true) {
      const auto position = consumer_.Position(self, whole, Duration::Seconds(10));
      if (!position.has_value()) return false;
      if (*position >= end.offset) return true;
      const auto polled = client::ReadAs<std::string, std::string>(consumer_.Poll(self, Duration::Seconds(1)));
      for (const auto& record : polled.records) {
        const Balance restored = ParseBalance(record.value);
        const bool is_position = record.key == kPositionKey;
        if (is_position == (options_.position_in == PositionIn::kOwnRecord)) {
          int64_t& counted_to = counted_to_[partition];
          counted_to = std::max(counted_to, restored.counted_to);
        }
        if (is_position) continue;
        // What a dead ledger sent may arrive behind what its successor wrote.
        Balance& balance = state_[record.key];
        if (restored.counted_to >= balance.counted_to) balance = restored;
      }
    }
  }

  bool Count(odradek::fiber::Fiber& self, const client::TypedRecord<std::string, std::string>& payment) {
    Balance& balance = state_[payment.key];
    balance.amount += std::atoll(payment.value.c_str());
    balance.counted_to = payment.offset.value() + 1;
    const client::RecordExtras here{.partition = payment.partition.partition};
    if (!balances_.SendAndWait(self, payment.key, ToText(balance), here).ok()) return false;
    if (options_.position_in == PositionIn::kBalance) return true;
    return balances_.SendAndWait(self, kPositionKey, ToText({.counted_to = balance.counted_to}), here).ok();
  }

  const LedgerOptions& options_;
  client::Consumer consumer_;
  client::Producer producer_;
  client::TypedProducer<std::string, std::string> balances_;
  std::map<std::string, Balance> state_;
  std::map<PartitionIndex, int64_t> counted_to_;
};

}  // namespace

void RunLedger(odradek::fiber::Fiber& self, odradek::env::Env& env, const LedgerOptions& options) {
  std::vector<TopicPartition> payments;
  for (int32_t i = 0; i < options.partitions; ++i) payments.push_back({"payments", PartitionIndex(i)});
  while (true) {
    Ledger(env, options).Run(self, payments);
    odradek::fiber::SleepFor(self, Duration::Millis(100));
  }
}

std::string ToText(const Balance& balance) {
  return std::to_string(balance.amount) + " " + std::to_string(balance.counted_to);
}

Balance ParseBalance(const std::string& text) {
  char* rest = nullptr;
  const int64_t amount = std::strtoll(text.c_str(), &rest, 10);
  return {amount, std::strtoll(rest, nullptr, 10)};
}
