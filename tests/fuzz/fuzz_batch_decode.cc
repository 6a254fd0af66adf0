// Arbitrary bytes as record batches: as they come, with length, magic and CRC made right, and as the uncompressed
// records of a batch of every codec. Validation and iteration must agree, end, and stay within their limits.
#include <algorithm>

#include "engine/base/check.h"
#include "engine/record/builder.h"
#include "engine/record/compression.h"
#include "engine/record/control.h"
#include "engine/record/record_iterator.h"
#include "engine/record/validate.h"
#include "tests/fuzz/fuzz.h"

namespace odradek::fuzz {
namespace {

using record::BatchBuilder;
using record::BatchCursor;
using record::BatchError;
using record::BatchHeader;
using record::BatchKind;
using record::BatchProblem;
using record::Codec;
using record::Compress;
using record::ComputeCrc;
using record::kBaseOffsetAt;
using record::kBatchOverheadBytes;
using record::kCrcAt;
using record::KeyRule;
using record::kLengthAt;
using record::kLogOverheadBytes;
using record::kMagicAt;
using record::kMagicV2;
using record::ReadEndTxnMarker;
using record::RecordHeader;
using record::RecordHeaders;
using record::RecordIterator;
using record::RecordView;
using record::ValidateBatch;
using record::ValidationResult;
using record::WriteHeader;

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

// True: all of it is valid batches.
bool Check(Bytes range) {
  int32_t valid_count = 0;
  bool is_valid = true;
  BatchCursor cursor(range);
  for (BatchCursor::Step step = cursor.Next(); step.found == BatchCursor::Found::kBatch; step = cursor.Next()) {
    const ValidationResult valid =
        ValidateBatch(step.batch, {.keys = KeyRule::kRequired, .decompress = {.output_bytes_max = kUnpackedBytesMax}});
    int32_t record_count = 0;
    BatchProblem problem;
    ReadAll(step.header, step.batch, record_count, problem);
    if (step.header.is_control()) static_cast<void>(ReadEndTxnMarker(step.header, step.batch));
    if (valid.problem.error != BatchError::kNone) {
      is_valid = false;
      continue;
    }
    ++valid_count;
    INVARIANT(problem.error == BatchError::kNone);
    INVARIANT(record_count == valid.record_count);
    INVARIANT(record_count == step.header.record_count);
  }
  return is_valid && valid_count > 0;
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

ByteBuffer Batch(Codec codec, BatchKind kind) {
  BatchBuilder builder({.compression = {.codec = codec}, .kind = kind});
  const RecordHeader headers[] = {{"name", AsBytes("value")}, {"", std::nullopt}};
  for (const std::string& value : {std::string(), std::string("value"), std::string(300, 'x')}) {
    builder.Append({.timestamp = Timestamp(1'700'000'000'000), .key = AsBytes("key"), .value = AsBytes(value)});
  }
  builder.Append({.timestamp = Timestamp(1'700'000'000'001), .key = AsBytes("key"), .headers = headers});
  if (kind != BatchKind::kData) builder.SetProducer({ProducerId(7), ProducerEpoch(1), 5});
  return builder.Build();
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (const Codec codec : {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    ByteBuffer both;
    for (const BatchKind kind : {BatchKind::kData, BatchKind::kTransactionalData}) {
      const ByteBuffer batch = Batch(codec, kind);
      seeds.emplace_back(AsString(batch));
      AppendBytes(both, batch);
    }
    seeds.emplace_back(AsString(both));
  }
  return seeds;
}

bool Understands(Bytes input) {
  const bool is_valid = Check(input);
  if (input.size() >= kBatchOverheadBytes) {
    ByteBuffer repaired(input.begin(), input.end());
    Repair(repaired);
    Check(repaired);
  }
  if (input.size() >= 2) {
    const auto codec = static_cast<Codec>(static_cast<uint8_t>(input[0]) % 5);
    CheckCompressed(input.subspan(2), codec, static_cast<uint8_t>(input[1]));
  }
  return is_valid;
}

}  // namespace odradek::fuzz
