#include "tests/fuzz/fuzz.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

namespace odradek::fuzz {
namespace {

constexpr std::string_view kSeedsFlag = "--seeds=";

void WriteSeeds(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  const std::vector<std::string> seeds = Seeds();
  for (size_t i = 0; i < seeds.size(); ++i) {
    if (!Understands(AsBytes(seeds[i]))) {
      std::cerr << "seed " << i << " of " << seeds.size() << " was not understood\n";
      std::exit(1);
    }
    std::ofstream out(folder / ("seed-" + std::to_string(i)), std::ios::binary);
    out << seeds[i];
    if (!out.flush()) {
      std::cerr << folder << ": seed " << i << " cannot be written\n";
      std::exit(1);
    }
  }
  std::cerr << seeds.size() << " seeds, each understood\n";
}

}  // namespace
}  // namespace odradek::fuzz

// What the sanitizer keeps beyond the input that made it is of no use and is most of what an input costs: freed memory
// of earlier inputs, the whole stack of every allocation (ASAN_OPTIONS=malloc_context_size=30 has it, when a finding is
// run again), a shadow of fiber stacks that is larger than the caches.
extern "C" const char* __asan_default_options() {
  return "quarantine_size_mb=4:malloc_context_size=4:max_uar_stack_size_log=16";
}

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  using odradek::fuzz::kSeedsFlag;
  for (int i = 1; i < *argc; ++i) {
    const std::string_view argument = (*argv)[i];
    if (!argument.starts_with(kSeedsFlag)) continue;
    (*argv)[i] += kSeedsFlag.size();
    odradek::fuzz::WriteSeeds((*argv)[i]);
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  odradek::fuzz::Understands({reinterpret_cast<const std::byte*>(data), size});
  return 0;
}
