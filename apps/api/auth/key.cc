#include "apps/api/auth/key.h"

#include <openssl/sha.h>

#include "libs/base/random.h"
#include "libs/base/text.h"

namespace dt::api {

KeyDigest digest_of(std::string_view key) {
  KeyDigest out;
  SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(),
         reinterpret_cast<unsigned char*>(out.data()));
  return out;
}

std::string hex_of(const KeyDigest& digest) { return hex_encode({digest.data(), digest.size()}); }
std::string generate_key() { return "dtn_" + hex_encode(random_bytes(32)); }

std::string masked_key(std::string_view prefix, std::string_view suffix) {
  return std::string(prefix) + std::string(20, '*') + std::string(suffix);
}

}  // namespace dt::api
