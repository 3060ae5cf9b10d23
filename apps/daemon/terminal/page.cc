#include "apps/daemon/terminal/page.h"

#include "apps/daemon/http/errors.h"
#include "libs/base/text.h"

// Made by web.cmake.
extern const char dt_terminal_page[];
extern const unsigned long dt_terminal_page_size;
extern const char dt_terminal_xterm_js[];
extern const unsigned long dt_terminal_xterm_js_size;
extern const char dt_terminal_xterm_css[];
extern const unsigned long dt_terminal_xterm_css_size;
extern const char dt_terminal_fit_js[];
extern const unsigned long dt_terminal_fit_js_size;

namespace dt::daemon {
namespace {

struct File {
  std::string_view path;
  std::string_view media_type;
  const char* data;
  const unsigned long& size;
  bool compressed;
};

const File kFiles[] = {
    {"/", "text/html; charset=utf-8", dt_terminal_page, dt_terminal_page_size, false},
    {"/xterm.js", "text/javascript; charset=utf-8", dt_terminal_xterm_js, dt_terminal_xterm_js_size, true},
    {"/xterm.css", "text/css; charset=utf-8", dt_terminal_xterm_css, dt_terminal_xterm_css_size, true},
    {"/xterm-addon-fit.js", "text/javascript; charset=utf-8", dt_terminal_fit_js, dt_terminal_fit_js_size,
     true},
};

// "gzip", "*" or "gzip;q=0.5", but not "gzip;q=0".
bool takes_gzip(const Request& request) {
  for (std::string_view item : split(request.headers.get_or("Accept-Encoding"), ',')) {
    std::vector<std::string_view> parts = split(item, ';');
    std::string_view coding = trim(parts[0]);
    if (!iequals(coding, "gzip") && coding != "*") continue;
    std::string_view weight = parts.size() > 1 ? trim(parts[1]) : "q=1";
    return weight.find_first_of("123456789") != std::string_view::npos;
  }
  return false;
}

}  // namespace

Response terminal_file(const Request& request) {
  for (const File& file : kFiles) {
    if (request.path != file.path) continue;
    if (file.compressed && !takes_gzip(request))
      return Response::text(
          406, "this file is only sent with Content-Encoding gzip; ask for it with Accept-Encoding\n");
    Response response;
    response.headers.set("Content-Type", std::string(file.media_type));
    response.headers.set("X-Content-Type-Options", "nosniff");
    response.headers.set("Cache-Control", file.compressed ? "private, max-age=3600" : "no-cache");
    if (file.compressed) {
      response.headers.set("Content-Encoding", "gzip");
      response.headers.set("Vary", "Accept-Encoding");
    }
    response.body.assign(file.data, file.size);
    return response;
  }
  return not_routed();
}

}  // namespace dt::daemon
