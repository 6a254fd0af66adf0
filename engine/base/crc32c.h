// CRC-32C (Castagnoli, RFC 3720 appendix B.4), the checksum of record batches and producer snapshots. SSE4.2 with three
// interleaved streams where the processor has it, tables elsewhere; both give the same value.
#pragma once

#include <cstdint>

#include "engine/base/bytes.h"

namespace odradek::base {

// The CRC of `before` followed by `bytes`, given the CRC of `before`; 0 for nothing before.
uint32_t Crc32c(Bytes bytes, uint32_t crc_before = 0);

// The table version whatever the processor can do: for tests.
uint32_t Crc32cPortable(Bytes bytes, uint32_t crc_before = 0);

}  // namespace odradek::base
