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
