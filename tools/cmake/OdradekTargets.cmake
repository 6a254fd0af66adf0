include("${CMAKE_CURRENT_LIST_DIR}/OdradekInstall.cmake")

# odradek_library(NAME [LINKS lib...] [SUBDIRS dir...]): the library of the current folder, of all its *.cc files.
function(odradek_library name)
  cmake_parse_arguments(arg "" "" "LINKS;SUBDIRS" ${ARGN})
  set(patterns "${CMAKE_CURRENT_SOURCE_DIR}/*.cc")
  foreach(sub IN LISTS arg_SUBDIRS)
    list(APPEND patterns "${CMAKE_CURRENT_SOURCE_DIR}/${sub}/*.cc")
  endforeach()
  file(GLOB sources CONFIGURE_DEPENDS ${patterns})
  if(sources)
    add_library(${name} STATIC ${sources})
    set(scope PUBLIC)
    set_target_properties(${name} PROPERTIES UNITY_BUILD ${ODRADEK_UNITY} UNITY_BUILD_BATCH_SIZE 8)
  else()
    add_library(${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${name} ${scope} "$<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}>")
  target_link_libraries(${name} ${scope} ${arg_LINKS})
  odradek_install_library(${name})
  # For the link tests of tests/tools/tidy.
  set_property(GLOBAL APPEND PROPERTY ODRADEK_LIBRARIES ${name})
endfunction()

# odradek_test(NAME LINKS lib... [LABEL label] [FILES file...]): one test binary of the *_test.cc files of the current
# folder; every TEST is a ctest test of its own.
function(odradek_test name)
  cmake_parse_arguments(arg "" "LABEL" "LINKS;FILES" ${ARGN})
  if(arg_FILES)
    set(sources ${arg_FILES})
  else()
    file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*_test.cc")
  endif()
  if(NOT sources)
    message(FATAL_ERROR "odradek_test(${name}): no *_test.cc in ${CMAKE_CURRENT_SOURCE_DIR}")
  endif()
  add_executable(${name} ${sources})
  set_target_properties(${name} PROPERTIES UNITY_BUILD ${ODRADEK_UNITY} UNITY_BUILD_BATCH_SIZE 6)
  target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}" "${CMAKE_BINARY_DIR}")
  target_link_libraries(${name} PRIVATE ${arg_LINKS} GTest::gmock GTest::gtest_main rapidcheck rapidcheck_gtest)
  if(NOT arg_LABEL)
    set(arg_LABEL unit)
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}"
    PROPERTIES LABELS "${arg_LABEL}" ENVIRONMENT "RC_PARAMS=seed=20261121")
endfunction()
include(GoogleTest)

# odradek_proto(NAME file.proto...): C++ of protobuf files of the current folder, included as "sim/nemesis/plan.pb.h" and
# imported by other .proto files with the same path. LINKS: other odradek_proto libraries that are imported.
function(odradek_proto name)
  cmake_parse_arguments(arg "" "" "FILES;LINKS" ${ARGN})
  set(outputs)
  foreach(file IN LISTS arg_FILES)
    file(RELATIVE_PATH relative "${CMAKE_SOURCE_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
    string(REGEX REPLACE "\\.proto$" "" stem "${relative}")
    add_custom_command(
      OUTPUT "${CMAKE_BINARY_DIR}/${stem}.pb.cc" "${CMAKE_BINARY_DIR}/${stem}.pb.h"
      COMMAND protobuf::protoc --cpp_out=${CMAKE_BINARY_DIR} -I ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/${relative}
      DEPENDS "${CMAKE_SOURCE_DIR}/${relative}" VERBATIM)
    list(APPEND outputs "${CMAKE_BINARY_DIR}/${stem}.pb.cc")
  endforeach()
  add_library(${name} STATIC ${outputs})
  target_include_directories(${name} PUBLIC "$<BUILD_INTERFACE:${CMAKE_BINARY_DIR}>")
  target_link_libraries(${name} PUBLIC protobuf::libprotobuf ${arg_LINKS})
  odradek_install_library(${name})
endfunction()
