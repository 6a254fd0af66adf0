# What `cmake --install` puts where: the binary, and a package that find_package(Odradek) finds.
#
# A library odradek_NAME becomes the target Odradek::NAME. What users link:
#   Odradek::engine  broker, clients and the back end on the operating system
#   Odradek::client  the client library; with Odradek::real for a program on real sockets
#   Odradek::sim     the simulator, with lab::Main() for tests of a user's own programs
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(ODRADEK_INCLUDE_DIR "${CMAKE_INSTALL_INCLUDEDIR}/odradek")
set(ODRADEK_CMAKE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/Odradek")

# Of the tools only the verbs of the simulator are for others, too.
function(odradek_install_library name)
  file(RELATIVE_PATH folder "${CMAKE_SOURCE_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}")
  if(NOT folder MATCHES "^(engine|sim|properties)(/|$)|^tools/odradek/sim$")
    return()
  endif()
  string(REGEX REPLACE "^odradek_" "" export_name "${name}")
  set_target_properties(${name} PROPERTIES EXPORT_NAME ${export_name})
  install(TARGETS ${name} EXPORT OdradekTargets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}/odradek"
    INCLUDES DESTINATION "${ODRADEK_INCLUDE_DIR}")
endfunction()

# odradek_umbrella(NAME LINKS lib...): Odradek::NAME for users, nothing but other libraries.
function(odradek_umbrella name)
  cmake_parse_arguments(arg "" "" "LINKS" ${ARGN})
  add_library(odradek_${name} INTERFACE)
  target_link_libraries(odradek_${name} INTERFACE ${arg_LINKS})
  set_target_properties(odradek_${name} PROPERTIES EXPORT_NAME ${name})
  install(TARGETS odradek_${name} EXPORT OdradekTargets)
endfunction()

# Called once, when all targets are known.
function(odradek_install_package)
  odradek_umbrella(engine LINKS odradek_broker odradek_client odradek_real)
  odradek_umbrella(sim LINKS odradek_sim_command odradek_engine)

  # What users' code must be compiled with to fit: the language, frames that cannot jump over a guard page, and what this
  # build has compiled in.
  target_compile_features(odradek_base PUBLIC cxx_std_20)
  target_compile_options(odradek_base INTERFACE "$<INSTALL_INTERFACE:-fstack-clash-protection>")
  if(ODRADEK_MUTATIONS)
    target_compile_definitions(odradek_base INTERFACE "$<INSTALL_INTERFACE:ODRADEK_MUTATIONS=1>")
  endif()
  if(ODRADEK_SANITIZE)
    target_compile_options(odradek_base INTERFACE "$<INSTALL_INTERFACE:-fsanitize=${ODRADEK_SANITIZE}>")
    target_link_options(odradek_base INTERFACE "$<INSTALL_INTERFACE:-fsanitize=${ODRADEK_SANITIZE}>")
  endif()

  install(TARGETS odradek RUNTIME)
  install(FILES "${CMAKE_BINARY_DIR}/odradek.bash" RENAME odradek
    DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions")
  install(FILES "${CMAKE_BINARY_DIR}/_odradek" DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions")
  foreach(folder engine sim properties)
    install(DIRECTORY "${CMAKE_SOURCE_DIR}/${folder}" DESTINATION "${ODRADEK_INCLUDE_DIR}" FILES_MATCHING PATTERN "*.h")
  endforeach()
  install(DIRECTORY "${CMAKE_BINARY_DIR}/sim" DESTINATION "${ODRADEK_INCLUDE_DIR}" FILES_MATCHING
    PATTERN "*.pb.h" PATTERN "CMakeFiles" EXCLUDE)
  install(DIRECTORY "${CMAKE_SOURCE_DIR}/scenarios" DESTINATION "${CMAKE_INSTALL_DATADIR}/odradek"
    FILES_MATCHING PATTERN "*.txtpb")
  install(FILES "${CMAKE_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")

  install(EXPORT OdradekTargets NAMESPACE Odradek:: DESTINATION "${ODRADEK_CMAKE_DIR}")
  configure_package_config_file("${CMAKE_SOURCE_DIR}/tools/cmake/OdradekConfig.cmake.in"
    "${CMAKE_BINARY_DIR}/OdradekConfig.cmake" INSTALL_DESTINATION "${ODRADEK_CMAKE_DIR}")
  # Before 1.0 a minor version may change what users compile against.
  write_basic_package_version_file("${CMAKE_BINARY_DIR}/OdradekConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
  install(FILES "${CMAKE_BINARY_DIR}/OdradekConfig.cmake" "${CMAKE_BINARY_DIR}/OdradekConfigVersion.cmake"
    DESTINATION "${ODRADEK_CMAKE_DIR}")
endfunction()
