#include "apps/daemon/recordings/recording.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "apps/daemon/http/timestamp.h"
#include "libs/base/text.h"
#include "libs/codec/codec.h"
#include "libs/net/sha1.h"

namespace dt::daemon::recordings {
namespace {

constexpr std::string_view kSuffix = ".mp4";
constexpr size_t kIdSize = 36;
constexpr size_t kTimeSize = 15;  // 20260601_120000
constexpr size_t kLongestLabel = 100;
constexpr std::string_view kSpaces = " \t\n\v\f\r";
// The name space of URLs (RFC 9562, 6.6).
constexpr std::string_view kUrlSpace("\x6b\xa7\xb8\x11\x9d\xad\x11\xd1\x80\xb4\x00\xc0\x4f\xd4\x30\xc8", 16);

std::string name_uuid(std::string_view text) {
  std::string hash = dt::detail::sha1(std::string(kUrlSpace).append(text)).substr(0, 16);
  hash[6] = static_cast<char>((hash[6] & 0x0F) | 0x50);
  hash[8] = static_cast<char>((hash[8] & 0x3F) | 0x80);
  std::string hex = hex_encode(hash);
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" +
         hex.substr(20);
}

std::string name_of(std::string_view path) { return std::string(path.substr(path.rfind('/') + 1)); }

double seconds_between(const timespec& from, const timespec& to) {
  return static_cast<double>(to.tv_sec - from.tv_sec) + static_cast<double>(to.tv_nsec - from.tv_nsec) / 1e9;
}

bool word_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == '_' ||
         c == '-' || kSpaces.find(c) != std::string_view::npos;
}

// Not through a link: what is served must lie in the directory.
std::optional<Recording> stored_file(const std::string& path) {
  struct stat st{};
  if (::lstat(path.c_str(), &st) != 0 || !S_ISREG(st.st_mode)) return std::nullopt;
  Recording out{.id = id_of(path), .path = path, .start = st.st_mtim, .end = st.st_mtim};
  out.size = static_cast<uint64_t>(st.st_size);
  auto began = start_of(name_of(path));
  if (began && *began <= st.st_mtim.tv_sec) out.start = {*began, 0};
  return out;
}

}  // namespace

std::string file_name(const Recording& recording) { return name_of(recording.path); }

std::string json(const Recording& r) {
  std::string out = "{\"id\":";
  codec::write_string(out, r.id);
  out += ",\"fileName\":";
  codec::write_string(out, file_name(r));
  out += ",\"filePath\":";
  codec::write_string(out, r.path);
  out += ",\"startTime\":\"" + rfc3339(r.start) + "\",\"status\":\"" + std::string(r.status) + "\"";
  if (r.end) {
    out += ",\"endTime\":\"" + rfc3339(*r.end) + "\",\"durationSeconds\":";
    codec::write_double(out, std::max(0.0, seconds_between(r.start, *r.end)));
  }
  if (r.size) out += ",\"sizeBytes\":" + std::to_string(*r.size);
  return out + "}";
}

std::string list_json(const std::vector<Recording>& all) {
  std::vector<std::string> items;
  for (const Recording& recording : all) items.push_back(json(recording));
  return "{\"recordings\":[" + join(items, ",") + "]}";
}

bool valid_label(std::string_view label) {
  return !label.empty() && label.size() <= kLongestLabel && label.front() != '.' &&
         label.find_first_not_of(kSpaces) != std::string_view::npos && std::ranges::all_of(label, word_char);
}

std::string new_file_name(std::string_view id, std::string_view label, const timespec& start) {
  tm parts{};
  ::gmtime_r(&start.tv_sec, &parts);
  char time[32];
  std::strftime(time, sizeof time, "%Y%m%d_%H%M%S", &parts);
  return std::string(id) + "_" + std::string(label) + "_" + time + std::string(kSuffix);
}

std::string id_of(const std::string& path) {
  std::string name = name_of(path);
  std::string_view id = std::string_view(name).substr(0, kIdSize);
  return is_uuid(id) ? lower(id) : name_uuid(path);
}

std::optional<time_t> start_of(std::string_view name) {
  if (!name.ends_with(kSuffix) || !is_uuid(name.substr(0, kIdSize))) return std::nullopt;
  name.remove_suffix(kSuffix.size());
  if (name.size() < kIdSize + 1 + kTimeSize) return std::nullopt;
  std::string digits(name.substr(name.size() - kTimeSize));
  if (digits[8] != '_') return std::nullopt;
  digits.erase(8, 1);
  if (digits.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  auto number = [&](size_t at, size_t size) { return static_cast<int>(*parse_int(digits.substr(at, size))); };
  tm parts{};
  parts.tm_year = number(0, 4) - 1900;
  parts.tm_mon = number(4, 2) - 1;
  parts.tm_mday = number(6, 2);
  parts.tm_hour = number(8, 2);
  parts.tm_min = number(10, 2);
  parts.tm_sec = number(12, 2);
  return ::timegm(&parts);
}

Result<std::vector<Recording>> stored(const std::string& directory) {
  std::vector<Recording> out;
  std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(directory.c_str()), ::closedir);
  if (!dir && errno == ENOENT) return out;
  if (!dir) return fail_errno("list " + directory);
  while (dirent* entry = ::readdir(dir.get())) {
    std::string_view name = entry->d_name;
    if (!name.ends_with(kSuffix)) continue;
    if (auto found = stored_file(directory + "/" + std::string(name))) out.push_back(std::move(*found));
  }
  std::ranges::sort(out, {}, &Recording::path);
  return out;
}

Result<Recording> stored(const std::string& directory, std::string_view id) {
  TRY(std::vector<Recording> all, stored(directory));
  auto found = std::ranges::find(all, lower(id), &Recording::id);
  if (found == all.end()) return fail(Code::not_found, "recording not found");
  return *found;
}

}  // namespace dt::daemon::recordings
