#include "apps/daemon/desktop/program/x11/screenshot.h"

#include "apps/daemon/desktop/program/x11/pointer.h"
#include "apps/daemon/desktop/program/x11/screen.h"
#include "libs/base/text.h"

namespace dt::desktop {
namespace {

struct Shot {
  Picture picture;
  Rect area;
  Point pointer;  // on the screen
};

Result<Shot> shoot(Connection& x, const ScreenshotQuery& query) {
  Shot out;
  if (query.region) {
    out.area = *query.region;
  } else {
    TRY(std::vector<Rect> all, displays(x));
    out.area = all[0];
  }
  TRY(out.picture, capture(x, out.area));
  if (query.show_cursor) {
    TRY(PointerState state, pointer(x));
    out.pointer = state.position;
  }
  return out;
}

struct Encoded {
  std::string bytes;
  double scale = 1;  // that was applied
};

Result<Encoded> encode(Shot& shot, const ScreenshotQuery& query, Compressed compressed) {
  if (query.show_cursor)
    draw_pointer(shot.picture, shot.pointer.x - shot.area.x, shot.pointer.y - shot.area.y);
  Encoded out;
  bool known = query.format == "png" || query.format == "jpeg";
  if (compressed == Compressed::yes && known && query.scale != 1) {
    shot.picture = scaled(shot.picture, query.scale);
    out.scale = query.scale;
  }
  bool jpeg = compressed == Compressed::yes && query.format == "jpeg";
  TRY(out.bytes, jpeg ? encode_jpeg(shot.picture, query.quality) : encode_png(shot.picture));
  return out;
}

// Where the answer says that the pointer is (toolbox §21.4, second table).
std::optional<Point> cursor_position(const Shot& shot, const ScreenshotQuery& query, Compressed compressed,
                                     double scale) {
  Point origin = query.region ? Point{shot.area.x, shot.area.y} : Point{};
  if (!query.show_cursor) return compressed == Compressed::yes ? std::nullopt : std::optional(origin);
  if (compressed == Compressed::no) return shot.pointer;
  auto along = [scale](int from, int to) { return from + static_cast<int>((to - from) * scale); };
  return Point{along(origin.x, shot.pointer.x), along(origin.y, shot.pointer.y)};
}

Result<std::string> answer(Shot shot, const ScreenshotQuery& query, Compressed compressed) {
  TRY(Encoded encoded, encode(shot, query, compressed));
  std::string out = "{\"screenshot\":\"" + base64_encode(encoded.bytes) + "\"";
  if (auto at = cursor_position(shot, query, compressed, encoded.scale))
    out += ",\"cursorPosition\":{\"x\":" + std::to_string(at->x) + ",\"y\":" + std::to_string(at->y) + "}";
  if (compressed == Compressed::yes) out += ",\"sizeBytes\":" + std::to_string(encoded.bytes.size());
  return out + "}";
}

}  // namespace

Task<Result<std::string>> take_screenshot(XServer& server, WorkerPool& encoders, ScreenshotQuery query,
                                          Compressed compressed) {
  const ScreenshotQuery& wanted = query;
  auto shot = co_await server.run([&wanted](Connection& x) { return shoot(x, wanted); });
  if (!shot) co_return std::unexpected(std::move(shot).error());
  Shot& taken = *shot;
  co_return co_await encoders.run([&] { return answer(std::move(taken), wanted, compressed); });
}

}  // namespace dt::desktop
