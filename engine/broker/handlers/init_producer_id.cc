// InitProducerId (KIP-98, KIP-360; versions 0 to 5) for idempotent producers. Transactional ids need a transaction
// coordinator, which this version does not have.
#include "engine/broker/handlers/handlers.h"
#include "engine/broker/node.h"

namespace odradek::broker {

protocol::InitProducerIdResponse HandleInitProducerId(RequestContext& context,
                                                      const protocol::InitProducerIdRequest& request) {
  protocol::InitProducerIdResponse response;
  response.producer_epoch = -1;
  if (request.transactional_id) {
    const bool empty = request.transactional_id->empty();
    response.error_code = static_cast<int16_t>(empty ? protocol::ErrorCode::kInvalidRequest
                                                     : protocol::ErrorCode::kCoordinatorNotAvailable);
    return response;
  }
  // An id without an epoch, or an epoch without an id, is no producer (KIP-360).
  if ((request.producer_id == -1) != (request.producer_epoch == -1)) {
    response.error_code = static_cast<int16_t>(protocol::ErrorCode::kInvalidRequest);
    return response;
  }
  // An idempotent producer that asks to go on with an id gets a new one, as with Kafka: only a transactional id ties a
  // later session to an earlier one.
  const AllocatedProducerId allocated = context.node.controller().AllocateProducerId(context.self);
  response.error_code = static_cast<int16_t>(allocated.error);
  if (allocated.error != protocol::ErrorCode::kNone) return response;
  response.producer_id = allocated.id.value();
  response.producer_epoch = 0;
  return response;
}

}  // namespace odradek::broker
