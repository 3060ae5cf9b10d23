#include "apps/api/sandbox/list_query.h"
#include "libs/base/text.h"
#include "libs/codec/codec.h"

namespace dt::api {
namespace {

struct CursorText {
  std::string sort;
  std::optional<int64_t> number;
  std::optional<std::string> text;
  std::string id;
  static constexpr bool omit_null(std::string_view) { return true; }
};
BOOST_DESCRIBE_STRUCT(CursorText, (), (sort, number, text, id))

}  // namespace

std::string encode_cursor(const Cursor& cursor) {
  CursorText out{.sort = cursor.sort, .number = {}, .text = {}, .id = cursor.id};
  if (const auto* number = std::get_if<int64_t>(&cursor.value))
    out.number = *number;
  else
    out.text = std::get<std::string>(cursor.value);
  return base64url_encode(encode(out));
}

std::optional<Cursor> decode_cursor(std::string_view text) {
  auto bytes = base64_decode(text);
  if (!bytes) return std::nullopt;
  auto in = decode<CursorText>(*bytes);
  if (!in || in->number.has_value() == in->text.has_value()) return std::nullopt;
  return Cursor{in->sort, in->number ? SqlValue(*in->number) : SqlValue(*in->text), in->id};
}

}  // namespace dt::api
