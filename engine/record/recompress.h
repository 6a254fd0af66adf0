// The same batch in another codec: what a broker stores where a topic's compression.type is not the producer's choice.
// Pure; nothing suspends; the bytes are input and never asserted on.
//
//  1. What changes is codec, length, CRC and the bytes of the records in their new form. Unpacked, the records are the
//     same bytes; offsets, timestamps, producer fields and the other attributes stay.
//  2. The CRC of the old batch is not looked at (CheckCrc()); the new batch's is of its bytes. Records are not parsed.
//
// Source: broker setting `compression.type`; KIP-390 (levels).
#pragma once

#include <optional>

#include "engine/base/bytes.h"
#include "engine/record/batch.h"
#include "engine/record/compression.h"

namespace odradek::record {

struct RecompressOptions {
  CompressionOptions compression = {};
  DecompressOptions decompress = {};
};

struct RecompressResult {
  ByteBuffer batch;  // meaningful if ok()
  BatchProblem problem;
  bool ok() const { return problem.error == BatchError::kNone; }
};

// `batch` is one whole batch; anything else is a problem. REQUIRES: the level is allowed.
RecompressResult RecompressBatch(Bytes batch, const RecompressOptions& options);

}  // namespace odradek::record
