// JSON values. This header only forward-declares; include <boost/json.hpp> in the .cc that builds or walks
// values.
#pragma once
#include <boost/json/fwd.hpp>
#include <string>
#include <string_view>

#include "libs/base/error.h"

namespace dt::json {
namespace bj = boost::json;
// UTF-8 text only (RFC 8259), depth at most 64. Fails with invalid_body.
Result<bj::value> parse(std::string_view text);
std::string serialize(const bj::value& value);
std::string quote(std::string_view text);  // a JSON string; invalid UTF-8 becomes U+FFFD
}  // namespace dt::json
