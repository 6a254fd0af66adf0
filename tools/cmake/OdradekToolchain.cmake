# Compiler, linker and flags, the same for every target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
# No build type defines NDEBUG: assertions stay on in every build (DESIGN.md).
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
set(CMAKE_CXX_FLAGS_TEST "-O1 -g1")

add_compile_options(
  -Wall -Wextra -Werror -Wnon-virtual-dtor -Woverloaded-virtual
  # Options structs are filled by name; what is not named keeps its default.
  -Wno-missing-field-initializers
  -fno-omit-frame-pointer
  # A frame larger than the guard page must fault instead of jumping over it into a neighbour's stack.
  -fstack-clash-protection
  # Decisions never use floating point, reports do: the same digits from every compiler.
  -ffp-contract=off)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False positives of g++ 12 in libstdc++ and Abseil at -O1 and above.
  add_compile_options(-Wno-restrict -Wno-stringop-overflow -Wno-maybe-uninitialized -Wno-array-bounds
                      -Wno-dangling-pointer -Wno-stringop-overread)
endif()
if(ODRADEK_SANITIZE)
  add_compile_options(-fsanitize=${ODRADEK_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${ODRADEK_SANITIZE})
endif()
if(ODRADEK_MUTATIONS)
  add_compile_definitions(ODRADEK_MUTATIONS=1)
endif()
add_link_options(-fuse-ld=mold)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
endif()

find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS context)
find_package(absl REQUIRED)
find_package(Protobuf REQUIRED)
find_package(GTest REQUIRED)
find_package(rapidcheck REQUIRED)
find_package(benchmark REQUIRED)
find_package(spdlog REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Snappy REQUIRED)
find_package(zstd REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(lz4 REQUIRED IMPORTED_TARGET liblz4)
