#include "apps/daemon/lsp/uris.h"

#include <sys/stat.h>

#include <filesystem>

#include "libs/base/text.h"

namespace dt::daemon::lsp {
namespace {

constexpr std::string_view kScheme = "file://";

std::string_view without_scheme(std::string_view uri) {
  if (uri.starts_with(kScheme)) uri.remove_prefix(kScheme.size());
  return uri;
}

bool exists(const std::string& path) {
  struct stat st{};
  return ::stat(path.c_str(), &st) == 0;
}

}  // namespace

std::string server_uri(std::string_view path) {
  std::string out(kScheme);
  for (std::string_view part : split(path.substr(path.starts_with('/') ? 1 : 0), '/'))
    out += "/" + percent_encode(part);
  return out;
}

std::string path_of_server_uri(std::string_view uri) {
  if (!uri.starts_with("file:///")) return {};
  auto decoded = percent_decode(without_scheme(uri));
  return decoded ? *decoded : std::string(without_scheme(uri));
}

std::string absolute_path(std::string_view text, const std::string& work_dir) {
  std::filesystem::path path(without_scheme(text));
  if (path.is_relative()) path = std::filesystem::path(work_dir) / path;
  std::string out = path.lexically_normal().string();
  while (out.size() > 1 && out.ends_with('/')) out.pop_back();
  return out;
}

std::string find_path(std::string_view uri, const std::string& work_dir) {
  std::string plain = absolute_path(uri, work_dir);
  if (plain.find('%') == std::string::npos || exists(plain)) return plain;
  auto decoded = percent_decode(without_scheme(uri));
  std::string other = decoded ? absolute_path(*decoded, work_dir) : plain;
  return exists(other) ? other : plain;
}

std::string ClientNames::uri_of(const std::string& path) const {
  if (auto it = known.find(path); it != known.end()) return it->second;
  std::string out(kScheme);
  bool inside = path.starts_with(root) && (root == "/" || path.substr(root.size()).starts_with('/'));
  if (project.starts_with('/') || !inside) return out + path;
  std::string_view name = project;
  while (name.ends_with('/')) name.remove_suffix(1);
  return out.append(name) + path.substr(root == "/" ? 0 : root.size());
}

}  // namespace dt::daemon::lsp
