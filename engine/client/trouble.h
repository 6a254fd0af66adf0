// What stands in the way of a client that tries on by itself: for its user, who may want to say it or to give up. A
// plain value.
#pragma once

#include <string>

#include "engine/base/time.h"
#include "engine/protocol/errors.h"

namespace odradek::client {

struct Trouble {
  // Of the last attempt, one that may pass. kNetworkException: the broker cannot be reached; kRequestTimedOut: it does
  // not answer.
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  std::string what;
  // Since when no attempt succeeds.
  MonoTime since;
};

// A question is said to be unanswered from here on, long before it times out. A healthy broker needs milliseconds; one
// on a machine that is busy with something else is not to be blamed yet.
inline constexpr Duration kPatience = Duration::Seconds(3);
inline constexpr const char* kNoAnswer = "the broker does not answer";

}  // namespace odradek::client
