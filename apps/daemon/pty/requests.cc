#include "apps/daemon/pty/requests.h"

#include <algorithm>

#include "apps/daemon/http/json_body.h"
#include "libs/base/text.h"

namespace dt::daemon {
namespace {

constexpr uint32_t kLargestSize = 1000;
constexpr std::string_view kExitControl = "X-Daytona-Pty-Exit-Control";
constexpr std::string_view kEnvs = "X-Daytona-Pty-Envs~";
constexpr std::string_view kSdkVersion = "X-Daytona-SDK-Version~";

Status check_size(std::string_view name, std::optional<uint32_t> value) {
  if (!value || *value <= kLargestSize) return {};
  return fail(Code::bad_request, "invalid value for " + std::string(name) + " - must be less than 1000");
}

Status check(PtyRequest& out, std::optional<uint32_t> cols, std::optional<uint32_t> rows) {
  if (out.id.empty()) return fail(Code::bad_request, "session ID is required");
  TRY_VOID(check_size("cols", cols));
  TRY_VOID(check_size("rows", rows));
  if (cols) out.size.cols = static_cast<uint16_t>(*cols);
  if (rows) out.size.rows = static_cast<uint16_t>(*rows);
  auto bad = [](const std::string& s) { return s.find('\0') != std::string::npos; };
  if (bad(out.cwd)) return fail(Code::bad_request, "cwd contains a NUL character");
  for (const auto& [name, value] : out.envs) {
    if (name.empty() || bad(name) || bad(value) || name.find('=') != std::string::npos)
      return fail(Code::bad_request, "invalid environment variable name or value");
  }
  return {};
}

Result<std::optional<uint32_t>> size_parameter(const Query& query, std::string_view name) {
  auto text = query.get(name);
  if (!text || text->empty()) return std::nullopt;
  auto number = parse_int(*text);
  if (!number || *number < 0 || *number > UINT32_MAX)
    return fail(Code::bad_request, "invalid value for " + std::string(name) + " - must be a number");
  return static_cast<uint32_t>(*number);
}

Result<std::map<std::string, std::string>> decode_envs(std::string_view base64) {
  std::map<std::string, std::string> out;
  if (base64.empty()) return out;
  auto text = base64_decode(base64);
  if (!text) return fail(Code::bad_request, "the environment is not valid base64url");
  // A member name keeps JsonBody in charge of the types.
  TRY(JsonBody body, JsonBody::parse("{\"envs\":" + *text + "}", "PtyCreateRequest"));
  if (auto envs = body.map("envs")) out = std::move(*envs);
  TRY_VOID(body.status());
  return out;
}

}  // namespace

Result<PtyRequest> decode_pty_create(std::string_view text) {
  TRY(JsonBody body, JsonBody::parse(text, "PtyCreateRequest"));
  PtyRequest out;
  out.id = body.text("id");
  out.cwd = body.text("cwd");
  if (auto envs = body.map("envs")) out.envs = std::move(*envs);
  auto cols = body.number("cols");
  auto rows = body.number("rows");
  out.lazy_start = body.flag("lazyStart").value_or(false);
  TRY_VOID(body.status());
  TRY_VOID(check(out, cols, rows));
  return out;
}

Result<PtyRequest> decode_pty_create_connect(const Request& request) {
  PtyRequest out;
  out.id = request.query.get("id").value_or("");
  out.cwd = request.query.get("cwd").value_or("");
  out.lazy_start = true;  // as such sessions always were: their shell starts with the first connection
  TRY(auto cols, size_parameter(request.query, "cols"));
  TRY(auto rows, size_parameter(request.query, "rows"));
  TRY(out.envs, decode_envs(read_pty_protocols(request).envs));
  TRY_VOID(check(out, cols, rows));
  return out;
}

Result<PtyResize> decode_pty_resize(std::string_view text) {
  TRY(JsonBody body, JsonBody::parse(text, "PtyResizeRequest"));
  PtyResize out{body.number("cols"), body.number("rows")};
  TRY_VOID(body.status());
  for (auto [name, value] : {std::pair("cols", out.cols), std::pair("rows", out.rows)})
    if (value.value_or(0) > kLargestSize)
      return fail(Code::bad_request, std::string(name) + " must be less than 1000");
  return out;
}

// Clients refuse an answer without any of the protocols that they offered.
PtyProtocols read_pty_protocols(const Request& request) {
  PtyProtocols out;
  std::string sdk, envs;
  for (const auto& [name, value] : request.headers.all()) {
    if (!iequals(name, "Sec-WebSocket-Protocol")) continue;
    for (std::string_view offered : split(value, ',')) {
      offered = trim(offered);
      if (offered == kExitControl) out.exit_control = true;
      if (offered.starts_with(kSdkVersion) && sdk.empty()) sdk = offered;
      if (offered.starts_with(kEnvs) && envs.empty()) envs = offered;
    }
  }
  if (!envs.empty()) out.envs = envs.substr(kEnvs.size());
  out.chosen = out.exit_control ? std::string(kExitControl) : !sdk.empty() ? sdk : envs;
  return out;
}

}  // namespace dt::daemon
