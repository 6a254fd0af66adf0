// The 32-bit murmur2 variant with which Kafka's producers map a key to a partition
// (Java client, Utils.murmur2; seed 0x9747b28c).
#pragma once

#include <cstdint>

#include "engine/base/bytes.h"

namespace odradek::base {

uint32_t Murmur2(Bytes key);

// Kafka's default partition of a keyed record: the hash without its sign bit, modulo the partition count.
// REQUIRES: partition_count > 0.
int32_t Murmur2Partition(Bytes key, int32_t partition_count);

}  // namespace odradek::base
