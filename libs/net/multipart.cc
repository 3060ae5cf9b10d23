#include "libs/net/multipart.h"

#include "libs/base/text.h"

namespace dt {
namespace {

constexpr size_t kMaxPartHeader = 16 * 1024;
constexpr size_t kMaxBoundary = 200;
constexpr size_t kMaxPreamble = 64 * 1024;

std::unexpected<Error> bad(const char* what) {
  return fail(Code::bad_request, std::string("multipart body: ") + what);
}

std::string_view blank_trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The text of a quoted string whose opening quote is the first character; takes it off `in`.
std::string take_quoted(std::string_view& in) {
  std::string out;
  size_t i = 1;
  for (; i < in.size() && in[i] != '"'; ++i) {
    // Browsers escape only the quote: a backslash before anything else is a character of its own (C:\file).
    bool escape = in[i] == '\\' && i + 1 < in.size() && (in[i + 1] == '"' || in[i + 1] == '\\');
    if (escape) ++i;
    out += in[i];
  }
  in.remove_prefix(std::min(i + 1, in.size()));
  return out;
}

using Params = std::vector<std::pair<std::string, std::string>>;

// "form-data; name=a; filename=\"b\"" -> {name: a, filename: b}
Params parse_params(std::string_view text) {
  Params out;
  size_t semicolon = text.find(';');
  while (semicolon != std::string_view::npos) {
    text = blank_trim(text.substr(semicolon + 1));
    size_t equal = text.find_first_of("=;");
    if (equal == std::string_view::npos) break;
    std::string key = lower(blank_trim(text.substr(0, equal)));
    if (text[equal] == ';') {
      semicolon = equal;
      continue;
    }
    text = blank_trim(text.substr(equal + 1));
    std::string value;
    if (text.starts_with('"'))
      value = take_quoted(text);
    else
      value = blank_trim(text.substr(0, text.find(';')));
    out.emplace_back(std::move(key), std::move(value));
    semicolon = text.find(';');
  }
  return out;
}

const std::string* find_param(const Params& params, std::string_view key) {
  for (const auto& [k, v] : params)
    if (k == key) return &v;
  return nullptr;
}

// RFC 5987: UTF-8''na%C3%AFve.txt
std::optional<std::string> decode_extended(std::string_view text) {
  size_t first = text.find('\'');
  if (first == std::string_view::npos) return std::nullopt;
  size_t second = text.find('\'', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  auto decoded = percent_decode(text.substr(second + 1));
  if (!decoded) return std::nullopt;
  if (iequals(text.substr(0, first), "utf-8") && !valid_utf8(*decoded)) return std::nullopt;
  return std::move(*decoded);
}

Result<MultipartReader::Part> parse_part(std::string_view head) {
  MultipartReader::Part part;
  while (!head.empty()) {
    size_t end = head.find("\r\n");
    if (end == std::string_view::npos) return bad("a header line does not end in CRLF");
    std::string_view line = head.substr(0, end);
    head.remove_prefix(end + 2);
    size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return bad("a header line has no name");
    part.headers.add(line.substr(0, colon), std::string(blank_trim(line.substr(colon + 1))));
  }
  std::string_view disposition = part.headers.get_or("Content-Disposition");
  if (!istarts_with(disposition, "form-data")) return bad("a part is not form-data");
  Params params = parse_params(disposition);
  const std::string* name = find_param(params, "name");
  if (!name) return bad("a part has no name");
  part.name = *name;
  if (const std::string* plain = find_param(params, "filename")) part.filename = *plain;
  if (const std::string* extended = find_param(params, "filename*"))
    if (auto decoded = decode_extended(*extended)) part.filename = std::move(*decoded);
  return part;
}

}  // namespace

Result<std::string> MultipartReader::boundary_of(std::string_view content_type) {
  if (!istarts_with(content_type, "multipart/form-data"))
    return fail(Code::bad_request, "the body must be multipart/form-data");
  Params params = parse_params(content_type);
  const std::string* boundary = find_param(params, "boundary");
  if (!boundary || boundary->empty() || boundary->size() > kMaxBoundary)
    return fail(Code::bad_request, "multipart/form-data without a usable boundary");
  for (char c : *boundary)
    if (static_cast<unsigned char>(c) < 0x20)
      return fail(Code::bad_request, "multipart/form-data without a usable boundary");
  return *boundary;
}

struct MultipartReader::Impl {
  enum class State { preamble, header, content, end };
  BodyReader& body;
  std::string delimiter;  // CRLF--boundary
  std::string buffer;
  size_t used = 0;  // bytes at the front of the buffer that were handed out
  State state = State::preamble;
  bool at_start = false;  // of a part's content, in front of the CRLF of the empty line

