// How documents are named. Clients send `file://` and a path as a person wrote it: not encoded, and relative
// to the work dir when it does not begin with '/' ("file://project/sample.py"). Servers get and send real
// URIs (RFC 3986, absolute, percent-encoded). What goes back to clients is in their form: the text that they
// used for the document, else relative when they named the project so.
#pragma once
#include <map>
#include <string>
#include <string_view>

namespace dt::daemon::lsp {

std::string server_uri(std::string_view path);         // of an absolute path
std::string path_of_server_uri(std::string_view uri);  // "" when it is none of a file

// The absolute path that a client's URI means; an existing file is found by its encoded name too. Blocks
// (stat).
std::string find_path(std::string_view uri, const std::string& work_dir);
// Without looking at the disk: of a project's directory.
std::string absolute_path(std::string_view text, const std::string& work_dir);

struct ClientNames {
  std::string project;                       // as the client says it, without file://
  std::string root;                          // its absolute path
  std::map<std::string, std::string> known;  // path to URI, of documents
  std::string uri_of(const std::string& path) const;
};

}  // namespace dt::daemon::lsp
