// The loads. Each prints one line of JSON with what it measured.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace odradek::bench {

struct Target {
  int port = 9092;
  std::string topic = "load";
  pid_t broker_pid = 0;  // whose processor time is counted; 0: nobody's
};

struct ProduceOptions {
  Target target;
  int32_t partition_count = 12;
  int connection_count = 4;
  int in_flight = 5;
  int record_count = 16;  // of a batch
  int record_bytes = 1024;
  int16_t acks = 1;
  int64_t request_count = 10'000;
  // Of these, so many run before the clock starts.
  int64_t warm_up_count = 0;
};
void RunProduce(const ProduceOptions& options);

struct FetchOptions {
  Target target;
  int connection_count = 1;  // the partitions are dealt out to them
  int64_t total_bytes = int64_t{3} << 30;
  int32_t partition_bytes_max = 1 << 20;
};
void RunFetch(const FetchOptions& options);

struct TailOptions {
  Target target;
  int consumer_count = 64;  // each tails a partition of its own
  int records_per_second = 2'000;
  int record_bytes = 100;
  double seconds = 5;
};
void RunTail(const TailOptions& options);

struct BootOptions {
  Target target;
  std::vector<std::string> command;
  std::string output_path;  // of the broker
  // 0: the topic is there already.
  int32_t create_partition_count = 1;
};
// Starts the broker and leaves it running; prints its process id.
void RunBoot(const BootOptions& options);

struct CreateOptions {
  Target target;
  int topic_count = 10;
  int32_t partition_count = 1'000;
};
void RunCreate(const CreateOptions& options);

struct IdleOptions {
  Target target;
  int connection_count = 1'000;
};
// The broker's memory before and behind that many more connections, each of which has made one request.
void RunIdle(const IdleOptions& options);

// How fast this machine appends to a file in the page cache.
void RunCanary(const std::string& folder);

void RunDelete(const Target& target);

void PrintMemory(const Target& target);

}  // namespace odradek::bench