  Task<Status> more();
  Task<Status> skip_preamble();
  Task<Status> after_delimiter();
  std::string_view view() const { return std::string_view(buffer).substr(used); }
};

// Appends the next piece of the body; its end is an error, because the closing boundary was not there yet.
Task<Status> MultipartReader::Impl::more() {
  buffer.erase(0, std::exchange(used, 0));
  CO_TRY(std::string_view piece, co_await body.next());
  if (piece.empty()) co_return bad("ended before the closing boundary");
  buffer.append(piece);
  co_return Status();
}

// Called with the delimiter just consumed: "--" ends everything, otherwise blanks and CRLF begin a part.
Task<Status> MultipartReader::Impl::after_delimiter() {
  for (;;) {
    std::string_view text = view();
    size_t blanks = text.find_first_not_of(" \t");
    bool enough = blanks != std::string_view::npos && text.size() >= blanks + 2;
    if (!enough && text.size() > kMaxPartHeader) co_return bad("boundary line too long");
    if (!enough) {
      CO_TRY_VOID(co_await more());
      continue;
    }
    if (text.starts_with("--")) {
      state = State::end;
      co_return Status();
    }
    if (text.substr(blanks, 2) != "\r\n") co_return bad("malformed boundary line");
    used += blanks + 2;
    state = State::header;
    co_return Status();
  }
}

Task<Status> MultipartReader::Impl::skip_preamble() {
  buffer = "\r\n";  // so that a boundary in the first line is found like any other
  for (;;) {
    size_t at = buffer.find(delimiter);
    if (at != std::string::npos) {
      used = at + delimiter.size();
      co_return co_await after_delimiter();
    }
    if (buffer.size() > kMaxPreamble) co_return bad("no boundary found");
    CO_TRY_VOID(co_await more());
  }
}

MultipartReader::MultipartReader(BodyReader& body, std::string boundary)
    : impl_(new Impl{.body = body, .delimiter = "\r\n--" + boundary, .buffer = {}}) {}
MultipartReader::~MultipartReader() = default;

Task<Result<std::optional<MultipartReader::Part>>> MultipartReader::next_part() {
  Impl& m = *impl_;
  if (m.state == Impl::State::preamble) CO_TRY_VOID(co_await m.skip_preamble());
  while (m.state == Impl::State::content) CO_TRY_VOID(co_await read());
  if (m.state == Impl::State::end) {
    // The epilogue is read so that the connection can be used again.
    for (bool more = true; more;) {
      CO_TRY(std::string_view piece, co_await m.body.next());
      more = !piece.empty();
    }
    co_return std::nullopt;
  }
  for (;;) {
    std::string_view text = m.view();
    size_t end = text.starts_with("\r\n") ? 0 : text.find("\r\n\r\n");
    if (end != std::string_view::npos) {
      size_t head = end == 0 ? 0 : end + 2;
      CO_TRY(Part part, parse_part(text.substr(0, head)));
      // The CRLF of the empty line stays: the delimiter of an empty part may begin with it.
      m.used += head;
      m.at_start = true;
      m.state = Impl::State::content;
      co_return std::move(part);
    }
    if (text.size() > kMaxPartHeader) co_return bad("the header of a part is too long");
    CO_TRY_VOID(co_await m.more());
  }
}

Task<Result<std::string_view>> MultipartReader::read() {
  Impl& m = *impl_;
  if (m.state != Impl::State::content) co_return std::string_view();
  for (;;) {
    std::string_view text = m.view();
    if (m.at_start && text.size() < m.delimiter.size() && m.delimiter.starts_with(text)) {
      CO_TRY_VOID(co_await m.more());
      continue;
    }
    if (std::exchange(m.at_start, false) && !text.starts_with(m.delimiter)) {
      m.used += 2;
      text.remove_prefix(2);
    }
    size_t at = text.find(m.delimiter);
    if (at == 0) {
      m.used += m.delimiter.size();
      CO_TRY_VOID(co_await m.after_delimiter());
      co_return std::string_view();
    }
    // What could be the beginning of a delimiter waits for the next piece.
    size_t safe = at;
    if (at == std::string_view::npos)
      safe = text.size() >= m.delimiter.size() ? text.size() - m.delimiter.size() + 1 : 0;
    if (safe > 0) {
      m.used += safe;
      co_return text.substr(0, safe);
    }
    CO_TRY_VOID(co_await m.more());
  }
}

}  // namespace dt
