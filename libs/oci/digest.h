// Content digests. Only sha256 is taken: it is what every registry uses.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "libs/base/error.h"

namespace dt::oci {

class Digest {
 public:
  static Result<Digest> parse(std::string_view text);  // "sha256:" and 64 lower-case hex digits
  static Digest of(std::string_view bytes);
  std::string str() const { return "sha256:" + hex_; }
  const std::string& hex() const { return hex_; }
  auto operator<=>(const Digest&) const = default;

 private:
  friend class Sha256;
  std::string hex_;
};

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(const void* data, size_t size);
  Digest finish();  // once

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dt::oci
