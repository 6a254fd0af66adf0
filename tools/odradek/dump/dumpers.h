// One function per kind of file. Each prints the whole file; a problem does not stop more than it must.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/base/ids.h"
#include "engine/record/batch.h"
#include "tools/odradek/dump/dump.h"
#include "tools/odradek/dump/input_file.h"

namespace odradek::tool {

// As Kafka's tools print it.
std::string_view TimestampName(record::TimestampType type);

// Batches as in a .log file.
void DumpBatches(InputFile& file, const DumpOptions& options, DumpReport& report);
// The records of a batch, which starts at `position` of the file.
struct BatchPlace {
  std::string_view path;
  int64_t position = 0;
};
void DumpRecords(const BatchPlace& place, const record::BatchHeader& header, Bytes batch, const DumpOptions& options,
                 DumpReport& report);

// `base_offset`: of the segment, from the file's name.
void DumpOffsetIndex(InputFile& file, Offset base_offset, const DumpOptions& options, DumpReport& report);
void DumpTimeIndex(InputFile& file, Offset base_offset, const DumpOptions& options, DumpReport& report);
void DumpTxnIndex(InputFile& file, DumpReport& report);
void DumpProducerSnapshot(InputFile& file, Offset end_offset, DumpReport& report);

// Text files of the data directory, by their names.
bool IsTextFileName(std::string_view name);
void DumpTextFile(InputFile& file, DumpReport& report);

// The whole file, if it is small enough to be what its name says. False: the problem is in the report.
bool ReadWhole(InputFile& file, ByteBuffer& into, DumpReport& report);

}  // namespace odradek::tool
