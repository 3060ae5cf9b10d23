#include "libs/oci/digest.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "libs/base/text.h"

namespace dt::oci {

struct Sha256::Impl {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~Impl() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {
  CHECK(EVP_DigestInit_ex(impl_->context, EVP_sha256(), nullptr) == 1);
}
Sha256::~Sha256() = default;

void Sha256::update(const void* data, size_t size) {
  CHECK(EVP_DigestUpdate(impl_->context, data, size) == 1);
}

Digest Sha256::finish() {
  std::array<unsigned char, 32> raw{};
  unsigned size = 0;
  CHECK(EVP_DigestFinal_ex(impl_->context, raw.data(), &size) == 1 && size == raw.size());
  Digest digest;
  digest.hex_ = hex_encode({reinterpret_cast<const char*>(raw.data()), raw.size()});
  return digest;
}

Result<Digest> Digest::parse(std::string_view text) {
  auto hex = text.starts_with("sha256:") ? text.substr(7) : std::string_view();
  bool good = hex.size() == 64 && std::ranges::all_of(hex, [](char c) {
                return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
              });
  if (!good) return fail(Code::bad_request, "not a sha256 digest: " + std::string(text.substr(0, 100)));
  Digest digest;
  digest.hex_ = hex;
  return digest;
}

Digest Digest::of(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes.data(), bytes.size());
  return hash.finish();
}

}  // namespace dt::oci
