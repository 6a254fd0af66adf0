// The handlers, one file per API. A handler runs on its request's fiber on the connection's shard, reads the image and
// the partitions, and returns the answer; nothing in it outlives the call but what other shards do for it.
#pragma once

#include "engine/broker/request.h"
#include "engine/protocol/generated/add_raft_voter.h"
#include "engine/protocol/generated/allocate_producer_ids.h"
#include "engine/protocol/generated/alter_configs.h"
#include "engine/protocol/generated/alter_partition.h"
#include "engine/protocol/generated/alter_partition_reassignments.h"
#include "engine/protocol/generated/api_versions.h"
#include "engine/protocol/generated/assign_replicas_to_dirs.h"
#include "engine/protocol/generated/begin_quorum_epoch.h"
#include "engine/protocol/generated/broker_heartbeat.h"
#include "engine/protocol/generated/broker_registration.h"
#include "engine/protocol/generated/create_partitions.h"
#include "engine/protocol/generated/create_topics.h"
#include "engine/protocol/generated/delete_records.h"
#include "engine/protocol/generated/delete_topics.h"
#include "engine/protocol/generated/describe_cluster.h"
#include "engine/protocol/generated/describe_configs.h"
#include "engine/protocol/generated/describe_log_dirs.h"
#include "engine/protocol/generated/describe_producers.h"
#include "engine/protocol/generated/describe_quorum.h"
#include "engine/protocol/generated/describe_topic_partitions.h"
#include "engine/protocol/generated/elect_leaders.h"
#include "engine/protocol/generated/end_quorum_epoch.h"
#include "engine/protocol/generated/fetch.h"
#include "engine/protocol/generated/fetch_snapshot.h"
#include "engine/protocol/generated/find_coordinator.h"
#include "engine/protocol/generated/incremental_alter_configs.h"
#include "engine/protocol/generated/init_producer_id.h"
#include "engine/protocol/generated/list_offsets.h"
#include "engine/protocol/generated/list_partition_reassignments.h"
#include "engine/protocol/generated/metadata.h"
#include "engine/protocol/generated/offset_for_leader_epoch.h"
#include "engine/protocol/generated/produce.h"
#include "engine/protocol/generated/remove_raft_voter.h"
#include "engine/protocol/generated/unregister_broker.h"
#include "engine/protocol/generated/update_raft_voter.h"
#include "engine/protocol/generated/vote.h"

namespace odradek::broker {

protocol::ProduceResponse HandleProduce(RequestContext&, const protocol::ProduceRequest&);
protocol::FetchResponse HandleFetch(RequestContext&, const protocol::FetchRequest&);
protocol::ListOffsetsResponse HandleListOffsets(RequestContext&, const protocol::ListOffsetsRequest&);
protocol::MetadataResponse HandleMetadata(RequestContext&, const protocol::MetadataRequest&);
protocol::FindCoordinatorResponse HandleFindCoordinator(RequestContext&, const protocol::FindCoordinatorRequest&);
protocol::ApiVersionsResponse HandleApiVersions(RequestContext&, const protocol::ApiVersionsRequest&);
protocol::CreateTopicsResponse HandleCreateTopics(RequestContext&, const protocol::CreateTopicsRequest&);
protocol::DeleteTopicsResponse HandleDeleteTopics(RequestContext&, const protocol::DeleteTopicsRequest&);
protocol::DeleteRecordsResponse HandleDeleteRecords(RequestContext&, const protocol::DeleteRecordsRequest&);
protocol::InitProducerIdResponse HandleInitProducerId(RequestContext&, const protocol::InitProducerIdRequest&);
protocol::OffsetForLeaderEpochResponse HandleOffsetForLeaderEpoch(RequestContext&,
                                                                  const protocol::OffsetForLeaderEpochRequest&);
protocol::DescribeConfigsResponse HandleDescribeConfigs(RequestContext&, const protocol::DescribeConfigsRequest&);
protocol::AlterConfigsResponse HandleAlterConfigs(RequestContext&, const protocol::AlterConfigsRequest&);
protocol::DescribeLogDirsResponse HandleDescribeLogDirs(RequestContext&, const protocol::DescribeLogDirsRequest&);
protocol::CreatePartitionsResponse HandleCreatePartitions(RequestContext&, const protocol::CreatePartitionsRequest&);
protocol::IncrementalAlterConfigsResponse HandleIncrementalAlterConfigs(
    RequestContext&, const protocol::IncrementalAlterConfigsRequest&);
protocol::ElectLeadersResponse HandleElectLeaders(RequestContext&, const protocol::ElectLeadersRequest&);
protocol::AlterPartitionReassignmentsResponse HandleAlterPartitionReassignments(
    RequestContext&, const protocol::AlterPartitionReassignmentsRequest&);
protocol::ListPartitionReassignmentsResponse HandleListPartitionReassignments(
    RequestContext&, const protocol::ListPartitionReassignmentsRequest&);
protocol::UnregisterBrokerResponse HandleUnregisterBroker(RequestContext&, const protocol::UnregisterBrokerRequest&);
protocol::DescribeClusterResponse HandleDescribeCluster(RequestContext&, const protocol::DescribeClusterRequest&);
protocol::DescribeProducersResponse HandleDescribeProducers(RequestContext&, const protocol::DescribeProducersRequest&);
protocol::DescribeTopicPartitionsResponse HandleDescribeTopicPartitions(
    RequestContext&, const protocol::DescribeTopicPartitionsRequest&);
// Of the metadata log, on a controller's listener.
protocol::FetchResponse HandleQuorumFetch(RequestContext&, const protocol::FetchRequest&);
protocol::VoteResponse HandleVote(RequestContext&, const protocol::VoteRequest&);
protocol::BeginQuorumEpochResponse HandleBeginQuorumEpoch(RequestContext&, const protocol::BeginQuorumEpochRequest&);
protocol::EndQuorumEpochResponse HandleEndQuorumEpoch(RequestContext&, const protocol::EndQuorumEpochRequest&);
protocol::FetchSnapshotResponse HandleFetchSnapshot(RequestContext&, const protocol::FetchSnapshotRequest&);
protocol::AddRaftVoterResponse HandleAddRaftVoter(RequestContext&, const protocol::AddRaftVoterRequest&);
protocol::RemoveRaftVoterResponse HandleRemoveRaftVoter(RequestContext&, const protocol::RemoveRaftVoterRequest&);
protocol::UpdateRaftVoterResponse HandleUpdateRaftVoter(RequestContext&, const protocol::UpdateRaftVoterRequest&);
protocol::DescribeQuorumResponse HandleDescribeQuorum(RequestContext&, const protocol::DescribeQuorumRequest&);

// Of brokers, on a controller's listener.
protocol::BrokerRegistrationResponse HandleBrokerRegistration(RequestContext&,
                                                              const protocol::BrokerRegistrationRequest&);
protocol::BrokerHeartbeatResponse HandleBrokerHeartbeat(RequestContext&, const protocol::BrokerHeartbeatRequest&);
protocol::AllocateProducerIdsResponse HandleAllocateProducerIds(RequestContext&,
                                                                const protocol::AllocateProducerIdsRequest&);
protocol::AlterPartitionResponse HandleAlterPartition(RequestContext&, const protocol::AlterPartitionRequest&);
protocol::AssignReplicasToDirsResponse HandleAssignReplicasToDirs(RequestContext&,
                                                                  const protocol::AssignReplicasToDirsRequest&);

}  // namespace odradek::broker
