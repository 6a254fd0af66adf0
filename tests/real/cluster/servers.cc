#include "tests/real/cluster/servers.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/prng.h"
#include "engine/net/client_connection.h"
#include "engine/real/sys.h"

namespace odradek::real_cluster {
namespace {

constexpr Duration kReapAgain = Duration::Millis(5);
constexpr Duration kAskAgain = Duration::Millis(50);
constexpr Duration kAnswerTimeout = Duration::Seconds(1);
// On hosts of their own.
constexpr int32_t kClientPort = 9092;
constexpr int32_t kControllerPort = 9093;
// Below the ports that the system gives to outgoing connections: nobody takes one between two starts.
constexpr int32_t kPortMin = 12'000;
constexpr uint64_t kPortCount = 20'000;
constexpr const char* kLoopback = "127.0.0.1";

bool IsFree(int32_t port) {
  const real::UniqueFd probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return bind(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

int32_t FreePort(env::Env& env, std::set<int32_t>& taken) {
  while (true) {
    const auto port = kPortMin + static_cast<int32_t>(base::BoundedDraw(env.entropy.Next64(), kPortCount));
    if (IsFree(port) && taken.insert(port).second) return port;
  }
}

struct Place {
  env::Address clients;
  env::Address controllers;
};

std::vector<Place> PlacesFor(env::Env& env, const Wires* wires, size_t count) {
  std::vector<Place> places;
  std::set<int32_t> taken;
  for (size_t i = 0; i < count; ++i) {
    const std::string host = wires == nullptr ? kLoopback : wires->AddressOf(static_cast<int>(i));
    const int32_t clients = wires == nullptr ? FreePort(env, taken) : kClientPort;
    const int32_t controllers = wires == nullptr ? FreePort(env, taken) : kControllerPort;
    places.push_back({{host, clients}, {host, controllers}});
  }
  return places;
}

std::string PropertiesText(const explore::ServerSetup& setup, const Place& place, const std::string& voters,
                           const std::string& data) {
  config::PropertyMap properties = setup.node.static_properties;
  properties.erase("advertised.listeners");
  properties["process.roles"] = "broker,controller";
  properties["controller.quorum.voters"] = voters;
  properties["listeners"] =
      fmt::format("PLAINTEXT://{},CONTROLLER://{}", ToString(place.clients), ToString(place.controllers));
  properties["log.dirs"] = data;
  std::string text;
  for (const auto& [name, value] : properties) text += fmt::format("{}={}\n", name, value);
  return text;
}

// The end of a log, for a reader of the verdict.
std::string LastLines(const std::string& path) {
  constexpr size_t kBytesMax = 2000;
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  return text.size() <= kBytesMax ? text : text.substr(text.find('\n', text.size() - kBytesMax) + 1);
}

}  // namespace

Servers::Servers(env::Env& env, const Options& options, const std::vector<explore::ServerSetup>& setups) : env_(env) {
  const std::vector<Place> places = PlacesFor(env, options.wires, setups.size());
  std::string voters;
  for (size_t i = 0; i < setups.size(); ++i) {
    voters += fmt::format("{}{}@{}", i == 0 ? "" : ",", setups[i].node.config.node_id.value(),
                          ToString(places[i].controllers));
  }
  for (size_t i = 0; i < setups.size(); ++i) {
    const explore::ServerSetup& setup = setups[i];
    const std::string path = fmt::format("{}/{}", options.folder, setup.name);
    Server server{.name = setup.name,
                  .id = setup.node.config.node_id,
                  .address = places[i].clients,
                  .data = path,
                  .log_file = path + ".log"};
    std::ofstream(path + ".properties") << PropertiesText(setup, places[i], voters, path);
    // What they observe is part of the history.
    BrokerProcess::Options process{
        .command = {options.binary, "broker", "--config", path + ".properties", "--cluster-id", setup.node.cluster_id,
                    "--log-level", "debug", "--log-format", "json"},
        .log_file = server.log_file};
    if (options.wires != nullptr) process.network_namespace = options.wires->network_namespace(static_cast<int>(i));
    server.process = std::make_unique<BrokerProcess>(std::move(process));
    servers_.push_back(std::move(server));
  }
}

void Servers::Start(size_t server) {
  Server& one = servers_[server];
  REQUIRES(one.state == State::kOff);
  one.process->Start();
  one.state = State::kRunning;
  one.expected = Server::End::kAccident;
  ++one.incarnation;
}

void Servers::Kill(size_t server) {
  servers_[server].expected = Server::End::kAny;
  servers_[server].process->Signal(SIGKILL);
}

void Servers::Terminate(size_t server) {
  Server& one = servers_[server];
  if (one.expected == Server::End::kAccident) one.expected = Server::End::kClean;
  one.process->Signal(SIGTERM);
}

void Servers::Pause(size_t server) {
  REQUIRES(servers_[server].state == State::kRunning);
  servers_[server].process->Signal(SIGSTOP);
  servers_[server].state = State::kPaused;
}

void Servers::Resume(size_t server) {
  REQUIRES(servers_[server].state == State::kPaused);
  servers_[server].process->Signal(SIGCONT);
  servers_[server].state = State::kRunning;
}

void Servers::Reap() {
  for (Server& server : servers_) {
    if (server.state == State::kOff || !server.process->Reap()) continue;
    server.state = State::kOff;
    // A signal that comes before the node listens for it ends the process as it ends any.
    const bool is_clean = server.process->has_exited_with(0) || server.process->was_killed_by(SIGTERM);
    if (server.expected == Server::End::kAny || (server.expected == Server::End::kClean && is_clean)) continue;
    accidents_.push_back(fmt::format("{} {}{}; the end of its log:\n{}", server.name, server.process->EndText(),
                                     server.expected == Server::End::kClean ? " although it was asked to stop" : "",
                                     LastLines(server.log_file)));
  }
}

bool Servers::AwaitEnd(fiber::Fiber& self, size_t server, Duration patience) {
  const MonoTime deadline = self.Now() + patience;
  while (true) {
    Reap();
    if (servers_[server].state == State::kOff) return true;
    if (self.Now() >= deadline) return false;
    fiber::SleepFor(self, kReapAgain);
  }
}

void Servers::KillAndReap(fiber::Fiber& self, size_t server) {
  Reap();
  if (servers_[server].state == State::kOff) return;
  Kill(server);
  AwaitEnd(self, server, Duration::kMax);
}

bool Servers::Answers(fiber::Fiber& self, const Server& server) {
  if (server.state != State::kRunning) return false;
  const auto opened = net::ClientConnection::Open(
      self, env_, server.address,
      {.client_id = "witness", .setup_timeout = kAnswerTimeout, .request_timeout = kAnswerTimeout});
  if (opened.connection == nullptr) return false;
  opened.connection->Close();
  return true;
}

bool Servers::AwaitServing(fiber::Fiber& self, Duration patience) {
  const MonoTime deadline = self.Now() + patience;
  while (true) {
    who_is_silent_.clear();
    for (const Server& server : servers_) {
      if (!Answers(self, server)) who_is_silent_ += (who_is_silent_.empty() ? "" : ", ") + server.name;
    }
    Reap();
    if (who_is_silent_.empty()) return true;
    // Nobody starts it again.
    const bool has_ended = std::ranges::any_of(servers_, [](const Server& s) { return s.state == State::kOff; });
    if (has_ended || self.Now() >= deadline) return false;
    fiber::SleepFor(self, kAskAgain);
  }
}

}  // namespace odradek::real_cluster
