// What clients write into the headers and part names of transfers, and what we write into ours.
#include <cstdint>

#include "apps/daemon/files/download.h"
#include "apps/daemon/files/part_name.h"
#include "libs/base/text.h"

namespace {

using namespace dt::daemon;

void check_range(std::string_view header, uint64_t size) {
  auto range = parse_range(header, size);
  if (!range || !*range) return;
  CHECK((*range)->length > 0 && (*range)->first < size && (*range)->length <= size - (*range)->first);
}

void check_names(std::string_view name) {
  for (const std::string& written : {latin1_name(name), quoted_name(name)})
    for (size_t i = 0; i < written.size(); ++i) {
      CHECK(written[i] != '\r' && written[i] != '\n' && written[i] != '\0');
      if (written[i] == '\\')
        ++i;
      else
        CHECK(written[i] != '"');
    }
  auto back = dt::percent_decode(encoded_name(name));
  CHECK(back && *back == name);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1 || size > 4096) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  check_range(text, data[0]);
  check_range("bytes=" + std::string(text), data[0]);
  check_names(text);
  auto part = parse_part_name(text);
  if (part)
    CHECK(text == "files[" + part->index + (part->is_path ? "].path" : "].file") && !part->index.empty());
  return 0;
}
