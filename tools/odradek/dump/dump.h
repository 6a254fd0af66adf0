// What `odradek dump-log` does: prints a file of a data directory as text, in the layout of Kafka's own tool, so that
// what reads that output reads ours. Blocking reads of files; for tools only.
//
//  1. Bytes are input: whatever a file holds, the rest of it is printed as far as it can be found, and every problem is
//     reported with the file and the byte where it stands.
//  2. No more memory than the largest batch needs, and nothing that the size of the file does not justify.
//
// Source: FEATURES 3 and 4.1; Kafka's DumpLogSegments.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace odradek::tool {

enum class LogDetail : uint8_t {
  kBatches,  // a line per batch
  kRecords,  // and one per record: its numbers
  kData,     // and its key and value
};
enum class RecordMetadata : uint8_t { kPrint, kSkip };
enum class ValueDecoder : uint8_t { kText, kClusterMetadata };
enum class IndexCheck : uint8_t {
  kPrint,       // entries are printed and compared with the log
  kVerifyOnly,  // compared
  kSanityOnly,  // only what a broker looks at when it loads the index
};

struct DumpOptions {
  LogDetail detail = LogDetail::kBatches;
  RecordMetadata record_metadata = RecordMetadata::kPrint;
  ValueDecoder decoder = ValueDecoder::kText;
  IndexCheck index_check = IndexCheck::kPrint;
  // Of a .log file, the batches that end within so many bytes are printed.
  int64_t log_bytes_max = std::numeric_limits<int64_t>::max();
  // An index that points at a larger batch is not compared with it.
  int64_t message_bytes_max = int64_t{5} << 20;
};

// Where the text goes. Problems are counted: they decide the exit code.
class DumpReport {
 public:
  DumpReport(std::ostream& out, std::ostream& errors) : out_(out), errors_(errors) {}

  void Text(std::string_view text) { out_ << text; }
  template <typename... Args>
  void Print(fmt::format_string<Args...> format, Args&&... args) {
    out_ << fmt::format(format, std::forward<Args>(args)...);
  }
  // What is wrong in `path`; `at_byte` counts from its start.
  void Problem(std::string_view path, int64_t at_byte, std::string_view what) {
    Problem(path, fmt::format("byte {}: {}", at_byte, what));
  }
  void Problem(std::string_view path, std::string_view what);
  int64_t problem_count() const { return problem_count_; }

 private:
  std::ostream& out_;
  std::ostream& errors_;
  int64_t problem_count_ = 0;
};

// Prints the file; its name says what it is.
void DumpFile(const std::string& path, const DumpOptions& options, DumpReport& report);

}  // namespace odradek::tool
