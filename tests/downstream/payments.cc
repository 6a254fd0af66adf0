#include "payments.h"

#include <algorithm>
#include <map>
#include <string>

#include "engine/client/typed.h"
#include "ledger.h"

namespace client = odradek::client;
namespace lab = odradek::lab;
using odradek::Duration;
using odradek::TopicPartition;

namespace {

constexpr const char* kAccounts[] = {"ada", "bob", "cyd", "dan"};

class Payments final : public lab::Workload {
 public:
  explicit Payments(const lab::Settings& settings) : wanted_(settings.Number("payments")) {}

  // Begins again when its node comes back from a death; what it has done so far is in the members.
  void Run(odradek::fiber::Fiber& self, lab::Process& process) override {
    Pay(self, process);
    while (!is_done_) {
      WaitForLedger(self, process);
      odradek::fiber::SleepFor(self, Duration::Millis(200));
    }
  }
  bool is_done() const override { return is_done_; }
  std::string Progress() const override {
    return std::to_string(paid_) + " of " + std::to_string(wanted_) + " payments made, counted: " + where_;
  }

 private:
  void Pay(odradek::fiber::Fiber& self, lab::Process& process) {
    client::Producer producer(process.env(),
                              client::ParseProducerConfig({{"bootstrap.servers", process.bootstrap_server()}}).config);
    client::TypedProducer<std::string, std::string> payments(producer, "payments");
    while (paid_ < wanted_) {
      const std::string account = kAccounts[process.Draw(std::size(kAccounts))];
      const auto amount = static_cast<int64_t>(process.Draw(100)) + 1;
      ++paid_;
      process.Note("pays", account, amount);
      // Whether it arrived does not matter here: what is in the topic has to be counted.
      payments.Send(self, account, std::to_string(amount));
      const auto pause_ms = static_cast<int64_t>(process.Draw(200));
      if (!process.is_healed()) odradek::fiber::SleepFor(self, Duration::Millis(pause_ms));
    }
    producer.Close(self, Duration::Seconds(60));
  }

  // Done, if the last payment of each partition is counted in some balance.
  void WaitForLedger(odradek::fiber::Fiber& self, lab::Process& process) {
    client::Consumer consumer(
        process.env(), client::ParseConsumerConfig(
                           {{"bootstrap.servers", process.bootstrap_server()}, {"auto.offset.reset", "earliest"}})
                           .config);
    bool is_all_counted = true;
    where_.clear();
    for (int32_t i = 0; i < LedgerOptions().partitions; ++i) {
      const TopicPartition paid{"payments", odradek::PartitionIndex(i)};
      const TopicPartition counted{"balances", odradek::PartitionIndex(i)};
      const TopicPartition both[] = {paid, counted};
      const auto ends = consumer.EndOffsets(self, both, Duration::Seconds(10));
      if (!ends.at(paid).ok() || !ends.at(counted).ok()) return;
      consumer.Assign({counted});
      int64_t counted_to = 0;
      while (consumer.position(counted).value_or(odradek::Offset(0)) < ends.at(counted).offset) {
        const auto polled = client::ReadAs<std::string, std::string>(consumer.Poll(self, Duration::Seconds(1)));
        if (!polled.problems.empty()) return;
        for (const auto& record : polled.records) {
          counted_to = std::max(counted_to, ParseBalance(record.value).counted_to);
        }
      }
      where_ += ToString(paid) + " to " + std::to_string(counted_to) + " of " +
                std::to_string(ends.at(paid).offset.value()) + " ";
      is_all_counted = is_all_counted && counted_to >= ends.at(paid).offset.value();
    }
    is_done_ = is_all_counted;
  }

  const int64_t wanted_;
  int64_t paid_ = 0;
  bool is_done_ = false;
  std::string where_ = "not looked yet";
};

}  // namespace

std::unique_ptr<lab::Workload> MakePayments(const lab::Settings& settings) {
  return std::make_unique<Payments>(settings);
}
