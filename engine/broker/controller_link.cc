#include "engine/broker/controller_link.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace odradek::broker {

std::shared_ptr<net::ClientConnection> ControllerLink::Connect(fiber::Fiber& self, Duration timeout) {
  const std::optional<env::Address> leader = quorum_.leader_address();
  if (!leader) return nullptr;
  if (connection_ != nullptr && connection_->is_open() && address_ == *leader) return connection_;
  net::ClientConnectionOptions options;
  options.client_id = fmt::format("broker-{}", quorum_.machine().self().id.value());
  options.setup_timeout = options.request_timeout = timeout;
  net::ClientConnection::OpenResult opened = net::ClientConnection::Open(self, env_, *leader, std::move(options));
  if (opened.connection == nullptr) return nullptr;
  // Somebody else may have connected meanwhile: whoever is under way there goes on.
  if (connection_ != nullptr && connection_->is_open() && address_ == *leader) {
    opened.connection->Close();
    return connection_;
  }
  Close();
  address_ = *leader;
  connection_ = std::move(opened.connection);
  return connection_;
}

void ControllerLink::Close() {
  if (connection_ != nullptr) std::exchange(connection_, nullptr)->Close();
}

}  // namespace odradek::broker
