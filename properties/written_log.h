// What the files of a partition's log say, read past the engine that wrote them: an own reading of Kafka's segment
// files, producer snapshots and checkpoints (FEATURES 3.1, 3.2), so that a mistake of the engine's codecs is not made
// twice. Total: any bytes give a value. Plain data.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/ids.h"

namespace odradek::properties {

// Whether offsets may be missing between batches.
enum class Gaps : uint8_t { kNone, kByCompaction };

// Whether the bytes that a CRC covers have it.
enum class Crc : uint8_t { kFits, kWrong };

struct WrittenBatch {
  Offset base_offset;
  Offset last_offset;
  LeaderEpoch leader_epoch;
  uint32_t crc = 0;
  Crc crc_check = Crc::kFits;
  // Neither a control batch nor part of a transaction.
  bool is_plain = true;
  ProducerId producer_id;
  ProducerEpoch producer_epoch;
  int32_t base_sequence = -1;
  int32_t record_count = 0;
  Timestamp max_timestamp;
  int64_t end_position = 0;  // in its segment's file

  Offset next_offset() const { return last_offset + 1; }
  bool has_producer() const { return producer_id.value() >= 0; }
  // Compaction takes records and leaves the ends.
  int32_t last_sequence() const {
    return SequenceAfter(base_sequence, static_cast<int32_t>(last_offset - base_offset));
  }
  // Sequences wrap from 2^31 - 1 to 0.
  static int32_t SequenceAfter(int32_t sequence, int32_t step);
};

struct WrittenSegment {
  Offset base_offset;
  int64_t size_bytes = 0;
  size_t batches_begin = 0;  // of WrittenLog::batches
  size_t batches_end = 0;
  std::string problem;  // why the bytes from the last batch on are none; empty: the file ends with a batch
};

struct WrittenProducer {
  ProducerId id;
  ProducerEpoch epoch;
  int32_t last_sequence = -1;
  Offset last_offset;
  int32_t offset_delta = 0;
  Timestamp last_timestamp;
  friend bool operator==(const WrittenProducer&, const WrittenProducer&) = default;
};

struct WrittenSnapshot {
  std::vector<WrittenProducer> producers;
  std::string problem;  // empty: whole
};

struct WrittenLog {
  std::vector<WrittenBatch> batches;     // by segment and position
  std::vector<WrittenSegment> segments;  // by base offset
  std::map<Offset, WrittenSnapshot> snapshots;

  // Takes one file of the partition's folder; what is no segment and no snapshot is left alone. Files come in the order
  // of their names. A .swap stands for the segments of the same offsets, as for a node that starts: compaction was
  // about to put it in their place.
  void Add(std::string_view file_name, Bytes bytes);
  // Where the run of whole batches ends that begins with the one that holds `from`, each where the one before it
  // ends, or behind it where gaps are allowed; `from` if there is no such batch.
  Offset EndOfRun(Offset from, Gaps gaps) const;

 private:
  void AddSegment(Offset base_offset, Bytes bytes);
  void AddSwap(Offset base_offset, Bytes bytes);
  void AddSnapshot(Offset offset, Bytes bytes);

  Offset swapped_until_;  // what lies below is in a .swap that was added
};

// A checkpoint file: offsets of partitions.
struct WrittenCheckpoint {
  std::map<TopicPartition, Offset> offsets;
  std::string problem;  // empty: whole, or there is no such file
};
WrittenCheckpoint ReadCheckpoint(std::string_view text);

}  // namespace odradek::properties
