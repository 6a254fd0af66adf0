// The fetch requests that the loads send, and what they read of the answers.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/uuid.h"

namespace odradek::bench {

struct FetchFrom {
  Uuid topic;
  int32_t partition_bytes_max = 1 << 20;
  int32_t max_wait_millis = 500;
};
// One frame; offsets[i] belongs to partitions[i].
ByteBuffer MakeFetchRequest(const FetchFrom& from, const std::vector<int32_t>& partitions,
                            const std::vector<int64_t>& offsets);

struct FetchedPartition {
  int32_t partition = 0;
  int64_t high_watermark = 0;
  int64_t next_offset = 0;  // behind the last whole batch; 0: there is none
  Bytes records;            // points into the answer
};
// Ends the program when the answer has an error.
std::vector<FetchedPartition> ParseFetchAnswer(Bytes answer);

}  // namespace odradek::bench
