// What compaction does with one batch: which of its records enter the map of newest offsets, and which stay. Pure;
// nothing suspends, bytes are checked and never asserted on.
//
//  1. A record above the map's latest offset stays. Below, it stays if no later one of its key is in the map.
//  2. A tombstone that is the newest of its key stays until the delete horizon of its batch, which is the time of the
//     first cleaning that saw all of the batch, plus delete.retention.ms (KIP-534).
//  3. The last batch of every producer and of every segment stays, if need be without records: sequences and offsets
//     go on where they were.
//  4. Control batches and the data of aborted transactions are left as they are; neither enters the map.
//
// Source: SEMANTICS 49; Kafka's Cleaner and MemoryRecords.filterTo.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/context.h"
#include "engine/base/ids.h"
#include "engine/base/time.h"
#include "engine/producers/producer_states.h"
#include "engine/record/batch.h"
#include "engine/storage/clean_offset_map.h"
#include "engine/storage/log_types.h"

namespace odradek::storage {

struct CleanRules {
  Timestamp now;
  Duration delete_retention;
  // Last data offset of every live producer; kNoOffset: it has only a marker.
  std::map<ProducerId, Offset> last_offsets;
  std::vector<AbortedTxn> aborted;
};

std::map<ProducerId, Offset> LastOffsetsOf(const producers::ProducerStates& states);

enum class Mapped : uint8_t { kWhole, kFull, kProblem };

// Enters the records of the batch at and above `from`. After kFull the map's latest offset is the last record's that
// went in.
Mapped MapBatch(const record::BatchHeader& header, Bytes batch, const CleanRules& rules, Offset from,
                CleanOffsetMap& map, base::Context& context);

enum class BatchFate : uint8_t { kSame, kReplaced, kDropped, kProblem };

enum class PlaceInSegment : uint8_t { kInside, kLast };

struct CleanedBatch {
  BatchFate fate = BatchFate::kSame;
  ByteBuffer bytes;     // kReplaced
  std::string problem;  // kProblem
};

CleanedBatch CleanBatch(const record::BatchHeader& header, Bytes batch, const CleanRules& rules,
                        const CleanOffsetMap& map, PlaceInSegment place, base::Context& context);

}  // namespace odradek::storage
