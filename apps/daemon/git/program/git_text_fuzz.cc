// Addresses, lines of a credential store and names of files, as they come from requests and from files of the
// sandbox.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "apps/daemon/git/program/credential_store.h"
#include "apps/daemon/git/program/paths.h"
#include "apps/daemon/git/program/url.h"

using namespace dt::git;

static void check(bool good) {
  if (!good) std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto url = parse_url(text)) {
    check(!url->host.starts_with('-'));
    // What would be stored is an address again, and of HTTP without user and password.
    auto again = parse_url(url->text);
    check(again && again->text == url->text);
    if (url->kind == Url::Kind::http) check(again->user.empty() && !again->has_password);
  }
  if (auto line = parse_credential(text)) {
    auto back = parse_credential(format_credential(*line));
    check(back && back->user == line->user && back->password == line->password && back->host == line->host);
  }
  if (auto path = path_in_worktree("/root/", text)) {
    check(!path->starts_with('/') && *path != ".." && !path->starts_with("../"));
    check(path->find("/../") == path->npos && !path->ends_with("/.."));
  }
  return 0;
}
