// env::Network of one host and the connections and listeners that it hands out, for sim/network only.
#pragma once

#include <memory>
#include <span>

#include "engine/env/network.h"
#include "sim/network/streams.h"

namespace odradek::sim {

class SimConnection final : public env::Connection {
 public:
  SimConnection(Streams& streams, EndId id)
      : streams_(streams),
        id_(id),
        draws_(streams.wire(id).draws),
        mine_(streams.end(id)),
        peer_(streams.end(PeerOf(id))) {}
  ~SimConnection() override;

  env::ReadResult ReadSome(fiber::Fiber& self, std::span<const MutableBytes> into) override;
  env::NetError Send(fiber::Fiber& self, std::span<const env::Part> parts) override;
  void ShutdownSend() override { streams_.SendEnd(id_); }
  void Close() override;
  const env::Address& peer() const override { return mine_.peer_address; }
  EndId id() const { return id_; }

 private:
  env::NetError SendError();
  env::NetError SendBytes(fiber::Fiber& self, Bytes bytes);
  env::NetError SendFile(fiber::Fiber& self, const env::FileRange& range);
  // One piece of a file range; how much it was is added to `sent_bytes`.
  env::NetError SendFilePiece(fiber::Fiber& self, const env::FileRange& range, MutableBytes scratch,
                              int64_t& sent_bytes);
  // Until the peer's window has room. REQUIRES: nothing is appended that has not set out.
  env::NetError WaitForRoom(fiber::Fiber& self);
  void Append(Bytes bytes);
  void Flush(Streams::Travel travel);
  size_t DrawSegmentBytes();

  // Until the peer's window is full.
  size_t Room() const { return peer_.window_bytes - peer_.ring.size(); }

  Streams& streams_;
  const EndId id_;
  // Of the wire, which lives as long as this connection owns one of its ends.
  DrawStream& draws_;
  End& mine_;
  End& peer_;
  bool is_closed_ = false;
  bool is_reading_ = false;
  bool is_sending_ = false;
  size_t unsent_bytes_ = 0;   // in the peer's ring, not on their way; 0 whenever this end may suspend
  size_t segment_bytes_ = 0;  // left until a segment is cut off
};

class SimListener final : public env::Listener {
 public:
  explicit SimListener(Streams& streams) : streams_(streams) {}
  ~SimListener() override { Close(); }
  // False: the port is taken.
  bool Open(NodeIndex host, const env::Address& address);

  env::ConnectionResult Accept(fiber::Fiber& self) override;
  const env::Address& address() const override { return port_.address; }
  void Close() override { streams_.Unlisten(port_); }

 private:
  Streams& streams_;
  ListenPort port_;
};

class HostNetwork final : public env::Network {
 public:
  HostNetwork(Streams& streams, NodeIndex host) : streams_(streams), host_(host) {}
  env::ListenResult Listen(fiber::Fiber& self, const env::Address& address) override;
  env::ConnectionResult Connect(fiber::Fiber& self, const env::Address& address, MonoTime deadline) override;

 private:
  Streams& streams_;
  const NodeIndex host_;
};

}  // namespace odradek::sim
