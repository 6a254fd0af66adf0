// The load generator: `odradek_bench_load LOAD --port P …` prints one line of JSON. tests/bench/compare/run drives it.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "tests/bench/compare/loads.h"

namespace odradek::bench {
namespace {

void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

CLI::App* AddLoad(CLI::App& app, const std::string& name, const std::string& what, Target& target) {
  CLI::App* load = app.add_subcommand(name, what);
  load->add_option("--port", target.port, "where the broker listens on the loopback interface");
  load->add_option("--topic", target.topic, "created if it is not there");
  load->add_option("--pid", target.broker_pid, "process whose processor time is counted");
  return load;
}

void AddProduce(CLI::App& app, ProduceOptions& options) {
  CLI::App* load = AddLoad(app, "produce", "pipelined Produce requests", options.target);
  load->add_option("--partitions", options.partition_count);
  load->add_option("--connections", options.connection_count);
  load->add_option("--in-flight", options.in_flight, "requests per connection");
  load->add_option("--records", options.record_count, "of a batch; a request has one batch");
  load->add_option("--record-bytes", options.record_bytes);
  load->add_option("--acks", options.acks);
  load->add_option("--requests", options.request_count);
  load->add_option("--warm-up", options.warm_up_count, "requests before the clock starts");
  load->callback([&options] { RunProduce(options); });
}

void AddFetch(CLI::App& app, FetchOptions& options) {
  CLI::App* load = AddLoad(app, "fetch", "Fetch requests for what a topic holds", options.target);
  load->add_option("--connections", options.connection_count);
  load->add_option("--bytes", options.total_bytes);
  load->add_option("--partition-bytes-max", options.partition_bytes_max);
  load->callback([&options] { RunFetch(options); });
}

void AddTail(CLI::App& app, TailOptions& options) {
  CLI::App* load = AddLoad(app, "tail", "consumers that wait for single records", options.target);
  load->add_option("--consumers", options.consumer_count);
  load->add_option("--records-per-second", options.records_per_second);
  load->add_option("--record-bytes", options.record_bytes);
  load->add_option("--seconds", options.seconds);
  load->callback([&options] { RunTail(options); });
}

void AddBoot(CLI::App& app, BootOptions& options) {
  CLI::App* load = AddLoad(app, "boot", "starts a broker, until the first acknowledged record", options.target);
  load->add_option("--create-partitions", options.create_partition_count, "0: the topic exists");
  load->add_option("--output", options.output_path, "what the broker prints")->required();
  load->add_option("command", options.command, "behind --")->required();
  load->callback([&options] { RunBoot(options); });
}

void AddOthers(CLI::App& app, CreateOptions& create, IdleOptions& idle, Target& memory, std::string& folder) {
  CLI::App* removal = AddLoad(app, "delete", "deletes the topic", memory);
  removal->callback([&memory] { RunDelete(memory); });
  CLI::App* load = AddLoad(app, "create", "topics with many partitions, until each has a leader", create.target);
  load->add_option("--topics", create.topic_count);
  load->add_option("--partitions", create.partition_count);
  load->callback([&create] { RunCreate(create); });
  load = AddLoad(app, "idle", "memory of idle connections", idle.target);
  load->add_option("--connections", idle.connection_count);
  load->callback([&idle] { RunIdle(idle); });
  load = AddLoad(app, "memory", "what the broker's process uses", memory);
  load->callback([&memory] { PrintMemory(memory); });
  load = app.add_subcommand("canary", "how fast this machine appends to a file");
  load->add_option("folder", folder)->required();
  load->callback([&folder] { RunCanary(folder); });
}

int Main(int argc, char** argv) {
  RaiseDescriptorLimit();
  CLI::App app("Loads for measuring a Kafka broker");
  app.require_subcommand(1);
  ProduceOptions produce;
  FetchOptions fetch;
  TailOptions tail;
  BootOptions boot;
  CreateOptions create;
  IdleOptions idle;
  Target memory;
  std::string folder;
  AddProduce(app, produce);
  AddFetch(app, fetch);
  AddTail(app, tail);
  AddBoot(app, boot);
  AddOthers(app, create, idle, memory, folder);
  CLI11_PARSE(app, argc, argv);
  return 0;
}

}  // namespace
}  // namespace odradek::bench

int main(int argc, char** argv) {
  return odradek::bench::Main(argc, argv);
}
