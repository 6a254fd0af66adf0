// FindCoordinator (KIP-699, KIP-932; versions 0 to 6). This version has no group, transaction or share coordinator, and
// says so: COORDINATOR_NOT_AVAILABLE for kinds that Kafka knows, INVALID_REQUEST for others.
#include "engine/broker/handlers/handlers.h"
#include "engine/protocol/errors.h"

namespace odradek::broker {
namespace {

using protocol::ErrorCode;

constexpr int16_t kFirstVersionWithKeyTypes = 1;
constexpr int16_t kFirstVersionWithKeys = 4;
constexpr int16_t kFirstVersionWithShareGroups = 6;
constexpr int8_t kGroup = 0;
constexpr int8_t kTransaction = 1;
constexpr int8_t kShare = 2;

ErrorCode ErrorOf(int8_t key_type, int16_t version) {
  const bool known = key_type == kGroup || (key_type == kTransaction && version >= kFirstVersionWithKeyTypes) ||
                     (key_type == kShare && version >= kFirstVersionWithShareGroups);
  return known ? ErrorCode::kCoordinatorNotAvailable : ErrorCode::kInvalidRequest;
}

}  // namespace

protocol::FindCoordinatorResponse HandleFindCoordinator(RequestContext& context,
                                                        const protocol::FindCoordinatorRequest& request) {
  protocol::FindCoordinatorResponse response;
  const ErrorCode error = ErrorOf(request.key_type, context.version());
  const std::string message = error == ErrorCode::kInvalidRequest
                                  ? "unknown key type"
                                  : "this version has no coordinators for groups and transactions";
  if (context.version() < kFirstVersionWithKeys) {
    response.error_code = static_cast<int16_t>(error);
    response.error_message = message;
    response.node_id = -1;
    response.port = -1;
    return response;
  }
  for (const std::string& key : request.coordinator_keys) {
    auto& out = response.coordinators.emplace_back();
    out.key = key;
    out.node_id = -1;
    out.port = -1;
    out.error_code = static_cast<int16_t>(error);
    out.error_message = message;
  }
  return response;
}

}  // namespace odradek::broker
