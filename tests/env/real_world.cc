#include "tests/real/real_world.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/env/world.h"

namespace odradek::env_test {
namespace {

// A port that is listened on, with a full queue of connections that nobody accepts: Linux drops further attempts.
class SilentPort {
 public:
  SilentPort() {
    constexpr int kQueue = 0;  // holds one connection
    constexpr int kFillers = 4;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size_bytes = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    const int listener = Add();
    EXPECT_EQ(bind(listener, generic, size_bytes), 0);
    EXPECT_EQ(listen(listener, kQueue), 0);
    EXPECT_EQ(getsockname(listener, generic, &size_bytes), 0);
    port_ = ntohs(address.sin_port);
    for (int i = 0; i < kFillers; ++i) connect(Add(), generic, size_bytes);
  }
  ~SilentPort() {
    for (const int fd : fds_) close(fd);
  }
  SilentPort(const SilentPort&) = delete;
  SilentPort& operator=(const SilentPort&) = delete;

  int32_t port() const { return port_; }

 private:
  int Add() {
    fds_.push_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    EXPECT_GE(fds_.back(), 0);
    return fds_.back();
  }

  std::vector<int> fds_;
  int32_t port_ = 0;
};

class OperatingSystemWorld final : public World {
 public:
  OperatingSystemWorld() : world_({.shard_count = 2}) {}

  env::Env& env(ShardId shard) override { return world_.node().env(shard); }
  bool Run(fiber::Body body) override {
    world_.Run(std::move(body));
    return true;
  }
  void Kill() override { world_.node().Kill(); }
  int64_t FileSize(std::string_view path) override {
    const std::string full = world_.folder() + "/" + std::string(path);
    return std::filesystem::exists(full) ? static_cast<int64_t>(std::filesystem::file_size(full)) : -1;
  }
  env::Address AnyPort() const override { return {.host = "127.0.0.1", .port = 0}; }
  env::Address Silence() const override { return {.host = "127.0.0.1", .port = silent_port_.port()}; }
  int64_t more_than_buffers_bytes() const override { return int64_t{32} << 20; }

 private:
  SilentPort silent_port_;
  real::RealWorld world_;
};

}  // namespace

BackEnd RealBackEnd() {
  return {.name = "Real", .worlds = {[] { return std::make_unique<OperatingSystemWorld>(); }}};
}

}  // namespace odradek::env_test
