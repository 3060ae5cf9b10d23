#include "apps/daemon/ssh/server/host_key.h"

#include <openssl/evp.h>

#include <memory>

#include "apps/daemon/ssh/sftp/wire.h"
#include "libs/base/text.h"

namespace dt::ssh {
namespace {

constexpr std::string_view kType = "ssh-ed25519";

Result<std::string> public_half(std::string_view seed) {
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr,
                                   reinterpret_cast<const unsigned char*>(seed.data()), seed.size()),
      EVP_PKEY_free);
  std::string out(32, '\0');
  size_t size = out.size();
  if (!key ||
      EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char*>(out.data()), &size) != 1)
    return fail(Code::internal, "no host key can be made");
  return out;
}

// The format of OpenSSH's key files ("openssh-key-v1"), which is what libssh can import.
std::string key_file(std::string_view seed, std::string_view public_key) {
  std::string shown;
  put_string(shown, kType);
  put_string(shown, public_key);
  std::string secret;
  put_u32(secret, 0);  // two equal check numbers
  put_u32(secret, 0);
  secret += shown;
  put_string(secret, std::string(seed) + std::string(public_key));
  put_string(secret, "");  // comment
  for (char pad = 1; secret.size() % 8 != 0; ++pad) secret += pad;

  std::string out("openssh-key-v1\0", 15);
  put_string(out, "none");  // cipher
  put_string(out, "none");  // key derivation
  put_string(out, "");
  put_u32(out, 1);
  put_string(out, shown);
  put_string(out, secret);
  constexpr std::string_view kEnd = " OPENSSH PRIVATE KEY-----\n";
  std::string text = "-----BEGIN";
  text += kEnd;
  text += base64_encode(out) + "\n-----END";
  text += kEnd;
  return text;
}

}  // namespace

Result<ssh_key> host_key(std::string_view seed) {
  TRY(std::string public_key, public_half(seed));
  ssh_key key = nullptr;
  if (ssh_pki_import_privkey_base64(key_file(seed, public_key).c_str(), nullptr, nullptr, nullptr, &key) !=
      SSH_OK)
    return fail(Code::internal, "the host key is refused");
  return key;
}

}  // namespace dt::ssh
