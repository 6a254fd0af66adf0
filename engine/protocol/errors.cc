#include "engine/protocol/errors.h"

#include <array>

namespace odradek::protocol {
namespace {

enum class Retry : uint8_t { kNo, kYes };

struct ErrorRow {
  ErrorCode code;
  std::string_view name;
  Retry retry;
};

constexpr auto kErrorRows = std::to_array<ErrorRow>({
    {ErrorCode::kUnknownServerError, "UNKNOWN_SERVER_ERROR", Retry::kNo},
    {ErrorCode::kNone, "NONE", Retry::kNo},
    {ErrorCode::kOffsetOutOfRange, "OFFSET_OUT_OF_RANGE", Retry::kNo},
    {ErrorCode::kCorruptMessage, "CORRUPT_MESSAGE", Retry::kYes},
    {ErrorCode::kUnknownTopicOrPartition, "UNKNOWN_TOPIC_OR_PARTITION", Retry::kYes},
    {ErrorCode::kInvalidFetchSize, "INVALID_FETCH_SIZE", Retry::kNo},
    {ErrorCode::kLeaderNotAvailable, "LEADER_NOT_AVAILABLE", Retry::kYes},
    {ErrorCode::kNotLeaderOrFollower, "NOT_LEADER_OR_FOLLOWER", Retry::kYes},
    {ErrorCode::kRequestTimedOut, "REQUEST_TIMED_OUT", Retry::kYes},
    {ErrorCode::kBrokerNotAvailable, "BROKER_NOT_AVAILABLE", Retry::kNo},
    {ErrorCode::kReplicaNotAvailable, "REPLICA_NOT_AVAILABLE", Retry::kYes},
    {ErrorCode::kMessageTooLarge, "MESSAGE_TOO_LARGE", Retry::kNo},
    {ErrorCode::kStaleControllerEpoch, "STALE_CONTROLLER_EPOCH", Retry::kNo},
    {ErrorCode::kOffsetMetadataTooLarge, "OFFSET_METADATA_TOO_LARGE", Retry::kNo},
    {ErrorCode::kNetworkException, "NETWORK_EXCEPTION", Retry::kYes},
    {ErrorCode::kCoordinatorLoadInProgress, "COORDINATOR_LOAD_IN_PROGRESS", Retry::kYes},
    {ErrorCode::kCoordinatorNotAvailable, "COORDINATOR_NOT_AVAILABLE", Retry::kYes},
    {ErrorCode::kNotCoordinator, "NOT_COORDINATOR", Retry::kYes},
    {ErrorCode::kInvalidTopicException, "INVALID_TOPIC_EXCEPTION", Retry::kNo},
    {ErrorCode::kRecordListTooLarge, "RECORD_LIST_TOO_LARGE", Retry::kNo},
    {ErrorCode::kNotEnoughReplicas, "NOT_ENOUGH_REPLICAS", Retry::kYes},
    {ErrorCode::kNotEnoughReplicasAfterAppend, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", Retry::kYes},
    {ErrorCode::kInvalidRequiredAcks, "INVALID_REQUIRED_ACKS", Retry::kNo},
    {ErrorCode::kIllegalGeneration, "ILLEGAL_GENERATION", Retry::kNo},
    {ErrorCode::kInconsistentGroupProtocol, "INCONSISTENT_GROUP_PROTOCOL", Retry::kNo},
    {ErrorCode::kInvalidGroupId, "INVALID_GROUP_ID", Retry::kNo},
    {ErrorCode::kUnknownMemberId, "UNKNOWN_MEMBER_ID", Retry::kNo},
    {ErrorCode::kInvalidSessionTimeout, "INVALID_SESSION_TIMEOUT", Retry::kNo},
    {ErrorCode::kRebalanceInProgress, "REBALANCE_IN_PROGRESS", Retry::kNo},
    {ErrorCode::kInvalidCommitOffsetSize, "INVALID_COMMIT_OFFSET_SIZE", Retry::kNo},
    {ErrorCode::kTopicAuthorizationFailed, "TOPIC_AUTHORIZATION_FAILED", Retry::kNo},
    {ErrorCode::kGroupAuthorizationFailed, "GROUP_AUTHORIZATION_FAILED", Retry::kNo},
    {ErrorCode::kClusterAuthorizationFailed, "CLUSTER_AUTHORIZATION_FAILED", Retry::kNo},
    {ErrorCode::kInvalidTimestamp, "INVALID_TIMESTAMP", Retry::kNo},
    {ErrorCode::kUnsupportedSaslMechanism, "UNSUPPORTED_SASL_MECHANISM", Retry::kNo},
    {ErrorCode::kIllegalSaslState, "ILLEGAL_SASL_STATE", Retry::kNo},
    {ErrorCode::kUnsupportedVersion, "UNSUPPORTED_VERSION", Retry::kNo},
    {ErrorCode::kTopicAlreadyExists, "TOPIC_ALREADY_EXISTS", Retry::kNo},
    {ErrorCode::kInvalidPartitions, "INVALID_PARTITIONS", Retry::kNo},
    {ErrorCode::kInvalidReplicationFactor, "INVALID_REPLICATION_FACTOR", Retry::kNo},
    {ErrorCode::kInvalidReplicaAssignment, "INVALID_REPLICA_ASSIGNMENT", Retry::kNo},
    {ErrorCode::kInvalidConfig, "INVALID_CONFIG", Retry::kNo},
    {ErrorCode::kNotController, "NOT_CONTROLLER", Retry::kYes},
    {ErrorCode::kInvalidRequest, "INVALID_REQUEST", Retry::kNo},
    {ErrorCode::kUnsupportedForMessageFormat, "UNSUPPORTED_FOR_MESSAGE_FORMAT", Retry::kNo},
    {ErrorCode::kPolicyViolation, "POLICY_VIOLATION", Retry::kNo},
    {ErrorCode::kOutOfOrderSequenceNumber, "OUT_OF_ORDER_SEQUENCE_NUMBER", Retry::kNo},
    {ErrorCode::kDuplicateSequenceNumber, "DUPLICATE_SEQUENCE_NUMBER", Retry::kNo},
    {ErrorCode::kInvalidProducerEpoch, "INVALID_PRODUCER_EPOCH", Retry::kNo},
    {ErrorCode::kInvalidTxnState, "INVALID_TXN_STATE", Retry::kNo},
    {ErrorCode::kInvalidProducerIdMapping, "INVALID_PRODUCER_ID_MAPPING", Retry::kNo},
    {ErrorCode::kInvalidTransactionTimeout, "INVALID_TRANSACTION_TIMEOUT", Retry::kNo},
    {ErrorCode::kConcurrentTransactions, "CONCURRENT_TRANSACTIONS", Retry::kYes},
    {ErrorCode::kTransactionCoordinatorFenced, "TRANSACTION_COORDINATOR_FENCED", Retry::kNo},
    {ErrorCode::kTransactionalIdAuthorizationFailed, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", Retry::kNo},
    {ErrorCode::kSecurityDisabled, "SECURITY_DISABLED", Retry::kNo},
    {ErrorCode::kOperationNotAttempted, "OPERATION_NOT_ATTEMPTED", Retry::kNo},
    {ErrorCode::kKafkaStorageError, "KAFKA_STORAGE_ERROR", Retry::kYes},
    {ErrorCode::kLogDirNotFound, "LOG_DIR_NOT_FOUND", Retry::kNo},
    {ErrorCode::kSaslAuthenticationFailed, "SASL_AUTHENTICATION_FAILED", Retry::kNo},
    {ErrorCode::kUnknownProducerId, "UNKNOWN_PRODUCER_ID", Retry::kNo},
    {ErrorCode::kReassignmentInProgress, "REASSIGNMENT_IN_PROGRESS", Retry::kNo},
    {ErrorCode::kDelegationTokenAuthDisabled, "DELEGATION_TOKEN_AUTH_DISABLED", Retry::kNo},
    {ErrorCode::kDelegationTokenNotFound, "DELEGATION_TOKEN_NOT_FOUND", Retry::kNo},
    {ErrorCode::kDelegationTokenOwnerMismatch, "DELEGATION_TOKEN_OWNER_MISMATCH", Retry::kNo},
    {ErrorCode::kDelegationTokenRequestNotAllowed, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", Retry::kNo},
    {ErrorCode::kDelegationTokenAuthorizationFailed, "DELEGATION_TOKEN_AUTHORIZATION_FAILED", Retry::kNo},
    {ErrorCode::kDelegationTokenExpired, "DELEGATION_TOKEN_EXPIRED", Retry::kNo},
    {ErrorCode::kInvalidPrincipalType, "INVALID_PRINCIPAL_TYPE", Retry::kNo},
    {ErrorCode::kNonEmptyGroup, "NON_EMPTY_GROUP", Retry::kNo},
    {ErrorCode::kGroupIdNotFound, "GROUP_ID_NOT_FOUND", Retry::kNo},
    {ErrorCode::kFetchSessionIdNotFound, "FETCH_SESSION_ID_NOT_FOUND", Retry::kYes},
    {ErrorCode::kInvalidFetchSessionEpoch, "INVALID_FETCH_SESSION_EPOCH", Retry::kYes},
    {ErrorCode::kListenerNotFound, "LISTENER_NOT_FOUND", Retry::kYes},
    {ErrorCode::kTopicDeletionDisabled, "TOPIC_DELETION_DISABLED", Retry::kNo},
    {ErrorCode::kFencedLeaderEpoch, "FENCED_LEADER_EPOCH", Retry::kYes},
    {ErrorCode::kUnknownLeaderEpoch, "UNKNOWN_LEADER_EPOCH", Retry::kYes},
    {ErrorCode::kUnsupportedCompressionType, "UNSUPPORTED_COMPRESSION_TYPE", Retry::kNo},
    {ErrorCode::kStaleBrokerEpoch, "STALE_BROKER_EPOCH", Retry::kNo},
    {ErrorCode::kOffsetNotAvailable, "OFFSET_NOT_AVAILABLE", Retry::kYes},
    {ErrorCode::kMemberIdRequired, "MEMBER_ID_REQUIRED", Retry::kNo},
    {ErrorCode::kPreferredLeaderNotAvailable, "PREFERRED_LEADER_NOT_AVAILABLE", Retry::kYes},
    {ErrorCode::kGroupMaxSizeReached, "GROUP_MAX_SIZE_REACHED", Retry::kNo},
    {ErrorCode::kFencedInstanceId, "FENCED_INSTANCE_ID", Retry::kNo},
    {ErrorCode::kEligibleLeadersNotAvailable, "ELIGIBLE_LEADERS_NOT_AVAILABLE", Retry::kYes},
    {ErrorCode::kElectionNotNeeded, "ELECTION_NOT_NEEDED", Retry::kYes},
    {ErrorCode::kNoReassignmentInProgress, "NO_REASSIGNMENT_IN_PROGRESS", Retry::kNo},
    {ErrorCode::kGroupSubscribedToTopic, "GROUP_SUBSCRIBED_TO_TOPIC", Retry::kNo},
    {ErrorCode::kInvalidRecord, "INVALID_RECORD", Retry::kNo},
    {ErrorCode::kUnstableOffsetCommit, "UNSTABLE_OFFSET_COMMIT", Retry::kYes},
    {ErrorCode::kThrottlingQuotaExceeded, "THROTTLING_QUOTA_EXCEEDED", Retry::kYes},
    {ErrorCode::kProducerFenced, "PRODUCER_FENCED", Retry::kNo},
    {ErrorCode::kResourceNotFound, "RESOURCE_NOT_FOUND", Retry::kNo},
    {ErrorCode::kDuplicateResource, "DUPLICATE_RESOURCE", Retry::kNo},
    {ErrorCode::kUnacceptableCredential, "UNACCEPTABLE_CREDENTIAL", Retry::kNo},
    {ErrorCode::kInconsistentVoterSet, "INCONSISTENT_VOTER_SET", Retry::kNo},
    {ErrorCode::kInvalidUpdateVersion, "INVALID_UPDATE_VERSION", Retry::kNo},
    {ErrorCode::kFeatureUpdateFailed, "FEATURE_UPDATE_FAILED", Retry::kNo},
    {ErrorCode::kPrincipalDeserializationFailure, "PRINCIPAL_DESERIALIZATION_FAILURE", Retry::kNo},
    {ErrorCode::kSnapshotNotFound, "SNAPSHOT_NOT_FOUND", Retry::kNo},
    {ErrorCode::kPositionOutOfRange, "POSITION_OUT_OF_RANGE", Retry::kNo},
    {ErrorCode::kUnknownTopicId, "UNKNOWN_TOPIC_ID", Retry::kYes},
    {ErrorCode::kDuplicateBrokerRegistration, "DUPLICATE_BROKER_REGISTRATION", Retry::kNo},
    {ErrorCode::kBrokerIdNotRegistered, "BROKER_ID_NOT_REGISTERED", Retry::kNo},
    {ErrorCode::kInconsistentTopicId, "INCONSISTENT_TOPIC_ID", Retry::kYes},
    {ErrorCode::kInconsistentClusterId, "INCONSISTENT_CLUSTER_ID", Retry::kNo},
    {ErrorCode::kTransactionalIdNotFound, "TRANSACTIONAL_ID_NOT_FOUND", Retry::kNo},
    {ErrorCode::kFetchSessionTopicIdError, "FETCH_SESSION_TOPIC_ID_ERROR", Retry::kYes},
    {ErrorCode::kIneligibleReplica, "INELIGIBLE_REPLICA", Retry::kNo},
    {ErrorCode::kNewLeaderElected, "NEW_LEADER_ELECTED", Retry::kNo},
    {ErrorCode::kOffsetMovedToTieredStorage, "OFFSET_MOVED_TO_TIERED_STORAGE", Retry::kNo},
    {ErrorCode::kFencedMemberEpoch, "FENCED_MEMBER_EPOCH", Retry::kNo},
    {ErrorCode::kUnreleasedInstanceId, "UNRELEASED_INSTANCE_ID", Retry::kNo},
    {ErrorCode::kUnsupportedAssignor, "UNSUPPORTED_ASSIGNOR", Retry::kNo},
    {ErrorCode::kStaleMemberEpoch, "STALE_MEMBER_EPOCH", Retry::kNo},
    {ErrorCode::kMismatchedEndpointType, "MISMATCHED_ENDPOINT_TYPE", Retry::kNo},
    {ErrorCode::kUnsupportedEndpointType, "UNSUPPORTED_ENDPOINT_TYPE", Retry::kNo},
    {ErrorCode::kUnknownControllerId, "UNKNOWN_CONTROLLER_ID", Retry::kNo},
    {ErrorCode::kUnknownSubscriptionId, "UNKNOWN_SUBSCRIPTION_ID", Retry::kNo},
    {ErrorCode::kTelemetryTooLarge, "TELEMETRY_TOO_LARGE", Retry::kNo},
    {ErrorCode::kInvalidRegistration, "INVALID_REGISTRATION", Retry::kNo},
    {ErrorCode::kTransactionAbortable, "TRANSACTION_ABORTABLE", Retry::kNo},
    {ErrorCode::kInvalidRecordState, "INVALID_RECORD_STATE", Retry::kNo},
    {ErrorCode::kShareSessionNotFound, "SHARE_SESSION_NOT_FOUND", Retry::kYes},
    {ErrorCode::kInvalidShareSessionEpoch, "INVALID_SHARE_SESSION_EPOCH", Retry::kYes},
    {ErrorCode::kFencedStateEpoch, "FENCED_STATE_EPOCH", Retry::kNo},
    {ErrorCode::kInvalidVoterKey, "INVALID_VOTER_KEY", Retry::kNo},
    {ErrorCode::kDuplicateVoter, "DUPLICATE_VOTER", Retry::kNo},
    {ErrorCode::kVoterNotFound, "VOTER_NOT_FOUND", Retry::kNo},
    {ErrorCode::kInvalidRegularExpression, "INVALID_REGULAR_EXPRESSION", Retry::kNo},
    {ErrorCode::kRebootstrapRequired, "REBOOTSTRAP_REQUIRED", Retry::kNo},
    {ErrorCode::kStreamsInvalidTopology, "STREAMS_INVALID_TOPOLOGY", Retry::kNo},
    {ErrorCode::kStreamsInvalidTopologyEpoch, "STREAMS_INVALID_TOPOLOGY_EPOCH", Retry::kNo},
    {ErrorCode::kStreamsTopologyFenced, "STREAMS_TOPOLOGY_FENCED", Retry::kNo},
    {ErrorCode::kShareSessionLimitReached, "SHARE_SESSION_LIMIT_REACHED", Retry::kYes},
});

constexpr bool RowsAreDense() {
  for (size_t i = 0; i < kErrorRows.size(); ++i) {
    if (ToWire(kErrorRows[i].code) != kErrorCodeMin + static_cast<int>(i)) return false;
  }
  return kErrorRows.size() == kErrorCodeMax - kErrorCodeMin + 1;
}
static_assert(RowsAreDense(), "a code is found by its position");

const ErrorRow* FindRow(ErrorCode code) {
  const int at = ToWire(code) - kErrorCodeMin;
  return at >= 0 && at < static_cast<int>(kErrorRows.size()) ? &kErrorRows[static_cast<size_t>(at)] : nullptr;
}

}  // namespace

std::string_view ErrorName(ErrorCode code) {
  const ErrorRow* row = FindRow(code);
  return row != nullptr ? row->name : "UNKNOWN";
}

bool IsRetriable(ErrorCode code) {
  const ErrorRow* row = FindRow(code);
  return row != nullptr && row->retry == Retry::kYes;
}

std::optional<ErrorCode> ErrorFromWire(int16_t code) {
  const ErrorRow* row = FindRow(static_cast<ErrorCode>(code));
  return row != nullptr ? std::optional(row->code) : std::nullopt;
}

}  // namespace odradek::protocol
