#include "apps/daemon/desktop/program/accessibility/errors.h"

namespace dt::desktop::a11y {
namespace {

Error make(Code code, std::string_view text, std::string_view why, std::string_view wire_code) {
  std::string message(text);
  if (!why.empty()) message += ": " + std::string(why);
  return {code, std::move(message), std::string(wire_code)};
}

}  // namespace

Error unreachable(std::string_view why) {
  return make(Code::unavailable, "accessibility bus not reachable", why, "A11Y_UNAVAILABLE");
}
Error node_not_found(std::string_view why) {
  return make(Code::not_found, "accessibility node not found", why, "A11Y_NODE_NOT_FOUND");
}
Error no_root(std::string_view why) {
  return make(Code::not_found, "no accessible root for focused window", why, "A11Y_NO_ACCESSIBLE_ROOT");
}
Error not_supported(std::string_view why) {
  return make(Code::bad_request, "action not supported by node", why, "A11Y_ACTION_NOT_SUPPORTED");
}
Error invalid_scope(std::string_view why) {
  return make(Code::bad_request, "invalid accessibility scope", why, "A11Y_INVALID_SCOPE");
}
Error invalid_request(std::string_view why) {
  return make(Code::bad_request, "invalid accessibility request", why, "A11Y_INVALID_REQUEST");
}
Error internal(std::string_view why) {
  return make(Code::internal, "accessibility failed", why, "A11Y_INTERNAL");
}

Error call_error(const Error& error, std::string_view what) {
  std::string why = std::string(what) + ": " + error.message;
  switch (error.code) {
    case Code::not_found:
      return node_not_found(why);
    case Code::not_implemented:
      return not_supported(why);
    case Code::closed:
      return unreachable(why);
    case Code::timeout:
      return internal(std::string(what) + ": the application does not answer (" + error.message + ")");
    default:
      return internal(why);
  }
}

}  // namespace dt::desktop::a11y
