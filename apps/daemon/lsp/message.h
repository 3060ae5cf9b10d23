// JSON-RPC 2.0 as language servers speak it: what they send, taken apart, and the texts that are sent to
// them.
#pragma once
#include <boost/json/fwd.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "libs/base/error.h"

namespace dt::daemon::lsp {

using Json = std::shared_ptr<const boost::json::value>;

struct Message {
  // other: a notification, or an answer to something that was never asked.
  enum class Kind { answer, request, other } kind = Kind::other;
  int64_t id = 0;       // answer
  Result<Json> answer;  // bad_request with the server's words when it refuses; `code` of it in sys_errno
  std::string reply;    // request: what is sent back. No server is told more than null.
};

// Fails (bad_gateway) when the text is not a JSON object. Text that is not UTF-8 and lone surrogates, which
// servers send where they cut a string in two, are replaced.
Result<Message> parse_message(const std::string& text);

// `params` is JSON or empty for none. Without a frame.
std::string request_text(int64_t id, std::string_view method, std::string_view params);
std::string notification_text(std::string_view method, std::string_view params);

}  // namespace dt::daemon::lsp
