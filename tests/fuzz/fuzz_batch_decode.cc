// Arbitrary bytes as record batches: as they come, with length, magic and CRC made right, and as the uncompressed
// records of a batch of every codec. Validation and iteration must agree, end, and stay within their limits.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "engine/base/check.h"
#include "engine/record/compression.h"
#include "engine/record/control.h"
#include "engine/record/record_iterator.h"
#include "engine/record/validate.h"

namespace odradek::record {
namespace fuzz {

constexpr int64_t kUnpackedBytesMax = int64_t{1} << 20;

void ReadAll(const BatchHeader& header, Bytes batch, int32_t& record_count, BatchProblem& problem) {
  RecordIterator records(header, batch, {.output_bytes_max = kUnpackedBytesMax});
  RecordIterator::Found found;
  Offset last = header.base_offset - 1;
  while ((found = records.Next()) == RecordIterator::Found::kRecord) {
    const RecordView& record = records.record();
    INVARIANT(record.offset > last);
    INVARIANT(record.offset <= header.last_offset());
    last = record.offset;
    ++record_count;
    RecordHeaders headers = record.headers;
    while (headers.Next().has_value()) continue;
  }
  if (found == RecordIterator::Found::kProblem) problem = records.problem();
}

void Check(Bytes range) {
  BatchCursor cursor(range);
  for (BatchCursor::Step step = cursor.Next(); step.found == BatchCursor::Found::kBatch; step = cursor.Next()) {
    const ValidationResult valid =
        ValidateBatch(step.batch, {.keys = KeyRule::kRequired, .decompress = {.output_bytes_max = kUnpackedBytesMax}});
    int32_t record_count = 0;
    BatchProblem problem;
    ReadAll(step.header, step.batch, record_count, problem);
    if (step.header.is_control()) static_cast<void>(ReadEndTxnMarker(step.header, step.batch));
    if (valid.problem.error != BatchError::kNone) continue;
    INVARIANT(problem.error == BatchError::kNone);
    INVARIANT(record_count == valid.record_count);
    INVARIANT(record_count == step.header.record_count);
  }
}

// The header's own fields come from the input; what would end the parsing at once is made right.
void Repair(MutableBytes batch) {
  StoreBigEndian<int64_t>(batch.data() + kBaseOffsetAt, 0);
  StoreBigEndian<int32_t>(batch.data() + kLengthAt, static_cast<int32_t>(batch.size() - kLogOverheadBytes));
  StoreBigEndian<int8_t>(batch.data() + kMagicAt, kMagicV2);
  StoreBigEndian<uint32_t>(batch.data() + kCrcAt, ComputeCrc(batch));
}

void CheckCompressed(Bytes records, Codec codec, int32_t record_count) {
  ByteBuffer batch(kBatchOverheadBytes);
  Compress({.codec = codec}, records, batch);
  BatchHeader header;
  header.size_bytes = static_cast<int64_t>(batch.size());
  header.attributes = static_cast<uint16_t>(codec);
  header.last_offset_delta = std::max(record_count - 1, 0);
  header.record_count = record_count;
  WriteHeader(header, batch);
  Repair(batch);
  Check(batch);
}

}  // namespace fuzz
}  // namespace odradek::record

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace odradek;
  using namespace odradek::record;
  const Bytes input(reinterpret_cast<const std::byte*>(data), size);
  fuzz::Check(input);
  if (size >= kBatchOverheadBytes) {
    ByteBuffer repaired(input.begin(), input.end());
    fuzz::Repair(repaired);
    fuzz::Check(repaired);
  }
  if (size >= 2) {
    const auto codec = static_cast<Codec>(data[0] % 5);
    fuzz::CheckCompressed(input.subspan(2), codec, data[1]);
  }
  return 0;
}
