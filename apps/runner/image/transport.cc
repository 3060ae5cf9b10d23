#include "apps/runner/image/transport.h"

#include <unistd.h>

#include "apps/runner/storage/process.h"
#include "libs/base/tree.h"
#include "libs/oci/layout.h"
#include "libs/oci/reference.h"

namespace dt::runner {
namespace {

constexpr std::string_view kOci = "oci:", kArchive = "oci-archive:", kRegistry = "docker://",
                           kDockerArchive = "docker-archive:";
constexpr const char* kTag = "image";

// "/path:tag"; a path has no colon.
FetchedLayout split_tag(std::string_view text) {
  size_t colon = text.find(':');
  if (colon == text.npos) return {std::string(text), ""};
  return {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

// Registries on this machine speak plain HTTP, as every container engine takes them to.
bool local_registry(const std::string& registry) {
  return registry == "localhost" || registry.starts_with("localhost:") || registry.starts_with("127.");
}

Result<FetchedLayout> copy_by_skopeo(const std::string& source, bool plain_http, const std::string& staging) {
  std::string layout = staging + "/layout", scratch = staging + "/tmp";
  TRY_VOID(make_directory(scratch, 0700));
  std::vector<std::string> command{"skopeo",
                                   "--insecure-policy",
                                   "--command-timeout",
                                   "30m",
                                   "--tmpdir",
                                   scratch,
                                   "--override-os",
                                   "linux",
                                   "--override-arch",
                                   "amd64",
                                   "copy",
                                   "--quiet"};
  if (plain_http) command.push_back("--src-tls-verify=false");
  std::string auth = "/etc/daytona/registry-auth.json";
  if (access(auth.c_str(), R_OK) == 0) command.insert(command.end(), {"--src-authfile", auth});
  command.insert(command.end(), {source, "oci:" + layout + ":" + kTag});
  if (auto copied = run_program(command); !copied)
    return std::unexpected(std::move(copied).error().context("fetch " + source));
  return FetchedLayout{layout, kTag};
}

}  // namespace

Result<FetchedLayout> fetch_image(const std::string& source, const std::string& staging) {
  if (source.starts_with(kOci)) return split_tag(source.substr(kOci.size()));
  if (source.starts_with(kArchive)) {
    auto [path, tag] = split_tag(source.substr(kArchive.size()));
    TRY_VOID(oci::extract_archive(path, staging));
    return FetchedLayout{staging, tag};
  }
  if (source.starts_with(kDockerArchive)) return copy_by_skopeo(source, false, staging);
  if (source.starts_with(kRegistry)) {
    TRY(auto ref, oci::Reference::parse(source.substr(kRegistry.size())));
    if (!ref.digest.empty()) ref.tag.clear();  // skopeo takes one of the two
    return copy_by_skopeo(std::string(kRegistry) + ref.str(), local_registry(ref.registry), staging);
  }
  return fail(Code::bad_request, "unknown kind of image source: " + source +
                                     " (oci:, oci-archive:, docker-archive: or docker://)");
}

}  // namespace dt::runner
