# g++ 12 miscompiles ordinary co_await shapes (docs/adr/001), so the build refuses anything but clang >= 19.
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR "This project is built with clang 19 or newer (Debian package clang-19). "
    "Configure with a preset: cmake --preset release")
endif()
