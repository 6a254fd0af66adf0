#include "engine/real/network.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "engine/base/check.h"

namespace odradek::real {
namespace {

class RealListener final : public env::Listener, public EventSource {
 public:
  RealListener(NetworkParts& parts, UniqueFd fd, env::Address address)
      : parts_(parts), fd_(std::move(fd)), address_(std::move(address)) {}
  ~RealListener() override { Close(); }

  env::NetError Register() {
    return parts_.reactor.Watch(fd_.get(), *this, EPOLLIN) == 0 ? env::NetError::kNone
                                                                : env::NetError::kTooManyOpenFiles;
  }

  void OnEvents(uint32_t) override {
    ready_ = true;
    waiting_.WakeAll();
  }

  env::ConnectionResult Accept(fiber::Fiber& self) override {
    LeaveIfKilled(self);
    while (true) {
      if (closed_) return {nullptr, env::NetError::kClosed};
      if (!ready_) {
        waiting_.Wait(self);
        continue;
      }
      SocketAddress peer;
      peer.size_bytes = sizeof(peer.storage);
      ++parts_.reactor.counters().accepts;
      UniqueFd fd(accept4(fd_.get(), reinterpret_cast<sockaddr*>(&peer.storage), &peer.size_bytes,
                          SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (fd.valid()) {
        auto connection = std::make_unique<RealConnection>(parts_, std::move(fd), ToAddress(peer));
        const env::NetError error = connection->Register();
        if (error != env::NetError::kNone) return {nullptr, error};
        return {std::move(connection), env::NetError::kNone};
      }
      if (errno == EAGAIN) {
        ready_ = false;
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        return {nullptr, env::NetError::kTooManyOpenFiles};  // still ready: there is no new edge for this one
      }
      // Everything else is the error of a connection that died in the queue: the next one.
    }
  }

  const env::Address& address() const override { return address_; }

  void Close() override {
    closed_ = true;
    fd_.Reset();
    waiting_.WakeAll();
  }

 private:
  NetworkParts& parts_;
  UniqueFd fd_;
  const env::Address address_;
  bool ready_ = true;
  bool closed_ = false;
  fiber::WaitQueue waiting_;
};

UniqueFd NewSocket(int family) {
  return UniqueFd(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

}  // namespace

env::ListenResult RealNetwork::Listen(fiber::Fiber& self, const env::Address& address) {
  LeaveIfKilled(self);
  const Resolved resolved = Resolve(self, address, {.reactor = parts_.reactor, .resolvers = parts_.resolvers});
  if (resolved.error != env::NetError::kNone) return {nullptr, resolved.error};
  env::ListenResult result{nullptr, env::NetError::kBadAddress};
  for (const SocketAddress& one : resolved.addresses) {
    result = ListenOn(one, address);
    // Only a machine without IPv6 is a reason to try the next: another program on the port is not.
    if (result.error != env::NetError::kBadAddress) break;
  }
  return result;
}

env::ListenResult RealNetwork::ListenOn(const SocketAddress& address, const env::Address& asked) {
  UniqueFd fd = NewSocket(address.family());
  if (!fd.valid()) return {nullptr, NetErrorOf(errno)};
  const int on = 1;
  const int off = 0;
  INVARIANT(setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
  if (address.family() == AF_INET6) setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  if (bind(fd.get(), address.get(), address.size_bytes) != 0) return {nullptr, NetErrorOf(errno)};
  if (listen(fd.get(), SOMAXCONN) != 0) return {nullptr, NetErrorOf(errno)};
  const env::Address bound{asked.host, ToAddress(LocalAddressOf(fd.get())).port};
  auto listener = std::make_unique<RealListener>(parts_, std::move(fd), bound);
  const env::NetError error = listener->Register();
  if (error != env::NetError::kNone) return {nullptr, error};
  return {std::move(listener), env::NetError::kNone};
}

env::ConnectionResult RealNetwork::Connect(fiber::Fiber& self, const env::Address& address, MonoTime deadline) {
  LeaveIfKilled(self);
  const Resolved resolved =
      Resolve(self, address, {.reactor = parts_.reactor, .resolvers = parts_.resolvers, .deadline = deadline});
  if (resolved.error != env::NetError::kNone) return {nullptr, resolved.error};
  env::ConnectionResult result{nullptr, env::NetError::kBadAddress};
  for (const SocketAddress& one : resolved.addresses) {
    result = ConnectTo(self, one, deadline);
    if (result.error == env::NetError::kNone || self.Now() >= deadline) break;
  }
  return result;
}

env::ConnectionResult RealNetwork::ConnectTo(fiber::Fiber& self, const SocketAddress& address, MonoTime deadline) {
  UniqueFd fd = NewSocket(address.family());
  if (!fd.valid()) return {nullptr, NetErrorOf(errno)};
  auto connection = std::make_unique<RealConnection>(parts_, std::move(fd), ToAddress(address));
  const env::NetError error = connection->Establish(self, address, deadline);
  if (error != env::NetError::kNone) return {nullptr, error};
  return {std::move(connection), env::NetError::kNone};
}

}  // namespace odradek::real
