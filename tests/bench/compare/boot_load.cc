// From the exec of a broker to the first record that it acknowledges; creation of many partitions; memory of idle
// connections; how fast this machine is just now.
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "engine/protocol/generated/api_versions.h"
#include "tests/bench/compare/broker_process.h"
#include "tests/bench/compare/channel.h"
#include "tests/bench/compare/loads.h"
#include "tests/bench/compare/produce_frame.h"

extern char** environ;

namespace odradek::bench {
namespace boot_load {

constexpr int64_t kPatienceNanos = 180'000'000'000;

void SleepMicros(int64_t micros) {
  const timespec pause{.tv_sec = 0, .tv_nsec = micros * 1000};
  nanosleep(&pause, nullptr);
}

pid_t Start(const BootOptions& options) {
  std::vector<char*> arguments;
  for (const std::string& argument : options.command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, options.output_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t pid = 0;
  if (posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ) != 0)
    Die("cannot start the broker");
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

// One try from the start; false when the broker is not ready for some part of it.
bool TryProduce(const BootOptions& options, Bytes records, int32_t partition) {
  std::optional<Channel> channel = Channel::TryConnect(options.target.port);
  if (!channel) return false;
  const int32_t create_count = options.create_partition_count;
  if (create_count > 0 && TryCreateTopic(*channel, options.target.topic, create_count) != 0) return false;
  const auto topic = TryDescribeTopic(*channel, options.target.topic);
  if (!topic || topic->led_count < topic->partition_count) return false;
  const ProduceFrame frame = MakeProduceFrame({.topic = topic->id, .partition = partition}, records);
  if (!channel->SendAll(frame.head) || !channel->SendAll(records) || !channel->SendAll(frame.tail)) return false;
  const std::optional<ByteBuffer> answer = channel->ReceiveFrame();
  return answer && IsAppended(*answer);
}

}  // namespace boot_load

void RunBoot(const BootOptions& options) {
  const ByteBuffer records = MakeBatch(1, 100);
  if (Channel::TryConnect(options.target.port)) Die("somebody listens already");
  const int64_t began = NowNanos();
  const pid_t pid = boot_load::Start(options);
  while (!boot_load::TryProduce(options, records, 0)) {
    if (NowNanos() - began > boot_load::kPatienceNanos) Die("the broker does not start");
    boot_load::SleepMicros(200);
  }
  nlohmann::json line;
  line["seconds"] = static_cast<double>(NowNanos() - began) / 1e9;
  line["cpu_seconds"] = CpuSeconds(pid);
  line["pid"] = pid;
  std::printf("%s\n", line.dump().c_str());
}

void RunCreate(const CreateOptions& options) {
  Channel channel = Channel::Connect(options.target.port);
  const double cpu_before = CpuSeconds(options.target.broker_pid);
  const int64_t began = NowNanos();
  for (int i = 0; i < options.topic_count; ++i) {
    const std::string name = options.target.topic + "-" + std::to_string(i);
    const int16_t error = TryCreateTopic(channel, name, options.partition_count);
    if (error != 0) Die("CreateTopics " + name + ": error " + std::to_string(error));
  }
  for (int i = 0; i < options.topic_count; ++i) {
    const std::string name = options.target.topic + "-" + std::to_string(i);
    while (true) {
      const auto topic = TryDescribeTopic(channel, name);
      if (topic && topic->led_count == options.partition_count) break;
      if (NowNanos() - began > boot_load::kPatienceNanos) Die("no leader for every partition of " + name);
      boot_load::SleepMicros(1000);
    }
  }
  nlohmann::json line;
  line["seconds"] = static_cast<double>(NowNanos() - began) / 1e9;
  line["cpu_seconds"] = CpuSeconds(options.target.broker_pid) - cpu_before;
  std::printf("%s\n", line.dump().c_str());
}

void RunIdle(const IdleOptions& options) {
  std::vector<Channel> channels;
  const MemoryBytes before = MemoryOf(options.target.broker_pid);
  for (int i = 0; i < options.connection_count; ++i) {
    channels.push_back(Channel::Connect(options.target.port));
    protocol::ApiVersionsRequest request;
    request.client_software_name = "load";
    request.client_software_version = "1";
    channels.back().Call<protocol::ApiVersionsResponse>(request, 3);
  }
  const MemoryBytes after = MemoryOf(options.target.broker_pid);
  nlohmann::json line;
  line["bytes_per_connection"] = (after.anonymous - before.anonymous) / options.connection_count;
  std::printf("%s\n", line.dump().c_str());
}

void RunCanary(const std::string& folder) {
  constexpr int64_t kPieceBytes = 1 << 20;
  constexpr int64_t kPieceCount = 256;
  const std::string path = folder + "/canary";
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) Die("cannot write in " + folder);
  const std::vector<char> piece(kPieceBytes, 'c');
  const int64_t began = NowNanos();
  for (int64_t i = 0; i < kPieceCount; ++i) {
    if (write(fd, piece.data(), piece.size()) != kPieceBytes) Die("a write failed in " + folder);
  }
  const double seconds = static_cast<double>(NowNanos() - began) / 1e9;
  close(fd);
  unlink(path.c_str());
  nlohmann::json line;
  line["mb_per_s"] = static_cast<double>(kPieceCount * kPieceBytes) / 1e6 / seconds;
  std::printf("%s\n", line.dump().c_str());
}

void RunDelete(const Target& target) {
  Channel channel = Channel::Connect(target.port);
  DeleteTopic(channel, target.topic);
  std::printf("{}\n");
}

void PrintMemory(const Target& target) {
  const MemoryBytes memory = MemoryOf(target.broker_pid);
  nlohmann::json line;
  line["resident_bytes"] = memory.resident;
  line["anonymous_bytes"] = memory.anonymous;
  line["cpu_seconds"] = CpuSeconds(target.broker_pid);
  std::printf("%s\n", line.dump().c_str());
}

}  // namespace odradek::bench
