#include "tools/odradek/dump/dumpers.h"
#include "tools/odradek/dump/log_file.h"

namespace odradek::tool {
namespace {

std::string CodecName(const record::BatchHeader& h) {
  return h.codec() ? std::string(record::ToString(*h.codec()))
                   : fmt::format("unknown({})", h.attributes & record::kCodecMask);
}

enum class Crc : uint8_t { kRight, kWrong };

void PrintBatchLine(const record::BatchHeader& h, int64_t position, Crc crc, DumpReport& report) {
  const std::string delete_horizon = h.has_delete_horizon() ? fmt::format("OptionalLong[{}]", h.base_timestamp.value())
                                                            : std::string("OptionalLong.empty");
  report.Print(
      "baseOffset: {} lastOffset: {} count: {} baseSequence: {} lastSequence: {} producerId: {} producerEpoch: {} "
      "partitionLeaderEpoch: {} isTransactional: {} isControl: {} deleteHorizonMs: {}",
      h.base_offset.value(), h.last_offset().value(), h.record_count, h.base_sequence, h.last_sequence(),
      h.producer_id.value(), h.producer_epoch.value(), h.leader_epoch.value(), h.is_transactional(), h.is_control(),
      delete_horizon);
  report.Print(" position: {} {}: {} size: {} magic: {} compresscodec: {} crc: {} isvalid: {}\n", position,
               TimestampName(h.timestamp_type()), h.max_timestamp.value(), h.size_bytes, record::kMagicV2, CodecName(h),
               h.crc, crc == Crc::kRight);
}

}  // namespace

std::string_view TimestampName(record::TimestampType type) {
  return type == record::TimestampType::kLogAppendTime ? "LogAppendTime" : "CreateTime";
}

void DumpBatches(InputFile& file, const DumpOptions& options, DumpReport& report) {
  LogFile log(file);
  int64_t position = 0;
  Offset next_offset(0);
  LogFile::Found found = LogFile::Found::kEnd;
  while ((found = log.ReadAt(position)) == LogFile::Found::kBatch) {
    if (log.header().size_bytes > options.log_bytes_max - position) return;
    const record::BatchHeader& header = log.header();
    const Crc crc = record::CheckCrc(log.batch()) ? Crc::kRight : Crc::kWrong;
    PrintBatchLine(header, position, crc, report);
    if (crc == Crc::kWrong) {
      report.Problem(file.path(), position,
                     fmt::format("CRC {:08x}, the bytes of the batch at offset {} have {:08x}", header.crc,
                                 header.base_offset.value(), record::ComputeCrc(log.batch())));
    }
    if (header.base_offset < next_offset) {
      report.Problem(
          file.path(), position,
          fmt::format("base offset {} after offset {}", header.base_offset.value(), next_offset.value() - 1));
    }
    next_offset = header.next_offset();
    if (options.detail != LogDetail::kBatches) {
      DumpRecords({file.path(), position}, header, log.batch(), options, report);
    }
    position += header.size_bytes;
  }
  if (found == LogFile::Found::kError) report.Problem(file.path(), position, file.error());
  if (found != LogFile::Found::kProblem) return;
  report.Print("Found {} invalid bytes at the end of {}\n", file.size_bytes() - position, NameOf(file.path()));
  const record::BatchProblem& problem = log.problem();
  report.Problem(file.path(), problem.at_byte, problem.what);
}

}  // namespace odradek::tool
