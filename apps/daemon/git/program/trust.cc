#include "apps/daemon/git/program/trust.h"

#include <openssl/ssl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>

#include "libs/base/fd.h"

extern "C" const char dt_authorities[];
extern "C" const unsigned long dt_authorities_size;

namespace dt::git {
namespace {

// Debian and Alpine, Fedora, SUSE, others.
constexpr std::array kBundles = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/etc/pki/tls/cert.pem",
};

bool is_set(const char* name) {
  const char* value = ::getenv(name);
  return value && *value;
}

// OpenSSL's default locations can be set by these two variables only.
void use(const char* file) { ::setenv("SSL_CERT_FILE", file, 1); }

Status use_own_bundle() {
  Fd fd(::memfd_create("authorities", MFD_CLOEXEC));
  if (!fd) return fail_errno("memfd");
  TRY_VOID(write_all(fd.get(), std::string_view(dt_authorities, dt_authorities_size)));
  use(("/proc/self/fd/" + std::to_string(fd.release())).c_str());  // as long as the program runs
  return {};
}

}  // namespace

void trust_nobody() {
  OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  use("/dev/null");
}

Status trust_authorities() {
  OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  if (is_set("SSL_CERT_FILE") || is_set("SSL_CERT_DIR")) return {};
  if (is_set("GIT_SSL_CAINFO")) {
    use(::getenv("GIT_SSL_CAINFO"));
    return {};
  }
  for (const char* bundle : kBundles) {
    if (::access(bundle, R_OK) != 0) continue;
    use(bundle);
    return {};
  }
  return use_own_bundle();
}

}  // namespace dt::git
