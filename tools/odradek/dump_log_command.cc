// odradek dump-log: what the files of a data directory say.
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "tools/odradek/command.h"
#include "tools/odradek/dump/dump.h"
#include "tools/odradek/sim/arguments.h"

namespace odradek::tool {
namespace {

constexpr const char* kDumpExamples =
    R"(Files are known by their names: *.log, *.index, *.timeindex, *.txnindex, *.snapshot (producers), *.checkpoint (metadata
snapshots), *-offset-checkpoint, leader-epoch-checkpoint, partition.metadata. Indexes are compared with the .log file
beside them.

Examples:
  odradek dump-log --files data/orders-0/00000000000000000000.log --print-data-log
  odradek dump-log --files data/orders-0/00000000000000000000.index,data/orders-0/00000000000000000000.timeindex
  odradek dump-log --files data/__cluster_metadata-0/00000000000000000000.log --cluster-metadata-decoder

Exit codes: 0 every file could be read and nothing in it is wrong; 1 something is, standard error says where; 2 wrong
usage.)";

struct DumpArguments {
  std::vector<std::string> files;
  bool print_data = false;
  bool deep = false;
  bool verify_only = false;
  bool sanity_only = false;
  bool skip_metadata = false;
  bool metadata_decoder = false;
  DumpOptions options;
};

// Kafka's decoders that do not exist here: an error is better than undecoded bytes.
constexpr const char* kMissingDecoders[] = {
    "--offsets-decoder",           "--transaction-log-decoder", "--remote-log-metadata-decoder",
    "--share-group-state-decoder", "--key-decoder-class",       "--value-decoder-class"};

DumpOptions OptionsOf(const DumpArguments& arguments) {
  DumpOptions options = arguments.options;
  const bool data = arguments.print_data || arguments.metadata_decoder;
  options.detail = data ? LogDetail::kData : arguments.deep ? LogDetail::kRecords : LogDetail::kBatches;
  if (arguments.skip_metadata) options.record_metadata = RecordMetadata::kSkip;
  if (arguments.metadata_decoder) options.decoder = ValueDecoder::kClusterMetadata;
  if (arguments.verify_only) options.index_check = IndexCheck::kVerifyOnly;
  if (arguments.sanity_only) options.index_check = IndexCheck::kSanityOnly;
  return options;
}

int RunDumpLog(const DumpArguments& arguments) {
  DumpReport report(std::cout, std::cerr);
  const DumpOptions options = OptionsOf(arguments);
  for (const std::string& file : arguments.files) DumpFile(file, options, report);
  return report.problem_count() == 0 ? kExitOk : kExitFailed;
}

}  // namespace

void AddDumpLogCommand(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("dump-log", "Print segments, indexes, snapshots and checkpoints as text");
  auto arguments = std::make_shared<DumpArguments>();
  command->add_option("--files", arguments->files, "The files, separated by commas; may be repeated")
      ->delimiter(',')
      ->check(NotEmpty())
      ->required();
  command->add_flag("--print-data-log", arguments->print_data, "Also print records with their keys and values");
  command->add_flag("--deep-iteration", arguments->deep, "Also print a line for every record");
  command->add_flag("--cluster-metadata-decoder", arguments->metadata_decoder,
                    "Values are metadata records: print them by name and field");
  command->add_flag("--skip-record-metadata", arguments->skip_metadata, "Of records only keys and values");
  CLI::Option* verify = command->add_flag("--verify-index-only", arguments->verify_only,
                                          "Compare indexes with their logs without printing them");
  command->add_flag("--index-sanity-check", arguments->sanity_only, "Only what a broker checks when it loads an index")
      ->excludes(verify);
  command->add_option("--max-bytes", arguments->options.log_bytes_max, "Of each log only so many bytes of batches")
      ->check(WholeNumberFrom<int64_t>(1));
  command
      ->add_option("--max-message-size", arguments->options.message_bytes_max,
                   "Indexes are not compared with batches that are larger")
      ->check(WholeNumberFrom<int64_t>(1))
      ->capture_default_str();
  for (const char* name : kMissingDecoders) {
    command->add_flag_callback(name, [name] { throw CLI::ValidationError(name, "this decoder is not available"); })
        ->group("");
  }
  command->footer(kDumpExamples);
  command->callback([arguments, &exit_code] { exit_code = RunDumpLog(*arguments); });
}

}  // namespace odradek::tool
