// A batch of which some records are taken out, as log compaction leaves it. Pure; nothing suspends.
//
//  1. What stays keeps offset, timestamp, key, value and headers. Base offset, last offset, leader epoch, producer
//     fields, codec and the other attributes are those of the original: followers and producers see no gap.
//  2. What is made passes CheckCrc() and reads back as what was given.
//
// Source: KIP-98 (empty batches), KIP-534 (delete horizon); Kafka's MemoryRecords.filterTo.
#pragma once

#include <optional>
#include <span>

#include "engine/base/bytes.h"
#include "engine/base/ids.h"
#include "engine/record/batch.h"
#include "engine/record/record_iterator.h"

namespace odradek::record {

struct RetainOptions {
  // In their order; views that live during the call. REQUIRES: not empty, offsets of the original batch.
  std::span<const RecordView> records;
  // Set: from this time on tombstones and transaction markers of the batch may go (attribute bit 6, base timestamp).
  std::optional<Timestamp> delete_horizon = std::nullopt;
};

// REQUIRES: `original` is a batch of a codec that exists.
ByteBuffer RetainRecords(const BatchHeader& original, const RetainOptions& options);

// The header alone: what is left of a batch whose producer's last sequence or whose offsets must survive.
ByteBuffer EmptyBatch(const BatchHeader& original);

}  // namespace odradek::record
