// Byte streams as the engine sees them (TCP). Shapes and reasons: SPEED_DESIGN.md 5 of the project's design notes.
// Memory that is passed in stays the caller's and must be valid until the call returns.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "engine/base/bytes.h"
#include "engine/env/disk.h"
#include "engine/fiber/fiber.h"

namespace odradek::env {

enum class NetError : uint8_t {
  kNone,
  kEnd,      // the peer has sent all that it will
  kReset,    // the connection is broken: unsent and unread bytes are lost
  kRefused,  // nobody listens there
  kUnreachable,
  kTimedOut,
  kClosed,  // closed at this end, by this or another fiber
  kAddressInUse,
  kBadAddress,
  kTooManyOpenFiles,
  kFile,  // a file range of a Send could not be read in full: the connection is unusable
};
std::string_view ToString(NetError error);

struct Address {
  std::string host;
  int32_t port = 0;
  friend auto operator<=>(const Address&, const Address&) = default;
};
std::string ToString(const Address& address);

// A range of a file of the same world. The file must stay open until the Send returns.
struct FileRange {
  File* file = nullptr;
  int64_t begin = 0;
  int64_t size_bytes = 0;
};
using Part = std::variant<Bytes, FileRange>;

struct ReadResult {
  int64_t size_bytes = 0;  // > 0 without an error, 0 with one
  NetError error = NetError::kNone;
};

// One fiber reads and one fiber sends at a time. The destructor closes and never suspends.
class Connection {
 public:
  virtual ~Connection() = default;

  // Fills the buffers in order with what is there; waits until there is at least a byte, the end or an error.
  virtual ReadResult ReadSome(fiber::Fiber& self, std::span<const MutableBytes> into) = 0;
  // All parts in order, or the connection has failed; waits while the peer is slow. Success says nothing about
  // delivery. The bytes of a file range may be read as late as on delivery.
  virtual NetError Send(fiber::Fiber& self, std::span<const Part> parts) = 0;
  // The peer reads the end after what was sent; this end can still read.
  virtual void ShutdownSend() = 0;
  // Ends both directions: what was sent is still delivered, waiting ReadSome and Send return kClosed. Idempotent.
  virtual void Close() = 0;
  virtual const Address& peer() const = 0;
};

struct ConnectionResult {
  std::unique_ptr<Connection> connection;
  NetError error = NetError::kNone;
};

class Listener {
 public:
  virtual ~Listener() = default;
  // kClosed after Close; kTooManyOpenFiles may pass: try again later.
  virtual ConnectionResult Accept(fiber::Fiber& self) = 0;
  // With the port that was chosen if 0 was asked for.
  virtual const Address& address() const = 0;
  virtual void Close() = 0;
};

struct ListenResult {
  std::unique_ptr<Listener> listener;
  NetError error = NetError::kNone;
};

class Network {
 public:
  virtual ~Network() = default;
  virtual ListenResult Listen(fiber::Fiber& self, const Address& address) = 0;
  virtual ConnectionResult Connect(fiber::Fiber& self, const Address& address, MonoTime deadline) = 0;
};

}  // namespace odradek::env
