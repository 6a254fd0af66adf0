// A TCP connection on an edge-triggered epoll: every call tries first and suspends only when the kernel has nothing
// (EAGAIN). Owned by whoever connected or accepted it.
//
// Invariants:
//  1. read_ready_ is false only after the socket was seen empty (EAGAIN, or a short read before the peer's end was
//     announced): the next edge sets it. Likewise write_ready_.
//  2. An error of one direction stays: later calls of that direction return it again.
#pragma once

#include <array>
#include <cstdint>

#include "engine/env/network.h"
#include "engine/real/file.h"
#include "engine/real/reactor.h"
#include "engine/real/socket_address.h"
#include "engine/real/sys.h"

namespace odradek::real {

// What the connections of a shard share.
struct NetworkParts {
  Reactor& reactor;
  HelperPool& resolvers;
  // Small file ranges are read into it and sent at once; never in use across a suspension.
  std::array<std::byte, size_t{64} * 1024> scratch;
};

class RealConnection final : public env::Connection, public EventSource {
 public:
  // REQUIRES: a non-blocking socket.
  RealConnection(NetworkParts& parts, UniqueFd fd, env::Address peer);
  ~RealConnection() override;

  env::ReadResult ReadSome(fiber::Fiber& self, std::span<const MutableBytes> into) override;
  env::NetError Send(fiber::Fiber& self, std::span<const env::Part> parts) override;
  void ShutdownSend() override;
  void Close() override;
  const env::Address& peer() const override { return peer_; }

  void OnEvents(uint32_t epoll_events) override;

  // Joins the epoll: for a socket that is connected. kTooManyOpenFiles when the kernel has no room for it.
  env::NetError Register();
  // Connects the socket and joins the epoll.
  env::NetError Establish(fiber::Fiber& self, const SocketAddress& address, MonoTime deadline);

 private:
  // How far a Send has come.
  struct Cursor {
    size_t part = 0;
    int64_t offset = 0;
  };
  class SendScope;

  // Each sends one piece or finds that the kernel takes no more; kNone in both cases.
  env::NetError SendBytes(std::span<const env::Part> parts, Cursor& at);
  env::NetError SendRange(fiber::Fiber& self, const env::FileRange& range, Cursor& at);
  env::NetError SendFailed(int error_number);
  // Keeps the socket open until the peer has read to the end.
  void Linger();

  NetworkParts& parts_;
  UniqueFd fd_;
  const env::Address peer_;
  bool read_ready_ = true;
  bool write_ready_ = true;
  bool peer_ended_ = false;
  bool closed_ = false;
  bool send_shut_ = false;
  bool has_sent_ = false;
  bool reading_ = false;
  bool sending_ = false;
  env::NetError read_error_ = env::NetError::kNone;
  env::NetError send_error_ = env::NetError::kNone;
  fiber::WaitQueue reader_;
  fiber::WaitQueue writer_;
};

}  // namespace odradek::real
