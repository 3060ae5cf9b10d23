# The target dt_libgit2: libgit2 of Debian 13's source, static, for daytona-git (docs/adr/011). Debian 12's own is too
# old: no TLS 1.3, no shallow clones, no RSA keys. libssh2 is not used: SSH is a transport of ours.
# DT_LIBGIT2_SOURCE may name a folder with the source; else it is fetched once (debian_source.py).
set(DT_LIBGIT2_SOURCE "" CACHE PATH "unpacked source of libgit2 1.9")
set(DT_LIBGIT2_FOLDER "${DT_LIBGIT2_SOURCE}")
if(NOT DT_LIBGIT2_FOLDER)
  execute_process(COMMAND python3 ${PROJECT_SOURCE_DIR}/cmake/debian_source.py trixie libgit2 1.9
    OUTPUT_VARIABLE DT_LIBGIT2_FOLDER OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "libgit2's source is missing (above). -DDT_LIBGIT2_SOURCE=FOLDER names another place.")
  endif()
endif()
find_library(DT_LIBSSL_A libssl.a REQUIRED)
find_library(DT_LIBCRYPTO_A libcrypto.a REQUIRED)
find_library(DT_LIBZ_A libz.a REQUIRED)
find_library(DT_LIBHTTP_PARSER_A libhttp_parser.a REQUIRED)

set(generated ${PROJECT_BINARY_DIR}/libgit2)
# Its options for a static glibc program on 64-bit Linux. Regular expressions are the C library's.
set(GIT_THREADS 1)
set(GIT_ARCH_64 1)
set(GIT_USE_NSEC 1)
set(GIT_USE_STAT_MTIM 1)
set(GIT_USE_FUTIMENS 1)
set(GIT_REGEX_REGCOMP 1)
set(GIT_QSORT_GNU 1)
set(GIT_HTTPS 1)
set(GIT_OPENSSL 1)
set(GIT_HTTPPARSER_HTTPPARSER 1)
set(GIT_SHA1_COLLISIONDETECT 1)
set(GIT_SHA256_OPENSSL 1)
set(GIT_COMPRESSION_ZLIB 1)
set(GIT_RAND_GETENTROPY 1)
set(GIT_IO_POLL 1)
configure_file(${DT_LIBGIT2_FOLDER}/src/util/git2_features.h.in ${generated}/git2_features.h)
configure_file(${DT_LIBGIT2_FOLDER}/src/libgit2/experimental.h.in ${generated}/git2/experimental.h)

set(src ${DT_LIBGIT2_FOLDER}/src)
file(GLOB libgit2_sources ${src}/libgit2/*.c ${src}/libgit2/streams/*.c ${src}/libgit2/transports/*.c
  ${src}/util/*.c ${src}/util/allocators/*.c ${src}/util/unix/*.c ${src}/util/hash/collisiondetect.c
  ${src}/util/hash/sha1dc/*.c ${src}/util/hash/openssl.c ${DT_LIBGIT2_FOLDER}/deps/xdiff/*.c)
# How it follows redirects is ours.
set(redirect ${PROJECT_SOURCE_DIR}/apps/daemon/git/program/redirect.c)
set_source_files_properties(${src}/libgit2/transports/http.c PROPERTIES
  COMPILE_DEFINITIONS git_net_url_apply_redirect=dt_git_apply_redirect)
add_library(dt_libgit2 STATIC EXCLUDE_FROM_ALL ${libgit2_sources} ${redirect})
target_include_directories(dt_libgit2 PRIVATE ${generated} ${src}/libgit2 ${src}/util ${DT_LIBGIT2_FOLDER}/deps/xdiff)
target_include_directories(dt_libgit2 SYSTEM PUBLIC ${generated} ${DT_LIBGIT2_FOLDER}/include)
target_compile_definitions(dt_libgit2 PRIVATE OPENSSL_API_COMPAT=0x10100000L SHA1DC_NO_STANDARD_INCLUDES=1
  SHA1DC_CUSTOM_INCLUDE_SHA1_C="git2_util.h" SHA1DC_CUSTOM_INCLUDE_UBC_CHECK_C="git2_util.h")
# Neither our warnings nor our sanitizers: the code is not ours.
set_target_properties(dt_libgit2 PROPERTIES C_STANDARD 99 C_EXTENSIONS OFF
  COMPILE_OPTIONS "-w;-O2;-g1;-ffunction-sections;-fdata-sections;-fno-omit-frame-pointer")
target_link_libraries(dt_libgit2 PRIVATE ${DT_LIBHTTP_PARSER_A} ${DT_LIBSSL_A} ${DT_LIBCRYPTO_A} ${DT_LIBZ_A})
