#include "apps/daemon/lsp/document.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <filesystem>

#include "libs/base/fd.h"
#include "libs/base/text.h"
#include "libs/codec/json.h"

namespace dt::daemon::lsp {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostEntries = 200'000;     // of directories
constexpr size_t kMostFiles = 20'000;        // read
constexpr uint64_t kMostBytes = 512u << 20;  // read
constexpr size_t kMostFound = 200;
constexpr uint64_t kLargestSearched = 1u << 20;
constexpr std::array<std::string_view, 5> kForeign = {"node_modules", "site-packages", "__pycache__",
                                                      "vendor", "target"};

struct Opened {
  Fd fd;
  struct stat st{};
};

Result<Opened> open_text(const std::string& path) {
  Opened out;
  // O_NONBLOCK: a FIFO without a writer must not hold a worker.
  out.fd = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!out.fd || ::fstat(out.fd.get(), &out.st) < 0)
    return fail(Code::bad_request, "cannot read " + path + ": " + std::strerror(errno));
  if (!S_ISREG(out.st.st_mode))
    return fail(Code::bad_request, "cannot read " + path + ": not a regular file");
  return out;
}

FileStamp stamp_of(const struct stat& st) {
  return {st.st_dev, st.st_ino, static_cast<uint64_t>(st.st_size), st.st_mtim.tv_sec, st.st_mtim.tv_nsec};
}

// What others wrote, or what was made: Python environments have a pyvenv.cfg.
bool is_foreign(const fs::path& directory) {
  std::string name = directory.filename().string();
  std::error_code error;
  return name.starts_with('.') || std::ranges::find(kForeign, name) != kForeign.end() ||
         fs::exists(directory / "pyvenv.cfg", error);
}

class Search {
 public:
  Search(const Language& language, std::string_view query) : language_(language), query_(query) {}

  void run(const std::string& root) {
    directories_.emplace_back(root);
    while (!directories_.empty() && !done()) {
      fs::path next = std::move(directories_.front());
      directories_.pop_front();
      list(next);
    }
  }
  std::vector<std::string> found;

 private:
  bool done() const {
    return entries_ >= kMostEntries || files_ >= kMostFiles || bytes_ >= kMostBytes ||
           found.size() >= kMostFound;
  }

  void list(const fs::path& directory) {
    std::error_code error;
    std::vector<fs::path> here, below;
    for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
      if (++entries_ >= kMostEntries) break;
      auto type = it->symlink_status(error).type();
      if (type == fs::file_type::directory) below.push_back(it->path());
      if (type == fs::file_type::regular && has_extension(language_, it->path().native()))
        here.push_back(it->path());
    }
    std::ranges::sort(here);
    std::ranges::sort(below);
    for (const fs::path& file : here)
      if (!done() && mentions(file.string())) found.push_back(file.string());
    for (fs::path& sub : below)
      if (!is_foreign(sub)) directories_.push_back(std::move(sub));
  }

  bool mentions(const std::string& path) {
    auto file = open_text(path);
    if (!file || static_cast<uint64_t>(file->st.st_size) > kLargestSearched) return false;
    auto text = read_all(file->fd.get(), kLargestSearched);
    if (!text) return false;
    ++files_;
    bytes_ += text->size();
    return lower(*text).find(query_) != std::string::npos;
  }

  const Language& language_;
  std::string_view query_;
  std::deque<fs::path> directories_;
  size_t entries_ = 0, files_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace

Result<DocumentText> read_document(const std::string& path, const std::optional<FileStamp>& known) {
  TRY(Opened file, open_text(path));
  DocumentText out{.stamp = stamp_of(file.st), .json = {}};
  if (known && *known == out.stamp) return out;
  if (out.stamp.size > kLargestDocument)
    return fail(Code::bad_request, "cannot open " + path + ": it has " + std::to_string(out.stamp.size) +
                                       " bytes, more than " + std::to_string(kLargestDocument >> 20) +
                                       " MiB");
  auto text = read_all(file.fd.get(), kLargestDocument + 1);
  if (!text) return fail(Code::bad_request, "cannot read " + path + ": " + text.error().message);
  out.json = json::quote(*text);
  return out;
}

std::vector<std::string> files_mentioning(const std::string& root, const Language& language,
                                          std::string_view query) {
  Search search(language, query);
  search.run(root);
  return std::move(search.found);
}

}  // namespace dt::daemon::lsp
