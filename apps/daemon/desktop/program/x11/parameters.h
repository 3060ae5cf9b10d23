// What requests for computer use carry, read with the contract's rules and texts (toolbox §21.4-§21.6). Pure.
#pragma once
#include <optional>
#include <string>

#include "apps/daemon/desktop/program/x11/connection.h"
#include "libs/net/http.h"

namespace dt::desktop {

struct ScreenshotQuery {
  std::optional<Rect> region;  // all of the display
  bool show_cursor = false;
  // Compressed ones only.
  std::string format = "png";  // as the client wrote it
  int quality = 85;
  double scale = 1;
};
enum class Region : bool { no, yes };
enum class Compressed : bool { no, yes };
Result<ScreenshotQuery> parse_screenshot_query(const Query& query, Region region, Compressed compressed);

// The members of a JSON object. Names match in any case; absent, null and zero are the same.
class Body {
 public:
  // `problem` is the text for whatever is wrong with it.
  static Task<Result<Body>> read(Request& request, std::string problem);
  Result<Point> point(std::string_view x, std::string_view y) const;
  bool has(std::string_view name) const;  // and it is not null
  Result<int64_t> integer(std::string_view name) const;
  Result<std::string> text(std::string_view name) const;
  Result<bool> flag(std::string_view name) const;
  Result<std::vector<std::string>> list(std::string_view name) const;

 private:
  struct Members;
  Error problem() const;
  std::shared_ptr<const Members> members_;
  std::string problem_;
};

}  // namespace dt::desktop
