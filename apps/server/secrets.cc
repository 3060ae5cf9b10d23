#include "apps/server/secrets.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <filesystem>

#include "libs/base/fd.h"
#include "libs/base/random.h"
#include "libs/base/text.h"

namespace dt::server {

Result<Secret> load_or_make_key(const std::string& path) {
  auto text = read_file(path, 4096);
  if (text && !trim(*text).empty()) return Secret(std::string(trim(*text)));
  if (!text && text.error().code != Code::not_found) return std::unexpected(std::move(text.error()));
  std::string made = "dtn_" + hex_encode(random_bytes(32));
  TRY_VOID(write_file_atomic(path, made, 0600));
  return Secret(std::move(made));
}

Result<Secrets> load_or_make_secrets(const std::string& state_dir) {
  std::string dir = state_dir + "/secrets";
  std::error_code ec;
  std::filesystem::create_directories(dir, ec);
  if (ec) return fail(Code::io, "make " + dir + ": " + ec.message());
  ::chmod(dir.c_str(), 0700);
  // Services start at the same time: one makes the keys, the others read them.
  TRY(Fd lock, open_file((dir + "/lock").c_str(), O_RDWR | O_CREAT, 0600));
  if (::flock(lock.get(), LOCK_EX) < 0) return fail_errno("lock " + dir);
  Secrets out;
  TRY(out.runner_key, load_or_make_key(dir + "/runner.key"));
  TRY(out.proxy_key, load_or_make_key(dir + "/proxy.key"));
  return out;
}

}  // namespace dt::server
