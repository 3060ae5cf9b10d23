// Configuration: one table of properties, filled from defaults, one TOML file, the environment and the
// command line, in this order. Key "api.listen" is read from DAYTONA_SERVER_API_LISTEN and from [api] listen.
// Unknown keys are refused. docs/configuration.md is printed from the same table (`daytona-server config
// --markdown`).
#pragma once
#include <map>
#include <string>
#include <vector>

#include "libs/base/error.h"

namespace dt::server {

struct Property {
  enum class Type { text, integer, boolean, number };
  std::string_view key;
  Type type;
  std::string_view fallback;
  std::string_view meaning;
  bool secret = false;
};
const std::vector<Property>& properties();
std::string environment_name(std::string_view key);  // DAYTONA_SERVER_API_LISTEN

class Config {
 public:
  struct Sources {
    std::string file;  // empty: none
    bool file_required = false;
    std::map<std::string, std::string> environment;  // of the process
    std::vector<std::string> overrides;              // "key=value"
  };
  static Result<Config> load(const Sources& sources);

  const std::string& text(std::string_view key) const;  // CHECKs that the key is in the table
  int64_t integer(std::string_view key) const;
  double number(std::string_view key) const;
  bool boolean(std::string_view key) const;
  std::vector<std::string> list(std::string_view key) const;  // comma-separated

 private:
  Status set(std::string_view key, std::string value, std::string_view origin);
  std::map<std::string, std::string, std::less<>> values_;
};

std::string describe_markdown();

}  // namespace dt::server
