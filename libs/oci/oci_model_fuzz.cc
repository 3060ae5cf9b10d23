#include "libs/oci/model.h"
#include "libs/oci/reference.h"
#include "libs/oci/root_tree.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dt::oci;
  if (size == 0) return 0;
  std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 5) {
    case 0:
      (void)parse_manifest(text);
      break;
    case 1:
      (void)parse_config(text);
      break;
    case 2:
      if (auto entries = parse_index(text)) (void)choose_platform(*entries);
      break;
    case 3:
      if (auto ref = Reference::parse(text)) {
        auto again = Reference::parse(ref->str());
        if (!again || !(*again == *ref)) __builtin_trap();
      }
      break;
    default:
      if (auto path = clean_path(text);
          path && (path->starts_with('/') || ("/" + *path + "/").find("/../") != std::string::npos))
        __builtin_trap();
  }
  return 0;
}
