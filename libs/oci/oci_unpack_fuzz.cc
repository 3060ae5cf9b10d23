// Hostile layers into a directory beside a file that must stay as it is. Needs root; run it on a tmpfs
// (DT_FUZZ_DIR).
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "libs/base/fd.h"
#include "libs/oci/unpack.h"

namespace fs = std::filesystem;

static const std::string& base() {
  static const std::string path = [] {
    const char* chosen = getenv("DT_FUZZ_DIR");
    std::string made = std::string(chosen ? chosen : "/tmp") + "/dt-unpack-fuzz-" + std::to_string(getpid());
    fs::create_directories(made);
    std::ofstream(made + "/precious") << "kept";
    return made;
  }();
  return path;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string root = base() + "/root";
  fs::create_directory(root);
  dt::Fd blob(memfd_create("layer", MFD_CLOEXEC));
  if (write(blob.get(), data, size) < 0 || lseek(blob.get(), 0, SEEK_SET) < 0) return 0;
  dt::oci::UnpackStats stats;
  dt::oci::UnpackLimits limits{.bytes = 1 << 20, .entries = 1000};
  (void)dt::oci::unpack_layer(
      root, blob.get(), dt::oci::Digest::of({reinterpret_cast<const char*>(data), size}), limits, stats);
  fs::remove_all(root);
  bool alone = std::distance(fs::directory_iterator(base()), {}) == 1;
  if (!alone || dt::read_file(base() + "/precious").value_or("") != "kept") __builtin_trap();
  return 0;
}
