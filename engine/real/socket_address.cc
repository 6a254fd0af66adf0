#include "engine/real/socket_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "engine/base/check.h"

namespace odradek::real {
namespace {

constexpr int32_t kPortMax = 65535;

SocketAddress MakeIpv4(in_addr host, uint16_t port) {
  SocketAddress address;
  sockaddr_in raw{};
  raw.sin_family = AF_INET;
  raw.sin_addr = host;
  raw.sin_port = htons(port);
  std::memcpy(&address.storage, &raw, sizeof(raw));
  address.size_bytes = sizeof(raw);
  return address;
}

SocketAddress MakeIpv6(const in6_addr& host, uint16_t port) {
  SocketAddress address;
  sockaddr_in6 raw{};
  raw.sin6_family = AF_INET6;
  raw.sin6_addr = host;
  raw.sin6_port = htons(port);
  std::memcpy(&address.storage, &raw, sizeof(raw));
  address.size_bytes = sizeof(raw);
  return address;
}

std::optional<std::vector<SocketAddress>> ParseLiteral(const std::string& host, uint16_t port) {
  if (host.empty()) return std::vector{MakeIpv6(in6addr_any, port), MakeIpv4({INADDR_ANY}, port)};
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return std::vector{MakeIpv4(v4, port)};
  // [::1] is how IPv6 literals stand in listener settings.
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  const std::string inner = bracketed ? host.substr(1, host.size() - 2) : host;
  in6_addr v6{};
  if (inet_pton(AF_INET6, inner.c_str(), &v6) == 1) return std::vector{MakeIpv6(v6, port)};
  return std::nullopt;
}

// On a helper thread: blocks for as long as the name service takes.
std::vector<SocketAddress> LookUp(const std::string& host, uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  std::vector<SocketAddress> addresses;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return addresses;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    if (one->ai_family == AF_INET) {
      sockaddr_in raw{};
      std::memcpy(&raw, one->ai_addr, sizeof(raw));
      addresses.push_back(MakeIpv4(raw.sin_addr, port));
    } else if (one->ai_family == AF_INET6) {
      sockaddr_in6 raw{};
      std::memcpy(&raw, one->ai_addr, sizeof(raw));
      addresses.push_back(MakeIpv6(raw.sin6_addr, port));
    }
  }
  freeaddrinfo(found);
  return addresses;
}

}  // namespace

Resolved Resolve(fiber::Fiber& self, const env::Address& address, const ResolveOptions& options) {
  if (address.port < 0 || address.port > kPortMax) return {{}, env::NetError::kBadAddress};
  const auto port = static_cast<uint16_t>(address.port);
  if (auto literal = ParseLiteral(address.host, port)) return {std::move(*literal), env::NetError::kNone};
  auto found = std::make_shared<std::vector<SocketAddress>>();
  const fiber::Wake wake = options.resolvers.RunOwned(
      self, options.reactor, [found, host = address.host, port] { *found = LookUp(host, port); }, options.deadline);
  if (wake == fiber::Wake::kTimeout) return {{}, env::NetError::kTimedOut};
  if (found->empty()) return {{}, env::NetError::kBadAddress};
  return {std::move(*found), env::NetError::kNone};
}

env::Address ToAddress(const SocketAddress& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.family() == AF_INET) {
    sockaddr_in raw{};
    std::memcpy(&raw, &address.storage, sizeof(raw));
    inet_ntop(AF_INET, &raw.sin_addr, text, sizeof(text));
    return {text, ntohs(raw.sin_port)};
  }
  if (address.family() != AF_INET6) return {};
  sockaddr_in6 raw{};
  std::memcpy(&raw, &address.storage, sizeof(raw));
  if (IN6_IS_ADDR_V4MAPPED(&raw.sin6_addr)) {
    constexpr size_t kIpv4Offset = 12;
    inet_ntop(AF_INET, &raw.sin6_addr.s6_addr[kIpv4Offset], text, sizeof(text));
  } else {
    inet_ntop(AF_INET6, &raw.sin6_addr, text, sizeof(text));
  }
  return {text, ntohs(raw.sin6_port)};
}

SocketAddress LocalAddressOf(int fd) {
  SocketAddress local;
  local.size_bytes = sizeof(local.storage);
  INVARIANT(getsockname(fd, reinterpret_cast<sockaddr*>(&local.storage), &local.size_bytes) == 0);
  return local;
}

}  // namespace odradek::real
