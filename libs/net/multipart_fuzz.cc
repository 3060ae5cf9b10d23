// Multipart bodies: the parts must not depend on where the input was cut.
#include <cstdint>

#include "libs/net/multipart.h"

namespace {

using namespace dt;

class Steps final : public BodyReader {
 public:
  Steps(std::string_view text, size_t step) : text_(text), step_(step) {}
  Task<Result<std::string_view>> next() override {
    std::string_view piece = text_.substr(0, step_);
    text_.remove_prefix(piece.size());
    co_return piece;
  }
  std::optional<uint64_t> length() const override { return std::nullopt; }

 private:
  std::string_view text_;
  size_t step_;
};

Task<std::string> parts(std::string_view text, size_t step) {
  Steps body(text, step);
  MultipartReader reader(body, "B");
  std::string out;
  for (;;) {
    auto part = co_await reader.next_part();
    if (!part) co_return "failed";
    if (!*part) co_return out;
    out += "<" + (*part)->name + "|" + (*part)->filename.value_or("-") + ">";
    for (;;) {
      auto piece = co_await reader.read();
      if (!piece) co_return "failed";
      if (piece->empty()) break;
      out += *piece;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1 || size > 15'000) return 0;
  static dt::Loop loop;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string whole = loop.run_until(parts(text, text.size() + 1));
  CHECK(whole == loop.run_until(parts(text, 1)));
  CHECK(whole == loop.run_until(parts(text, 2 + data[0] % 30)));
  return 0;
}
