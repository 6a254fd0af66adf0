// What a client may conclude from an answer: the classification that callers and checkers stand on
// (PROPERTIES.md "Outcome classification"). Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/protocol/errors.h"

namespace odradek::client {

enum class Outcome : uint8_t {
  kOk,
  kFail,     // certainly without effect
  kUnknown,  // may have taken effect, or may still
};

inline std::string_view ToString(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOk:
      return "ok";
    case Outcome::kFail:
      return "fail";
    case Outcome::kUnknown:
      return "unknown";
  }
  return "unknown";
}

// Whether an attempt to produce that was answered with `error` certainly appended nothing. Errors that a broker also
// gives when something changed while it waited for replicas prove nothing: NOT_LEADER_OR_FOLLOWER and
// UNKNOWN_TOPIC_OR_PARTITION are among them.
inline bool ProvesNoAppend(protocol::ErrorCode error) {
  switch (error) {
    case protocol::ErrorCode::kCorruptMessage:
    case protocol::ErrorCode::kLeaderNotAvailable:
    case protocol::ErrorCode::kMessageTooLarge:
    case protocol::ErrorCode::kInvalidTopicException:
    case protocol::ErrorCode::kRecordListTooLarge:
    case protocol::ErrorCode::kNotEnoughReplicas:
    case protocol::ErrorCode::kInvalidRequiredAcks:
    case protocol::ErrorCode::kTopicAuthorizationFailed:
    case protocol::ErrorCode::kClusterAuthorizationFailed:
    case protocol::ErrorCode::kInvalidTimestamp:
    case protocol::ErrorCode::kUnsupportedVersion:
    case protocol::ErrorCode::kInvalidRequest:
    case protocol::ErrorCode::kUnsupportedForMessageFormat:
    case protocol::ErrorCode::kPolicyViolation:
    case protocol::ErrorCode::kOutOfOrderSequenceNumber:
    case protocol::ErrorCode::kInvalidProducerEpoch:
    case protocol::ErrorCode::kInvalidTxnState:
    case protocol::ErrorCode::kInvalidProducerIdMapping:
    case protocol::ErrorCode::kUnknownProducerId:
    case protocol::ErrorCode::kUnsupportedCompressionType:
    case protocol::ErrorCode::kInvalidRecord:
    case protocol::ErrorCode::kUnknownTopicId:
    case protocol::ErrorCode::kInconsistentTopicId:
      return true;
    default:
      return false;
  }
}

// The leader is not where the metadata says, or the metadata is too old to tell.
inline bool CallsForMetadata(protocol::ErrorCode error) {
  switch (error) {
    case protocol::ErrorCode::kUnknownTopicOrPartition:
    case protocol::ErrorCode::kLeaderNotAvailable:
    case protocol::ErrorCode::kNotLeaderOrFollower:
    case protocol::ErrorCode::kReplicaNotAvailable:
    case protocol::ErrorCode::kNetworkException:
    case protocol::ErrorCode::kKafkaStorageError:
    case protocol::ErrorCode::kListenerNotFound:
    case protocol::ErrorCode::kFencedLeaderEpoch:
    case protocol::ErrorCode::kUnknownLeaderEpoch:
    case protocol::ErrorCode::kUnknownTopicId:
    case protocol::ErrorCode::kInconsistentTopicId:
    case protocol::ErrorCode::kNotController:
      return true;
    default:
      return false;
  }
}

}  // namespace odradek::client
