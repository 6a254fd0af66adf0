// TCP over the operating system. Owned by the shard's env.
#pragma once

#include "engine/env/network.h"
#include "engine/real/connection.h"

namespace odradek::real {

class RealNetwork final : public env::Network {
 public:
  RealNetwork(Reactor& reactor, HelperPool& resolvers) : parts_{reactor, resolvers, {}} {}

  // Host "" listens on every address of this machine.
  env::ListenResult Listen(fiber::Fiber& self, const env::Address& address) override;
  // Tries the addresses of a name one after the other until the deadline.
  env::ConnectionResult Connect(fiber::Fiber& self, const env::Address& address, MonoTime deadline) override;

 private:
  env::ListenResult ListenOn(const SocketAddress& address, const env::Address& asked);
  env::ConnectionResult ConnectTo(fiber::Fiber& self, const SocketAddress& address, MonoTime deadline);

  NetworkParts parts_;
};

}  // namespace odradek::real
