// Which server, and with which key: the environment, else the active profile of the configuration file.
#pragma once
#include <map>
#include <string>

#include "libs/base/error.h"
#include "libs/base/secret.h"
#include "libs/net/stream.h"

namespace dt::cli {

// A plain-http URL taken apart. TLS is not built in yet: https is refused with a sentence that says so.
struct Url {
  Endpoint endpoint;
  std::string path;  // without trailing slashes; "" or "/api"
};
Result<Url> parse_url(const std::string& text);

struct Settings {
  std::string api_url;  // with /api
  Secret key;           // API key or access token
};

using Environment = std::map<std::string, std::string>;
// DAYTONA_API_URL and DAYTONA_API_KEY when both are set, else $DAYTONA_CONFIG_DIR/config.json, else
// $XDG_CONFIG_HOME/daytona/config.json, else ~/.config/daytona/config.json.
Result<Settings> load_settings(const Environment& environment);

}  // namespace dt::cli
