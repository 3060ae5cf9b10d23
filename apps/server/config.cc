#include "apps/server/config.h"

#include <toml++/toml.h>

#include "libs/base/fd.h"
#include "libs/base/text.h"

namespace dt::server {

using Type = Property::Type;

const std::vector<Property>& properties() {
  static const std::vector<Property> table = {
      {"state_dir", Type::text, "/var/lib/daytona", "where everything that must survive is kept"},
      {"service_user", Type::text, "", "user the API and the proxy run as; empty: the user that starts them"},
      {"log.level", Type::text, "info", "debug, info, warn or error"},
      {"log.json", Type::boolean, "false", "one JSON object a line instead of text"},
      {"log.requests", Type::boolean, "true", "an access log record for each API request"},

      {"api.listen", Type::text, "0.0.0.0:3000", "address of the API"},
      {"api.public_url", Type::text, "http://localhost:3000", "the API as clients reach it, without /api"},
      {"api.internal", Type::text, "127.0.0.1:3000", "the API as the runner and the proxy reach it"},
      {"api.admin_key", Type::text, "", "first API key; empty: one is generated at the first start", true},
      {"api.body_limit", Type::integer, "1048576", "bytes of a request body; larger ones get 413"},

      {"proxy.listen", Type::text, "0.0.0.0:4000", "address of the proxy"},
      {"proxy.public_url", Type::text, "http://localhost:4000",
       "the proxy as clients reach it; `localhost` resolves in every language runtime, names below it do "
       "not"},
      {"proxy.preview_url", Type::text, "http://{{PORT}}-{{sandboxId}}.localhost:4000",
       "pattern of preview links"},
      {"proxy.log_requests", Type::boolean, "false", "an access log record for each request"},

      {"runner.listen", Type::text, "127.0.0.1:3003", "address of the runner, for the proxy only"},
      {"runner.public_url", Type::text, "",
       "the runner as the proxy reaches it; empty: http://<runner.listen>"},
      {"runner.name", Type::text, "default", "name in the list of runners"},
      {"runner.region", Type::text, "us", "region of this runner and of the first organization"},
      {"runner.instance", Type::text, "dtn",
       "prefix of network interfaces, name of the nftables table; at most 6 characters"},
      {"runner.subnet", Type::text, "10.207.0.0/16", "addresses of sandboxes, one each"},
      {"runner.ready_slots", Type::integer, "32", "network slots made beforehand"},
      {"runner.dns", Type::text, "", "upstream resolvers, comma-separated; empty: those of the host"},
      {"runner.denied_networks", Type::text, "",
       "ranges (CIDR, comma-separated) no sandbox may reach; empty: private, link-local and metadata ranges"},
      {"runner.cgroup", Type::text, "daytona", "cgroup under which sandboxes live"},
      {"runner.first_user_id", Type::integer, "1073741824",
       "host user ids of sandboxes begin here, 65,536 for each"},
      {"runner.user_id_ranges", Type::integer, "40000", "how many such ranges there are"},
      {"runner.pool_dir", Type::text, "", "storage pool; empty: <state_dir>/pool"},
      {"runner.pool_size_gib", Type::integer, "0",
       "size of the loop-mounted pool; 0: 80 % of the free space, sparse"},
      {"runner.daemon", Type::text, "", "the in-sandbox daemon; empty: daytona-daemon beside this program"},

      {"snapshot.name", Type::text, "daytonaio/sandbox:0.1.0", "snapshot that a create without one uses"},
      {"snapshot.cpu", Type::integer, "1", "cores of a sandbox made from it"},
      {"snapshot.memory_gib", Type::integer, "1", "memory of a sandbox made from it"},
      {"snapshot.disk_gib", Type::integer, "3", "disk of a sandbox made from it"},
  };
  return table;
}

namespace {

const Property* find(std::string_view key) {
  for (const Property& p : properties())
    if (p.key == key) return &p;
  return nullptr;
}

std::string closest(std::string_view key) {
  // The table is short: a name that shares the last part is hint enough.
  size_t dot = key.rfind('.');
  std::string_view last = dot == std::string_view::npos ? key : key.substr(dot + 1);
  for (const Property& p : properties())
    if (p.key.ends_with(last)) return " (did you mean " + std::string(p.key) + "?)";
  return " (see `daytona-server config`)";
}

// Flattens tables to dotted keys.
Status flatten(const toml::table& table, const std::string& prefix, std::map<std::string, std::string>& out) {
  for (const auto& [k, node] : table) {
    std::string key = prefix + std::string(k.str());
    if (const toml::table* sub = node.as_table()) {
      TRY_VOID(flatten(*sub, key + ".", out));
    } else if (auto text = node.value<std::string>()) {
      out[key] = *text;
    } else if (node.is_integer()) {
      out[key] = std::to_string(*node.value<int64_t>());
    } else if (node.is_boolean()) {
      out[key] = *node.value<bool>() ? "true" : "false";
    } else if (node.is_floating_point()) {
      out[key] = std::to_string(*node.value<double>());
    } else {
      return fail(Code::bad_request, key + ": only text, numbers and booleans are values here");
    }
  }
  return {};
}

}  // namespace

std::string environment_name(std::string_view key) {
  std::string name = "DAYTONA_SERVER_";
  for (char c : key) name += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

Status Config::set(std::string_view key, std::string value, std::string_view origin) {
  const Property* p = find(key);
  auto bad = [&](std::string_view what) {
    return fail(Code::bad_request, std::string(origin) + ": " + std::string(key) + " " + std::string(what));
  };
  if (!p) return bad("is not a setting" + closest(key));
  if (p->type == Type::integer && !parse_int(value))
    return bad("must be a whole number, not '" + value + "'");
  if (p->type == Type::number && !parse_double(value)) return bad("must be a number, not '" + value + "'");
  if (p->type == Type::boolean && value != "true" && value != "false")
    return bad("must be true or false, not '" + value + "'");
  values_[std::string(key)] = std::move(value);
  return {};
}

Result<Config> Config::load(const Sources& sources) {
  Config config;
  for (const Property& p : properties()) config.values_[std::string(p.key)] = p.fallback;
  if (!sources.file.empty()) {
    auto text = read_file(sources.file, 1u << 20);
    if (text) {
      toml::table parsed;
      std::map<std::string, std::string> flat;
      try {
        parsed = toml::parse(*text, sources.file);
      } catch (const toml::parse_error& e) {
        return fail(Code::bad_request, sources.file + ":" + std::to_string(e.source().begin.line) + ": " +
                                           std::string(e.description()));
      }
      TRY_VOID(flatten(parsed, "", flat));
      for (auto& [key, value] : flat) TRY_VOID(config.set(key, std::move(value), sources.file));
    } else if (sources.file_required || text.error().code != Code::not_found) {
      return std::unexpected(std::move(text.error()).context("configuration"));
    }
  }
  for (const auto& [name, value] : sources.environment) {
    if (!name.starts_with("DAYTONA_SERVER_") || name == "DAYTONA_SERVER_URL")
      continue;  // the latter is the SDKs'
    bool known = false;
    for (const Property& p : properties()) {
      if (environment_name(p.key) != name) continue;
      TRY_VOID(config.set(p.key, value, "environment " + name));
      known = true;
    }
    if (!known)
      return fail(Code::bad_request,
                  "environment: " + name + " is not a setting (see `daytona-server config`)");
  }
  for (const std::string& pair : sources.overrides) {
    size_t eq = pair.find('=');
    if (eq == std::string::npos) return fail(Code::bad_request, "--set wants key=value, not '" + pair + "'");
    TRY_VOID(config.set(pair.substr(0, eq), pair.substr(eq + 1), "--set"));
  }
  return config;
}

const std::string& Config::text(std::string_view key) const {
  auto it = values_.find(key);
  CHECK(it != values_.end());
  return it->second;
}
int64_t Config::integer(std::string_view key) const { return parse_int(text(key)).value_or(0); }
double Config::number(std::string_view key) const { return parse_double(text(key)).value_or(0); }
bool Config::boolean(std::string_view key) const { return text(key) == "true"; }
std::vector<std::string> Config::list(std::string_view key) const {
  std::vector<std::string> out;
  for (std::string_view part : split(text(key), ','))
    if (!trim(part).empty()) out.emplace_back(trim(part));
  return out;
}

std::string describe_markdown() {
  std::string out = "| key | default | environment | meaning |\n|---|---|---|---|\n";
  for (const Property& p : properties())
    out += "| `" + std::string(p.key) + "` | " +
           (p.fallback.empty() ? "" : "`" + std::string(p.fallback) + "`") + " | `" +
           environment_name(p.key) + "` | " + std::string(p.meaning) + " |\n";
  return out;
}

}  // namespace dt::server
