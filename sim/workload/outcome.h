// The client library's outcomes as the history has them.
#pragma once

#include "engine/client/outcome.h"
#include "sim/history/history.h"

namespace odradek::workload {

inline history::Outcome OutcomeOf(client::Outcome outcome) {
  switch (outcome) {
    case client::Outcome::kOk:
      return history::Outcome::kOk;
    case client::Outcome::kFail:
      return history::Outcome::kFail;
    case client::Outcome::kUnknown:
      break;
  }
  return history::Outcome::kUnknown;
}

}  // namespace odradek::workload
