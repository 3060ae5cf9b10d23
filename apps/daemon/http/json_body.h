// Members of a JSON request body as the toolbox reads them: names match in any case, unknown ones are
// ignored, null is the same as absent, a wrong type is an error. The first error wins and is kept until
// status() is asked.
#pragma once
#include <boost/json/object.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/error.h"

namespace dt::daemon {

class JsonBody {
 public:
  // `type` names the request in messages: "ExecuteRequest". An empty body fails with the text "EOF".
  static Result<JsonBody> parse(std::string_view text, std::string type);

  std::string text(std::string_view name);
  std::string required_text(std::string_view name);  // not empty
  std::optional<uint32_t> number(std::string_view name);
  std::optional<bool> flag(std::string_view name);
  std::optional<std::vector<std::string>> list(std::string_view name);
  std::optional<std::map<std::string, std::string>> map(std::string_view name);
  // An object inside; its status() is its own. `type` names it in messages.
  std::optional<JsonBody> object(std::string_view name, std::string type);
  bool has(std::string_view name) const { return find(name) != nullptr; }
  void missing(std::string_view name);  // records "required" for it
  // invalid_body with everything that was wrong; the message has no prefix.
  Status status() const;

 private:
  const boost::json::value* find(std::string_view name) const;
  void wrong(std::string_view name, const boost::json::value& value, std::string_view wanted);

  boost::json::object object_;
  std::string type_;
  std::string problem_;
};

}  // namespace dt::daemon
