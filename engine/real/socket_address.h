// Host and port as the operating system wants them. Literals are parsed on the spot; names are looked up on a helper
// thread.
#pragma once

#include <sys/socket.h>

#include <vector>

#include "engine/env/network.h"
#include "engine/real/helper_pool.h"

namespace odradek::real {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size_bytes = 0;
  int family() const { return storage.ss_family; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

struct Resolved {
  std::vector<SocketAddress> addresses;  // in the order in which to try them
  env::NetError error = env::NetError::kNone;
};

struct ResolveOptions {
  Reactor& reactor;
  HelperPool& resolvers;
  MonoTime deadline = MonoTime::Never();
};

// kBadAddress: no such name, or a port outside 0..65535. "" means every address of this machine.
Resolved Resolve(fiber::Fiber& self, const env::Address& address, const ResolveOptions& options);

// Numeric; an IPv4 address inside an IPv6 one is written as IPv4.
env::Address ToAddress(const SocketAddress& address);

// The end of a socket at this machine. REQUIRES: `fd` is a socket.
SocketAddress LocalAddressOf(int fd);

}  // namespace odradek::real
