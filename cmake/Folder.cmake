# One folder is one library. Its parts are told apart by name:
#   *.cc                  the library
#   *_test.cc             tests without gRPC: one program, ctest label `nogrpc`
#   *_service_test.cc,
#   grpc_*_test.cc        tests over in-process gRPC: a second program, label `grpc`
#   *_root_test.cc        tests that need root and skip themselves without it: a
#                         third program, label `root`
#   main.cc               the program
include(GoogleTest)

add_custom_target(nogrpc_tests)
add_custom_target(root_tests)

# so_library(so_base DEPS ...): the library of this folder, alias so::base.
# Its tests link TEST_DEPS as well.
function(so_library target)
  cmake_parse_arguments(ARG "" "" "DEPS;TEST_DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.h)
  list(FILTER sources EXCLUDE REGEX "(_test|/main)\\.cc$")
  if(sources)
    add_library(${target} STATIC ${sources} ${headers})
    set(scope PUBLIC)
    target_link_libraries(${target} PRIVATE so_warnings)
  else()
    add_library(${target} INTERFACE ${headers})
    set(scope INTERFACE)
  endif()
  target_include_directories(${target} ${scope} ${CMAKE_SOURCE_DIR})
  target_link_libraries(${target} ${scope} ${ARG_DEPS})
  string(REPLACE "so_" "so::" alias ${target})
  add_library(${alias} ALIAS ${target})

  file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cc)
  set(root_tests ${tests})
  list(FILTER root_tests INCLUDE REGEX "_root_test\\.cc$")
  list(FILTER tests EXCLUDE REGEX "_root_test\\.cc$")
  set(grpc_tests ${tests})
  list(FILTER grpc_tests INCLUDE REGEX "(_service_test|/grpc_[a-z_]*_test)\\.cc$")
  list(FILTER tests EXCLUDE REGEX "(_service_test|/grpc_[a-z_]*_test)\\.cc$")
  if(tests)
    so_test_program(${target}_test nogrpc ${target} "${tests}" "${ARG_TEST_DEPS}")
    add_dependencies(nogrpc_tests ${target}_test)
  endif()
  if(grpc_tests)
    so_test_program(${target}_grpc_test grpc ${target} "${grpc_tests}" "${ARG_TEST_DEPS}")
  endif()
  if(root_tests)
    so_test_program(${target}_root_test root ${target} "${root_tests}" "${ARG_TEST_DEPS}")
    add_dependencies(root_tests ${target}_root_test)
  endif()
endfunction()

function(so_test_program target label library sources deps)
  add_executable(${target} ${sources})
  target_link_libraries(${target} PRIVATE ${library} ${deps} so_warnings
    GTest::gtest_main GTest::gmock)
  gtest_discover_tests(${target}
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
    DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT 120 LABELS ${label})
endfunction()

# so_program(so-router DEPS so::router): the program made of this folder's main.cc.
function(so_program name)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  add_executable(${name} main.cc)
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} so_warnings)
endfunction()
