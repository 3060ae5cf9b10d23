#include "libs/codec/json.h"

#include <boost/json.hpp>

#include "libs/base/text.h"

namespace dt::json {

Result<bj::value> parse(std::string_view text) {
  bj::error_code ec;
  bj::parse_options options;
  options.max_depth = 64;
  bj::value value = bj::parse(bj::string_view(text.data(), text.size()), ec, {}, options);
  if (ec) return fail(Code::invalid_body, "not valid JSON: " + ec.message());
  return value;
}

std::string serialize(const bj::value& value) { return bj::serialize(value); }

std::string quote(std::string_view text) {
  return bj::serialize(bj::value(bj::string(replace_invalid_utf8(text))));
}

}  // namespace dt::json
