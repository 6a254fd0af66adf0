// One cleaning of one log, in two passes: the newest offset of each key of the dirty part goes into a map, then groups
// of segments are copied without what the map makes superfluous, and take the place of the originals.
// Lives during Log::Clean(). Holds the log's lock only while segments change places.
//
//  1. Before a segment changes, everything below the end of the range and below the high watermark is durable, the
//     recovery point and the producers' snapshot at the end of the range as well: no recovery goes by batches that
//     compaction took, or takes back the end of a transaction.
//  2. A copy is whole and synced before it is called .swap; the folder is synced between the steps. A crash leaves
//     either the originals or a .swap of the same offsets, which the next start puts in their place.
//  3. A copy begins and ends at the offsets of what it replaces.
//  4. A log that is cut, deleted or closed meanwhile is left as it is.
//
// Source: SEMANTICS 49-50; Kafka's LogCleaner, LocalLog.replaceSegments; KAFKA-6264, KAFKA-12520.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/storage/batch_scanner.h"
#include "engine/storage/clean_filter.h"
#include "engine/storage/clean_types.h"
#include "engine/storage/log.h"

namespace odradek::storage {

class Log::Compaction {
 public:
  Compaction(fiber::Fiber& self, Log& log, const CleanRange& range, CleanTools& tools);
  CleanResult Run();

 private:
  using Group = std::vector<SegmentPtr>;
  enum class Step : uint8_t { kGoOn, kEnd };
  // Batches that were read together.
  struct Chunk {
    ByteBuffer bytes;
    Headers headers;
  };

  Step Prepare();
  Step BuildMap();
  Step MapSegment(const SegmentPtr& segment);
  std::vector<Group> GroupSegments(Offset end) const;
  Step CleanGroup(const Group& group);
  Step Copy(const SegmentPtr& source, Segment& target, PlaceInSegment place);
  Step CopyChunk(const Chunk& chunk, Segment& target, PlaceInSegment place);
  Step CopyAborted(const Group& group, Segment& target);
  Step Replace(const Group& group, const SegmentPtr& target);
  Step ReplaceLocked(const Group& group, const SegmentPtr& target);
  Step RaiseCleanedUntil();

  // kEnd also for what is no batch.
  Step ReadChunk(BatchScanner& scanner, Chunk& chunk);
  bool IsStale() const;
  bool IsWhole(const Group& group) const;
  Step Stop();
  Step Failed(std::string_view doing, env::DiskError error);
  Step Uncleanable(std::string problem);

  fiber::Fiber& self_;
  Log& log_;
  const CleanRange range_;
  CleanTools& tools_;
  const uint64_t truncations_before_;
  CleanRules rules_;
  CleanResult result_;
  bool map_full_ = false;
  bool changed_ = false;  // the copy differs from its original
};

}  // namespace odradek::storage
