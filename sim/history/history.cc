#include "sim/history/history.h"

namespace odradek::history {

std::string_view ToString(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOk:
      return "ok";
    case Outcome::kFail:
      return "fail";
    case Outcome::kUnknown:
      return "unknown";
  }
  return "?";
}

std::string_view ToString(NodeEventKind kind) {
  switch (kind) {
    case NodeEventKind::kBoot:
      return "boot";
    case NodeEventKind::kStarted:
      return "started";
    case NodeEventKind::kCrash:
      return "crash";
    case NodeEventKind::kPowerLoss:
      return "power loss";
    case NodeEventKind::kPause:
      return "pause";
    case NodeEventKind::kResume:
      return "resume";
    case NodeEventKind::kShutDown:
      return "shut down";
    case NodeEventKind::kFatal:
      return "fatal";
  }
  return "?";
}

void ForgetWhatLeadersAcknowledged(const std::set<std::string>& replicated_topics, History& history) {
  for (Send& send : history.sends) {
    if (send.acks != Acks::kLeader || send.outcome != Outcome::kOk) continue;
    if (!replicated_topics.contains(send.partition.topic)) continue;
    send.outcome = Outcome::kUnknown;
    send.offset = kNoOffset;
  }
}

}  // namespace odradek::history
