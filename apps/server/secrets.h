// Keys between our own services: made once, kept in <state_dir>/secrets (0700, files 0600), never in a
// configuration file.
#pragma once
#include "libs/base/error.h"
#include "libs/base/secret.h"

namespace dt::server {

struct Secrets {
  Secret runner_key;
  Secret proxy_key;
};
// The key in a file, made (0600, durable) when there is none.
Result<Secret> load_or_make_key(const std::string& path);
Result<Secrets> load_or_make_secrets(const std::string& state_dir);

}  // namespace dt::server
