// Records that tests own, random ones among them, and batches made of them.
#pragma once

#include <rapidcheck.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/record/builder.h"
#include "engine/record/record_iterator.h"

namespace odradek::record::samples {

inline constexpr Codec kCodecs[] = {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd};

struct OwnedRecord {
  int64_t timestamp = 0;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
  friend bool operator==(const OwnedRecord&, const OwnedRecord&) = default;
};

inline std::optional<Bytes> View(const std::optional<std::string>& s) {
  return s ? std::optional(AsBytes(*s)) : std::nullopt;
}
inline std::optional<std::string> Own(const std::optional<Bytes>& b) {
  return b ? std::optional(std::string(AsString(*b))) : std::nullopt;
}

inline void AppendTo(BatchBuilder& builder, const OwnedRecord& record) {
  std::vector<RecordHeader> headers;
  for (const auto& [key, value] : record.headers) headers.push_back({key, View(value)});
  builder.Append({Timestamp(record.timestamp), View(record.key), View(record.value), headers});
}

inline ByteBuffer MakeBatch(const std::vector<OwnedRecord>& records, const BatchBuilderOptions& options,
                            const ProducerFields& producer = {}) {
  BatchBuilder builder(options);
  for (const OwnedRecord& record : records) AppendTo(builder, record);
  builder.SetProducer(producer);
  return builder.Build();
}

inline ByteBuffer MakeBatch(const std::vector<OwnedRecord>& records, Codec codec = Codec::kNone) {
  BatchBuilderOptions options;
  options.compression.codec = codec;
  return MakeBatch(records, options);
}

inline OwnedRecord OwnedFrom(const RecordView& view) {
  OwnedRecord record{view.timestamp.value(), Own(view.key), Own(view.value), {}};
  RecordHeaders headers = view.headers;
  while (const std::optional<RecordHeader> header = headers.Next()) {
    record.headers.emplace_back(std::string(header->key), Own(header->value));
  }
  return record;
}

// What an iterator yields until it ends or fails.
struct Iterated {
  std::vector<OwnedRecord> records;
  std::vector<int64_t> offsets;
  std::vector<int32_t> sequences;
  BatchProblem problem;
};

inline Iterated Iterate(Bytes batch, const DecompressOptions& options = {}) {
  Iterated all;
  const HeaderResult header = ParseHeader(batch);
  if (!header.ok() || header.header.size_bytes != static_cast<int64_t>(batch.size())) {
    all.problem = header.ok() ? BatchProblem{BatchError::kBadLength, 0, "size"} : header.problem;
    return all;
  }
  RecordIterator records(header.header, batch, options);
  RecordIterator::Found found;
  while ((found = records.Next()) == RecordIterator::Found::kRecord) {
    all.records.push_back(OwnedFrom(records.record()));
    all.offsets.push_back(records.record().offset.value());
    all.sequences.push_back(records.record().sequence);
  }
  if (found == RecordIterator::Found::kProblem) all.problem = records.problem();
  return all;
}

inline void FixCrc(MutableBytes batch) {
  StoreBigEndian<uint32_t>(batch.data() + kCrcAt, ComputeCrc(batch));
}

inline rc::Gen<std::optional<std::string>> AnyField() {
  // Runs of one letter compress, random bytes do not.
  const auto run = rc::gen::map(rc::gen::inRange<size_t>(0, 3000), [](size_t n) { return std::string(n, 'r'); });
  return rc::gen::map(rc::gen::pair(rc::gen::inRange(0, 4), rc::gen::pair(run, rc::gen::arbitrary<std::string>())),
                      [](std::pair<int, std::pair<std::string, std::string>> x) -> std::optional<std::string> {
                        if (x.first == 0) return std::nullopt;
                        return x.first == 1 ? x.second.first : x.second.second;
                      });
}

inline rc::Gen<OwnedRecord> AnyRecord() {
  using Header = std::pair<std::string, std::optional<std::string>>;
  const auto timestamp =
      rc::gen::oneOf(rc::gen::just(int64_t{-1}), rc::gen::inRange<int64_t>(1'700'000'000'000, 1'700'000'100'000),
                     rc::gen::arbitrary<int64_t>());
  return rc::gen::build<OwnedRecord>(
      rc::gen::set(&OwnedRecord::timestamp, timestamp), rc::gen::set(&OwnedRecord::key, AnyField()),
      rc::gen::set(&OwnedRecord::value, AnyField()),
      rc::gen::set(&OwnedRecord::headers, rc::gen::container<std::vector<Header>>(
                                              rc::gen::pair(rc::gen::arbitrary<std::string>(), AnyField()))));
}

inline rc::Gen<std::vector<OwnedRecord>> SomeRecords() {
  return rc::gen::nonEmpty(rc::gen::container<std::vector<OwnedRecord>>(AnyRecord()));
}

}  // namespace odradek::record::samples
