#include <array>
#include <cstring>

#include "libs/base/text.h"
#include "libs/net/http.h"
#include "libs/net/http_chars.h"

namespace dt {
namespace {

using detail::is_field_value_char;
using detail::is_token;

constexpr size_t kMaxFields = 256;

// Cuts one line off; nullopt when it does not end in CRLF or holds a bare CR or LF.
std::optional<std::string_view> take_line(std::string_view& text) {
  const void* found = memchr(text.data(), '\r', text.size());
  if (!found) return std::nullopt;
  size_t at = static_cast<size_t>(static_cast<const char*>(found) - text.data());
  if (at + 1 >= text.size() || text[at + 1] != '\n') return std::nullopt;
  std::string_view line = text.substr(0, at);
  text.remove_prefix(at + 2);
  return line;
}

std::string_view trim_blank(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::unexpected<Error> bad(std::string_view what) {
  return fail(Code::bad_request, "malformed HTTP: " + std::string(what));
}

Status parse_fields(std::string_view text, Headers& out) {
  for (;;) {
    auto line = take_line(text);
    if (!line) return bad("a header line does not end in CRLF");
    if (line->empty()) return text.empty() ? Status() : bad("bytes after the header");
    if (line->front() == ' ' || line->front() == '\t') return bad("folded header line");
    size_t colon = line->find(':');
    if (colon == std::string_view::npos) return bad("header line without a colon");
    std::string_view name = line->substr(0, colon);
    std::string_view value = trim_blank(line->substr(colon + 1));
    if (!is_token(name)) return bad("illegal header name");
    for (char c : value)
      if (!is_field_value_char(c)) return bad("control character in a header");
    if (out.all().size() >= kMaxFields) return fail(Code::header_too_large, "too many header fields");
    out.add(name, std::string(value));
  }
}

Result<uint64_t> parse_length(std::string_view text) {
  uint64_t value = 0;
  if (text.empty() || text.size() > 18) return bad("Content-Length");
  for (char c : text) {
    if (c < '0' || c > '9') return bad("Content-Length");
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  return value;
}

struct Seen {
  size_t lengths = 0, codings = 0, hosts = 0;
  bool close = false, keep_alive = false;
};

void read_connection(std::string_view value, Seen& seen) {
  for (std::string_view part : split(value, ',')) {
    std::string_view token = trim_blank(part);
    if (iequals(token, "close")) seen.close = true;
    if (iequals(token, "keep-alive")) seen.keep_alive = true;
  }
}

// A name, an address or a bracketed address, with a port; an empty value is legal for targets without
// authority.
bool plausible_host(std::string_view value) {
  for (char c : value) {
    bool good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                std::string_view("-._~%!$&'()*+,;=:[]").find(c) != std::string_view::npos;
    if (!good) return false;
  }
  return true;
}

// What the fields say about framing and persistence.
Status read_fields(ParsedHead& head, Seen& seen) {
  for (const auto& [name, value] : head.headers.all()) {
    if (name.size() == 4 && iequals(name, "Host")) {
      ++seen.hosts;
      if (!plausible_host(value)) return bad("Host is no host");
    }
    if (name.size() == 10 && iequals(name, "Connection")) read_connection(value, seen);
    if (name.size() == 14 && iequals(name, "Content-Length")) {
      ++seen.lengths;
      auto length = parse_length(value);
      if (!length) return std::unexpected(std::move(length).error());
      head.content_length = *length;
    }
    if (name.size() == 17 && iequals(name, "Transfer-Encoding")) {
      ++seen.codings;
      if (!iequals(value, "chunked")) return bad("Transfer-Encoding other than chunked");
      head.chunked = true;
    }
  }
  if (seen.lengths > 1) return bad("more than one Content-Length");
  if (seen.codings > 1) return bad("more than one Transfer-Encoding");
  if (seen.lengths && seen.codings) return bad("Content-Length together with Transfer-Encoding");
  if (head.chunked && head.http_1_0) return bad("Transfer-Encoding in HTTP/1.0");
  head.keep_alive = !seen.close && (!head.http_1_0 || seen.keep_alive);
  return {};
}

Status parse_version(std::string_view text, ParsedHead& head) {
  if (text == "HTTP/1.1") return {};
  if (text == "HTTP/1.0") {
    head.http_1_0 = true;
    return {};
  }
  bool version = text.size() == 8 && text.starts_with("HTTP/") && text[5] >= '0' && text[5] <= '9' &&
                 text[6] == '.' && text[7] >= '0' && text[7] <= '9';
  if (version) return fail(Code::http_version, "only HTTP/1.0 and HTTP/1.1 are spoken here");
  return bad("protocol version");
}

// Absolute form to origin form: the authority is for proxies, the Host field was checked.
Status normalize_target(std::string_view raw, ParsedHead& head) {
  if (raw.empty()) return bad("empty target");
  for (char c : raw)
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) return bad("illegal character in the target");
  if (raw == "*") {
    if (head.method != "OPTIONS") return bad("target * is for OPTIONS");
    head.target = raw;
    return {};
  }
  for (std::string_view scheme : {"http://", "https://"}) {
    if (!istarts_with(raw, scheme)) continue;
    raw.remove_prefix(scheme.size());
    size_t end = raw.find_first_of("/?#");
    if (end == 0 || raw.empty()) return bad("target without an authority");
    raw = end == std::string_view::npos ? std::string_view() : raw.substr(end);
    head.target = raw.starts_with('/') ? std::string(raw) : "/" + std::string(raw);
    return {};
  }
  if (raw.front() != '/') return bad("target");
  head.target = raw;
  return {};
}

}  // namespace

Result<ParsedHead> parse_request_head(std::string_view text) {
  ParsedHead head;
  auto line = take_line(text);
  if (!line) return bad("request line does not end in CRLF");
  size_t first = line->find(' ');
  size_t last = line->rfind(' ');
  if (first == std::string_view::npos || first == last) return bad("request line");
  head.method = line->substr(0, first);
  if (!is_token(head.method) || head.method.size() > 32) return bad("method");
  TRY_VOID(parse_version(line->substr(last + 1), head));
  TRY_VOID(normalize_target(line->substr(first + 1, last - first - 1), head));
  TRY_VOID(parse_fields(text, head.headers));
  Seen seen;
  TRY_VOID(read_fields(head, seen));
  if (seen.hosts > 1) return bad("more than one Host");
  if (seen.hosts == 0 && !head.http_1_0) return bad("missing Host");
  return head;
}

Result<ParsedHead> parse_response_head(std::string_view text) {
  ParsedHead head;
  auto line = take_line(text);
  if (!line) return bad("status line does not end in CRLF");
  TRY_VOID(parse_version(line->substr(0, line->find(' ')), head));
  std::string_view rest = line->substr(8);
  bool shaped = rest.size() >= 4 && rest[0] == ' ' && (rest.size() == 4 || rest[4] == ' ');
  if (!shaped) return bad("status line");
  for (int i = 1; i <= 3; ++i) {
    if (rest[static_cast<size_t>(i)] < '0' || rest[static_cast<size_t>(i)] > '9') return bad("status code");
    head.status = head.status * 10 + (rest[static_cast<size_t>(i)] - '0');
  }
  if (head.status < 100 || head.status > 599) return bad("status code");
  for (char c : rest)
    if (!is_field_value_char(c)) return bad("control character in the status line");
  TRY_VOID(parse_fields(text, head.headers));
  Seen seen;
  TRY_VOID(read_fields(head, seen));
  return head;
}

std::string format_head(const Headers& headers, std::string_view start_line) {
  std::string out;
  size_t size = start_line.size() + 4;
  for (const auto& [name, value] : headers.all()) size += name.size() + value.size() + 4;
  out.reserve(size + 128);  // room for what the caller appends
  out.append(start_line).append("\r\n");
  for (const auto& [name, value] : headers.all()) {
    if (!is_token(name)) continue;
    out.append(name).append(": ");
    size_t from = out.size();
    out.append(value);
    for (size_t i = from; i < out.size(); ++i)
      if (!is_field_value_char(out[i])) out[i] = ' ';
    out.append("\r\n");
  }
  out.append("\r\n");
  return out;
}

}  // namespace dt
