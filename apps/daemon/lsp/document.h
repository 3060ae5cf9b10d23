// Documents as they are on disk: what servers are told, and which files a search in a project has to look at.
// All of it blocks.
#pragma once
#include <sys/stat.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/daemon/lsp/languages.h"

namespace dt::daemon::lsp {

inline constexpr uint64_t kLargestDocument = 8u << 20;

struct FileStamp {
  uint64_t device = 0, inode = 0, size = 0;
  int64_t seconds = 0, nanoseconds = 0;  // of the last change
  bool operator==(const FileStamp&) const = default;
};

struct DocumentText {
  FileStamp stamp;
  std::optional<std::string> json;  // the text as a JSON string; none: it is still as `known` says
};
// Fails (bad_request) when there is no such file, or no text of a bearable size in it.
Result<DocumentText> read_document(const std::string& path, const std::optional<FileStamp>& known);

// Files of the language below a directory whose text contains `query` (lower case ASCII) in any case, by
// path. A name that contains the query is in the text, so other files need not be asked for their symbols.
// Bounded in directories, files and bytes; skips hidden directories, packages that others wrote, large files
// and links.
std::vector<std::string> files_mentioning(const std::string& root, const Language& language,
                                          std::string_view query);

}  // namespace dt::daemon::lsp
