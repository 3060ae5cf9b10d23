#include "libs/oci/reference.h"

#include <algorithm>
#include <cctype>

#include "libs/base/text.h"
#include "libs/oci/digest.h"

namespace dt::oci {
namespace {

bool lower_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// Lower-case letters and digits, separated by one '.', one or two '_', or any number of '-'.
bool good_component(std::string_view part) {
  if (part.empty() || !lower_alnum(part.front()) || !lower_alnum(part.back())) return false;
  for (size_t i = 0; i < part.size(); ++i) {
    if (lower_alnum(part[i]) || part[i] == '-') continue;
    if (part[i] == '.' && lower_alnum(part[i + 1])) continue;
    if (part[i] == '_' && (lower_alnum(part[i + 1]) || (part[i + 1] == '_' && lower_alnum(part[i + 2]))))
      continue;
    return false;
  }
  return true;
}

bool good_tag(std::string_view tag) {
  auto word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
  return !tag.empty() && tag.size() <= 128 && word(tag[0]) &&
         std::ranges::all_of(tag, [&](char c) { return word(c) || c == '.' || c == '-'; });
}

bool good_registry(std::string_view host) {
  size_t colon = host.rfind(':');
  if (colon != host.npos && !host.ends_with(']')) {
    auto port = parse_int(host.substr(colon + 1));
    if (!port || *port < 1 || *port > 65535) return false;
    host = host.substr(0, colon);
  }
  return !host.empty() && std::ranges::all_of(host, [](unsigned char c) {
    return std::isalnum(c) || c == '.' || c == '-' || c == '[' || c == ']' || c == ':';
  });
}

bool is_registry(std::string_view first) {
  return first == "localhost" || first.find_first_of(".:") != first.npos;
}

}  // namespace

Result<Reference> Reference::parse(std::string_view text) {
  auto bad = [&](const char* why) {
    return fail(Code::bad_request,
                "not an image name: " + std::string(text.substr(0, 200)) + " (" + why + ")");
  };
  if (text.empty() || text.size() > 512) return bad("its length");
  Reference ref;
  std::string_view rest = text;
  if (size_t at = rest.find('@'); at != rest.npos) {
    auto digest = Digest::parse(rest.substr(at + 1));
    if (!digest) return bad("its digest");
    ref.digest = digest->str();
    rest = rest.substr(0, at);
  }
  size_t slash = rest.find('/');
  ref.registry = "docker.io";
  if (slash != rest.npos && is_registry(rest.substr(0, slash))) {
    ref.registry = rest.substr(0, slash);
    rest = rest.substr(slash + 1);
    if (!good_registry(ref.registry)) return bad("its registry");
  }
  if (size_t colon = rest.rfind(':'); colon != rest.npos) {
    ref.tag = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
    if (!good_tag(ref.tag)) return bad("its tag");
  }
  if (ref.tag.empty() && ref.digest.empty()) ref.tag = "latest";
  if (!std::ranges::all_of(split(rest, '/'), good_component)) return bad("its repository");
  ref.repository = ref.registry == "docker.io" && rest.find('/') == rest.npos ? "library/" + std::string(rest)
                                                                              : std::string(rest);
  if (ref.repository.size() > 255) return bad("its length");
  return ref;
}

std::string Reference::str() const {
  return registry + "/" + repository + (tag.empty() ? "" : ":" + tag) + (digest.empty() ? "" : "@" + digest);
}

}  // namespace dt::oci
