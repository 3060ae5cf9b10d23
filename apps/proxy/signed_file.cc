#include "apps/proxy/signed_file.h"

#include <openssl/hmac.h>

#include <algorithm>
#include <array>

#include "libs/base/text.h"

namespace dt::proxy {
namespace {

constexpr std::string_view kVersion = "v1_";
constexpr size_t kSignatureLength = 3 + 43;  // the version and 32 bytes in base64url
constexpr size_t kLongestTime = 18;          // digits: no overflow

bool signable(std::string_view method, std::string_view path) {
  return (method == "GET" && path == "/files/download") || (method == "POST" && path == "/files/upload-v2");
}

bool plain_number(std::string_view text) {
  return !text.empty() && text.size() <= kLongestTime &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::optional<SignedFile> signed_file_of(const Request& request, const Target& target) {
  if (target.preview || !signable(request.method, target.runner_path)) return std::nullopt;
  auto path = request.query.get("path"), expires = request.query.get("expires"),
       signature = request.query.get("signature");
  if (!path || path->empty() || !expires || !plain_number(*expires)) return std::nullopt;
  if (!signature || signature->size() != kSignatureLength || !signature->starts_with(kVersion))
    return std::nullopt;
  return SignedFile{request.method, std::string(*path), std::string(*expires), std::string(*signature)};
}

bool expired(const SignedFile& file, Wall now) {
  int64_t until = parse_int(file.expires).value_or(0);
  int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  return until != 0 && seconds >= until;
}

bool signed_with(const SignedFile& file, std::string_view key) {
  std::string text = "v1:files:" + std::string(file.method) + ":" + file.path + ":" + file.expires;
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned size = 0;
  auto* done = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                    reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(), &size);
  CHECK(done != nullptr);
  std::string wanted =
      std::string(kVersion) + base64url_encode({reinterpret_cast<const char*>(mac.data()), size});
  return !key.empty() && constant_time_equal(wanted, file.signature);
}

std::string query_of(const SignedFile& file) { return "?path=" + percent_encode(file.path); }

}  // namespace dt::proxy
