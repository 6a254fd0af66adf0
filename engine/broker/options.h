// What a node is told at its start. Plain data.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/time.h"
#include "engine/config/broker_config.h"
#include "engine/config/def.h"

namespace odradek::broker {

struct NodeOptions {
  // The node's own properties as they were given (server.properties, command line), validated; `config` is what they
  // come to.
  config::PropertyMap static_properties;
  config::BrokerConfig config;
  // Empty: what the log directories say; a new id for new ones.
  std::string cluster_id;
  // What clients call this machine by: advertised by listeners that have no address of their own, unless
  // advertised.listeners says more. Empty: the address that is listened on.
  std::string host_name;
  // Where partitions are; dealt out to the shards, which share nothing on disk. At least one per shard.
  std::vector<std::string> log_directories;
  // Requests of one connection that may be without an answer.
  int32_t pipelined_requests_max = 100;
  // How long a shutdown waits for open requests.
  Duration drain_max = Duration::Seconds(10);
  int32_t open_files_max = 1000;
  // Ids that a broker takes from the controller at once (Kafka: 1000).
  int32_t producer_id_block_size = 1000;
  // A segment takes at most this many offsets; smaller only in tests.
  int64_t segment_offsets_max = std::numeric_limits<int32_t>::max();
};

}  // namespace odradek::broker
